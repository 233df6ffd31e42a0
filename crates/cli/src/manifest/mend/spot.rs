//! The entry of a manifest that a complaint is about, and what its schema says of it.

use super::super::keys::Schema;
use serde_json::{Map, Value};
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One step on the way from the top to the entry.
#[derive(Clone)]
pub(super) struct Level<'d> {
    /// The key, or the number in a list.
    pub(super) name: String,
    /// Where the key stands; nowhere for an item of a list.
    pub(super) key: Option<Range<usize>>,
    pub(super) value: &'d Spanned<DeValue<'d>>,
    /// What may stand here.
    pub(super) schema: Option<&'d Map<String, Value>>,
}

/// The way to the innermost entry that encloses a place.
pub(super) fn way<'d>(
    root: &'d DeTable<'d>,
    schema: &'d Schema,
    place: &Range<usize>,
) -> Vec<Level<'d>> {
    in_table(root, schema, schema.top(), place).unwrap_or_default()
}

fn in_table<'d>(
    table: &'d DeTable<'d>,
    root: &'d Schema,
    schema: Option<&'d Map<String, Value>>,
    place: &Range<usize>,
) -> Option<Vec<Level<'d>>> {
    let properties = schema.and_then(|s| s.get("properties")).and_then(Value::as_object);
    table.iter().find_map(|(key, value)| {
        let name = key.get_ref().to_string();
        let property = properties.and_then(|all| all.get(&name));
        let property = property.or_else(|| schema?.get("additionalProperties"));
        let schema = property.and_then(|one| root.resolve(one));
        let level = Level { name, key: Some(key.span()), value, schema };
        in_value(level, root, place)
    })
}

fn in_value<'d>(
    level: Level<'d>,
    root: &'d Schema,
    place: &Range<usize>,
) -> Option<Vec<Level<'d>>> {
    let inner = match level.value.get_ref() {
        DeValue::Table(table) => in_table(table, root, level.schema, place),
        DeValue::Array(items) => {
            let schema = level.schema.and_then(|s| s.get("items")).and_then(|s| root.resolve(s));
            items.iter().enumerate().find_map(|(at, value)| {
                in_value(Level { name: at.to_string(), key: None, value, schema }, root, place)
            })
        }
        _ => None,
    };
    match inner {
        Some(mut way) => {
            way.insert(0, level);
            Some(way)
        }
        None => {
            let around = |span: &Range<usize>| span.start <= place.start && place.end <= span.end;
            let here = around(&level.value.span()) || level.key.as_ref().is_some_and(around);
            here.then(|| vec![level])
        }
    }
}
