//! Salts of subjects: what makes the values of one person's data go away, and no others.

use crate::Secret;
use std::fmt;

/// Names a salt. It is drawn at random, and says nothing about whose it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SaltId(pub [u8; 16]);

/// Whose values they are, as a keyed hash: what a person is called stands nowhere.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubjectHash(pub [u8; 32]);

/// What the keys of one subject's values of one class are made with.
#[derive(Debug, Clone)]
pub struct Salt {
    /// Its name, which stands in every token that was made with it.
    pub id: SaltId,
    /// What is mixed into the class's keys.
    pub secret: Secret<[u8; 32]>,
}

/// What became of a salt.
#[derive(Debug, Clone)]
pub enum Fate {
    /// It is there.
    Kept(Salt),
    /// It was deleted on purpose.
    Erased,
    /// There never was one of this name, or nobody knows of it any more.
    Unknown,
}

impl fmt::Debug for SaltId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Display for SubjectHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for SubjectHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
