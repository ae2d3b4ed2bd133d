//! Recordings and registered sessions, made as recorders make them.

use std::os::unix::fs::PermissionsExt as _;

use casemate_cast_format::segment::PackerConfig;
use casemate_cast_format::{Event, SessionFacts, Size, Version};
use casemate_recorder::{Form, Format};
use proptest::prelude::*;

use super::*;
use crate::places::Places;

/// 2026-11-22T07:03:28Z.
const START: u64 = 1_795_331_008_000_000;

pub(crate) fn id(number: u64) -> String {
    format!("0196a1b2-c3d4-7e5f-8a9b-{number:012x}")
}

/// A recording of one event a second; without an end, if it is not finished.
pub(crate) fn recording(
    number: u64,
    start_us: u64,
    seconds: u64,
    first: Option<Event<'_>>,
    is_finished: bool,
) -> Vec<u8> {
    let facts = SessionFacts {
        session: id(number),
        user: "alice@corp.example".into(),
        target: "web-1".into(),
        target_user: "bob".into(),
        start_us,
        known_by: serde_json::Map::new(),
        tool: "test".into(),
        part: 1,
        previous: None,
        previous_seal: None,
        within: None,
        extra: serde_json::Map::new(),
    };
    let mut header = Header::new(Size { cols: 80, rows: 24 });
    header.set_facts(&facts);
    let format = Format::Cast { version: Version::V2, segments: true };
    let mut form =
        Form::new(format, header.size, PackerConfig { live: true, ..PackerConfig::default() }).unwrap();
    let mut bytes = Vec::new();
    form.header(&header, &mut bytes).unwrap();
    let events = (1..=seconds).map(|second| Event::new(Micros(second * 1_000_000), Code::Output, "x\r\n"));
    for event in first.into_iter().chain(events) {
        form.event(&event, &mut bytes).unwrap();
    }
    if is_finished {
        form.finish(&mut bytes).unwrap();
    } else {
        form.flush(&mut bytes).unwrap();
    }
    bytes
}

pub(crate) struct Host {
    _root: tempfile::TempDir,
    pub(crate) places: Places,
    pub(crate) registry: Registry,
}

impl Host {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let places = Places::under(root.path());
        std::fs::create_dir_all(places.recordings()).unwrap();
        std::fs::create_dir_all(places.sessions()).unwrap();
        std::fs::set_permissions(places.sessions(), std::fs::Permissions::from_mode(0o2770)).unwrap();
        let registry = Registry::of_this_user(&places);
        Self { _root: root, places, registry }
    }

    pub(crate) fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.places.recordings().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn registered(&self, number: u64, recording: PathBuf) -> Registered {
        Registered {
            session: id(number),
            pid: 7,
            process_start: 1,
            account: "bob".into(),
            user: "alice@corp.example".into(),
            target: "web-1".into(),
            target_user: "bob".into(),
            start_us: START,
            recording,
            terminal: None,
            terminal_fs: None,
        }
    }

    fn list(&self, wish: Wish) -> Vec<Session> {
        let mut sessions = Vec::new();
        let mut take = |session| {
            sessions.push(session);
            Ok(())
        };
        let folders = [self.places.recordings(), "/nowhere".into()];
        list(&self.registry, &folders, Access(None), wish, START + 60_000_000, &mut take).unwrap();
        sessions
    }
}

fn name(number: u64, rest: &str) -> String {
    format!("2026-11-22/bob/070328-{}{rest}", id(number))
}

