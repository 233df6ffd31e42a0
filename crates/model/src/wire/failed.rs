//! What a function says of a batch: which of its messages failed, in the words of AWS Lambda's
//! `ReportBatchItemFailures`.
//!
//! Invariant: what cannot be understood is a failure of all of it.

use crate::InvocationId;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeSet;
use std::marker::PhantomData;

/// The reply is none that says what failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the reply does not say what failed")]
pub struct Malformed;

#[derive(Deserialize)]
struct Reply {
    #[serde(rename = "batchItemFailures", default)]
    failures: Option<Vec<Object<Failure>>>,
}

#[derive(Deserialize)]
struct Failure {
    #[serde(rename = "itemIdentifier")]
    id: String,
}

/// An object, and no list of its values in its place.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Fields(PhantomData)).map(Self)
    }
}

struct Fields<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
    type Value = T;

    fn expecting(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(fields))
    }
}

/// The messages that failed. No reply, `null`, `{}`, and a list that is `null` or empty say that
/// none did. A reply that is no such JSON, an id that is missing, empty or `null`, and one that is
/// none of the batch's are refused.
///
/// # Errors
/// [`Malformed`].
pub fn failed(reply: &[u8], batch: &[InvocationId]) -> Result<BTreeSet<InvocationId>, Malformed> {
    if reply.trim_ascii().is_empty() {
        return Ok(BTreeSet::new());
    }
    let reply: Option<Object<Reply>> = serde_json::from_slice(reply).map_err(|_| Malformed)?;
    let failures = reply.and_then(|Object(reply)| reply.failures).unwrap_or_default();
    let known = |Object(failure): Object<Failure>| {
        let id = failure.id.parse().ok().filter(|id| batch.contains(id));
        id.ok_or(Malformed)
    };
    failures.into_iter().map(known).collect()
}

/// What the fuzzer and the tests call: a reply to a batch. It names messages of the batch only, and
/// means the same however its JSON is laid out.
///
/// # Errors
/// The promise that was broken.
#[cfg(any(test, fuzzing))]
pub(crate) fn fuzz(bytes: &[u8]) -> crate::fuzz::Outcome {
    let batch = [1, 2, 3].map(|byte| InvocationId::from_bytes([byte; 16]));
    let Ok(read) = failed(bytes, &batch) else { return Ok(()) };
    if !read.iter().all(|id| batch.contains(id)) {
        return Err("it names what is none of the batch".to_owned());
    }
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(bytes) else { return Ok(()) };
    let again = serde_json::to_vec_pretty(&value).map_err(|error| error.to_string())?;
    match failed(&again, &batch) {
        Ok(again) if again == read => Ok(()),
        _ => Err("laid out differently, it says something else".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids() -> [InvocationId; 3] {
        [1, 2, 3].map(|number| InvocationId::from_parts(1_700_000_000_000_000, [number; 8]))
    }

    #[test]
    fn nothing_that_failed_is_said_in_several_ways() {
        let all = [
            "",
            " \n",
            "null",
            "{}",
            "{\"batchItemFailures\":null}",
            "{\"batchItemFailures\":[]}",
            "{\"statusCode\":200}",
        ];
        for reply in all {
            assert_eq!(failed(reply.as_bytes(), &ids()), Ok(BTreeSet::new()), "{reply}");
        }
    }

    #[test]
    fn what_failed_is_named_by_its_id_and_may_be_named_twice() {
        let [one, _, three] = ids();
        let item = |id| format!("{{\"itemIdentifier\":\"{id}\"}}");
        let items = [item(three), item(one), item(one)].join(",");
        let reply = format!("{{\"batchItemFailures\":[{items}],\"more\":1}}");
        assert_eq!(failed(reply.as_bytes(), &ids()), Ok(BTreeSet::from([one, three])));
    }

    #[test]
    fn what_cannot_be_understood_is_refused() {
        let other = InvocationId::from_parts(1_700_000_000_000_000, [9; 8]);
        let other = format!("{{\"batchItemFailures\":[{{\"itemIdentifier\":\"{other}\"}}]}}");
        let listed = format!("{{\"batchItemFailures\":[[\"{}\"]]}}", ids()[0]);
        for reply in [
            "done",
            "\"done\"",
            "7",
            "true",
            "[]x",
            "[]",
            "[null]",
            "{\"batchItemFailures\":{}}",
            "{\"batchItemFailures\":[\"a\"]}",
            "{\"batchItemFailures\":[{}]}",
            "{\"batchItemFailures\":[{\"itemIdentifier\":\"\"}]}",
            "{\"batchItemFailures\":[{\"itemIdentifier\":null}]}",
            "{\"batchItemFailures\":[{\"itemidentifier\":\"x\"}]}",
            "{\"batchItemFailures\":[],\"batchItemFailures\":[]}",
            &other,
            &listed,
        ] {
            assert_eq!(failed(reply.as_bytes(), &ids()), Err(Malformed), "{reply}");
        }
    }
}
