//! Tests of the scanner: which bytes are which signal, and where it stands.

use super::{MAX_STRING, Scanner};
use crate::fuzz::{Owned, scan};
use crate::signal::{ContextMark, Mark, MarkKind, PromptPart, Signal};

/// Returns the signals in a stream.
fn signals(stream: &[u8]) -> Vec<Signal> {
    let signal = |piece| match piece {
        Owned::Signal(signal) => Some(signal),
        Owned::Bytes(_) => None,
    };
    scan([stream]).into_iter().filter_map(signal).collect()
}

/// Returns the one signal of an OSC.
#[track_caller]
fn osc(text: &str) -> Signal {
    let mut found = signals(format!("\x1b]{text}\x07").as_bytes());
    assert_eq!(found.len(), 1, "{text}: {found:?}");
    found.remove(0)
}

fn mark(kind: MarkKind) -> Mark {
    Mark { kind, aid: None, nonce: None }
}

#[track_caller]
fn check_mark(text: &str, kind: MarkKind) {
    assert_eq!(osc(text), Signal::Mark(mark(kind)), "{text}");
}

fn cwd(host: &str, path: &str) -> Signal {
    Signal::Cwd { host: host.to_owned(), path: path.to_owned() }
}

#[test]
fn semantic_prompts() {
    let prompt = |part, fresh_line| MarkKind::PromptStart { part, fresh_line };
    check_mark("133;A", prompt(PromptPart::Initial, true));
    check_mark("133;A;cl=line;click_events=1;k=s", prompt(PromptPart::Secondary, true));
    check_mark("133;P;k=r", prompt(PromptPart::Right, false));
    check_mark("133;P;k=c", prompt(PromptPart::Continuation, false));
    check_mark("133;P;k=?", prompt(PromptPart::Initial, false));
    check_mark("133;B", MarkKind::InputStart);
    check_mark("133;I", MarkKind::InputStart);
    check_mark("133;C", MarkKind::OutputStart { command: None });
    check_mark("133;L", MarkKind::FreshLine);
    check_mark("133;N", MarkKind::NewCommand);
    check_mark("133;D", MarkKind::Done { status: None });
    check_mark("133;D;A", MarkKind::Done { status: None });
    check_mark("133;D;-1;err=x", MarkKind::Done { status: Some(-1) });
    let done = Mark { aid: Some("12".to_owned()), ..mark(MarkKind::Done { status: Some(130) }) };
    assert_eq!(osc("133;D;130;aid=12"), Signal::Mark(done));
    assert_eq!(signals(b"\x1b]133;Z\x07\x1b]133\x07\x1b]1333;A\x07\x1b]\x07"), []);
}

#[test]
fn command_lines_in_marks() {
    let started = |command: &str| MarkKind::OutputStart { command: Some(command.to_owned()) };
    check_mark("133;C;cmdline=ls\\ -l\\;\\ echo\\ \\\"x\\\"", started("ls -l; echo \"x\""));
    check_mark(
        "133;C;cmdline=$'echo \\'a;b\\'\\n\\tc\\x41\\101\\u65e5\\e[m\\cA\\\\'",
        started("echo 'a;b'\n\tcAA日\x1b[m\x01\\"),
    );
    check_mark("133;C;cmdline='a b'\"c\\\"d\"e;aid=1", started("a bc\"de"));
    check_mark("133;C;cmdline=echo\\ aid=7\\;k=s", started("echo aid=7;k=s"));
    check_mark("133;C;cmdline_url=echo%20%3B%0a%E6%97%A5%zz%4", started("echo ;\n日%zz%4"));
    check_mark("133;C;x;cmdline_url=", started(""));
    check_mark("133;C;cmdline=$'open", started("open"));
    check_mark("133;C;cmdline=$'\\x\\400'", started("\\x\0"));
    let known = Mark { nonce: Some("n1".to_owned()), ..mark(started("a b")) };
    assert_eq!(osc("133;C;cmdline_url=a%20b;nonce=n1"), Signal::Mark(known));
}

