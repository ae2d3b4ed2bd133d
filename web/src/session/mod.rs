//! The page of one session: its recording beside its commands, what else happened on a timeline, and what can be said of it as
//! evidence.
//!
//! *Invariants*: each moment is a link to itself (`?t=83.2`), so that without scripts at least the list can be read. What the
//! viewer may not do is not offered.

mod parts;

use casemate_audit_log::Time;

use maud::{Markup, html};

use crate::assets;
use crate::text::{Foreign, encoded};
use crate::time::{duration, moment, zone};

pub use parts::{command, found, keep};

/// Where the pages of sessions are.
pub const ROOT: &str = "/admin/sessions";

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
    /// There may be more of them than are listed.
    pub has_more_looks: bool,
    /// What the viewer may do.
    pub may: May,
    /// What calls have to send along.
    pub csrf: Option<String>,
    /// That looking at it was written down.
    pub ticket: String,
    /// Where the logs had got to: what comes behind that comes by the stream of the page.
    pub cursor: String,
}

/// What there is of a recording.
#[derive(Clone, Debug)]
pub enum Recording {
    /// None.
    Nothing,
    /// It was deleted: by whom, when and why.
    Deleted(String),
    /// Something.
    Kept(Box<Kept>),
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
    /// What of it can be played.
    pub film: Film,
    /// Why nothing behind that can be.
    pub damage: Option<String>,
}

/// What of a recording can be played at any moment.
#[derive(Clone, Debug, PartialEq)]
pub enum Film {
    /// All of it.
    Whole,
    /// What there is by now, up to that second.
    SoFar(f64),
    /// Nothing yet.
    Later,
    /// Nothing: why.
    Nothing(String),
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
    /// Which one it is.
    pub id: String,
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

/// A line that was to be seen in it.
#[derive(Clone, Debug)]
pub struct Line {
    /// When it came, in seconds from the beginning.
    pub at: f64,
    /// It.
    pub text: String,
}

/// What was found of one kind, and whether there is more of it; or why it could not be looked.
pub type Found<T> = Result<(Vec<T>, More), String>;

/// Whether there is more than what was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum More {
    /// That is all.
    No,
    /// There may be: it is as much as is listed at once.
    Full,
    /// There may be: it took too long to look through all.
    Late,
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
            data-stream=[kept.and_then(|kept| stream(session, kept))]
            data-open=[kept.filter(|kept| kept.is_open).map(|_| "")]
            data-plays=[kept.filter(|kept| !matches!(kept.film, Film::Nothing(_))).map(|_| "")] {
            div.head {
                h1 { (Foreign(&session.subject)) " on " (Foreign(&session.target)) " as " (Foreign(&session.target_user)) }
                @if let Some(kept) = kept { (parts::tools(session, kept)) }
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
                    @if let Film::Nothing(why) = &kept.film { p.wrong { (Foreign(why)) } }
                    @if let Some(hold) = &kept.hold { p.hold { "On hold: " (Foreign(hold)) } }
                }
            }
            div.stage {
                div.screen {
                    div #player {}
                    @if let Some(kept) = kept {
                        (parts::without_scripts(session))
                        (parts::prepared(kept))
                        (parts::timeline(kept, &session.commands, &session.marks))
                        (parts::search())
                    }
                }
                (parts::commands(session))
            }
            (parts::happened(&session.id, &session.marks, session.has_more_marks))
            @if let Some(kept) = kept { (parts::evidence(&session.id, kept)) }
            (parts::looks(session))
        }
        script src=(assets::address("asciinema-player.js")) defer {}
        script type="module" src=(assets::address("session.js")) {}
    }
}

/// Where what comes while the page is open comes from, if anything does.
fn stream(session: &Session, kept: &Kept) -> Option<String> {
    let address = format!("{ROOT}/{}", encoded(&session.id));
    match &kept.film {
        _ if kept.is_open => Some(format!("{address}/live?cursor={}", encoded(&session.cursor))),
        Film::SoFar(_) | Film::Later => Some(format!("{address}/film?ticket={}", encoded(&session.ticket))),
        Film::Whole | Film::Nothing(_) => None,
    }
}

