//! How Rust files look: they open with what they are for, they are short, and unsafe code is shut
//! out at the door of every crate.

use super::tree::{File, Tree};
use super::{Finding, finding};

/// Most lines of a file.
const LINES_MAX: usize = 400;
/// Crates that may open single functions to unsafe code, with a reason that clippy asks for.
const UNSAFE_BY_EXCEPTION: &[&str] = &["crates/native/src/lib.rs", "crates/wasm/src/lib.rs"];

/// Looks at every Rust file.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.ending("rs").flat_map(check_file).collect()
}

fn check_file(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut found = |line, what: String| findings.push(finding(&file.path, line, what));
    if !file.text.starts_with("//!") {
        found(1, "opens with no `//!` that says its one job".to_owned());
    }
    let lines = file.text.lines().count();
    if lines > LINES_MAX {
        found(LINES_MAX + 1, format!("has {lines} lines, more than {LINES_MAX}: split it"));
    }
    let (directory, name) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
    if name == "mod.rs" {
        found(1, format!("is a `mod.rs`: call it `{directory}.rs`"));
    }
    if let Some(line) = missing_guard(&file.path, &file.text) {
        found(1, format!("has no line `{line}`"));
    }
    findings
}

/// The line that shuts unsafe code out of a crate, if it is missing at its root.
fn missing_guard(path: &str, text: &str) -> Option<&'static str> {
    let ours = path.starts_with("crates/") || path.starts_with("xtask/");
    if !ours || !(path.ends_with("/src/lib.rs") || path.ends_with("/src/main.rs")) {
        return None;
    }
    let guard = if UNSAFE_BY_EXCEPTION.contains(&path) {
        "#![deny(unsafe_code)]"
    } else {
        "#![forbid(unsafe_code)]"
    };
    // Forbidding is always good enough.
    let guarded = text.lines().any(|line| line == guard || line == "#![forbid(unsafe_code)]");
    (!guarded).then_some(guard)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        let findings = check(&Tree::of(&[(path, text)]));
        findings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_good_file_is_not_mentioned() {
        assert!(found("crates/a/src/b.rs", "//! One job.\n").is_empty());
        assert!(found("crates/a/src/lib.rs", "//! A.\n#![forbid(unsafe_code)]\n").is_empty());
        assert!(found("crates/wasm/src/lib.rs", "//! A.\n#![deny(unsafe_code)]\n").is_empty());
        assert!(found("examples/hello/src/lib.rs", "//! A guest.\n").is_empty());
    }

    #[test]
    fn files_that_break_a_rule_are_named() {
        assert_eq!(found("a/b.rs", "fn main() {}\n").len(), 1);
        assert_eq!(
            found("a/b/mod.rs", "//! A.\n"),
            ["a/b/mod.rs:1: is a `mod.rs`: call it `a/b.rs`"]
        );
        let long = format!("//! A.\n{}", "\n".repeat(400));
        assert_eq!(found("a/b.rs", &long), ["a/b.rs:401: has 401 lines, more than 400: split it"]);
        let open = found("crates/a/src/lib.rs", "//! A.\n#![deny(unsafe_code)]\n");
        assert_eq!(open, ["crates/a/src/lib.rs:1: has no line `#![forbid(unsafe_code)]`"]);
    }
}
