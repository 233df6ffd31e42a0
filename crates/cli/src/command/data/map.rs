//! The data map: what records say of classes of data.

use crate::voice::{Table, Voice};
use model::api::Record;
use model::wire::v1::{Call, Decision};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// Which data went where, and what was revealed.
#[derive(Debug, Default, Serialize)]
pub(super) struct DataMap {
    /// How many records it was made of.
    pub(super) records: usize,
    /// What went from where to where, in order.
    pub(super) flows: Vec<Flow>,
    /// What was revealed.
    pub(super) reveals: Vec<Revealed>,
    /// What detectors found.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) found: Vec<Found>,
}

/// Values of a class that detectors found.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Found {
    /// The class.
    pub(super) class: String,
    /// The function.
    pub(super) function: String,
    /// `intake`, `reply`, `request` or `log`.
    pub(super) at: String,
    /// What became of them, such as `observed` or `masked`.
    pub(super) became: String,
    /// In how many invocations.
    pub(super) invocations: u64,
    /// How many values.
    pub(super) values: u64,
}

/// A kind of data, from one place to another.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Flow {
    /// A class and its form, such as `pan.card`.
    pub(super) data: String,
    /// From where.
    pub(super) from: Place,
    /// Where to.
    pub(super) to: Place,
    /// In how many invocations.
    pub(super) invocations: u64,
}

/// A place that data comes from or goes to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Place {
    /// `trigger`, `function`, `store`, `container` or `host`.
    pub(super) kind: &'static str,
    /// What it is called.
    pub(super) name: String,
}

/// Values of a class that came back in requests.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Revealed {
    /// The class.
    pub(super) class: String,
    /// The function that sent the requests.
    pub(super) function: String,
    /// Scheme, host and port.
    pub(super) to: String,
    /// What for.
    pub(super) purpose: String,
    /// Requests with values in them.
    pub(super) requests: u64,
    /// Values.
    pub(super) values: u64,
    /// Requests that were not sent, since it was not granted.
    pub(super) denied: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            "trigger" => f.write_str(&self.name),
            kind => write!(f, "{kind} {}", self.name),
        }
    }
}

fn place(kind: &'static str, name: impl Into<String>) -> Place {
    Place { kind, name: name.into() }
}

impl DataMap {
    /// Adds records up.
    pub(super) fn of(records: &[Record]) -> Self {
        let mut flows: BTreeMap<(String, Place, Place), u64> = BTreeMap::new();
        let mut reveals: BTreeMap<[String; 4], (u64, u64, u64)> = BTreeMap::new();
        let mut found: BTreeMap<[String; 4], (u64, u64)> = BTreeMap::new();
        for record in records {
            let function = place("function", record.function.to_string());
            let mut ends: Vec<(Place, Place)> =
                vec![(place("trigger", record.trigger.clone()), function.clone())];
            let to = record.calls.iter().filter(|call| call.decision == Decision::Allowed);
            ends.extend(to.filter_map(target).map(|to| (function.clone(), to)));
            ends.sort();
            ends.dedup();
            let read = record.calls.iter().filter(|call| call.decision == Decision::Allowed);
            let read = read.filter_map(|call| Some((source(call)?, &call.labels)));
            let mut came: Vec<(Place, String)> = read
                .flat_map(|(from, all)| all.iter().map(move |it| (from.clone(), it)))
                .map(|(from, label)| (from, label.as_str().to_owned()))
                .collect();
            came.sort();
            came.dedup();
            for (from, data) in came {
                *flows.entry((data, from, function.clone())).or_insert(0) += 1;
            }
            for (from, to) in ends {
                for label in record.labels.iter() {
                    let key = (label.as_str().to_owned(), from.clone(), to.clone());
                    *flows.entry(key).or_insert(0) += 1;
                }
            }
            for call in record.calls.iter().filter(|call| call.operation == "data.found") {
                let Some((class, at, became, values)) = found_in(&call.resource) else { continue };
                let own = |text: &str| text.to_owned();
                let key = [own(class), record.function.to_string(), own(at), own(became)];
                let (invocations, all) = found.entry(key).or_default();
                (*invocations, *all) = (*invocations + 1, *all + values);
            }
            for call in record.calls.iter().filter(|call| call.operation == "data.reveal") {
                let Some((class, to, purpose, values)) = revealed(&call.resource) else { continue };
                let key = [class, record.function.to_string(), to, purpose];
                let (requests, all, denied) = reveals.entry(key).or_default();
                match call.decision {
                    Decision::Allowed => (*requests, *all) = (*requests + 1, *all + values),
                    _ => *denied += 1,
                }
            }
        }
        let flow = |((data, from, to), invocations)| Flow { data, from, to, invocations };
        let reveal = |(key, counts): ([String; 4], (u64, u64, u64))| {
            let ([class, function, to, purpose], (requests, values, denied)) = (key, counts);
            Revealed { class, function, to, purpose, requests, values, denied }
        };
        let find = |(key, counts): ([String; 4], (u64, u64))| {
            let ([class, function, at, became], (invocations, values)) = (key, counts);
            Found { class, function, at, became, invocations, values }
        };
        Self {
            records: records.len(),
            flows: flows.into_iter().map(flow).collect(),
            reveals: reveals.into_iter().map(reveal).collect(),
            found: found.into_iter().map(find).collect(),
        }
    }

