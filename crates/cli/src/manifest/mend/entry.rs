//! Changes of the entry that a complaint is about: another key, another value, another place, or
//! none.

use super::super::keys::Schema;
use super::super::reading::{Failure, Step};
use super::edit::{Edit, line_at, number_at};
use super::spot::{Level, way};
use super::values::{self, Wrong};
use serde_json::{Map, Value};
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// Changes, the likeliest first.
pub(super) fn candidates(
    text: &str,
    root: &DeTable<'_>,
    schema: &Schema,
    failure: &Failure,
) -> Vec<Edit> {
    let span = &failure.fault.span;
    let said = failure.fault.problem.detail.as_deref().unwrap_or_default();
    let said = said.splitn(3, ':').nth(2).unwrap_or(said);
    let way = way(root, schema, span);
    let mut edits = Vec::new();
    if failure.step == Step::Keys {
        edits.extend(
            way.iter()
                .rev()
                .find(|level| level.key.as_ref() == Some(span))
                .map(|level| keyed(text, root, schema, level))
                .unwrap_or_default(),
        );
    } else {
        edits.extend(missing(text, schema, &way, said));
        edits.extend(issuer(text, &way, said));
        for depth in (0..way.len()).rev() {
            edits.extend(valued(text, schema, &way, depth, said));
            let without = removed(text, &way, depth);
            edits.extend(without.filter(|edit| matches!(edit, Edit::Write(..))));
        }
    }
    if way.is_empty() {
        let function = "function = [{ name = \"my-function\", source = \"my-function.wasm\" }]";
        edits.push(Edit::Add(end_of_top(text), function.to_owned()));
    }
    edits.extend((0..way.len()).rev().filter_map(|depth| removed(text, &way, depth)));
    edits
}

/// Another key, or another place for the key.
fn keyed(text: &str, root: &DeTable<'_>, schema: &Schema, level: &Level<'_>) -> Vec<Edit> {
    let Some(key) = &level.key else { return Vec::new() };
    let mut edits: Vec<Edit> =
        schema.meant(root, key).into_iter().map(|meant| Edit::Write(key.clone(), meant)).collect();
    let line = number_at(text, key.start);
    let written = line_at(text, key.start);
    if text.get(written.clone()).unwrap_or_default().trim_start().starts_with('[') {
        let full = schema.full_heading_of(&level.name);
        edits.extend(full.map(|heading| Edit::Write(written, heading)));
        return edits;
    }
    if let Some(heading) = schema.heading_of(&level.name) {
        let above = text.lines().take(line).enumerate();
        let headings = above.filter(|(_, text)| text.trim() == heading);
        edits.extend(headings.last().map(|(at, _)| Edit::Move(line, at + 1)));
    }
    if schema.is_of_top(&level.name) {
        let first = text.lines().position(|line| !line.trim_start().starts_with('#'));
        edits.push(Edit::Move(line, first.unwrap_or(0)));
    }
    edits
}

