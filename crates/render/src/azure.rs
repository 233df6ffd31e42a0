//! The JSON in which Azure's host speaks with a custom handler.
//!
//! Sources: `HttpScriptInvocationContext`, `HttpScriptInvocationResult` and
//! `HttpRequestExtensions.GetRequestAsJObject` of Azure/azure-functions-host. What is different here:
//! a string in an answer stays the text that it is, where that host decodes whatever happens to be
//! base64; and an event that is a JSON object is given as one, since no binding says its type.

mod answer;
pub(crate) mod fields;
mod query;
pub mod trigger;

pub use answer::{Answer, BadAnswer, Rendered};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What is said of every invocation.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    /// The function's name.
    pub function: &'a str,
    /// The name of the trigger's binding.
    pub binding: &'a str,
    /// The invocation's id.
    pub id: &'a str,
    /// The time, RFC 3339.
    pub utc_now: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Invocation<'a, T> {
    data: BTreeMap<&'a str, T>,
    metadata: Value,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct HttpTrigger<'a> {
    url: String,
    method: &'a str,
    query: BTreeMap<String, String>,
    headers: BTreeMap<&'a str, Vec<String>>,
    params: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
}

/// A request over HTTP.
///
/// # Errors
/// Never in practice: everything in it has a form in JSON.
pub fn request(parts: &Parts, body: &[u8], said: &Said<'_>) -> serde_json::Result<Vec<u8>> {
    let mut headers: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, value) in &parts.headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        headers.entry(name.as_str()).or_default().push(value);
    }
    let trigger = HttpTrigger {
        url: parts.uri.to_string(),
        method: parts.method.as_str(),
        query: query::read(parts.uri.query().unwrap_or_default()),
        headers,
        params: Map::new(),
        body: (!body.is_empty()).then(|| text(parts, body)),
    };
    invocation(trigger, Map::new(), said)
}

/// An event. One that is in this form already, with `Data` and `Metadata`, goes as it is.
///
/// # Errors
/// Never in practice: everything in it has a form in JSON.
pub fn event(body: &[u8], said: &Said<'_>) -> serde_json::Result<Vec<u8>> {
    let Ok(text) = std::str::from_utf8(body) else {
        return invocation(STANDARD.encode(body), Map::new(), said);
    };
    let object: Option<BTreeMap<String, &RawValue>> = serde_json::from_str(text).ok();
    match object {
        Some(object) if is_whole(&object) => Ok(body.to_vec()),
        // Not read into values and back: a number that fits none would change.
        Some(_) => invocation(serde_json::from_str::<&RawValue>(text.trim())?, Map::new(), said),
        // The host gives a queue's message as a text of JSON within the text.
        None => invocation(serde_json::to_string(text)?, Map::new(), said),
    }
}

fn is_whole(object: &BTreeMap<String, &RawValue>) -> bool {
    let is_object =
        |key| object.get(key).is_some_and(|value: &&RawValue| value.get().starts_with('{'));
    object.len() == 2 && is_object("Data") && is_object("Metadata")
}

/// What is called: a value, and what is known beside it.
fn invocation(
    value: impl Serialize,
    mut metadata: Map<String, Value>,
    said: &Said<'_>,
) -> serde_json::Result<Vec<u8>> {
    let Said { function, binding, id, utc_now } = said;
    let sys = json!({ "MethodName": function, "UtcNow": utc_now, "RandGuid": id });
    metadata.insert("sys".to_owned(), sys);
    let data = BTreeMap::from([(*binding, value)]);
    serde_json::to_vec(&Invocation { data, metadata: Value::Object(metadata) })
}

