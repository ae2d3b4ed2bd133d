//! What must hold of any bytes: called by tests, and by the target in `fuzz`.

use casemate_audit_log::Time;
use casemate_audit_log::model::{ConnectionType, Event, NO_ID, Place, Subject, SubjectType};
use casemate_audit_store::Form;

use super::{About, End, Intake, Refused};

/// A connection, as any.
#[must_use]
pub fn about() -> About {
    About {
        connection_id: "0193b2a0-0000-7000-8000-000000000001".into(),
        organization_id: NO_ID.into(),
        subject: Subject {
            subject_id: NO_ID.into(),
            subject_type: SubjectType::User,
            subject_name: "alice@example.org".into(),
            is_admin: false,
            ip_address: None,
        },
        place: Place {
            target_id: NO_ID.into(),
            target_type: ConnectionType::Shell,
            target_name: "web-1".into(),
            target_user: "alice".into(),
            environment_id: NO_ID.into(),
            environment_name: "test".into(),
        },
        space: None,
        started: Time(1_795_331_068_000_000),
    }
}

/// What came of bytes.
pub(super) struct Taken {
    pub(super) events: Vec<Event>,
    pub(super) refused: Option<Refused>,
    pub(super) end: End,
}

/// Feeds the bytes in pieces of these lengths, again and again.
pub(super) fn take(form: Form, bytes: &[u8], lengths: &[usize]) -> Taken {
    let mut intake = Intake::new(form, about()).expect("there is memory");
    let (mut events, mut refused) = (Vec::new(), None);
    let (mut rest, mut lengths) = (bytes, lengths.iter().cycle());
    while !rest.is_empty() {
        let length = lengths.next().map_or(rest.len(), |&length| length.clamp(1, rest.len()));
        let position = intake.position();
        match intake.feed(&rest[..length]) {
            Ok(taken) => {
                assert!((1..=length).contains(&taken) && intake.position() == position + taken as u64);
                rest = &rest[taken..];
            }
            Err(error) => {
                assert_eq!(intake.feed(&rest[..length]), Err(error.clone()), "it takes nothing more");
                assert!(intake.next_event().is_none(), "nothing is known of what is not kept");
                refused = Some(error);
                break;
            }
        }
        events.extend(std::iter::from_fn(|| intake.next_event()));
    }
    let mut end = intake.finish();
    events.append(&mut end.events);
    Taken { events, refused, end }
}

/// A recording in either form, whatever it is, whole and in pieces: the same is refused, what is not refused gives the same
/// events, a command ends once and behind its beginning, and each is one that a log takes.
///
/// The first byte says how it is cut.
///
/// # Panics
/// Where one of that does not hold.
pub fn fuzz_intake(script: &[u8]) {
    let Some((&cut, bytes)) = script.split_first() else { return };
    let form = if casemate_cast_format::is_zstd(bytes) { Form::CastZst } else { Form::Cast };
    let whole = take(form, bytes, &[]);
    let pieces = take(form, bytes, &[usize::from(cut) + 1, 1, 7]);
    let names = |taken: &Taken| taken.refused.as_ref().map(|refused| refused.reason.name());
    assert_eq!(names(&whole), names(&pieces), "how it is cut matters");
    if whole.refused.is_none() {
        assert_eq!(whole.events, pieces.events, "how it is cut matters");
        assert_eq!(whole.end.condition, pieces.end.condition);
    }
    let mut begun = std::collections::BTreeMap::new();
    for event in &whole.events {
        match event {
            Event::Command(command) => {
                assert!(begun.insert(&command.id, false).is_none(), "an id comes twice");
                assert!(command.reason.is_some() || !command.command.is_empty(), "unknown without a reason");
            }
            Event::CommandEnd(end) => {
                assert_eq!(
                    begun.insert(&end.id, true),
                    Some(false),
                    "it ends once, and behind its beginning"
                );
            }
            Event::Kube(_) | Event::Connection(_) | Event::Subject(_) | Event::AgentStatusChange(_) => {
                unreachable!("a recording has commands only");
            }
        }
        let json = event.to_json().expect("it has no such numbers").to_string();
        assert_eq!(&Event::from_json(event.log(), &json).expect("it is one"), event);
    }
    assert!(whole.refused.is_some() || begun.values().all(|ended| *ended), "each has an end");
}
