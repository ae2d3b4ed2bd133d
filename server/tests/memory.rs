//! What a session takes while it is open: two hundred of them, and more, have to fit into a server.

use casemate_audit_log::Time;
use casemate_audit_store::Form;
use casemate_cast_format::segment::{PackError, Packer, PackerConfig};
use casemate_cast_format::{Code, Encoder, Event, Header, Micros, Size, Version};
use casemate_server::intake::{Intake, fuzz};

/// So many sessions are looked at: enough for what they take to stand out.
const SESSIONS: usize = 24;

/// A session of somebody who reads a log: more than a segment, and the next one is open.
fn session(size: Size, form: Form) -> Result<Vec<u8>, PackError> {
    let mut encoder = Encoder::new(Version::V3);
    let mut packer = Packer::new(PackerConfig { live: true, ..PackerConfig::default() })?;
    let (mut text, mut line) = (Vec::new(), Vec::new());
    encoder.header(&Header::new(size), &mut line);
    packer.write_header(&line)?;
    let mut now = Micros(0);
    let mut number = 0_u64;
    while text.len() < 1_300_000 {
        text.append(&mut line);
        now = now.plus(Micros(10_000));
        let output: String = (0..40)
            .map(|_| {
                number =
                    number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let colour = number >> 61;
                format!("\x1b[3{colour}m{number:016x}\x1b[m").repeat(size.cols as usize / 17) + "\r\n"
            })
            .collect();
        encoder.event(&Event::new(now, Code::Output, &output), &mut line);
        packer.write_event(&line, now)?;
        packer.flush()?;
    }
    Ok(match form {
        Form::Cast => text,
        Form::CastZst => packer.output().to_vec(),
    })
}

/// What this process has in memory, in KiB; not known everywhere.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// All in one test: what others take would be counted as well.
#[test]
fn an_open_session_takes_less_than_a_mebibyte() {
    let mut all = Vec::new();
    for (cols, rows) in [(80, 24), (200, 60)] {
        for form in [Form::Cast, Form::CastZst] {
            let bytes = session(Size { cols, rows }, form).unwrap();
            let Some(before) = resident() else { return };
            let mut sessions = Vec::new();
            for _ in 0..SESSIONS {
                let mut intake = Intake::new(form, fuzz::about()).unwrap();
                for piece in bytes.chunks(64 << 10) {
                    assert_eq!(intake.feed(piece), Ok(piece.len()));
                    while intake.next_event().is_some() {}
                }
                intake.advance(Time(0));
                intake.advance(Time(2_000_000));
                sessions.push(intake);
            }
            let each = resident().unwrap_or_default().saturating_sub(before) / SESSIONS as u64;
            println!("{cols}x{rows} {form:?}: {each} KiB");
            assert!(each < 1024, "{cols}x{rows} {form:?}: {each} KiB");
            // What they leave free would not be counted the next time.
            all.append(&mut sessions);
        }
    }
}
