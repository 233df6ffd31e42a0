//! Keyed hashes: HMAC-SHA-256 (RFC 2104) in full, or as a number of digits or characters.
//!
//! One way. In full, different values differ, for all that is known; cut to a format, they collide:
//! of `n` values in a format with `N` places, about `n * n / (2 * N)` pairs become equal. So a short
//! hash is no unique key.
//!
//! What is hashed is the value in one spelling: numbers without separators, addresses in lower
//! case. Keys must be secret: who has one finds any card's number by trying them all.

use super::{Alphabet, Error, Names};
use hmac::{Hmac, KeyInit, Mac};
use model::data::BuiltIn;
use model::{DataClass, Secret};
use sha2::Sha256;
use std::borrow::Cow;

/// Most places of a format, as the number of its values: then of 2^128 no value is likelier than
/// another by more than 2^-64.
const PLACES_MAX: u128 = 1 << 64;

/// Hashes the values of one class.
pub(crate) struct Hash {
    names: Names,
    key: Secret<[u8; 32]>,
    form: Option<Form>,
}

/// A format: how many characters of which alphabet.
pub(crate) struct Form {
    alphabet: Alphabet,
    length: usize,
}

impl Form {
    /// Checks that the format has more than one place and at most 2^64.
    pub(crate) fn new(alphabet: Alphabet, length: usize) -> Option<Self> {
        let places = u128::from(alphabet.radix()).checked_pow(u32::try_from(length).ok()?)?;
        (length > 0 && places <= PLACES_MAX).then_some(Self { alphabet, length })
    }
}

impl Hash {
    pub(crate) fn new(names: Names, key: Secret<[u8; 32]>, form: Option<Form>) -> Self {
        Self { names, key, form }
    }

    /// The hash of a text.
    pub(crate) fn text(&self, text: &str, record: Option<&str>) -> Result<String, Error> {
        let digest = self.digest(text, record)?;
        let Some(form) = &self.form else {
            return Ok(data_encoding::HEXLOWER.encode(&digest));
        };
        let radix = u128::from(form.alphabet.radix());
        let mut number = first_half(&digest);
        let mut characters = vec!['0'; form.length];
        for character in characters.iter_mut().rev() {
            *character = form.alphabet.character((number % radix) as u16);
            number /= radix;
        }
        Ok(characters.into_iter().collect())
    }

    /// A number that stays one: as many digits, and no zero leads.
    pub(crate) fn number(&self, text: &str, record: Option<&str>) -> Result<String, Error> {
        let digits = self.form.as_ref().filter(|form| form.alphabet.radix() == 10);
        let form = digits.ok_or(Error::NotNumber)?;
        let least = 10_u128.pow(form.length as u32 - 1);
        let number = first_half(&self.digest(text, record)?) % (9 * least);
        Ok((least + number).to_string())
    }

    /// Whether a number becomes a number.
    pub(crate) fn makes_numbers(&self) -> bool {
        self.form.as_ref().is_some_and(|form| form.alphabet.radix() == 10)
    }

    fn digest(&self, text: &str, record: Option<&str>) -> Result<[u8; 32], Error> {
        let value = normal(&self.names.class, text);
        let bytes = self.names.bytes(record, &[value.as_bytes()])?;
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.key.expose()).map_err(|_| Error::NotAuthentic)?;
        mac.update(&bytes);
        Ok(mac.finalize().into_bytes().into())
    }
}

fn first_half(digest: &[u8; 32]) -> u128 {
    digest.iter().take(16).fold(0, |sum, byte| (sum << 8) | u128::from(*byte))
}

/// A value in the one spelling that is hashed. Fixed for ever.
fn normal<'a>(class: &DataClass, text: &'a str) -> Cow<'a, str> {
    match class.built_in() {
        Some(BuiltIn::Pan | BuiltIn::Iban | BuiltIn::Phone | BuiltIn::NationalId) => text
            .chars()
            .filter(|character| *character != ' ' && !character.is_ascii_punctuation())
            .map(|character| character.to_ascii_uppercase())
            .collect(),
        Some(BuiltIn::Email) => Cow::Owned(text.trim().to_lowercase()),
        _ => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transform::Mode;
    use model::TenantName;

    fn hash(class: &str, tenant: &str, form: Option<(Alphabet, usize)>) -> Hash {
        let names = Names {
            tenant: TenantName::parse(tenant).expect("a name"),
            class: DataClass::parse(class).expect("a class"),
            mode: Mode::Join,
        };
        let form = form.map(|(alphabet, length)| Form::new(alphabet, length).expect("a form"));
        Hash::new(names, Secret::new([7; 32]), form)
    }

    /// Computed apart from this code, with Python's `hmac`.
    #[test]
    fn hashes_never_change() {
        let own = hash("pan", "default", None);
        assert_eq!(
            own.text("4111 1111 1111 1111", None).expect("hashed"),
            "8ba9b24014a23e744f1e32911eba58eaf1b6c8a18ce5902562b377d61d99f829"
        );
        let digits = hash("pan", "default", Some((Alphabet::digits(), 10)));
        assert_eq!(digits.text("4111111111111111", None).expect("hashed"), "2421885162");
    }

    #[test]
    fn spellings_of_one_value_are_equal_and_values_tenants_and_classes_are_not() {
        let text =
            |class, tenant, text| hash(class, tenant, None).text(text, None).expect("hashed");
        assert_eq!(text("pan", "a", "4111-1111"), text("pan", "a", "4111 1111"));
        assert_eq!(text("email", "a", "Jo@Example.com"), text("email", "a", "jo@example.com"));
        assert_ne!(text("secret", "a", "a b"), text("secret", "a", "ab"));
        assert_ne!(text("pan", "a", "1"), text("pan", "b", "1"));
        assert_ne!(text("pan", "a", "1"), text("iban", "a", "1"));
    }

    #[test]
    fn a_format_is_kept_and_none_has_more_places_than_are_fair() {
        let letters = hash("name", "a", Some((Alphabet::own("xyz").expect("fine"), 12)));
        let made = letters.text("somebody", None).expect("hashed");
        assert!(made.len() == 12 && made.bytes().all(|b| b"xyz".contains(&b)), "{made}");
        assert!(Form::new(Alphabet::digits(), 19).is_some());
        assert!(Form::new(Alphabet::digits(), 20).is_none());
        assert!(Form::new(Alphabet::digits(), 0).is_none());
        let digits = hash("pan", "a", Some((Alphabet::digits(), 19)));
        let number = digits.number("4111111111111111", None).expect("hashed");
        assert!(number.len() == 19 && !number.starts_with('0'), "{number}");
    }
}
