//! The form of an API token: `cmt_<id>_<secret><check>`.
//!
//! `id` is 12 base-62 characters that name the token; the secret is 256 random bits in
//! 43 characters of base64url; the check is the CRC-32 of all before it in 8 hexadecimal digits.
//! The check lets a scanner or a typing mistake be recognised without a look-up.
//! Making, checking and hashing tokens is `identity`'s; this file only says what is stored.
//!
//! A token may have a key in the place of that text, with which its holder signs requests as AWS has
//! it: then it is `cmk_<id>` and a secret access key of 40 characters.

use crate::key::Epoch;
use crate::vault::Sealed;
use crate::{Scope, Timestamp, TokenName};
use serde::{Deserialize, Serialize};

/// What every token begins with.
pub const PREFIX: &str = "cmt_";
/// Length of the part that names a token.
pub const ID_CHARS: usize = 12;
/// Length of the secret part: 32 bytes in base64url without padding.
pub const SECRET_CHARS: usize = 43;
/// Length of the check.
pub const CHECK_CHARS: usize = 8;

/// The public part of a token, which names it.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(transparent)]
pub struct TokenId(pub String);

/// A token as it is stored: never the secret itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// Its public part.
    pub id: TokenId,
    /// What people call it.
    pub name: TokenName,
    /// SHA-256 of the whole token; of the whole secret access key, where it is one.
    pub hash: crate::Digest,
    /// When it was made.
    pub created: Timestamp,
    /// When it stops working.
    pub expires: Option<Timestamp>,
    /// The secret access key, if its holder signs requests as AWS has it and shows no token.
    pub key: Option<SealedKey>,
}

/// A secret access key as it is stored. Who checks a signature needs the key that made it, so a hash
/// is not enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedKey {
    /// The epoch of the key that sealed it.
    pub epoch: Epoch,
    /// The secret access key.
    pub sealed: Sealed,
    /// Whether its holder may make, change and remove functions.
    pub manages: bool,
}

/// Where a secret access key lives. Authenticated with it, so that none can be put in another's
/// place.
#[must_use]
pub fn key_place(scope: &Scope, id: &TokenId) -> Vec<u8> {
    format!("credential/{scope}/{}", id.0).into_bytes()
}
