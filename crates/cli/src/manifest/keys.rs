//! Keys that do not exist, and the one that was meant.
//!
//! The known keys come from the manifest's JSON Schema, which comes from its types, so that they
//! are listed nowhere a second time.

use super::document::{Document, Fault};
use model::{Code, Manifest};
use serde_json::{Map, Value};
use std::ops::Range;
use std::sync::LazyLock;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Refuses the first key that the manifest format does not have.
///
/// # Errors
/// E0103 with the line, the table and the nearest known key.
pub(super) fn check(document: &Document<'_>) -> Result<(), Fault> {
    let schema = Schema::of_manifest();
    let mut found = Vec::new();
    schema.walk(&document.root, schema.root.as_object(), &Place::default(), &mut found);
    // The first one in the file, not the first in the tables' order.
    match found.into_iter().min_by_key(|unknown| unknown.span.start) {
        Some(unknown) => Err(document.fault(
            Code::ManifestUnknownKey,
            Some(unknown.span.clone()),
            schema.say(&unknown),
        )),
        None => Ok(()),
    }
}

/// The schema that `casemate schema` prints.
pub(crate) fn schema() -> schemars::Schema {
    schemars::schema_for!(Manifest)
}

/// A table of the manifest, as its heading is written.
#[derive(Debug, Clone, Default)]
struct Place {
    path: Vec<String>,
    repeated: bool,
}

impl Place {
    fn below(&self, key: &str, repeated: bool) -> Self {
        let mut path = self.path.clone();
        path.push(key.to_owned());
        Self { path, repeated }
    }

    fn heading(&self) -> String {
        match (self.path.as_slice(), self.repeated) {
            ([], _) => "at the top".to_owned(),
            (path, true) => format!("in [[{}]]", path.join(".")),
            (path, false) => format!("in [{}]", path.join(".")),
        }
    }
}

struct Unknown {
    key: String,
    span: Range<usize>,
    place: Place,
    known: Vec<String>,
}

/// What the manifest's types say of every key.
pub(super) struct Schema {
    root: Value,
}

