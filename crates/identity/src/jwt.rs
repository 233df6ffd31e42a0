//! Tokens of other issuers: JSON Web Tokens (RFC 7519), read with the advice of RFC 8725.
//!
//! The node's configuration says which issuers there are, by which algorithms and with which keys
//! they sign. Nothing that a token says about itself changes that: its header chooses among the
//! issuer's own keys and never brings one (`jwk`, `x5c`) or names a place for one (`jku`, `x5u`).
//!
//! Invariant: a token is valid only if a key of its issuer signed exactly these bytes with an
//! algorithm that the configuration allows for that issuer and that the key was bound to.
//! Invariant: why a token was refused is for the log; whoever sent it learns that it was.

mod algorithm;
mod claims;
mod compact;
mod issuers;
mod json;
mod keys;
mod source;

#[cfg(test)]
mod tests;

pub use algorithm::Algorithm;
pub use issuers::Issuers;
pub use keys::{Error as KeyError, KEYS_BYTES_MAX, KeySet};
pub use source::{Asking, KeySource};

use bytes::Bytes;
use model::{Claims, IssuerName, Subject, Timestamp};
use std::time::Duration;

/// Longest token, in bytes. Longer ones are not looked at.
pub const TOKEN_BYTES_MAX: usize = 8 << 10;

/// Why a token is not valid: for the debug log, never for whoever sent it.
pub type Refused = &'static str;

/// What the node's configuration says about an issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerConfig {
    /// What the node calls it.
    pub name: IssuerName,
    /// What it calls itself: the claim `iss`.
    pub issuer: String,
    /// The audiences of which a token must name one.
    pub audience: Vec<String>,
    /// The algorithms that it signs with.
    pub algorithms: Vec<Algorithm>,
    /// How far its clock may be off.
    pub leeway: Duration,
    /// The field that carries its tokens, in lower case. In `authorization` a token stands behind
    /// `Bearer`, in any other it may stand alone.
    pub header: String,
    /// The claim that names the subject.
    pub subject_claim: String,
    /// The claims that guests are told.
    pub pass: Vec<String>,
}

/// What an issuer vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vouched {
    /// The issuer.
    pub issuer: IssuerName,
    /// Whom the token names.
    pub subject: Subject,
    /// What it says about them.
    pub claims: Claims,
    /// What guests are told of it: JSON in base64url without padding.
    pub passed: Option<Bytes>,
    /// From when it is valid.
    from: Timestamp,
    /// When it stops being valid; at this time it has stopped.
    until: Timestamp,
}

impl Vouched {
    /// What was vouched for when a call was accepted that runs later. It says nothing about now,
    /// so it never stands in the place of a token.
    #[must_use]
    pub const fn kept(
        issuer: IssuerName,
        subject: Subject,
        claims: Claims,
        passed: Option<Bytes>,
    ) -> Self {
        let never = Timestamp(0);
        Self { issuer, subject, claims, passed, from: never, until: never }
    }

    fn holds(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.until
    }
}
