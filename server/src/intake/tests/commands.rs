//! What becomes of the commands of a recording.

use std::time::Duration;

use casemate_audit_log::Time;
use casemate_audit_log::model::{CommandEnd, CommandEvent, Event};
use casemate_audit_store::Form;
use casemate_cast_format::segment::{Condition, PackerConfig};
use casemate_cast_format::{Code, Decoder, Header, Item, Micros, Size, Version, own};
use casemate_command_log::CommandLog;

use super::made::{Made, START, facts, fixture, fixtures, text};
use crate::intake::fuzz::{about, take};
use crate::intake::{About, Intake, Space, UNDER_WAY};

/// Id of the connection in all of these.
fn id() -> String {
    about().connection_id
}

/// Events of whole recordings, as pairs of beginning and end.
fn pairs(events: Vec<Event>) -> Vec<(CommandEvent, CommandEnd)> {
    let (mut commands, mut pairs) = (Vec::new(), Vec::new());
    for event in events {
        match event {
            Event::Command(command) => commands.push(*command),
            Event::CommandEnd(end) => {
                let at = commands.iter().position(|command| command.id == end.id).expect("it began before");
                pairs.push((commands.remove(at), end));
            }
            Event::Kube(_) | Event::Connection(_) | Event::Subject(_) | Event::AgentStatusChange(_) => {
                panic!("a recording has commands only")
            }
        }
    }
    assert_eq!(commands, [], "each has an end");
    pairs
}

fn read(form: Form, bytes: &[u8]) -> Vec<(CommandEvent, CommandEnd)> {
    let taken = take(form, bytes, &[]);
    assert_eq!(taken.refused, None);
    pairs(taken.events)
}

#[test]
fn a_command_has_all_that_is_known_of_it() {
    let mut made = Made::new(Version::V2, Some(&facts(&id())));
    made.out(0, "\x1b]7;file://web-1/srv\x07").prompt().line("ls", "a b\r\n").prompt().line("exit", "");
    made.event(50, Code::Exit, "0");
    let about = About { space: Some(Space { id: "s".into(), name: "space".into() }), ..about() };
    let mut intake = Intake::new(Form::Cast, about.clone()).unwrap();
    intake.feed(&made.cast()).unwrap();
    let Some(Event::Command(command)) = intake.next_event() else { panic!("it has begun") };
    let offset = Micros(510_000);
    let log_id = &whole_log(&made.cast())[0].id;
    let expected = CommandEvent {
        id: log_id.clone(),
        connection_id: about.connection_id.clone(),
        organization_id: about.organization_id,
        timestamp: Time(i64::try_from(START + offset.0).unwrap()),
        subject: about.subject,
        place: about.place,
        command: "ls".into(),
        space_id: Some("s".into()),
        space_name: Some("space".into()),
        recording_id: Some(about.connection_id),
        offset: Some(0.51),
        cwd: Some("/srv".into()),
        kind: Some("shell".into()),
        program: None,
        source: Some("screen".into()),
        confidence: command.confidence,
        reason: None,
        inner_target: None,
        inner_target_user: None,
        argv: Vec::new(),
        result: casemate_audit_log::model::CommandResult::default(),
    };
    assert_eq!(*command, expected);
    let Some(Event::CommandEnd(end)) = intake.next_event() else { panic!("it has ended") };
    assert_eq!((&end.id, end.timestamp), (&command.id, Time(command.timestamp.0 + 310_000)));
    assert_eq!((end.result.duration, end.result.output_bytes), (Some(0.31), Some(5)));
    assert!(intake.has_ended());
    assert_eq!(intake.finish().condition, Condition::Unsealed);
}

/// What `casemate commands` would say of a recording.
fn whole_log(text: &[u8]) -> Vec<casemate_command_log::CommandEvent> {
    let mut decoder = Decoder::new();
    decoder.feed(text);
    decoder.finish();
    let mut log = CommandLog::new(&Header::new(Size { cols: 80, rows: 24 }));
    while let Some(item) = decoder.next_item() {
        match item {
            Item::Header(header) => log = CommandLog::new(&header),
            Item::Event(event) => log.handle(&event),
            Item::Comment(_) | Item::Defect(_) => {}
        }
    }
    log.finish();
    std::iter::from_fn(|| log.next_event()).collect()
}

