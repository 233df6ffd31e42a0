//! Who asks: API tokens, signatures as AWS makes them, tokens of other issuers, client certificates,
//! the operator's token, and the credentials of a request.
//!
//! Doors hand over [`Credentials`] as they came; only [`identify`] says whose they are. Nothing
//! here reads a clock or a store: the time and the table of tokens are given.
//!
//! Invariant: a credential that was sent and is not valid is [`Identity::Rejected`], never
//! [`Identity::Anonymous`].
#![forbid(unsafe_code)]

pub mod certificate;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod jwt;
pub mod sigv4;
pub mod token;

mod credentials;
mod operator;
mod seen;
mod table;

pub use credentials::{Credentials, Identity, identify};
pub use operator::OperatorToken;
pub use table::{Tokens, Verified};

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    let mut out = [0; 32];
    for (to, from) in out.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    out
}
