//! What rows and pages say, of events of which some are an adversary's.

use casemate_audit_log::model::{
    ConnectionEventType, ConnectionState, ConnectionType, NO_ID, NONE, Place, Subject, SubjectType,
};
use expect_test::expect;

use super::*;

const HOSTILE: &str = "</td><script>alert(1)</script>\u{202e}\x1b]0;x\x07\u{200b}";

fn at(text: &str) -> Time {
    text.parse().unwrap()
}

fn subject(name: &str) -> Subject {
    Subject {
        subject_id: NO_ID.into(),
        subject_type: SubjectType::User,
        subject_name: name.to_owned(),
        is_admin: false,
        ip_address: Some(name.to_owned()),
    }
}

fn place(name: &str) -> Place {
    Place {
        target_id: NO_ID.into(),
        target_type: ConnectionType::Shell,
        target_name: name.to_owned(),
        target_user: name.to_owned(),
        environment_id: NO_ID.into(),
        environment_name: NONE.to_owned(),
    }
}

fn command(text: &str, name: &str) -> CommandEvent {
    CommandEvent {
        id: "c1".into(),
        connection_id: "s1".into(),
        organization_id: NO_ID.into(),
        timestamp: at("2026-11-27T09:30:05.123456Z"),
        subject: subject(name),
        place: place(name),
        command: text.to_owned(),
        space_id: None,
        space_name: Some(name.to_owned()),
        recording_id: None,
        offset: Some(1.5),
        cwd: Some(text.to_owned()),
        kind: Some(name.to_owned()),
        program: Some(name.to_owned()),
        source: None,
        confidence: Some(0.5),
        reason: None,
        inner_target: Some(name.to_owned()),
        inner_target_user: Some(name.to_owned()),
        argv: vec![text.to_owned()],
        result: casemate_audit_log::model::CommandResult {
            exit_code: Some(1),
            duration: Some(0.25),
            ..Default::default()
        },
    }
}

fn entries(name: &str) -> Vec<(Page, Entry)> {
    let time = at("2026-11-27T09:30:05Z");
    let kube = KubernetesEvent {
        id: name.to_owned(),
        organization_id: NO_ID.into(),
        creation_date: time,
        role: name.to_owned(),
        target_groups: vec![name.to_owned()],
        endpoints: vec![],
        exec_commands: vec![],
        kube_english_command: name.to_owned(),
        status_code: 403,
        user_id: name.to_owned(),
        user_email: name.to_owned(),
        cluster_id: name.to_owned(),
        target_name: name.to_owned(),
        connection_id: Some(name.to_owned()),
        ip_address: None,
        user_agent: Some(name.to_owned()),
        verbs: vec![name.to_owned()],
        namespaces: vec![name.to_owned()],
        resources: vec![name.to_owned()],
        grouping_guessed: true,
    };
    let happened = ConnectionEvent {
        id: name.to_owned(),
        connection_id: name.to_owned(),
        organization_id: NO_ID.into(),
        timestamp: time,
        subject: subject(name),
        place: place(name),
        session_id: NO_ID.into(),
        session_name: name.to_owned(),
        connection_event_type: ConnectionEventType::Closed,
        reason: Some(name.to_owned()),
        connection_node_id: name.to_owned(),
    };
    let connection = Connection {
        id: name.to_owned(),
        time_created: time,
        time_ended: Some(time),
        state: ConnectionState::Open,
        is_inactive: true,
        subject: subject(name),
        place: Place { environment_name: name.to_owned(), ..place(name) },
        space_name: Some(name.to_owned()),
        reason: Some(name.to_owned()),
        known_by: Some(name.to_owned()),
    };
    let call = SubjectEvent {
        id: name.to_owned(),
        organization_id: NO_ID.into(),
        timestamp: time,
        subject: subject(name),
        service_action: name.to_owned(),
        resource: name.to_owned(),
        evaluation: false,
        context: name.to_owned(),
    };
    vec![
        (Page::Commands, Entry::Command(Box::new(command(name, name)))),
        (Page::KubernetesCommands, Entry::Kubernetes(Box::new(kube))),
        (Page::Connections, Entry::Connection(Box::new(connection))),
        (Page::ConnectionEvents, Entry::ConnectionEvent(Box::new(happened))),
        (Page::UserEvents, Entry::UserEvent(Box::new(call))),
    ]
}

