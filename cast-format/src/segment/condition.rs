//! What is to be said of a whole recording in a word. Everything that judges recordings judges them by this.
//!
//! Not here: what is wrong in detail (`report`), and who vouches for a key.

use super::report::Verdict;

/// What a recording is, as evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Condition {
    /// Finished, nothing is wrong, and signed by the key, if one is asked for.
    Intact,
    /// Something is not as it was sealed.
    Damaged,
    /// There is no end, and otherwise nothing is wrong: it goes on, or its recorder was killed.
    Unfinished,
    /// There are no seals.
    Unsealed,
    /// Nothing is wrong but that it is not signed by the key.
    OtherKey,
}

impl Verdict {
    /// What the recording is, if it ought to be signed by `key`, for which the unpacker was told to look.
    ///
    /// A file that ends in the middle of something is unfinished if no final seal came before; behind one, the seek
    /// table is cut, and it is damaged, as one without a seek table is.
    pub fn condition(&self, key: Option<&[u8; 32]>) -> Condition {
        let of_signer = if key.is_some() { self.signer_defects } else { 0 };
        let is_torn = self.torn_bytes > 0;
        let others = self.defect_count().saturating_sub(of_signer + u64::from(is_torn));
        let is_cut = is_torn || self.open.is_some_and(|open| !open.complete);
        match () {
            () if others > 0 => Condition::Damaged,
            () if !self.finished && (self.segments > 0 || is_cut) => Condition::Unfinished,
            () if self.segments == 0 => Condition::Unsealed,
            () if is_torn => Condition::Damaged,
            () if key.is_some_and(|key| self.signed_by.as_ref() != Some(key)) => Condition::OtherKey,
            () => Condition::Intact,
        }
    }
}
