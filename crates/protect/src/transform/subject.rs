//! Keys of one subject: those of a class, made anew with the subject's salt.
//!
//! Whoever has the class's keys and not the salt has nothing: the salt is 256 random bits, so its
//! deletion takes the values away from whoever keeps the root, too.
//!
//! Invariant: parts stand behind their length, and their order is fixed for ever.

use super::keys::half;
use super::{ClassKeys, Error};
use hmac::{Hmac, KeyInit, Mac};
use model::{Salt, Secret, SubjectHash};
use sha2::Sha512;
use zeroize::Zeroize as _;

/// Longest name of a subject, in bytes.
const SUBJECT_BYTES_MAX: usize = 1024;
/// What a hash of a subject is made of first. No key is.
const WHO: &[u8] = b"casemate/subject/v1";
/// What a key is made of first.
const KEY: &[u8] = b"casemate/erasable/v1";

impl ClassKeys {
    /// The hash that stands for a subject. The same one has others in other classes.
    ///
    /// # Errors
    /// [`Error::NoSubject`]: the text names nobody, or these keys make no values that can be
    /// erased.
    pub fn subject(&self, text: &str) -> Result<SubjectHash, Error> {
        let key = self.subject.as_ref().ok_or(Error::NoSubject)?;
        if text.is_empty() || text.len() > SUBJECT_BYTES_MAX {
            return Err(Error::NoSubject);
        }
        let mut whole = digest(key, &[WHO, text.as_bytes()])?;
        let mut hash = [0; 32];
        hash.iter_mut().zip(whole).for_each(|(to, from)| *to = from);
        whole.zeroize();
        Ok(SubjectHash(hash))
    }

    /// The keys of the subject that has this salt.
    ///
    /// # Errors
    /// [`Error::NoSubject`]: these keys make no values that can be erased.
    pub fn salted(&self, salt: &Salt) -> Result<Self, Error> {
        let key = self.subject.as_ref().ok_or(Error::NoSubject)?;
        let of = |purpose: &str| {
            let parts = [KEY, purpose.as_bytes(), &salt.id.0, salt.secret.expose()];
            digest(key, &parts).map(Secret::new)
        };
        Ok(Self {
            version: self.version,
            fpe: half(&of("fpe")?),
            siv: of("siv")?,
            format_hash: half(&of("fphash")?),
            hash: half(&of("hash")?),
            subject: None,
            salt: Some(salt.id),
            bound_to: None,
            others: Vec::new(),
        })
    }
}

/// HMAC-SHA-512 over the parts, each behind its length as two bytes.
fn digest(key: &Secret<[u8; 64]>, parts: &[&[u8]]) -> Result<[u8; 64], Error> {
    let mut mac = Hmac::<Sha512>::new_from_slice(key.expose()).map_err(|_| Error::NotAuthentic)?;
    for part in parts {
        let length = u16::try_from(part.len()).map_err(|_| Error::NoSubject)?;
        mac.update(&length.to_be_bytes());
        mac.update(part);
    }
    Ok(mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::SaltId;

    fn keys(seed: u8) -> ClassKeys {
        ClassKeys {
            version: 1,
            fpe: Secret::new([1; 32]),
            siv: Secret::new([2; 64]),
            format_hash: Secret::new([3; 32]),
            hash: Secret::new([4; 32]),
            subject: Some(Secret::new([seed; 64])),
            salt: None,
            bound_to: None,
            others: Vec::new(),
        }
    }

    fn salt(id: u8, secret: u8) -> Salt {
        Salt { id: SaltId([id; 16]), secret: Secret::new([secret; 32]) }
    }

    /// Computed apart from this code, with Python's `hmac`. If this test fails, values that can be
    /// erased can no longer be read.
    #[test]
    fn keys_of_subjects_and_their_hashes_never_change() {
        let own = keys(5);
        assert_eq!(
            own.subject("customer 1").expect("a hash").to_string(),
            "84c118055e9c2ae849dfd70aaf4220216efcddb78f817bb01ef859fb77a42d6c"
        );
        let made = own.salted(&salt(6, 7)).expect("keys");
        assert_eq!(
            hex::encode(made.siv.expose()),
            "c22fa0ea01ea69541cea353274d4ef79d6a13ae30a2a8f04378cece4ee54f7d13605ae3061cd9da3ba6422ccde7fcac9eff5886329f114c7e37a730b1bdb8d99"
        );
        assert_eq!(
            hex::encode(made.fpe.expose()),
            "29414a3822cfaa4f9ccb237074d85c9c2d7d1a799d0e3a5e343bb4af0dc6323d"
        );
    }

    #[test]
    fn each_key_depends_on_the_class_the_salt_and_its_name_and_on_no_key_of_the_class() {
        let all = |keys: &ClassKeys| {
            let short = [&keys.fpe, &keys.format_hash, &keys.hash].map(|key| *key.expose());
            short.into_iter().chain([*half(&keys.siv).expose()]).collect::<Vec<_>>()
        };
        let mut seen = std::collections::HashSet::new();
        for (keys, salt) in [
            (keys(5), salt(6, 7)),
            (keys(6), salt(6, 7)),
            (keys(5), salt(7, 7)),
            (keys(5), salt(6, 8)),
        ] {
            for key in all(&keys.salted(&salt).expect("keys")) {
                assert!(seen.insert(key), "two keys are one");
            }
        }
        assert!(all(&keys(5)).iter().all(|key| seen.insert(*key)), "a key of the class");
    }

    #[test]
    fn only_what_names_somebody_is_a_subject() {
        let own = keys(5);
        assert_eq!(own.subject(""), Err(Error::NoSubject));
        assert_eq!(own.subject(&"s".repeat(1025)), Err(Error::NoSubject));
        assert!(own.subject(&"s".repeat(1024)).is_ok());
        let outside = ClassKeys { subject: None, ..own.clone() };
        assert_eq!(outside.subject("a"), Err(Error::NoSubject));
        assert!(outside.salted(&salt(1, 1)).is_err());
        assert_ne!(own.subject("a"), keys(6).subject("a"));
    }
}
