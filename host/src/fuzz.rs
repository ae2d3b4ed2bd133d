//! What must hold of any bytes: called by tests, and by the targets in `fuzz`.

use casemate_cast_format::{Decoder, Item};

use crate::Joined;
use crate::login::ssh;

/// What sshd says of a login, whatever it is: read in bounded memory, and only whole keys have a fingerprint.
pub fn fuzz_login(info: &[u8]) {
    let all = ssh::authentications(info);
    assert!(all.len() <= info.len());
    for one in all {
        assert!(one.certificate.is_none() || one.fingerprint.is_some());
        assert!(one.fingerprint.is_none() || one.method == "publickey" && one.key_type.is_some());
        assert!(one.fingerprint.is_none_or(|fingerprint| fingerprint.len() == "SHA256:".len() + 43));
        let longest = one.method.chars().chain(one.key_type.iter().flat_map(|name| name.chars())).count();
        assert!(longest <= 2 * 257);
    }
}

/// What comes of a session that is watched, whatever it is: one recording, without a defect, however it is cut.
pub fn fuzz_joined(bytes: &[u8]) {
    let Ok(mut whole) = Joined::new() else { return };
    let text = whole.feed(bytes);
    if let Ok(mut cut) = Joined::new() {
        let (first, second) = bytes.split_at(bytes.len() / 2);
        let pieces = [cut.feed(first), cut.feed(second)].concat();
        assert_eq!(text, pieces);
    }
    let mut decoder = Decoder::new();
    decoder.feed(&text);
    decoder.finish();
    let mut headers = 0;
    let mut last = None;
    while let Some(item) = decoder.next_item() {
        match item {
            Item::Header(_) => headers += 1,
            Item::Event(event) => {
                assert!(last <= Some(event.time));
                last = Some(event.time);
            }
            Item::Defect(defect) => assert!(text.is_empty(), "{defect}"),
            Item::Comment(_) => {}
        }
    }
    assert!(headers <= 1 && (headers == 1 || last.is_none()));
}
