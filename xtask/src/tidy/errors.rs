//! Every error code has its page, and every page its code.
//!
//! What the pages say is made from the codes and held by a test of the command line's; see
//! `cargo xtask docs`.

use super::tree::Tree;
use super::{Finding, finding};
use model::Code;

/// Where the pages are.
const PAGES: &str = "docs/errors";

/// Compares codes and pages, once there are pages.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    if !tree.holds(PAGES) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for code in Code::ALL {
        if !tree.holds(&format!("{PAGES}/{code}.md")) {
            let what = format!("{code} has no page {PAGES}/{code}.md: run `cargo xtask docs`");
            findings.push(finding("crates/model/src/code.rs", 1, what));
        }
    }
    for file in tree.ending("md") {
        let name = file.path.strip_prefix("docs/errors/").and_then(|name| name.strip_suffix(".md"));
        let Some(name) = name.filter(|name| *name != "README") else { continue };
        if !Code::ALL.iter().any(|code| code.text() == name) {
            findings.push(finding(&file.path, 1, format!("there is no code {name}")));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_pages_are_compared_both_ways() {
        assert!(check(&Tree::default()).is_empty(), "nothing is asked before there are pages");
        let tree = Tree::of(&[("docs/errors/E0101.md", ""), ("docs/errors/E9999.md", "")]);
        let findings = check(&tree);
        assert_eq!(findings.len(), Code::ALL.len() - 1 + 1);
        assert!(findings.iter().any(|found| found.path == "docs/errors/E9999.md"));
    }
}
