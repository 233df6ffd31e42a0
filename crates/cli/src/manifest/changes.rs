//! What a deployment would change: two manifests, compared key by key.

use model::Manifest;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// What happens to a function or to the application itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// It was not there.
    Added,
    /// It is another.
    Changed,
    /// It will not be there.
    Removed,
}

/// One function, or the application itself, that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Change {
    /// Such as `function orders` or `application`.
    pub(crate) what: String,
    /// What happens to it.
    pub(crate) kind: Kind,
    /// The keys that change, for what is on both sides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) keys: Vec<KeyChange>,
}

/// One key that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct KeyChange {
    /// Such as `http[0].route`.
    pub(crate) key: String,
    /// What it is now; absent if it is not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) before: Option<Value>,
    /// What it would be; absent if it would not be set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<Value>,
}

/// Lists of tables whose items are told apart by a key, and what such an item is called.
const NAMED: &[(&str, &str)] = &[("function", "name"), ("assets", "route")];

/// Everything that changes from `before` to `after`, in the order of the keys.
pub(crate) fn between(before: Option<&Manifest>, after: &Manifest) -> Vec<Change> {
    let object = |manifest: &Manifest| match serde_json::to_value(manifest) {
        Ok(Value::Object(object)) => object,
        _ => Map::new(),
    };
    compare(&before.map(object).unwrap_or_default(), &object(after), before.is_none())
}

fn compare(before: &Map<String, Value>, after: &Map<String, Value>, new: bool) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut own = Vec::new();
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for key in keys {
        let (old, now) = (before.get(key), after.get(key));
        match NAMED.iter().find(|(list, _)| list == key) {
            Some((list, name)) => changes.extend(of_list(list, name, old, now)),
            None => differ(key, old, now, &mut own),
        }
    }
    if new {
        changes.insert(
            0,
            Change { what: "application".to_owned(), kind: Kind::Added, keys: Vec::new() },
        );
    } else if !own.is_empty() {
        changes
            .insert(0, Change { what: "application".to_owned(), kind: Kind::Changed, keys: own });
    }
    changes
}

/// The changes of a list whose items have names. An order that changes is no change.
fn of_list(list: &str, name: &str, before: Option<&Value>, after: Option<&Value>) -> Vec<Change> {
    let items = |value: Option<&Value>| -> Vec<(String, Value)> {
        let items = value.and_then(Value::as_array).cloned().unwrap_or_default();
        let named =
            |item: Value| (item.get(name).and_then(Value::as_str).unwrap_or("?").to_owned(), item);
        items.into_iter().map(named).collect()
    };
    let (before, after) = (items(before), items(after));
    let find = |items: &[(String, Value)], name: &str| {
        items.iter().find(|(known, _)| known == name).map(|(_, item)| item.clone())
    };
    let names: BTreeSet<&String> = before.iter().chain(&after).map(|(name, _)| name).collect();
    let mut changes = Vec::new();
    for item in names {
        let what = format!("{list} {item}");
        let change = match (find(&before, item), find(&after, item)) {
            (None, Some(_)) => Change { what, kind: Kind::Added, keys: Vec::new() },
            (Some(_), None) => Change { what, kind: Kind::Removed, keys: Vec::new() },
            (old, now) => {
                let mut keys = Vec::new();
                differ("", old.as_ref(), now.as_ref(), &mut keys);
                Change { what, kind: Kind::Changed, keys }
            }
        };
        if change.kind != Kind::Changed || !change.keys.is_empty() {
            changes.push(change);
        }
    }
    changes
}

/// The keys below `key` whose values differ.
fn differ(key: &str, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<KeyChange>) {
    if before == after {
        return;
    }
    let empty = Map::new();
    let table = |value: Option<&Value>| -> Option<Map<String, Value>> {
        value.map_or(Some(empty.clone()), |value| value.as_object().cloned())
    };
    let list = |value: Option<&Value>| -> Option<Vec<Value>> {
        let value = value?.as_array()?;
        value.iter().all(Value::is_object).then(|| value.clone())
    };
    if let (Some(old), Some(now)) = (table(before), table(after)) {
        let keys: BTreeSet<&String> = old.keys().chain(now.keys()).collect();
        for inner in keys {
            let path = if key.is_empty() { inner.clone() } else { format!("{key}.{inner}") };
            differ(&path, old.get(inner), now.get(inner), found);
        }
    } else if let (Some(old), Some(now)) = (list(before), list(after)) {
        for at in 0..old.len().max(now.len()) {
            differ(&format!("{key}[{at}]"), old.get(at), now.get(at), found);
        }
    } else {
        found.push(KeyChange {
            key: key.to_owned(),
            before: before.cloned(),
            after: after.cloned(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(functions: &str) -> Manifest {
        let text = format!(r#"{{"manifest":1,"application":"shop","function":[{functions}]}}"#);
        serde_json::from_str(&text).expect(&text)
    }

    fn said(before: &str, after: &str) -> Vec<String> {
        let changes = between(Some(&manifest(before)), &manifest(after));
        let keys = |change: &Change| {
            let key = |key: &KeyChange| {
                let text = |value: &Option<Value>| {
                    value.as_ref().map_or_else(|| "-".to_owned(), Value::to_string)
                };
                format!(" {}: {} {}", key.key, text(&key.before), text(&key.after))
            };
            change.keys.iter().map(key).collect::<String>()
        };
        changes.iter().map(|it| format!("{:?} {}{}", it.kind, it.what, keys(it))).collect()
    }

    #[test]
    fn functions_come_go_and_change_by_key() {
        let before = r#"{"name":"a","timeout":"3s","http":[{"route":"GET /x"}]},{"name":"b"}"#;
        let after = r#"{"name":"c"},{"name":"a","memory":"64MiB","http":[{"route":"GET /y"}]}"#;
        assert_eq!(
            said(before, after),
            [
                "Changed function a http[0].route: \"GET /x\" \"GET /y\" memory: - \"64MiB\" timeout: \"3s\" -",
                "Removed function b",
                "Added function c",
            ]
        );
    }

    #[test]
    fn what_is_the_same_in_another_order_is_no_change() {
        let one = r#"{"name":"a"},{"name":"b","cpu":"1s"}"#;
        let two = r#"{"name":"b","cpu":"1s"},{"name":"a"}"#;
        assert_eq!(said(one, two), Vec::<String>::new());
    }

    #[test]
    fn what_was_never_deployed_is_new_as_a_whole() {
        let changes = between(None, &manifest(r#"{"name":"a"}"#));
        let whats: Vec<&str> = changes.iter().map(|change| change.what.as_str()).collect();
        assert_eq!(whats, ["application", "function a"]);
        assert!(changes.iter().all(|change| change.kind == Kind::Added));
    }
}
