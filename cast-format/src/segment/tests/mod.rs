//! Tests of the segment format, by what they are about.

mod helper;
mod reading;
