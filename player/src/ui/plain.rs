//! Plays straight to the terminal, or into a pipe: the recorded bytes, as they are.
//!
//! What is recorded is in charge of the terminal here, as with any player of this kind. Modes that it leaves on are
//! switched off at the end.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use casemate_cast_format::Code;
use casemate_terminal::Screen as _;
use casemate_tui::{Ending, Happening, Input, Key, Keys, Terminal, Use};

use super::reader::find_commands;
use super::{Options, UiError};
use crate::player::{Player, State};
use crate::recording::{Event, Recording};
use crate::target::Target;

/// See `app`.
const SOON: Duration = Duration::from_millis(20);
const RARELY: Duration = Duration::from_millis(200);

/// Where the bytes go.
enum Place {
    Terminal { terminal: Box<Terminal>, keys: Keys },
    Pipe(io::Stdout),
}

/// Plays a recording from its start to its end.
///
/// # Errors
/// When the place to start at does not exist, and when the output takes no more.
pub(super) fn play(recording: &Recording, options: &Options) -> Result<Ending, UiError> {
    let is_following = options.following && recording.can_grow();
    let mut player = Player::new(recording.clone())?;
    player.index_in_background();
    player.set_speed(Duration::ZERO, options.speed);
    if options.idle_limit.is_some() {
        player.set_idle_limit(Duration::ZERO, options.idle_limit);
    }
    player.set_looping(options.looping);
    player.set_following(is_following);
    let mut output = Vec::new();
    if let Some(target) = options.start_at.clone() {
        start_at(&mut player, target)?;
        // What stands there when it begins.
        output = player.screen().repaint();
    }
    let mut place = place(options, &player)?;
    // Without keys nobody could go on.
    player.set_pause_on_markers(options.pause_on_markers && matches!(place, Place::Terminal { .. }));
    // Whoever begins at the end wants to see that, not everything once more.
    let is_over = options.start_at.is_some() && !is_following && player.is_at_end();
    if !is_over {
        player.play();
    }
    let until = options.until.as_deref();
    let result = run(&mut player, &mut place, output, is_following, until, is_over);
    if let Place::Terminal { terminal, .. } = &mut place {
        terminal.give_back();
    }
    result
}

fn place(options: &Options, player: &Player) -> Result<Place, UiError> {
    let is_terminal = rustix::termios::isatty(rustix::stdio::stdout());
    let terminal = if is_terminal { Terminal::find()? } else { None };
    let Some(mut terminal) = terminal else { return Ok(Place::Pipe(io::stdout())) };
    terminal.take(Use::Plain)?;
    if options.resize {
        let size = player.header().size;
        terminal.write(format!("\x1b[8;{};{}t", size.rows, size.cols).as_bytes())?;
    }
    Ok(Place::Terminal { terminal: Box::new(terminal), keys: Keys::default() })
}

fn start_at(player: &mut Player, target: Target) -> Result<(), UiError> {
    if matches!(target, Target::Command(_)) {
        find_commands(player, &mut |_| {});
    }
    player.seek(target)?;
    Ok(())
}

fn run(
    player: &mut Player,
    place: &mut Place,
    mut output: Vec<u8>,
    is_following: bool,
    until: Option<&AtomicBool>,
    is_over: bool,
) -> Result<Ending, UiError> {
    let begun = Instant::now();
    let (mut pause, mut wait) = (SOON, Some(Duration::ZERO));
    loop {
        if let Some(ending) = place.write(&mut output)? {
            return Ok(ending);
        }
        // Also amid a flood somebody may want to end it.
        if let Some(ending) = place.wait(wait, player, begun)? {
            return Ok(ending);
        }
        if !output.is_empty() {
            continue;
        }
        if is_over {
            return Ok(Ending::Quit);
        }
        let now = begun.elapsed();
        let advance = player.advance(now, |event: &Event<'_>| {
            if event.code == Code::Output {
                output.extend_from_slice(event.data.as_bytes());
            }
        });
        wait = match advance.state {
            _ if !output.is_empty() => Some(Duration::ZERO),
            State::Ended => return Ok(Ending::Quit),
            State::Following if is_following => {
                // Asked first: what came before it was set is found by looking once more.
                let is_complete = until.is_some_and(|until| until.load(Ordering::Acquire));
                let has_grown = player.refresh()?;
                if is_complete && !has_grown {
                    return Ok(Ending::Quit);
                }
                pause = if has_grown { SOON } else { (pause * 3 / 2).min(RARELY) };
                Some(pause)
            }
            State::Paused | State::AtMarker | State::Following => None,
            State::Playing | State::Seeking | State::Waiting => {
                advance.wake.map(|wake| wake.saturating_sub(begun.elapsed()))
            }
        };
    }
}

impl Place {
    /// Writes bytes and takes them away; what is left has to wait until a signal was looked at. Says how it ended, if
    /// it did.
    fn write(&mut self, bytes: &mut Vec<u8>) -> Result<Option<Ending>, UiError> {
        match self {
            Self::Terminal { terminal, .. } => match terminal.write(bytes) {
                Ok(written) => drop(bytes.drain(..written)),
                Err(_) => return Ok(Some(Ending::Gone)),
            },
            Self::Pipe(stdout) => match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
                Ok(()) => bytes.clear(),
                // Whoever read has seen enough.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(Some(Ending::Gone)),
                Err(error) => return Err(error.into()),
            },
        }
        Ok(None)
    }

    /// Waits, at most so long, and does what keys say.
    #[expect(clippy::wildcard_enum_match_arm, reason = "other keys do nothing")]
    fn wait(
        &mut self,
        time: Option<Duration>,
        player: &mut Player,
        begun: Instant,
    ) -> Result<Option<Ending>, UiError> {
        let Self::Terminal { terminal, keys } = self else {
            // A pipe has no keys, so nothing ever pauses there.
            std::thread::sleep(time.unwrap_or_default());
            return Ok(None);
        };
        let mut bytes = Vec::new();
        for happened in terminal.wait(time, &mut bytes)? {
            match happened {
                Happening::End(signal) => return Ok(Some(Ending::Signal(signal))),
                Happening::Gone => return Ok(Some(Ending::Gone)),
                Happening::Suspend if terminal.suspend().is_err() => return Ok(Some(Ending::Gone)),
                // A terminal that goes away lets those who were stopped go on.
                Happening::Resumed if terminal.take_again().is_err() => return Ok(Some(Ending::Gone)),
                Happening::Suspend | Happening::Resumed => {}
                Happening::Resize => {}
            }
        }
        let mut ending = None;
        let mut inputs = Vec::new();
        keys.feed(&bytes, &mut |input| inputs.push(input));
        for input in inputs {
            match input {
                Input::Key(Key::Control('c')) => ending = Some(Ending::Interrupted),
                Input::Key(Key::Char('q')) => ending = Some(Ending::Quit),
                Input::Key(Key::Control('z')) => Terminal::ask_to_suspend(),
                Input::Key(Key::Char(' ')) if player.is_playing() => player.pause(begun.elapsed()),
                Input::Key(Key::Char(' ')) => player.play(),
                _ => {}
            }
        }
        Ok(ending)
    }
}
