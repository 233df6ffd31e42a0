//! Classes of data: what a sensitive value is, such as a payment card's number.
//!
//! Some classes are the platform's own and have detectors; an operator adds others by declaring
//! their names.
//!
//! Invariant: a class is 1 to 40 characters of `a-z`, `0-9` and `-`, begins with a letter, does
//! not end with `-`, and holds no `--`; so it can stand in a token between two `_`, in a label
//! before a `.`, and in a header.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Longest name of a class, in bytes.
const CLASS_BYTES_MAX: usize = 40;
/// What stands before the country in the class of one country's national ids.
const NATIONAL_ID_OF: &str = "national-id-";

/// Why a text is not a class.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no class of data: use up to {CLASS_BYTES_MAX} lower-case letters, digits and single `-`, and begin with a letter", .text.escape_debug())]
pub struct Error {
    text: String,
}

macro_rules! built_in {
    ($($(#[doc = $doc:literal])* $variant:ident = $name:literal,)*) => {
        /// The classes that the platform knows by itself.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum BuiltIn {
            $($(#[doc = $doc])* $variant,)*
        }

        impl BuiltIn {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name of the class. Fixed for ever: keys are derived from it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

built_in! {
    /// The number of a payment card (PAN): 12 to 19 digits with a Luhn check digit.
    Pan = "pan",
    /// An account's number by ISO 13616.
    Iban = "iban",
    /// An e-mail address.
    Email = "email",
    /// A telephone number.
    Phone = "phone",
    /// An IPv4 or IPv6 address of a person's device.
    Ip = "ip",
    /// A number that a state gives to a person. `national-id-us` and its like are those of one
    /// country: see [`DataClass::national_id`].
    NationalId = "national-id",
    /// A password, a key, an access token, or another means of getting in.
    Secret = "secret",
    /// What says something about a person's health.
    Health = "health",
    /// A person's name.
    Name = "name",
    /// A postal address.
    Address = "address",
    /// A date of birth.
    BirthDate = "birth-date",
}

/// A class of data, by name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DataClass(std::sync::Arc<str>);

impl DataClass {
    /// Checks the alphabet and the length. Whether anybody knows the class is another question:
    /// see [`DataClass::is_built_in`].
    ///
    /// # Errors
    /// [`Error`] quotes the text.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let bytes = text.as_bytes();
        let fits = bytes.len() <= CLASS_BYTES_MAX
            && bytes.first().is_some_and(u8::is_ascii_lowercase)
            && bytes.iter().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
            && !text.ends_with('-')
            && !text.contains("--");
        match fits {
            true => Ok(Self(text.into())),
            false => Err(Error { text: text.chars().take(80).collect() }),
        }
    }

    /// The class of one country's national ids, such as `national-id-us`.
    ///
    /// # Errors
    /// [`Error`] if `country` is not two letters, as ISO 3166-1 writes a country.
    pub fn national_id(country: &str) -> Result<Self, Error> {
        let name = format!("{NATIONAL_ID_OF}{}", country.to_ascii_lowercase());
        match is_country(country.as_bytes()) {
            true => Self::parse(&name),
            false => Err(Error { text: name.chars().take(80).collect() }),
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The platform's own class that this is, or is a part of: `national-id-us` is a part of
    /// `national-id`. Nothing for a class that an operator made up.
    #[must_use]
    pub fn built_in(&self) -> Option<BuiltIn> {
        let own = BuiltIn::ALL.iter().copied().find(|class| class.name() == self.as_str());
        let country = || self.0.strip_prefix(NATIONAL_ID_OF).map(str::as_bytes);
        own.or_else(|| country().filter(|code| is_country(code)).map(|_| BuiltIn::NationalId))
    }

    /// Whether the platform knows this class without being told of it.
    #[must_use]
    pub fn is_built_in(&self) -> bool {
        self.built_in().is_some()
    }
}

fn is_country(code: &[u8]) -> bool {
    code.len() == 2 && code.iter().all(u8::is_ascii_alphabetic)
}

impl From<BuiltIn> for DataClass {
    fn from(class: BuiltIn) -> Self {
        Self(class.name().into())
    }
}

impl TryFrom<String> for DataClass {
    type Error = Error;
    fn try_from(text: String) -> Result<Self, Error> {
        Self::parse(&text)
    }
}

impl std::str::FromStr for DataClass {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl From<DataClass> for String {
    fn from(class: DataClass) -> Self {
        class.0.as_ref().to_owned()
    }
}

impl fmt::Display for DataClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for DataClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl schemars::JsonSchema for DataClass {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "DataClass".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "maxLength": CLASS_BYTES_MAX,
            "pattern": "^[a-z][a-z0-9]*(-[a-z0-9]+)*$",
            "description": "A class of data, such as `pan`, `email` or one of your own."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_platforms_own_classes_are_classes_and_differ() {
        for (at, class) in BuiltIn::ALL.iter().enumerate() {
            let parsed = DataClass::parse(class.name()).expect("a class");
            assert_eq!(parsed, DataClass::from(*class));
            assert_eq!(parsed.built_in(), Some(*class));
            assert!(BuiltIn::ALL[..at].iter().all(|other| other.name() != class.name()));
        }
    }

    #[test]
    fn a_countrys_ids_are_a_part_of_the_class_of_all() {
        let us = DataClass::national_id("US").expect("a class");
        assert_eq!(us.as_str(), "national-id-us");
        assert_eq!(us.built_in(), Some(BuiltIn::NationalId));
        assert!(DataClass::national_id("usa").is_err());
        let custom = DataClass::parse("national-id-dog").expect("a class of somebody's own");
        assert!(!custom.is_built_in());
    }

    #[test]
    fn refuses_what_could_break_out_of_a_token_a_label_or_a_header() {
        for text in ["", "A", "1a", "-a", "a-", "a--b", "a_b", "a.b", "a b", "é", &"a".repeat(41)]
        {
            assert!(DataClass::parse(text).is_err(), "{text:?}");
        }
        assert!(serde_json::from_str::<DataClass>(r#""a_b""#).is_err());
        assert_eq!(serde_json::from_str::<DataClass>(r#""a-b2""#).expect("ok").as_str(), "a-b2");
    }
}
