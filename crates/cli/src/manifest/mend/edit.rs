//! One change of a text, that can be made and that can be said.
//!
//! Invariant: whoever does what is said, word by word, gets the text that [`Edit::applied`] gives.

use std::fmt::Write as _;
use std::ops::Range;

/// Longest piece of text that is quoted.
const QUOTED_MAX: usize = 200;

/// A change of a text. Lines are counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Edit {
    /// Other text in place of these bytes, which lie in one line.
    Write(Range<usize>, String),
    /// These lines, the last one included, go.
    Remove(usize, usize),
    /// A line that becomes the one of this number.
    Add(usize, String),
    /// A line goes below another.
    Move(usize, usize),
}

impl Edit {
    /// The text with this change.
    pub(super) fn applied(&self, text: &str) -> String {
        let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
        let added;
        match self {
            Self::Write(range, new) => {
                let (before, after) = (text.get(..range.start), text.get(range.end..));
                return [before.unwrap_or_default(), new, after.unwrap_or_default()].concat();
            }
            Self::Remove(first, last) => {
                lines.drain(first.saturating_sub(1).min(lines.len())..(*last).min(lines.len()));
            }
            Self::Add(line, new) => {
                added = format!("{new}\n");
                lines.insert(line.saturating_sub(1).min(lines.len()), &added);
            }
            Self::Move(line, below) if *line <= lines.len() && below < line => {
                let moved = lines.remove(line - 1);
                lines.insert(*below, moved);
            }
            Self::Move(..) => {}
        }
        let mut all = String::with_capacity(text.len());
        for line in lines {
            if !all.is_empty() && !all.ends_with('\n') {
                all.push('\n');
            }
            all.push_str(line);
        }
        all
    }

    /// What to do, for people; none if it cannot be said so that it is clear.
    pub(super) fn said(&self, text: &str) -> Option<String> {
        match self {
            Self::Write(range, new) => said_of_line(text, range, new),
            Self::Remove(first, last) if first == last => Some(format!("remove line {first}")),
            Self::Remove(first, last) => Some(format!("remove lines {first} to {last}")),
            Self::Add(line, new) if plain(new) => Some(format!("add `{new}` as line {line}")),
            Self::Add(..) => None,
            Self::Move(line, below) => Some(format!("move line {line} below line {below}")),
        }
    }
}

/// The first place of the old text in its line is the one that is meant; where it is not, the whole
/// line is named.
fn said_of_line(text: &str, range: &Range<usize>, new: &str) -> Option<String> {
    let whole = line_at(text, range.start);
    let (before, old) = (text.get(whole.start..range.start)?, text.get(range.clone())?);
    let after = text.get(range.end..whole.end)?;
    let line = number_at(text, range.start);
    let mut said = format!("in line {line} write ");
    let all = text.get(whole)?;
    if !old.is_empty() && !new.is_empty() && all.find(old) == Some(before.len()) {
        if plain(old) && plain(new) {
            write!(said, "`{new}` instead of `{old}`").ok()?;
            return Some(said);
        }
        return None;
    }
    let written = [before, new, after].concat();
    let (old, new) = (all.trim(), written.trim());
    (plain(old) && plain(new)).then(|| format!("{said}`{new}` instead of `{old}`"))
}

/// Whether a text can stand between backticks.
fn plain(text: &str) -> bool {
    (1..=QUOTED_MAX).contains(&text.len()) && !text.contains(|c: char| c == '`' || c.is_control())
}

/// The bytes of the line around a place, without its end.
pub(super) fn line_at(text: &str, place: usize) -> Range<usize> {
    let place = place.min(text.len());
    let (before, after) = text.split_at_checked(place).unwrap_or((text, ""));
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let end = after.find('\n').map_or(text.len(), |at| place + at);
    start..end
}

/// The number of the line around a place.
pub(super) fn number_at(text: &str, place: usize) -> usize {
    text.bytes().take(place).filter(|byte| *byte == b'\n').count() + 1
}
