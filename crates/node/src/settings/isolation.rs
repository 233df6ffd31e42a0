//! `wasm.isolation`: in which processes functions run.

use super::pick::Pick;
use super::resolve::from_environment;
use model::{Code, Problem};
use serde::Deserialize;
use std::fmt;

/// The variable of the environment that says it.
const VARIABLE: &str = "CASEMATE_ISOLATION";

/// In which processes functions run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    /// In the node's own: one layer, that of WebAssembly, around each.
    Node,
    /// Those of a tenant in a process of their own, which has no keys, no files and no network.
    Tenant,
}

impl Isolation {
    const ALL: [Self; 2] = [Self::Node, Self::Tenant];

    const fn word(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Tenant => "tenant",
        }
    }

    pub(super) fn pick(pick: &mut Pick, file: Option<Self>) -> Result<Self, Problem> {
        let variable = match from_environment(VARIABLE) {
            Some((name, word)) => {
                let known = Self::ALL.into_iter().find(|one| one.word() == word);
                let unknown = || {
                    let detail = format!("{VARIABLE} is {word:?}");
                    Problem::new(Code::BadConfig).detail(detail).hint("it is `node` or `tenant`")
                };
                Some((name, known.ok_or_else(unknown)?))
            }
            None => None,
        };
        Ok(pick.from("wasm.isolation", Self::Node, file, variable, None))
    }
}

impl fmt::Display for Isolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
