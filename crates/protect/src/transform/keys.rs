//! The keys of a class of data, and where they come from.

use model::key::{Epoch, KeyPurpose};
use model::{SaltId, Secret};
use zeroize::Zeroizing;

/// The keys of one class of one tenant, of one version. Each is used for one thing.
#[derive(Debug, Clone)]
pub struct ClassKeys {
    /// Which version of the keys these are. Stands in every token.
    pub version: u32,
    /// For FF1.
    pub fpe: Secret<[u8; 32]>,
    /// For tokens: AES-SIV takes two keys of 256 bits.
    pub siv: Secret<[u8; 64]>,
    /// For keyed hashes that are cut to a format.
    pub format_hash: Secret<[u8; 32]>,
    /// For keyed hashes in full.
    pub hash: Secret<[u8; 32]>,
    /// For the keys of subjects whose values can be erased, where that is possible: on a node,
    /// which keeps their salts.
    pub subject: Option<Secret<[u8; 64]>>,
    /// The salt that they were made with, if they are those of a subject. Stands in every token.
    pub salt: Option<SaltId>,
}

impl ClassKeys {
    /// The keys of an epoch, as a ring derives them for one class of one tenant and environment.
    /// Purposes and halves are fixed for ever.
    ///
    /// # Errors
    /// What `derive` says.
    pub fn derive<E>(
        epoch: Epoch,
        mut derive: impl FnMut(KeyPurpose) -> Result<Secret<[u8; 64]>, E>,
    ) -> Result<Self, E> {
        Ok(Self {
            version: epoch.0,
            fpe: half(&derive(KeyPurpose::FormatCipher)?),
            siv: derive(KeyPurpose::Token)?,
            format_hash: half(&derive(KeyPurpose::FormatHash)?),
            hash: half(&derive(KeyPurpose::FullHash)?),
            subject: Some(derive(KeyPurpose::Subject)?),
            salt: None,
        })
    }
}

/// The first 256 bits of a key.
pub(super) fn half(key: &Secret<[u8; 64]>) -> Secret<[u8; 32]> {
    let mut half = Zeroizing::new([0; 32]);
    half.iter_mut().zip(key.expose()).for_each(|(to, from)| *to = *from);
    Secret::new(*half)
}
