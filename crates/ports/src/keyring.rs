//! Keys by purpose and name. Only an implementation ever sees a root.

use model::key::{Epoch, KeyPurpose};
use model::{DataClass, Scope, Secret};
use std::sync::Arc;

/// Why a key could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes were not sealed with this key, at this place, or were changed.
    #[error("the sealed bytes are not authentic")]
    NotAuthentic,
    /// The epoch is not in the ring.
    #[error("key epoch {} is not in the ring", .0.0)]
    UnknownEpoch(Epoch),
    /// The ring failed.
    #[error("the key ring failed: {0}")]
    Failed(String),
}

/// Seals and unseals with one derived key. AES-256-GCM-SIV (RFC 8452), random nonces.
pub trait Sealer: Send + Sync {
    /// Replaces the plain bytes of `buffer` from `from` on by nonce, cipher text and tag.
    /// `place` says where they will live and is authenticated with them.
    ///
    /// # Errors
    /// [`Error::Failed`] if no random bytes could be drawn.
    fn seal(&self, place: &[u8], buffer: &mut Vec<u8>, from: usize) -> Result<(), Error>;

    /// Gives back what was sealed for the same `place`.
    ///
    /// # Errors
    /// [`Error::NotAuthentic`]; no plain byte is released in that case.
    fn unseal(&self, place: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Error>;
}

/// Signs with one derived Ed25519 key.
pub trait Signer: Send + Sync {
    /// The public key, 32 bytes.
    fn public_key(&self) -> [u8; 32];
    /// The signature over `message`, 64 bytes.
    fn sign(&self, message: &[u8]) -> [u8; 64];
}

/// Keys of one class that another home handed over.
#[derive(Debug, Clone)]
pub struct Handed {
    /// The other home's public key.
    pub from: String,
    /// Whether values are protected with them.
    pub used: bool,
    /// The keys, as a file of keys of this one class has them.
    pub keys: Secret<String>,
}

/// Derives keys. Equal purpose and context give equal keys on every node that holds the root;
/// different ones give unrelated keys.
pub trait KeyRing: Send + Sync {
    /// The epoch that new things are made with. It grows when the root is rotated, also while the
    /// node runs: who seals asks anew each time, and keeps the epoch beside what was sealed.
    fn epoch(&self) -> Epoch;

    /// The epoch that the ring began with. What must be the same for as long as there is a home is
    /// made with it: the name and the key of the ledger, marks that say what came already, and
    /// what stands for sensitive values outside of the house.
    fn founding(&self) -> Epoch {
        self.epoch()
    }

    /// Every epoch that the ring has, oldest first.
    fn epochs(&self) -> Vec<Epoch> {
        vec![self.epoch()]
    }

    /// A sealer for `purpose` and the parts of `context`, such as a tenant's name.
    ///
    /// # Errors
    /// [`Error::UnknownEpoch`] or [`Error::Failed`].
    fn sealer(
        &self,
        epoch: Epoch,
        purpose: KeyPurpose,
        context: &[&str],
    ) -> Result<Arc<dyn Sealer>, Error>;

    /// A signer for `purpose` and `context`.
    ///
    /// # Errors
    /// As [`KeyRing::sealer`].
    fn signer(
        &self,
        epoch: Epoch,
        purpose: KeyPurpose,
        context: &[&str],
    ) -> Result<Arc<dyn Signer>, Error>;

    /// A 256-bit key for a keyed hash.
    ///
    /// # Errors
    /// As [`KeyRing::sealer`].
    fn hash_key(
        &self,
        epoch: Epoch,
        purpose: KeyPurpose,
        context: &[&str],
    ) -> Result<Secret<[u8; 32]>, Error>;

    /// A key that transforms sensitive values, 512 bits: a cipher that takes less uses the first.
    /// It is handed out, since the transforms lie in a crate that computes and holds no ring; and
    /// it is never one that seals, signs or hashes for the platform itself.
    ///
    /// # Errors
    /// As [`KeyRing::sealer`].
    fn data_key(
        &self,
        epoch: Epoch,
        purpose: KeyPurpose,
        context: &[&str],
    ) -> Result<Secret<[u8; 64]>, Error>;

    /// Keys that other homes handed over for the class of this tenant and environment, in the order
    /// in which they are tried. They may come while the node runs.
    fn handed(&self, _scope: &Scope, _class: &DataClass) -> Arc<[Handed]> {
        Arc::new([])
    }
}
