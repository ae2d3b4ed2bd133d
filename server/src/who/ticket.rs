//! Tickets: that somebody was let through to something, and that it was written down, so that its parts are no calls of their
//! own. A recording that is played in a thousand pieces is looked at once.
//!
//! *Invariants*: a ticket is good for one person and one thing, for some hours, and at the server that gave it out. It gives no
//! right: whoever has one passes the gate all the same. Whoever has none, or one that is not good, is written down.

use casemate_audit_log::Time;
use casemate_cast_format::segment::{from_hex, hex};
use casemate_web::view::Page;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::secrets::random;

/// Somebody looks at a long recording for a day, in microseconds.
const LASTS: i64 = 24 * 3600 * 1_000_000;

/// What somebody was let through to.
#[derive(Clone, Copy, Debug)]
pub enum Seen {
    /// All of a recording.
    Film(Uuid),
    /// One picture of it.
    Still(Uuid),
    /// The page of a session, and how far its film is: nothing of what is to be seen.
    Page(Uuid),
    /// What goes on in a session, from when somebody began to follow it.
    Live(Uuid),
    /// A log: a page of it, with the names that it offers and the stream of its rows.
    Log(Page),
}

/// A ticket that somebody shows for a thing of a kind, where he says which.
pub fn shown<'t, E>(
    kind: fn(Uuid) -> Seen,
    id: &Result<Uuid, E>,
    ticket: Option<&'t str>,
) -> Option<(Seen, &'t str)> {
    Some((kind(*id.as_ref().ok()?), ticket?))
}

/// Gives out tickets, and knows them again.
pub struct Tickets {
    secret: [u8; 32],
}

impl Default for Tickets {
    fn default() -> Self {
        Self { secret: random() }
    }
}

impl std::fmt::Debug for Tickets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tickets(…)")
    }
}

impl Tickets {
    /// That this person was let through to this thing now.
    #[must_use]
    pub fn give(&self, who: Uuid, what: Seen, now: Time) -> String {
        self.give_until(who, what, Time(now.0.saturating_add(LASTS)))
    }

    /// The same, until then.
    #[must_use]
    pub fn give_until(&self, who: Uuid, what: Seen, Time(until): Time) -> String {
        format!("{until}-{}", hex(&self.proof(who, what, until)))
    }

    /// Whether it is such a ticket.
    #[must_use]
    pub fn holds(&self, ticket: &str, who: Uuid, what: Seen, now: Time) -> bool {
        let Some((until, proof)) = ticket.split_once('-') else { return false };
        let (Ok(until), Some(proof)) = (until.parse::<i64>(), from_hex::<32>(proof)) else { return false };
        // Digests are compared: how long that takes says nothing of them.
        let same = Sha256::digest(proof) == Sha256::digest(self.proof(who, what, until));
        same && now.0 < until
    }

    /// All parts but the secret are of one length, so that nothing can be put behind them.
    fn proof(&self, who: Uuid, what: Seen, until: i64) -> [u8; 32] {
        let (kind, what) = match what {
            Seen::Film(id) => (0, id),
            Seen::Still(id) => (1, id),
            Seen::Log(page) => (2, Uuid::from_u128(page as u128)),
            Seen::Page(id) => (3, id),
            Seen::Live(id) => (4, id),
        };
        let inner = Sha256::new()
            .chain_update(self.secret)
            .chain_update(who)
            .chain_update([kind])
            .chain_update(what)
            .chain_update(until.to_be_bytes())
            .finalize();
        Sha256::new().chain_update(self.secret).chain_update(inner).finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_for_one_person_one_thing_and_some_hours() {
        let (tickets, others) = (Tickets::default(), Tickets::default());
        let (alice, bob) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let (one, other) = (Seen::Film(Uuid::from_u128(3)), Seen::Film(Uuid::from_u128(4)));
        let ticket = tickets.give(alice, one, Time(5));
        assert!(tickets.holds(&ticket, alice, one, Time(6)));
        assert!(!tickets.holds(&ticket, bob, one, Time(6)) && !tickets.holds(&ticket, alice, other, Time(6)));
        for (kind, seen) in [Seen::Film, Seen::Still, Seen::Page, Seen::Live].into_iter().enumerate() {
            assert_eq!(tickets.holds(&ticket, alice, seen(Uuid::from_u128(3)), Time(6)), kind == 0);
        }
        let log = tickets.give(alice, Seen::Log(Page::Commands), Time(5));
        assert!(tickets.holds(&log, alice, Seen::Log(Page::Commands), Time(6)));
        assert!(!tickets.holds(&log, alice, Seen::Log(Page::UserEvents), Time(6)));
        assert!(!tickets.holds(&ticket, alice, one, Time(5 + LASTS)));
        assert!(!others.holds(&ticket, alice, one, Time(6)));
        let later = ticket.replacen(&(5 + LASTS).to_string(), &(6 + LASTS).to_string(), 1);
        assert_ne!(later, ticket);
        for wrong in ["", "-", "5-00", &later, &ticket[1..], &ticket[..ticket.len() - 1]] {
            assert!(!tickets.holds(wrong, alice, one, Time(6)), "{wrong}");
        }
    }
}
