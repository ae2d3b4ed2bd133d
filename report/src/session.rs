//! The section of one recording: facts, playback, commands, stills.

use casemate_cast_format::segment::hex;
use casemate_cast_format::{Micros, SessionFacts};
use casemate_command_log::{CommandEvent, Kind, Reason};
use chrono::DateTime;
use maud::{Markup, PreEscaped, html};

use crate::integrity::State;
use crate::text::{Foreign, bytes, count, date_time, duration, moment};
use crate::{Playback, Reason as Shown, Recording, Still};

/// A still of a screen that is wider than this can only be read if it is as wide as the page.
const WIDE: u16 = 100;

/// A name that is longer may be broken.
const LONG: usize = 24;

/// Less sure than this is worth saying.
const UNSURE: f64 = 0.6;

impl Recording {
    /// Who, where and as whom, in a line; the file's name if that is not known.
    pub(crate) fn heading(&self) -> Markup {
        match self.sessions.first() {
            Some(facts) => html! {
                (Foreign(&facts.user)) " on " (Foreign(&facts.target)) " as " (Foreign(&facts.target_user))
            },
            None => html! { (Foreign(self.title.as_deref().unwrap_or(&self.source.name))) },
        }
    }

    /// The section; `number` is its number, from 1.
    pub(crate) fn section(&self, number: usize, key: Option<[u8; 32]>) -> Markup {
        let state = State::of(&self.source, key);
        html! {
            article.session id={ "session-" (number) } aria-labelledby={ "heading-" (number) } {
                h3 id={ "heading-" (number) } { span.number { (number) } " " (self.heading()) }
                (self.facts(state))
                (self.player(number))
                (self.commands(number))
                (self.stills(number))
            }
        }
    }

    fn facts(&self, state: State) -> Markup {
        let end = match (&self.end, &self.exit) {
            (Some(end), Some(exit)) => Some(format!("{end}, status {exit}")),
            (Some(end), None) => Some(end.clone()),
            (None, Some(exit)) => Some(format!("status {exit}")),
            (None, None) => None,
        };
        html! {
            dl.facts {
                (fact("File", &html! { span.file { (Foreign(&self.source.name)) } ", " (bytes(self.source.bytes)) }))
                (fact("Integrity", &state_badge(state)))
                (fact("SHA-256", &html! { code.hash { (hex(&self.source.sha256)) } }))
                @if let Some(start) = self.start {
                    (fact("Began", &html! { time datetime=(start.to_rfc3339()) { (date_time(start)) " UTC" } }))
                }
                (fact("Length", &html! { (duration(self.duration)) }))
                @for facts in &self.sessions { (session_facts(facts)) }
                @if let Some(title) = &self.title { (fact("Title", &html! { (Foreign(title)) })) }
                @if let Some(command) = &self.command { (fact("Program", &html! { code { (Foreign(command)) } })) }
                (fact("Terminal", &html! { (Foreign(&self.terminal)) }))
                @if let Some(end) = &end { (fact("Ended", &html! { (Foreign(end)) })) }
                @if let Some(excerpt) = &self.excerpt { (fact("Excerpt", &html! { (Foreign(excerpt)) })) }
            }
        }
    }

    fn player(&self, number: usize) -> Markup {
        match &self.playback {
            Playback::Embedded(data) => html! {
                div.playback {
                    button.play type="button" data-session=(number) data-at="0" hidden { "Play this recording" }
                    div.player.wide-still[self.stills.iter().any(|still| still.cols > WIDE)] id={ "player-" (number) } hidden {}
                    p.status id={ "status-" (number) } role="status" {}
                    script type="application/octet-stream" id={ "recording-" (number) } { (PreEscaped(data)) }
                }
            },
            Playback::TooLong => html! {
                p.remark {
                    "This recording is too long to be part of this page, so it cannot be played here. Its commands and \
                     stills are complete, as far as nothing else is said. "
                    code { "casemate play" } " plays the file."
                }
            },
            Playback::Empty => html! { p.remark { "Nothing happened in this recording." } },
        }
    }

    fn commands(&self, number: usize) -> Markup {
        if self.commands.is_empty() {
            return html! { h4 { "Commands" } p.remark { "No commands were found in this recording." } };
        }
        let has = |known: &dyn Fn(&CommandEvent) -> bool| self.commands.iter().any(known);
        // A column of which nothing is known is left out.
        let columns = Columns {
            playable: matches!(self.playback, Playback::Embedded(_)).then_some(number),
            time: has(&|event| event.time.is_some()),
            place: has(&|event| event.target.is_some() || event.target_user.is_some()),
            exit: has(&|event| event.exit_code.is_some()),
            took: has(&|event| event.duration.is_some()),
        };
        html! {
            h4 { "Commands" }
            div.wide role="region" aria-label="Commands" tabindex="0" { table.commands {
                caption { (count(self.commands.len() as u64 + self.more_commands, "command")) }
                thead {
                    tr {
                        th scope="col" { "At" }
                        @if columns.time { th scope="col" { "Time (UTC)" } }
                        @if columns.place { th scope="col" { "As" } th scope="col" { "On" } }
                        @if columns.exit { th.figure scope="col" { "Status" } }
                        @if columns.took { th.figure scope="col" { "Took" } }
                        th scope="col" { "Command" }
                    }
                }
                tbody { @for event in &self.commands { (columns.row(event)) } }
            } }
            @if self.more_commands > 0 {
                p.remark {
                    (count(self.more_commands, "command")) " more are not listed here. "
                    code { "casemate commands" } " lists them all."
                }
            }
        }
    }

