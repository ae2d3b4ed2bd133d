//! Where an index is, who can read it, and what becomes of one that is of no use.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::{World, session};
use crate::{Store, StoreError};

#[test]
fn only_its_owner_can_read_it_and_nothing_is_written_beside_evidence() {
    let mut world = World::new();
    let path = world.put("one.cast", session(&["ls"]));
    let before = fs::metadata(&path).unwrap();
    world.update();
    for entry in fs::read_dir(world.folder.path()).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
        }
    }
    assert_eq!(fs::read_dir(world.evidence()).unwrap().count(), 1);
    let after = fs::metadata(&path).unwrap();
    assert_eq!(
        (before.accessed().unwrap(), before.modified().unwrap()),
        (after.accessed().unwrap(), after.modified().unwrap())
    );

    let evidence = world.evidence();
    let among = Store::open(&evidence.join("index.db"), std::slice::from_ref(&evidence));
    assert!(matches!(among, Err(StoreError::AmongRecordings { .. })));
}

#[test]
fn what_is_no_index_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("notes.db");
    fs::write(&place, "my notes").unwrap();
    assert!(matches!(Store::open(&place, &[]), Err(StoreError::Foreign { .. })));
    assert_eq!(fs::read(&place).unwrap(), b"my notes");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn one_of_another_version_or_damaged_is_made_anew() {
    for damage in ["version", "middle", "end"] {
        let mut world = World::new();
        world.put("one.cast", session(&["ls"]));
        world.update();
        let (place, evidence) = (world.store.place().to_owned(), world.evidence());
        drop(world.store);
        let mut bytes = fs::read(&place).unwrap();
        match damage {
            // The version stands at 60, the schema in the first page.
            "version" => bytes[63] ^= 0x40,
            "middle" => bytes[100..8000].fill(0xff),
            _ => bytes.truncate(4000),
        }
        fs::write(&place, &bytes).unwrap();
        let mut store = Store::open(&place, &[]).unwrap();
        let updated = store.update(&[evidence], &mut |_| {}).unwrap();
        assert_eq!((updated.read, store.sessions().unwrap().len()), (1, 1), "{damage}");
    }
}

#[test]
fn an_index_that_is_open_can_be_opened_again_and_two_do_not_update_at_once() {
    let mut world = World::new();
    world.put("one.cast", session(&["ls"]));
    world.update();
    let (place, evidence) = (world.store.place().to_owned(), world.evidence());
    let lock = fs::File::open(place.with_extension("db.lock")).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let thread = std::thread::spawn(move || {
        let mut other = Store::open(&place, &[]).unwrap();
        let (mut lock, mut waits) = (Some(lock), 0);
        other
            .update(&[evidence], &mut |progress| {
                waits += u32::from(progress.waits);
                lock = None;
            })
            .unwrap();
        (waits, other.sessions().unwrap().len())
    });
    assert_eq!(thread.join().unwrap(), (1, 1));
    assert_eq!(world.store.sessions().unwrap().len(), 1);
}
