//! What an action answered, and the answer over HTTP that it means.

use crate::azure::fields;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use serde_json::{Map, Value, json};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// Fields by which a result is seen to be an answer over HTTP.
const HTTP_FIELDS: [&str; 3] = ["statusCode", "headers", "body"];
/// What OpenWhisk says of an action that returns anything but an object.
const NO_DICTIONARY: &str = "The action did not return a dictionary.";

/// What an action answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    result: Value,
    /// Why it is an error, if it is one.
    failed: Option<String>,
}

/// Why an answer is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadAnswer {
    /// The status is none.
    #[error("the answer's statusCode {0} is not a number from 200 to 599")]
    Status(String),
    /// A header field cannot be sent.
    #[error("the answer's headers cannot be sent: {0}")]
    Headers(String),
    /// Bytes that are not written as such.
    #[error("the answer's body is of the type {0}, and not base64")]
    Body(String),
}

impl Answer {
    /// Reads what came with this status, 200 if it came without one.
    #[must_use]
    pub fn read(status: u16, bytes: &[u8]) -> Self {
        let read: Option<Value> = serde_json::from_slice(bytes).ok();
        let error = |why: &str| json!({ "error": why });
        match read {
            Some(result @ Value::Object(_)) if status == 200 => {
                let failed = result.get("error").map(|why| format!("the action says: {why}"));
                Self { result, failed }
            }
            Some(result @ Value::Array(_)) if status == 200 => Self { result, failed: None },
            Some(result @ Value::Object(_)) => {
                let why = result.get("error").map(text).unwrap_or_default();
                let failed = Some(format!("the runtime answered {status}: {why}"));
                Self { result, failed }
            }
            _ if status == 200 => {
                Self { result: error(NO_DICTIONARY), failed: Some(NO_DICTIONARY.to_owned()) }
            }
            _ => {
                let why = format!("the runtime answered {status}");
                Self { result: error(&why), failed: Some(why) }
            }
        }
    }

    /// Why it is an error, if it is one.
    #[must_use]
    pub fn failed(&self) -> Option<&str> {
        self.failed.as_deref()
    }

    /// What it means to who sent a request.
    ///
    /// # Errors
    /// [`BadAnswer`]: it cannot be sent.
    pub fn render(self) -> Result<Response<Bytes>, BadAnswer> {
        let status = if self.failed.is_some() { StatusCode::BAD_GATEWAY } else { StatusCode::OK };
        // An error can be an answer, too.
        let result = match &self.result {
            Value::Object(fields) if self.failed.is_some() => match fields.get("error") {
                Some(Value::Object(error)) if is_http(error) => Value::Object(error.clone()),
                _ => self.result,
            },
            _ => self.result,
        };
        match result {
            Value::Object(fields) if is_http(&fields) => whole(fields, status),
            value => Ok(plain(&value, status)),
        }
    }

