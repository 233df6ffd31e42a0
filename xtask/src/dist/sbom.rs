//! The list of all that is built in, as CycloneDX 1.6 in JSON (ECMA-424).

use super::release::{Release, sha256};
use crate::packages::{self, Edge, Metadata, Node, Package};
use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    checksum: Option<String>,
}

/// The document of a release.
///
/// # Errors
/// cargo does not say what is built in.
pub(super) fn document(release: &Release) -> Result<Vec<u8>> {
    let platform = format!("{}-unknown-linux-gnu", release.machine);
    let metadata = packages::built_on(&[&platform])?;
    let lock: Lock =
        toml::from_str(&std::fs::read_to_string(crate::place::root().join("Cargo.lock"))?)?;
    let value = describe(&metadata, &lock, release)?;
    Ok(serde_json::to_vec_pretty(&value)?)
}

fn describe(metadata: &Metadata, lock: &Lock, release: &Release) -> Result<Value> {
    let own = metadata.packages.iter().find(|package| package.name == "casemate");
    let own = own.context("there is no package `casemate`")?;
    let edges = edges(metadata);
    let built_in = reachable(&own.id, &edges);
    let packages: BTreeMap<&str, &Package> =
        metadata.packages.iter().map(|package| (package.id.as_str(), package)).collect();
    let components: Vec<Value> = built_in
        .iter()
        .filter(|id| **id != own.id)
        .filter_map(|id| packages.get(id))
        .map(|package| component(package, lock))
        .collect();
    let dependencies: Vec<Value> = built_in
        .iter()
        .filter_map(|id| Some((packages.get(id)?, edges.get(id)?)))
        .map(|(package, below)| {
            let below = below.iter().filter_map(|id| packages.get(id)).map(|it| reference(it));
            json!({ "ref": reference(package), "dependsOn": below.collect::<Vec<_>>() })
        })
        .collect();
    let binary = sha256(&release.binary);
    // The same document always has the same number.
    let serial = format!(
        "urn:uuid:{}-{}-5{}-8{}-{}",
        &binary[..8],
        &binary[8..12],
        &binary[13..16],
        &binary[17..20],
        &binary[20..32]
    );
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": serial,
        "version": 1,
        "metadata": { "component": {
            "type": "application",
            "bom-ref": reference(own),
            "name": "casemate",
            "version": release.version,
            "licenses": [{ "expression": "Apache-2.0" }],
            "hashes": [{ "alg": "SHA-256", "content": binary }],
        } },
        "components": components,
        "dependencies": dependencies,
    }))
}

/// What each package has built into it; what only builds or tests it is left out.
fn edges(metadata: &Metadata) -> BTreeMap<&str, BTreeSet<&str>> {
    let normal = |edge: &&Edge| edge.dep_kinds.iter().any(|kind| kind.kind.is_none());
    let of = |node: &'_ Node| -> Vec<usize> {
        node.deps.iter().enumerate().filter(|(_, edge)| normal(edge)).map(|(at, _)| at).collect()
    };
    let nodes = metadata.resolve.nodes.iter();
    nodes
        .map(|node| {
            let below = of(node).into_iter().map(|at| node.deps[at].pkg.as_str()).collect();
            (node.id.as_str(), below)
        })
        .collect()
}

fn reachable<'a>(from: &'a str, edges: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut left = vec![from];
    while let Some(id) = left.pop() {
        if found.insert(id) {
            left.extend(edges.get(id).into_iter().flatten());
        }
    }
    found
}

fn component(package: &Package, lock: &Lock) -> Value {
    let mut value = json!({
        "type": "library",
        "bom-ref": reference(package),
        "name": package.name,
        "version": package.version,
    });
    if let Some(license) = &package.license {
        value["licenses"] = json!([{ "expression": license.replace('/', " OR ") }]);
    }
    if package.source.is_some() {
        value["purl"] = json!(reference(package));
        let locked = lock
            .package
            .iter()
            .find(|locked| locked.name == package.name && locked.version == package.version);
        if let Some(sum) = locked.and_then(|locked| locked.checksum.as_deref()) {
            value["hashes"] = json!([{ "alg": "SHA-256", "content": sum }]);
        }
    }
    value
}

/// A package URL (purl-spec), which is a good name within the document as well.
fn reference(package: &Package) -> String {
    format!("pkg:cargo/{}@{}", package.name, package.version.replace('+', "%2B"))
}