/// The parts of the page of a session that change as more of the film is there: each takes the place of what has its id. The
/// script of the page puts the commands onto the timeline: it has them in its list.
#[must_use]
pub fn changed(session: &str, kept: &Kept, marks: &[Mark], has_more_marks: bool) -> Markup {
    html! {
        (parts::prepared(kept))
        (parts::timeline(kept, &[], marks))
        (parts::happened(session, marks, has_more_marks))
        (parts::evidence(session, kept))
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
            recording: Recording::Kept(Box::new(Kept {
                is_open: false,
                form: "cast.zst",
                size: 5,
                sha256: None,
                hold: None,
                duration: 100.0,
                activity: (1.0, vec![5, 0, 9]),
                seals: None,
                film: Film::Whole,
                damage: None,
            })),
            commands: vec![Command {
                id: "c1".into(),
                at: 83.25,
                text: "<script>".into(),
                place: None,
                status: Some(1),
            }],
            has_more_commands: false,
            has_more_marks: true,
            marks: vec![Mark { at: 50.0, kind: "resize".into(), text: "90x30".into() }],
            looks: Vec::new(),
            has_more_looks: true,
            may: May::default(),
            csrf: None,
            ticket: "t".into(),
            cursor: "c".into(),
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
        assert!(page.contains("<a href=\"/admin/events/user-events?search=id1\">the log has all"), "{page}");
        assert!(page.contains("x=\"832.5\"") && page.contains("x=\"500\""), "{page}");
        assert!(!page.contains(" style=") && !page.contains("data-act"), "{page}");
    }

    #[test]
    fn whatever_the_commands_are_the_page_has_a_bound() {
        let mut session = session();
        let hostile = Command { text: "\u{115f}".repeat(2000), ..session.commands[0].clone() };
        session.commands = vec![hostile; 2000];
        session.has_more_commands = keep(&mut session.commands, 2000);
        let page = page(&session).into_string();
        assert!(session.has_more_commands && session.commands.len() > 500, "{}", session.commands.len());
        assert!(page.len() < 3 << 20, "{}", page.len());
        assert!(page.contains("/admin/events/commands/") && page.contains("all of it"));
        let mut few = vec![session.commands[0].clone(); 3];
        assert!(!keep(&mut few, 3) && keep(&mut few, 2));
    }

    #[test]
    fn what_changes_has_its_places_on_the_page_and_no_commands() {
        let session = session();
        let Recording::Kept(kept) = &session.recording else { panic!() };
        let changed = changed(&session.id, kept, &session.marks, true).into_string();
        let page = page(&session).into_string();
        for id in ["prepared", "timeline", "happened", "evidence"] {
            let id = format!(" id=\"{id}\"");
            assert!(changed.contains(&id) && page.contains(&id), "{id}");
        }
        assert!(changed.contains("<g class=\"commands\"></g>") && !changed.contains("script"), "{changed}");
        assert!(changed.contains("x=\"500\"") && changed.contains("90x30"), "{changed}");
    }

    #[test]
    fn what_is_not_whole_says_how_far_it_is_and_goes_on() {
        let page = |is_open: bool, film: Film| {
            let mut session = session();
            if let Recording::Kept(kept) = &mut session.recording {
                (kept.is_open, kept.film) = (is_open, film);
            }
            page(&session).into_string()
        };
        let so_far = page(false, Film::SoFar(3723.5));
        assert!(so_far.contains("Prepared up to 1:02:03, the rest follows"), "{so_far}");
        assert!(
            so_far.contains("data-stream=\"/admin/sessions/id1/film?ticket=t\"")
                && so_far.contains("data-plays")
        );
        assert!(page(false, Film::Later).contains("It is being prepared"));
        let open = page(true, Film::SoFar(5.0));
        assert!(open.contains("data-stream=\"/admin/sessions/id1/live?cursor=c\""), "{open}");
        assert!(open.contains("id=\"to-live\"") && !open.contains("the rest follows"), "{open}");
        let nothing = page(false, Film::Nothing("it is none".into()));
        assert!(
            nothing.contains("it is none")
                && !nothing.contains("data-stream")
                && !nothing.contains("data-plays")
        );
        assert!(!page(false, Film::Whole).contains("data-stream"));
    }

    #[test]
    fn a_line_that_was_found_shows_what_it_holds() {
        let line = Line { at: 5.5, text: "<b>\u{202e}needle\x1b[2J".into() };
        let found =
            found("id1", &Ok((Vec::new(), More::No)), &Ok((vec![line], More::Full)), "Needle").into_string();
        assert!(
            found.contains("&lt;b&gt;") && found.contains("<mark>") && found.contains("\\u{202e}"),
            "{found}"
        );
        assert!(!found.contains(['\u{202e}', '\x1b']) && found.contains("?t=5.5"), "{found}");
        assert!(found.contains("0 commands, 1 line and more of output"), "{found}");
    }

    #[test]
    fn a_command_that_was_found_shows_where_its_text_has_it() {
        let text = format!("echo {} <b>\u{202e}NEEDLE", "x".repeat(5000));
        let commands = vec![Command { text, ..session().commands[0].clone() }];
        let shown = found("id1", &Ok((commands.clone(), More::No)), &Ok((Vec::new(), More::No)), "needle");
        let shown = shown.into_string();
        assert!(shown.contains("<p>1 command, 0 lines of output</p>"), "{shown}");
        assert!(shown.contains("data-id=\"c1\"") && shown.contains("data-at=\"83.25\""), "{shown}");
        assert!(shown.contains("<mark><bdi>NEEDLE</bdi></mark>") && shown.contains("&lt;b&gt;"), "{shown}");
        assert!(!shown.contains('\u{202e}') && shown.len() < 1500, "{shown}");
        let many = vec![Command { text: "\u{115f}".repeat(100_000), ..commands[0].clone() }; 200];
        let shown =
            found("id1", &Ok((many, More::Full)), &Ok((Vec::new(), More::No)), "\u{115f}").into_string();
        assert!(shown.contains("200 commands and more, ") && shown.len() < 1 << 20, "{}", shown.len());
    }

    #[test]
    fn what_could_not_be_looked_through_is_said_beside_what_was_found() {
        let line = Line { at: 5.5, text: "ab".into() };
        let shown = found("id1", &Err("it <took> too long".into()), &Ok((vec![line], More::Late)), "ab");
        let shown = shown.into_string();
        assert!(shown.contains("<p>1 line and more of output</p>"), "{shown}");
        assert!(shown.contains("Commands: <bdi>it &lt;took&gt; too long"), "{shown}");
        assert!(shown.contains("less than three letters"), "{shown}");
        let lines = Err("too long".into());
        let shown = found("id1", &Ok((Vec::new(), More::No)), &lines, "abc").into_string();
        assert!(shown.contains("<p>0 commands</p>") && shown.contains("Output: "), "{shown}");
    }

    #[test]
    fn why_there_may_be_more_is_said_as_it_is() {
        let shown = |text: &str, more| {
            let lines = vec![Line { at: 5.5, text: "ab".into() }];
            found("id1", &Ok((Vec::new(), More::No)), &Ok((lines, more)), text).into_string()
        };
        for text in ["ab", "abc"] {
            let (all, full, late) = (shown(text, More::No), shown(text, More::Full), shown(text, More::Late));
            assert!(all.contains("1 line of output") && !all.contains("more"), "{all}");
            assert!(full.contains("1 line and more of output") && !full.contains("seconds"), "{full}");
            assert!(full.contains("no more are listed") && !full.contains("letters"), "{full}");
            assert!(late.contains("two seconds") && late.contains("there may be more"), "{late}");
            assert_eq!(late.contains("less than three letters"), text == "ab");
        }
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
