//! Saves a screen as a file in the current folder. What is there is never replaced.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;

use casemate_cast_format::{Header, Micros};
use casemate_terminal::{Vt100Screen, render};

use crate::export::theme;

/// So many names are tried.
const TRIES: u32 = 1000;

/// What a screen is saved as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Text,
    Ansi,
    Svg,
}

/// Saves it, and returns the name of the file.
pub(crate) fn save(
    recording: &str,
    header: &Header,
    time: Micros,
    screen: &Vt100Screen,
    form: Form,
) -> io::Result<String> {
    let stem = stem(recording);
    let (seconds, millis) = (time.0 / 1_000_000, time.0 / 1000 % 1000);
    let moment = format!("{}m{:02}.{millis:03}s", seconds / 60, seconds % 60);
    let (extension, content) = match form {
        Form::Text => ("txt", render::txt(screen)),
        Form::Ansi => ("ansi", render::ansi(screen)),
        Form::Svg => ("svg", render::svg(screen, &theme(header), &format!("{stem} at {moment}"))),
    };
    for number in 1..TRIES {
        let again = if number == 1 { String::new() } else { format!("-{number}") };
        let name = format!("{stem}-{moment}{again}.{extension}");
        match OpenOptions::new().write(true).create_new(true).open(&name) {
            Ok(mut file) => return file.write_all(content.as_bytes()).map(|()| name),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// What the recording is called, without what could lead elsewhere or be taken for an option.
fn stem(recording: &str) -> String {
    let name = Path::new(recording).file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let name = name.strip_suffix(".zst").unwrap_or(name);
    let name = name.strip_suffix(".cast").unwrap_or(name);
    let is_good = |character: char| character.is_alphanumeric() || matches!(character, '.' | '-' | '_');
    let name: String =
        name.chars().map(|character| if is_good(character) { character } else { '_' }).take(80).collect();
    let name = name.trim_start_matches(['.', '-']);
    if name.is_empty() { "screen".into() } else { name.into() }
}

#[cfg(test)]
mod tests {
    use super::stem;

    #[test]
    fn names_are_harmless() {
        for (name, expected) in [
            ("/var/log/demo.cast", "demo"),
            ("a b.cast.zst", "a_b"),
            ("..", "screen"),
            ("-rf.cast", "rf"),
            ("standard input", "standard_input"),
            ("\u{1b}]0;x\u{7}", "__0_x_"),
        ] {
            assert_eq!(stem(name), expected);
        }
    }
}
