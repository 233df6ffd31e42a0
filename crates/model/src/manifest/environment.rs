//! Environment variables that a function's manifest gives it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most names.
pub(super) const ENVIRONMENT_KEYS_MAX: usize = 100;
/// Most bytes of names and values together.
pub(super) const ENVIRONMENT_BYTES_MAX: usize = 32 << 10;

/// Names and values, which the function reads through `wasi:cli/environment`.
///
/// They are not secret: they lie in the registry as they are, and whoever may see the function's
/// manifest sees them. Nothing of the node's own environment is ever among them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Whether there is nothing in it. What is not said leaves old revisions' digests alone.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All names and values, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &String)> {
        self.0.iter()
    }

    /// Whether names and values can be variables, and are not too many.
    #[must_use]
    pub fn is_fit(&self) -> bool {
        self.check().is_ok()
    }

    /// What is wrong with it, as a clause. A value is never quoted.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.0.len() > ENVIRONMENT_KEYS_MAX {
            let count = self.0.len();
            return Err(format!("has {count} names, and {ENVIRONMENT_KEYS_MAX} is the most"));
        }
        for (key, value) in &self.0 {
            if key.is_empty() || key.contains(['=', '\0']) || value.contains('\0') {
                let key: String = key.chars().take(64).collect();
                return Err(format!("{key:?} is no variable: no `=` in its name, and no NUL"));
            }
        }
        let bytes: usize = self.0.iter().map(|(key, value)| key.len() + value.len()).sum();
        if bytes > ENVIRONMENT_BYTES_MAX {
            return Err(format!("has {bytes} bytes, and {ENVIRONMENT_BYTES_MAX} is the most"));
        }
        Ok(())
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_counts_and_bytes_have_limits() {
        let check = |pairs: &[(&str, &str)]| pairs.iter().copied().collect::<Environment>().check();
        assert_eq!(check(&[]), Ok(()));
        assert_eq!(check(&[("RUST_LOG", "info"), ("Empty", "")]), Ok(()));
        for (key, value) in [("", "v"), ("a=b", "v"), ("a\0", "v"), ("a", "s3cret\0")] {
            let why = check(&[(key, value)]).expect_err(key);
            assert!(!why.contains("s3cret"), "{why}");
        }
        let whole = "v".repeat(ENVIRONMENT_BYTES_MAX);
        assert!(check(&[("k", &whole)]).expect_err("too large").contains("bytes"));
    }
}
