//! The index follows the recordings: what is new, changed, gone, or of no use.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use casemate_cast_format::Micros;
use casemate_cast_format::segment::{Packer, PackerConfig};
use ed25519_dalek::SigningKey;

use super::{World, fixtures, session};
use crate::recording::Found;
use crate::{Integrity, Part, Pattern, Searched, Where, look_through};

fn commands(world: &mut World) -> Vec<String> {
    let sessions = world.store.sessions().unwrap();
    let of = |session: &crate::Session| world.store.commands_of(session.id).unwrap();
    let commands = sessions.iter().flat_map(of).collect::<Vec<_>>();
    commands.into_iter().filter_map(|command| command.event.command).collect()
}

fn set_modified(path: &std::path::Path, time: SystemTime) {
    File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

#[test]
fn only_what_has_changed_is_read_again() {
    let mut world = World::new();
    let one = world.put("one.cast", session(&["ls", "id"]));
    let two = world.put("two.cast", session(&["uptime"]));
    let updated = world.update();
    assert_eq!((updated.read, updated.unchanged, updated.dropped), (2, 0, 0));
    assert_eq!(commands(&mut world), ["ls", "id", "uptime"]);

    let updated = world.update();
    assert_eq!((updated.read, updated.unchanged), (0, 2));

    // It grows.
    fs::write(&two, session(&["uptime", "df"])).unwrap();
    let updated = world.update();
    assert_eq!((updated.read, updated.unchanged), (1, 1));
    assert_eq!(commands(&mut world), ["ls", "id", "uptime", "df"]);

    // Somebody changes it, and puts the clock back: its beginning gives it away.
    let then = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    set_modified(&one, then);
    world.update();
    let forged = fs::read_to_string(&one).unwrap().replace("ls", "rm");
    fs::write(&one, forged).unwrap();
    set_modified(&one, then);
    assert_eq!(world.update().read, 1);
    assert_eq!(commands(&mut world), ["uptime", "df", "rm", "id"]);

    fs::remove_file(&two).unwrap();
    let updated = world.update();
    assert_eq!((updated.read, updated.unchanged, updated.dropped), (0, 1, 1));
    assert_eq!(commands(&mut world), ["rm", "id"]);
    let pattern = Pattern::new("uptime", crate::Meaning::default()).unwrap();
    assert_eq!(world.store.search_commands(&pattern, &Default::default(), None, 10).unwrap(), []);
    assert_eq!(world.store.search_lines(&pattern, None, 10).unwrap(), []);
}

#[test]
fn bad_recordings_stop_no_others_and_are_listed() {
    let mut world = World::new();
    world.put("good.cast", session(&["ls"]));
    world.put("bad.cast", "this is no recording\n");
    world.put("empty.cast", "");
    world.put("other.json", "{\"name\": \"a package\"}");
    let half = session(&["whoami", "uptime"]);
    world.put("torn.cast", &half[..half.len() - 20]);
    let sealed = fs::read(fixtures().join("commands/bash-bare.cast.zst")).unwrap();
    world.put("sealed.cast.zst", &sealed);
    world.put("cut.cast.zst", &sealed[..sealed.len() / 2]);
    let mut flipped = sealed.clone();
    flipped[sealed.len() / 3] ^= 1;
    world.put("flipped.cast.zst", &flipped);

    let updated = world.update();
    assert_eq!((updated.read, updated.unreadable.len(), updated.failures.len()), (8, 2, 0));
    let recordings = world.store.recordings().unwrap();
    let integrity: Vec<_> = recordings
        .iter()
        .map(|recording| {
            (recording.path.file_name().unwrap().to_string_lossy().into_owned(), recording.integrity)
        })
        .collect();
    let expected = [
        ("bad.cast", Integrity::Unreadable),
        ("cut.cast.zst", Integrity::Unfinished),
        ("empty.cast", Integrity::Unreadable),
        ("flipped.cast.zst", Integrity::Damaged),
        ("good.cast", Integrity::Unsealed),
        ("sealed.cast.zst", Integrity::Intact),
        ("torn.cast", Integrity::Unsealed),
    ];
    assert_eq!(integrity, expected.map(|(name, integrity)| (name.to_owned(), integrity)));
    assert!(recordings[0].failure.as_ref().unwrap().contains("not an asciicast"));
    for faulty in [&recordings[3], &recordings[6]] {
        assert!(faulty.defect_count > 0 && !faulty.defects.is_empty());
    }
    assert!(commands(&mut world).contains(&"whoami".to_owned()), "what was read of a torn one is kept");
    assert_eq!(world.update().read, 0, "what is of no use is not read again and again");
}

#[test]
fn signers_are_known_and_a_torn_end_is_no_damage() {
    let key = SigningKey::from_bytes(&[7; 32]);
    let config = || PackerConfig { signing_key: Some(key.clone()), ..PackerConfig::default() };
    let mut packer = Packer::new(config()).unwrap();
    let cast = session(&["ls", "id"]);
    let (header, events) = cast.split_once('\n').unwrap();
    packer.write_header(format!("{header}\n").as_bytes()).unwrap();
    for (index, event) in events.split_inclusive('\n').enumerate() {
        packer.write_event(event.as_bytes(), Micros(500_000 + 250_000 * index as u64)).unwrap();
        if index % 3 == 2 {
            packer.seal(None).unwrap();
        }
    }
    packer.finish(None).unwrap();
    let file = packer.take_output();

    let mut world = World::new();
    let two_thirds = file.len() * 2 / 3;
    world.put("plain.cast", &cast);
    world.put("signed.cast.zst", &file);
    world.put("torn.cast.zst", &file[..two_thirds]);
    let mut changed = file.clone();
    changed[two_thirds] ^= 1;
    world.put("changed.cast.zst", &changed);
    world.put("tableless.cast.zst", &file[..file.len() - 1]);
    world.update();
    let signer = Some(key.verifying_key().to_bytes());
    let known = world.store.recordings().unwrap();
    assert!(known[4].defects.iter().any(|defect| defect.contains("cut at byte")), "{known:?}");
    let known: Vec<_> = known.iter().map(|one| (one.integrity, one.signed_by)).collect();
    let expected = [
        (Integrity::Damaged, signer),
        (Integrity::Unsealed, None),
        (Integrity::Intact, signer),
        (Integrity::Damaged, signer),
        (Integrity::Unfinished, signer),
    ];
    assert_eq!(known, expected);
}

#[test]
fn what_floods_is_left_out_and_told() {
    let mut world = World::new();
    let line = "0123456789".repeat(7);
    let mut cast = session(&["cat flood"]);
    for number in 0..40_000 {
        cast.push_str(&format!("[20.0, \"o\", \"{number} {line}\\r\\n\"]\n"));
    }
    let path = world.put("flood.cast", &cast);
    world.update();
    let unread = world.store.unread().unwrap();
    assert_eq!(unread.len(), 1);
    assert_eq!((&unread[0].path, unread[0].bytes), (&path, cast.len() as u64));
    assert!(unread[0].lines > 20_000 && unread[0].between.0 <= unread[0].between.1, "{unread:?}");
    let session = &world.store.sessions().unwrap()[0];
    assert_eq!((session.lines_left_out, session.lines > 40_000), (unread[0].lines, true));
    let pattern = Pattern::new("^7 0123", crate::Meaning::default()).unwrap();
    let hits = world.store.search_lines(&pattern, None, 10).unwrap();
    assert_eq!((hits.len(), hits[0].place), (1, Where::Output));
    // What is not in the index is found in the recording, and nothing twice.
    let pattern = Pattern::new("^[0-9]+ 0123", crate::Meaning::default()).unwrap();
    let mut found = world.store.count_lines(&pattern, 100_000).unwrap();
    let sources = Found::by(&[path]).sources;
    look_through(&sources, &pattern, Part::LeftOut, |_, searched, _| {
        if let Searched::Finds(finds) = searched {
            found += finds.len();
        }
        Ok::<(), ()>(())
    })
    .unwrap();
    // The first stands behind the prompt.
    assert_eq!(found, 39_999);
    assert!(fs::metadata(world.store.place()).unwrap().len() < cast.len() as u64 / 2);
}

#[test]
fn an_appended_session_is_a_session() {
    let mut world = World::new();
    let facts = |name: &str, start: u64| serde_json::json!({"session": format!("id-of-{name}"), "user": name, "target": "web-1", "target_user": "root", "start_us": start});
    let mut cast = session(&["ls", "id"]);
    let header = serde_json::json!({"version": 2, "width": 80, "height": 24, "casemate": facts("alice", 1_700_000_000_000_000)});
    cast = format!("{header}{}", &cast[cast.find('\n').unwrap()..]);
    let event = serde_json::to_string(&facts("bob", 1_700_000_100_000_000).to_string()).unwrap();
    cast.push_str(&format!("[100.0, \"session\", {event}]\n"));
    for (time, text) in
        [(101, "alice@web-1:~$ "), (102, "uptime"), (103, "\\r\\n"), (104, "up\\r\\nalice@web-1:~$ ")]
    {
        cast.push_str(&format!("[{time}.0, \"o\", \"{text}\"]\n"));
    }
    world.put("both.cast", cast);
    world.update();
    let sessions = world.store.sessions().unwrap();
    let shown: Vec<_> = sessions
        .iter()
        .map(|session| {
            (session.user.clone().unwrap(), session.begins.0, session.commands, session.duration.0)
        })
        .collect();
    assert_eq!(shown[0].0, "alice");
    assert_eq!((shown[0].1, shown[0].2), (0, 2));
    assert_eq!(shown[1], ("bob".to_owned(), 100_000_000, 1, 4_000_000));
}
