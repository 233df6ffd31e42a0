//! Files that a function carries and reads through `wasi:filesystem`.
//!
//! They travel and are kept as those of [`super::AssetsSpec`] are: as a list by its digest, and
//! pieces by theirs. Nobody is answered with them but the function itself.

use crate::Digest;
use crate::listing::check_path;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most entries of `include`, and of `exclude`.
pub(super) const ENTRIES_MAX: usize = 100;

/// The files that a function may read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FilesSpec {
    /// What is carried. Used by `casemate deploy` only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<Included>,
    /// Patterns of files, from the manifest, that are left out. Used by `casemate deploy` only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    /// The digest of the list of files. `casemate deploy` fills it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
}

/// Some files that a function carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Included {
    /// A pattern, a file or a directory, from the manifest: the function sees each file under the
    /// same path.
    Pattern(String),
    /// A file or a directory, and where the function sees it.
    Placed(Placed),
}

/// A file or a directory, and where the function sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Placed {
    /// The file or the directory, from the manifest.
    pub source: String,
    /// Its path for the function, such as `/assets`.
    pub destination: String,
}

impl FilesSpec {
    /// What is wrong with it, as a clause.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.include.len() > ENTRIES_MAX || self.exclude.len() > ENTRIES_MAX {
            return Err(format!("has more than {ENTRIES_MAX} entries in a list"));
        }
        if self.include.is_empty() && self.digest.is_none() {
            return Err("includes nothing".to_owned());
        }
        for one in &self.include {
            let Included::Placed(placed) = one else { continue };
            let below = placed.destination.trim_matches('/');
            if !below.is_empty()
                && let Err(why) = check_path(below)
            {
                let shown: String = placed.destination.chars().take(80).collect();
                return Err(format!("the destination `{}`: {why}", shown.escape_debug()));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<FilesSpec, String> {
        let spec: FilesSpec = serde_json::from_str(text).map_err(|error| error.to_string())?;
        spec.check().map(|()| spec)
    }

    #[test]
    fn patterns_and_places_are_read_and_others_are_refused() {
        let spec = read(
            r#"{"include":["a/*.txt",{"source":"b","destination":"/c"},{"source":"d","destination":"/"}]}"#,
        )
        .expect("good");
        assert_eq!(spec.include[0], Included::Pattern("a/*.txt".to_owned()));
        for bad in [
            "{}",
            r#"{"include":[]}"#,
            r#"{"include":[{"source":"a"}]}"#,
            r#"{"include":[{"source":"a","destination":"/","at":1}]}"#,
            r#"{"include":[{"source":"a","destination":"/../b"}]}"#,
            r#"{"include":[{"source":"a","destination":"/b//c"}]}"#,
            r#"{"include":["a"],"dotfiles":true}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
