//! Lines read again as RFC 5424 says, and real sockets: of one who reads, one who does not, and one who is gone.

use proptest::prelude::*;

use super::*;

/// What stands in a line, read as RFC 5424 says: each value, and the text.
fn parse(line: &str) -> Option<(Vec<(String, String)>, String)> {
    let mut rest = line.strip_prefix('[')?.strip_prefix("casemate@32473")?;
    let mut values = Vec::new();
    while let Some(parameter) = rest.strip_prefix(' ') {
        let (name, quoted) = parameter.split_once("=\"")?;
        let is_name =
            |name: &str| name.bytes().all(|byte| byte.is_ascii_graphic() && !b"=]\"".contains(&byte));
        if name.is_empty() || name.len() > 32 || !is_name(name) {
            return None;
        }
        let (mut value, mut characters) = (String::new(), quoted.char_indices());
        let end = loop {
            match characters.next()? {
                (at, '"') => break at + 1,
                (_, '\\') => value.push(characters.next().filter(|(_, next)| "\"\\]".contains(*next))?.1),
                (_, ']') => return None,
                (_, other) => value.push(other),
            }
        };
        values.push((name.to_owned(), value));
        rest = &quoted[end..];
    }
    let text = rest.strip_prefix("] ")?;
    let text = text.strip_prefix('\u{feff}').filter(|text| !text.is_ascii()).unwrap_or(text);
    Some((values, text.to_owned()))
}

fn message<'a>(command: &'a str, cwd: &'a str) -> Message<'a> {
    let message = Message::new(Severity::Info, command).with("session", Some("0196")).with("cwd", Some(cwd));
    Message { is_command: true, ..message }
}

fn sockets() -> (tempfile::TempDir, UnixDatagram, Syslog) {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let listener = UnixDatagram::bind(&log).unwrap();
    listener.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let syslog = Syslog::at(&folder.path().join("journal"), &log);
    (folder, listener, syslog)
}

fn receive(listener: &UnixDatagram) -> String {
    let mut buffer = vec![0; 1 << 20];
    let length = listener.recv(&mut buffer).unwrap();
    String::from_utf8(buffer[..length].to_vec()).unwrap()
}

