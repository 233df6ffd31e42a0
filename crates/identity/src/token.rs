//! API tokens as text: making them, and reading them without believing them.
//!
//! The form is documented in [`model::token`]. Reading a token only says that it is well-formed
//! and free of typing mistakes; whether it is valid is [`crate::Tokens`]' to say.
//!
//! Invariant: reading never panics, never allocates, and accepts exactly one text per token.

use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::token::{CHECK_CHARS, ID_CHARS, PREFIX, SECRET_CHARS, TokenId};
use model::{Digest, Secret};
use std::fmt;
use zeroize::Zeroizing;

/// Characters of a whole token: prefix, id, `_`, secret and check.
pub const TOKEN_CHARS: usize = PREFIX.len() + ID_CHARS + 1 + SECRET_CHARS + CHECK_CHARS;

const ID_AT: usize = PREFIX.len();
const SECRET_AT: usize = ID_AT + ID_CHARS + 1;
const CHECK_AT: usize = SECRET_AT + SECRET_CHARS;
const BASE_62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Why no token could be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system gave no random bytes.
    #[error("the system gave no random bytes for a token")]
    Random,
}

/// A token that was just made.
#[derive(Debug)]
pub struct Minted {
    /// The whole text. It is shown once and kept nowhere.
    pub token: Secret<String>,
    /// Its public part.
    pub id: TokenId,
    /// What is kept of it: SHA-256 of the whole text.
    pub hash: Digest,
}

/// Makes a token from fresh random bytes.
///
/// # Errors
/// [`Error::Random`].
pub fn mint() -> Result<Minted, Error> {
    let mut name = [0; 16];
    let mut secret = Zeroizing::new([0; 32]);
    rand::fill(&mut name).map_err(|_| Error::Random)?;
    rand::fill(&mut *secret).map_err(|_| Error::Random)?;
    Ok(assemble(u128::from_be_bytes(name), &secret))
}

pub(crate) fn assemble(name: u128, secret: &[u8; 32]) -> Minted {
    let id = id_text(name);
    // Reserved whole, so that no copy of the secret is left behind by a growing string.
    let mut text = String::with_capacity(TOKEN_CHARS);
    text.push_str(PREFIX);
    text.push_str(&id);
    text.push('_');
    URL_SAFE_NO_PAD.encode_string(secret, &mut text);
    let check = check_digits(text.as_bytes());
    text.extend(check.map(char::from));
    let hash = hash(&text);
    Minted { token: Secret::new(text), id: TokenId(id), hash }
}

/// Twelve base-62 digits. 128 random bits over 62^12 values: the skew is below 2^-56.
fn id_text(mut name: u128) -> String {
    let mut id = String::with_capacity(ID_CHARS);
    for _ in 0..ID_CHARS {
        let digit = (name % 62) as usize;
        id.push(BASE_62.get(digit).map_or('0', |digit| char::from(*digit)));
        name /= 62;
    }
    id
}

/// The CRC-32 of `bytes` (ISO-HDLC, as in zlib) in eight lower-case hexadecimal digits.
fn check_digits(bytes: &[u8]) -> [u8; CHECK_CHARS] {
    let crc = crc32fast::hash(bytes);
    std::array::from_fn(|at| {
        let nibble = (crc >> (28 - 4 * at)) & 0xf;
        char::from_digit(nibble, 16).map_or(b'0', |digit| digit as u8)
    })
}

fn hash(text: &str) -> Digest {
    Digest(crate::sha256(text.as_bytes()))
}

/// A well-formed token that somebody sent. Not yet known to be valid.
#[derive(Clone, Copy)]
pub struct Presented<'a> {
    text: &'a str,
    id: &'a str,
}

impl<'a> Presented<'a> {
    /// The public part: which token it claims to be.
    #[must_use]
    pub fn id(&self) -> &'a str {
        self.id
    }

    /// SHA-256 of the whole text, to compare with what is kept.
    #[must_use]
    pub fn hash(&self) -> Digest {
        hash(self.text)
    }
}

impl fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}_[secret]", self.id)
    }
}

/// Reads a token. `None` if the text has not exactly its form or its check does not fit.
#[must_use]
pub fn parse(text: &str) -> Option<Presented<'_>> {
    let bytes: &[u8; TOKEN_CHARS] = text.as_bytes().try_into().ok()?;
    let well_formed = text.starts_with(PREFIX)
        && bytes[ID_AT..SECRET_AT - 1].iter().all(u8::is_ascii_alphanumeric)
        && bytes[SECRET_AT - 1] == b'_'
        && bytes[SECRET_AT..CHECK_AT].iter().all(|byte| is_base64url(*byte))
        && ends_canonically(bytes[CHECK_AT - 1])
        && bytes[CHECK_AT..] == check_digits(&bytes[..CHECK_AT]);
    // All bytes are ASCII here, so the id is whole characters.
    let id = text.get(ID_AT..SECRET_AT - 1).filter(|_| well_formed)?;
    Some(Presented { text, id })
}

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