/// A key that must be there.
fn missing(text: &str, schema: &Schema, way: &[Level<'_>], said: &str) -> Vec<Edit> {
    let key = ["missing field `", "names no `"].iter().find_map(|start| {
        said.split_once(start).and_then(|(_, rest)| rest.split_once('`')).map(|(key, _)| key)
    });
    let Some(key) = key else { return Vec::new() };
    let table = way.iter().rev().find(|level| level.value.get_ref().is_table());
    let fits = table.map_or(schema.top(), |level| level.schema);
    let fits = property(schema, fits, key);
    let owner = owner(way);
    let line = format!("{key} = {}", values::invented(key, schema, fits, &owner));
    let Some(table) = table else { return vec![Edit::Add(1, line)] };
    let span = table.value.span();
    match text.get(span.clone()) {
        Some(inline) if inline.starts_with('{') => {
            let comma = if inline.trim_matches(['{', '}', ' ']).is_empty() { " " } else { "," };
            vec![Edit::Write(span.start..span.start + 1, format!("{{ {line}{comma}"))]
        }
        _ => vec![Edit::Add(number_at(text, span.start) + 1, line)],
    }
}

/// Claims need an issuer.
fn issuer(text: &str, way: &[Level<'_>], said: &str) -> Option<Edit> {
    let at = way.iter().position(|level| level.name == "require")?;
    let table = way.get(at.checked_sub(1)?)?.value;
    let required = way.get(at)?.key.clone()?;
    let wanted = "\"jwt:my-issuer\"";
    if !said.contains("name one in `auth`") {
        return None;
    }
    let Some(auth) = table.get_ref().as_table()?.get("auth") else {
        return Some(Edit::Write(required.start..required.start, format!("auth = {wanted}, ")))
            .filter(|_| text.get(table.span()).is_some_and(|inline| inline.starts_with('{')))
            .or_else(|| {
                Some(Edit::Add(number_at(text, required.start), format!("auth = {wanted}")))
            });
    };
    let written = text.get(auth.span())?;
    let all = written.trim_matches(['[', ']', ' ', ',']);
    Some(Edit::Write(auth.span(), format!("[{all}, {wanted}]")))
}

/// Another value.
fn valued(text: &str, schema: &Schema, way: &[Level<'_>], depth: usize, said: &str) -> Vec<Edit> {
    let Some(level) = way.get(depth) else { return Vec::new() };
    let span = level.value.span();
    let written = text.get(span.clone()).unwrap_or_default();
    let line = line_at(text, span.start);
    let mut edits = Vec::new();
    if is_heading(text, level) {
        if !said.contains("invalid type") {
            return edits;
        }
        let name = text.get(line.clone()).unwrap_or_default().trim();
        let name = name.trim_matches(['[', ']']);
        edits.push(Edit::Write(line.clone(), format!("[[{name}]]")));
        edits.push(Edit::Write(line, format!("[{name}]")));
        return edits;
    }
    if span.end > line.end {
        return edits;
    }
    let owner = owner(way);
    let value: &DeValue<'_> = level.value.get_ref();
    let wrong = Wrong { schema, fits: level.schema, value, written, said, owner: &owner };
    edits.extend(values::once(value).map(|new| Edit::Write(span.clone(), new)));
    let items = level.schema.and_then(|fits| fits.get("items"));
    let fits = items.and_then(|items| schema.resolve(items));
    for item in value.as_array().into_iter().flat_map(|items| items.iter()) {
        let written = text.get(item.span()).unwrap_or_default();
        let one = Wrong { fits, value: item.get_ref(), written, ..wrong };
        let all = values::candidates(&one, "").into_iter();
        edits.extend(all.map(|new| Edit::Write(item.span(), new)));
        edits.push(Edit::Write(with_comma(text, item.span()), String::new()));
    }
    let all = values::candidates(&wrong, &level.name).into_iter();
    edits.extend(all.map(|new| Edit::Write(span.clone(), new)));
    edits
}

fn property<'s>(
    schema: &'s Schema,
    table: Option<&'s Map<String, Value>>,
    key: &str,
) -> Option<&'s Map<String, Value>> {
    let properties = table?.get("properties")?.as_object()?;
    schema.resolve(properties.get(key)?)
}

/// What the function or the directory around an entry is called.
fn owner(way: &[Level<'_>]) -> String {
    let names = way.iter().filter_map(|level| level.value.get_ref().as_table());
    let mut names = names.filter_map(|table| table.get("name")?.get_ref().as_str());
    let name = names.next().filter(|name| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    });
    name.unwrap_or("my-function").to_owned()
}

fn is_heading(text: &str, level: &Level<'_>) -> bool {
    let span = level.value.span();
    let line = text.get(line_at(text, span.start)).unwrap_or_default().trim();
    let holds = matches!(level.value.get_ref(), DeValue::Table(_) | DeValue::Array(_));
    holds && line.starts_with('[') && line.ends_with(']') && !line.contains('=')
}

/// Without the entry. Never without a requirement: that would let in who should stay out.
fn removed(text: &str, way: &[Level<'_>], depth: usize) -> Option<Edit> {
    let (level, above) = (way.get(depth)?, way.get(..=depth)?);
    if above.iter().any(|level| level.name == "require") {
        return None;
    }
    let span = level.value.span();
    let start = level.key.as_ref().map_or(span.start, |key| key.start.min(span.start));
    let first = number_at(text, start);
    if is_heading(text, level) {
        return Some(Edit::Remove(number_at(text, span.start), end_of_table(text, span.start)));
    }
    let line = line_at(text, start);
    let before = text.get(line.start..start).unwrap_or_default();
    let after = text.get(span.end..line_at(text, span.end).end).unwrap_or_default().trim();
    let alone = !before.contains(['=', '{', '[', ',']);
    if alone && (after.is_empty() || after.starts_with('#')) {
        return Some(Edit::Remove(first, number_at(text, span.end)));
    }
    (span.end <= line.end).then(|| Edit::Write(with_comma(text, start..span.end), String::new()))
}

/// The bytes of an item with the comma that goes with it.
fn with_comma(text: &str, range: Range<usize>) -> Range<usize> {
    let after = text.get(range.end..).unwrap_or_default();
    let spaces = after.len() - after.trim_start_matches([' ', '\t']).len();
    if after.trim_start_matches([' ', '\t']).starts_with(',') {
        let rest = after.get(spaces + 1..).unwrap_or_default();
        let more = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        return range.start..range.end + spaces + 1 + more;
    }
    let before = text.get(..range.start).unwrap_or_default().trim_end_matches([' ', '\t']);
    match before.strip_suffix(',') {
        Some(rest) => rest.len()..range.end,
        None => range,
    }
}

/// The last line of the table whose heading is here, with the tables below it.
fn end_of_table(text: &str, place: usize) -> usize {
    let first = number_at(text, place);
    let heading = text.get(line_at(text, place)).unwrap_or_default();
    let below = format!("{}.", heading.trim().trim_matches(['[', ']']));
    let rest = text.lines().enumerate().skip(first);
    let next = rest
        .filter(|(_, line)| line.starts_with('['))
        .find(|(_, line)| !line.trim_start_matches('[').starts_with(&below));
    next.map_or_else(|| text.lines().count(), |(at, _)| at)
}

/// The line where an entry of the top can be added last.
fn end_of_top(text: &str) -> usize {
    let heading = text.lines().position(|line| line.trim_start().starts_with('['));
    heading.unwrap_or_else(|| text.lines().count()) + 1
}
