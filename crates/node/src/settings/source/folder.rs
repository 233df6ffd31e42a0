//! `[source.folder]`: files in a folder.

use super::{FormWord, shape};
use model::unit::Duration;
use serde::Deserialize;
use sources::{FileShape, Folder, Kind};
use std::path::{Path, PathBuf};

/// The section, as the file has it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Section {
    path: PathBuf,
    #[serde(default = "stable")]
    stable: Duration,
    form: Option<FormWord>,
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default = "keep")]
    keep: bool,
}

const fn stable() -> Duration {
    Duration::seconds(2)
}

const fn keep() -> bool {
    true
}

impl Section {
    pub(super) fn check(self, directory: &Path) -> Result<Kind, String> {
        if self.path.as_os_str().is_empty() {
            return Err("`path` names the folder".to_owned());
        }
        if self.stable > Duration::seconds(24 * 60 * 60) {
            return Err("`stable` is at most 1d".to_owned());
        }
        let shape = match self.form {
            Some(FormWord::Path) if self.kind.is_some() => {
                return Err("`type` is about the data, and `path` has its own".to_owned());
            }
            Some(FormWord::Path) if !self.keep => {
                return Err("a file whose path is told must be kept".to_owned());
            }
            Some(FormWord::Path) => FileShape::Path,
            form => FileShape::Whole(shape(form, self.kind, "application/octet-stream")?),
        };
        let (path, keep) = (directory.join(self.path), self.keep);
        Ok(Kind::Folder(Folder { path, stable: self.stable.std(), shape, keep }))
    }
}
