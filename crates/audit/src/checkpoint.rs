//! Checkpoints (<https://c2sp.org/tlog-checkpoint>): a signed note that says how many leaves a
//! log has and what its root is.

use crate::hash::Hash;
use crate::note::{self, VerifierKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ports::keyring::Signer;

/// Why a checkpoint cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It is no note, or not one by the key that it should be by.
    #[error(transparent)]
    Note(#[from] note::Error),
    /// Its text is not that of a checkpoint.
    #[error("the note is not a checkpoint: {0}")]
    Form(&'static str),
    /// It is about another log.
    #[error("the checkpoint is another ledger's")]
    Origin,
    /// It carries signatures that this ledger did not make.
    #[error("the checkpoint carries signatures that were added to it")]
    Added,
    /// It is kept as the checkpoint of another size.
    #[error("the checkpoint is over {size} entries")]
    Size {
        /// What it says itself.
        size: u64,
    },
}

/// What a checkpoint says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log. For our logs this is also the name of the key that signs.
    pub origin: String,
    /// How many leaves.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Hash,
}

impl Checkpoint {
    /// Checks the signature of `note` and reads it. Signatures by other keys, such as those of
    /// witnesses, are left aside.
    ///
    /// # Errors
    /// [`Error`], if `key` did not sign this as a checkpoint of the log that it belongs to.
    pub fn open(note: &str, key: &VerifierKey) -> Result<Self, Error> {
        Ok(Self::open_counting(note, key)?.0)
    }

    /// As [`Self::open`], for a checkpoint as this ledger wrote it: with one signature.
    pub(crate) fn open_own(note: &str, key: &VerifierKey) -> Result<Self, Error> {
        match Self::open_counting(note, key)? {
            (checkpoint, 0) => Ok(checkpoint),
            _ => Err(Error::Added),
        }
    }

    fn open_counting(note: &str, key: &VerifierKey) -> Result<(Self, usize), Error> {
        let opened = note::open(note, key)?;
        let checkpoint = Self::read(opened.text)?;
        match checkpoint.origin == key.name() {
            true => Ok((checkpoint, opened.others)),
            false => Err(Error::Origin),
        }
    }

    /// The size that `note` states, without believing it.
    pub(crate) fn stated_size(note: &str) -> Option<u64> {
        note.split('\n').nth(1).and_then(size)
    }

    pub(crate) fn sign(&self, key: &VerifierKey, signer: &dyn Signer) -> String {
        note::sign(&self.text(), key, signer)
    }

    pub(crate) fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root))
    }

    pub(crate) fn read(text: &str) -> Result<Self, Error> {
        let mut lines = text.strip_suffix('\n').ok_or(Error::Form("its text is cut"))?.split('\n');
        let (Some(origin), Some(second), Some(root), None) =
            (lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(Error::Form("it has not exactly three lines"));
        };
        let size = size(second).ok_or(Error::Form("its second line is no size"))?;
        let root = STANDARD.decode(root).ok().and_then(|root| root.try_into().ok());
        let root = root.ok_or(Error::Form("its third line is no root hash"))?;
        Ok(Self { origin: origin.to_owned(), size, root })
    }
}

/// A decimal number, written in the one usual way.
fn size(text: &str) -> Option<u64> {
    let size: u64 = text.parse().ok()?;
    (size.to_string() == text).then_some(size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{ORIGIN, TestSigner, key};

    fn checkpoint(size: u64) -> Checkpoint {
        Checkpoint { origin: ORIGIN.to_owned(), size, root: [7; 32] }
    }

    #[test]
    fn a_checkpoint_is_read_back_and_by_the_other_implementation_too() {
        for size in [0, 1, 255, 20_852_163, u64::MAX] {
            let note = checkpoint(size).sign(&key(), &TestSigner::new(1));
            assert_eq!(Checkpoint::open(&note, &key()), Ok(checkpoint(size)));
            assert_eq!(Checkpoint::stated_size(&note), Some(size));
            let text = note::open(&note, &key()).unwrap().text;
            let theirs = tlog_tiles::Checkpoint::from_bytes(text.as_bytes()).unwrap();
            assert_eq!((theirs.origin(), theirs.size()), (ORIGIN, size));
            assert_eq!(theirs.hash().0, [7; 32]);
        }
    }

    #[test]
    fn signed_texts_that_are_no_checkpoints_are_refused() {
        let root = STANDARD.encode([7; 32]);
        for text in [
            String::new(),
            format!("{ORIGIN}\n1\n"),
            format!("{ORIGIN}\n01\n{root}\n"),
            format!("{ORIGIN}\n+1\n{root}\n"),
            format!("{ORIGIN}\n-1\n{root}\n"),
            format!("{ORIGIN}\n18446744073709551616\n{root}\n"),
            format!("{ORIGIN}\n1\n{}\n", &root[..40]),
            format!("{ORIGIN}\n1\n{}\n", root.replace('=', "")),
            format!("{ORIGIN}\n1\n{root}\nextension\n"),
            format!("other.example\n1\n{root}\n"),
        ] {
            let note = note::sign(&text, &key(), &TestSigner::new(1));
            assert!(Checkpoint::open(&note, &key()).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_witness_may_sign_too_but_not_what_we_keep() {
        let own = checkpoint(3).sign(&key(), &TestSigner::new(1));
        let witnessed = format!("{own}— witness.example {}\n", STANDARD.encode([1; 40]));
        assert_eq!(Checkpoint::open(&witnessed, &key()), Ok(checkpoint(3)));
        assert_eq!(Checkpoint::open_own(&witnessed, &key()), Err(Error::Added));
        assert_eq!(Checkpoint::open_own(&own, &key()), Ok(checkpoint(3)));
    }
}
