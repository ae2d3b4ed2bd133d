//! The forms in which events are given out of a log. An [`Export`] is fed one event at a time, and holds none: what it
//! gives is written as it comes, its head first, its tail last.
//!
//! | form | what it is | what of an event is in it |
//! |---|---|---|
//! | `json` | an array, as BastionZero's API answers | everything |
//! | `ndjson` | one object a line | everything |
//! | `csv` | a table, see [`table`] | everything; lists as JSON |
//! | `ocsf` | one object a line, see [`ocsf`] | everything; what has no place of its own is in `unmapped` |
//! | `ecs` | one object a line, see [`ecs`] | everything; what has no place of its own is in `labels` |
//!
//! *Not here*: the export with chains and signatures, which [`crate::verify`] checks.

pub mod ecs;
mod fields;
pub mod ocsf;
pub mod table;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::chain::Head;
use crate::model::{Event, Log, names};

names! {
    /// A form of an export.
    Form {
        /// A JSON array.
        Json = "json",
        /// JSON, one event a line.
        Ndjson = "ndjson",
        /// A table, RFC 4180.
        Csv = "csv",
        /// Open Cybersecurity Schema Framework, one event a line.
        Ocsf = "ocsf",
        /// Elastic Common Schema, one event a line.
        Ecs = "ecs",
    }
}

impl Form {
    /// What it is called in HTTP.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Ndjson | Self::Ocsf | Self::Ecs => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8; header=present",
        }
    }

    /// How names of such files end, without the dot.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Ocsf => "ocsf.ndjson",
            Self::Ecs => "ecs.ndjson",
        }
    }
}

/// An event that cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// It is of another log than the export.
    #[error("an event of the log `{of}` is in the export of `{log}`")]
    OtherLog {
        /// Of which.
        of: Log,
        /// Which log is exported.
        log: Log,
    },
    /// A number in it is none.
    #[error("event `{id}` cannot be written: {source}")]
    NoJson {
        /// Which.
        id: String,
        /// Why.
        source: serde_json::Error,
    },
}

/// An export while it is made.
#[derive(Debug)]
pub struct Export {
    form: Form,
    log: Option<Log>,
    begun: bool,
}

impl Export {
    /// Of one log.
    #[must_use]
    pub const fn of(form: Form, log: Log) -> Self {
        Self { form, log: Some(log), begun: false }
    }

    /// Of several logs: JSON has the name of the log as `log` in each event, a table the columns that all have.
    #[must_use]
    pub const fn of_several(form: Form) -> Self {
        Self { form, log: None, begun: false }
    }

    /// What comes before all events.
    #[must_use]
    pub fn head(&self) -> Vec<u8> {
        match self.form {
            Form::Json => b"[".to_vec(),
            Form::Csv => table::head(self.log),
            Form::Ndjson | Form::Ocsf | Form::Ecs => Vec::new(),
        }
    }

    /// An event; `head` is its place in its chain, where it has one.
    ///
    /// # Errors
    /// It is of another log, or holds a number that is none. The export can go on without it.
    pub fn event(&mut self, event: &Event, head: Option<&Head>) -> Result<Vec<u8>, ExportError> {
        let of = event.log();
        if let Some(log) = self.log.filter(|log| *log != of) {
            return Err(ExportError::OtherLog { of, log });
        }
        let no_json = |source| ExportError::NoJson { id: event.id().to_owned(), source };
        if self.form == Form::Csv {
            return table::row(self.log, event).map_err(no_json);
        }
        let mut json = match self.form {
            Form::Ocsf => ocsf::event(event, head),
            Form::Ecs => ecs::event(event, head),
            Form::Json | Form::Ndjson | Form::Csv => event.to_json(),
        }
        .map_err(no_json)?;
        if let (Form::Json | Form::Ndjson, None, Value::Object(fields)) = (self.form, self.log, &mut json) {
            fields.insert("log".into(), of.name().into());
        }
        let mut bytes = Vec::new();
        if self.form == Form::Json {
            bytes.extend(if self.begun { ",\n" } else { "\n" }.bytes());
        }
        serde_json::to_writer(&mut bytes, &json).map_err(no_json)?;
        if self.form != Form::Json {
            bytes.push(b'\n');
        }
        self.begun = true;
        Ok(bytes)
    }

    /// What comes behind all events.
    #[must_use]
    pub fn tail(&self) -> Vec<u8> {
        match self.form {
            Form::Json if self.begun => b"\n]\n".to_vec(),
            Form::Json => b"]\n".to_vec(),
            Form::Csv | Form::Ndjson | Form::Ocsf | Form::Ecs => Vec::new(),
        }
    }
}
