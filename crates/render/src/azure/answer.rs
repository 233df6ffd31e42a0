//! What a custom handler answers, and the answer over HTTP that it means.
//!
//! Names of fields are read in any case, as Azure's host does.

use super::fields::{self, text};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use serde_json::{Map, Value};

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// Outputs that mean the answer over HTTP, in the order in which they are looked for.
const HTTP_OUTPUTS: [&str; 2] = ["res", "$return"];
/// Fields by which another output is seen to be an answer over HTTP.
const HTTP_FIELDS: [&str; 4] = ["statuscode", "status", "body", "headers"];

/// What a handler answered.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    outputs: Map<String, Value>,
    logs: Vec<String>,
    value: Value,
}

/// An answer over HTTP, and what else was said.
#[derive(Debug)]
pub struct Rendered {
    /// The answer.
    pub response: Response<Bytes>,
    /// Lines for the log.
    pub logs: Vec<String>,
    /// Names of outputs that lead nowhere here.
    pub undelivered: Vec<String>,
}

/// Why an answer is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadAnswer {
    /// It is not JSON.
    #[error("the answer is not JSON: {0}")]
    Json(String),
    /// A field is of another type.
    #[error("the answer's `{0}` is not {1}")]
    Field(&'static str, &'static str),
    /// The status is none.
    #[error("the answer's status {0} is not a number from 200 to 599")]
    Status(String),
    /// A header field cannot be sent.
    #[error("the answer's header field {0:?} cannot be sent")]
    Header(String),
}

impl Answer {
    /// Reads an answer. No answer at all says nothing.
    ///
    /// # Errors
    /// [`BadAnswer`]: it is not in this form.
    pub fn read(bytes: &[u8]) -> Result<Self, BadAnswer> {
        if bytes.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        let value: Value =
            serde_json::from_slice(bytes).map_err(|error| BadAnswer::Json(error.to_string()))?;
        let Value::Object(mut fields) = value else {
            return Err(BadAnswer::Field("whole", "an object"));
        };
        let outputs = match take(&mut fields, "outputs") {
            Value::Null => Map::new(),
            Value::Object(outputs) => outputs,
            _ => return Err(BadAnswer::Field("Outputs", "an object")),
        };
        let logs = match take(&mut fields, "logs") {
            Value::Null => Vec::new(),
            Value::Array(lines) => lines.into_iter().map(text).collect(),
            _ => return Err(BadAnswer::Field("Logs", "a list")),
        };
        Ok(Self { outputs, logs, value: take(&mut fields, "returnvalue") })
    }

    /// What it means to who sent a request.
    ///
    /// # Errors
    /// [`BadAnswer`]: status or header fields cannot be sent.
    pub fn render(mut self) -> Result<Rendered, BadAnswer> {
        let found = self.http_output().and_then(|name| self.outputs.remove(&name));
        let response = match found.unwrap_or(self.value) {
            Value::Object(fields) if is_http(&fields) => whole(fields)?,
            value => body(value, HeaderMap::new(), StatusCode::OK),
        };
        let undelivered = self.outputs.into_iter().map(|(name, _)| name).collect();
        Ok(Rendered { response, logs: self.logs, undelivered })
    }

    /// What it means to who sent an event: what the function returned.
    #[must_use]
    pub fn render_event(self) -> Rendered {
        let response = body(self.value, HeaderMap::new(), StatusCode::OK);
        let undelivered = self.outputs.into_iter().map(|(name, _)| name).collect();
        Rendered { response, logs: self.logs, undelivered }
    }

    fn http_output(&self) -> Option<String> {
        if let Some(name) = HTTP_OUTPUTS.into_iter().find(|&name| self.outputs.contains_key(name)) {
            return Some(name.to_owned());
        }
        let mut alike = self.outputs.iter().filter(|(_, value)| match value {
            Value::Object(fields) => is_http(fields),
            _ => false,
        });
        match (alike.next(), alike.next()) {
            (Some((name, _)), None) => Some(name.clone()),
            _ => None,
        }
    }
}

fn is_http(fields: &Map<String, Value>) -> bool {
    !fields.is_empty()
        && fields.keys().all(|name| HTTP_FIELDS.contains(&name.to_ascii_lowercase().as_str()))
}

/// Takes a field out, whatever the case of its name, which is given in small letters.
fn take(fields: &mut Map<String, Value>, name: &str) -> Value {
    let key = fields.keys().find(|key| key.eq_ignore_ascii_case(name)).cloned();
    key.and_then(|key| fields.remove(&key)).unwrap_or(Value::Null)
}