#[test]
fn in_real_sessions_they_are_those_that_are_read_later() {
    let mut count = 0;
    for (name, bytes) in fixtures(|name| name.ends_with(".cast.zst") && !name.starts_with("torn")) {
        let later = whole_log(&text(&bytes));
        // Each says who it is; where another was appended, that is another one.
        let mut intake = Intake::new(Form::CastZst, about()).unwrap();
        intake.feed(&bytes).unwrap();
        let session = Header::facts(intake.header().unwrap()).unwrap().session;
        let about = About { connection_id: session.clone(), ..about() };
        let mut intake = Intake::new(Form::CastZst, about).unwrap();
        assert_eq!(intake.feed(&bytes), Ok(bytes.len()), "{name}");
        let mut events: Vec<_> = std::iter::from_fn(|| intake.next_event()).collect();
        let end = intake.finish();
        assert_eq!(end.condition, Condition::Intact, "{name}");
        events.extend(end.events);
        let mut now: Vec<_> = pairs(events)
            .into_iter()
            .map(|(command, end)| {
                (command.offset, command.command, command.id, end.result.exit_code, end.result.duration)
            })
            .collect();
        let seconds = |time: Micros| time.to_string().parse::<f64>().unwrap();
        let mut later: Vec<_> = later
            .into_iter()
            .map(|event| {
                let own = event.session.as_ref() == Some(&session);
                let id = if own { event.id } else { "another".into() };
                let command = event.command.unwrap_or_default();
                (Some(seconds(event.offset)), command, id, event.exit_code, event.duration.map(seconds))
            })
            .collect();
        let by = |one: &(Option<f64>, String, _, _, _), other: &(Option<f64>, String, _, _, _)| {
            one.0.partial_cmp(&other.0).unwrap().then_with(|| one.1.cmp(&other.1))
        };
        now.sort_by(by);
        later.sort_by(by);
        for (now, later) in now.iter_mut().zip(&later) {
            if later.2 == "another" {
                assert_ne!(now.2, later.2);
                now.2.clone_from(&later.2);
            }
        }
        assert_eq!(now, later, "{name}");
        count += later.len();
    }
    assert!(count > 300, "{count}");
}

#[test]
fn no_two_recordings_share_an_id_whatever_they_say() {
    let session = |facts: Option<&str>| {
        let mut made = Made::new(Version::V3, facts.map(super::made::facts).as_ref());
        made.prompt().line("id", "uid=0\r\n").prompt();
        made.cast()
    };
    let ids = |connection: &str, bytes: &[u8]| {
        let about = About { connection_id: connection.into(), ..about() };
        let mut intake = Intake::new(Form::Cast, about).unwrap();
        intake.feed(bytes).unwrap();
        intake.finish().events.into_iter().map(|event| event.id().to_owned()).collect::<Vec<_>>()
    };
    let (own, other) = ("0193b2a0-0000-7000-8000-00000000000a", "0193b2a0-0000-7000-8000-00000000000b");
    let mut all = Vec::new();
    for connection in [own, other] {
        for bytes in [session(Some(own)), session(None)] {
            let found = ids(connection, &bytes);
            assert_eq!(found.len(), 2, "a command, and its end");
            assert_eq!(found[0], found[1]);
            assert_eq!(found, ids(connection, &bytes), "again the same");
            assert_eq!(found[0].len(), 36);
            if (connection, &bytes) != (own, &session(None)) {
                all.push(found[0].clone());
            }
        }
    }
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 3);
    assert_eq!(ids(own, &session(Some(own)))[0], whole_log(&session(Some(own)))[0].id);
}

#[test]
fn who_became_somebody_else_or_went_elsewhere_is_told() {
    let read = |name: &str| {
        let pairs = read(Form::CastZst, &fixture(name));
        pairs
            .into_iter()
            .map(|(command, _)| (command.command, command.inner_target, command.inner_target_user))
            .collect::<Vec<_>>()
    };
    let commands = read("ssh-then-su.cast.zst");
    assert!(commands.iter().any(|(_, target, user)| target.is_none() && user.is_none()), "{commands:?}");
    assert!(commands.iter().any(|(_, target, user)| target.is_some() && user.is_some()), "{commands:?}");
}

