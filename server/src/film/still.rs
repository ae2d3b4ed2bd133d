//! A still of a recording: one telling screen of it, as a picture for a list.
//!
//! It is of the scene in the middle: the screen with the most on it, and of those that are equally full the last. A prompt alone
//! or a screen that was cleared on the way out says nothing. Of a recording that goes on it is the screen now, where a scene of it is
//! at hand that is not far from that: no film is begun for a picture, and where it takes too long, that is kept in mind.
//!
//! *Invariants*: whatever a recording shows, a picture is text in shapes (`render::svg` draws no markup), of a size that has a
//! bound; so has the work, because a scene has.

use std::io;
use std::sync::Arc;

use casemate_audit_store::Recording;
use casemate_terminal::render::{self, Theme};
use casemate_terminal::{Screen as _, Vt100Screen};
use futures_util::TryStreamExt as _;
use serde::Deserialize;

use super::look::{last_scene, made};
use super::stills::{Begun, Still};
use super::{Film, FilmError, Follower, scene};
use crate::app::App;

/// Columns and rows of a picture, at least and at most: more are too small to be seen in a list.
const COLS: (u16, u16) = (40, 72);
const ROWS: (u16, u16) = (13, 22);

/// A screen on which each cell has a colour of its own takes about so much.
const MOST: usize = 1 << 20;

/// So often is it looked which screen of a scene is the fullest, at most: a scene may be of a great many events, and a screen of a
/// great many rows.
const LOOKS: usize = 50;

/// So many bytes of a recording that goes on are read for a picture of it, behind a scene, and so much text in them: a scene, which
/// is some hundredths of a second, and half of one that is not written yet.
const NEAR: u64 = 1 << 20;
pub(super) const TEXT: usize = 768 << 10;

/// Bytes that are played at once: compressed, they may hold a great deal of text, and be many changes of a size.
const PIECE: usize = 64;

/// What it is, for those who do not see it.
const TITLE: &str = "a still of the recording";

/// A scene, as the player takes it.
#[derive(Deserialize)]
struct Scene<'s> {
    snapshot: Snapshot,
    #[serde(borrow)]
    events: Vec<(f64, &'s str, String)>,
}

#[derive(Deserialize)]
struct Snapshot {
    cols: u16,
    rows: u16,
    init: String,
}

/// A still of a recording; an empty one where nothing was to be seen, and none where that is not known yet. Whoever asks has seen to
/// it that it may be seen.
///
/// # Errors
/// It cannot be read, or there is nothing to be played.
pub async fn still(app: &App, recording: &Recording) -> Result<Option<Still>, FilmError> {
    let begun = app.films.stills.begin();
    if let Some(known) = app.films.stills.find(recording) {
        return Ok(Some(known));
    }
    match made(app, recording).await? {
        Some(film) => of_film(app, begun, &film).await.map(Some),
        None if recording.completed.is_none() => now(app, begun, recording).await,
        None => Ok(None),
    }
}

async fn of_film(app: &App, begun: Begun, film: &Film) -> Result<Still, FilmError> {
    let scenes = app.recordings.scene_starts(film.recording.id).await?.len() as u64;
    let scene = scene(app, &film.recording, scenes / 2, film.facts.duration).await?;
    // It is closed nowhere.
    let turn = Arc::clone(&app.films.pictures).acquire_owned().await.ok();
    // Whoever had the turn may have made the same.
    if let Some(known) = app.films.stills.find(&film.recording) {
        return Ok(known);
    }
    // Nobody else's begins before it is done, whether or not somebody waits for it.
    let made = tokio::task::spawn_blocking(move || (scene.map_or_else(empty, |scene| picture(&scene)), turn));
    let (made, _turn) = made.await.map_err(io::Error::other)?;
    Ok(keep(app, begun, &film.recording, made))
}

/// Of one that goes on, as it is now; nothing where no scene is at hand from which it is not far.
async fn now(app: &App, begun: Begun, recording: &Recording) -> Result<Option<Still>, FilmError> {
    let (id, stills) = (recording.id, &app.films.stills);
    let Some(scene) = last_scene(app, id).await? else { return Ok(None) };
    let from = scene.place.anchor.offset;
    if recording.size.saturating_sub(from) > NEAR || stills.is_far(id, scene.number) {
        return Ok(None);
    }
    // It is closed nowhere.
    let _turn = app.films.screens.acquire().await.ok();
    // Whoever had the turn may have made the same, or found that it takes too long.
    if let Some(known) = stills.find(recording) {
        return Ok(Some(known));
    }
    if stills.is_far(id, scene.number) {
        return Ok(None);
    }
    let mut follower = Follower::of(recording.form, &scene)?;
    let mut bytes = app.recordings.read(id, from..recording.size).await?;
    while let Some(piece) = bytes.try_next().await? {
        if !tokio::task::block_in_place(|| all(&mut follower, &piece))? {
            stills.keep_far(begun, id, scene.number);
            return Ok(None);
        }
    }
    let screen = || picture(&format!("{{\"snapshot\":{},\"events\":[]}}", follower.screen()));
    let made = tokio::task::block_in_place(screen);
    Ok(Some(keep(app, begun, recording, made)))
}

/// Keeps it for others.
fn keep(app: &App, begun: Begun, recording: &Recording, made: String) -> Still {
    let still = Still { picture: made.into(), size: recording.size };
    app.films.stills.keep(begun, recording, still.picture.clone());
    still
}

