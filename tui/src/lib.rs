//! Programs on the whole screen of a terminal.
//!
//! - [`Program`] is what such a program is: it takes keys and time, and says what is to be seen. It knows no terminal.
//!   [`run`] is the loop between the two.
//! - [`Terminal`] takes a terminal over and gives it back as it was, whichever way out. [`Keys`] makes keys of its bytes.
//! - [`Grid`] is what is to be seen: cells, of which only those that change are written. [`panel`], [`Field`] and
//!   [`Selection`] are what programs have in common, [`Look`] is in which styles, [`text`] how times and sizes read.
//!
//! *Invariants*: of what is foreign only cells reach the terminal, never bytes. While nothing happens, nothing is written
//! and nobody wakes up.
//!
//! `ratatui` is not used: most of what is to be seen is a recorded screen, copied cell by cell, whose wide characters
//! and styles a grid of our own keeps exactly; what is left to it would be a few panels.

mod field;
mod grid;
mod keys;
mod look;
pub mod panel;
mod program;
mod selection;
mod terminal;
pub mod text;

pub use field::Field;
pub use grid::{Area, Cell, Grid};
pub use keys::{Input, Key, Keys};
pub use look::Look;
pub use program::{Ending, FRAME, Flow, Program, run};
pub use selection::Selection;
pub use terminal::{Happening, Terminal, Use};
