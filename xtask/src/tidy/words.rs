//! Words that mean nothing to a reader of the repository: paths of one machine, names of the
//! tools that somebody wrote it with.

use super::tree::Tree;
use super::{Finding, finding};

/// Files whose text is not ours: licences and lock files.
const FOREIGN: &[&str] = &["LICENSE", "Cargo.lock", "package-lock.json"];

/// Directories of one machine. In two parts each, so that this file does not hold them itself.
const PLACES: &[[&str; 2]] = &[["/wo", "rk/"], ["/ro", "ot/"], ["/tmp/ba", "sh_jobs"]];

/// Whole words, in lower or upper case. In two parts each, as above.
const WORDS: &[[&str; 2]] = &[
    ["clau", "de"],
    ["anthro", "pic"],
    ["chatg", "pt"],
    ["open", "ai"],
    ["copi", "lot"],
    ["gp", "t"],
    ["l", "lm"],
    ["as an ", "ai"],
    ["ai ", "assistant"],
    ["ai-", "generated"],
];

/// Names of other projects' interfaces that happen to hold such a word. Components import them, so
/// they have to be said.
const NAMES: &[[&str; 2]] = &[["fermyon:spin/l", "lm"]];

/// Looks at every line of every text.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let words: Vec<String> = WORDS.iter().map(|parts| parts.concat()).collect();
    let names: Vec<String> = NAMES.iter().map(|parts| parts.concat()).collect();
    let places: Vec<String> = PLACES.iter().map(|parts| parts.concat()).collect();
    let mut findings = Vec::new();
    for file in tree.files() {
        let name = file.path.rsplit('/').next().unwrap_or_default();
        if FOREIGN.contains(&name) {
            continue;
        }
        for (at, line) in file.text.lines().enumerate() {
            let lower = names.iter().fold(line.to_lowercase(), |line, name| line.replace(name, ""));
            let place = places.iter().find(|place| begins_path(line, place));
            if let Some(bad) = place.or_else(|| words.iter().find(|word| has_word(&lower, word))) {
                let what = format!("`{bad}` means nothing to a reader of this repository");
                findings.push(finding(&file.path, at + 1, what));
            }
        }
    }
    findings
}

/// Whether `place` stands in the line as the beginning of a path.
fn begins_path(line: &str, place: &str) -> bool {
    line.match_indices(place).any(|(at, _)| {
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        !before
            .is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '}' | '*' | '~'))
    })
}

/// Whether `word` stands in the line, not as a part of a longer one.
fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        let after = line.get(at + word.len()..).and_then(|after| after.chars().next());
        !before.into_iter().chain(after).any(char::is_alphanumeric)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_found(text: &str) -> Vec<usize> {
        check(&Tree::of(&[("docs/a.md", text)])).iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn words_and_places_are_found_and_parts_of_others_are_not() {
        let place = PLACES[0].concat();
        let word = WORDS[0].concat();
        assert_eq!(
            lines_found(&format!("ok\nsee {place}main\nby {}.\n", word.to_uppercase())),
            [2, 3]
        );
        assert!(lines_found(&format!("target{place}x\nun{word}d\n")).is_empty());
    }

    #[test]
    fn an_interface_of_others_is_named_in_full_or_not_at_all() {
        let name = NAMES[0].concat();
        assert!(lines_found(&format!("imports `{name}@2.0.0`\n")).is_empty());
        let word = WORDS[6].concat();
        assert_eq!(lines_found(&format!("imports `{word}`\n")), [1]);
    }

    #[test]
    fn licences_are_left_alone() {
        let word = WORDS[0].concat();
        assert!(check(&Tree::of(&[("LICENSE", &word)])).is_empty());
    }
}
