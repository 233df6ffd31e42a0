//! AWS's Signature Version 4: made for requests to AWS, and checked on requests that were made for
//! AWS and came here.
//!
//! Nothing here reads a clock or a store: the time and the secret of a key are given.

mod claim;
mod read;
mod seen;
mod sign;
#[cfg(test)]
mod tests;

pub use claim::{Claim, SKEW_US, Sent, Wrong};
pub use seen::{Crowded, Seen};
pub use sign::{ALGORITHM, EMPTY, Key, Signed, Signing, basic_time, sign};

use crate::token::Error;
use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::Secret;
use model::token::{ID_CHARS, TokenId};
use zeroize::Zeroizing;

/// What every access key id begins with. With the id of its token it is a word of 16 characters,
/// the least that AWS's tools take.
pub const PREFIX: &str = "cmk_";
/// Random bytes of a secret access key: 40 characters, as AWS's have.
const SECRET_BYTES: usize = 30;

/// A key that was just made.
#[derive(Debug)]
pub struct MintedKey {
    /// The public part of its token.
    pub id: TokenId,
    /// The secret access key.
    pub secret: Secret<String>,
}

/// Makes a key from fresh random bytes.
///
/// # Errors
/// [`Error::Random`].
pub fn mint() -> Result<MintedKey, Error> {
    let named = crate::token::mint()?;
    let mut random = Zeroizing::new([0; SECRET_BYTES]);
    rand::fill(&mut *random).map_err(|_| Error::Random)?;
    // Reserved whole, so that no copy of the secret is left behind by a growing string.
    let mut text = String::with_capacity(SECRET_BYTES * 4 / 3);
    URL_SAFE_NO_PAD.encode_string(*random, &mut text);
    Ok(MintedKey { id: named.id, secret: Secret::new(text) })
}

/// The access key id of a token.
#[must_use]
pub fn access_key_id(id: &TokenId) -> String {
    format!("{PREFIX}{}", id.0)
}

/// The public part of the token that an access key id names. `None` if it has not exactly its form.
#[must_use]
pub fn token_id(access_key: &str) -> Option<&str> {
    let id = access_key.strip_prefix(PREFIX)?;
    let well_formed = id.len() == ID_CHARS && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    well_formed.then_some(id)
}
