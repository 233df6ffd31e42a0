//! Finds sensitive values in text that nobody labelled.
//!
//! One pass looks for what a value must have (a digit, an `@`, a `:`, the prefix of a key), and
//! only there are rules asked: the shape first, then a checksum, then the words before it.
//! Built-in rules know no regular expressions; those of an operator ([`Custom`]) become automata
//! of a bounded size. Nothing here takes longer than linear time.
//!
//! Invariant: what is found does not depend on how a stream was cut into pieces.
//! Invariant: text without a finding costs no allocation, and a stream of any length a bounded
//! buffer.

mod bytes;
mod card;
mod check;
mod context;
mod custom;
mod detector;
mod digits;
mod email;
mod exact;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod iban;
mod ip;
mod mask;
mod phone;
mod rule;
mod scanner;
mod secret;
mod sieve;
#[cfg(test)]
mod tests;
mod window;
mod words;

pub use custom::{Custom, CustomError, Validator};
pub use detector::Detector;
pub use exact::{Exact, VALUE_BYTES_MIN};
pub use mask::{Action, Actions, Blocked, Masker};
pub use rule::{Confidence, Rule, RuleId, finds};
pub use scanner::Scanner;
pub use sieve::Sieve;

/// A sensitive value, and how sure that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// Which rule found it; [`Detector::rule`] says more.
    pub rule: RuleId,
    /// Its first byte, counted from the beginning of the stream.
    pub start: u64,
    /// The byte behind its last.
    pub end: u64,
    /// What speaks for it.
    pub confidence: Confidence,
    /// Which value of an [`Exact`] it is, if it is one.
    pub known: Option<u32>,
}
