//! Key derivation: HKDF-SHA-256 (RFC 5869) from the root, one name for every key.
//!
//! A key's name is a list of parts: what it is used for (`seal`, `sign`, ...), its purpose, the
//! epoch, and the context. Each part goes into HKDF's `info` with its length before it, so two
//! different lists can never become the same bytes.
//!
//! Invariant: [`SALT`] and the order of the parts are fixed for ever; a change loses every key.

use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use model::Secret;
use model::key::{Epoch, KeyPurpose};

/// Separates this derivation from any other use of the same root.
const SALT: &[u8] = b"casemate/keys/v1";

/// What a derived key is handed to. Part of its name, so that the bytes which
/// [`ports::KeyRing::hash_key`] gives away are never those that seal or sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Usage {
    Seal,
    Sign,
    Hash,
    Data,
}

impl Usage {
    const fn word(self) -> &'static str {
        match self {
            Self::Seal => "seal",
            Self::Sign => "sign",
            Self::Hash => "hash",
            Self::Data => "data",
        }
    }
}

/// The library could not derive a key. It has no reason to, at these lengths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key could not be derived")]
pub(crate) struct Failed;

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// The key of one name. HKDF's output for a shorter key is the beginning of that for a longer one,
/// so each usage has one length: 64 bytes for data, 32 for all others.
pub(crate) fn key<const BYTES: usize>(
    root: &Secret<[u8; 32]>,
    usage: Usage,
    purpose: KeyPurpose,
    epoch: Epoch,
    context: &[&str],
) -> Result<Secret<[u8; BYTES]>, Failed> {
    let mut bytes = [0; BYTES];
    extract_and_expand(SALT, root.expose(), &info(usage, purpose, epoch, context), &mut bytes)?;
    let key = Secret::new(bytes);
    zeroize::Zeroize::zeroize(&mut bytes);
    Ok(key)
}

/// A public name for the root itself, 16 bytes: says which root it is and nothing about it.
pub(crate) fn fingerprint(root: &Secret<[u8; 32]>, epoch: Epoch) -> Result<[u8; 16], Failed> {
    let mut name = Vec::new();
    part(&mut name, b"fingerprint");
    part(&mut name, &epoch.0.to_be_bytes());
    let mut bytes = [0; 16];
    extract_and_expand(SALT, root.expose(), &name, &mut bytes)?;
    Ok(bytes)
}

/// A public name for a derived key, 16 bytes. It commits to the key, which AES-256-GCM-SIV alone
/// does not: two keys with one id would be a collision in HMAC-SHA-256.
pub(crate) fn key_id(key: &Secret<[u8; 32]>) -> Result<[u8; 16], Failed> {
    let mut bytes = [0; 16];
    expand(&Prk::new_less_safe(HKDF_SHA256, key.expose()), b"id", &mut bytes)?;
    Ok(bytes)
}

fn info(usage: Usage, purpose: KeyPurpose, epoch: Epoch, context: &[&str]) -> Vec<u8> {
    let mut info = Vec::new();
    part(&mut info, usage.word().as_bytes());
    part(&mut info, purpose.word().as_bytes());
    part(&mut info, &epoch.0.to_be_bytes());
    for text in context {
        part(&mut info, text.as_bytes());
    }
    info
}

/// Appends one part: its length as eight bytes, big end first, and its bytes.
fn part(info: &mut Vec<u8>, bytes: &[u8]) {
    info.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
    info.extend_from_slice(bytes);
}

fn extract_and_expand(
    salt: &[u8],
    secret: &[u8],
    info: &[u8],
    out: &mut [u8],
) -> Result<(), Failed> {
    expand(&Salt::new(HKDF_SHA256, salt).extract(secret), info, out)
}

