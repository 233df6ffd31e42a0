//! What a request said about its sender, and who that is.
//!
//! A door makes [`Credentials`] from the request's headers and does not look inside. The only
//! way from there to a name is [`identify`].
//!
//! Invariant: nothing but the absence of a credential is anonymous.

use crate::table::Tokens;
use model::{Secret, Timestamp, TokenName, Untrusted};

/// The scheme in front of a token (RFC 6750, section 2.1), in any case (RFC 9110, section 11.1).
const SCHEME: &[u8] = b"bearer";

/// Credentials as they came with a request. Nobody has checked them.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    authorization: Authorization,
}

#[derive(Debug, Clone, Default)]
enum Authorization {
    #[default]
    Absent,
    One(Untrusted<Secret<String>>),
    /// There were several, or the value is no text. Servers could disagree about what it says.
    Unusable,
}

impl Credentials {
    /// No credential at all.
    pub const NONE: Self = Self { authorization: Authorization::Absent };

    /// From the values of all `Authorization` fields of a request.
    pub fn from_authorization<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut values = values.into_iter();
        let authorization = match (values.next(), values.next()) {
            (None, _) => Authorization::Absent,
            (Some(value), None) => match std::str::from_utf8(value) {
                Ok(text) => Authorization::One(Untrusted::new(Secret::new(text.to_owned()))),
                Err(_) => Authorization::Unusable,
            },
            (Some(_), Some(_)) => Authorization::Unusable,
        };
        Self { authorization }
    }

    /// Whether there is no credential.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(self.authorization, Authorization::Absent)
    }

    /// Whether this has the beginning of one of our tokens, valid or not. Such a value is never
    /// handed to a guest: it may work elsewhere, or have worked.
    #[must_use]
    pub fn looks_like_ours(&self) -> bool {
        match &self.authorization {
            Authorization::Absent => false,
            Authorization::One(value) => value.unchecked().expose().contains(model::token::PREFIX),
            Authorization::Unusable => true,
        }
    }

    /// The public part of the token that this claims to be, if it has the form of one.
    #[must_use]
    pub fn token_id(&self) -> Option<&str> {
        self.bearer().and_then(crate::token::parse).map(|presented| presented.id())
    }

    /// The text behind `Bearer` and exactly one space; what it is worth is not known.
    #[must_use]
    pub fn bearer(&self) -> Option<&str> {
        let Authorization::One(value) = &self.authorization else { return None };
        let (scheme, token) = value.unchecked().expose().split_once(' ')?;
        scheme.as_bytes().eq_ignore_ascii_case(SCHEME).then_some(token)
    }
}

/// Who sent a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// Somebody who sent no credential.
    Anonymous,
    /// The holder of this token.
    Token(TokenName),
    /// Somebody who sent a credential that is not valid.
    Rejected,
}

/// Says who sent these credentials. The operator's token is no API token: here it is rejected
/// like any other unknown one.
#[must_use]
pub fn identify(credentials: &Credentials, tokens: &Tokens, now: Timestamp) -> Identity {
    if credentials.is_absent() {
        return Identity::Anonymous;
    }
    match credentials.bearer().and_then(|text| tokens.verify(text, now)) {
        Some(verified) => Identity::Token(verified.name.clone()),
        None => Identity::Rejected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{OperatorToken, token};
    use model::token::TokenRow;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp(1_000);

    fn table() -> (String, Tokens) {
        let minted = token::mint().unwrap();
        let row = TokenRow {
            id: minted.id,
            name: TokenName::parse("ci").unwrap(),
            hash: minted.hash,
            created: Timestamp(0),
            expires: Some(Timestamp(2_000)),
            key: None,
        };
        (minted.token.expose().clone(), Tokens::new([row]))
    }

    fn who(values: &[&str], tokens: &Tokens) -> Identity {
        let values = values.iter().map(|value| value.as_bytes());
        identify(&Credentials::from_authorization(values), tokens, NOW)
    }

    #[test]
    fn no_credential_is_anonymous() {
        let (_, tokens) = table();
        assert_eq!(who(&[], &tokens), Identity::Anonymous);
        assert_eq!(identify(&Credentials::NONE, &tokens, NOW), Identity::Anonymous);
    }

    #[test]
    fn the_scheme_is_read_in_any_case() {
        let (token, tokens) = table();
        let expected = Identity::Token(TokenName::parse("ci").unwrap());
        for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
            assert_eq!(who(&[&format!("{scheme} {token}")], &tokens), expected);
        }
    }

    #[test]
    fn every_other_form_of_a_valid_token_is_rejected() {
        let (token, tokens) = table();
        for value in [
            token.clone(),
            String::new(),
            "Bearer".to_owned(),
            "Bearer ".to_owned(),
            format!("Bearer  {token}"),
            format!("Bearer\t{token}"),
            format!(" Bearer {token}"),
            format!("Bearer {token} "),
            format!("Bearer {token},"),
            format!("Bearer \"{token}\""),
            format!("Basic {token}"),
            format!("Bearer={token}"),
            format!("Bearer {token}{token}"),
        ] {
            assert_eq!(who(&[&value], &tokens), Identity::Rejected, "{value:?}");
        }
    }

    #[test]
    fn two_headers_are_rejected_even_if_both_are_valid() {
        let (token, tokens) = table();
        let value = format!("Bearer {token}");
        assert_eq!(who(&[&value, &value], &tokens), Identity::Rejected);
        assert_eq!(who(&[&value, ""], &tokens), Identity::Rejected);
    }

    #[test]
    fn a_value_that_is_no_text_is_rejected() {
        let (_, tokens) = table();
        let credentials = Credentials::from_authorization([&b"Bearer \xff"[..]]);
        assert_eq!(identify(&credentials, &tokens, NOW), Identity::Rejected);
        assert!(credentials.looks_like_ours(), "what cannot be read is not handed on");
    }

    #[test]
    fn an_expired_token_is_rejected() {
        let (token, tokens) = table();
        let value = format!("Bearer {token}");
        let credentials = Credentials::from_authorization([value.as_bytes()]);
        assert_eq!(identify(&credentials, &tokens, Timestamp(2_000)), Identity::Rejected);
    }

    #[test]
    fn the_operators_token_is_rejected_here() {
        let (_, tokens) = table();
        let (_, minted) = OperatorToken::mint().unwrap();
        let value = format!("Bearer {}", minted.token.expose());
        assert_eq!(who(&[&value], &tokens), Identity::Rejected);
    }

    #[test]
    fn our_tokens_are_recognised_valid_or_not() {
        let ours =
            |value: &str| Credentials::from_authorization([value.as_bytes()]).looks_like_ours();
        assert!(ours("Bearer cmt_typo"));
        assert!(ours("Bearer  cmt_x"));
        assert!(!ours("Basic dXNlcjpwYXNz"));
        assert!(!Credentials::NONE.looks_like_ours());
    }

    #[test]
    fn debug_shows_no_credential() {
        let credentials = Credentials::from_authorization([&b"Bearer hunter2"[..]]);
        assert!(!format!("{credentials:?}").contains("hunter2"));
    }

    proptest! {
        #[test]
        fn foreign_values_are_rejected_without_a_panic(value: Vec<u8>) {
            let (_, tokens) = table();
            let credentials = Credentials::from_authorization([&value[..]]);
            prop_assert_eq!(identify(&credentials, &tokens, NOW), Identity::Rejected);
        }
    }
}
