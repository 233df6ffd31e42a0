//! Patterns of filters, as far as ours say the same: conditions on attributes of the event that is a
//! message's body. What they cannot say is refused, since a mapping that leaves a condition out calls
//! its function with what nobody wanted.

use super::super::wanted::Wanted;
use crate::fault::Fault;
use model::manifest::Filter;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Most patterns of a mapping, and the longest, as on AWS.
const PATTERNS_MAX: usize = 5;
const PATTERN_BYTES_MAX: usize = 4096;

/// The patterns that a request says, each of them one that we can follow.
pub(super) fn texts(criteria: Wanted) -> Result<Vec<String>, Fault> {
    let mut members = criteria.members();
    let filters = match members.remove("Filters") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(filters)) => filters,
        Some(_) => return Err(Fault::content("Filters is no list")),
    };
    if filters.len() > PATTERNS_MAX {
        let why = format!("Member must have length less than or equal to {PATTERNS_MAX}");
        return Err(Fault::constraint("FilterCriteria", "filters", &why));
    }
    let texts: Vec<String> = filters
        .into_iter()
        .map(|filter| match filter.get("Pattern") {
            Some(Value::String(text)) if text.len() <= PATTERN_BYTES_MAX => Ok(text.clone()),
            _ => Err(invalid("each has a Pattern of at most 4096 bytes")),
        })
        .collect::<Result<_, _>>()?;
    filters_of(&texts)?;
    Ok(texts)
}

/// The conditions of patterns: one of them holds.
pub(super) fn filters(patterns: &[String]) -> Result<Vec<Filter>, Fault> {
    let mut all = filters_of(patterns)?;
    Ok(match all.len() {
        0 | 1 => all.pop().into_iter().collect(),
        _ => vec![Filter::Any(all)],
    })
}

fn filters_of(patterns: &[String]) -> Result<Vec<Filter>, Fault> {
    patterns.iter().map(|text| one(text)).collect()
}

/// The conditions of one pattern: all of them hold.
fn one(text: &str) -> Result<Filter, Fault> {
    let read: Option<Map<String, Value>> = serde_json::from_str(text).ok();
    let pattern = read.ok_or_else(|| invalid("a Pattern is no JSON object"))?;
    let mut conditions = Vec::new();
    for (name, value) in pattern {
        let (true, Value::Object(attributes)) = (name == "body", value) else {
            return Err(invalid("conditions are on `body`, which is the event"));
        };
        for (name, value) in attributes {
            conditions.push(attribute(&name, value)?);
        }
    }
    match (conditions.pop(), conditions.is_empty()) {
        (None, _) => Err(invalid("a Pattern has at least one condition")),
        (Some(only), true) => Ok(only),
        (Some(last), false) => {
            conditions.push(last);
            Ok(Filter::All(conditions))
        }
    }
}

/// The condition on one attribute: one of the values fits.
fn attribute(name: &str, value: Value) -> Result<Filter, Fault> {
    let values = match value {
        Value::Array(values) if name != "data" => values,
        _ => return Err(invalid("conditions are on attributes of the event, and not on its data")),
    };
    let with = |text: &str| BTreeMap::from([(name.to_owned(), text.to_owned())]);
    let rule = |value: &Value| match value {
        Value::String(text) => Some(Filter::Exact(with(text))),
        Value::Object(rule) if rule.len() == 1 => {
            let text = |key: &str| rule.get(key).and_then(Value::as_str);
            let prefix = text("prefix").map(|text| Filter::Prefix(with(text)));
            prefix.or_else(|| text("suffix").map(|text| Filter::Suffix(with(text))))
        }
        _ => None,
    };
    let rules: Option<Vec<Filter>> = values.iter().map(rule).collect();
    let rules = rules.ok_or_else(|| invalid("an attribute is a text, a `prefix` or a `suffix`"))?;
    match <[Filter; 1]>::try_from(rules) {
        Ok([only]) => Ok(only),
        Err(rules) if rules.is_empty() => Err(invalid("a list of values is empty")),
        Err(rules) => Ok(Filter::Any(rules)),
    }
}

fn invalid(why: &str) -> Fault {
    Fault::invalid(format!("Invalid filter pattern definition for this node: {why}."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::CloudEvent;

    fn holds(patterns: &[&str], more: &str) -> bool {
        let text = format!(
            r#"{{"specversion":"1.0","id":"1","source":"/erp/orders","type":"x.paid"{more}}}"#
        );
        let event = CloudEvent::from_json(text.as_bytes()).expect("an event");
        let patterns: Vec<String> = patterns.iter().map(|&it| it.to_owned()).collect();
        filters(&patterns).expect("patterns").iter().all(|filter| filter.holds(&event))
    }

    #[test]
    fn patterns_are_conditions_on_attributes() {
        for (patterns, more, expected) in [
            (&[][..], "", true),
            (&[r#"{"body":{"type":["x.paid"]}}"#], "", true),
            (&[r#"{"body":{"type":["x.sent","x.paid"]}}"#], "", true),
            (&[r#"{"body":{"type":["x.sent"]}}"#], "", false),
            (&[r#"{"body":{"type":["x.paid"],"source":[{"prefix":"/erp"}]}}"#], "", true),
            (&[r#"{"body":{"type":["x.paid"],"source":[{"suffix":"/erp"}]}}"#], "", false),
            (&[r#"{"body":{"region":["eu"]}}"#], "", false),
            (&[r#"{"body":{"region":["eu"]}}"#], r#","region":"eu""#, true),
            (
                &[r#"{"body":{"type":["a"]}}"#, r#"{"body":{"source":[{"suffix":"orders"}]}}"#],
                "",
                true,
            ),
            (&[r#"{"body":{"type":["a"]}}"#, r#"{"body":{"type":["b"]}}"#], "", false),
        ] {
            assert_eq!(holds(patterns, more), expected, "{patterns:?} {more}");
        }
    }

    #[test]
    fn what_cannot_be_followed_is_refused() {
        for pattern in [
            "",
            "[]",
            "{}",
            r#"{"body":{}}"#,
            r#"{"body":["x"]}"#,
            r#"{"body":{"type":[]}}"#,
            r#"{"body":{"type":"x"}}"#,
            r#"{"body":{"type":[1]}}"#,
            r#"{"body":{"type":[{"anything-but":["x"]}]}}"#,
            r#"{"body":{"type":[{"prefix":"x","suffix":"y"}]}}"#,
            r#"{"body":{"type":[{"numeric":[">",1]}]}}"#,
            r#"{"body":{"data":{"n":[1]}}}"#,
            r#"{"body":{"data":["x"]}}"#,
            r#"{"messageAttributes":{"a":{"stringValue":["x"]}}}"#,
            r#"{"body":{"type":["x"]},"dataKey":["y"]}"#,
        ] {
            let fault = filters(&[pattern.to_owned()]).expect_err(pattern);
            assert!(fault.message.starts_with("Invalid filter pattern"), "{}", fault.message);
        }
    }
}
