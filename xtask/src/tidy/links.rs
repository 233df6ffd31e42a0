//! Relative links in documents lead somewhere.

use super::markdown::{self, Link};
use super::tree::Tree;
use super::{Finding, finding};

/// Follows every relative link, to the heading if one is named.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.ending("md") {
        for link in markdown::links(&file.text) {
            findings.extend(broken(tree, &file.path, &link));
        }
    }
    findings
}

fn broken(tree: &Tree, from: &str, link: &Link<'_>) -> Option<Finding> {
    let target = link.target.trim_matches(['<', '>']);
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let wrong = |what| Some(finding(from, link.line, format!("`{target}`: {what}")));
    let Some(path) = resolve(from, path) else { return wrong("leads out of the repository") };
    if !tree.holds(&path) {
        return wrong("there is no such file");
    }
    let document = path.ends_with(".md").then(|| tree.text(&path)).flatten();
    let missing = document.is_some_and(|text| {
        !anchor.is_empty() && !markdown::anchors(text).iter().any(|name| name == anchor)
    });
    if missing { wrong("the document has no such heading") } else { None }
}

/// Where `target` leads from the file `from`; nothing if it climbs out of the repository.
pub(crate) fn resolve(from: &str, target: &str) -> Option<String> {
    if target.is_empty() {
        return Some(from.to_owned());
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_that_lead_nowhere_are_named() {
        let page = "[a](../README.md) [b](b.md) [c](../README.md#the-tour) [d](../README.md#no)\n\
                    [e](https://example.com/x.md) [f](#here) [g](../../x.md) [h](sub)\n\n# Here\n";
        let tree =
            Tree::of(&[("README.md", "# The tour\n"), ("docs/a.md", page), ("docs/sub/x.md", "")]);
        let found: Vec<String> = check(&tree).iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "docs/a.md:1: `b.md`: there is no such file",
                "docs/a.md:1: `../README.md#no`: the document has no such heading",
                "docs/a.md:2: `../../x.md`: leads out of the repository",
            ]
        );
    }
}
