//! Keys of classes on their way to another home: the file that they travel in, and the public keys
//! that homes know each other by. Says nothing of what is sealed in it.
//!
//! The file is text, so that it can be sent as anything:
//!
//! ```text
//! casemate class keys v1
//! from ckx_8b0d…                  (the public key of who sealed it)
//! to ckx_51c4…                    (that of who can open it)
//! sealed 6f1c…
//! ```
//!
//! Invariant: one spelling for each file and each key.
//! Invariant: whoever reads one has checked nothing yet: only [`crate::Exchange::take`] does.

#[cfg(test)]
mod fuzz;
mod kept;

use std::fmt;
use std::str::FromStr;

/// Bytes of a public key.
pub(crate) const PUBLIC: usize = 32;
const VERSION: &str = "casemate class keys v1";
/// More than this is some other file.
const FILE_BYTES_MAX: usize = 256 << 10;
const PREFIX: &str = "ckx_";
/// Bytes behind a public key that say whether it was copied well.
const CHECK: usize = 4;
/// Bytes of what people compare.
const SHORT: usize = 16;

/// The public key of a tenant's environment in a home: `ckx_` and hexadecimal digits, of which the
/// last eight check the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey(pub(crate) [u8; PUBLIC]);

/// A text that is no public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it has another form, or was cut off or mistyped")]
pub struct NoPublicKey;

/// What one home sealed for another, and for whom, as it says itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Who sealed it.
    pub from: PublicKey,
    /// Who can open it.
    pub to: PublicKey,
    pub(crate) sealed: Vec<u8>,
}

impl PublicKey {
    /// The same in short, for people who compare it: 32 hexadecimal digits in groups of four.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let digits = hex::encode(self.digest().get(..SHORT).unwrap_or_default());
        let groups = digits.as_bytes().chunks(4).map(String::from_utf8_lossy);
        groups.collect::<Vec<_>>().join("-")
    }

    fn digest(&self) -> [u8; 32] {
        let named = [PREFIX.as_bytes(), &self.0].concat();
        let mut bytes = [0; 32];
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &named);
        bytes.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
        bytes
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digest = self.digest();
        let check = digest.get(..CHECK).unwrap_or_default();
        write!(f, "{PREFIX}{}{}", hex::encode(self.0), hex::encode(check))
    }
}

impl FromStr for PublicKey {
    type Err = NoPublicKey;

    fn from_str(text: &str) -> Result<Self, NoPublicKey> {
        let digits = text.strip_prefix(PREFIX).ok_or(NoPublicKey)?;
        let bytes = hex::decode(digits).map_err(|_| NoPublicKey)?;
        let (key, _) = bytes.split_at_checked(PUBLIC).ok_or(NoPublicKey)?;
        let key = Self(key.try_into().map_err(|_| NoPublicKey)?);
        // Compared as texts: capital digits would be a second spelling.
        if key.to_string() == text { Ok(key) } else { Err(NoPublicKey) }
    }
}

impl Package {
    /// Reads a file.
    ///
    /// # Errors
    /// Why it is none. Nothing of it is quoted.
    pub fn read(text: &str) -> Result<Self, &'static str> {
        if text.len() > FILE_BYTES_MAX {
            return Err("it is larger than any file of keys");
        }
        let mut lines = text.split_inclusive('\n');
        if lines.next().and_then(|line| line.strip_suffix('\n')) != Some(VERSION) {
            return Err("it does not begin as a file with another home's keys, version 1");
        }
        let mut next = |name: &str| {
            let line = lines.next().and_then(|line| line.strip_suffix('\n'));
            line.and_then(|line| line.strip_prefix(name)?.strip_prefix(' '))
        };
        let from = next("from").and_then(|key| key.parse().ok());
        let from = from.ok_or("it does not say whose keys it has")?;
        let to = next("to").and_then(|key| key.parse().ok());
        let to = to.ok_or("it does not say whom it is for")?;
        let sealed = next("sealed").and_then(|digits| hex::decode(digits).ok());
        let sealed = sealed.filter(|sealed| !sealed.is_empty());
        let sealed = sealed.ok_or("it is cut off or damaged: what is sealed is not there")?;
        let package = Self { from, to, sealed };
        if package.to_string() != text {
            return Err("it is damaged, or something was written behind its end");
        }
        Ok(package)
    }

    /// What stands before what is sealed.
    pub(crate) fn head(&self) -> String {
        format!("{VERSION}\nfrom {}\nto {}\n", self.from, self.to)
    }
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}sealed {}", self.head(), hex::encode(&self.sealed))
    }
}

#[cfg(test)]
mod tests;
