//! The page: cover, contents, scope, integrity, sessions, how to check it.

use casemate_cast_format::Micros;
use casemate_cast_format::segment::hex;
use chrono::{DateTime, Utc};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::assets::{PAGE_SCRIPT, PAGE_STYLE, PLAYER_SCRIPT, PLAYER_STYLE, policy};
use crate::integrity::{LIMITS, State};
use crate::session::{fact, state_badge};
use crate::text::{Foreign, bytes, count, date_time, duration};
use crate::{Playback, Recording, Report};

impl Report {
    /// The page, as HTML.
    #[must_use]
    pub fn page(&self) -> String {
        let is_playable = |recording: &Recording| matches!(recording.playback, Playback::Embedded(_));
        // Without anything to play there is no script at all.
        let scripts: &[&str] =
            if self.recordings.iter().any(is_playable) { &[PLAYER_SCRIPT, PAGE_SCRIPT] } else { &[] };
        let styles = [PAGE_STYLE, PLAYER_STYLE];
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(policy(scripts, &styles));
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="referrer" content="no-referrer";
                    meta name="generator" content=(self.tool);
                    title { (self.title) }
                    @for style in styles { style { (PreEscaped(style)) } }
                }
                body {
                    a.skip href="#scope" { "Skip to the report" }
                    (self.cover())
                    (self.contents())
                    main {
                        (self.scope())
                        (self.integrity())
                        (self.sessions())
                        (self.checking())
                    }
                    footer {
                        p { "Made with " (self.tool) " on " (date_time(self.made)) " UTC. This page needs no network and sends nothing." }
                    }
                    @for script in scripts { script { (PreEscaped(script)) } }
                }
            }
        };
        page.into_string()
    }

    fn cover(&self) -> Markup {
        let period = self.period();
        html! {
            header.cover {
                p.kicker { "Report on terminal sessions" }
                h1 { (Foreign(&self.title)) }
                dl.facts {
                    @for (name, value) in &self.facts { (fact(name, &html! { (Foreign(value)) })) }
                    (fact("Made", &html! { time datetime=(self.made.to_rfc3339()) { (date_time(self.made)) " UTC" } }))
                    (fact("Made with", &html! { (self.tool) }))
                    (fact("Recordings", &html! { (self.recordings.len()) }))
                    @if let Some((first, last)) = period {
                        (fact("Period", &html! { (date_time(first)) " to " (date_time(last)) " UTC" }))
                    }
                    (fact("Recorded time", &html! { (duration(self.recorded())) }))
                    (fact("Commands", &html! { (crate::text::grouped(self.recordings.iter().map(Recording::all_commands).sum())) }))
                }
                @for paragraph in self.note.iter().flat_map(|note| note.split("\n\n")) {
                    p.note { (Foreign(paragraph.trim())) }
                }
            }
        }
    }

    fn contents(&self) -> Markup {
        html! {
            nav aria-labelledby="contents" {
                h2 id="contents" { "Contents" }
                ol {
                    li { a href="#scope" { "Scope" } }
                    li { a href="#integrity" { "Integrity" } }
                    li {
                        a href="#sessions" { "Sessions" }
                        ol {
                            @for (number, recording) in (1..).zip(&self.recordings) {
                                li { a href={ "#session-" (number) } { (recording.heading()) } }
                            }
                        }
                    }
                    li { a href="#checking" { "How to check this report" } }
                }
            }
        }
    }

    fn scope(&self) -> Markup {
        let sessions = self.recordings.len() as u64;
        html! {
            section id="scope" aria-labelledby="scope-heading" {
                h2 id="scope-heading" { "Scope" }
                p {
                    "This report covers " (count(sessions, "recording")) ", all that was found in:"
                }
                ul.places { @for place in &self.places { li { span.file { (Foreign(place)) } } } }
                @if !self.failures.is_empty() {
                    p { (count(self.failures.len() as u64, "file")) " could not be read, and " @if self.failures.len() == 1 { "is" } @else { "are" } " not part of it:" }
                    ul.failures { @for failure in &self.failures { li { (Foreign(failure)) } } }
                }
                @if !self.recordings.is_empty() {
                    div.wide role="region" aria-label="Recordings" tabindex="0" {
                        table.sessions {
                            caption { "Recordings in this report" }
                            thead {
                                tr {
                                    th.figure scope="col" { "No." }
                                    th scope="col" { "Began (UTC)" }
                                    th scope="col" { "Session" }
                                    th.figure scope="col" { "Length" }
                                    th.figure scope="col" { "Commands" }
                                    th scope="col" { "Integrity" }
                                }
                            }
                            tbody {
                                @for (number, recording) in (1..).zip(&self.recordings) {
                                    tr {
                                        td.figure { a href={ "#session-" (number) } { (number) } }
                                        td.time { @if let Some(start) = recording.start { (date_time(start)) } @else { "–" } }
                                        td { (recording.heading()) }
                                        td.figure { (duration(recording.duration)) }
                                        td.figure { (crate::text::grouped(recording.all_commands())) }
                                        td { (state_badge(State::of(&recording.source, self.key))) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn integrity(&self) -> Markup {
        let mut states: Vec<State> =
            self.recordings.iter().map(|recording| State::of(&recording.source, self.key)).collect();
        let all = states.len() as u64;
        states.sort_unstable();
        let counts: Vec<(State, u64)> = states
            .chunk_by(|one, other| one == other)
            .filter_map(|same| Some((*same.first()?, same.len() as u64)))
            .collect();
        html! {
            section id="integrity" aria-labelledby="integrity-heading" {
                h2 id="integrity-heading" { "Integrity" }
                p {
                    "The SHA-256 of each file was taken when this report was made. Recordings in segments ("
                    code { ".cast.zst" } ") were also checked against their seals: each segment carries a hash that covers \
                     itself and the segment before it, and a signature if its recorder had a key."
                    @match self.key {
                        Some(key) => { " They ought to be signed with the Ed25519 key " code.hash { (hex(&key)) } "." },
                        None => " No key was given to check signatures with.",
                    }
                }
                dl.states {
                    @for (state, number) in counts {
                        div {
                            dt { (state_badge(state)) span.aside { (crate::text::grouped(number)) " of " (crate::text::grouped(all)) } }
                            dd { (state.meaning()) }
                        }
                    }
                }
                @for (number, recording) in (1..).zip(&self.recordings) { (source(number, recording, self.key)) }
                h3 { "What this does not prove" }
                ul.limits { @for limit in LIMITS { li { (limit) } } }
            }
        }
    }

    fn sessions(&self) -> Markup {
        html! {
            section id="sessions" aria-labelledby="sessions-heading" {
                h2 id="sessions-heading" { "Sessions" }
                p {
                    "A time such as " span.moment { "1:30.0" } " is a place in the recording, counted from its beginning. Where the \
                     recording is part of this page, it leads there."
                }
                noscript { p.remark { "Recordings can be played only where this page may run its scripts." } }
                @for (number, recording) in (1..).zip(&self.recordings) { (recording.section(number, self.key)) }
            }
        }
    }

    fn checking(&self) -> Markup {
        html! {
            section id="checking" aria-labelledby="checking-heading" {
                h2 id="checking-heading" { "How to check this report" }
                p { "The files are the evidence; this page is a view of them. With the files at hand, on any machine and without a network:" }
                ol {
                    li { "Compare their hashes with those above: " code { "sha256sum FILE" } }
                    li {
                        "Check their seals: " code { "casemate verify" @if self.key.is_some() { " --key KEY" } " FILE" }
                        ". The layout of the seals is public, and any program can check them."
                    }
                    li { "List their commands: " code { "casemate commands FILE" } ", or read them as text: " code { "casemate convert FILE -f txt -" } }
                    li { "Watch them: " code { "casemate play FILE" } ", or with another player " code { "zstd -dc FILE | asciinema play -" } }
                }
                p {
                    "The copies in this page that are played are the same events without what players do not show, in asciicast \
                     v2. Stills are drawn from the emulated screen; concealed text is not shown in them, as on a terminal."
                }
            }
        }
    }

    /// From the first beginning to the last end that is known.
    fn period(&self) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let end = |recording: &Recording| {
            let length = chrono::TimeDelta::microseconds(i64::try_from(recording.duration.0).ok()?);
            recording.start?.checked_add_signed(length)
        };
        let first = self.recordings.iter().filter_map(|recording| recording.start).min()?;
        Some((first, self.recordings.iter().filter_map(end).max()?))
    }

    fn recorded(&self) -> Micros {
        self.recordings.iter().fold(Micros(0), |sum, recording| sum.plus(recording.duration))
    }
}

impl Recording {
    fn all_commands(&self) -> u64 {
        self.commands.len() as u64 + self.more_commands
    }
}

/// What is to be said of a file as evidence.
fn source(number: usize, recording: &Recording, key: Option<[u8; 32]>) -> Markup {
    let file = &recording.source;
    let verdict = file.verdict.as_ref().filter(|verdict| verdict.segments > 0);
    html! {
        div.source {
            h4 { a href={ "#session-" (number) } { (number) } " " span.file { (Foreign(&file.name)) } }
            dl.facts {
                (fact("State", &state_badge(State::of(file, key))))
                (fact("SHA-256", &html! { code.hash { (hex(&file.sha256)) } }))
                (fact("Length", &html! { (bytes(file.bytes)) }))
                (fact("Format", &html! { (Foreign(&file.format)) }))
                @if let Some(signer) = verdict.and_then(|verdict| verdict.signed_by) {
                    (fact("Signed by", &html! { code.hash { (hex(&signer)) } }))
                }
                @if let Some(seal) = verdict.and_then(|verdict| verdict.last_seal) {
                    (fact("Last seal", &html! { code.hash { (hex(&seal)) } }))
                }
                @if let Some(before) = verdict.and_then(|verdict| verdict.continues) {
                    (fact("Goes on behind", &html! { code.hash { (hex(&before)) } }))
                }
            }
            @if file.has_changed {
                p.bad { "The file changed while this report was made. The hash is that of an earlier moment than the rest." }
            }
            @if !file.defects.is_empty() {
                ul.defects { @for defect in &file.defects { li { (Foreign(defect)) } } }
                @let more = file.defect_count.saturating_sub(file.defects.len() as u64);
                @if more > 0 { p { (count(more, "defect")) " more." } }
            }
        }
    }
}
