//! `[native]`: functions that are processes.

mod interpreter;

use super::pick::SettingRow;
use model::Problem;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// `[native]`
#[derive(Debug, Clone, Default)]
pub(crate) struct Native {
    /// Interpreters that the operator adds, or says more about, by their names.
    pub(crate) interpreters: BTreeMap<String, native::interpreter::Configured>,
}

/// The section's keys in the file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(default)]
    interpreter: BTreeMap<String, interpreter::Section>,
}

impl File {
    /// Files are named from the configuration file's directory.
    pub(super) fn resolve(
        self,
        directory: &Path,
        rows: &mut Vec<SettingRow>,
    ) -> Result<Native, Problem> {
        Ok(Native { interpreters: interpreter::resolve(self.interpreter, directory, rows)? })
    }
}
