//! What must hold for any stream. The fuzz target and the tests call the same function.

use casemate_cast_format::{Code, Event, Header, Micros, Size, own};

use crate::{CommandEvent, CommandLog};

/// Longest script that is played; longer ones only waste the fuzzer's time.
const LONGEST: usize = 64 * 1024;

/// Ends a step of a script: no byte of UTF-8, so that a script can hold any text.
const STEP_END: u8 = 0xFE;

/// Times between steps, in microseconds: on both sides of each rest that decides something.
const AFTER: [u64; 8] = [0, 1_000, 6_000, 15_000, 50_000, 160_000, 450_000, 2_000_000];

/// Plays a script of a session, whole and with its output cut into pieces: the events are the same, their ids differ, and
/// none comes twice.
///
/// Its steps end with 0xFE. The first byte of each says how long after the one before it comes (the lowest three bits)
/// and what it is (the two above them): output twice, input, or something else: a size, hidden input, a process, what is
/// said of a session without a terminal.
///
/// # Panics
/// Where that does not hold.
pub fn fuzz_command_log(script: &[u8]) {
    let script = &script[..script.len().min(LONGEST)];
    let whole = play(script, usize::MAX);
    for length in [1, 3] {
        assert_eq!(play(script, length), whole, "how output is cut, or when it pauses, matters");
    }
    let mut ids: Vec<&str> = whole.iter().map(|event| event.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), whole.len(), "an id comes twice");
    for event in &whole {
        assert!((0.0..=1.0).contains(&event.confidence), "{event:?}");
        assert!(event.command.is_some() || event.reason.is_some(), "unknown without a reason: {event:?}");
    }
}

fn play(script: &[u8], length: usize) -> Vec<CommandEvent> {
    let mut log = CommandLog::new(&Header::new(Size { cols: 40, rows: 8 }));
    let mut events = Vec::new();
    let mut now = Micros(0);
    for step in script.split(|&byte| byte == STEP_END) {
        let Some((&how, bytes)) = step.split_first() else { continue };
        now = now.plus(Micros(AFTER[usize::from(how & 7)]));
        let text = String::from_utf8_lossy(bytes);
        match how >> 3 & 3 {
            2 => log.handle(&Event::new(now, Code::Input, &text)),
            3 => {
                let (first, second) = (bytes.first().unwrap_or(&0), bytes.get(1).unwrap_or(&0));
                let (code, data) = match first & 3 {
                    0 => (Code::Other(own::HIDDEN.into()), String::new()),
                    1 => (Code::Other(own::PROCESS.into()), text.get(1..).unwrap_or_default().to_owned()),
                    3 => {
                        let code = match second & 3 {
                            0 => Code::Other(own::EXEC.into()),
                            1 => Code::Other(own::TRAFFIC.into()),
                            2 => Code::Exit,
                            _ => Code::Other(own::SESSION.into()),
                        };
                        (code, text.get(2..).unwrap_or_default().to_owned())
                    }
                    _ => (Code::Resize, format!("{}x{}", first >> 2, second & 0x1f)),
                };
                log.handle(&Event::new(now, code, &data));
            }
            _ => {
                let letters: Vec<char> = text.chars().collect();
                // An empty output is an event as well.
                log.handle(&Event::new(now, Code::Output, ""));
                for piece in letters.chunks(length.min(letters.len().max(1))) {
                    log.handle(&Event::new(now, Code::Output, &piece.iter().collect::<String>()));
                }
            }
        }
        if length < usize::MAX {
            log.pause();
        }
        events.extend(std::iter::from_fn(|| log.next_event()));
    }
    log.finish();
    events.extend(std::iter::from_fn(|| log.next_event()));
    events
}
