//! The parts of the page of a session.

use maud::{Markup, html};

use super::{Command, Film, Found, Kept, Line, Mark, More, Session, address, clock, short};
use crate::event;
use crate::text::{Foreign, around};
use crate::time::moment;
use crate::view;

/// Bytes of commands that a page lists: each stands in it twice.
const TEXT: usize = 1 << 20;

/// Width of the timeline in its own units, and its height.
const TIMELINE: (f64, f64) = (1000.0, 56.0);

pub(super) fn tools(session: &Session, kept: &Kept) -> Markup {
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
pub(super) fn without_scripts(session: &Session) -> Markup {
    html! {
        noscript { p.hint {
            "To play it and to search in it takes scripts, which this browser does not run. Its commands can be read, and " code { "casemate play" }
            " plays it once it is downloaded."
            @if session.may.delete { " It can be deleted " a href=(crate::recordings::ROOT) { "where recordings are listed" } "." }
        } }
    }
}

/// How much of it can be played by now.
pub(super) fn prepared(kept: &Kept) -> Markup {
    let film = match &kept.film {
        Film::Whole => "whole",
        Film::SoFar(_) => "so-far",
        Film::Later => "later",
        Film::Nothing(_) => "nothing",
    };
    html! {
        p #prepared data-film=(film) {
            @match &kept.film {
                _ if kept.is_open => {
                    button #to-live type="button" hidden { "Back to what goes on now" }
                }
                Film::SoFar(until) => { "Prepared up to " (clock(*until)) ", the rest follows." }
                Film::Later => { "It is being prepared." }
                Film::Whole | Film::Nothing(_) => {}
            }
            @if let Some(why) = &kept.damage {
                span.wrong { "From " (clock(kept.duration)) " on it cannot be read: " (Foreign(why)) }
            }
        }
    }
}

/// What happened when. A script moves the playing moment, and shows what was found.
pub(super) fn timeline(kept: &Kept, commands: &[Command], marks: &[Mark]) -> Markup {
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
        svg #timeline data-duration=(short(kept.duration)) viewBox=(format!("0 0 {width} {height}")) preserveAspectRatio="none" role="img"
            aria-label="What happened when" {
            g.activity { @for (x, width, y, height) in bars { rect x=(x) y=(y) width=(width) height=(height) {} } }
            g.commands {
                @for command in commands.iter().filter(|command| command.at <= kept.duration) {
                    rect x=(place(command.at)) y="10" width="2" height="10" { title { (Foreign(&command.text).brief()) } }
                }
            }
            g.marks {
                @for mark in marks {
                    rect class=(mark.kind) x=(place(mark.at)) y="0" width="2" height="9" {
                        title { (mark.kind) ": " (Foreign(&mark.text).brief()) }
                    }
                }
            }
            g #hits {}
            rect #playhead x="0" y="0" width="2" height=(height) {}
        }
    }
}

pub(super) fn search() -> Markup {
    html! {
        form #find role="search" {
            label for="find-text" { "Find in commands and output" }
            input #find-text type="search" autocomplete="off" maxlength="200";
            button { "Find" }
        }
        div #found aria-live="polite" {}
    }
}

