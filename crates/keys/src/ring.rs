//! The ring: derives sealers, signers and hash keys from the root that it holds.
//!
//! Invariant: the ring has one epoch. A key of another epoch is an error, never a guess.

use crate::derive::{self, Failed, Usage};
use crate::file::Error as FileError;
use crate::seal::SivSealer;
use crate::sign::EdSigner;
use aws_lc_rs::constant_time;
use model::Secret;
use model::key::{Epoch, KeyPurpose};
use ports::KeyRing;
use ports::keyring::{Error, Sealer, Signer};
use std::sync::Arc;

/// A key ring on one root. Opened by [`crate::RootKeyFile`].
#[derive(Debug)]
pub struct FileRing {
    root: Secret<[u8; 32]>,
    epoch: Epoch,
    fingerprint: String,
}

impl FileRing {
    /// The epoch of a root that was never rotated.
    pub(crate) const FIRST_EPOCH: Epoch = Epoch(1);

    /// A ring on a root that is already in memory, in the first epoch. For tests and for the
    /// conformance suites: a node keeps its root in a [`crate::RootKeyFile`].
    ///
    /// # Errors
    /// [`FileError::Derivation`] if the library fails.
    pub fn from_root(root: [u8; 32]) -> Result<Self, FileError> {
        Self::new(Secret::new(root), Self::FIRST_EPOCH)
    }

    pub(crate) fn new(root: Secret<[u8; 32]>, epoch: Epoch) -> Result<Self, FileError> {
        let fingerprint = derive::fingerprint(&root, epoch).map_err(|_| FileError::Derivation)?;
        Ok(Self { root, epoch, fingerprint: hex::encode(fingerprint) })
    }

    /// Says which root this is, in 32 hexadecimal digits, and nothing about it: it is derived
    /// like a key. A home keeps it, to recognise a wrong root before anything is read with it.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Checks that this is the root whose fingerprint a home kept.
    ///
    /// # Errors
    /// [`FileError::Wrong`] if it is another one.
    pub fn expect_fingerprint(&self, kept: &str) -> Result<(), FileError> {
        constant_time::verify_slices_are_equal(kept.as_bytes(), self.fingerprint.as_bytes())
            .map_err(|_| FileError::Wrong { found: self.fingerprint.clone() })
    }

    fn derive<const BYTES: usize>(
        &self,
        usage: Usage,
        epoch: Epoch,
        purpose: KeyPurpose,
        context: &[&str],
    ) -> Result<Secret<[u8; BYTES]>, Error> {
        if epoch != self.epoch {
            return Err(Error::UnknownEpoch(epoch));
        }
        derive::key(&self.root, usage, purpose, epoch, context).map_err(failed)
    }
}

fn failed(error: Failed) -> Error {
    Error::Failed(error.to_string())
}

impl KeyRing for FileRing {
    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn sealer(
        &self,
        epoch: Epoch,
        purpose: KeyPurpose,
        context: &[&str],
    ) -> Result<Arc<dyn Sealer>, Error> {
        let key = self.derive(Usage::Seal, epoch, purpose, context)?;
        Ok(Arc::new(SivSealer::new(&key).map_err(failed)?))
    }

    fn signer(
        &self,
        epoch: Epoch,
        purpose: KeyPurpose,
        context: &[&str],
    ) -> Result<Arc<dyn Signer>, Error> {
        let seed = self.derive(Usage::Sign, epoch, purpose, context)?;
        Ok(Arc::new(EdSigner::new(&seed).map_err(failed)?))
    }

    fn hash_key(
        &self,
        epoch: Epoch,
        purpose: KeyPurpose,
        context: &[&str],
    ) -> Result<Secret<[u8; 32]>, Error> {
        self.derive(Usage::Hash, epoch, purpose, context)
    }

