//! The tokens that are valid, and the one place where a token is compared with them.
//!
//! Invariant: the time that a comparison takes tells nothing about a kept hash, nor whether the
//! id is known. Ids are no secrets; that an id exists is not shown either.

use crate::token;
use aws_lc_rs::constant_time;
use model::token::{TokenId, TokenRow};
use model::{Digest, Timestamp, TokenName};
use std::collections::HashMap;

/// Compared with when an id is unknown. Nobody knows a text with this SHA-256.
const NOBODY: Digest = Digest([0; 32]);

/// A valid token: whom it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The token's public part.
    pub id: TokenId,
    /// What people call it.
    pub name: TokenName,
    /// When it stops working; at this time it has stopped.
    pub expires: Option<Timestamp>,
}

#[derive(Debug, Clone)]
struct Entry {
    hash: Digest,
    verified: Verified,
}

/// All tokens that were made and not revoked.
#[derive(Debug, Clone, Default)]
pub struct Tokens {
    by_id: HashMap<String, Entry>,
}

impl Tokens {
    /// A table of these tokens. If two have one id, the later counts.
    pub fn new(rows: impl IntoIterator<Item = TokenRow>) -> Self {
        let mut tokens = Self::default();
        for row in rows {
            tokens.put(row);
        }
        tokens
    }

    /// Adds a token. One whose holder signs is no text that could be shown.
    pub fn put(&mut self, row: TokenRow) {
        if row.key.is_some() {
            return;
        }
        let verified = Verified { id: row.id.clone(), name: row.name, expires: row.expires };
        self.by_id.insert(row.id.0, Entry { hash: row.hash, verified });
    }

    /// Takes the token of this name away.
    pub fn remove(&mut self, name: &TokenName) {
        self.by_id.retain(|_, entry| entry.verified.name != *name);
    }

    /// How many tokens there are, expired ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there is no token.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Whom the token in `text` stands for at `now`. `None` if it is malformed, unknown, not
    /// authentic or expired; which of these is nobody's to know.
    #[must_use]
    pub fn verify(&self, text: &str, now: Timestamp) -> Option<&Verified> {
        let presented = token::parse(text)?;
        let hash = presented.hash();
        let entry = self.by_id.get(presented.id());
        let kept = entry.map_or(&NOBODY, |entry| &entry.hash);
        let same = constant_time::verify_slices_are_equal(&kept.0, &hash.0).is_ok();
        let verified = &entry.filter(|_| same)?.verified;
        verified.expires.is_none_or(|expires| now < expires).then_some(verified)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::{Minted, mint};
    use proptest::prelude::*;

    fn row(minted: &Minted, name: &str, expires: Option<i64>) -> TokenRow {
        TokenRow {
            id: minted.id.clone(),
            name: TokenName::parse(name).unwrap(),
            hash: minted.hash,
            created: Timestamp(0),
            expires: expires.map(Timestamp),
            key: None,
        }
    }

    #[test]
    fn a_token_whose_holder_signs_is_no_text_that_could_be_shown() {
        let minted = mint().unwrap();
        let key = model::token::SealedKey {
            epoch: model::key::Epoch(1),
            sealed: model::vault::Sealed::default(),
            manages: false,
        };
        let signs = TokenRow { key: Some(key), ..row(&minted, "alice", None) };
        assert_eq!(Tokens::new([signs]).verify(minted.token.expose(), Timestamp(0)), None);
    }

    #[test]
    fn a_known_token_is_its_name() {
        let (a, b) = (mint().unwrap(), mint().unwrap());
        let tokens = Tokens::new([row(&a, "alice", None), row(&b, "bob", None)]);
        let name = |minted: &Minted| {
            tokens.verify(minted.token.expose(), Timestamp(0)).map(|it| it.name.to_string())
        };
        assert_eq!(name(&a).as_deref(), Some("alice"));
        assert_eq!(name(&b).as_deref(), Some("bob"));
        assert_eq!(name(&mint().unwrap()), None);
    }

    #[test]
    fn the_right_id_with_another_secret_is_refused() {
        let (own, other) = (mint().unwrap(), mint().unwrap());
        let mut forged = row(&own, "alice", None);
        forged.hash = other.hash;
        assert_eq!(Tokens::new([forged]).verify(own.token.expose(), Timestamp(0)), None);
    }

    #[test]
    fn a_token_has_stopped_at_the_moment_it_expires() {
        let minted = mint().unwrap();
        let tokens = Tokens::new([row(&minted, "alice", Some(1000))]);
        let valid = |now| tokens.verify(minted.token.expose(), Timestamp(now)).is_some();
        assert!(valid(999));
        assert!(!valid(1000));
        assert!(!valid(1001));
        assert!(valid(i64::MIN));
    }

    #[test]
    fn a_token_that_was_taken_away_is_refused() {
        let (a, b) = (mint().unwrap(), mint().unwrap());
        let mut tokens = Tokens::new([row(&a, "alice", None), row(&b, "bob", None)]);
        tokens.remove(&TokenName::parse("alice").unwrap());
        assert_eq!(tokens.verify(a.token.expose(), Timestamp(0)), None);
        assert!(tokens.verify(b.token.expose(), Timestamp(0)).is_some());
        assert_eq!(tokens.len(), 1);
        assert!(!tokens.is_empty());
    }

    proptest! {
        #[test]
        fn any_changed_character_of_a_valid_token_is_refused(
            at in 0..token::TOKEN_CHARS,
            other in proptest::char::range('!', '~'),
        ) {
            let minted = mint().unwrap();
            let tokens = Tokens::new([row(&minted, "alice", None)]);
            let mut text = minted.token.expose().clone();
            prop_assert!(tokens.verify(&text, Timestamp(0)).is_some());
            prop_assume!(!text[at..].starts_with(other));
            text.replace_range(at..=at, &other.to_string());
            prop_assert!(tokens.verify(&text, Timestamp(0)).is_none());
        }
    }
}
