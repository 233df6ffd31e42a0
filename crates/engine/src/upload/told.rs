//! What a function is told of an upload.

use super::Note;
use super::fields::read_metadata;
use bytes::Bytes;
use model::InvocationId;
use serde_json::{Map, Value};

/// The body of the function's request.
pub(super) fn body(note: &Note, object: &str, version: u64, by: &InvocationId) -> Bytes {
    let metadata = read_metadata(&note.metadata).unwrap_or_default();
    let metadata: Map<String, Value> =
        metadata.into_iter().map(|(key, value)| (key, value.into())).collect();
    let told = serde_json::json!({
        "container": "default",
        "name": object,
        "bytes": note.length,
        "version": version,
        "metadata": metadata,
        "invocation": by.to_string(),
    });
    told.to_string().into()
}