pub(super) fn commands(session: &Session) -> Markup {
    html! {
        section.commands aria-labelledby="commands-title" {
            h2 #commands-title { "Commands" }
            @if session.commands.is_empty() { p.hint #no-commands { "There are none." } }
            ol #commands { @for one in &session.commands { (command(&session.id, one)) } }
            @if session.has_more_commands { p.hint { "There are more: they are in the log." } }
        }
    }
}

/// Leaves as many commands as are listed, at most so many and of so much text; says whether there are more.
pub fn keep(commands: &mut Vec<Command>, most: usize) -> bool {
    let mut text = 0;
    let fits = commands.iter().take(most).take_while(|command| {
        text += Foreign(&command.text).brief().into_string().len();
        text <= TEXT
    });
    let fits = fits.count();
    let has_more = fits < commands.len();
    commands.truncate(fits);
    has_more
}

/// A command in the list, of a session.
#[must_use]
pub fn command(session: &str, command: &Command) -> Markup {
    html! {
        li data-id=(command.id) data-at=(short(command.at)) {
            a href=(address(session, Some(command.at))) {
                span.at { (clock(command.at)) }
                code { (Foreign(&command.text).brief()) }
            }
            (whole(session, command))
            @if let Some(place) = &command.place { " " span.hint { (Foreign(place)) } }
            @if let Some(status) = command.status.filter(|status| *status != 0) {
                " " span.refused title="Exit status" { (status) }
            }
        }
    }
}

/// What was found in the commands of a session, and in its output.
#[must_use]
pub fn found(session: &str, commands: &Found<Command>, lines: &Found<Line>, text: &str) -> Markup {
    let many = |many: usize, one: &str, more: More| {
        let (s, more) = (if many == 1 { "" } else { "s" }, if more == More::No { "" } else { " and more" });
        format!("{many} {one}{s}{more}")
    };
    let of_commands = commands.as_ref().map(|(found, more)| many(found.len(), "command", *more));
    let of_lines = lines.as_ref().map(|(found, more)| many(found.len(), "line", *more) + " of output");
    let said: Vec<String> = [of_commands, of_lines].into_iter().flatten().collect();
    html! {
        p { (said.join(", ")) }
        @match commands {
            Err(why) => p.wrong { "Commands: " (Foreign(why)) },
            Ok((found, more)) if !found.is_empty() => {
                h3 { "In commands" }
                ol {
                    @for command in found {
                        li data-id=(command.id) data-at=(short(command.at)) {
                            a href=(address(session, Some(command.at))) {
                                span.at { (clock(command.at)) } code { (around(&command.text, text)) }
                            }
                            (whole(session, command))
                        }
                    }
                }
                @if *more != More::No { p.hint { "There are more: they are in the log." } }
            }
            Ok(_) => {}
        }
        @match lines {
            Err(why) => p.wrong { "Output: " (Foreign(why)) },
            Ok((found, more)) => {
                @if !found.is_empty() {
                    h3 { "In the output" }
                    ol {
                        @for line in found {
                            li data-at=(short(line.at)) {
                                a href=(address(session, Some(line.at))) {
                                    span.at { (clock(line.at)) } code { (around(&line.text, text)) }
                                }
                            }
                        }
                    }
                }
                @match more {
                    More::No => {}
                    More::Full => p.hint { "Those are the latest in the output: there may be more before them, but no more are listed." },
                    More::Late => p.hint {
                        @if text.chars().nth(2).is_none() { "A text of less than three letters" } @else { "It" }
                        " was looked for in the output for two seconds, the latest first, and then not in the rest: there may be more."
                    },
                }
            }
        }
    }
}

/// Where all of a command is, if the list shows its beginning alone.
fn whole(session: &str, command: &Command) -> Markup {
    html! {
        @if Foreign(&command.text).is_not_brief() {
            " " a.whole href=(event::address(view::Page::Commands, &command.id, Some(session))) { "all of it" }
        }
    }
}

pub(super) fn happened(session: &str, marks: &[Mark], has_more: bool) -> Markup {
    html! {
        details #happened {
            summary { "What else happened (" (marks.len()) @if has_more { " and more" } ")" }
            @if has_more { p.hint { "There is more than is listed: the logs and the recording have all of it." } }
            ol {
                @for mark in marks {
                    li data-at=(short(mark.at)) {
                        a href=(address(session, Some(mark.at))) {
                            span.at { (clock(mark.at)) } span.kind { (mark.kind) }
                        }
                        " " (Foreign(&mark.text))
                    }
                }
            }
        }
    }
}

pub(super) fn evidence(session: &str, kept: &Kept) -> Markup {
    let name = format!("{session}.{}", kept.form);
    html! {
        section #evidence .evidence aria-labelledby="evidence-title" {
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
                    None if kept.film != Film::Whole => div { dt { "Chain" } dd { "known when the session has ended and all of it is prepared" } },
                    None => div { dt { "Chain" } dd { "none: a plain text has no seals" } },
                }
                @if kept.form != "cast" {
                    div { dt { "Check it yourself" } dd { code { "casemate verify " (name) } } }
                }
            }
        }
    }
}

pub(super) fn looks(session: &Session) -> Markup {
    html! {
        section.looks aria-labelledby="looks-title" {
            h2 #looks-title { "Who looked at it" }
            @if session.looks.is_empty() && !session.has_more_looks { p.hint { "Nobody yet, or it is not for you to see." } }
            ul { @for look in &session.looks { li { (moment(look.time)) " " (Foreign(&look.who)) " " span.hint { (look.how) } } } }
            @if session.has_more_looks {
                p.hint {
                    "There may be more than is listed: "
                    a href={ "/admin/events/user-events?search=" (session.id) } { "the log has all of it" } "."
                }
            }
        }
    }
}
