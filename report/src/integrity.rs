//! What can be said of a file as evidence, in plain words, and what not.

use casemate_cast_format::segment::Condition;

use crate::Source;

/// What is to be said of a file in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Finished, nothing is wrong, and signed by the key that was asked for.
    Signed,
    /// Finished, nothing is wrong, and signed by a key that nobody vouched for.
    SignedBySomebody,
    /// Finished, nothing is wrong, and not signed.
    Chained,
    /// There are no seals.
    Unsealed,
    /// There is no end, and otherwise nothing is wrong.
    Unfinished,
    /// Nothing is wrong but that it is not signed by the key that was asked for.
    OtherKey,
    /// Something is not as it was sealed.
    Damaged,
}

impl State {
    /// What a file is, if it ought to be signed by `key`.
    pub fn of(source: &Source, key: Option<[u8; 32]>) -> Self {
        let Some(verdict) = &source.verdict else { return Self::Unsealed };
        match verdict.condition(key.as_ref()) {
            Condition::Intact if key.is_some() => Self::Signed,
            Condition::Intact if verdict.signed_by.is_some() => Self::SignedBySomebody,
            Condition::Intact => Self::Chained,
            Condition::Unsealed => Self::Unsealed,
            Condition::Unfinished => Self::Unfinished,
            Condition::OtherKey => Self::OtherKey,
            Condition::Damaged => Self::Damaged,
        }
    }

    /// In a few words.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Signed => "intact, signed by the given key",
            Self::SignedBySomebody => "intact, signed by a key that was not checked",
            Self::Chained => "intact, not signed",
            Self::Unsealed => "not sealed",
            Self::Unfinished => "unfinished",
            Self::OtherKey => "not signed by the given key",
            Self::Damaged => "NOT INTACT",
        }
    }

    /// How it is coloured.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Signed | Self::SignedBySomebody | Self::Chained => "good",
            Self::Unsealed | Self::Unfinished => "open",
            Self::OtherKey | Self::Damaged => "bad",
        }
    }

    /// So that it can be told without colours.
    pub(crate) fn sign(self) -> &'static str {
        match self.class() {
            "good" => "✓",
            "open" => "○",
            _ => "✕",
        }
    }

    /// What it means, in a sentence or two.
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Self::Signed => {
                "Every segment is the one that was sealed, in its place, up to the last one, and the holder of the \
                 given key sealed them all."
            }
            Self::SignedBySomebody => {
                "Every segment is the one that was sealed, in its place, up to the last one. All are signed by one key; \
                 whose key that is was not checked, and anybody can make one."
            }
            Self::Chained => {
                "Every segment is the one that was sealed, in its place, up to the last one. Without a signature this \
                 finds accidents, not intent: whoever can write the file can change it and seal it anew."
            }
            Self::Unsealed => {
                "The file has no seals, as recordings of other programs and plain asciicasts. Nothing about its past \
                 can be proven; the SHA-256 tells that it has not changed since this report was made."
            }
            Self::Unfinished => {
                "The recording has no end: it goes on, or its recorder was killed. What is sealed is as it was sealed; \
                 what follows the last seal is not protected."
            }
            Self::OtherKey => {
                "Every segment is the one that was sealed, but not by the holder of the given key."
            }
            Self::Damaged => {
                "Something was changed, removed, added or moved after it was sealed. What it is stands below. What \
                 could be read is in this report all the same."
            }
        }
    }
}

/// What no check of the files can tell.
pub(crate) const LIMITS: [&str; 5] = [
    "A seal proves that a file is as its recorder left it. It does not prove that the recorder was given the truth: what \
     a recording shows is what the recorded terminal showed, and programs can print anything, also text that looks like \
     a prompt and a command.",
    "A signature proves that the holder of the private key sealed the file. If that was the recorded person, or if they \
     could read the key, it proves nothing against them.",
    "Who a person is (“user”) is as good as what it is known by: “flag” is what whoever started the recorder said.",
    "No file tells that another one was withheld, or that a recording that was once appended to was cut back to an \
     earlier end.",
    "Commands are read from what stood on the screen. They are what was entered, to the best of what the recording \
     shows; what was done without being shown is listed as such where it can be noticed.",
];