fn expand(prk: &Prk, info: &[u8], out: &mut [u8]) -> Result<(), Failed> {
    let info = [info];
    let okm = prk.expand(&info, Length(out.len())).map_err(|_| Failed)?;
    okm.fill(out).map_err(|_| Failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    /// A million take nine seconds without optimisation.
    const NAMES: usize = if cfg!(debug_assertions) { 200_000 } else { 1_000_000 };

    fn root() -> Secret<[u8; 32]> {
        Secret::new(std::array::from_fn(|at| at as u8))
    }

    #[test]
    fn agrees_with_rfc_5869_test_cases_1_and_3() {
        let mut out = [0; 42];
        let salt = hex::decode("000102030405060708090a0b0c").unwrap();
        let info = hex::decode("f0f1f2f3f4f5f6f7f8f9").unwrap();
        extract_and_expand(&salt, &[0x0b; 22], &info, &mut out).unwrap();
        assert_eq!(
            hex::encode(out),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
        );
        extract_and_expand(b"", &[0x0b; 22], b"", &mut out).unwrap();
        assert_eq!(
            hex::encode(out),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
        );
    }

    /// The values were computed apart from this code, with nothing but HMAC-SHA-256. If this test
    /// fails, homes that exist can no longer be read.
    #[test]
    fn derived_keys_never_change() {
        let derived =
            key(&root(), Usage::Seal, KeyPurpose::Journal, Epoch(1), &["default", "main"]);
        let derived = derived.unwrap();
        assert_eq!(
            hex::encode(derived.expose()),
            "5098afcd05c04bf5d04ce5d9d460b950bcf2f35592cd11da58c31fe9f087bc28"
        );
        assert_eq!(hex::encode(key_id(&derived).unwrap()), "9a8b5d6a6b45449b23c939f6930bccfc");
        assert_eq!(
            hex::encode(fingerprint(&root(), Epoch(1)).unwrap()),
            "64ac1494803929f635814985d3664bfe"
        );
    }

    #[test]
    fn every_part_of_the_name_changes_the_key() {
        let make = |usage, purpose, epoch, context: &[&str]| {
            *key::<32>(&root(), usage, purpose, Epoch(epoch), context).unwrap().expose()
        };
        let keys = [
            make(Usage::Seal, KeyPurpose::Journal, 1, &["a", "b"]),
            make(Usage::Sign, KeyPurpose::Journal, 1, &["a", "b"]),
            make(Usage::Hash, KeyPurpose::Journal, 1, &["a", "b"]),
            make(Usage::Data, KeyPurpose::Journal, 1, &["a", "b"]),
            make(Usage::Seal, KeyPurpose::Value, 1, &["a", "b"]),
            make(Usage::Seal, KeyPurpose::Journal, 2, &["a", "b"]),
            make(Usage::Seal, KeyPurpose::Journal, 1, &["ab"]),
            make(Usage::Seal, KeyPurpose::Journal, 1, &["a", "b", ""]),
            make(Usage::Seal, KeyPurpose::Journal, 1, &[]),
        ];
        for (at, key) in keys.iter().enumerate() {
            assert!(!keys[..at].contains(key), "key {at} equals an earlier one");
        }
    }

    /// Usages, purposes, epochs and contexts by chance.
    #[test]
    fn no_key_repeats_over_many_names() {
        let purposes = [
            KeyPurpose::Value,
            KeyPurpose::FormatCipher,
            KeyPurpose::Token,
            KeyPurpose::FormatHash,
            KeyPurpose::FullHash,
        ];
        let mut state = 1_u64;
        let mut random = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize
        };
        let (mut names, mut keys) = (HashSet::new(), HashSet::new());
        while names.len() < NAMES {
            let purpose = purposes[random() % purposes.len()];
            let usage = [Usage::Seal, Usage::Hash, Usage::Data][random() % 3];
            let epoch = Epoch((random() % 3) as u32);
            let parts: Vec<String> =
                (0..random() % 4).map(|_| format!("{:x}", random() % 4096)).collect();
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            if names.insert(info(usage, purpose, epoch, &parts)) {
                let key = key::<32>(&root(), usage, purpose, epoch, &parts).unwrap();
                assert!(keys.insert(*key.expose()), "{usage:?} {purpose:?} {epoch:?} {parts:?}");
            }
        }
    }

    proptest! {
        /// Parts of a tiny alphabet that includes what a length looks like, so that lists which
        /// only differ in where one part ends come up often.
        #[test]
        fn different_contexts_never_become_the_same_name(
            a in proptest::collection::vec("[a\u{0}\u{1}]{0,9}", 0..4),
            b in proptest::collection::vec("[a\u{0}\u{1}]{0,9}", 0..4),
        ) {
            let name = |parts: &[String]| {
                let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
                info(Usage::Seal, KeyPurpose::Value, Epoch(1), &parts)
            };
            prop_assert_eq!(name(&a) == name(&b), a == b);
        }

        #[test]
        fn moving_a_boundary_between_parts_changes_the_name(text in "[a-c\u{0}]{1,12}", cut in 0usize..12) {
            let cut = cut.min(text.len());
            let (left, right) = text.split_at(cut);
            let name = |parts: &[&str]| info(Usage::Seal, KeyPurpose::Value, Epoch(1), parts);
            prop_assert_ne!(name(&[&text]), name(&[left, right]));
        }
    }
}
