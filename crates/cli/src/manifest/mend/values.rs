//! Values that may have been meant, as they are written in TOML; the likeliest first.

use super::super::keys::Schema;
use super::names;
use serde_json::{Map, Value};
use std::cmp::Reverse;
use std::collections::BTreeSet;
use toml::de::DeValue;

/// What is known of a value that does not fit.
#[derive(Clone, Copy)]
pub(super) struct Wrong<'a> {
    pub(super) schema: &'a Schema,
    /// What may stand there.
    pub(super) fits: Option<&'a Map<String, Value>>,
    pub(super) value: &'a DeValue<'a>,
    /// As it is written.
    pub(super) written: &'a str,
    /// What was said about it.
    pub(super) said: &'a str,
    /// What the function or the directory is called.
    pub(super) owner: &'a str,
}

/// Values that may have been meant.
pub(super) fn candidates(wrong: &Wrong<'_>, key: &str) -> Vec<String> {
    let known = Known::of(wrong.schema, wrong.fits);
    let inner = match wrong.value {
        DeValue::String(text) => text.to_string(),
        _ => wrong.written.to_owned(),
    };
    let mut all = Vec::new();
    let texts = near(&inner, &known.words);
    if known.takes("boolean") && known.types.len() == 1 {
        let no = matches!(inner.to_ascii_lowercase().as_str(), "false" | "no" | "off" | "0" | "");
        all.push((!no).to_string());
    }
    if known.takes("integer") {
        let whole = inner.split('.').next().unwrap_or_default().trim_start_matches('-');
        all.extend(whole.parse::<u64>().ok().map(|number| number.to_string()));
    }
    let limited = ["must be ", "is above "].iter().any(|start| wrong.said.contains(start));
    if limited && known.takes("string") {
        all.extend(names::limits(wrong.said).iter().map(quoted));
    }
    all.extend(with_units(&inner, &known));
    if wrong.said.contains("asked for by") {
        all.push(quoted(names::below(&inner, wrong.owner)));
    }
    if known.takes("string") || matches!(wrong.value, DeValue::String(_)) {
        // Tokens that the complaint itself names come before what the schema knows.
        let mut named = near(&inner, &names::advised(wrong.said));
        // Nobody is let in by advice, unless that is what was meant.
        let opens = |word: &String| word == "public" && distance(&inner, word) > 2;
        named.retain(|word| !opens(word));
        all.extend(texts.iter().chain(&named).map(quoted));
        all.extend(names::limits(wrong.said).iter().map(quoted));
        all.extend(names::alike(&inner, wrong.owner).iter().map(quoted));
    }
    if known.takes("integer") {
        let number = |text: &String| text.bytes().all(|byte| byte.is_ascii_digit());
        let mut limits: Vec<String> =
            names::limits(wrong.said).into_iter().filter(number).collect();
        let is: u64 = inner.parse().unwrap_or_default();
        let far = |limit: &String| limit.parse::<u64>().map_or(u64::MAX, |l| l.abs_diff(is));
        limits.sort_by_key(far);
        all.extend(limits);
    }
    all.extend(reshaped(wrong, &known));
    all.extend(known.examples.iter().map(toml));
    if known.takes("string") {
        all.push(invented(key, wrong.schema, wrong.fits, wrong.owner));
    }
    all.retain(|new| new != wrong.written);
    all
}

/// A list that holds something twice, with it once.
pub(super) fn once(value: &DeValue<'_>) -> Option<String> {
    let mut seen = BTreeSet::new();
    let items = value.as_array()?;
    let texts: Option<Vec<&str>> = items.iter().map(|item| item.get_ref().as_str()).collect();
    let mut texts = texts?;
    let all = texts.len();
    texts.retain(|text| seen.insert(*text));
    let texts: Vec<String> = texts.into_iter().map(quoted).collect();
    (texts.len() < all).then(|| format!("[{}]", texts.join(", ")))
}

/// A value of the wrong shape in the right one: in a list, out of a list, in a table.
fn reshaped(wrong: &Wrong<'_>, known: &Known) -> Vec<String> {
    let mut all = Vec::new();
    match wrong.value {
        DeValue::Array(items) if !known.takes("array") => {
            let texts = items.iter().filter_map(|item| item.get_ref().as_str());
            all.extend(texts.map(quoted));
        }
        _ => {}
    }
    if let Some(key) = &known.only_key {
        all.push(format!("{{ {key} = {} }}", wrong.written));
    }
    if known.takes("array") && !matches!(wrong.value, DeValue::Array(_)) {
        let items = wrong.fits.and_then(|fits| fits.get("items"));
        let inner = Known::of(wrong.schema, items.and_then(|items| wrong.schema.resolve(items)));
        if let Some(key) = &inner.only_key {
            all.push(format!("[{{ {key} = {} }}]", wrong.written));
        }
        all.push(format!("[{}]", wrong.written));
        all.push(format!("[{}]", quoted(wrong.written)));
    }
    if known.takes("array") {
        let items = wrong.fits.and_then(|fits| fits.get("items"));
        let inner = Known::of(wrong.schema, items.and_then(|items| wrong.schema.resolve(items)));
        all.extend(inner.examples.iter().map(|example| format!("[{}]", toml(example))));
        all.extend(inner.words.iter().map(|word| format!("[{}]", quoted(word))));
    }
    all
}

