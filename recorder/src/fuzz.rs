//! What must hold for any typing and any output. The fuzz targets and the tests call the same functions.

use casemate_cast_format::Micros;

use crate::echo::{Echo, InputGuard, Typed};
use crate::keys::{DEFAULT_PREFIX, Keys, Piece, key_length};

/// Ends a step of a script: no byte of UTF-8, so that a script can hold any text.
const STEP_END: u8 = 0xFE;

/// Plays a script to the guard. Its steps end with 0xFE; the first byte of each says what the rest is:
/// `+`, `-` and `<` are typed while the terminal echoes, hides, or leaves the echo to the program,
/// `>` is output, `.` two seconds of silence, and anything else nothing.
///
/// What may be recorded was typed then, in that order; what is missing is said to be; what the terminal
/// hides, and what no output shows, does not come out.
///
/// # Panics
/// Where one of that does not hold.
pub fn fuzz_input_guard(script: &[u8]) {
    let mut guard = InputGuard::default();
    let mut steps: Vec<Step<'_>> = Vec::new();
    let mut emitted = Vec::new();
    let mut emit = |typed| emitted.push(typed);
    let mut was_output = false;
    let mut now = Micros(0);
    for step in script.split(|&byte| byte == STEP_END) {
        let Some((&kind, bytes)) = step.split_first() else { continue };
        now = now.plus(Micros(1_000));
        let echo = match kind {
            b'+' => Echo::On,
            b'-' => Echo::Off,
            b'<' => Echo::Program,
            b'>' => {
                was_output = true;
                guard.output(bytes, &mut emit);
                continue;
            }
            b'.' => {
                now = now.plus(Micros(2_000_000));
                guard.expire(now, &mut emit);
                assert!(guard.deadline().is_none_or(|deadline| deadline > now));
                continue;
            }
            _ => continue,
        };
        steps.push(Step { time: now, echo, bytes });
        guard.input(now, bytes, echo, &mut emit);
    }
    guard.finish(&mut emit);
    guard.finish(|typed| panic!("{typed:?} was still held back"));
    assert_eq!(guard.deadline(), None);
    check(&steps, &emitted, was_output);
}

/// What was typed at one moment.
struct Step<'a> {
    time: Micros,
    echo: Echo,
    bytes: &'a [u8],
}

fn check(steps: &[Step<'_>], emitted: &[Typed], was_output: bool) {
    let is_line_end = |byte: &u8| matches!(byte, b'\r' | b'\n' | 0x03 | 0x04);
    let mut last = Micros(0);
    let mut hidden_in_line = false;
    let mut is_anything_hidden = false;
    for typed in emitted {
        let (Typed::Shown(time, _) | Typed::Hidden(time)) = typed;
        assert!(*time >= last, "{emitted:?}");
        last = *time;
        let step = steps.iter().find(|step| step.time == *time).expect("something was typed then");
        if let Typed::Shown(_, bytes) = typed {
            hidden_in_line &= step.echo != Echo::On && !bytes.iter().any(is_line_end);
        } else {
            assert!(
                !std::mem::replace(&mut hidden_in_line, true),
                "hidden is said once in a line: {emitted:?}"
            );
            is_anything_hidden = true;
        }
    }
    for Step { time, echo, bytes } in steps {
        let pieces = emitted.iter().filter_map(|typed| match typed {
            Typed::Shown(at, shown) if at == time => Some(shown.as_slice()),
            Typed::Shown(..) | Typed::Hidden(_) => None,
        });
        let shown = pieces.collect::<Vec<_>>().concat();
        assert!(is_within(&shown, bytes), "{shown:?} of {bytes:?}");
        assert!(is_anything_hidden || shown == *bytes, "{shown:?} of {bytes:?}");
        match echo {
            Echo::On => assert_eq!(shown, *bytes),
            Echo::Off => assert!(shown.iter().eq(bytes.iter().filter(|byte| is_line_end(byte)))),
            // The keys that begin with an escape are made of letters, too.
            Echo::Program if was_output || bytes.contains(&0x1B) => {}
            Echo::Program => assert!(shown.iter().all(u8::is_ascii_control), "{shown:?} was never seen"),
        }
    }
}

/// Whether `part` is `whole` with bytes left out.
fn is_within(part: &[u8], whole: &[u8]) -> bool {
    let mut rest = whole.iter();
    part.iter().all(|byte| rest.any(|other| other == byte))
}

/// Sorts any typing, in pieces of several sizes.
///
/// What goes to the session is what was typed, in order; nothing but the prefix and the key behind it is
/// missing, and there is no command without a prefix.
///
/// # Panics
/// Where one of that does not hold.
pub fn fuzz_keys(typed: &[u8]) {
    for prefix in [None, Some(DEFAULT_PREFIX), Some(0x01), Some(0x1B), Some(0x00)] {
        let reported = prefix.map(|prefix| format!("\x1b[{};5u", (prefix | 0x40).to_ascii_lowercase()));
        let count = |needle: &[u8]| typed.windows(needle.len()).filter(|bytes| *bytes == needle).count();
        let prefixes = prefix.map_or(0, |prefix| count(&[prefix]));
        let reports = reported.as_ref().map_or(0, |reported| count(reported.as_bytes()));
        // Each prefix, and the one key behind it.
        let swallowed = |needle: &[u8]| -> usize {
            let keys = typed.windows(needle.len()).enumerate().filter(|(_, bytes)| *bytes == needle);
            keys.map(|(at, _)| needle.len() + key_length(&typed[at + needle.len()..])).sum()
        };
        let most_missing = prefix.map_or(0, |prefix| swallowed(&[prefix]))
            + reported.as_ref().map_or(0, |reported| swallowed(reported.as_bytes()));

        let whole = sort(prefix, typed, typed.len().max(1));
        for step in [1, 2, 7] {
            let sorted = sort(prefix, typed, step);
            assert!(is_within(&sorted.forwarded, typed));
            assert!(sorted.commands.len() <= prefixes + reports);
            let missing = typed.len() - sorted.forwarded.len();
            assert!(missing <= most_missing, "{missing} missing of {typed:?}");
            // Keys of several bytes are known only in one piece.
            assert!(
                sorted == whole || typed.contains(&0x1B) || !typed.is_ascii(),
                "{sorted:?} in steps of {step}, else {whole:?}"
            );
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Sorted {
    forwarded: Vec<u8>,
    /// With the number of bytes forwarded before.
    commands: Vec<(usize, crate::keys::Command)>,
}

fn sort(prefix: Option<u8>, typed: &[u8], step: usize) -> Sorted {
    let mut keys = Keys::new(prefix);
    let mut sorted = Sorted { forwarded: Vec::new(), commands: Vec::new() };
    for bytes in typed.chunks(step) {
        keys.feed_all(bytes, |piece| match piece {
            Piece::Forward(bytes) => {
                assert!(!bytes.is_empty());
                sorted.forwarded.extend_from_slice(bytes);
            }
            Piece::Command(command) => sorted.commands.push((sorted.forwarded.len(), command)),
        });
    }
    sorted
}