#[test]
fn vs_code_marks() {
    let prompt = MarkKind::PromptStart { part: PromptPart::Initial, fresh_line: false };
    check_mark("633;A", prompt);
    check_mark("633;B", MarkKind::InputStart);
    check_mark("633;C", MarkKind::OutputStart { command: None });
    check_mark("633;D;1", MarkKind::Done { status: Some(1) });
    check_mark("633;D", MarkKind::Done { status: None });
    check_mark("633;F", MarkKind::ContinuationStart);
    check_mark("633;G", MarkKind::ContinuationEnd);
    check_mark("633;H", MarkKind::RightPromptStart);
    check_mark("633;I", MarkKind::RightPromptEnd);
    check_mark("633;E;a\\x3bb\\x0ac\\\\x41\\q", MarkKind::CommandLine("a;b\nc\\x41\\q".to_owned()));
    let known = Mark { nonce: Some("secret".to_owned()), ..mark(MarkKind::CommandLine("ls".to_owned())) };
    assert_eq!(osc("633;E;ls;secret"), Signal::Mark(known));
    let property = MarkKind::Property { key: "IsWindows".to_owned(), value: "False".to_owned() };
    check_mark("633;P;IsWindows=False", property);
    assert_eq!(osc("633;P;Cwd=C:\\\\a\\x3bb"), cwd("", "C:\\a;b"));
}

#[test]
fn titles_and_directories() {
    assert_eq!(osc("0;root@web-1: ~; x"), Signal::Title("root@web-1: ~; x".to_owned()));
    assert_eq!(osc("2;"), Signal::Title(String::new()));
    assert_eq!(
        signals(b"\x1bkroot@web-1: ~\x1b\\\x1bkbroken off\x1b[m"),
        [Signal::Title("root@web-1: ~".to_owned())]
    );
    assert_eq!(osc("7;file://web-1/srv/a%20b%3b"), cwd("web-1", "/srv/a b;"));
    assert_eq!(osc("7;file:///srv"), cwd("", "/srv"));
    assert_eq!(osc("7;kitty-shell-cwd://web-1/a%20b"), cwd("web-1", "/a%20b"));
    assert_eq!(osc("9;9;\"C:\\a\""), cwd("", "C:\\a"));
    assert_eq!(osc("1337;CurrentDir=/srv"), cwd("", "/srv"));
    assert_eq!(signals(b"\x1b]7;http://x/\x07\x1b]9;4;1\x07\x1b]9;9;\x07\x1b]1;icon\x07\x1b]2\x07"), []);
}

#[test]
fn hosts_variables_and_contexts() {
    let remote = |user: &str, host: &str| Signal::RemoteHost { user: user.to_owned(), host: host.to_owned() };
    assert_eq!(osc("1337;RemoteHost=alice@web-1"), remote("alice", "web-1"));
    assert_eq!(osc("1337;RemoteHost=a@corp@web-1"), remote("a@corp", "web-1"));
    assert_eq!(osc("1337;RemoteHost=web-1"), remote("", "web-1"));
    let variable = |value: &str| Signal::UserVar { name: "V".to_owned(), value: value.to_owned() };
    for (encoded, value) in
        [("", ""), ("YQ==", "a"), ("YQ", "a"), ("YWI=", "ab"), ("YWJj", "abc"), ("5pel", "日")]
    {
        assert_eq!(osc(&format!("1337;SetUserVar=V={encoded}")), variable(value));
    }
    assert_eq!(signals(b"\x1b]1337;SetUserVar=V=a*==\x07\x1b]1337;SetUserVar=V=a\x07\x1b]1337;X=1\x07"), []);
    let field = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let start = ContextMark::Start {
        id: "1f".to_owned(),
        fields: vec![field("type", "shell"), field("cwd", "/a;b\\"), field("user", "root")],
    };
    assert_eq!(osc("3008;start=1f;type=shell;cwd=/a\\x3bb\\x5c;user=root;bare"), Signal::Context(start));
    let end = ContextMark::End {
        id: "1f".to_owned(),
        fields: vec![field("exit", "failure"), field("status", "1")],
    };
    assert_eq!(osc("3008;end=1f;exit=failure;status=1"), Signal::Context(end));
    assert_eq!(signals(b"\x1b]3008;start=\x07\x1b]3008;stop=1\x07"), []);
}

