//! What the OSCs say that we know.
//!
//! | code | says | written down by |
//! |---|---|---|
//! | 0, 2 | title | xterm |
//! | 7 | directory, as a URL | VTE; kitty's scheme is not percent-encoded |
//! | 9;9 | directory | ConEmu, Windows Terminal |
//! | 133 | marks | FinalTerm; Per Bothner's semantic prompts |
//! | 633 | marks | VS Code |
//! | 1337 | directory, host, variables | iTerm2 |
//! | 3008 | contexts | UAPI.15 |
//!
//! Options that are not known are passed over; a code that is known but says nothing sensible is no signal.

use super::base64;
use super::decode::{backslash, lossy, percent, quoted};
use crate::signal::{ContextMark, Mark, MarkKind, PromptPart, Signal};

/// Reads an OSC, without what begins and ends it.
pub(super) fn parse(osc: &[u8]) -> Option<Signal> {
    let (code, rest) = split(osc, b';');
    match code {
        b"0" | b"2" => Some(Signal::Title(lossy(rest?))),
        b"7" => url(rest?),
        b"9" => cwd(&lossy(rest?.strip_prefix(b"9;")?)),
        b"133" => semantic_prompt(rest?).map(Signal::Mark),
        b"633" => vs_code(rest?),
        b"1337" => iterm(rest?),
        b"3008" => context(rest?).map(Signal::Context),
        _ => None,
    }
}

/// Splits at the first `separator`.
fn split(text: &[u8], separator: u8) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|&byte| byte == separator) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}

fn cwd(path: &str) -> Option<Signal> {
    let path = path.strip_prefix('"').and_then(|path| path.strip_suffix('"')).unwrap_or(path);
    (!path.is_empty()).then(|| Signal::Cwd { host: String::new(), path: path.to_owned() })
}

/// OSC 7.
fn url(text: &[u8]) -> Option<Signal> {
    let (is_raw, rest) = if let Some(rest) = text.strip_prefix(b"file://") {
        (false, rest)
    } else if let Some(rest) = text.strip_prefix(b"kitty-shell-cwd://") {
        (true, rest)
    } else {
        return if text.starts_with(b"/") { cwd(&lossy(text)) } else { None };
    };
    let slash = rest.iter().position(|&byte| byte == b'/')?;
    let (host, path) = rest.split_at(slash);
    Some(Signal::Cwd { host: lossy(host), path: if is_raw { lossy(path) } else { percent(path) } })
}

fn mark(kind: MarkKind) -> Mark {
    Mark { kind, aid: None, nonce: None }
}

/// OSC 133.
fn semantic_prompt(text: &[u8]) -> Option<Mark> {
    let (letter, options) = split(text, b';');
    let options = options.unwrap_or_default();
    let part = match option(options, b"k=") {
        Some(b"r") => PromptPart::Right,
        Some(b"c") => PromptPart::Continuation,
        Some(b"s") => PromptPart::Secondary,
        Some(_) | None => PromptPart::Initial,
    };
    let kind = match letter {
        b"A" => MarkKind::PromptStart { part, fresh_line: true },
        b"P" => MarkKind::PromptStart { part, fresh_line: false },
        b"B" | b"I" => MarkKind::InputStart,
        b"C" => MarkKind::OutputStart { command: command(options) },
        b"D" => MarkKind::Done { status: status(options) },
        b"L" => MarkKind::FreshLine,
        b"N" => MarkKind::NewCommand,
        _ => return None,
    };
    let text = |name: &[u8]| option(options, name).map(lossy);
    Some(Mark { kind, aid: text(b"aid="), nonce: text(b"nonce=") })
}

/// Returns the value of an option. A command line can hold what looks like one, and comes last.
fn option<'a>(options: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    options
        .split(|&byte| byte == b';')
        .take_while(|option| !option.starts_with(b"cmdline="))
        .find_map(|option| option.strip_prefix(name))
}

fn command(options: &[u8]) -> Option<String> {
    let mut rest = Some(options);
    while let Some(text) = rest {
        if let Some(value) = text.strip_prefix(b"cmdline=") {
            return Some(quoted(value));
        }
        let (option, after) = split(text, b';');
        if let Some(value) = option.strip_prefix(b"cmdline_url=") {
            return Some(percent(value));
        }
        rest = after;
    }
    None
}

fn status(options: &[u8]) -> Option<i32> {
    let (first, _) = split(options, b';');
    std::str::from_utf8(first).ok()?.parse().ok()
}

/// OSC 633.
fn vs_code(text: &[u8]) -> Option<Signal> {
    let (letter, fields) = split(text, b';');
    let fields = fields.unwrap_or_default();
    let kind = match letter {
        b"A" => MarkKind::PromptStart { part: PromptPart::Initial, fresh_line: false },
        b"B" => MarkKind::InputStart,
        b"C" => MarkKind::OutputStart { command: None },
        b"D" => MarkKind::Done { status: status(fields) },
        b"E" => {
            let (command, nonce) = split(fields, b';');
            let nonce = nonce.filter(|nonce| !nonce.is_empty()).map(backslash);
            let kind = MarkKind::CommandLine(backslash(command));
            return Some(Signal::Mark(Mark { kind, aid: None, nonce }));
        }
        b"F" => MarkKind::ContinuationStart,
        b"G" => MarkKind::ContinuationEnd,
        b"H" => MarkKind::RightPromptStart,
        b"I" => MarkKind::RightPromptEnd,
        b"P" => {
            let (key, value) = split(fields, b'=');
            let value = backslash(value?);
            if key == b"Cwd" {
                return cwd(&value);
            }
            MarkKind::Property { key: lossy(key), value }
        }
        _ => return None,
    };
    Some(Signal::Mark(mark(kind)))
}

/// OSC 1337.
fn iterm(text: &[u8]) -> Option<Signal> {
    let (key, value) = split(text, b'=');
    let value = value?;
    match key {
        b"CurrentDir" => cwd(&lossy(value)),
        b"RemoteHost" => {
            let text = lossy(value);
            let (user, host) = text.rsplit_once('@').unwrap_or(("", &text));
            let (user, host) = (user.to_owned(), host.to_owned());
            (!host.is_empty()).then_some(Signal::RemoteHost { user, host })
        }
        b"SetUserVar" => {
            let (name, value) = split(value, b'=');
            let value = lossy(&base64::decode(value?)?);
            (!name.is_empty()).then(|| Signal::UserVar { name: lossy(name), value })
        }
        _ => None,
    }
}

/// OSC 3008.
fn context(text: &[u8]) -> Option<ContextMark> {
    let mut parts = text.split(|&byte| byte == b';');
    let (verb, id) = split(parts.next()?, b'=');
    let id = backslash(id?);
    let fields = parts
        .filter_map(|part| {
            let (key, value) = split(part, b'=');
            Some((lossy(key), backslash(value?)))
        })
        .collect();
    match verb {
        _ if id.is_empty() => None,
        b"start" => Some(ContextMark::Start { id, fields }),
        b"end" => Some(ContextMark::End { id, fields }),
        _ => None,
    }
}
