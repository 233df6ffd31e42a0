//! What a function's manifest gives it to read: names and values.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most names.
pub const CONFIG_KEYS_MAX: usize = 100;
/// Longest name, in bytes.
pub const CONFIG_KEY_BYTES_MAX: usize = 128;
/// Most bytes of names and values together.
pub const CONFIG_BYTES_MAX: usize = 64 << 10;

/// Names and values, which the function reads through `wasi:config/store`.
///
/// They are not secret: they lie in the registry as they are, and whoever may see the function's
/// manifest sees them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Config(BTreeMap<String, String>);

impl Config {
    /// Whether there is nothing to read. What is not said leaves old revisions' digests alone.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of a name.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&String> {
        self.0.get(key)
    }

    /// All names and values, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &String)> {
        self.0.iter()
    }

    /// Holds names and sizes to their limits.
    ///
    /// # Errors
    /// Why, as a clause. A value is never quoted.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.0.len() > CONFIG_KEYS_MAX {
            return Err(format!("has {} names, and {CONFIG_KEYS_MAX} is the most", self.0.len()));
        }
        if let Some(key) = self.0.keys().find(|key| !is_name(key)) {
            let key: String = key.chars().take(64).collect();
            return Err(format!(
                "{key:?} is no name: 1 to {CONFIG_KEY_BYTES_MAX} of a-z, A-Z, 0-9 and `._:/-`"
            ));
        }
        let bytes: usize = self.0.iter().map(|(key, value)| key.len() + value.len()).sum();
        if bytes > CONFIG_BYTES_MAX {
            return Err(format!("has {bytes} bytes, and {CONFIG_BYTES_MAX} is the most"));
        }
        Ok(())
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Config {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}

fn is_name(key: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._:/-".contains(c);
    (1..=CONFIG_KEY_BYTES_MAX).contains(&key.len()) && key.chars().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limit::Ceiling;
    use crate::manifest::Manifest;
    use crate::{Code, Problem};

    fn check(pairs: &[(&str, &str)]) -> Result<(), String> {
        pairs.iter().copied().collect::<Config>().check()
    }

    #[test]
    fn names_counts_and_bytes_have_limits() {
        assert_eq!(check(&[]), Ok(()));
        assert_eq!(check(&[("region", "eu"), ("Feature.x/y-z_1:2", "")]), Ok(()));
        for key in ["", "a b", "ä", "a\n", &"k".repeat(129)] {
            assert!(check(&[(key, "v")]).expect_err(key).contains("is no name"));
        }
        let whole = "v".repeat(CONFIG_BYTES_MAX - 1);
        assert_eq!(check(&[("k", &whole)]), Ok(()));
        assert!(check(&[("kk", &whole)]).expect_err("too large").contains("bytes"));
        let many: Config = (0..=CONFIG_KEYS_MAX).map(|n| (n.to_string(), "")).collect();
        assert!(many.check().expect_err("too many").contains("101 names"));
    }

    #[test]
    fn a_manifest_has_them_and_says_where_one_is_wrong() {
        let read = |line: &str| -> Result<Config, Problem> {
            let text = format!(
                r#"{{"manifest": 1, "application": "a", "function": [{{"name": "f", {line}}}]}}"#
            );
            let manifest: Manifest = serde_json::from_str(&text).expect("JSON");
            manifest.check(&Ceiling::DEFAULT)?;
            Ok(manifest.functions[0].config.clone())
        };
        let held = read(r#""config": {"region": "eu"}"#).expect("good");
        assert_eq!(held.get("region").map(String::as_str), Some("eu"));
        let problem = read(r#""config": {"no name": "s3cret"}"#).expect_err("refused");
        assert_eq!(problem.code, Code::ManifestValue);
        let detail = problem.detail.expect("detail");
        assert!(detail.contains("function `f`, `config`: \"no name\""), "{detail}");
        assert!(!detail.contains("s3cret"), "{detail}");
    }

    #[test]
    fn what_is_not_said_is_not_written() {
        let name = "f".parse().expect("name");
        let mut spec =
            crate::manifest::FunctionSpec::bare(name, None, crate::manifest::Auth::Token);
        let plain = serde_json::to_value(&spec).expect("JSON");
        assert_eq!(plain.get("config"), None, "revisions from before the key keep their digest");
        spec.config = [("region", "eu")].into_iter().collect();
        let marked = serde_json::to_value(&spec).expect("JSON");
        assert_eq!(marked["config"]["region"], "eu");
    }
}