    /// What was found, as a table.
    pub(super) fn print_found(&self, voice: &Voice) -> anyhow::Result<()> {
        if self.found.is_empty() {
            return Ok(());
        }
        voice.line("")?;
        let mut table = Table::new(["FOUND", "BY", "IN", "BECAME", "INVOCATIONS", "VALUES"]);
        for found in &self.found {
            let Found { class, function, at, became, invocations, values } = found;
            let counts = [invocations, values].map(ToString::to_string);
            let [invocations, values] = counts;
            let texts = [class, function, at, became].map(Clone::clone);
            let [class, function, at, became] = texts;
            table.row([class, function, at, became, invocations, values]);
        }
        table.print(voice)
    }
}

/// Where an ask takes data from that is known to be there.
fn source(call: &Call) -> Option<Place> {
    let resource = call.resource.as_str();
    match call.operation.as_str() {
        "keyvalue.get" | "keyvalue.add" | "keyvalue.swap" => Some(place("store", resource)),
        "blob.read" => Some(place("container", resource.split('/').next().unwrap_or(resource))),
        _ => None,
    }
}

/// Where an ask takes data to.
fn target(call: &Call) -> Option<Place> {
    let resource = call.resource.as_str();
    match call.operation.as_str() {
        "http" => Some(place("host", origin(resource.split_once(' ')?.1))),
        "call" => {
            let host = resource.split_once(' ')?.1;
            let name = host.split_once(".fn.casemate.internal")?.0;
            Some(place("function", name))
        }
        "keyvalue.write" | "keyvalue.add" | "keyvalue.swap" => Some(place("store", resource)),
        "blob.write" | "blob.append" | "blob.copy" | "blob.move" => {
            Some(place("container", resource.split('/').next().unwrap_or(resource)))
        }
        _ => None,
    }
}

/// `CLASS for URL as PURPOSE (COUNT)`; the count is missing where nothing was revealed.
fn revealed(resource: &str) -> Option<(String, String, String, u64)> {
    let (class, rest) = resource.split_once(" for ")?;
    let (url, rest) = rest.split_once(" as ")?;
    let (purpose, count) = match rest.split_once(" (") {
        Some((purpose, count)) => (purpose, count.trim_end_matches(')').parse().unwrap_or(0)),
        None => (rest, 0),
    };
    Some((class.to_owned(), origin(url), purpose.to_owned(), count))
}

/// `CLASS in EXIT: BECAME (COUNT)`.
fn found_in(resource: &str) -> Option<(&str, &str, &str, u64)> {
    let (class, rest) = resource.split_once(" in ")?;
    let (at, rest) = rest.split_once(": ")?;
    let (became, count) = rest.split_once(" (")?;
    Some((class, at, became, count.trim_end_matches(')').parse().ok()?))
}

/// Scheme, host and port of an address.
fn origin(url: &str) -> String {
    let from = url.find("://").map_or(0, |at| at + 3);
    let rest = url.get(from..).unwrap_or_default();
    let end = rest.find('/').map_or(url.len(), |at| from + at);
    url.get(..end).unwrap_or(url).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reveals_are_read_as_records_have_them() {
        let read = revealed("pan for https://psp.example:8443/v1/charges as payment (2)");
        let expect = ("pan", "https://psp.example:8443", "payment", 2);
        let read = read.expect("a reveal");
        assert_eq!((read.0.as_str(), read.1.as_str(), read.2.as_str(), read.3), expect);
        assert_eq!(revealed("pan for https://psp.example as payment").expect("denied").3, 0);
        assert!(revealed("something else").is_none());
        assert_eq!(found_in("pan in reply: masked (3)"), Some(("pan", "reply", "masked", 3)));
        assert_eq!(found_in("pan in reply"), None);
    }
}
