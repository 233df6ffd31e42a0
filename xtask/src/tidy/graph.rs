//! All that is built into the binary: licences, banned crates, and heavy crates under their one
//! legal parent. The rules are `deny.toml`'s, so that `cargo deny` and this agree.
//!
//! Looked at are normal and build dependencies on Linux; what only tests use is left out.

use super::spdx;
use super::tree::{Tree, line_where};
use super::{Finding, finding};
use crate::packages::{self, Metadata, Node, Package};
use anyhow::{Context as _, Result};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// Where the rules are.
const RULES: &str = "deny.toml";
/// The platforms that are looked at.
const PLATFORMS: &[&str] = &["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"];

#[derive(Deserialize)]
struct Rules {
    licenses: Licenses,
    bans: Bans,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

/// A crate that may not be there, or only below certain others.
#[derive(Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    #[serde(default)]
    wrappers: Vec<String>,
}

/// Holds what is built against `deny.toml`.
pub(super) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let Some(text) = tree.text(RULES) else {
        return Ok(vec![finding(RULES, 1, "is missing: it says which licences are allowed")]);
    };
    let rules: Rules = toml::from_str(text).context("deny.toml cannot be read")?;
    let metadata = packages::built_on(PLATFORMS)?;
    Ok(judge(&rules, text, &metadata))
}

fn judge(rules: &Rules, text: &str, metadata: &Metadata) -> Vec<Finding> {
    let packages: BTreeMap<&str, &Package> =
        metadata.packages.iter().map(|package| (package.id.as_str(), package)).collect();
    let name = |id: &str| packages.get(id).map_or("?", |package| package.name.as_str());
    let edges = edges(metadata);
    let allowed: Vec<&str> = rules.licenses.allow.iter().map(String::as_str).collect();
    let mut findings = Vec::new();
    let reached: BTreeSet<&str> = edges.iter().map(|(_, to)| *to).collect();
    for package in reached.iter().filter_map(|id| packages.get(id)) {
        let license = package.license.as_deref().unwrap_or("none");
        if !spdx::is_met(license, &allowed) {
            let what = format!(
                "`{} {}` has the licence `{license}`, which is not allowed",
                package.name, package.version
            );
            findings.push(finding(
                RULES,
                line_where(text, |line| line.starts_with("[licenses]")),
                what,
            ));
        }
    }
    for ban in &rules.bans.deny {
        let quoted = format!("crate = \"{}\"", ban.name);
        let line = line_where(text, |line| line.contains(&quoted));
        let parents: BTreeSet<&str> = edges
            .iter()
            .filter(|(_, to)| name(to) == ban.name)
            .map(|(from, _)| name(from))
            .collect();
        for parent in parents.iter().filter(|parent| !ban.wrappers.iter().any(|w| w == *parent)) {
            let what = format!("`{parent}` may not depend on `{}`", ban.name);
            findings.push(finding(RULES, line, what));
        }
        for wrapper in ban.wrappers.iter().filter(|w| !parents.contains(w.as_str())) {
            let what = format!("`{wrapper}` does not depend on `{}`: take it out", ban.name);
            findings.push(finding(RULES, line, what));
        }
    }
    findings
}

/// Every edge that can be reached from our crates without passing a test's dependency.
fn edges(metadata: &Metadata) -> BTreeSet<(&str, &str)> {
    let nodes: BTreeMap<&str, &Node> =
        metadata.resolve.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
    let mut edges = BTreeSet::new();
    let mut open: Vec<&str> = metadata.workspace_members.iter().map(String::as_str).collect();
    let mut seen: BTreeSet<&str> = open.iter().copied().collect();
    while let Some(id) = open.pop() {
        for edge in nodes.get(id).into_iter().flat_map(|node| &node.deps) {
            if edge.dep_kinds.iter().all(|kind| kind.kind.as_deref() == Some("dev")) {
                continue;
            }
            edges.insert((id, edge.pkg.as_str()));
            if seen.insert(&edge.pkg) {
                open.push(&edge.pkg);
            }
        }
    }
    edges
}

#[cfg(test)]
mod tests {
    use super::*;

    const DENY: &str = "[licenses]\nallow = [\"MIT\"]\n[bans]\ndeny = [\n{ crate = \"ring\" },\n\
                        { crate = \"heavy\", wrappers = [\"ours\", \"gone\"] },\n]\n";

    fn metadata() -> Metadata {
        let package = |name: &str, license: &str| serde_json::json!({ "id": name, "name": name, "version": "1.0.0", "license": license });
        let edge = |to: &str, kind: Option<&str>| serde_json::json!({ "pkg": to, "dep_kinds": [{ "kind": kind }] });
        serde_json::from_value(serde_json::json!({
            "workspace_members": ["ours", "other"],
            "packages": [
                package("ours", "MIT"), package("other", "MIT"), package("heavy", "MIT OR X"),
                package("ring", "ISC"), package("tests-only", "GPL-3.0-only")
            ],
            "resolve": { "nodes": [
                { "id": "ours", "deps": [edge("heavy", None), edge("tests-only", Some("dev"))] },
                { "id": "other", "deps": [edge("heavy", Some("build"))] },
                { "id": "heavy", "deps": [edge("ring", None)] }
            ] }
        }))
        .expect("metadata")
    }

    #[test]
    fn licences_bans_and_parents_are_held() {
        let rules: Rules = toml::from_str(DENY).expect("rules");
        let found: Vec<String> =
            judge(&rules, DENY, &metadata()).iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "deny.toml:1: `ring 1.0.0` has the licence `ISC`, which is not allowed",
                "deny.toml:5: `heavy` may not depend on `ring`",
                "deny.toml:6: `other` may not depend on `heavy`",
                "deny.toml:6: `gone` does not depend on `heavy`: take it out",
            ]
        );
    }
}
