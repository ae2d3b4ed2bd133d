//! How often somebody may try with a wrong password: so many times a minute from each address, and many times as often for each
//! name, so that nobody keeps others out by trying for them.
//!
//! *Invariant*: memory has a limit, whatever names are tried: of each a digest is counted, what is older than a minute is
//! forgotten, and when there are too many, the oldest.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use crate::secrets::digest;

/// What is counted in.
const MINUTE: Duration = Duration::from_secs(60);

/// More than this are not counted apart.
const COUNTED: usize = 100_000;

/// Attempts of the last minute.
#[derive(Debug)]
pub struct Attempts {
    limit: u32,
    counted: HashMap<[u8; 32], (u32, Instant)>,
    /// In the order in which they began: all that are counted, and some that are not any more.
    began: VecDeque<([u8; 32], Instant)>,
}

impl Attempts {
    /// So many are allowed.
    #[must_use]
    pub fn new(limit: u32) -> Self {
        Self { limit, counted: HashMap::new(), began: VecDeque::new() }
    }

    /// Takes an attempt of somebody before it is made; or says how long to wait. Each of what he is counted by may come so many
    /// times as often.
    ///
    /// # Errors
    /// There were too many.
    pub fn take(&mut self, who: &[(String, u32)], now: Instant) -> Result<(), Duration> {
        while self.began.front().is_some_and(|(_, began)| now.duration_since(*began) >= MINUTE) {
            self.forget_oldest();
        }
        let who: Vec<([u8; 32], u32)> = who.iter().map(|(name, times)| (digest(name), *times)).collect();
        let full = who.iter().filter_map(|(name, times)| {
            let (count, began) = self.counted.get(name)?;
            (*count >= self.limit.saturating_mul(*times)).then_some(began)
        });
        if let Some(wait) = full.map(|began| MINUTE - now.duration_since(*began)).max() {
            return Err(wait);
        }
        for (name, _) in who {
            if let Some((count, _)) = self.counted.get_mut(&name) {
                *count += 1;
                continue;
            }
            if self.began.len() >= COUNTED {
                self.forget_oldest();
            }
            self.counted.insert(name, (1, now));
            self.began.push_back((name, now));
        }
        Ok(())
    }

    fn forget_oldest(&mut self) {
        if let Some((name, began)) = self.began.pop_front()
            && self.counted.get(&name).is_some_and(|(_, counted)| *counted == began)
        {
            self.counted.remove(&name);
        }
    }

    /// It was the right password: what was counted against the name is forgotten.
    pub fn forget(&mut self, name: &str) {
        self.counted.remove(&digest(name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_a_minute() {
        let mut attempts = Attempts::new(3);
        let one = |name: &str| (name.to_owned(), 1);
        let (who, begin) = ([one("alice"), one("192.0.2.7")], Instant::now());
        for second in 0..3 {
            assert_eq!(attempts.take(&who, begin + Duration::from_secs(second)), Ok(()));
        }
        let at = begin + Duration::from_secs(20);
        assert_eq!(attempts.take(&who, at), Err(Duration::from_secs(40)));
        // Another name from there waits as well, the same name from elsewhere, too.
        assert!(attempts.take(&[one("bob"), who[1].clone()], at).is_err());
        assert!(attempts.take(&[who[0].clone(), one("192.0.2.8")], at).is_err());
        assert!(attempts.take(&[one("bob"), one("192.0.2.8")], at).is_ok());
        assert_eq!(attempts.take(&who, begin + MINUTE), Ok(()));
        // What may come ten times as often.
        let carol = |address| [("carol".to_owned(), 10), (format!("198.51.100.{address}"), 1)];
        for number in 0..30 {
            assert!(attempts.take(&carol(number / 3), begin + MINUTE).is_ok(), "{number}");
        }
        assert!(attempts.take(&carol(99), begin + MINUTE).is_err());
    }

    #[test]
    fn names_without_end_take_no_memory() {
        let (mut attempts, now) = (Attempts::new(3), Instant::now());
        let name = |number: usize| [(format!("name {number}"), 1)];
        for number in 0..COUNTED {
            assert!(attempts.take(&name(number), now).is_ok());
        }
        for number in [0, 0, 1, 1] {
            assert!(attempts.take(&name(number), now).is_ok());
        }
        // Who comes now is counted, and the oldest is not any more.
        for _ in 0..3 {
            assert!(attempts.take(&name(COUNTED), now).is_ok());
        }
        assert!(attempts.take(&name(COUNTED), now).is_err());
        assert!(attempts.take(&name(1), now).is_err());
        assert!(attempts.take(&name(0), now).is_ok());
        assert_eq!((attempts.counted.len(), attempts.began.len()), (COUNTED, COUNTED));
        assert!(attempts.take(&name(1), now + MINUTE).is_ok());
        assert_eq!((attempts.counted.len(), attempts.began.len()), (1, 1));
    }

    #[test]
    fn the_right_password_begins_anew() {
        let (mut attempts, now) = (Attempts::new(1), Instant::now());
        let name = [("alice".to_owned(), 1)];
        for second in 0..200 {
            assert!(attempts.take(&name, now + Duration::from_secs(second)).is_ok());
            attempts.forget("alice");
        }
        assert!(attempts.began.len() <= 60, "{}", attempts.began.len());
    }
}
