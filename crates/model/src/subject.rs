//! Whom a credential of somebody else names: the subject of a token, the name in a certificate.
//!
//! The text is the issuer's and can hold anything, so there is one written form that is safe in a
//! shell, a header and a terminal: what is not plain is percent-encoded (RFC 3986, section 2.1).
//!
//! Invariant: a subject has 1 to [`SUBJECT_BYTES_MAX`] bytes and no control character.
//! Invariant: the written form holds only letters, digits and `-._~@:+=,/%`, and two subjects
//! never share one.

use serde::{Deserialize, Serialize};
use std::fmt::{self, Write};
use std::sync::Arc;

/// Longest subject, in bytes (OpenID Connect Core 1.0, section 2).
pub const SUBJECT_BYTES_MAX: usize = 255;

/// Whom a credential names. Serialized as the text itself, displayed in the written form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Subject(Arc<str>);

/// A text that names nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Empty, too long, or with a control character in it.
    #[error("a subject is 1 to {SUBJECT_BYTES_MAX} bytes of text without control characters")]
    Text,
    /// A `%` that no two hexadecimal digits follow, or bytes that are no text.
    #[error("a `%` in a subject is followed by two hexadecimal digits of a UTF-8 text")]
    Escape,
}

impl Subject {
    /// Takes the text of a credential.
    ///
    /// # Errors
    /// [`Error::Text`].
    pub fn new(text: &str) -> Result<Self, Error> {
        let fits = !text.is_empty() && text.len() <= SUBJECT_BYTES_MAX;
        if fits && !text.chars().any(char::is_control) {
            return Ok(Self(text.into()));
        }
        Err(Error::Text)
    }

    /// Reads the written form. Characters that it would escape may also stand as they are.
    ///
    /// # Errors
    /// [`Error`] says what is wrong with it.
    pub fn parse(written: &str) -> Result<Self, Error> {
        let mut bytes = Vec::with_capacity(written.len());
        let mut rest = written.as_bytes();
        while let Some((first, after)) = rest.split_first() {
            if *first != b'%' {
                bytes.push(*first);
                rest = after;
                continue;
            }
            let digit = |at: usize| char::from(*after.get(at)?).to_digit(16);
            let (high, low) = digit(0).zip(digit(1)).ok_or(Error::Escape)?;
            bytes.push(u8::try_from(high * 16 + low).map_err(|_| Error::Escape)?);
            rest = after.get(2..).unwrap_or_default();
        }
        Self::new(&String::from_utf8(bytes).map_err(|_| Error::Escape)?)
    }

    /// The text as the credential has it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~@:+=,/".contains(&byte) {
                f.write_char(char::from(byte))?;
            } else {
                write!(f, "%{byte:02X}")?;
            }
        }
        Ok(())
    }
}

impl TryFrom<String> for Subject {
    type Error = Error;
    fn try_from(text: String) -> Result<Self, Error> {
        Self::new(&text)
    }
}

impl From<Subject> for String {
    fn from(subject: Subject) -> Self {
        subject.0.as_ref().to_owned()
    }
}

impl schemars::JsonSchema for Subject {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Subject".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "minLength": 1, "maxLength": 255 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_written_form_is_plain_and_comes_back() {
        for (text, written) in [
            ("alice", "alice"),
            ("auth0|5f7c", "auth0%7C5f7c"),
            ("spiffe://a.example/ns/x", "spiffe://a.example/ns/x"),
            ("$(reboot) 'x'", "%24%28reboot%29%20%27x%27"),
            ("ä*%", "%C3%A4%2A%25"),
        ] {
            let subject = Subject::new(text).expect(text);
            assert_eq!(subject.to_string(), written);
            assert_eq!(Subject::parse(written), Ok(subject.clone()));
            if !text.contains('%') {
                assert_eq!(Subject::parse(text), Ok(subject));
            }
        }
    }

    #[test]
    fn refuses_what_names_nobody() {
        let long = "a".repeat(SUBJECT_BYTES_MAX + 1);
        for text in ["", "a\nb", "\u{7f}", "\u{85}", &long] {
            assert_eq!(Subject::new(text), Err(Error::Text), "{text:?}");
        }
        for written in ["%", "%4", "%zz", "%FF", "a%"] {
            assert_eq!(Subject::parse(written), Err(Error::Escape), "{written}");
        }
        assert_eq!(Subject::parse("%00"), Err(Error::Text));
    }

    proptest! {
        #[test]
        fn any_text_comes_back_and_means_nothing_to_a_shell(text in "\\PC{1,60}") {
            let Ok(subject) = Subject::new(&text) else { return Ok(()) };
            let written = subject.to_string();
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~@:+=,/%".contains(&byte);
            prop_assert!(written.bytes().all(plain), "{}", written);
            prop_assert_eq!(Subject::parse(&written), Ok(subject));
        }
    }
}