    fn stills(&self, number: usize) -> Markup {
        let playable = matches!(self.playback, Playback::Embedded(_)).then_some(number);
        html! {
            h4 { @if self.stills.iter().any(|still| still.reason != Shown::End) { "Marked moments" } @else { "The screen at the end" } }
            div.stills.single[self.stills.len() == 1] { @for still in &self.stills { (still.figure(playable)) } }
            @if self.more_stills > 0 {
                p.remark { (count(self.more_stills, "marked moment")) " more are not shown here." }
            }
        }
    }
}

impl Still {
    fn figure(&self, playable: Option<usize>) -> Markup {
        html! {
            figure.wide-still[self.cols > WIDE] {
                // What is in it was escaped when it was drawn.
                (PreEscaped(&self.svg))
                figcaption {
                    (link(self.at, playable)) " "
                    @match &self.reason {
                        Shown::Marker(label) if label.is_empty() => "(no label)",
                        Shown::Marker(label) => { (Foreign(label)) },
                        Shown::Note(note) => {
                            @if note.text.is_empty() { "marked" } @else { strong.said { (Foreign(&note.text)) } }
                            @if let Some(about) = &note.about { ", on " code { (Foreign(about)) } }
                            @if !note.by.is_empty() { span.aside { "noted by " (Foreign(&note.by)) } }
                        },
                        Shown::End => "",
                    }
                }
            }
        }
    }
}

/// Which columns a table has.
struct Columns {
    playable: Option<usize>,
    time: bool,
    place: bool,
    exit: bool,
    took: bool,
}

impl Columns {
    fn row(&self, event: &CommandEvent) -> Markup {
        let time = event.time.as_deref().and_then(|time| DateTime::parse_from_rfc3339(time).ok());
        html! {
            tr.failed[event.exit_code.is_some_and(|code| code != 0)] {
                td { (link(event.offset, self.playable)) }
                @if self.time {
                    td.time { @if let Some(time) = time { (date_time(time.to_utc())) } @else { "–" } }
                }
                @if self.place {
                    @for name in [&event.target_user, &event.target] {
                        @let name = name.as_deref().unwrap_or("–");
                        td.place.long[name.chars().count() > LONG] { (Foreign(name)) }
                    }
                }
                @if self.exit { td.figure { @if let Some(code) = event.exit_code { (code) } @else { "–" } } }
                @if self.took { td.figure { @if let Some(took) = event.duration { (duration(took)) } @else { "–" } } }
                td.command { (command(event)) }
            }
        }
    }
}

fn command(event: &CommandEvent) -> Markup {
    let why = event.reason.map(|reason| match reason {
        Reason::NotEchoed => "typed without being shown",
        Reason::TooLong => "too long to be kept",
        Reason::Overwritten => "not readable: it was overwritten on the screen",
    });
    html! {
        @match &event.command {
            Some(command) => code { (Foreign(command)) },
            None => em { (why.unwrap_or("not known")) },
        }
        @if let Some(cwd) = &event.cwd { span.aside { "in " (Foreign(cwd)) } }
        @match event.kind {
            Kind::Shell | Kind::Cancelled => {},
            Kind::Program => span.aside { "to " (Foreign(event.program.as_deref().unwrap_or("a program"))) },
            Kind::Hidden => span.aside { "run without being shown" },
        }
        @if event.confidence < UNSURE { span.aside { "uncertain" } }
        @for other in &event.mismatch {
            span.aside.bad { "the shell says otherwise: " code { (Foreign(&other.command)) } }
        }
    }
}

/// A place in the recording, to be gone to if it can be played.
fn link(at: Micros, playable: Option<usize>) -> Markup {
    match playable {
        Some(number) => html! {
            a.moment href={ "#play-" (number) "-" (at) } data-session=(number) data-at=(at) { (moment(at)) }
        },
        None => html! { span.moment { (moment(at)) } },
    }
}

pub(crate) fn state_badge(state: State) -> Markup {
    html! { span.state.(state.class()) { (state.sign()) " " (state.name()) } }
}

pub(crate) fn fact(name: &str, value: &Markup) -> Markup {
    html! { div { dt { (Foreign(name)) } dd { (value) } } }
}

fn session_facts(facts: &SessionFacts) -> Markup {
    let known = |key: &str| facts.known_by.get(key).and_then(serde_json::Value::as_str);
    let who = |value: &str, key: &str| {
        html! { (Foreign(value)) @if let Some(how) = known(key) { span.aside { "known by " (Foreign(how)) } } }
    };
    html! {
        (fact("Session", &html! { code { (Foreign(&facts.session)) } @if facts.part > 1 { ", part " (facts.part) } }))
        (fact("Person", &who(&facts.user, "user")))
        (fact("Machine", &who(&facts.target, "target")))
        (fact("Account", &who(&facts.target_user, "target_user")))
        @if !facts.tool.is_empty() { (fact("Recorded by", &html! { (Foreign(&facts.tool)) })) }
    }
}
