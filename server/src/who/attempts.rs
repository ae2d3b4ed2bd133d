//! How often somebody may try with a wrong password: so many times a minute, for each name and for each address.
//!
//! *Invariant*: memory has a limit, whatever names are tried: of each a digest is counted, what is older than a minute is
//! forgotten, and when there are too many, all of them wait.

use std::collections::HashMap;
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
    purged: Option<Instant>,
}

impl Attempts {
    /// So many are allowed.
    #[must_use]
    pub fn new(limit: u32) -> Self {
        Self { limit, counted: HashMap::new(), purged: None }
    }

    /// Takes an attempt of somebody before it is made; or says how long to wait.
    ///
    /// # Errors
    /// There were too many.
    pub fn take(&mut self, who: &[String], now: Instant) -> Result<(), Duration> {
        if self.purged.is_none_or(|purged| now.duration_since(purged) >= MINUTE) {
            self.counted.retain(|_, (_, began)| now.duration_since(*began) < MINUTE);
            self.purged = Some(now);
        }
        if self.counted.len() >= COUNTED {
            return Err(MINUTE);
        }
        let who: Vec<[u8; 32]> = who.iter().map(|name| digest(name)).collect();
        let began = |name: &[u8; 32]| {
            self.counted.get(name).copied().filter(|(_, began)| now.duration_since(*began) < MINUTE)
        };
        let full = who.iter().filter_map(began).filter(|(count, _)| *count >= self.limit);
        if let Some(wait) = full.map(|(_, began)| MINUTE - now.duration_since(began)).max() {
            return Err(wait);
        }
        for name in who {
            let entry = self.counted.entry(name).or_insert((0, now));
            if now.duration_since(entry.1) >= MINUTE {
                *entry = (0, now);
            }
            entry.0 += 1;
        }
        Ok(())
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
        let (who, begin) = (["alice".to_owned(), "192.0.2.7".to_owned()], Instant::now());
        for second in 0..3 {
            assert_eq!(attempts.take(&who, begin + Duration::from_secs(second)), Ok(()));
        }
        let at = begin + Duration::from_secs(20);
        assert_eq!(attempts.take(&who, at), Err(Duration::from_secs(40)));
        // Another name from there waits as well, the same name from elsewhere, too.
        assert!(attempts.take(&["bob".to_owned(), who[1].clone()], at).is_err());
        assert!(attempts.take(&[who[0].clone(), "192.0.2.8".to_owned()], at).is_err());
        assert!(attempts.take(&["bob".to_owned(), "192.0.2.8".to_owned()], at).is_ok());
        assert_eq!(attempts.take(&who, begin + MINUTE), Ok(()));
    }

    #[test]
    fn names_without_end_take_no_memory() {
        let (mut attempts, now) = (Attempts::new(3), Instant::now());
        for number in 0..COUNTED {
            assert!(attempts.take(&[number.to_string()], now).is_ok());
        }
        assert!(attempts.take(&["one more".to_owned()], now).is_err());
        assert!(attempts.take(&["one more".to_owned()], now + MINUTE).is_ok());
        assert_eq!(attempts.counted.len(), 1);
    }
}
