//! The case file: what stands on disk, and what is not ours in it.

use std::path::PathBuf;

use casemate_cast_format::Micros;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::case::{Bookmark, Case, CaseError};

fn mark(note: &str) -> Bookmark {
    serde_json::from_value(json!({
        "id": note, "file": "/evidence/a.cast", "offset": 12.345678, "note": note, "made": "2026-11-22T10:00:00Z"
    }))
    .unwrap()
}

#[test]
fn it_is_made_when_there_is_something_to_keep() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/case.json");
    let mut case = Case::open(&path, &[PathBuf::from("/evidence")]).unwrap();
    assert!(!path.exists());
    case.add(mark("one")).unwrap();
    case.add(mark("two")).unwrap();
    case.set_note("one", "first").unwrap();
    case.remove("two").unwrap();
    // Somebody else has it.
    assert!(matches!(Case::open(&path, &[]), Err(CaseError::InUse { .. })));
    assert_eq!(Case::bookmarks_in(&path).unwrap().len(), 1);
    drop(case);
    let case = Case::open(&path, &[]).unwrap();
    let marks: Vec<_> = case.bookmarks().iter().map(|mark| (mark.note.as_str(), mark.offset)).collect();
    assert_eq!(marks, [("first", Micros(12_345_678))]);
    let kept: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!((&kept["casemate_case"], &kept["folders"]), (&json!(1), &json!(["/evidence"])));
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn what_is_not_ours_stays_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.json");
    let file = json!({
        "casemate_case": 1, "number": "2026-117",
        "bookmarks": [{"id": "x", "file": "f", "offset": 1, "made": "2026-11-22T10:00:00+02:00", "tags": ["a"]}],
    });
    std::fs::write(&path, file.to_string()).unwrap();
    Case::open(&path, &[]).unwrap().add(mark("one")).unwrap();
    let kept: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!((&kept["number"], &kept["bookmarks"][0]["tags"]), (&json!("2026-117"), &json!(["a"])));
    assert_eq!(kept["bookmarks"].as_array().unwrap().len(), 2);
}

#[test]
fn a_newer_one_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.json");
    std::fs::write(&path, "{\"casemate_case\": 2}").unwrap();
    assert!(Case::open(&path, &[]).unwrap_err().to_string().contains("a newer casemate wrote it"));
    assert!(Case::open(folder.path(), &[]).unwrap_err().to_string().contains("it is no file"));
}

#[test]
fn two_who_begin_a_case_keep_what_both_noted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.json");
    let open = || Case::open(&path, &[]).unwrap();
    let (mut one, mut other) = (open(), open());
    one.add(mark("one")).unwrap();
    assert!(matches!(other.add(mark("two")), Err(CaseError::InUse { .. })));
    drop(one);
    other.add(mark("three")).unwrap();
    let notes = |case: &Case| case.bookmarks().iter().map(|mark| mark.note.clone()).collect::<Vec<_>>();
    assert_eq!(notes(&other), ["one", "two", "three"]);
    drop(other);
    assert_eq!(notes(&open()), ["one", "two", "three"]);
}

#[test]
fn what_somebody_writes_meanwhile_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.json");
    let mut case = Case::open(&path, &[]).unwrap();
    case.add(mark("one")).unwrap();
    case.add(mark("two")).unwrap();
    let mut theirs: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    theirs["number"] = json!("2026-117");
    theirs["bookmarks"][0]["note"] = json!("theirs");
    std::fs::write(&path, theirs.to_string()).unwrap();
    case.remove("two").unwrap();
    let kept: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!((&kept["number"], &kept["bookmarks"][0]["note"]), (&json!("2026-117"), &json!("theirs")));
    assert_eq!(kept["bookmarks"].as_array().unwrap().len(), 1);
    // What is no case any more is not overwritten; what was noted is kept until it can be written.
    std::fs::write(&path, "mine").unwrap();
    assert!(matches!(case.add(mark("three")), Err(CaseError::Foreign { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), b"mine");
    std::fs::remove_file(&path).unwrap();
    case.add(mark("four")).unwrap();
    assert_eq!(Case::bookmarks_in(&path).unwrap().len(), 3);
}

#[test]
fn who_may_read_a_case_stays_as_it_is() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.json");
    std::fs::write(&path, "{\"casemate_case\":1}").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    Case::open(&path, &[]).unwrap().add(mark("one")).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
}

#[test]
fn beside_what_is_no_case_nothing_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("folder");
    std::fs::create_dir(&path).unwrap();
    assert!(Case::open(&path, &[]).is_err());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

proptest! {
    #[test]
    fn any_file_is_read_or_refused_and_not_changed(bytes in prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..200),
        "\\{\"casemate_case\":[0-3],\"bookmarks\":\\[(\\{\"offset\":(1|-1|1e99|\"x\"),\"id\":\"\",\"file\":\"\",\"made\":\"(2026-11-22T10:00:00Z|now)\"\\})?\\]\\}"
            .prop_map(String::into_bytes),
    ]) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("case.json");
        std::fs::write(&path, &bytes).unwrap();
        drop(Case::open(&path, &[]));
        prop_assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }

    #[test]
    fn every_moment_comes_back(micros in 0..1_000_000_000_000_000_u64) {
        let mark = Bookmark { offset: Micros(micros), ..mark("one") };
        let text = serde_json::to_string(&mark).unwrap();
        prop_assert_eq!(serde_json::from_str::<Bookmark>(&text).unwrap(), mark);
    }

    /// A recording may say any time; a case in which it is noted can be read again.
    #[test]
    fn what_is_written_is_read(micros: u64) {
        let mark = Bookmark { offset: Micros(micros), ..mark("one") };
        let text = serde_json::to_string(&mark).unwrap();
        let read = serde_json::from_str::<Bookmark>(&text).unwrap().offset.0;
        prop_assert!(read.abs_diff(micros) <= 1 + micros / (1 << 50), "{} {}", micros, read);
    }
}