#[test]
fn what_was_hidden_is_no_text() {
    let mut made = Made::new(Version::V2, Some(&facts(&id())));
    made.prompt()
        .line("read -s X", "")
        .event(10, Code::Other(own::HIDDEN.into()), "")
        .out(900, "\r\n")
        .prompt();
    for (command, _) in read(Form::Cast, &made.cast()) {
        assert!(!command.command.is_empty() || command.reason.is_some());
    }
    let mut count = 0;
    for (name, bytes) in fixtures(|name| name.ends_with(".cast.zst")) {
        for (command, _) in read(Form::CastZst, &bytes) {
            if command.kind.as_deref() == Some("hidden") {
                assert_eq!((&*command.command, command.source.as_deref()), ("", Some("none")), "{name}");
                assert!(command.reason.is_some(), "{name}");
                count += 1;
            }
        }
    }
    assert!(count > 3, "{count}");
}

#[test]
fn a_session_that_is_a_command_has_its_bytes() {
    let mut facts = facts(&id());
    facts.set_no_terminal();
    let mut made = Made::new(Version::V2, Some(&facts));
    made.own(0, own::EXEC, r#"{"argv":["sh","-c","wc -c"],"cwd":"/tmp"}"#);
    made.event(100, Code::Input, "abc").event(100, Code::Output, "3\n");
    made.own(10, own::TRAFFIC, r#"{"in":3,"out":2,"err":0}"#).event(0, Code::Exit, "7");
    let mut pairs = read(Form::Cast, &made.cast());
    let (command, end) = pairs.remove(0);
    assert_eq!((&*command.command, command.source.as_deref()), ("wc -c", Some("exec")));
    assert_eq!((command.argv.join(" "), command.cwd.as_deref()), ("sh -c wc -c".into(), Some("/tmp")));
    assert_eq!(command.result, casemate_audit_log::model::CommandResult::default(), "it had not ended");
    let result = end.result;
    assert_eq!((result.bytes_in, result.bytes_out, result.bytes_err), (Some(3), Some(2), Some(0)));
    assert_eq!((result.exit_code, pairs), (Some(7), vec![]));
}

#[test]
fn where_a_recording_does_not_say_when_it_began_the_connection_does() {
    let mut made = Made::new(Version::V2, None);
    made.prompt().line("id", "").prompt();
    let (command, end) = read(Form::Cast, &made.cast()).remove(0);
    assert_eq!(command.timestamp, Time(about().started.0 + 510_000));
    assert!(end.timestamp > command.timestamp);
}

#[test]
fn a_session_that_was_appended_has_its_own_time_and_name() {
    let mut made = Made::new(Version::V2, Some(&facts(&id())));
    made.prompt().line("one", "").prompt().event(10, Code::Exit, "0");
    let later = casemate_cast_format::SessionFacts {
        start_us: START + 86_400_000_000,
        user: "bob".into(),
        ..facts("0193b2a0-0000-7000-8000-0000000000ff")
    };
    made.own(0, own::SESSION, &later.to_value().to_string());
    let begun = made.lines.last().unwrap().0.unwrap();
    made.prompt().line("two", "").prompt();
    let mut intake = Intake::new(Form::Cast, about()).unwrap();
    intake.feed(&made.cast()).unwrap();
    assert_eq!(intake.facts().map(|facts| &*facts.user), Some("bob"));
    assert!(!intake.has_ended());
    let pairs = pairs(intake.finish().events);
    assert_eq!(pairs.len(), 2);
    let at = |index: usize| {
        let offset = Micros::from_seconds(&pairs[index].0.offset.unwrap().to_string()).unwrap();
        u64::try_from(pairs[index].0.timestamp.0).unwrap() - offset.0
    };
    assert_eq!((at(0), at(1)), (START, START + 86_400_000_000 - begun.0));
}

#[test]
fn a_part_of_a_rotated_recording_goes_on_with_the_chain() {
    let facts = casemate_cast_format::SessionFacts { part: 2, ..facts(&id()) };
    let mut made = Made::new(Version::V3, Some(&facts));
    made.prompt().line("id", "").prompt();
    let config = PackerConfig { previous_seal: Some([7; 32]), ..PackerConfig::default() };
    let taken = take(Form::CastZst, &made.zst(config, |index| index == 4), &[]);
    assert_eq!(taken.refused, None);
    assert_eq!(taken.end.verdict.and_then(|verdict| verdict.continues), Some([7; 32]));
    let command = &pairs(taken.events)[0].0;
    assert_eq!(command.id, whole_log(&made.cast())[0].id);
    let text = String::from_utf8(made.cast()).unwrap().replace("\"part\":2", "\"part\":1");
    assert_ne!(command.id, whole_log(text.as_bytes())[0].id, "parts have ids of their own");
}

#[test]
fn what_rests_is_decided_when_time_passes() {
    let mut made = Made::new(Version::V2, Some(&facts(&id())));
    made.prompt().line("sleep 100", "");
    let mut intake = Intake::new(Form::Cast, about()).unwrap();
    intake.feed(&made.cast()).unwrap();
    assert_eq!(intake.next_event(), None);
    intake.advance(Time(5_000_000));
    assert_eq!(intake.next_event(), None, "it has only just come");
    intake.advance(Time(5_900_000));
    assert_eq!(intake.next_event(), None, "more may be under way");
    intake.advance(Time(6_500_000));
    assert!(matches!(intake.next_event(), Some(Event::Command(command)) if command.command == "sleep 100"));
    intake.advance(Time(4_000_000));
    intake.advance(Time(i64::MAX));
    intake.advance(Time(i64::MIN));
    assert_eq!(intake.next_event(), None);
}

#[test]
fn who_says_that_nothing_was_recorded_is_believed_at_once() {
    let mut made = Made::new(Version::V2, Some(&facts(&id())));
    made.prompt().line("sleep 100", "");
    let mut intake = Intake::new(Form::Cast, about()).unwrap();
    intake.feed(&made.cast()).unwrap();
    intake.rest(Duration::from_millis(1));
    assert_eq!(intake.next_event(), None, "it may still be printing");
    intake.rest(Duration::from_millis(450));
    assert!(matches!(intake.next_event(), Some(Event::Command(command)) if command.command == "sleep 100"));
    intake.rest(Duration::MAX);
    intake.rest(Duration::ZERO);
    assert_eq!(intake.next_event(), None);
}

#[test]
fn time_that_passes_changes_no_event() {
    for (name, bytes) in fixtures(|name| name.ends_with(".cast.zst")) {
        let text = text(&bytes);
        let still = take(Form::Cast, &text, &[]);
        let mut intake = Intake::new(Form::Cast, about()).unwrap();
        let (mut events, mut now) = (Vec::new(), 0);
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            // The line says when it is: until then nothing comes.
            if let Some(time) = time_of(line, &intake) {
                let gap = i64::try_from(time.0.saturating_sub(intake.duration().0)).unwrap();
                for part in [0, gap / 2, gap - 1] {
                    intake.advance(Time(now + part));
                    now += i64::try_from(UNDER_WAY.0).unwrap() * i64::from(part == 0);
                }
                now += gap;
            }
            intake.feed(line).unwrap();
            events.extend(std::iter::from_fn(|| intake.next_event()));
        }
        events.extend(intake.finish().events);
        let shown = |events: &[Event]| {
            let mut shown: Vec<_> = events.iter().map(|event| event.to_json().unwrap().to_string()).collect();
            shown.sort();
            shown
        };
        assert_eq!(shown(&events), shown(&still.events), "{name}");
    }
}

fn time_of(line: &[u8], intake: &Intake) -> Option<Micros> {
    let line: (serde_json::Number, String, String) = serde_json::from_slice(line).ok()?;
    let time = Micros::from_seconds(&line.0.to_string())?;
    let intervals = intake.header()?.version == Version::V3;
    Some(if intervals { intake.duration().plus(time) } else { time })
}