    fn data_key(
        &self,
        epoch: Epoch,
        purpose: KeyPurpose,
        context: &[&str],
    ) -> Result<Secret<[u8; 64]>, Error> {
        self.derive(Usage::Data, epoch, purpose, context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(root: u8) -> FileRing {
        FileRing::from_root([root; 32]).unwrap()
    }

    fn sealed(ring: &FileRing, purpose: KeyPurpose, context: &[&str]) -> Vec<u8> {
        let mut buffer = b"text".to_vec();
        ring.sealer(ring.epoch(), purpose, context).unwrap().seal(b"p", &mut buffer, 0).unwrap();
        buffer
    }

    fn opens(ring: &FileRing, purpose: KeyPurpose, context: &[&str], sealed: &[u8]) -> bool {
        ring.sealer(ring.epoch(), purpose, context).unwrap().unseal(b"p", sealed).is_ok()
    }

    #[test]
    fn only_the_same_root_purpose_and_context_unseals() {
        let own = ring(1);
        let text = sealed(&own, KeyPurpose::Value, &["acme", "main"]);
        assert!(opens(&own, KeyPurpose::Value, &["acme", "main"], &text));
        assert!(opens(&ring(1), KeyPurpose::Value, &["acme", "main"], &text));
        assert!(!opens(&own, KeyPurpose::Journal, &["acme", "main"], &text));
        assert!(!opens(&own, KeyPurpose::Value, &["acme", "test"], &text));
        assert!(!opens(&own, KeyPurpose::Value, &["acmemain"], &text));
        assert!(!opens(&ring(2), KeyPurpose::Value, &["acme", "main"], &text));
    }

    #[test]
    fn another_epoch_is_an_error() {
        let ring = ring(1);
        let other = Epoch(2);
        let purpose = KeyPurpose::Value;
        assert!(matches!(ring.sealer(other, purpose, &[]), Err(Error::UnknownEpoch(Epoch(2)))));
        assert!(matches!(ring.signer(other, purpose, &[]), Err(Error::UnknownEpoch(Epoch(2)))));
        assert!(matches!(ring.hash_key(other, purpose, &[]), Err(Error::UnknownEpoch(Epoch(2)))));
        assert!(matches!(ring.data_key(other, purpose, &[]), Err(Error::UnknownEpoch(Epoch(2)))));
    }

    #[test]
    fn signers_are_stable_and_bound_to_their_name() {
        let public = |context: &[&str]| {
            ring(1).signer(Epoch(1), KeyPurpose::Ledger, context).unwrap().public_key()
        };
        assert_eq!(public(&["a"]), public(&["a"]));
        assert_ne!(public(&["a"]), public(&["b"]));
    }

    #[test]
    fn the_hash_key_is_not_the_key_that_signs() {
        let ring = ring(1);
        let hash = ring.hash_key(Epoch(1), KeyPurpose::Ledger, &["a"]).unwrap();
        let signer = ring.signer(Epoch(1), KeyPurpose::Ledger, &["a"]).unwrap();
        assert_ne!(EdSigner::new(&hash).unwrap().public_key(), signer.public_key());
    }

    #[test]
    fn a_key_for_data_is_bound_to_its_name_and_begins_like_no_other_key() {
        let ring = ring(1);
        let data = |purpose, context: &[&str]| {
            *ring.data_key(Epoch(1), purpose, context).unwrap().expose()
        };
        let own = data(KeyPurpose::Token, &["a", "main", "pan"]);
        assert_ne!(own, data(KeyPurpose::FormatCipher, &["a", "main", "pan"]));
        assert_ne!(own, data(KeyPurpose::Token, &["b", "main", "pan"]));
        assert_ne!(own[..32], own[32..]);
        let hash = ring.hash_key(Epoch(1), KeyPurpose::Token, &["a", "main", "pan"]).unwrap();
        assert_ne!(own[..32], hash.expose()[..]);
    }

    #[test]
    fn a_fingerprint_tells_roots_apart() {
        assert_ne!(ring(1).fingerprint(), ring(2).fingerprint());
        assert_eq!(ring(1).fingerprint().len(), 32);
        assert!(ring(1).expect_fingerprint(ring(1).fingerprint()).is_ok());
        let wrong = ring(1).expect_fingerprint(ring(2).fingerprint());
        assert!(matches!(wrong, Err(FileError::Wrong { .. })));
        assert!(ring(1).expect_fingerprint("").is_err());
    }

    #[test]
    fn debug_does_not_show_the_root() {
        let shown = format!("{:?}", ring(0xab));
        assert!(!shown.contains("171") && !shown.contains("abab"), "{shown}");
    }
}
