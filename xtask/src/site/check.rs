//! The finished site: every link and anchor leads somewhere, nothing comes from elsewhere.

use super::File;
use std::collections::{BTreeMap, BTreeSet};

/// Everything that is wrong, one line each.
pub(super) fn check(files: &[File]) -> Vec<String> {
    let pages: BTreeMap<&str, &str> = files
        .iter()
        .filter(|(path, _)| path.ends_with(".html"))
        .filter_map(|(path, bytes)| Some((path.as_str(), std::str::from_utf8(bytes).ok()?)))
        .collect();
    let names: BTreeSet<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
    let anchors: BTreeMap<&str, BTreeSet<&str>> =
        pages.iter().map(|(path, text)| (*path, attributes(text, " id=\"").collect())).collect();
    let mut findings = Vec::new();
    for (path, text) in &pages {
        for target in attributes(text, " href=\"") {
            findings.extend(broken(&names, &anchors, path, target));
        }
        for target in attributes(text, " src=\"") {
            if target.contains("://") || target.starts_with("//") {
                findings.push(format!("{path}: loads {target}"));
            } else {
                findings.extend(broken(&names, &anchors, path, target));
            }
        }
    }
    findings
}

fn broken(
    names: &BTreeSet<&str>,
    anchors: &BTreeMap<&str, BTreeSet<&str>>,
    from: &str,
    target: &str,
) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = crate::tidy::resolve(from, path)?;
    if !names.contains(path.as_str()) {
        return Some(format!("{from}: {target}: there is no such file"));
    }
    let known = anchor.is_empty() || anchors.get(path.as_str())?.contains(anchor);
    (!known).then(|| format!("{from}: {target}: there is no such heading"))
}

/// The values of one attribute. Text has its quotation marks escaped, so this finds no other.
fn attributes<'a>(text: &'a str, mark: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(mark).skip(1).filter_map(|rest| rest.split('"').next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_nowhere_or_comes_from_elsewhere_is_named() {
        let page = "<h2 id=\"a\">A</h2><a href=\"#a\"><a href=\"#b\"><a href=\"x/y.html\">\
                    <a href=\"https://example.com\"><script src=\"https://cdn.example/x.js\">";
        let files = [("index.html".to_owned(), page.as_bytes().to_vec())];
        assert_eq!(
            check(&files),
            [
                "index.html: #b: there is no such heading",
                "index.html: x/y.html: there is no such file",
                "index.html: loads https://cdn.example/x.js",
            ]
        );
    }
}
