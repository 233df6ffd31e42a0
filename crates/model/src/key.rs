//! What keys are for. One root, every other key derived from a purpose and a name.

use serde::{Deserialize, Serialize};

/// The use that a derived key is bound to. Keys of different purposes never coincide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum KeyPurpose {
    /// Seals journal blocks.
    Journal,
    /// Signs ledger checkpoints.
    Ledger,
    /// Authenticates compiled components.
    Artifact,
    /// Seals values in stores.
    Value,
    /// Digests call arguments, so that records can be compared and not guessed.
    Digest,
    /// Seals private keys of certificates, and of the account that they were obtained with.
    Certificate,
    /// Seals secrets that functions use.
    Secret,
    /// Seals calls that wait in the queue.
    Queue,
    /// Enciphers sensitive values in their format (FF1).
    FormatCipher,
    /// Seals sensitive values into tokens (AES-SIV).
    Token,
    /// Hashes sensitive values into a format.
    FormatHash,
    /// Hashes sensitive values in full.
    FullHash,
    /// Seals secret access keys of callers.
    Credential,
    /// Makes the keys of one subject's values of a class, with the subject's salt, and the hashes
    /// that stand for subjects.
    Subject,
    /// Seals salts of subjects.
    Salt,
    /// Makes the key pair with which keys of classes are handed to another home, and taken.
    Exchange,
    /// Seals keys of classes that another home handed over.
    Handed,
}

impl KeyPurpose {
    /// The word that goes into key derivation. Fixed for ever.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Journal => "journal",
            Self::Ledger => "ledger",
            Self::Artifact => "artifact",
            Self::Value => "value",
            Self::Digest => "digest",
            Self::Certificate => "certificate",
            Self::Secret => "secret",
            Self::Queue => "queue",
            Self::FormatCipher => "fpe",
            Self::Token => "siv",
            Self::FormatHash => "fphash",
            Self::FullHash => "hash",
            Self::Credential => "credential",
            Self::Subject => "subject",
            Self::Salt => "salt",
            Self::Exchange => "exchange",
            Self::Handed => "handed",
        }
    }
}

/// Which root key: counts up with every rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u32);
