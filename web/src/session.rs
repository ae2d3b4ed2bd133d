//! The page of one session: its recording beside its commands, what else happened on a timeline, and what can be said of it as
//! evidence.
//!
//! *Invariants*: each moment is a link to itself (`?t=83.2`), so that without scripts at least the list can be read. What the
//! viewer may not do is not offered.

use casemate_audit_log::Time;
use maud::{Markup, html};

use crate::assets;
use crate::text::{Foreign, encoded};
use crate::time::{duration, moment, zone};

/// Where the pages of sessions are.
pub const ROOT: &str = "/admin/sessions";

/// Width of the timeline in its own units, and its height.
const TIMELINE: (f64, f64) = (1000.0, 56.0);

/// A session.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its id, and that of its recording.
    pub id: String,
    /// Whose it is.
    pub subject: String,
    /// On what.
    pub target: String,
    /// As which account.
    pub target_user: String,
    /// When it began.
    pub started: Time,
    /// And ended.
    pub ended: Option<Time>,
    /// How it stands, and why.
    pub state: String,
    /// Why it ended.
    pub reason: Option<String>,
    /// What there is to be seen.
    pub recording: Recording,
    /// Its commands.
    pub commands: Vec<Command>,
    /// There are more commands than are listed.
    pub has_more_commands: bool,
    /// What else happened in it.
    pub marks: Vec<Mark>,
    /// There is more that happened than is listed.
    pub has_more_marks: bool,
    /// Who has looked at it or taken it away, the latest first.
    pub looks: Vec<Look>,
    /// What the viewer may do.
    pub may: May,
    /// What calls have to send along.
    pub csrf: Option<String>,
}

/// What there is of a recording.
#[derive(Clone, Debug)]
pub enum Recording {
    /// None.
    Nothing,
    /// It was deleted: by whom, when and why.
    Deleted(String),
    /// Something.
    Kept(Kept),
}

/// A recording that is there.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Its session goes on.
    pub is_open: bool,
    /// `cast`, `cast.zst`.
    pub form: &'static str,
    /// In bytes.
    pub size: u64,
    /// Of these.
    pub sha256: Option<String>,
    /// Who wants it to stay, since when and why.
    pub hold: Option<String>,
    /// How long it is, in seconds, where that is known.
    pub duration: f64,
    /// How much output there was: so many seconds each, and bytes.
    pub activity: (f64, Vec<u64>),
    /// What its seals say: a word, and more about it.
    pub seals: Option<Seals>,
    /// Why it cannot be played.
    pub unplayable: Option<String>,
}

/// What the seals of a recording say.
#[derive(Clone, Debug)]
pub struct Seals {
    /// `intact`, `damaged`, `unfinished`, `unsealed`.
    pub condition: String,
    /// How many there are.
    pub count: u64,
    /// Whose key signed them.
    pub signed_by: Option<String>,
    /// What is wrong.
    pub defects: Vec<String>,
}

