//! As much of Markdown as the rules need: links, headings and rows of tables.
//!
//! What stands in a fenced block or in a code span is not looked at.

/// A link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link<'a> {
    /// Its line, from 1.
    pub(super) line: usize,
    /// What is read.
    pub(super) text: &'a str,
    /// Where it leads.
    pub(super) target: &'a str,
}

/// Lines outside of fenced blocks, with their numbers from 1.
pub(super) fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fence: Option<&str> = None;
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line));
    lines.filter(move |(_, line)| {
        let mark = ["```", "~~~"].into_iter().find(|mark| line.trim_start().starts_with(mark));
        match (fence, mark) {
            (None, None) => true,
            (None, Some(mark)) => {
                fence = Some(mark);
                false
            }
            (Some(open), Some(mark)) if open == mark => {
                fence = None;
                false
            }
            (Some(_), _) => false,
        }
    })
}

/// Every link of a text.
pub(super) fn links(text: &str) -> Vec<Link<'_>> {
    prose(text).flat_map(|(line, content)| line_links(content, line)).collect()
}

/// The links of one line.
pub(super) fn line_links(content: &str, line: usize) -> Vec<Link<'_>> {
    let mut found: Vec<Link<'_>> = content
        .match_indices("](")
        .filter_map(|(at, _)| {
            let before = content.get(..at)?;
            // An odd number of marks before it: this is text in a code span.
            if before.matches('`').count() % 2 == 1 {
                return None;
            }
            let text = before.get(before.rfind('[')? + 1..)?;
            let after = content.get(at + 2..)?;
            let target = after.get(..after.find(')')?)?;
            Some(Link { line, text, target: target.split(' ').next().unwrap_or_default() })
        })
        .collect();
    let reference = content.strip_prefix('[').and_then(|rest| rest.split_once("]: "));
    found.extend(reference.map(|(text, target)| Link { line, text, target: target.trim() }));
    found
}

/// The names that headings can be linked by.
pub(super) fn anchors(text: &str) -> Vec<String> {
    let headings = prose(text).filter_map(|(_, line)| {
        let title = line.trim_start_matches('#');
        (title.len() < line.len() && title.starts_with(' ')).then(|| slug(title.trim()))
    });
    headings.collect()
}

/// The name that a heading can be linked by.
pub(crate) fn slug(title: &str) -> String {
    let kept = title.to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// The cells of a table's row; nothing for another line or the line below a table's head.
pub(super) fn cells(line: &str) -> Option<Vec<&str>> {
    let inner = line.trim().strip_prefix('|')?.trim_end().trim_end_matches('|');
    let cells: Vec<&str> = inner.split('|').map(str::trim).collect();
    let rule = cells.iter().all(|cell| !cell.is_empty() && cell.chars().all(|c| "-: ".contains(c)));
    (!rule).then_some(cells)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_and_code_is_not_looked_at() {
        let text = "see [`a`](b.md#c) and `[x](y)`\n```\n[in](code)\n```\n[ref]: d.md\n";
        let found = links(text);
        let targets: Vec<(usize, &str, &str)> =
            found.iter().map(|link| (link.line, link.text, link.target)).collect();
        assert_eq!(targets, [(1, "`a`", "b.md#c"), (5, "ref", "d.md")]);
    }

    #[test]
    fn headings_become_anchors() {
        let text = "# The `wasm` crate, 1.0\n```\n# no heading\n```\n## What is absent\n#hash\n";
        assert_eq!(anchors(text), ["the-wasm-crate-10", "what-is-absent"]);
    }

    #[test]
    fn rows_are_split_and_rules_are_left_out() {
        assert_eq!(cells("| a | b |"), Some(vec!["a", "b"]));
        assert_eq!(cells("|---|:-:|"), None);
        assert_eq!(cells("text"), None);
    }
}
