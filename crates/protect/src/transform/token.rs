//! Tokens: `tok_<class>_<version>_<base32>`, which hold the value itself, sealed with AES-SIV
//! (RFC 5297, a key of 512 bits). One of a subject whose values can be erased names the salt of its
//! keys: `tok_<class>_<version>_<salt>_<base32>`.
//!
//! The same value gives the same token, so tokens can be joined. What is sealed is bound to tenant,
//! class, mode and, in isolated mode, the record.
//!
//! Invariant: one spelling for each token, so that texts can be compared.
//! Invariant: what does not authenticate releases no byte.

use super::{ClassKeys, Error, Names, Value};
use aes_siv::KeyInit;
use aes_siv::siv::Aes256Siv;
use data_encoding::BASE32_NOPAD;
use model::{DataClass, SaltId, Secret};
use std::borrow::Cow;
use zeroize::Zeroizing;

const PREFIX: &str = "tok_";
/// Bytes of the synthetic initialization vector.
const TAG_BYTES: usize = 16;
/// Longest value that is sealed into a token.
const VALUE_BYTES_MAX: usize = 64 * 1024;
/// Before a number or a truth value, so that it comes back as one. No text begins with this byte.
const LITERAL: u8 = 0xff;

/// What a token says of itself without a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token<'a> {
    /// Its class.
    pub class: DataClass,
    /// The version of the key.
    pub version: u32,
    /// The salt of its keys, if they are those of a subject.
    pub salt: Option<SaltId>,
    body: &'a str,
}

impl<'a> Token<'a> {
    /// Reads the outside of a token. Whether it is authentic only its keys can say.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.strip_prefix(PREFIX)?.splitn(3, '_');
        let (class, version, body) = (parts.next()?, parts.next()?, parts.next()?);
        let class = DataClass::parse(class).ok()?;
        let number: u32 = version.parse().ok()?;
        let (salt, body) = match body.split_once('_') {
            Some((salt, body)) => (Some(salt_id(salt)?), body),
            None => (None, body),
        };
        let alphabet = body.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'));
        let fits = alphabet && body.len() >= BASE32_NOPAD.encode_len(TAG_BYTES);
        (fits && number.to_string() == version).then_some(Self {
            class,
            version: number,
            salt,
            body,
        })
    }
}

/// A salt's name as it stands in a token.
fn salt_id(text: &str) -> Option<SaltId> {
    if !text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7')) {
        return None;
    }
    let bytes = BASE32_NOPAD.decode(text.to_ascii_uppercase().as_bytes()).ok()?;
    bytes.try_into().ok().map(SaltId)
}

/// Whether a text has the form of a token.
#[must_use]
pub fn is_token(text: &str) -> bool {
    Token::parse(text).is_some()
}

/// Makes and reads the tokens of one class.
pub(crate) struct Tokens {
    names: Names,
    /// Names without a record: what most tokens authenticate.
    bound: Vec<u8>,
    start: String,
    version: u32,
    salt: Option<SaltId>,
    key: Secret<[u8; 64]>,
}

impl Tokens {
    pub(crate) fn new(names: Names, keys: &ClassKeys) -> Result<Self, Error> {
        let (version, salt, key) = (keys.version, keys.salt, keys.siv.clone());
        let bound = match names.mode {
            super::Mode::Join => names.bytes(None, &[])?,
            super::Mode::Isolated => Vec::new(),
        };
        let mut start = format!("{PREFIX}{}_{version}_", names.class);
        if let Some(SaltId(id)) = &salt {
            BASE32_NOPAD.encode_append(id, &mut start);
            start.push('_');
        }
        Ok(Self { names, bound, start, version, salt, key })
    }

    fn bound(&self, record: Option<&str>) -> Result<Cow<'_, [u8]>, Error> {
        match self.names.mode {
            super::Mode::Join => Ok(Cow::Borrowed(&self.bound)),
            super::Mode::Isolated => self.names.bytes(record, &[]).map(Cow::Owned),
        }
    }

    /// The token for a value.
    pub(crate) fn seal(&self, value: &Value<'_>, record: Option<&str>) -> Result<String, Error> {
        let text = value.as_str();
        if is_token(text) {
            return Err(Error::AlreadyToken);
        }
        if text.len() > VALUE_BYTES_MAX {
            return Err(Error::TooLong { max: VALUE_BYTES_MAX });
        }
        let mut buffer = Zeroizing::new(Vec::with_capacity(1 + text.len() + TAG_BYTES));
        if let Value::Literal(_) = value {
            buffer.push(LITERAL);
        }
        buffer.extend_from_slice(text.as_bytes());
        let bound = self.bound(record)?;
        // It fails with more than 126 headers only.
        self.siv().encrypt_in_place([&bound], &mut *buffer).map_err(|_| Error::NotAuthentic)?;
        let mut token =
            String::with_capacity(self.start.len() + BASE32_NOPAD.encode_len(buffer.len()));
        token.push_str(&self.start);
        BASE32_NOPAD.encode_append(&buffer, &mut token);
        // The class has no capital, and neither have the tokens.
        token.make_ascii_lowercase();
        Ok(token)
    }

    /// The value of a token.
    pub(crate) fn open(&self, text: &str, record: Option<&str>) -> Result<Value<'static>, Error> {
        let token = Token::parse(text).ok_or(Error::NotToken)?;
        if token.class != self.names.class {
            return Err(Error::OtherClass { found: token.class.to_string() });
        }
        if token.version != self.version {
            return Err(Error::OtherVersion { found: token.version, own: self.version });
        }
        if token.salt != self.salt {
            return Err(Error::OtherSalt);
        }
        let upper = token.body.to_ascii_uppercase();
        let sealed = BASE32_NOPAD.decode(upper.as_bytes()).map_err(|_| Error::NotToken)?;
        let mut buffer = Zeroizing::new(sealed);
        let bound = self.bound(record)?;
        let opened = self.siv().decrypt_in_place([&bound], &mut *buffer);
        opened.map_err(|_| Error::NotAuthentic)?;
        let (literal, bytes) = match buffer.split_first() {
            Some((&LITERAL, rest)) => (true, rest),
            _ => (false, buffer.as_slice()),
        };
        let text = std::str::from_utf8(bytes).map_err(|_| Error::NotAuthentic)?.to_owned();
        Ok(if literal { Value::Literal(text.into()) } else { Value::Text(text.into()) })
    }

    fn siv(&self) -> Aes256Siv {
        Aes256Siv::new(self.key.expose().into())
    }
}

#[cfg(test)]
mod tests;