fn whole(mut fields: Map<String, Value>) -> Result<Response<Bytes>, BadAnswer> {
    let status = match take(&mut fields, "statuscode") {
        Value::Null => take(&mut fields, "status"),
        status => status,
    };
    let headers = match take(&mut fields, "headers") {
        Value::Null => HeaderMap::new(),
        Value::Object(all) => fields::read(all)?,
        _ => return Err(BadAnswer::Field("headers", "an object")),
    };
    Ok(body(take(&mut fields, "body"), headers, read_status(status)?))
}

fn read_status(value: Value) -> Result<StatusCode, BadAnswer> {
    let shown = match value {
        Value::Null => return Ok(StatusCode::OK),
        value => text(value),
    };
    let code = shown.parse::<u16>().ok().filter(|code| (200..600).contains(code));
    code.and_then(|code| StatusCode::from_u16(code).ok()).ok_or(BadAnswer::Status(shown))
}

fn body(value: Value, headers: HeaderMap, status: StatusCode) -> Response<Bytes> {
    let (kind, bytes) = match value {
        Value::Null => (None, Bytes::new()),
        Value::String(text) => (Some(TEXT), Bytes::from(text)),
        value => (Some(JSON), Bytes::from(value.to_string())),
    };
    let mut response = Response::new(bytes);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    if let Some(kind) = kind {
        response.headers_mut().entry(CONTENT_TYPE).or_insert(kind);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn render(value: &Value) -> Result<Rendered, BadAnswer> {
        Answer::read(value.to_string().as_bytes())?.render()
    }

    #[test]
    fn outputs_become_the_answer_over_http() {
        let rendered = render(&json!({
            "Outputs": {
                "res": {
                    "statusCode": "201",
                    "body": {"a": 1},
                    "headers": {"x-one": 1, "x-two": ["a", "b"], "content-length": "999"},
                },
                "queue": "a message",
            },
            "Logs": ["one", 2],
            "ReturnValue": null,
        }))
        .expect("good");
        assert_eq!(rendered.response.status(), 201);
        assert_eq!(rendered.response.body(), r#"{"a":1}"#);
        let headers = rendered.response.headers();
        assert_eq!(headers["content-type"], "application/json; charset=utf-8");
        assert_eq!(headers.get_all("x-two").iter().count(), 2);
        assert!(!headers.contains_key("content-length"));
        assert_eq!(rendered.logs, ["one", "2"]);
        assert_eq!(rendered.undelivered, ["queue"]);
    }

    #[test]
    fn the_answer_is_found_under_other_names_and_in_the_returned_value() {
        let table = [
            (json!({"outputs": {"response": {"StatusCode": 202, "Body": "x"}}}), 202, "x"),
            (json!({"Outputs": {"$return": "test"}}), 200, "test"),
            (json!({"ReturnValue": {"status": 404, "body": "gone"}}), 404, "gone"),
            (json!({"ReturnValue": {"a": 1}}), 200, r#"{"a":1}"#),
            (json!({"ReturnValue": "dGVzdA=="}), 200, "dGVzdA=="),
            (json!({"Outputs": {}, "Logs": null}), 200, ""),
            (json!({}), 200, ""),
        ];
        for (answer, status, body) in table {
            let rendered = render(&answer).expect("good");
            assert_eq!(rendered.response.status(), status, "{answer}");
            assert_eq!(rendered.response.body(), body, "{answer}");
        }
        assert!(Answer::read(b" \n").expect("nothing") == Answer::default());
        let event = Answer::read(br#"{"Outputs":{"res":1},"ReturnValue":"x"}"#).expect("good");
        assert_eq!(event.render_event().undelivered, ["res"]);
    }

    #[test]
    fn what_cannot_be_sent_is_refused() {
        for bad in [
            json!([]),
            json!("x"),
            json!({"Outputs": 1}),
            json!({"Logs": "x"}),
            json!({"Outputs": {"res": {"statusCode": 99}}}),
            json!({"Outputs": {"res": {"statusCode": 101}}}),
            json!({"Outputs": {"res": {"statusCode": 200.5}}}),
            json!({"Outputs": {"res": {"headers": {"a b": "x"}}}}),
            json!({"Outputs": {"res": {"headers": {"a": "x\r\ny: z"}}}}),
            json!({"Outputs": {"res": {"headers": []}}}),
        ] {
            assert!(render(&bad).is_err(), "{bad}");
        }
        assert!(matches!(Answer::read(b"<html>"), Err(BadAnswer::Json(_))));
        assert!(matches!(Answer::read(&[0xff]), Err(BadAnswer::Json(_))));
    }
}
