//! The review, driven by keys, drawn as text; and the case file.

mod cases;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use casemate_tui::{Flow, Input, Key, Keys, Look, Program as _};
use proptest::prelude::*;

use crate::app::App;
use crate::case::Case;
use crate::librarian::{Librarian, Place};

/// A recording of somebody who gives commands, each with some output.
fn session(user: &str, start: u64, commands: &[(&str, &str)]) -> String {
    let start_us = (1_795_305_600 + start) * 1_000_000;
    let mut cast = format!(
        "{{\"version\":2,\"width\":80,\"height\":24,\"casemate\":{{\"session\":\"{start:08}-33c2-7721-ad43-000000000000\",\
         \"user\":\"{user}\",\"target\":\"web-1\",\"target_user\":\"root\",\"start_us\":{start_us}}}}}\n"
    );
    let mut now = 1_u64;
    let mut output = |text: &str| {
        cast.push_str(&format!("[{now}.5, \"o\", {}]\n", serde_json::to_string(text).unwrap()));
        now += 1;
    };
    output("root@web-1:~# ");
    for (command, text) in commands {
        command.chars().for_each(|key| output(&key.to_string()));
        output("\r\n");
        output(text);
        output("root@web-1:~# ");
    }
    cast
}

/// A folder of evidence, and a place for index and case beside it.
struct World {
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let world = Self { folder };
        std::fs::create_dir(world.path("audit")).unwrap();
        world.write("audit/a.cast", &session("alice", 60, &[("ls -l", "notes\r\n"), ("rm notes", "")]));
        world
            .write("audit/b.cast", &session("bob", 10, &[("cat notes", "all about rm\r\n"), ("reboot", "")]));
        world.write("audit/bad.cast.zst", "no recording");
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn review(&self, case: &str) -> Review {
        let folders = vec![self.path("audit")];
        let case = Case::open(&self.path(case), &folders).unwrap();
        let place = Place { folders, index: Some(self.path("index.db")) };
        let app = App::new(&place, case, None, "reviewer", Look::new(false)).unwrap();
        let mut review = Review { app, began: Instant::now() };
        review.settle();
        review
    }
}

/// A review, driven.
struct Review {
    app: App,
    began: Instant,
}