/// A body as text; as base64 if it is of a type that is not, or not text after all.
fn text(parts: &Parts, body: &[u8]) -> String {
    let kind = parts.headers.get(CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
    let kind = kind.to_ascii_lowercase();
    let binary = kind.starts_with(b"application/octet-stream") || kind.starts_with(b"multipart/");
    match std::str::from_utf8(body) {
        Ok(text) if !binary => text.to_owned(),
        _ => STANDARD.encode(body),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;
    use proptest::prelude::*;

    const SAID: Said<'_> = Said {
        function: "Order",
        binding: "req",
        id: "0199aaaa-0000-7000-8000-000000000001",
        utc_now: "2026-11-22T15:00:00Z",
    };

    fn parts(request: http::request::Builder) -> Parts {
        request.body(()).expect("a request").into_parts().0
    }

    #[test]
    fn a_request_is_what_the_documentation_shows() {
        let request = Request::post("http://localhost:7071/api/order?name=Ink+And%20Toner&a=1&a=2")
            .header("content-type", "application/json")
            .header("x-two", "1")
            .header("x-two", "2");
        let bytes = super::request(&parts(request), b"{\"id\":1005}", &SAID).expect("JSON");
        let value: Value = serde_json::from_slice(&bytes).expect("JSON");
        let expected = json!({
            "Data": { "req": {
                "Url": "http://localhost:7071/api/order?name=Ink+And%20Toner&a=1&a=2",
                "Method": "POST",
                "Query": { "name": "Ink And Toner", "a": "1,2" },
                "Headers": { "content-type": ["application/json"], "x-two": ["1", "2"] },
                "Params": {},
                "Body": "{\"id\":1005}",
            }},
            "Metadata": { "sys": {
                "MethodName": "Order",
                "UtcNow": "2026-11-22T15:00:00Z",
                "RandGuid": "0199aaaa-0000-7000-8000-000000000001",
            }},
        });
        assert_eq!(value, expected);
    }

    #[test]
    fn bytes_that_are_no_text_go_as_base64_and_no_body_goes_as_none() {
        let body = |request: http::request::Builder, body: &[u8]| {
            let bytes = super::request(&parts(request), body, &SAID).expect("JSON");
            serde_json::from_slice::<Value>(&bytes).expect("JSON")["Data"]["req"]["Body"].clone()
        };
        let octets =
            || Request::post("http://a/").header("content-type", "Application/Octet-Stream");
        assert_eq!(body(octets(), b"hi"), "aGk=");
        assert_eq!(body(Request::post("http://a/"), &[0xff]), "/w==");
        assert_eq!(body(Request::get("http://a/"), b""), Value::Null);
    }

    #[test]
    fn events_are_objects_quoted_texts_or_whole_already() {
        let data = |body: &[u8]| {
            let bytes = event(body, &SAID).expect("JSON");
            serde_json::from_slice::<Value>(&bytes).expect("JSON")["Data"]["req"].clone()
        };
        assert_eq!(data(b" {\"a\":1} "), json!({ "a": 1 }));
        assert_eq!(data(b"hello"), "\"hello\"");
        assert_eq!(data(b"[1]"), "\"[1]\"");
        assert_eq!(data(&[0xff, 0xfe]), "//4=");
        let whole = br#"{"Data":{"item":"x"},"Metadata":{"DequeueCount":1}}"#;
        assert_eq!(event(whole, &SAID).expect("JSON"), whole);
        let exact = br#"{"n":12345678901234567890123}"#;
        let bytes = event(exact, &SAID).expect("JSON");
        assert!(String::from_utf8(bytes).expect("text").contains("12345678901234567890123"));
    }

    proptest! {
        #[test]
        fn whatever_is_sent_arrives(body in prop::collection::vec(any::<u8>(), 0..200), query in "[ -~]{0,40}") {
            let uri = http::Uri::builder().scheme("http").authority("a")
                .path_and_query(format!("/x?{query}")).build();
            prop_assume!(uri.is_ok());
            let request = parts(Request::post(uri.expect("checked")));
            let bytes = super::request(&request, &body, &SAID).expect("JSON");
            let value: Value = serde_json::from_slice(&bytes).expect("JSON");
            let got = value["Data"]["req"]["Body"].as_str().unwrap_or_default().to_owned();
            match std::str::from_utf8(&body) {
                Ok(text) => prop_assert_eq!(got, text),
                Err(_) => prop_assert_eq!(STANDARD.decode(got).expect("base64"), body.clone()),
            }
            let bytes = event(&body, &SAID).expect("JSON");
            prop_assert!(serde_json::from_slice::<Value>(&bytes).is_ok());
        }
    }
}
