//! When something in a recording happened: times in it count from a beginning.
//!
//! *Invariant*: time does not go back, whatever a recording says.

use casemate_audit_log::Time;
use casemate_cast_format::{Header, Micros, SessionFacts};

/// So far the clock of whoever records may be from what the connection says, in microseconds.
const ASTRAY: u64 = 300_000_000;

/// From when times of a recording count.
#[derive(Clone, Copy, Debug)]
pub struct Clock(pub Time);

impl Clock {
    /// A recording begins. A clock may be wrong by a little; whoever says more than that is not believed.
    pub fn begin(&mut self, header: &Header) {
        if let Some(start) = header.start_us()
            && start.abs_diff(self.0.0) <= ASTRAY
        {
            self.0 = Time(start);
        }
    }

    /// Another session goes on in it, at that time.
    pub fn append(&mut self, facts: &SessionFacts, time: Micros) {
        if let Ok(start) = i64::try_from(facts.start_us) {
            self.0 = self.0.max(Time(start.saturating_sub_unsigned(time.0)));
        }
    }

    /// When that was.
    #[must_use]
    pub fn at(self, time: Micros) -> Time {
        Time(self.0.0.saturating_add_unsigned(time.0))
    }
}
