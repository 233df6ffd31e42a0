//! What is promised names the test that holds it.
//!
//! Every row of an invariant in `docs/THREATS.md` (its first cell is `I1`, `I2` and so on) links
//! to a test or says `not yet`. Every row of the README's table of controls links to a test.
//! A link to a test leads to the file, and its text is the test's name in a code span.

use super::links::resolve;
use super::markdown::{self, Link};
use super::tree::Tree;
use super::{Finding, finding};

/// What a row says while nothing holds it.
const OPEN: &str = "not yet";

/// Looks at both documents.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, promises) in
        [("docs/THREATS.md", Promises::Invariants), ("README.md", Promises::Controls)]
    {
        if let Some(text) = tree.text(path) {
            findings.extend(check_document(path, text, promises));
        }
    }
    // Elsewhere a named test need not be there, but where it is named it exists.
    for file in tree.ending("md") {
        let links = markdown::links(&file.text);
        findings.extend(links.iter().filter_map(|link| wrong(tree, &file.path, link)));
    }
    findings
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Promises {
    Invariants,
    Controls,
}

fn check_document(path: &str, text: &str, promises: Promises) -> Vec<Finding> {
    let mut findings = Vec::new();
    let (mut promised, mut row, mut below_controls) = (0, 0, false);
    for (line, content) in markdown::prose(text) {
        row = if content.trim_start().starts_with('|') { row + 1 } else { 0 };
        if content.starts_with('#') {
            below_controls = content.to_lowercase().contains("controls");
        }
        let Some(cells) = markdown::cells(content) else { continue };
        let counts = match promises {
            Promises::Invariants => is_invariant(cells.first().copied().unwrap_or_default()),
            // The first row is the table's head.
            Promises::Controls => below_controls && row > 1,
        };
        if !counts {
            continue;
        }
        promised += 1;
        let links = markdown::line_links(content, line);
        let named = links.iter().any(|link| test_of(path, link).is_some());
        let open = promises == Promises::Invariants && content.contains(OPEN);
        if !named && !open {
            findings.push(finding(path, line, "this row names no test that holds it"));
        }
    }
    if promised == 0 {
        findings.push(finding(path, 1, promises.missing()));
    }
    findings
}

impl Promises {
    const fn missing(self) -> &'static str {
        match self {
            Self::Invariants => "has no table of invariants",
            Self::Controls => "has no table below a heading with the word `controls`",
        }
    }
}

/// `I1`, `I2` and so on, also in bold.
fn is_invariant(cell: &str) -> bool {
    let digits = cell.trim_matches('*').strip_prefix('I');
    digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

/// The file and the test that a link names, if it names one.
fn test_of<'a>(from: &str, link: &Link<'a>) -> Option<(String, &'a str)> {
    let name = link.text.strip_prefix('`')?.strip_suffix('`')?;
    let name = name.rsplit("::").next()?;
    let simple = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let path = link.target.split('#').next()?;
    if !simple || !path.ends_with(".rs") || !name.contains('_') {
        return None;
    }
    Some((resolve(from, path)?, name))
}

/// What is wrong with a link that names a test.
fn wrong(tree: &Tree, from: &str, link: &Link<'_>) -> Option<Finding> {
    let (path, name) = test_of(from, link)?;
    let text = tree.text(&path)?;
    (!is_test(text, name))
        .then(|| finding(from, link.line, format!("`{path}` has no test called `{name}`")))
}

/// Whether a file has a test of that name: a function with a `test` attribute above it, or a row
/// `("name", function)` in the table of a test executable with a main of its own.
fn is_test(text: &str, name: &str) -> bool {
    if text.contains(&format!("(\"{name}\", ")) {
        return true;
    }
    let mut attribute = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[") && line.contains("test") {
            attribute = true;
        } else if let Some(rest) = after_fn(line) {
            let own = rest.strip_prefix(name);
            if attribute && own.is_some_and(|rest| rest.starts_with(['(', '<'])) {
                return true;
            }
            attribute = false;
        }
    }
    false
}

fn after_fn(line: &str) -> Option<&str> {
    let line = line.strip_prefix("pub ").unwrap_or(line);
    line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = "#[test]\nfn holds_well() {}\n#[tokio::test]\nasync fn holds_later() {}\n\
                        fn no_test_at_all() {}\nconst T: X = &[(\"in_a_table\", f)];\n";

    fn found(readme: &str, threats: &str) -> Vec<String> {
        let files = [("README.md", readme), ("docs/THREATS.md", threats), ("a/t.rs", CODE)];
        check(&Tree::of(&files)).iter().map(ToString::to_string).collect()
    }

    const README: &str = "## Enforced controls\n\n| what | test |\n|---|---|\n\
                          | a | [`t::holds_well`](a/t.rs) |\n";
    const THREATS: &str = "| I1 | a | [`holds_later`](../a/t.rs) |\n| I2 | b | not yet |\n\
                           | I3 | c | [`in_a_table`](../a/t.rs) |\n";

    #[test]
    fn named_tests_hold() {
        assert_eq!(found(README, THREATS), [""; 0]);
    }

    #[test]
    fn rows_without_a_test_are_named() {
        let readme = format!("{README}| b | not yet |\n");
        let threats = format!("{THREATS}| I4 | c | |\n");
        assert_eq!(
            found(&readme, &threats),
            [
                "docs/THREATS.md:4: this row names no test that holds it",
                "README.md:6: this row names no test that holds it",
            ]
        );
        assert_eq!(found("# A\n", "# B\n").len(), 2, "tables that went missing");
    }

    #[test]
    fn tests_that_do_not_exist_are_named() {
        let readme = format!("{README}| b | [`no_test_at_all`](a/t.rs) |\n");
        assert_eq!(
            found(&readme, THREATS),
            ["README.md:6: `a/t.rs` has no test called `no_test_at_all`"]
        );
    }
}