#[test]
fn past_sessions_are_what_their_recordings_say() {
    let host = Host::new();
    host.put(&name(1, ".cast.zst"), &recording(1, START + 123_456, 5, None, true));
    let log = concat!(
        r#"{"id":"a","state":"started","command":"echo '\"state\":\"finished\"'"}"#,
        "\n",
        r#"{"id":"a","state":"finished","command":"echo '\"state\":\"finished\"'"}"#,
        "\n",
        r#"{"id":"b","state":"started","command":"id"}"#,
        "\n",
    );
    host.put(&name(1, ".commands.jsonl"), log.as_bytes());
    let exec = Event::own(Micros(0), "exec", r#"{"argv":["bash","-c","scp -t /srv"],"cwd":"/"}"#);
    host.put(&name(2, ".cast.zst"), &recording(2, START + 1_000_000, 2, Some(exec), false));
    host.put(&name(3, ".cast.zst"), b"");
    let sessions = host.list(Wish::default());
    let ids: Vec<_> = sessions.iter().map(|session| session.session.clone()).collect();
    assert_eq!(ids, [id(1), id(2), id(3)]);
    let first = &sessions[0];
    assert_eq!((first.state, first.commands, first.duration), (State::Finished, Some(2), 5.0));
    assert_eq!(
        (first.start.as_str(), first.last_activity.as_str()),
        ("2026-11-22T07:03:28.123456Z", "2026-11-22T07:03:33.123456Z")
    );
    assert_eq!((first.user.as_deref(), first.account.as_str()), (Some("alice@corp.example"), "bob"));
    assert_eq!((first.command.as_deref(), first.parts, first.pid), (None, 1, None));
    let second = &sessions[1];
    assert_eq!((second.state, second.commands), (State::Unfinished, None));
    assert_eq!(second.command.as_deref(), Some("scp -t /srv"));
    let third = &sessions[2];
    assert_eq!(
        (third.state, third.user.as_deref(), third.start.as_str()),
        (State::Unfinished, None, "2026-11-22T07:03:28.000000Z")
    );
}

#[test]
fn the_parts_of_a_session_are_one() {
    let host = Host::new();
    host.put(&name(1, ".cast.zst"), &recording(1, START, 5, None, true));
    for part in [10_u64, 2] {
        let bytes = recording(1, START + part * 10_000_000, 3, None, true);
        host.put(&name(1, &format!(".{part}.cast.zst")), &bytes);
    }
    let sessions = host.list(Wish::default());
    assert_eq!(sessions.len(), 1);
    assert_eq!((sessions[0].parts, sessions[0].duration, sessions[0].state), (3, 103.0, State::Finished));
    assert!(sessions[0].recording.to_str().unwrap().ends_with("1.cast.zst"));
}

#[test]
fn running_sessions_stand_among_the_others() {
    let host = Host::new();
    host.put(&name(1, ".cast.zst"), &recording(1, START - 1_000_000, 1, None, true));
    let path = host.put(&name(2, ".cast.zst"), &recording(2, START, 1, None, false));
    let held = host.registry.register(&host.registered(2, path)).unwrap();
    let elsewhere = host.registered(3, "/elsewhere/x.cast.zst".into());
    let other = host.registry.register(&elsewhere).unwrap();
    let sessions = host.list(Wish::default());
    let states: Vec<_> = sessions.iter().map(|session| (session.session.clone(), session.state)).collect();
    assert_eq!(states, [(id(1), State::Finished), (id(2), State::Running), (id(3), State::Running)]);
    assert_eq!((sessions[1].duration, sessions[1].pid), (60.0, Some(7)));
    assert!(sessions[1].last_activity.as_str() >= "2026-11-22T07:03:28");
    let running = host.list(Wish { only_running: true, since_us: None });
    assert_eq!(running, &sessions[1..]);
    drop((held, other));
    assert_eq!(host.list(Wish { only_running: true, since_us: None }), []);
    assert_eq!(host.list(Wish::default())[1].state, State::Unfinished);
}

#[test]
fn older_ones_are_left_out_where_that_is_asked_for() {
    let host = Host::new();
    host.put(&name(1, ".cast.zst"), &recording(1, START, 1, None, true));
    host.put(&name(2, ".cast.zst"), &recording(2, START + 5, 1, None, true));
    host.put(&format!("2026-11-21/bob/235959-{}.cast.zst", id(3)), &recording(3, START - 1, 1, None, true));
    let since = |since_us| host.list(Wish { since_us: Some(since_us), only_running: false }).len();
    assert_eq!((since(START), since(START + 1), since(START + 6), since(0)), (2, 1, 0, 3));
}

#[test]
fn what_is_no_recording_of_ours_is_passed_over() {
    let host = Host::new();
    for name in
        ["notes.txt", "2026-11-22/bob/x.cast.zst", "2026-11-22x/bob/070328-0.cast.zst", "2026-13-01/a/b"]
    {
        host.put(name, b"x");
    }
    host.put(&format!("2026-11-22/bob/070328-{}.cast", id(1)), b"x");
    host.put(&name(1, ".x.cast.zst"), b"x");
    let link = host.places.recordings().join(name(2, ".cast.zst"));
    std::os::unix::fs::symlink("/etc/passwd", link).unwrap();
    let sessions = host.list(Wish::default());
    // A link is not followed: of what it names nothing is said.
    assert_eq!(sessions.len(), 1, "{sessions:?}");
    assert_eq!(
        (sessions[0].session.clone(), sessions[0].user.as_deref(), sessions[0].duration),
        (id(2), None, 0.0)
    );
}

#[test]
fn what_stands_between_pieces_of_a_command_log_is_counted() {
    let host = Host::new();
    let line = format!("{{\"command\":\"{}\",\"state\":\"finished\"}}\n", "x".repeat(1000));
    let text = [line.replace("finished", "started"), line].concat().repeat(500);
    let path = host.put("log", text.as_bytes());
    for skipped in 0..40 {
        std::fs::write(&path, &text.as_bytes()[text.len() - 800_000 + skipped..]).unwrap();
        let expected =
            text[text.len() - 800_000 + skipped..].lines().filter(|line| !line.contains("finished"));
        assert_eq!(count(File::open(&path).unwrap()), Some(expected.count() as u64));
    }
}

proptest! {
    #[test]
    fn any_beginning_is_read(bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 0_usize..600) {
        let file = |bytes: &[u8]| {
            let mut file = tempfile::tempfile().unwrap();
            io::Write::write_all(&mut file, bytes).unwrap();
            io::Seek::rewind(&mut file).unwrap();
            file
        };
        drop((head(file(&bytes)), end(file(&bytes))));
        let whole = recording(1, START, 5, None, true);
        let cut = &whole[..cut.min(whole.len() - 1)];
        drop(head(file(cut)));
        prop_assert_eq!(end(file(cut)), None);
    }

    #[test]
    fn names_are_read_or_passed_over(name in "[0-9]{0,7}-?[0-9a-f\\-]{0,40}(\\.[0-9]{0,3})?(\\.cast\\.zst)?") {
        if let Some((_, session, part)) = parse(&name) {
            prop_assert!(is_session_id(session) && part > 0);
        }
    }
}
