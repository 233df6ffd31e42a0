//! `[native]`: functions that are processes.

mod interpreter;
pub(super) mod jail;

use super::pick::Pick;
use model::{Code, Problem};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Jails of each interpreter that wait for a function, if nothing else is said.
const POOL: u32 = 2;
/// Most that may be said.
const POOL_MAX: u32 = 256;
/// How much of the processors a process may use, in thousandths of one.
const SHARE: u32 = 1000;

/// `[native]`
#[derive(Debug, Clone, Default)]
pub(crate) struct Native {
    /// How many jails of each interpreter wait for a function, once one was called.
    pub(crate) pool: u32,
    /// How much of the processors a process may use, in thousandths of one.
    pub(crate) share: u32,
    /// Interpreters that the operator adds, or says more about, by their names.
    pub(crate) interpreters: BTreeMap<String, native::interpreter::Configured>,
}

/// The section's keys in the file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pool: Option<u32>,
    cpu_milli: Option<u32>,
    #[serde(default)]
    pub(super) jail: jail::File,
    #[serde(default)]
    interpreter: BTreeMap<String, interpreter::Section>,
}

impl File {
    /// Files are named from the configuration file's directory.
    pub(super) fn resolve(self, directory: &Path, pick: &mut Pick) -> Result<Native, Problem> {
        let pool = pick.of("native.pool", POOL, self.pool);
        let share = pick.of("native.cpu_milli", SHARE, self.cpu_milli);
        if pool > POOL_MAX {
            let why = format!("`native.pool` is {pool}, at most {POOL_MAX} jails can wait");
            return Err(Problem::new(Code::BadConfig).detail(why));
        }
        if !(10..=1_000_000).contains(&share) {
            let why = format!("`native.cpu_milli` is {share}; 1000 is one processor, 10 the least");
            return Err(Problem::new(Code::BadConfig).detail(why));
        }
        let interpreters = interpreter::resolve(self.interpreter, directory, &mut pick.0)?;
        Ok(Native { pool, share, interpreters })
    }
}