#[test]
fn a_row_says_who_ran_what_where() {
    let view = View {
        columns: Some(vec!["subjectName", "command", "exitCode", "duration"]),
        ..View::of(Page::Commands)
    };
    let entry = Entry::Command(Box::new(command("ls <x>\nls", "alice@org.com")));
    let row = entry.row(&view, Some("5.1")).into_string().replace("><", ">\n<");
    expect![[r#"
        <tr id="e-c1" class="failed" data-place="5.1" tabindex="-1">
        <td class="time" data-label="Time">
        <a class="open" href="/admin/events/commands/c1?of=s1">
        <time datetime="2026-11-27T09:30:05.123456Z" title="2026-11-27T09:30:05.123456Z">2026-11-27 09:30:05.123</time>
        </a>
        </td>
        <td class="" data-label="SSO user">
        <a href="/admin/events/commands?subjectNames=alice@org.com&amp;columns=subjectName,command,exitCode,duration">
        <bdi>alice@org.com</bdi>
        </a>
        </td>
        <td class="code main" data-label="Command">
        <code>
        <bdi>ls &lt;x&gt;
        ls</bdi>
        </code>
        </td>
        <td class="figure result" data-label="Exit">1</td>
        <td class="figure" data-label="Took">0.25 s</td>
        </tr>"#]].assert_eq(&row);
}

#[test]
fn whatever_is_in_an_event_is_text() {
    for (page, entry) in entries(HOSTILE) {
        let view = View { columns: Some(keys(page).collect()), ..View::of(page) };
        let (row, event) = (news(&entry, &view), event::page(page, &entry).into_string());
        for shown in [&row, &event] {
            assert!(!shown.contains("<script") && !shown.contains(casemate_terminal::is_acting), "{shown}");
            assert!(shown.contains("&lt;script&gt;") && shown.contains("\\u{202e}"), "{shown}");
        }
        assert!(row.matches("<td").count() == keys(page).count(), "{page:?}: {row}");
    }
}

#[test]
fn a_long_command_is_whole_where_it_stands_by_itself() {
    let long = format!("echo {}; rm -rf /srv", "x".repeat(5000));
    let entry = Entry::Command(Box::new(command(&long, "alice@org.com")));
    let row = news(&entry, &View::of(Page::Commands));
    assert!(row.contains("…") && !row.contains("rm -rf"), "{row}");
    assert!(row.contains("href=\"/admin/events/commands/c1?of=s1\">all of it"), "{row}");
    let event = event::page(Page::Commands, &entry).into_string();
    assert!(event.contains("; rm -rf /srv") && !event.contains('…'), "{event}");
}

#[test]
fn columns_of_a_page_have_names_of_their_own() {
    for page in Page::ALL {
        let mut names: Vec<_> = keys(page).collect();
        let number = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), number, "{page:?}");
    }
}

#[test]
fn a_page_says_where_it_goes_on_and_what_it_exports() {
    let query = [("subjectNames", "alice@org.com"), ("last", "1h")];
    let view = View::parse(Page::Commands, query).unwrap();
    let entry = Entry::Command(Box::new(command("ls", "alice@org.com")));
    let found = Found {
        entries: vec![(entry, "5.1".to_owned())],
        behind: Some("5.1".to_owned()),
        cursor: "ab.7".to_owned(),
        now: at("2026-11-27T10:00:00Z"),
        ticket: "t7".to_owned(),
        server: "http://127.0.0.1:7878".to_owned(),
    };
    let shown = page(&view, &found).into_string();
    for part in [
        "data-live=\"/admin/events/commands/live?subjectNames=alice@org.com&amp;last=1h&amp;cursor=ab.7&amp;ticket=t7\"",
        "href=\"/admin/events/commands?subjectNames=alice@org.com&amp;last=1h&amp;before=5.1\">Older",
        "href=\"/api/v2/events/command/export?subjectNames=alice@org.com&amp;startTimestamp=2026-11-27T09:00:00.000000Z&amp;format=ocsf\"",
        "<th class=\"time\" scope=\"col\" aria-sort=\"descending\">",
    ] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    let second = View { behind: Some("5.1".to_owned()), ..view };
    let shown = page(&second, &Found { entries: vec![], behind: None, ..found }).into_string();
    assert!(!shown.contains("data-live") && !shown.contains("Older") && shown.contains("Newest"), "{shown}");
    assert!(shown.contains("There is nothing more."));
}