/// `3`, `"3"`, `"3 seconds"` or `"64mb"` with a unit that exists.
fn with_units(inner: &str, known: &Known) -> Vec<String> {
    let start = inner.trim_start_matches(|c: char| !c.is_ascii_digit());
    let end = start.find(|c: char| !c.is_ascii_digit()).unwrap_or(start.len());
    let (digits, rest) = start.split_at(end);
    if digits.is_empty() || known.units.is_empty() {
        return Vec::new();
    }
    let unit = rest.trim_start_matches(|c: char| !c.is_ascii_alphabetic()).to_ascii_lowercase();
    let mut units = known.units.clone();
    let alike = |known: &String| {
        let known = known.to_ascii_lowercase();
        unit.chars().zip(known.chars()).take_while(|(a, b)| a == b).count()
    };
    // Those that begin alike first; without a unit, the one that examples have.
    let usual =
        |unit: &String| known.examples.iter().any(|e| toml(e).ends_with(&format!("{unit}\"")));
    units.sort_by_key(|unit| (Reverse(alike(unit)), !usual(unit)));
    let per = if known.rate { "/1" } else { "" };
    units.iter().map(|unit| format!("\"{digits}{per}{unit}\"")).collect()
}

/// What a schema says of a value, references and choices followed.
#[derive(Debug, Default)]
struct Known {
    types: Vec<String>,
    words: Vec<String>,
    examples: Vec<Value>,
    /// The units that its pattern takes.
    units: Vec<String>,
    rate: bool,
    /// The one key that such a table must have.
    only_key: Option<String>,
}

impl Known {
    fn of(schema: &Schema, fits: Option<&Map<String, Value>>) -> Self {
        let mut known = Self::default();
        if let Some(fits) = fits {
            known.add(schema, fits);
        }
        known
    }

    fn takes(&self, kind: &str) -> bool {
        self.types.iter().any(|one| one == kind)
    }

    fn add(&mut self, schema: &Schema, fits: &Map<String, Value>) {
        let texts = |key: &str| -> Vec<String> {
            let values = match fits.get(key) {
                Some(Value::Array(values)) => values.clone(),
                Some(value) => vec![value.clone()],
                None => Vec::new(),
            };
            values.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect()
        };
        self.types.extend(texts("type"));
        self.words.extend(texts("enum"));
        self.words.extend(texts("const"));
        let examples = fits.get("examples").and_then(Value::as_array);
        self.examples.extend(examples.into_iter().flatten().cloned());
        if let Some(pattern) = fits.get("pattern").and_then(Value::as_str)
            && let Some((_, group)) = pattern.rsplit_once('(')
            && let Some((group, _)) = group.split_once(')')
            && group.contains('|')
        {
            self.units.extend(group.split('|').map(str::to_owned));
            self.rate = pattern.contains('/');
        }
        let required = texts("required");
        if let [only] = required.as_slice() {
            self.only_key = Some(only.clone());
        }
        for key in ["anyOf", "oneOf"] {
            for choice in fits.get(key).and_then(Value::as_array).into_iter().flatten() {
                if let Some(choice) = schema.resolve(choice) {
                    self.add(schema, choice);
                }
            }
        }
    }
}

/// A value for a key that is missing.
pub(super) fn invented(
    key: &str,
    schema: &Schema,
    fits: Option<&Map<String, Value>>,
    owner: &str,
) -> String {
    let known = Known::of(schema, fits);
    let text = match key {
        "manifest" => return "1".to_owned(),
        "application" | "name" => Some("my-function".to_owned()),
        "source" => Some(format!("{owner}.wasm")),
        "route" => Some(format!("GET /{owner}")),
        "files" => Some("*".to_owned()),
        "control" => Some("no-cache".to_owned()),
        "path" => Some(format!("/{owner}")),
        _ => None,
    };
    if let Some(text) = text {
        return quoted(&text);
    }
    if let Some(example) = known.examples.first() {
        return toml(example);
    }
    if known.takes("object") {
        let inner = known.only_key.as_deref();
        let properties = fits.and_then(|fits| fits.get("properties"));
        let inner = inner.map(|key| {
            let property = properties.and_then(|all| all.get(key));
            let value = invented(key, schema, property.and_then(|p| schema.resolve(p)), owner);
            format!("{key} = {value}")
        });
        return inner.map_or("{}".to_owned(), |inner| format!("{{ {inner} }}"));
    }
    if known.takes("array") {
        let items = fits.and_then(|fits| fits.get("items")).and_then(|items| schema.resolve(items));
        return format!("[{}]", invented("", schema, items, owner));
    }
    known.words.first().map_or_else(|| quoted("text"), quoted)
}

fn near(text: &str, words: &[String]) -> Vec<String> {
    let mut words = words.to_vec();
    words.sort_by_key(|word| distance(text, word));
    words
}

fn distance(one: &str, other: &str) -> usize {
    strsim::damerau_levenshtein(&one.to_ascii_lowercase(), &other.to_ascii_lowercase())
}

fn quoted(text: impl AsRef<str>) -> String {
    Value::from(text.as_ref()).to_string()
}

/// JSON's texts and numbers are TOML's.
fn toml(value: &Value) -> String {
    value.to_string()
}