/// Feeds bytes, as far as there is not too much text in them; says whether that was all.
fn all(follower: &mut Follower, bytes: &[u8]) -> io::Result<bool> {
    for piece in bytes.chunks(PIECE) {
        follower.feed(piece)?;
        // Nobody plays it.
        follower.output();
        if follower.text() > TEXT {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Where nothing was to be seen.
#[must_use]
pub fn empty() -> String {
    let (cols, rows) = (80, 24);
    let mut screen = Vt100Screen::new(cols, rows, 0);
    screen.feed(b"\x1b[?25l");
    render::svg(&screen, &Theme::DARK, TITLE)
}

fn picture(scene: &str) -> String {
    let Ok(scene) = serde_json::from_str::<Scene<'_>>(scene) else { return empty() };
    let mut best = (0, 0);
    scene.play(scene.events.len(), |played, screen| best = best.max((fullness(screen), played)));
    if best.0 == 0 {
        return empty();
    }
    let mut screen = scene.play(best.1, |_, _| {});
    let (cols, rows) = written(&screen);
    screen.resize(cols.clamp(COLS.0, COLS.1), rows.clamp(ROWS.0, ROWS.1));
    let picture = render::svg(&screen, &Theme::DARK, TITLE);
    if picture.len() > MOST { empty() } else { picture }
}

impl Scene<'_> {
    /// Plays so many of its events, and shows what comes of them now and then, and of the last.
    fn play(&self, events: usize, mut see: impl FnMut(usize, &Vt100Screen)) -> Vt100Screen {
        let mut screen = Vt100Screen::new(self.snapshot.cols, self.snapshot.rows, 0);
        screen.feed(self.snapshot.init.as_bytes());
        see(0, &screen);
        let step = events.div_ceil(LOOKS);
        for (number, (_, code, data)) in self.events.iter().take(events).enumerate() {
            match *code {
                "o" => screen.feed(data.as_bytes()),
                "r" => {
                    let size = data.split_once('x');
                    let size = size.and_then(|(cols, rows)| Some((cols.parse().ok()?, rows.parse().ok()?)));
                    if let Some((cols, rows)) = size {
                        screen.resize(cols, rows);
                    }
                }
                _ => {}
            }
            let played = number + 1;
            if played == events || played.is_multiple_of(step) {
                see(played, &screen);
            }
        }
        screen
    }
}

/// How far its rows are written.
fn fullness(screen: &Vt100Screen) -> u64 {
    (0..screen.size().rows).filter_map(|row| screen.shown(row)).map(|line| u64::from(line.len())).sum()
}

/// Columns and rows in which something is.
fn written(screen: &Vt100Screen) -> (u16, u16) {
    let lengths = (0..screen.size().rows).map(|row| screen.shown(row).map_or(0, |line| line.len()));
    lengths.enumerate().fold((0, 0), |(cols, rows), (row, length)| {
        (cols.max(length), if length > 0 { u16::try_from(row + 1).unwrap_or(u16::MAX) } else { rows })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn of(events: &[(f64, &str, &str)]) -> String {
        let scene = json!({ "snapshot": { "cols": 40, "rows": 5, "init": "" }, "events": events });
        picture(&scene.to_string())
    }

    #[test]
    fn it_is_the_fullest_screen_and_the_last_of_them() {
        let still = of(&[
            (0.0, "o", "$ top\r\n"),
            (1.0, "o", "\x1b[2J\x1b[Hload 0.1 a long line\r\nand another one"),
            (2.0, "o", "\x1b[2J\x1b[Hload 0.2 a long line\r\nand another one"),
            (3.0, "i", "q"),
            (4.0, "o", "\x1b[2J\x1b[H$ "),
        ]);
        assert!(still.contains("0.2") && !still.contains("0.1") && still.contains("another"), "{still}");
        assert_eq!(of(&[(0.0, "o", "\x1b[2J")]), empty());
        assert_eq!(picture("[]"), empty());
    }

    #[test]
    fn a_scene_of_many_events_is_looked_at_some_times_and_at_its_end() {
        let mut events = vec![(0.0, "o", "a"); 43_000];
        events[42_999].2 = "the end of it";
        let scene =
            json!({ "snapshot": { "cols": 64, "rows": 1024, "init": "" }, "events": events }).to_string();
        let read: Scene<'_> = serde_json::from_str(&scene).unwrap();
        let mut looks = Vec::new();
        read.play(events.len(), |played, _| looks.push(played));
        assert!(looks.len() <= LOOKS + 2 && looks.last() == Some(&43_000), "{looks:?}");
        assert!(picture(&scene).contains("aaa"));
    }

    #[test]
    fn what_is_shown_becomes_no_markup_and_much_of_it_has_a_bound() {
        let still = of(&[(0.0, "o", "<script>alert(1)</script>\x1b]0;</title><b>\x07&\"'")]);
        assert!(
            still.contains("&lt;script&gt;") && !still.contains("<script") && !still.contains("<b>"),
            "{still}"
        );
        let mut wide = String::new();
        for cell in 0..300 * 200 {
            wide += &format!(
                "\x1b[38;5;{};48;5;{}m{}\u{301}\u{302}",
                cell % 256,
                (cell / 3) % 256,
                ['W', '<', '日'][cell % 3]
            );
        }
        let scene =
            json!({ "snapshot": { "cols": 300, "rows": 200, "init": "" }, "events": [(0.0, "o", wide)] });
        let still = picture(&scene.to_string());
        assert!(still.len() < MOST, "{}", still.len());
    }

    proptest! {
        #[test]
        fn anything_becomes_a_picture(text in "\\PC{0,40}", size in "[0-9x]{0,12}") {
            let still = of(&[(0.0, "o", &text), (0.1, "r", &size), (0.2, "o", "x")]);
            prop_assert!(still.starts_with("<svg") && still.trim_end().ends_with("</svg>"));
        }
    }
}