/// A command of it.
#[derive(Clone, Debug)]
pub struct Command {
    /// When, in seconds from the beginning.
    pub at: f64,
    /// It.
    pub text: String,
    /// As whom or where, if not as the session itself.
    pub place: Option<String>,
    /// Its exit status, where that is known.
    pub status: Option<i64>,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Mark {
    /// When, in seconds from the beginning.
    pub at: f64,
    /// A word of letters: `marker`, `resize`, `process`, `user`, `connection`, …
    pub kind: String,
    /// What.
    pub text: String,
}

/// That somebody looked at it, or took it away.
#[derive(Clone, Debug)]
pub struct Look {
    /// When.
    pub time: Time,
    /// Who.
    pub who: String,
    /// How.
    pub how: String,
}

/// What may be done.
#[derive(Clone, Copy, Debug, Default)]
pub struct May {
    /// End the session.
    pub close: bool,
    /// Delete the recording.
    pub delete: bool,
    /// Keep it from being deleted.
    pub hold: bool,
}

/// The address of a session, at a moment of it.
#[must_use]
pub fn address(id: &str, at: Option<f64>) -> String {
    let at = at.map(|at| format!("?t={}", short(at))).unwrap_or_default();
    format!("{ROOT}/{}{at}", encoded(id))
}

/// The content of the page.
#[must_use]
pub fn page(session: &Session) -> Markup {
    let kept = match &session.recording {
        Recording::Kept(kept) => Some(kept),
        Recording::Nothing | Recording::Deleted(_) => None,
    };
    html! {
        link rel="stylesheet" href=(assets::address("asciinema-player.css"));
        link rel="stylesheet" href=(assets::address("session.css"));
        article #session hx-boost="false" data-id=(session.id) data-csrf=[session.csrf.as_deref()]
            data-duration=[kept.map(|kept| kept.duration)]
            data-open=[kept.filter(|kept| kept.is_open).map(|_| "")]
            data-plays=[kept.filter(|kept| kept.unplayable.is_none()).map(|_| "")] {
            div.head {
                h1 { (Foreign(&session.subject)) " on " (Foreign(&session.target)) " as " (Foreign(&session.target_user)) }
                @if let Some(kept) = kept { (tools(session, kept)) }
            }
            p.when {
                (moment(session.started))
                @if let Some(ended) = session.ended { " to " (moment(ended)) }
                " " (zone()) ", " span.state { (session.state) }
                @if let Some(reason) = &session.reason { ", " span.reason { (Foreign(reason)) } }
            }
            p #said role="status" {}
            @match &session.recording {
                Recording::Nothing => p.hint { "Nothing of this session was recorded." },
                Recording::Deleted(how) => p.wrong { "The recording was deleted: " (Foreign(how)) },
                Recording::Kept(kept) => {
                    @if let Some(why) = &kept.unplayable { p.wrong { (Foreign(why)) } }
                    @if let Some(hold) = &kept.hold { p.hold { "On hold: " (Foreign(hold)) } }
                }
            }
            div.stage {
                div.screen {
                    div #player {}
                    @if kept.is_some() { (without_scripts(session)) }
                    @if let Some(kept) = kept.filter(|kept| !kept.is_open) { (timeline(session, kept)) }
                    @if kept.is_some() { (search()) }
                }
                (commands(session))
            }
            (happened(session))
            @if let Some(kept) = kept { (evidence(session, kept)) }
            (looks(session))
        }
        script src=(assets::address("asciinema-player.js")) defer {}
        script type="module" src=(assets::address("session.js")) {}
    }
}

fn tools(session: &Session, kept: &Kept) -> Markup {
    let file = format!("/api/v2/session-recordings/{}", session.id);
    html! {
        div.tools {
            a.button href=(file) download { "Download .cast" }
            @if kept.form != "cast" { a.button href=(format!("{file}?format=file")) download { "Download ." (kept.form) } }
            @if kept.is_open && session.may.close { button type="button" data-act="close" { "Close the session" } }
            @if session.may.hold {
                @if kept.hold.is_some() { button type="button" data-act="release" { "Release" } }
                @else { button type="button" data-act="hold" { "Hold" } }
            }
            @if session.may.delete && !kept.is_open && kept.hold.is_none() {
                button type="button" data-act="delete" { "Delete" }
            }
        }
        dialog #ask aria-labelledby="ask-title" {
            form method="dialog" {
                h2 #ask-title {}
                label { "Reason " input name="reason" autocomplete="off" maxlength="500"; }
                p.tools { button.main value="do" { "Do it" } button value="" formnovalidate { "Cancel" } }
            }
        }
    }
}

/// What there is where no script runs.
fn without_scripts(session: &Session) -> Markup {
    html! {
        noscript { p.hint {
            "To play it and to search in it takes scripts, which this browser does not run. Its commands can be read, and " code { "casemate play" }
            " plays it once it is downloaded."
            @if session.may.delete { " It can be deleted " a href=(crate::recordings::ROOT) { "where recordings are listed" } "." }
        } }
    }
}

