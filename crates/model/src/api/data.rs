//! Values that come back for an operator, and those that go away for good.

use crate::DataClass;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most tokens of one request.
pub const TOKENS_MAX: usize = 100;
/// Longest reason, in characters.
pub const REASON_CHARS_MAX: usize = 200;

/// Has the values of tokens come back: `POST …/data/reveal`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RevealRequest {
    /// What the values are.
    pub class: DataClass,
    /// What for, in words. It is written into the ledger.
    pub purpose: String,
    /// The tokens, at most 100.
    pub tokens: Vec<String>,
}

/// The values. Nothing shows them in an error or a log by mistake.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Revealed {
    /// The ledger entry.
    pub leaf: u64,
    /// The value of each token, in order.
    pub values: Vec<String>,
}

impl std::fmt::Debug for Revealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Revealed").field("leaf", &self.leaf).finish_non_exhaustive()
    }
}

/// Has the values of one subject go away for good: `POST …/data/erase`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EraseRequest {
    /// What the values are.
    pub class: DataClass,
    /// Whose they are, as the contract's `subject` field has it in requests.
    pub subject: String,
}

/// Who it is stands in no error and in no log.
impl std::fmt::Debug for EraseRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EraseRequest").field("class", &self.class).finish_non_exhaustive()
    }
}

/// The values are gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Erased {
    /// The ledger entry.
    pub leaf: u64,
}

impl RevealRequest {
    /// What is wrong with it, if something is.
    #[must_use]
    pub fn wrong(&self) -> Option<String> {
        let reason = self.purpose.trim();
        let plain = !reason.is_empty() && !reason.contains(char::is_control);
        if !plain || reason.chars().count() > REASON_CHARS_MAX {
            return Some(format!("`purpose` is a text of up to {REASON_CHARS_MAX} characters"));
        }
        let many = self.tokens.len();
        let fits = (1..=TOKENS_MAX).contains(&many);
        (!fits).then(|| format!("it names {many} tokens, and may name 1 to {TOKENS_MAX}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reveal_has_a_purpose_and_some_tokens() {
        let ask = |purpose: &str, many: usize| RevealRequest {
            class: crate::data::BuiltIn::Pan.into(),
            purpose: purpose.to_owned(),
            tokens: vec!["tok".to_owned(); many],
        };
        assert_eq!(ask("chargeback 4711", TOKENS_MAX).wrong(), None);
        for wrong in
            [ask(" ", 1), ask("a\nb", 1), ask(&"x".repeat(201), 1), ask("x", 0), ask("x", 101)]
        {
            assert!(wrong.wrong().is_some(), "{wrong:?}");
        }
        let shown = format!("{:?}", Revealed { leaf: 1, values: vec!["4111".to_owned()] });
        assert!(!shown.contains("4111"), "{shown}");
        let class = crate::data::BuiltIn::Email.into();
        let shown = format!("{:?}", EraseRequest { class, subject: "ann".to_owned() });
        assert!(!shown.contains("ann"), "{shown}");
    }
}
