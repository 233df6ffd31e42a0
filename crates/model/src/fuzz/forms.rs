//! Forms with a structure: the manifest as JSON, and what the journal writes.

use super::{Outcome, hold};
use crate::limit::Ceiling;
use crate::wire::v1::{Entry, Record};
use crate::{Manifest, route};
use std::collections::BTreeSet;

/// A manifest as the admin API takes it. What is read comes back from what is written; what
/// passes the checks has functions of different names, routes that read as themselves, and limits
/// that the node allows.
///
/// # Errors
/// The promise that was broken.
pub fn manifest_json(bytes: &[u8]) -> Outcome {
    let Ok(manifest) = serde_json::from_slice::<Manifest>(bytes) else { return Ok(()) };
    let json = serde_json::to_vec(&manifest).map_err(|error| error.to_string())?;
    let again = serde_json::from_slice::<Manifest>(&json).ok();
    hold(again.as_ref() == Some(&manifest), "it does not come back")?;
    if manifest.check(&Ceiling::DEFAULT).is_err() {
        return Ok(());
    }
    let names: BTreeSet<_> = manifest.functions.iter().map(|function| &function.name).collect();
    hold(names.len() == manifest.functions.len(), "two functions of one name")?;
    let routes = manifest.functions.iter().flat_map(|function| &function.http);
    let mut places = BTreeSet::new();
    for trigger in routes {
        let read = route::Route::parse(&trigger.route.to_string());
        hold(read.as_ref() == Ok(&trigger.route), "a route that reads as another")?;
        let route = &trigger.route;
        let place = (route.method.clone(), route.host.clone(), route.shape());
        hold(places.insert(place), "two routes of one place")?;
    }
    for function in &manifest.functions {
        let limits = function.limits();
        let most = Ceiling::DEFAULT;
        let within = limits.wall_ms <= most.wall.ms
            && limits.cpu_ms <= most.cpu.ms
            && limits.memory_bytes <= most.memory.bytes
            && limits.request_body_bytes <= most.body.bytes
            && limits.response_body_bytes <= most.body.bytes
            && (1..=most.concurrency).contains(&limits.concurrency);
        hold(within && limits.wall_ms > 0 && limits.cpu_ms > 0, "limits above the ceiling")?;
    }
    Ok(())
}

/// An entry of the journal, in its form on disk. What is read comes back from what is written,
/// which is never longer; and people are shown the same record in JSON.
///
/// # Errors
/// The promise that was broken.
pub fn record(bytes: &[u8]) -> Outcome {
    let Ok((entry, rest)) = postcard::take_from_bytes::<Entry>(bytes) else { return Ok(()) };
    let used = bytes.len() - rest.len();
    let written = postcard::to_stdvec(&entry).map_err(|error| error.to_string())?;
    hold(written.len() <= used, "it grows when it is written again")?;
    let again = postcard::from_bytes::<Entry>(&written).map_err(|error| error.to_string())?;
    hold(again == entry, "it does not come back")?;
    if let Entry::End(record) = entry {
        let json = serde_json::to_vec(&record).map_err(|error| error.to_string())?;
        let again = serde_json::from_slice::<Record>(&json);
        let again = again.map_err(|error| format!("JSON does not come back: {error}"))?;
        hold(again == *record, "JSON says something else")?;
    }
    Ok(())
}
