//! What is kept of an OCI image's configuration with the function whose jail has it as its root.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most environment variables of an image.
const VARIABLES_MAX: usize = 200;
/// Most bytes of them.
const VARIABLES_BYTES_MAX: usize = 64 << 10;

/// An image's configuration, as far as it is not the function's `command` and `port`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImageConfig {
    /// The processor that its programs are for, in the words of images: `amd64` or `arm64`.
    pub architecture: String,
    /// Its environment, under the function's own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// Where its program starts, as an absolute path. Default `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<String>,
}

impl ImageConfig {
    /// What the processors of this machine are called.
    #[must_use]
    pub fn here() -> &'static str {
        match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        }
    }

    /// Refuses what no program could be started with.
    ///
    /// # Errors
    /// What is wrong, in a sentence.
    pub fn check(&self) -> Result<(), String> {
        let bytes: usize =
            self.environment.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
        if self.environment.len() > VARIABLES_MAX || bytes > VARIABLES_BYTES_MAX {
            return Err(format!(
                "its environment has more than {VARIABLES_MAX} variables or {VARIABLES_BYTES_MAX} bytes"
            ));
        }
        let bad = self.environment.iter().find(|(name, value)| {
            name.is_empty() || name.contains(['=', '\0']) || value.contains('\0')
        });
        if let Some((name, _)) = bad {
            return Err(format!("`{}` is no environment variable", name.escape_debug()));
        }
        match &self.directory {
            Some(path) if !is_directory(path) => {
                Err(format!("`{}` is no directory to start in", path.escape_debug()))
            }
            _ => Ok(()),
        }
    }
}

/// Absolute, without a step back, and none of those that every jail has of its own.
fn is_directory(path: &str) -> bool {
    let top = path.split('/').find(|part| !part.is_empty());
    if matches!(top, Some("proc" | "sys" | "dev")) {
        return false;
    }
    let parts = path.strip_prefix('/').map(|rest| rest.split('/'));
    let plain = |part: &str| part != ".." && part != "." && !part.contains(char::is_control);
    path.len() <= 4095 && parts.is_some_and(|mut parts| parts.all(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_that_starts_nothing_is_refused() {
        let good = r#"{"architecture":"amd64","environment":{"A":"b"},"directory":"/a/b/"}"#;
        let good: ImageConfig = serde_json::from_str(good).expect("read");
        assert_eq!(good.check(), Ok(()));
        for text in [
            r#"{"architecture":"amd64","environment":{"":"b"}}"#,
            r#"{"architecture":"amd64","environment":{"A=B":"b"}}"#,
            r#"{"architecture":"amd64","environment":{"A":"\u0000"}}"#,
            r#"{"architecture":"amd64","directory":"a"}"#,
            r#"{"architecture":"amd64","directory":"/a/../b"}"#,
            r#"{"architecture":"amd64","directory":"/proc/self/fd/3"}"#,
            r#"{"architecture":"amd64","directory":"/a\n"}"#,
        ] {
            let bad: ImageConfig = serde_json::from_str(text).expect("read");
            assert!(bad.check().is_err(), "{text}");
        }
    }
}