#[test]
fn strings_end_in_every_way() {
    let title = || Signal::Title("a✓b".to_owned());
    for stream in [
        "\x1b]2;a✓b\x07",
        "\x1b]2;a✓b\x1b\\",
        "\x1b]2;a✓b\u{9c}",
        "\x1b]2;a\r\n✓\rb\x07",
        "\x1b]2;lost\x1b[m\x1b]2;a✓b\x07",
        "\x1b]2;lost\x18\x1b]2;a✓b\x07",
        "\x1bPq\x07\x1b\\\x1b]2;a✓b\x07",
        "\x1bPtmux;\x1b\x1b]2;a✓b\x07\x1b\\",
        "\x1bPtmux;\x1b\x1b]2;a✓b\x1b\x1b\\\x1b\\",
        "\x1bPtmux;\x1b\x1bPtmux;\x1b\x1b\x1b\x1b]2;a✓b\x07\x1b\x1b\\\x1b\\",
    ] {
        assert_eq!(signals(stream.as_bytes()), [title()], "{stream:?}");
    }
    assert_eq!(
        signals(b"\x1b]2;a\x9c\x1b]2;b\xff\x07"),
        [Signal::Title("a".to_owned()), Signal::Title("b\u{fffd}".to_owned())]
    );
    // What tmux passes on is not for this screen.
    assert_eq!(signals(b"\x1bPtmux;\x1b\x1b[2J\x1b\x1bc\x1b\x1b[?1049h\x1b\\"), []);
}

#[test]
fn switches() {
    use Signal::{Alternate, BracketedPaste, EraseDisplay, Reset};
    assert_eq!(signals(b"\x1b[?2004h\x1b[?2004l"), [BracketedPaste(true), BracketedPaste(false)]);
    assert_eq!(
        signals(b"\x1b[?1049;2004h\x1b[?47l\x1b[?25;1047h"),
        [Alternate(true), BracketedPaste(true), Alternate(false), Alternate(true)]
    );
    assert_eq!(
        signals(b"\x1b[J\x1b[1J\x1b[2J\x1b[3J\x1b[?2J\x1b[4J\x1b[>2J\x1b[2 J\x1bc\x1b(c"),
        [EraseDisplay(0), EraseDisplay(1), EraseDisplay(2), EraseDisplay(3), EraseDisplay(2), Reset]
    );
}

#[test]
fn what_erases_comes_after_its_signal() {
    let bytes = |text: &str| Owned::Bytes(text.into());
    assert_eq!(
        scan([b"a\x1b[2Jb\x1b]2;t\x07c\x1b[?2004hd\x1bce".as_slice()]),
        [
            bytes("a\x1b[2"),
            Owned::Signal(Signal::EraseDisplay(2)),
            bytes("Jb\x1b]2;t\x07"),
            Owned::Signal(Signal::Title("t".to_owned())),
            bytes("c\x1b[?2004h"),
            Owned::Signal(Signal::BracketedPaste(true)),
            bytes("d\x1b"),
            Owned::Signal(Signal::Reset),
            bytes("ce"),
        ]
    );
}

#[test]
fn long_strings_are_dropped() {
    let title = |length: usize| format!("\x1b]2;{}\x07", "x".repeat(length));
    assert_eq!(signals(title(MAX_STRING - 10).as_bytes()).len(), 1);
    assert_eq!(signals(title(MAX_STRING).as_bytes()).len(), 0);
    let mut scanner = Scanner::new();
    scanner.scan(b"\x1b]2;", &mut |_| {});
    for _ in 0..100 {
        scanner.scan(&[b'x'; 10_000], &mut |_| {});
    }
    assert!(scanner.kept.capacity() <= 2 * MAX_STRING);
    let mut found = 0;
    scanner.scan(b"\x07\x1b]2;t\x07", &mut |piece| {
        found += usize::from(matches!(piece, super::Piece::Signal(_)));
    });
    assert_eq!(found, 1);
}
