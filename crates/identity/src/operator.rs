//! The operator's token: the one credential of the admin listener.
//!
//! It has the form of an API token and is kept apart from them: it is in no table, so the public
//! listener rejects it, and no API token is ever the operator.

use crate::credentials::Credentials;
use crate::token::{self, Error, Minted};
use aws_lc_rs::constant_time;
use model::Digest;

/// Recognises the operator's token. Holds its hash, not its text.
#[derive(Debug, Clone)]
pub struct OperatorToken {
    hash: Digest,
}

impl OperatorToken {
    /// Makes a new one, and what recognises it.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn mint() -> Result<(Self, Minted), Error> {
        let minted = token::mint()?;
        Ok((Self { hash: minted.hash }, minted))
    }

    /// Recognises the token in `text`, such as the content of `operator.token` without its line
    /// end. `None` if that is no token.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        token::parse(text).map(|presented| Self { hash: presented.hash() })
    }

    /// Recognises the token with this SHA-256.
    #[must_use]
    pub fn from_hash(hash: Digest) -> Self {
        Self { hash }
    }

    /// SHA-256 of the token.
    #[must_use]
    pub fn hash(&self) -> Digest {
        self.hash
    }

    /// Whether `text` is the operator's token. Takes the same time for every well-formed one.
    #[must_use]
    pub fn is_operator(&self, text: &str) -> bool {
        token::parse(text).is_some_and(|presented| {
            constant_time::verify_slices_are_equal(&self.hash.0, &presented.hash().0).is_ok()
        })
    }

    /// Whether the operator sent these credentials.
    #[must_use]
    pub fn verify(&self, credentials: &Credentials) -> bool {
        credentials.bearer().is_some_and(|text| self.is_operator(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_own_token_is_the_operator() {
        let (operator, minted) = OperatorToken::mint().unwrap();
        let other = token::mint().unwrap();
        assert!(operator.is_operator(minted.token.expose()));
        assert!(!operator.is_operator(other.token.expose()));
        assert!(!operator.is_operator(""));
        assert!(!operator.is_operator(&format!("{}\n", minted.token.expose())));
    }

    #[test]
    fn it_is_recognised_again_from_its_text_or_its_hash() {
        let (operator, minted) = OperatorToken::mint().unwrap();
        let text = minted.token.expose();
        assert!(OperatorToken::from_text(text).unwrap().is_operator(text));
        assert!(OperatorToken::from_hash(operator.hash()).is_operator(text));
        assert!(OperatorToken::from_text("cmt_").is_none());
    }

    #[test]
    fn credentials_must_be_one_bearer_token() {
        let (operator, minted) = OperatorToken::mint().unwrap();
        let value = format!("Bearer {}", minted.token.expose());
        let verify = |values: &[&str]| {
            let values = values.iter().map(|value| value.as_bytes());
            operator.verify(&Credentials::from_authorization(values))
        };
        assert!(verify(&[&value]));
        assert!(!verify(&[]));
        assert!(!verify(&[&value, &value]));
        assert!(!verify(&[minted.token.expose()]));
    }
}