/// What happened when. A script moves the playing moment, and shows what was found.
fn timeline(session: &Session, kept: &Kept) -> Markup {
    let (width, height) = TIMELINE;
    let place =
        |at: f64| short(if kept.duration > 0.0 { (at / kept.duration).clamp(0.0, 1.0) * width } else { 0.0 });
    let (step, counts) = &kept.activity;
    #[expect(clippy::cast_precision_loss, reason = "for a picture")]
    let high = |bytes: u64| (bytes as f64).ln_1p();
    let most = counts.iter().copied().map(high).fold(1.0, f64::max);
    let bars = counts.iter().enumerate().filter(|(_, bytes)| **bytes > 0).map(|(number, bytes)| {
        #[expect(clippy::cast_precision_loss, reason = "there are some hundred")]
        let from = number as f64 * step;
        let tall = high(*bytes) / most * (height - 20.0);
        (
            place(from),
            short((step / kept.duration.max(*step) * width).max(1.0)),
            short(height - tall),
            short(tall),
        )
    });
    html! {
        svg #timeline viewBox=(format!("0 0 {width} {height}")) preserveAspectRatio="none" role="img"
            aria-label="What happened when" {
            g.activity { @for (x, width, y, height) in bars { rect x=(x) y=(y) width=(width) height=(height) {} } }
            g.commands {
                @for command in &session.commands {
                    rect x=(place(command.at)) y="10" width="2" height="10" { title { (Foreign(&command.text).begin()) } }
                }
            }
            g.marks {
                @for mark in &session.marks {
                    rect class=(mark.kind) x=(place(mark.at)) y="0" width="2" height="9" {
                        title { (mark.kind) ": " (Foreign(&mark.text).begin()) }
                    }
                }
            }
            g #hits {}
            rect #playhead x="0" y="0" width="2" height=(height) {}
        }
    }
}

fn search() -> Markup {
    html! {
        form #find role="search" {
            label for="find-text" { "Find in commands and output" }
            input #find-text type="search" autocomplete="off" maxlength="200";
            button { "Find" }
        }
        ol #found aria-live="polite" {}
    }
}

fn commands(session: &Session) -> Markup {
    html! {
        section.commands aria-labelledby="commands-title" {
            h2 #commands-title { "Commands" }
            @if session.commands.is_empty() { p.hint { "There are none." } }
            ol #commands {
                @for command in &session.commands {
                    li data-at=(short(command.at)) {
                        a href=(address(&session.id, Some(command.at))) {
                            span.at { (clock(command.at)) }
                            code { (Foreign(&command.text).begin()) }
                        }
                        @if let Some(place) = &command.place { " " span.hint { (Foreign(place)) } }
                        @if let Some(status) = command.status.filter(|status| *status != 0) {
                            " " span.refused title="Exit status" { (status) }
                        }
                    }
                }
            }
            @if session.has_more_commands { p.hint { "There are more: they are in the log." } }
        }
    }
}

fn happened(session: &Session) -> Markup {
    html! {
        details #happened {
            summary { "What else happened (" (session.marks.len()) @if session.has_more_marks { " and more" } ")" }
            @if session.has_more_marks { p.hint { "There is more than is listed: the logs and the recording have all of it." } }
            ol {
                @for mark in &session.marks {
                    li data-at=(short(mark.at)) {
                        a href=(address(&session.id, Some(mark.at))) {
                            span.at { (clock(mark.at)) } span.kind { (mark.kind) }
                        }
                        " " (Foreign(&mark.text))
                    }
                }
            }
        }
    }
}

