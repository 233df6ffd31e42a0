//! Header fields as answers in JSON write them.

use super::BadAnswer;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};

/// Reads them: each name with a value, or with a list of values.
///
/// # Errors
/// [`BadAnswer::Header`]: one cannot be sent.
pub(crate) fn read(fields: Map<String, Value>) -> Result<HeaderMap, BadAnswer> {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        let bad = || BadAnswer::Header(name.clone());
        let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
        // What frames the message is said by who sends it.
        if parsed == CONTENT_LENGTH || parsed == TRANSFER_ENCODING {
            continue;
        }
        let values = match value {
            Value::Array(values) => values,
            value => vec![value],
        };
        for value in values {
            let value = HeaderValue::from_str(&text(value)).map_err(|_| bad())?;
            headers.try_append(parsed.clone(), value).map_err(|_| bad())?;
        }
    }
    Ok(headers)
}

/// A string without its quotes; anything else as JSON.
pub(crate) fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        value => value.to_string(),
    }
}
