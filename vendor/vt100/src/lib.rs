//! Parses a terminal byte stream and provides an in-memory representation of the rendered contents.
//!
//! A fork of [vt100](https://github.com/doy/vt100-rust) 0.18.1; `README.md` says what differs and why.
//!
//! ```
//! let mut parser = vt100::Parser::new(24, 80, 0);
//! parser.process(b"this text is \x1b[31mRED\x1b[m");
//! let cell = parser.screen().row(0).unwrap().cell(13);
//! assert_eq!(cell.contents(), "R");
//! assert_eq!(cell.attrs().fgcolor, vt100::Color::Idx(1));
//! ```

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod attrs;
mod cell;
mod charset;
mod control;
mod grid;
mod kept;
mod keyframe;
mod parse;
mod parser;
mod print;
mod row;
mod screen;
mod settings;

pub use attrs::{Attrs, Color};
pub use cell::Cell;
pub use keyframe::KeyframeError;
pub use parser::{Parser, Place};
pub use row::Row;
pub use screen::{Gone, Screen};
pub use settings::{CharsetNames, SavedCursor, Settings};
