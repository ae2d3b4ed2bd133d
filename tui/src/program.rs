//! The loop between a program and a terminal.

use std::io;
use std::time::{Duration, Instant};

use crate::grid::Grid;
use crate::keys::Input;
use crate::terminal::{Happening, Terminal};

/// Frames are not drawn more often.
pub const FRAME: Duration = Duration::from_millis(16);

/// A key that begins with Escape comes in one piece, or within this time.
const ESCAPE: Duration = Duration::from_millis(40);

/// A wait that takes so much longer than it should was none: the process was stopped.
const STOPPED: Duration = Duration::from_secs(2);

/// What there is to do after a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// Go back to who called, in good order; what was typed behind it is for whoever runs next.
    Quit,
    /// End all.
    Interrupt,
    /// Stop for now, as Ctrl-Z does.
    Suspend,
    /// Draw everything anew.
    Redraw,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// As it should.
    Quit,
    /// By Ctrl-C.
    Interrupted,
    /// By this signal.
    Signal(i32),
    /// The terminal is gone.
    Gone,
}

/// A program on the whole screen. Times are since it began to run, without those when it was stopped.
pub trait Program {
    /// Lets time pass; returns when to do so again, if by itself anything will happen.
    fn work(&mut self, now: Duration) -> Option<Duration>;

    /// Takes what somebody did.
    fn input(&mut self, input: Input, now: Duration) -> Flow;

    /// Whether what was drawn last is not what is to be seen.
    fn is_dirty(&self) -> bool;

    /// Whether it ends by itself, now.
    fn is_over(&self) -> bool {
        false
    }

    /// Draws all of it, for a terminal of that size. It is clean then.
    fn draw(&mut self, cols: u16, rows: u16) -> Grid;
}

/// Runs a program on a terminal that was taken.
///
/// # Errors
///
/// The terminal cannot be waited for.
pub fn run(program: &mut dyn Program, terminal: &mut Terminal) -> io::Result<Ending> {
    let mut begun = Instant::now();
    // What was typed ahead while another program ran.
    let (mut keys, mut ahead) = std::mem::take(&mut terminal.ahead);
    let mut shown: Option<Grid> = None;
    let mut next_frame = Duration::ZERO;
    let mut must_draw = true;
    loop {
        let now = begun.elapsed();
        let wake = program.work(now);
        if program.is_over() {
            return Ok(Ending::Quit);
        }
        must_draw |= program.is_dirty();
        if must_draw && now >= next_frame {
            must_draw = false;
            let (cols, rows) = terminal.size();
            let grid = program.draw(cols, rows);
            let changes = grid.changes(shown.as_ref());
            // The terminal shows all of it at once, if it knows how.
            let frame = format!("\x1b[?2026h{changes}\x1b[?2026l");
            let is_written = shown.as_ref() == Some(&grid)
                || match terminal.write(frame.as_bytes()) {
                    Ok(written) => written == frame.len(),
                    Err(_) => return Ok(Ending::Gone),
                };
            shown = is_written.then_some(grid);
            next_frame = now + FRAME;
        }
        let until = [wake, must_draw.then_some(next_frame), keys.is_waiting().then_some(now + ESCAPE)];
        let until = until.into_iter().flatten().min();
        let wait = until.map(|until| until.saturating_sub(begun.elapsed()));
        let wait = if ahead.is_empty() { wait } else { Some(Duration::ZERO) };
        let (mut bytes, waits) = (Vec::new(), Instant::now());
        let happened = terminal.wait(wait, &mut bytes)?;
        if let Some(wait) = wait
            && waits.elapsed() > wait + STOPPED
        {
            begun += waits.elapsed() - wait;
        }
        for happened in happened {
            match happened {
                Happening::End(signal) => return Ok(Ending::Signal(signal)),
                Happening::Gone => return Ok(Ending::Gone),
                Happening::Resize => {}
                Happening::Suspend => {
                    let stopped = Instant::now();
                    if terminal.suspend().is_err() {
                        return Ok(Ending::Gone);
                    }
                    begun += stopped.elapsed();
                }
                // A terminal that goes away lets those who were stopped go on.
                Happening::Resumed => {
                    if terminal.take_again().is_err() {
                        return Ok(Ending::Gone);
                    }
                }
            }
            (shown, must_draw) = (None, true);
        }
        if bytes.is_empty() && keys.is_waiting() && ahead.is_empty() {
            keys.settle(&mut |input| ahead.push_back(input));
        }
        keys.feed(&bytes, &mut |input| ahead.push_back(input));
        while let Some(input) = ahead.pop_front() {
            must_draw = true;
            match program.input(input, begun.elapsed()) {
                Flow::Continue => {}
                Flow::Quit => {
                    terminal.ahead = (keys, ahead);
                    return Ok(Ending::Quit);
                }
                Flow::Interrupt => return Ok(Ending::Interrupted),
                Flow::Suspend => Terminal::ask_to_suspend(),
                Flow::Redraw => shown = None,
            }
        }
    }
}
