//! Tests of the segment format, by what they are about.

mod condition;
mod corpus;
mod damage;
mod exhaustive;
mod helper;
mod reading;
mod sizes;
mod text;
