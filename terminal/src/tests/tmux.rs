//! The same bytes into a real tmux: the screens are the same.
//!
//! tmux goes ways of its own where a wrap is pending and outside of margins, as terminals do; the output here begins
//! everything with a movement, and keeps within the margins. Left out are line drawing, which tmux
//! captures as the letters that it was made of, and inserted cells, which tmux 3.3 does not move into the last column. Skipped where there is no tmux.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::{Screen, Vt100Screen};

const COLS: u16 = 20;
const ROWS: u16 = 8;

/// A tmux server of our own; ends with the test.
struct Tmux {
    folder: tempfile::TempDir,
}

impl Tmux {
    /// Starts tmux, if there is one.
    fn start() -> Option<Self> {
        if Command::new("tmux").arg("-V").output().is_err() {
            let required = env::var_os("CASEMATE_REQUIRE_TOOLS").is_some_and(|value| value == "1");
            assert!(!required, "tmux is missing");
            println!("skipped: there is no tmux");
            return None;
        }
        let tmux = Self { folder: tempfile::tempdir().unwrap() };
        let (cols, rows) = (COLS.to_string(), ROWS.to_string());
        tmux.run(&["new-session", "-d", "-x", &cols, "-y", &rows, "sleep 1000"]);
        tmux.run(&["set-option", "-g", "status", "off"]);
        tmux.run(&["set-option", "-g", "remain-on-exit", "on"]);
        Some(tmux)
    }

    fn command(&self, arguments: &[&str]) -> Output {
        let socket = self.folder.path().join("socket");
        Command::new("tmux")
            .args(["-f", "/dev/null", "-u", "-S"])
            .arg(socket)
            .args(arguments)
            .env("LC_ALL", "C.UTF-8")
            .env_remove("TMUX")
            .output()
            .unwrap()
    }

    #[track_caller]
    fn run(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments);
        assert!(output.status.success(), "tmux {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Returns the rows of a fresh pane after some output, and where its cursor is.
    fn show(&self, bytes: &[u8]) -> (Vec<String>, (u16, u16)) {
        // tmux takes output in order: when it knows the title, it has seen all that came before.
        let file = self.folder.path().join("output");
        fs::write(&file, [bytes, b"\x1b]2;shown\x1b\\"].concat()).unwrap();
        let program = format!("stty raw -echo; cat {}; sleep 1000", quote(&file));
        self.run(&["select-pane", "-T", "fresh"]);
        self.run(&["respawn-pane", "-k", &program]);
        let start = Instant::now();
        while self.run(&["display-message", "-p", "#{pane_title}"]).trim_end() != "shown" {
            assert!(start.elapsed() < Duration::from_secs(20), "tmux shows nothing");
            thread::sleep(Duration::from_millis(5));
        }
        let captured = self.run(&["capture-pane", "-p"]);
        let mut rows: Vec<String> = captured.lines().map(|row| row.trim_end().to_owned()).collect();
        rows.resize(ROWS.into(), String::new());
        let cursor = self.run(&["display-message", "-p", "#{cursor_y} #{cursor_x}"]);
        let (row, col) = cursor.trim_end().split_once(' ').unwrap();
        (rows, (row.parse().unwrap(), col.parse().unwrap()))
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        self.command(&["kill-server"]);
    }
}

fn quote(path: &Path) -> String {
    format!("'{}'", path.display())
}

fn ours(bytes: &[u8]) -> (Vec<String>, (u16, u16)) {
    let mut screen = Vt100Screen::new(COLS, ROWS, 100);
    screen.feed(bytes);
    let rows = (0..ROWS).map(|row| {
        let mut text = String::new();
        screen.shown(row).unwrap().text(0, COLS, &mut text);
        text.trim_end().to_owned()
    });
    let cursor = screen.cursor();
    (rows.collect(), (cursor.row, cursor.col))
}

/// Something that every terminal does alike when the cursor has just been moved.
fn step() -> impl Strategy<Value = String> {
    let effect = prop_oneof![
        4 => "[ -~]{0,30}",
        3 => "[a-z ]{1,19}(\r\n[a-z ]{1,19}){0,9}",
        2 => "[abé─]{1,12}",
        1 => "[a-z]e\u{301}[a-z]",
        4 => "\x1b\\[[0-9]?[PXKLM]",
        3 => "\x1b\\[[012]?[JK]",
        3 => "\x1b\\[[1-9]?[ABCDEFGdST]x",
        2 => "\x1b[DEM]x",
        1 => "\x1b7\x1b\\[1;[1-9]Hab\x1b8x",
        1 => "\x1b\\[1;3H[a-z]\x1b\\[[1-5]b",
        1 => "\t[a-z]\t[a-z]",
        1 => "\x1bH\x1b\\[1;1H\t[a-z]\x1b\\[[1-3]Z[a-z]",
        1 => "\x1b\\[3g\r\t[a-z]",
        1 => "\x1b\\[?1049h[a-z]\r\n\x1b\\[2J[a-z]\x1b\\[?1049l[A-Z]",
        1 => "\x1b\\[2;5r\x1b\\[3;4H(x\r\n){1,9}\x1b\\[[1-3]?[LMST]\x1b\\[r",
        1 => "\x1b\\[3;6r\x1b\\[3;1H(\x1bM[a-z]){1,5}\x1b\\[r",
        1 => "\x1b\\[2;6r\x1b\\[?6h\x1b\\[[1-9];3H[a-z]\x1b\\[?6l\x1b\\[r",
        1 => "\x1b\\[?7l[a-z]{15,30}\x1b\\[?7h",
    ];
    anywhere(effect.boxed())
}

/// The same with wide characters, whose halves tmux does not always keep together when cells are deleted.
fn wide_step() -> impl Strategy<Value = String> {
    let effect = prop_oneof![
        4 => "[ab日é語─]{1,25}",
        1 => "日\u{301}[a-z]",
        1 => "[日a]{1,9}\r\n[a語]{1,9}",
        2 => "\x1b\\[[1-3]?[ABCDS]日",
        1 => "\x1b\\[[LM]",
    ];
    anywhere(effect.boxed())
}

fn anywhere(effect: BoxedStrategy<String>) -> impl Strategy<Value = String> {
    (1..=ROWS, 1..=COLS, effect).prop_map(|(row, col, effect)| format!("\x1b[{row};{col}H{effect}"))
}

#[test]
fn tmux_shows_the_same() {
    let Some(tmux) = Tmux::start() else { return };
    let config = Config { cases: 20, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new(config);
    for steps in [vec(step().boxed(), 1..25), vec(wide_step().boxed(), 1..25)] {
        runner
            .run(&steps, |steps| {
                let output = steps.concat() + "\x1b[2;3H";
                prop_assert_eq!(ours(output.as_bytes()), tmux.show(output.as_bytes()), "{:?}", output);
                Ok(())
            })
            .unwrap();
    }
}
