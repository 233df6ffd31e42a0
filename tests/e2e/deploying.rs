//! What is refused when it is deployed, and that nothing is half-done then.

mod compiling;
mod manifests;
mod programs;

use crate::rig::Node;
use std::path::{Path, PathBuf};

/// Files below a directory whose names end so.
fn files(below: &Path, end: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![below.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).expect("a directory").flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.to_string_lossy().ends_with(end) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// What a refused deployment must not change.
fn state(node: &Node) -> String {
    let functions = node.json(&["functions"]);
    let ledger = node.json(&["ledger", "show"]);
    let size = ledger["head"]["size"].as_u64().expect("a size");
    format!("{functions} {size} {:?}", files(&node.home().join("compiled"), ""))
}

/// A refused command: its code stands first, every part is said, and nothing has changed.
fn check_refused(node: &Node, output: &std::process::Output, code: &str, parts: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "expected {code}: {output:?}");
    assert!(said.starts_with(&format!("error[{code}]: ")), "expected {code}: {said}");
    assert!(said.contains(&format!("for more: casemate explain {code}\n")), "{said}");
    assert!(said.lines().last().is_some_and(|line| line.starts_with("hint: ")), "{said}");
    for part in parts {
        assert!(said.contains(part), "expected `{part}`: {said}");
    }
    assert!(output.stdout.is_empty() && node.gateway.port() > 0, "{output:?}");
}