fn evidence(session: &Session, kept: &Kept) -> Markup {
    let name = format!("{}.{}", session.id, kept.form);
    html! {
        section.evidence aria-labelledby="evidence-title" {
            h2 #evidence-title { "As evidence" }
            dl.facts {
                div { dt { "Kept as" } dd { "." (kept.form) ", " (kept.size) " bytes" } }
                @if let Some(sha256) = &kept.sha256 { div { dt { "SHA-256" } dd { code { (sha256) } } } }
                @match &kept.seals {
                    Some(seals) => {
                        div { dt { "Chain" } dd class=(seals.condition) { (seals.condition) ", " (seals.count) " seals" } }
                        div { dt { "Signed by" } dd {
                            @match &seals.signed_by { Some(key) => code { (key) }, None => "nobody, or not throughout" }
                        } }
                        @for defect in &seals.defects { div { dt { "Defect" } dd.refused { (Foreign(defect)) } } }
                    }
                    None if kept.is_open => div { dt { "Chain" } dd { "known when the session has ended" } },
                    None => div { dt { "Chain" } dd { "none: a plain text has no seals" } },
                }
                @if kept.form != "cast" {
                    div { dt { "Check it yourself" } dd { code { "casemate verify " (name) } } }
                }
            }
        }
    }
}

fn looks(session: &Session) -> Markup {
    html! {
        section.looks aria-labelledby="looks-title" {
            h2 #looks-title { "Who looked at it" }
            @if session.looks.is_empty() { p.hint { "Nobody yet, or it is not for you to see." } }
            ul { @for look in &session.looks { li { (moment(look.time)) " " (Foreign(&look.who)) " " span.hint { (look.how) } } } }
        }
    }
}

/// A number with no more digits than are needed: to the microsecond, because what follows a command follows soon.
fn short(number: f64) -> String {
    let text = format!("{number:.6}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    text.to_owned()
}

/// `1:23`, `1:02:03`.
#[must_use]
pub fn clock(at: f64) -> String {
    let whole = at.max(0.0).floor();
    let (hours, minutes, seconds) = ((whole / 3600.0).floor(), (whole / 60.0).floor() % 60.0, whole % 60.0);
    if hours > 0.0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// How long it is, in words.
#[must_use]
pub fn length(seconds: f64) -> String {
    duration(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> Session {
        Session {
            id: "id1".into(),
            subject: "a<b>@org.com".into(),
            target: "web-1".into(),
            target_user: "root\u{202e}".into(),
            started: Time(0),
            ended: Some(Time(5)),
            state: "Closed".into(),
            reason: None,
            recording: Recording::Kept(Kept {
                is_open: false,
                form: "cast.zst",
                size: 5,
                sha256: None,
                hold: None,
                duration: 100.0,
                activity: (1.0, vec![5, 0, 9]),
                seals: None,
                unplayable: None,
            }),
            commands: vec![Command { at: 83.25, text: "<script>".into(), place: None, status: Some(1) }],
            has_more_commands: false,
            has_more_marks: true,
            marks: vec![Mark { at: 50.0, kind: "resize".into(), text: "90x30".into() }],
            looks: Vec::new(),
            may: May::default(),
            csrf: None,
        }
    }

    #[test]
    fn a_moment_is_a_link_and_nothing_of_others_is_markup() {
        let page = page(&session()).into_string();
        assert!(page.contains("href=\"/admin/sessions/id1?t=83.25\""), "{page}");
        assert!(
            page.contains("1:23") && page.contains("&lt;script&gt;") && !page.contains("<script>"),
            "{page}"
        );
        assert!(page.contains("\\u{202e}") && !page.contains('\u{202e}'), "{page}");
        assert!(page.contains("x=\"832.5\"") && page.contains("x=\"500\""), "{page}");
        assert!(!page.contains(" style=") && !page.contains("data-act"), "{page}");
    }

    #[test]
    fn what_may_not_be_done_is_not_offered() {
        let acts = |change: &dyn Fn(&mut Kept)| {
            let mut session = session();
            session.may = May { close: true, delete: true, hold: true };
            if let Recording::Kept(kept) = &mut session.recording {
                change(kept);
            }
            let page = page(&session).into_string();
            let acts = page
                .match_indices("data-act=\"")
                .map(|(at, found)| page[at + found.len()..].split('"').next());
            acts.map(|act| act.unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(acts(&|_| ()), ["hold", "delete"]);
        assert_eq!(acts(&|kept| kept.is_open = true), ["close", "hold"]);
        assert_eq!(acts(&|kept| kept.hold = Some("by bob".into())), ["release"]);
    }
}