impl Schema {
    pub(super) fn of_manifest() -> &'static Self {
        static SCHEMA: LazyLock<Schema> = LazyLock::new(|| Schema { root: schema().to_value() });
        &SCHEMA
    }

    /// Follows references and the "or null" of optional values.
    pub(super) fn resolve<'s>(&'s self, schema: &'s Value) -> Option<&'s Map<String, Value>> {
        let object = schema.as_object()?;
        if let Some(target) = object.get("$ref").and_then(Value::as_str) {
            return self.resolve(self.root.pointer(target.strip_prefix('#')?)?);
        }
        let choices = object.get("anyOf").and_then(Value::as_array);
        match choices
            .and_then(|choices| choices.iter().find(|c| c.get("type") != Some(&"null".into())))
        {
            Some(choice) => self.resolve(choice),
            None => Some(object),
        }
    }

    /// What may stand at the top.
    pub(super) fn top(&self) -> Option<&Map<String, Value>> {
        self.root.as_object()
    }

    /// The known keys that the first unknown key of a text may mean, the likeliest first.
    pub(super) fn meant(&self, root: &DeTable<'_>, key: &Range<usize>) -> Vec<String> {
        let mut found = Vec::new();
        self.walk(root, self.top(), &Place::default(), &mut found);
        let unknown = found.into_iter().find(|unknown| unknown.span == *key);
        let Some(Unknown { key, mut known, .. }) = unknown else { return Vec::new() };
        let lower = key.to_lowercase().replace('-', "_");
        let distance = |known: &String| strsim::damerau_levenshtein(&lower, known);
        let within = |one: &String| {
            key.len().min(one.len()) > 2 && (lower.contains(one.as_str()) || one.contains(&lower))
        };
        known.retain(|one| distance(one) <= (one.len() / 3).max(1) || within(one));
        known.sort_by_key(distance);
        known
    }

    /// The heading of the table where a key of this name does exist; none for the top.
    pub(super) fn heading_of(&self, key: &str) -> Option<String> {
        let place = self.home_of(key, &Place::default())?;
        let path = place.path.join(".");
        match (path.is_empty(), place.repeated) {
            (true, _) => None,
            (false, true) => Some(format!("[[{path}]]")),
            (false, false) => Some(format!("[{path}]")),
        }
    }

    /// The heading of a table that is not at the top, as it should be written.
    pub(super) fn full_heading_of(&self, key: &str) -> Option<String> {
        let place = self.home_of(key, &Place::default())?;
        let mut table = self.top();
        for step in place.path.iter().map(String::as_str).chain([key]) {
            let property = table?.get("properties")?.as_object()?.get(step)?;
            let schema = self.resolve(property);
            let items = schema.and_then(|s| s.get("items"));
            table = items.map_or(schema, |items| self.resolve(items));
            if step == key {
                let path = place.below(key, items.is_some());
                return Some(path.heading().replace("in ", ""));
            }
        }
        None
    }

    /// Whether the top has a key of this name.
    pub(super) fn is_of_top(&self, key: &str) -> bool {
        let properties = self.top().and_then(|top| top.get("properties"));
        properties.and_then(Value::as_object).is_some_and(|all| all.contains_key(key))
    }

    fn walk(
        &self,
        table: &DeTable<'_>,
        schema: Option<&Map<String, Value>>,
        place: &Place,
        found: &mut Vec<Unknown>,
    ) {
        let Some(properties) = schema.and_then(|s| s.get("properties")).and_then(Value::as_object)
        else {
            return;
        };
        for (key, value) in table.iter() {
            let name: &str = key.get_ref();
            match properties.get(name) {
                Some(property) => self.walk_value(value, name, property, place, found),
                None => found.push(Unknown {
                    key: name.to_owned(),
                    span: key.span(),
                    place: place.clone(),
                    known: sorted(properties),
                }),
            }
        }
    }

    fn walk_value(
        &self,
        value: &Spanned<DeValue<'_>>,
        name: &str,
        property: &Value,
        place: &Place,
        found: &mut Vec<Unknown>,
    ) {
        let schema = self.resolve(property);
        match value.get_ref() {
            DeValue::Table(inner) => self.walk(inner, schema, &place.below(name, false), found),
            DeValue::Array(items) => {
                let schema = schema.and_then(|s| s.get("items")).and_then(|s| self.resolve(s));
                for item in items.iter() {
                    if let Some(inner) = item.get_ref().as_table() {
                        self.walk(inner, schema, &place.below(name, true), found);
                    }
                }
            }
            _ => {}
        }
    }

    fn say(&self, unknown: &Unknown) -> String {
        let said = format!("unknown key `{}` {}", unknown.key, unknown.place.heading());
        if let Some(near) = nearest(&unknown.key, &unknown.known) {
            return format!("{said}; did you mean `{near}`?");
        }
        match self.home_of(&unknown.key, &unknown.place) {
            Some(place) => format!("{said}; it belongs {}", place.heading()),
            None => format!("{said}; known are {}", unknown.known.join(", ")),
        }
    }

    /// The table where a key of this name does exist: below the one where it was written, if one
    /// there has it.
    fn home_of(&self, key: &str, written: &Place) -> Option<Place> {
        let mut elsewhere = None;
        let mut open = vec![(Place::default(), self.root.as_object())];
        while let Some((place, schema)) = open.pop() {
            let Some(properties) =
                schema.and_then(|s| s.get("properties")).and_then(Value::as_object)
            else {
                continue;
            };
            if properties.contains_key(key) {
                if place.path.starts_with(&written.path) {
                    return Some(place);
                }
                elsewhere = Some(place);
                continue;
            }
            for (name, property) in properties {
                let schema = self.resolve(property);
                let items = schema.and_then(|s| s.get("items"));
                let inner = items.map_or(schema, |items| self.resolve(items));
                open.push((place.below(name, items.is_some()), inner));
            }
        }
        elsewhere
    }
}

/// The keys in the order of the alphabet: the schema's own order depends on how JSON was built.
fn sorted(properties: &Map<String, Value>) -> Vec<String> {
    let mut keys: Vec<String> = properties.keys().cloned().collect();
    keys.sort();
    keys
}

/// The known key that is one or two slips of the finger away.
fn nearest<'k>(key: &str, known: &'k [String]) -> Option<&'k String> {
    known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(key, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 5)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}