    /// What it means to who sent an event: the result as it is.
    #[must_use]
    pub fn render_event(self) -> Response<Bytes> {
        let status = if self.failed.is_some() { StatusCode::BAD_GATEWAY } else { StatusCode::OK };
        plain(&self.result, status)
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn is_http(fields: &Map<String, Value>) -> bool {
    HTTP_FIELDS.iter().any(|name| fields.contains_key(*name))
}

fn plain(value: &Value, status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(value.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

fn whole(mut fields: Map<String, Value>, other: StatusCode) -> Result<Response<Bytes>, BadAnswer> {
    let status = match fields.remove("statusCode") {
        None => other,
        Some(said) => {
            let shown = text(&said);
            let code = shown.parse().ok().filter(|code| (200..600).contains(code));
            code.and_then(|code| StatusCode::from_u16(code).ok()).ok_or(BadAnswer::Status(shown))?
        }
    };
    let bad = |error: &dyn std::fmt::Display| BadAnswer::Headers(error.to_string());
    let mut headers = match fields.remove("headers") {
        None | Some(Value::Null) => HeaderMap::new(),
        Some(Value::Object(all)) => fields::read(all).map_err(|error| bad(&error))?,
        Some(other) => return Err(bad(&format_args!("{other} is no object"))),
    };
    let bytes = body(fields.remove("body").unwrap_or_default(), &mut headers)?;
    let mut response = Response::new(bytes);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

fn body(body: Value, headers: &mut HeaderMap) -> Result<Bytes, BadAnswer> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).map(str::to_owned);
    Ok(match (body, kind) {
        (Value::Null, _) => Bytes::new(),
        (Value::String(text), None) => {
            headers.insert(CONTENT_TYPE, HTML);
            text.into()
        }
        (Value::String(text), Some(kind)) if is_text(&kind) => text.into(),
        (Value::String(text), Some(kind)) => {
            STANDARD.decode(text).map_err(|_| BadAnswer::Body(kind))?.into()
        }
        (value, _) => {
            headers.entry(CONTENT_TYPE).or_insert(JSON);
            value.to_string().into()
        }
    })
}

/// Whether content of this type is text.
pub(super) fn is_text(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let known = [
        "application/json",
        "application/javascript",
        "application/xml",
        "application/x-www-form-urlencoded",
    ];
    kind.starts_with("text/")
        || kind.ends_with("+json")
        || kind.ends_with("+xml")
        || known.contains(&kind.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(value: &Value) -> Result<(u16, String, String), BadAnswer> {
        let response = Answer::read(200, value.to_string().as_bytes()).render()?;
        let kind = response.headers().get(CONTENT_TYPE).map(|kind| kind.to_str().expect("text"));
        let kind = kind.unwrap_or_default().to_owned();
        let body = String::from_utf8_lossy(response.body()).into_owned();
        Ok((response.status().as_u16(), kind, body))
    }

    #[test]
    fn results_are_answers_over_http_or_json() {
        for (result, status, kind, body) in [
            (json!({"a": 1}), 200, "application/json", r#"{"a":1}"#),
            (json!([1, 2]), 200, "application/json", "[1,2]"),
            (json!({"body": "<p>"}), 200, "text/html; charset=utf-8", "<p>"),
            (json!({"statusCode": 201, "body": {"a": 1}}), 201, "application/json", r#"{"a":1}"#),
            (json!({"statusCode": "404"}), 404, "", ""),
            (
                json!({"headers": {"content-type": "image/png"}, "body": "aGk="}),
                200,
                "image/png",
                "hi",
            ),
            (json!({"error": "no"}), 502, "application/json", r#"{"error":"no"}"#),
            (
                json!({"error": {"statusCode": 409, "body": "x"}}),
                409,
                "text/html; charset=utf-8",
                "x",
            ),
            (
                json!("text"),
                502,
                "application/json",
                r#"{"error":"The action did not return a dictionary."}"#,
            ),
        ] {
            let expected = (status, kind.to_owned(), body.to_owned());
            assert_eq!(render(&result).expect("an answer"), expected, "{result}");
        }
        let two = json!({"headers": {"set-cookie": ["a=1", "b=2"], "content-length": "9"}});
        let response = Answer::read(200, two.to_string().as_bytes()).render().expect("an answer");
        assert_eq!(response.headers().get_all("set-cookie").iter().count(), 2);
        assert!(!response.headers().contains_key("content-length"));
    }

    #[test]
    fn what_failed_says_why_and_what_cannot_be_sent_is_refused() {
        let failed = |status, bytes: &[u8]| Answer::read(status, bytes).failed().map(str::to_owned);
        assert_eq!(failed(200, b"{}"), None);
        assert_eq!(failed(200, br#"{"error":"x"}"#).expect("failed"), "the action says: \"x\"");
        let twice = failed(403, br#"{"error":"Cannot initialize the action more than once."}"#);
        assert!(twice.expect("failed").contains("403: Cannot initialize"));
        assert!(failed(502, b"<html>").is_some() && failed(200, b"\xff").is_some());
        for bad in [
            json!({"statusCode": 99}),
            json!({"statusCode": 101}),
            json!({"statusCode": null}),
            json!({"headers": {"a b": "x"}}),
            json!({"headers": {"a": "x\r\ny: z"}}),
            json!({"headers": []}),
            json!({"headers": {"content-type": "image/png"}, "body": "no base64"}),
        ] {
            assert!(render(&bad).is_err(), "{bad}");
        }
    }
}
