//! `cargo xtask tidy`: the rules of the house that no compiler holds.
//!
//! Each rule is a function from the repository's files to findings, in a file of its own below
//! `tidy/`. The same rules run as a test, so none of them lives only in a script.
//!
//! Invariant: a finding names a file, a line and what to do.

mod errors;
mod floors;
mod graph;
mod links;
mod locks;
mod markdown;
mod proofs;
mod sources;
mod spdx;
mod tree;
mod words;

use crate::program::{print, say};
use anyhow::{Result, bail};
pub(crate) use links::resolve;
pub(crate) use markdown::slug;
use std::fmt;
use tree::Tree;

/// Something that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    /// The file, from the repository's root.
    path: String,
    /// The line, from 1.
    line: usize,
    /// What is wrong.
    what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// A finding.
fn finding(path: &str, line: usize, what: impl Into<String>) -> Finding {
    Finding { path: path.to_owned(), line, what: what.into() }
}

/// One rule.
type Rule = fn(&Tree) -> Vec<Finding>;

/// Every rule that needs only the repository's files.
const RULES: &[Rule] = &[
    floors::check,
    sources::check,
    words::check,
    locks::check,
    errors::check,
    links::check,
    proofs::check,
];

/// Runs the command.
///
/// # Errors
/// A rule is broken, or the repository cannot be read.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    if let Some(other) = arguments.first() {
        bail!("`{other}` is not known\nusage: cargo xtask tidy");
    }
    let findings = findings()?;
    for finding in &findings {
        print(&finding.to_string());
    }
    match findings.len() {
        0 => say("tidy: nothing to tidy"),
        1 => bail!("1 finding"),
        count => bail!("{count} findings"),
    }
    Ok(())
}

fn findings() -> Result<Vec<Finding>> {
    let tree = Tree::read(&crate::place::root())?;
    let mut all: Vec<Finding> = RULES.iter().flat_map(|rule| rule(&tree)).collect();
    all.extend(graph::check(&tree)?);
    all.sort();
    all.dedup();
    Ok(all)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_repository_is_tidy() {
        let findings = super::findings().expect("readable");
        let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert!(lines.is_empty(), "{} findings:\n{}", lines.len(), lines.join("\n"));
    }
}
