//! Which version of WASI a function is built for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The version of WASI that a component is built for, and so the engine that runs it.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    JsonSchema,
)]
pub enum Wasi {
    /// WASI 0.2, `wasi:http/incoming-handler`: what is supported.
    #[default]
    #[serde(rename = "0.2")]
    V02,
    /// WASI 0.3, `wasi:http/handler`: experimental, and only where the node allows it.
    #[serde(rename = "0.3")]
    V03,
}

impl Wasi {
    /// Whether a manifest need not say it. What is not said leaves old revisions' digests alone.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Wasi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V02 => "0.2",
            Self::V03 => "0.3",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{Auth, FunctionSpec};
    use crate::name::FunctionName;

    #[test]
    fn the_default_is_not_written_and_other_versions_are_refused() {
        let mut spec =
            FunctionSpec::bare(FunctionName::parse("a").expect("name"), None, Auth::Token);
        let plain = serde_json::to_value(&spec).expect("json");
        assert_eq!(plain.get("wasi"), None, "revisions from before the key keep their digest");
        spec.wasi = Wasi::V03;
        let marked = serde_json::to_value(&spec).expect("json");
        assert_eq!(marked.get("wasi"), Some(&"0.3".into()));
        assert_eq!(serde_json::from_value::<FunctionSpec>(marked).expect("spec").wasi, Wasi::V03);
        for bad in [r#""0.1""#, r#""0.3.0""#, "0.3", r#""p3""#] {
            assert!(serde_json::from_str::<Wasi>(bad).is_err(), "{bad}");
        }
    }
}
