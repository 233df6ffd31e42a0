//! The packages that are built into something, and the edges between them, as cargo tells it.

use crate::program::{cargo, text_of};
use anyhow::{Context as _, Result};
use serde::Deserialize;
use std::collections::BTreeSet;

/// `cargo metadata`, as far as it is looked at.
#[derive(Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
    pub(crate) resolve: Resolve,
    pub(crate) workspace_members: Vec<String>,
}

/// One package.
#[derive(Deserialize)]
pub(crate) struct Package {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) license: Option<String>,
    /// Where it comes from; nothing for our own.
    #[serde(default)]
    pub(crate) source: Option<String>,
}

/// Who depends on whom.
#[derive(Deserialize)]
pub(crate) struct Resolve {
    pub(crate) nodes: Vec<Node>,
}

/// What one package depends on.
#[derive(Deserialize)]
pub(crate) struct Node {
    pub(crate) id: String,
    pub(crate) deps: Vec<Edge>,
}

/// One dependency.
#[derive(Deserialize)]
pub(crate) struct Edge {
    pub(crate) pkg: String,
    pub(crate) dep_kinds: Vec<Kind>,
}

/// `dev`, `build`, or nothing for a normal dependency.
#[derive(Deserialize)]
pub(crate) struct Kind {
    pub(crate) kind: Option<String>,
}

/// What is built on these platforms. The description alone also names what other platforms and
/// their features would bring, so only what cargo's tree has is kept.
///
/// # Errors
/// cargo fails, or says something else.
pub(crate) fn built_on(platforms: &[&str]) -> Result<Metadata> {
    let mut command = cargo();
    command.args(["metadata", "--format-version", "1", "--locked"]);
    for platform in platforms {
        command.args(["--filter-platform", platform]);
    }
    let json = text_of(&mut command)?;
    let mut metadata: Metadata = serde_json::from_str(&json).context("cargo's description")?;
    let built = names(platforms)?;
    metadata.keep(|package| built.contains(&format!("{} v{}", package.name, package.version)));
    Ok(metadata)
}

/// Every package that is built on one of the platforms, as `NAME vVERSION`.
fn names(platforms: &[&str]) -> Result<BTreeSet<String>> {
    let mut all = BTreeSet::new();
    for platform in platforms {
        let mut command = cargo();
        command.args(["tree", "--workspace", "--locked", "--edges", "normal,build"]);
        command.args(["--prefix", "none", "--format", "{p}", "--target", platform]);
        let text = text_of(&mut command)?;
        let names = text.lines().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" "));
        all.extend(names);
    }
    Ok(all)
}

impl Metadata {
    /// Leaves only these packages, and the edges between them.
    fn keep(&mut self, wanted: impl Fn(&Package) -> bool) {
        self.packages.retain(wanted);
        let kept: BTreeSet<&str> = self.packages.iter().map(|it| it.id.as_str()).collect();
        self.resolve.nodes.retain(|node| kept.contains(node.id.as_str()));
        for node in &mut self.resolve.nodes {
            node.deps.retain(|edge| kept.contains(edge.pkg.as_str()));
        }
    }
}
