//! The ring: derives sealers, signers and hash keys from the roots that it holds.
//!
//! Invariant: every epoch has a root of its own. A key of an epoch that is not there is an error,
//! never a guess.
//! Invariant: epochs are added and taken out, and never changed, so what was derived once is derived
//! again or is refused.

mod roots;

use crate::derive::{self, Failed, Usage};
use crate::exchange::Exchange;
use crate::file::Error as FileError;
use crate::passphrase::{Cost, Seal};
use crate::seal::SivSealer;
use crate::sign::EdSigner;
use aws_lc_rs::constant_time;
use model::key::{Epoch, KeyPurpose};
use model::{DataClass, Scope, Secret, Timestamp};
use parking_lot::RwLock;
use ports::KeyRing;
use ports::keyring::{Error, Handed, Sealer, Signer};
pub(crate) use roots::{Root, Roots};
use std::collections::HashMap;
use std::sync::Arc;

/// What other homes handed over, by the class that it is of and for whom.
type AllHanded = HashMap<(Scope, DataClass), Arc<[Handed]>>;

/// A key ring on the roots of a [`crate::RootKeyFile`].
#[derive(Debug)]
pub struct FileRing {
    roots: RwLock<Arc<Roots>>,
    /// Of the first root. It never changes.
    fingerprint: String,
    /// How the file is sealed that the roots are from.
    seal: Option<Seal>,
    /// Keys of classes that other homes handed over.
    handed: RwLock<AllHanded>,
}

/// What can be said of an epoch without its root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The epoch.
    pub epoch: Epoch,
    /// When its root was drawn, where that is known.
    pub at: Option<Timestamp>,
    /// Says which root it is, and nothing about it.
    pub fingerprint: String,
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
        let root = Root::new(Self::FIRST_EPOCH, None, Secret::new(root))?;
        Ok(Self::new(Roots::of(root), None))
    }

    pub(crate) fn new(roots: Roots, seal: Option<Seal>) -> Self {
        let fingerprint = roots.founding().fingerprint.clone();
        Self { roots: RwLock::new(Arc::new(roots)), fingerprint, seal, handed: RwLock::default() }
    }

    /// Says which root the ring began with, in 32 hexadecimal digits, and nothing about it: it is
    /// derived like a key. A home keeps it, to recognise a wrong root before anything is read with
    /// it.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Checks that the ring began with the root whose fingerprint a home kept.
    ///
    /// # Errors
    /// [`FileError::Wrong`] if it is another one.
    pub fn expect_fingerprint(&self, kept: &str) -> Result<(), FileError> {
        same(kept, &self.fingerprint)
    }

    /// Checks that an epoch has the root whose fingerprint a home kept.
    ///
    /// # Errors
    /// [`FileError::Older`] if the ring does not have the epoch, [`FileError::Wrong`] if another
    /// root is there.
    pub fn expect_epoch(&self, epoch: Epoch, kept: &str) -> Result<(), FileError> {
        let roots = self.roots();
        match roots.get(epoch) {
            Some(root) => same(kept, &root.fingerprint),
            None => Err(FileError::Older { known: epoch, newest: roots.newest().epoch }),
        }
    }

    /// Every epoch, oldest first.
    #[must_use]
    pub fn made(&self) -> Vec<Made> {
        self.roots().all().map(Root::made).collect()
    }

    /// What a passphrase costs to try, if the file that the roots are from is sealed with one.
    #[must_use]
    pub fn sealed(&self) -> Option<Cost> {
        self.seal.as_ref().map(Seal::cost)
    }

    pub(crate) fn seal(&self) -> Option<&Seal> {
        self.seal.as_ref()
    }

    pub(crate) fn roots(&self) -> Arc<Roots> {
        Arc::clone(&self.roots.read())
    }

    pub(crate) fn adopt(&self, roots: Arc<Roots>) {
        *self.roots.write() = roots;
    }

    /// Uses these keys of other homes for the class from now on, beside its own.
    pub fn take(&self, scope: Scope, class: DataClass, handed: Vec<Handed>) {
        self.handed.write().insert((scope, class), handed.into());
    }

    /// The key pair with which keys of classes of this tenant and environment are handed to other
    /// homes, and taken. It stays with a rotation, as what is handed over does.
    ///
    /// # Errors
    /// [`Error::Failed`]
    pub fn exchange(&self, scope: &Scope) -> Result<Exchange, Error> {
        let context = [scope.tenant.as_str(), scope.environment.as_str()];
        let private = self.hash_key(self.founding(), KeyPurpose::Exchange, &context)?;
        Exchange::new(&private).map_err(|error| Error::Failed(error.to_string()))
    }

    fn derive<const BYTES: usize>(
        &self,
        usage: Usage,
        epoch: Epoch,
        purpose: KeyPurpose,
        context: &[&str],
    ) -> Result<Secret<[u8; BYTES]>, Error> {
        let roots = self.roots();
        let root = roots.get(epoch).ok_or(Error::UnknownEpoch(epoch))?;
        derive::key(&root.secret, usage, purpose, epoch, context).map_err(failed)
    }
}

fn same(kept: &str, found: &str) -> Result<(), FileError> {
    constant_time::verify_slices_are_equal(kept.as_bytes(), found.as_bytes())
        .map_err(|_| FileError::Wrong { found: found.to_owned() })
}

fn failed(error: Failed) -> Error {
    Error::Failed(error.to_string())
}

impl KeyRing for FileRing {
    fn epoch(&self) -> Epoch {
        self.roots().newest().epoch
    }

    fn founding(&self) -> Epoch {
        self.roots().founding().epoch
    }

    fn epochs(&self) -> Vec<Epoch> {
        self.roots().all().map(|root| root.epoch).collect()
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

    fn handed(&self, scope: &Scope, class: &DataClass) -> Arc<[Handed]> {
        let of = (scope.clone(), class.clone());
        self.handed.read().get(&of).map_or_else(|| Arc::new([]) as _, Arc::clone)
    }
}

#[cfg(test)]
mod tests;