#[test]
fn a_line_is_as_rfc_5424_wants_it() {
    assert_eq!(
        message("systemctl restart nginx", "/srv").line(EXAMPLE),
        r#"[casemate@32473 session="0196" cwd="/srv"] systemctl restart nginx"#
    );
    assert_eq!(
        message("echo é\necho \"]\u{1b}[2J", r#"/a "b" [c] \d"#).line(EXAMPLE),
        "[casemate@32473 session=\"0196\" cwd=\"/a \\\"b\\\" [c\\] \\\\d\"] \u{feff}echo é\\necho \"]\\u{1b}[2J"
    );
    assert!(message("id", "/").line(7).starts_with("[casemate@7 session"));
    assert_eq!(Message::new(Severity::Info, "").with("a", None::<&str>).line(EXAMPLE), "[casemate@32473] ");
}

#[test]
fn what_is_long_is_cut_and_says_so() {
    let (long, path) = ("é".repeat(1 << 20), "/d".repeat(1 << 20));
    let line = message(&long, &path).line(EXAMPLE);
    assert!(line.len() <= LONGEST + 3 && line.len() > LONGEST - 8, "{}", line.len());
    let (values, text) = parse(&line).unwrap();
    assert_eq!(values.last().unwrap(), &("cut".to_owned(), "true".to_owned()));
    assert!(values[1].1.ends_with('…') && long.starts_with(&text));
    // The journal has more of it.
    assert!(message(&long, "/").fields(EXAMPLE, 1).len() > LONGEST_FIELD);
    assert!(message(&long, &path).fields(EXAMPLE, 1).len() < 200 << 10);
}

#[test]
fn journald_gets_fields() {
    let fields = message("a\nb", "/").fields(EXAMPLE, 7);
    let expected = b"PRIORITY=6\nSYSLOG_FACILITY=10\nSYSLOG_IDENTIFIER=casemate\nSYSLOG_PID=7\n\
        MESSAGE=[casemate@32473 session=\"0196\" cwd=\"/\"] a\\nb\n\
        CASEMATE_SESSION\n\x04\0\0\0\0\0\0\x000196\nCASEMATE_CWD\n\x01\0\0\0\0\0\0\0/\n\
        CASEMATE_COMMAND\n\x03\0\0\0\0\0\0\0a\nb\n";
    assert_eq!(fields, expected, "{}", String::from_utf8_lossy(&fields));
}

#[test]
fn whoever_listens_gets_lines_and_journald_is_preferred() {
    let (folder, listener, mut syslog) = sockets();
    syslog.send(&message("id", "/")).unwrap();
    let expected = format!("<86>casemate[{}]: {}", std::process::id(), message("id", "/").line(EXAMPLE));
    assert_eq!(receive(&listener), expected);
    let journal = UnixDatagram::bind(folder.path().join("journal")).unwrap();
    let mut syslog = Syslog::at(&folder.path().join("journal"), &folder.path().join("log"));
    syslog.send(&message("id", "/")).unwrap();
    assert!(receive(&journal).starts_with("PRIORITY=6\n"));
}

#[test]
fn a_stuck_log_stops_nobody_and_what_it_missed_is_said() {
    let (_folder, listener, mut syslog) = sockets();
    let begun = Instant::now();
    let mut unsent = Vec::new();
    let mut sent = 0;
    while unsent.len() < 1000 {
        match syslog.send(&message("id", "/")) {
            Ok(()) => sent += 1,
            Err(error) => unsent.push(error.is_first),
        }
        assert!(sent < 1_000_000, "nobody reads, and all is taken");
    }
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    assert!(unsent[0] && !unsent[1..].contains(&true), "it is said once");
    assert_eq!(syslog.lost(), 1000);
    for _ in 0..sent {
        receive(&listener);
    }
    syslog.send(&message("whoami", "/")).unwrap();
    assert!(receive(&listener).ends_with("whoami"));
    let owned_up = receive(&listener);
    assert!(
        owned_up.starts_with("<84>") && owned_up.contains(r#"lost="1000"] 1000 messages could not be sent"#),
        "{owned_up}"
    );
    assert_eq!((syslog.lost.now, syslog.lost()), (0, 1000));
}

#[test]
fn a_log_that_is_restarted_is_found_again() {
    let (folder, listener, mut syslog) = sockets();
    syslog.send(&message("id", "/")).unwrap();
    receive(&listener);
    drop(listener);
    let error = syslog.send(&message("id", "/")).unwrap_err();
    assert!(error.is_first, "{error:?}");
    std::fs::remove_file(folder.path().join("log")).unwrap();
    assert!(!syslog.send(&message("id", "/")).unwrap_err().is_first);
    let listener = UnixDatagram::bind(folder.path().join("log")).unwrap();
    syslog.send(&message("id", "/")).unwrap();
    assert!(receive(&listener).ends_with("id"));
    assert!(receive(&listener).contains("lost=\"2\""));
}

proptest! {
    #[test]
    fn any_command_is_one_line_that_can_be_read_again(
        command in ".{0,60}|(.|\n|\r|\0|\"|\\\\|\\]){0,60}",
        cwd in "(.|\n|\"|\\\\|\\]|\u{1b}){0,40}",
    ) {
        let line = message(&command, &cwd).line(EXAMPLE);
        prop_assert!(!line.chars().any(char::is_control), "{:?}", line);
        let (values, text) = parse(&line).expect(&line);
        let expected = |text: &str| escaped(text).into_owned();
        prop_assert_eq!(&values[1], &("cwd".to_owned(), expected(&cwd)));
        prop_assert_eq!(text, expected(&command));
    }

    #[test]
    fn any_length_stays_bounded(command in proptest::char::any(), count in 0_usize..9000) {
        let command = command.to_string().repeat(count);
        let message = message(&command, &command);
        let line = message.line(EXAMPLE);
        let mark = '\u{feff}'.len_utf8();
        prop_assert!(line.len() <= LONGEST + mark);
        prop_assert!(parse(&line).is_some());
        prop_assert!(!line.chars().any(char::is_control));
    }
}