impl Review {
    /// Lets time pass until everything is answered.
    fn settle(&mut self) {
        loop {
            self.app.work(self.began.elapsed());
            let is_waiting = self.app.commands.is_waiting() || self.app.search.is_waiting();
            if !self.app.is_updating() && !is_waiting {
                return;
            }
            assert!(self.began.elapsed() < Duration::from_secs(60), "nobody answers");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn keys(&mut self, bytes: &str) -> Vec<Flow> {
        let (mut keys, mut inputs) = (Keys::default(), Vec::new());
        keys.feed(bytes.as_bytes(), &mut |input| inputs.push(input));
        keys.settle(&mut |input| inputs.push(input));
        let flows = inputs.into_iter().map(|input| self.app.input(input, self.began.elapsed())).collect();
        self.settle();
        flows
    }

    /// The rows of the table, without the blanks at their ends.
    fn rows(&mut self) -> Vec<String> {
        let text = self.app.draw(80, 24).text();
        let rows = text.lines().skip(3).take_while(|line| !line.trim().is_empty());
        rows.map(|line| line.trim().to_owned()).collect()
    }
}

fn first_words(rows: &[String], word: usize) -> Vec<&str> {
    rows.iter().map(|row| row.split_whitespace().nth(word).unwrap_or_default()).collect()
}

#[test]
fn sessions_are_sorted_and_filtered() {
    let world = World::new();
    let mut review = world.review("case.json");
    assert_eq!(first_words(&review.rows(), 2), ["bob", "alice", "–"]);
    // What is not known comes last.
    review.keys("r");
    assert_eq!(first_words(&review.rows(), 2), ["alice", "bob", "–"]);
    // By who.
    review.keys("s");
    assert_eq!(first_words(&review.rows(), 2), ["alice", "bob", "–"]);
    review.keys("r");
    assert_eq!(first_words(&review.rows(), 2), ["bob", "alice", "–"]);
    review.keys("/a");
    assert_eq!(review.rows().len(), 3, "{:?}", review.rows());
    review.keys("li");
    assert_eq!(first_words(&review.rows(), 2), ["alice"]);
    review.keys("\u{15}is:unread");
    assert!(review.rows()[0].ends_with("unreadable"));
    review.keys("\u{1b}");
    assert_eq!(review.rows().len(), 3);
}

#[test]
fn who_types_ahead_gets_what_was_typed() {
    let world = World::new();
    let mut review = world.review("case.json");
    assert_eq!(review.keys("/alice\r\r").last(), Some(&Flow::Quit));
    assert_eq!(review.app.visit.take().unwrap().path.file_name().unwrap(), "a.cast");
    // What was pasted by mistake keeps nobody waiting.
    let pasted = "(a|b)*".repeat(20_000);
    for view in ["1", "2", "3"] {
        review.keys(&format!("\u{1b}{view}/{pasted}\u{15}"));
    }
    assert!(review.began.elapsed() < Duration::from_secs(10), "{:?}", review.began.elapsed());
}

#[test]
fn a_session_that_is_indexed_anew_stays_chosen() {
    let world = World::new();
    let mut review = world.review("case.json");
    review.keys("/alice\rc");
    assert_eq!(review.rows().len(), 2);
    world.write("audit/a.cast", &session("alice", 60, &[("ls -l", ""), ("rm notes", ""), ("date", "")]));
    let place = Place { folders: vec![world.path("audit")], index: Some(world.path("index.db")) };
    review.app.librarian = Librarian::start(&place).unwrap();
    review.app.watch_again();
    review.settle();
    let rows = review.rows();
    assert!(rows.len() == 3 && rows[2].ends_with("date"), "{rows:?}");
}

#[test]
fn one_timeline_over_all_sessions() {
    let world = World::new();
    let mut review = world.review("case.json");
    review.keys("2");
    let commands = |review: &mut Review| -> Vec<String> {
        review.rows().iter().map(|row| row.rsplit("  ").next().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(commands(&mut review), ["cat notes", "reboot", "ls -l", "rm notes"]);
    review.keys("r");
    assert_eq!(commands(&mut review), ["rm notes", "ls -l", "reboot", "cat notes"]);
    review.keys("r/user:alice\r");
    assert_eq!(commands(&mut review), ["ls -l", "rm notes"]);
    review.keys("\u{1b}/^r\r");
    assert_eq!(commands(&mut review), ["reboot", "rm notes"]);
    // What is no expression yet changes nothing.
    review.keys("/(\r");
    assert_eq!(commands(&mut review), ["reboot", "rm notes"]);
    review.keys("\u{1b}g2026-11-22 00:00:40\r");
    assert_eq!(commands(&mut review), ["ls -l", "rm notes"]);
    review.keys("\u{1b}1/bob\rc");
    assert_eq!(commands(&mut review), ["cat notes", "reboot"]);
    review.keys("/note\r");
    assert_eq!(commands(&mut review), ["cat notes"]);
}

#[test]
fn a_hit_is_a_moment_to_be_played() {
    let world = World::new();
    let mut review = world.review("case.json");
    review.keys("3rm\r");
    let rows = review.rows();
    let commands: Vec<_> = rows.iter().filter(|row| row.contains(" command ")).collect();
    assert_eq!((commands.len(), rows.len()), (1, 3), "{rows:?}");
    assert!(rows[1].ends_with("all about rm"), "{rows:?}");
    // In output alone.
    review.keys("oo");
    assert_eq!(review.rows().len(), 2);
    assert_eq!(review.keys("\r"), [Flow::Quit]);
    let visit = review.app.visit.take().unwrap();
    assert_eq!(visit.path.file_name().unwrap(), "b.cast");
    assert!(visit.is_paused && visit.moment.offset.0 == 12_500_000, "{visit:?}");
    // Letters that are keys elsewhere are typed here.
    review.keys("/\u{15}qjkc?");
    assert!(review.rows()[0].starts_with("nothing found"), "{:?}", review.rows());
}

#[test]
fn what_cannot_be_played_says_why() {
    let world = World::new();
    let mut review = world.review("case.json");
    review.keys("G");
    assert_eq!(review.keys("\r"), [Flow::Continue]);
    let (message, _) = review.app.message.as_ref().unwrap();
    assert!(message.contains("bad.cast.zst"), "{message}");
}

#[test]
fn a_long_name_hides_nothing() {
    let world = World::new();
    world.write("audit/c.cast", &session(&"x".repeat(100_000), 5, &[("ls", "")]));
    let mut review = world.review("case.json");
    review.keys("m");
    let text = review.app.draw(80, 40).text();
    assert!(text.contains("… 99 ") && text.contains("output"), "{text}");
}

fn any_input() -> impl Strategy<Value = Input> {
    let keys = "1234/qcmaedsrgo?jkG\r\u{1b}\t\u{15}\u{17}\u{7f}x(.日y";
    let key = proptest::sample::select(keys.chars().collect::<Vec<_>>()).prop_map(|character| {
        let mut inputs = Vec::new();
        let mut keys = Keys::default();
        keys.feed(character.to_string().as_bytes(), &mut |input| inputs.push(input));
        keys.settle(&mut |input| inputs.push(input));
        inputs[0]
    });
    let other = prop_oneof![
        Just(Key::Up),
        Just(Key::Down),
        Just(Key::PageUp),
        Just(Key::PageDown),
        Just(Key::Home),
        Just(Key::End),
        Just(Key::BackTab),
        Just(Key::Delete)
    ];
    prop_oneof![
        4 => key,
        2 => other.prop_map(Input::Key),
        1 => (0..90_u16, 0..30_u16).prop_map(|(col, row)| Input::Press { col, row, is_drag: false }),
        1 => any::<bool>().prop_map(|is_up| Input::Wheel { is_up }),
    ]
}

#[test]
fn any_keys_at_any_size_are_drawn() {
    let world = World::new();
    let mut review = world.review("case.json");
    let inputs = proptest::collection::vec((any_input(), (0..100_u16, 0..40_u16)), 1..60);
    let mut runner =
        proptest::test_runner::TestRunner::new(ProptestConfig { cases: 48, ..ProptestConfig::default() });
    let review = std::cell::RefCell::new(&mut review);
    runner
        .run(&inputs, |inputs| {
            let mut review = review.borrow_mut();
            for (input, (cols, rows)) in inputs {
                let now = review.began.elapsed();
                review.app.input(input, now);
                review.app.work(now);
                let grid = review.app.draw(cols, rows);
                prop_assert_eq!((grid.cols(), grid.rows()), (cols, rows));
                review.app.visit = None;
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn evidence_has_nothing_beside_it() {
    let world = World::new();
    let mut review = world.review("case.json");
    review.keys("anote\r");
    drop(review);
    let names = |folder: &Path| {
        let mut names: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&world.path("audit")), ["a.cast", "b.cast", "bad.cast.zst"]);
    assert!(world.path("case.json").exists());
}