/// 43 characters carry 258 bits and the secret has 256: the last two must be zero, or several
/// texts would say the same secret.
fn ends_canonically(last: u8) -> bool {
    const FOURTHS: &[u8; 16] = b"AEIMQUYcgkosw048";
    FOURTHS.contains(&last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_minted_token_has_the_documented_form() {
        let minted = mint().unwrap();
        let text = minted.token.expose();
        assert_eq!(text.len(), 68);
        assert_eq!(TOKEN_CHARS, 68);
        let presented = parse(text).unwrap();
        assert_eq!(presented.id(), minted.id.0);
        assert_eq!(presented.hash(), minted.hash);
    }

    #[test]
    fn two_tokens_share_nothing() {
        let (a, b) = (mint().unwrap(), mint().unwrap());
        assert_ne!(a.id, b.id);
        assert_ne!(a.hash, b.hash);
        assert_ne!(a.token.expose()[SECRET_AT..], b.token.expose()[SECRET_AT..]);
    }

    /// The check was computed with another CRC-32, the hash with another SHA-256.
    #[test]
    fn the_form_never_changes() {
        let minted = assemble(1, &[0; 32]);
        let text = format!("cmt_100000000000_{}324a2748", "A".repeat(43));
        assert_eq!(minted.token.expose(), &text);
        assert_eq!(
            minted.hash.hex(),
            "12277418e427c9690067ffbb0e1b16b581068c975387e6dc326d11c6e5a94e14"
        );
    }

    #[test]
    fn other_forms_are_refused() {
        let good = assemble(7, &[9; 32]).token.expose().clone();
        let with_check = |body: &str| {
            let check = check_digits(body.as_bytes());
            format!("{body}{}", String::from_utf8_lossy(&check))
        };
        let body = &good[..CHECK_AT];
        assert_eq!(with_check(body), good);
        for text in [
            String::new(),
            good.to_uppercase(),
            format!(" {good}"),
            format!("{good}\n"),
            good[1..].to_owned(),
            good[..67].to_owned(),
            with_check(&body.replace("cmt_", "cmx_")),
            with_check(&body.replacen("cmt_7", "cmt_-", 1)),
            with_check(&format!("{}B", &body[..CHECK_AT - 1])),
            with_check(&format!("{}=", &body[..CHECK_AT - 1])),
            with_check(&format!("{}+{}", &body[..SECRET_AT], &body[SECRET_AT + 1..])),
            with_check(&format!("{}-{}", &body[..SECRET_AT - 1], &body[SECRET_AT..])),
            with_check(&format!("{}\u{e9}{}", &body[..ID_AT], &body[ID_AT + 2..])),
        ] {
            assert!(parse(&text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let minted = assemble(7, &[9; 32]);
        let secret = &minted.token.expose()[SECRET_AT..CHECK_AT];
        let presented = format!("{:?}", parse(minted.token.expose()).unwrap());
        assert!(!format!("{minted:?}{presented}").contains(secret));
    }

    proptest! {
        #[test]
        fn reading_never_panics(text: String) {
            prop_assert!(parse(&text).is_none());
        }

        #[test]
        fn texts_that_look_like_tokens_never_panic(text in "cmt_[0-9A-Za-z\u{e9}]{10,13}_[0-9A-Za-z_=-]{40,44}[0-9a-f]{8}") {
            // A random check fits once in 2^32 times.
            prop_assert!(parse(&text).is_none());
        }

        #[test]
        fn every_minted_token_is_read_back(name: u128, secret: [u8; 32]) {
            let minted = assemble(name, &secret);
            let presented = parse(minted.token.expose());
            prop_assert_eq!(presented.map(|presented| presented.id().to_owned()), Some(minted.id.0));
        }

        #[test]
        fn any_changed_character_is_refused(
            secret: [u8; 32],
            at in 0..TOKEN_CHARS,
            other in any::<char>(),
        ) {
            let mut text: Vec<char> = assemble(5, &secret).token.expose().chars().collect();
            prop_assume!(text[at] != other);
            text[at] = other;
            prop_assert!(parse(&text.into_iter().collect::<String>()).is_none());
        }
    }
}
