//! What may have been meant by a line that is no TOML.

use super::edit::{Edit, line_at, number_at};

/// Lines before the one where reading ended that are looked at: what was not closed ends later.
const LINES_BEFORE: usize = 2;

/// Changes of the line where reading ended, and of those before it.
pub(super) fn candidates(text: &str, place: usize) -> Vec<Edit> {
    let here = line_at(text, place);
    let number = number_at(text, here.start);
    let mut edits = Vec::new();
    let mut lines = vec![here.clone()];
    let mut end = here.start.checked_sub(1);
    while let Some(place) = end.filter(|_| lines.len() <= LINES_BEFORE) {
        let line = line_at(text, place);
        end = line.start.checked_sub(1);
        lines.extend(text.get(line.clone()).filter(|text| !text.trim().is_empty()).map(|_| line));
    }
    for range in lines {
        let line = text.get(range.clone()).unwrap_or_default();
        let code = line.trim_end();
        let range = range.start..range.start + code.len();
        edits.extend(
            rewritten(code)
                .into_iter()
                .filter(|new| new != code)
                .map(|new| Edit::Write(range.clone(), new)),
        );
    }
    edits.extend(heading_before(text, here.start));
    edits.push(Edit::Remove(number, number));
    edits
}

/// `[function]` above a second `[[function]]`.
fn heading_before(text: &str, place: usize) -> Option<Edit> {
    let heading = text.get(line_at(text, place))?.trim();
    let name = heading.trim_matches(['[', ']', ' ']);
    let one = format!("[{name}]");
    let mut start = 0;
    for line in text.get(..place)?.split_inclusive('\n') {
        if heading.starts_with('[') && line.trim() == one {
            return Some(Edit::Write(start..start + line.trim_end().len(), format!("[{one}]")));
        }
        start += line.len();
    }
    None
}

/// A line as it may have been meant, the likeliest first.
fn rewritten(line: &str) -> Vec<String> {
    let mut all = Vec::new();
    let straight: String = line
        .chars()
        .map(|c| match c {
            '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{ab}' | '\u{bb}' => '"',
            '\u{2018}' | '\u{2019}' => '\'',
            '\u{a0}' | '\u{3000}' => ' ',
            c => c,
        })
        .collect();
    all.push(straight);
    all.push(line.chars().filter(|c| !c.is_control() || *c == '\t').collect());
    let trimmed = line.trim();
    if trimmed.starts_with('[') && !trimmed.contains('=') {
        let name = trimmed.trim_matches(['[', ']', ' ', ':', ',']);
        all.extend([format!("[[{name}]]"), format!("[{name}]")]);
    }
    let word = trimmed.trim_end_matches([':', '{', ' ']);
    if word.len() < trimmed.len()
        && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'.' || b == b'_')
    {
        all.extend([format!("[[{word}]]"), format!("[{word}]")]);
    }
    if let Some(comment) = trimmed.strip_prefix("//").or_else(|| trimmed.strip_prefix("--")) {
        all.push(format!("#{comment}"));
    }
    for end in ["\"", "'", "]", "}", "]]", "\"]", "\" }", " }", " }]", "\" }]", "]]"] {
        all.push(format!("{line}{end}"));
    }
    for end in [",", ";", "]", "}", "\"", "'"] {
        all.extend(line.strip_suffix(end).map(|rest| rest.trim_end().to_owned()));
    }
    all.extend(entry(trimmed));
    all
}

/// `key: value`, `key value`, `key == value` and `key = value` with the value as a text.
fn entry(line: &str) -> Vec<String> {
    let Some(end) = line.find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '-' | '.'))
    else {
        return vec![format!("{line} = \"\"")];
    };
    let (key, rest) = line.split_at(end);
    if key.is_empty() {
        return Vec::new();
    }
    let value = rest.trim_start_matches([' ', '\t', '=', ':', '>']);
    let value = value.trim_end_matches([',', ';']);
    let bare = value.trim_matches(['"', '\'', ' ']);
    let lower = value.to_ascii_lowercase();
    let mut all = vec![format!("{key} = {value}")];
    if matches!(lower.as_str(), "true" | "false") {
        all.push(format!("{key} = {lower}"));
    }
    if !value.starts_with(['{', '[']) {
        all.push(format!("{key} = \"{}\"", bare.replace('\\', "/").replace('"', "'")));
    }
    // `{"key": value}`, as in JSON.
    if value.contains([':', '{']) {
        all.push(format!("{key} = {}", value.replace("\":", "\" =").replace(": ", " = ")));
    }
    all
}
