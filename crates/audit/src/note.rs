//! Signed notes (<https://c2sp.org/signed-note>): a text, a blank line, and lines that sign it.
//!
//! Only Ed25519 signatures (type 0x01) are made and checked. Signatures by keys that we do not
//! know are counted and otherwise ignored, as the document asks.
//!
//! Invariant: [`open`] gives the text out only if the known key signed exactly these bytes.

use crate::hash::sha256;
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ports::keyring::Signer;
use std::fmt;
use std::str::FromStr;

/// The type byte of a plain Ed25519 signature.
const ED25519_TYPE: u8 = 0x01;
/// A longer note is refused unread: signatures by strangers could make one as long as they like.
const NOTE_BYTES_MAX: usize = 1 << 20;

/// Why a note or a key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A key's name is empty, or has a space, a plus sign or a control character.
    #[error("a key name may not be empty nor hold spaces, `+` or control characters")]
    Name,
    /// A text is no verifier key.
    #[error("the text is not a verifier key, `NAME+HASH+KEY`")]
    Key,
    /// A verifier key's hash does not fit its name and its key.
    #[error("the verifier key's hash does not fit its name and key")]
    KeyHash,
    /// A note has not the form of one.
    #[error("the text is not a signed note: {0}")]
    Form(&'static str),
    /// The known key has not signed the note.
    #[error("the note carries no signature by the key that it should")]
    Unsigned,
    /// A signature by the known key does not fit the text.
    #[error("the note's signature does not fit its text")]
    Signature,
}

/// A key that signatures are checked with: its name, which for a log is the log's origin, and
/// 32 bytes of Ed25519 public key. As text: `NAME+HASH+KEY`, the form of signed-note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    public_key: [u8; 32],
    id: [u8; 4],
}

impl VerifierKey {
    /// The key of this name.
    ///
    /// # Errors
    /// [`Error::Name`].
    pub fn new(name: &str, public_key: [u8; 32]) -> Result<Self, Error> {
        if !is_key_name(name) {
            return Err(Error::Name);
        }
        let [a, b, c, d, ..] = sha256(&[name.as_bytes(), b"\n", &[ED25519_TYPE], &public_key]);
        Ok(Self { name: name.to_owned(), public_key, id: [a, b, c, d] })
    }

    /// The key's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The public key.
    #[must_use]
    pub fn public_key(&self) -> &[u8; 32] {
        &self.public_key
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![ED25519_TYPE];
        key.extend_from_slice(&self.public_key);
        let id = u32::from_be_bytes(self.id);
        write!(f, "{}+{id:08x}+{}", self.name, STANDARD.encode(key))
    }
}

impl FromStr for VerifierKey {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Error::Key);
        };
        let key = STANDARD.decode(key).map_err(|_| Error::Key)?;
        let Some((&ED25519_TYPE, public_key)) = key.split_first() else { return Err(Error::Key) };
        let key = Self::new(name, public_key.try_into().map_err(|_| Error::Key)?)?;
        match id == format!("{:08x}", u32::from_be_bytes(key.id)) {
            true => Ok(key),
            false => Err(Error::KeyHash),
        }
    }
}

fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+')
}

/// Signs `text`, which ends in a line end, as `key`'s owner.
pub(crate) fn sign(text: &str, key: &VerifierKey, signer: &dyn Signer) -> String {
    let mut signature = key.id.to_vec();
    signature.extend_from_slice(&signer.sign(text.as_bytes()));
    format!("{text}\n— {} {}\n", key.name, STANDARD.encode(signature))
}

/// A note whose signature by the known key was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened<'a> {
    /// The text that was signed, with its last line end.
    pub text: &'a str,
    /// How many signatures by other keys it carries. Nothing is known about them.
    pub others: usize,
}

/// Checks that `key` signed `note`, and gives its text.
///
/// # Errors
/// [`Error::Form`], [`Error::Unsigned`], [`Error::Signature`].
pub fn open<'a>(note: &'a str, key: &VerifierKey) -> Result<Opened<'a>, Error> {
    let (text, signatures) = split(note)?;
    let (mut own, mut others) = (0, 0);
    for line in signatures.split('\n') {
        let (name, id, signature) = signature_line(line)?;
        if name != key.name || id != key.id {
            others += 1;
            continue;
        }
        own += 1;
        UnparsedPublicKey::new(&ED25519, &key.public_key)
            .verify(text.as_bytes(), &signature)
            .map_err(|_| Error::Signature)?;
    }
    match own {
        0 => Err(Error::Unsigned),
        1 => Ok(Opened { text, others }),
        _ => Err(Error::Form("the same key signed twice")),
    }
}

/// Splits a note at its last blank line: the text with its line end, and the signature lines
/// without the last one's.
fn split(note: &str) -> Result<(&str, &str), Error> {
    if note.len() > NOTE_BYTES_MAX {
        return Err(Error::Form("it is too long"));
    }
    if note.contains(|c: char| c < ' ' && c != '\n') {
        return Err(Error::Form("it has control characters"));
    }
    let blank = note.rfind("\n\n").ok_or(Error::Form("it has no blank line"))?;
    let (text, rest) = note.split_at(blank + 1);
    let signatures = rest.strip_prefix('\n').and_then(|lines| lines.strip_suffix('\n'));
    Ok((text, signatures.ok_or(Error::Form("its last line is cut"))?))
}

fn signature_line(line: &str) -> Result<(&str, [u8; 4], Vec<u8>), Error> {
    const BAD: Error = Error::Form("a line after the blank one is no signature");
    let (name, bytes) = line.strip_prefix("— ").and_then(|rest| rest.split_once(' ')).ok_or(BAD)?;
    let bytes = STANDARD.decode(bytes).map_err(|_| BAD)?;
    let (id, signature) = bytes.split_first_chunk::<4>().ok_or(BAD)?;
    if !is_key_name(name) || signature.is_empty() {
        return Err(BAD);
    }
    Ok((name, *id, signature.to_vec()))
}

#[cfg(test)]
mod tests;
