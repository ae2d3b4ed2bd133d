//! A recording that grows, through a real pipe.

use std::io::PipeReader;

use super::*;
use crate::sessions::tests::{Host, id, recording};

/// 2026-11-22T07:03:28Z.
const START: u64 = 1_795_331_008_000_000;

fn followed(host: &Host, session: &Registered) -> (PipeReader, std::thread::JoinHandle<io::Result<()>>) {
    let (reader, mut writer) = io::pipe().unwrap();
    let (registry, session) = (host.registry.clone(), session.clone());
    let thread = std::thread::spawn(move || follow(&registry, &session, Access(None), &mut writer));
    (reader, thread)
}

fn take(reader: &mut PipeReader, bytes: usize) -> Vec<u8> {
    let mut taken = vec![0; bytes];
    reader.read_exact(&mut taken).unwrap();
    taken
}

#[test]
fn what_is_written_comes_through_part_after_part_and_ends_with_the_session() {
    let host = Host::new();
    let (first, second) = (recording(1, START, 5, None, true), recording(1, START, 3, None, true));
    let path = host.put("2026-11-22/bob/x.cast.zst", &first[..40]);
    let session = host.registered(1, path.clone());
    let held = host.registry.register(&session).unwrap();
    let (mut reader, thread) = followed(&host, &session);
    assert_eq!(take(&mut reader, 40), &first[..40]);
    let mut file = File::options().append(true).open(&path).unwrap();
    file.write_all(&first[40..]).unwrap();
    assert_eq!(take(&mut reader, first.len() - 40), &first[40..]);
    let next = host.put("2026-11-22/bob/x.2.cast.zst", &second[..30]);
    assert_eq!(take(&mut reader, 30), &second[..30]);
    File::options().append(true).open(&next).unwrap().write_all(&second[30..]).unwrap();
    drop(held);
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, &second[30..]);
    thread.join().unwrap().unwrap();
}

#[test]
fn it_ends_when_nobody_reads_any_more_though_nothing_comes() {
    let host = Host::new();
    let session = host.registered(1, host.put("x.cast.zst", b"abc"));
    let held = host.registry.register(&session).unwrap();
    let (mut reader, thread) = followed(&host, &session);
    take(&mut reader, 3);
    drop(reader);
    thread.join().unwrap().unwrap();
    drop(held);
}

#[test]
fn no_link_is_followed() {
    let host = Host::new();
    let path = host.places.recordings().join("x.cast.zst");
    std::os::unix::fs::symlink("/etc/passwd", &path).unwrap();
    let (_reader, thread) = followed(&host, &host.registered(1, path));
    assert!(thread.join().unwrap().is_err());
}

#[test]
fn a_beginning_of_an_id_is_enough_if_it_is_ones_alone() {
    let host = Host::new();
    let running: Vec<_> = [0x10, 0x11, 0x20].map(|number| host.registered(number, "/x".into())).into();
    let found = |id: &str| find(&running, id).map(|session| session.session.clone());
    assert_eq!(found(&id(0x20)), Ok(id(0x20)));
    assert_eq!(found(&id(0x20)[..35].to_uppercase()), Ok(id(0x20)));
    assert_eq!(found("0197"), Err(NotOne::None("0197".into())));
    assert_eq!(found(""), Err(NotOne::None(String::new())));
    let several = found(&id(0x10)[..35]).unwrap_err().to_string();
    assert!(several.contains(&id(0x10)) && several.contains(&id(0x11)) && !several.contains(&id(0x20)));
}
