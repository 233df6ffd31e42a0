//! What a function answers to an event that was a request, as the response to that request.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, SET_COOKIE,
    TRANSFER_ENCODING, UPGRADE,
};
use http::{Response, StatusCode};
use model::manifest::EventForm;
use serde_json::{Map, Value};

/// A reply that is none: why, as a clause. What the function said is quoted only in names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the function's reply cannot be sent: {0}")]
pub struct Malformed(pub String);

/// The response that a reply stands for.
///
/// # Errors
/// It is no JSON, or says something that is no response.
pub fn reply(form: EventForm, body: &[u8]) -> Result<Response<Bytes>, Malformed> {
    let value: Value = serde_json::from_slice(body).map_err(|_| wrong("it is not JSON"))?;
    match value {
        Value::Object(reply) if reply.contains_key("statusCode") => structured(form, &reply),
        value if form == EventForm::HttpV2 => Ok(plain(value)),
        _ => Err(wrong("it has no `statusCode`")),
    }
}

/// With format 2.0, any other JSON is the body of a success; of a text, what it says.
fn plain(value: Value) -> Response<Bytes> {
    let body = match value {
        Value::String(text) => text,
        value => value.to_string(),
    };
    let mut response = Response::new(Bytes::from(body));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

fn structured(form: EventForm, reply: &Map<String, Value>) -> Result<Response<Bytes>, Malformed> {
    let mut response = Response::new(body(reply)?);
    *response.status_mut() = status(reply.get("statusCode"))?;
    let headers = response.headers_mut();
    fields(headers, reply.get("headers"))?;
    match form {
        EventForm::HttpV2 => cookies(headers, reply.get("cookies"))?,
        EventForm::HttpV1 | EventForm::Alb => {
            let mut several = HeaderMap::new();
            fields(&mut several, reply.get("multiValueHeaders"))?;
            several.keys().for_each(|name| drop(headers.remove(name)));
            headers.extend(several);
        }
    }
    if !headers.contains_key(CONTENT_TYPE) {
        let (json, html) = ("application/json", "text/html; charset=utf-8");
        let default = if form == EventForm::Alb { html } else { json };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(default));
    }
    Ok(response)
}

/// The status: a whole number, or a text of one. None is 200, as in a stream's prelude.
pub(super) fn status(value: Option<&Value>) -> Result<StatusCode, Malformed> {
    let number = match value {
        None => return Ok(StatusCode::OK),
        Some(Value::Number(number)) => {
            number.as_u64().and_then(|number| u16::try_from(number).ok())
        }
        Some(Value::String(text)) => text.parse().ok(),
        Some(_) => None,
    };
    let status = number.and_then(|number| StatusCode::from_u16(number).ok());
    status
        .filter(|status| (200..600).contains(&status.as_u16()))
        .ok_or_else(|| wrong("its `statusCode` is no number from 200 to 599"))
}

fn body(reply: &Map<String, Value>) -> Result<Bytes, Malformed> {
    let text = match reply.get("body") {
        None | Some(Value::Null) => return Ok(Bytes::new()),
        Some(Value::String(text)) => text,
        Some(_) => return Err(wrong("its `body` is no text")),
    };
    match reply.get("isBase64Encoded") {
        None | Some(Value::Null | Value::Bool(false)) => Ok(Bytes::from(text.clone())),
        Some(Value::Bool(true)) => {
            let bytes = STANDARD.decode(text).map_err(|_| wrong("its `body` is no base64"))?;
            Ok(Bytes::from(bytes))
        }
        Some(_) => Err(wrong("its `isBase64Encoded` is neither true nor false")),
    }
}

/// Puts fields in. What belongs to a connection, and the length, the door says itself.
pub(super) fn fields(headers: &mut HeaderMap, said: Option<&Value>) -> Result<(), Malformed> {
    let fields = match said {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Object(fields)) => fields,
        Some(_) => return Err(wrong("its header fields are no object")),
    };
    for (name, value) in fields {
        let shown = || name.chars().take(64).collect::<String>().escape_debug().to_string();
        let parsed = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| wrong(format!("`{}` is no name of a header field", shown())))?;
        let values = match value {
            Value::Array(values) => values.as_slice(),
            value => std::slice::from_ref(value),
        };
        for value in values.iter().filter(|value| !value.is_null()) {
            let value = header_value(value).ok_or_else(|| {
                wrong(format!("the value of `{}` is none of a header field", shown()))
            })?;
            if !of_connection(&parsed) {
                headers.append(parsed.clone(), value);
            }
        }
    }
    Ok(())
}

/// Adds a `set-cookie` for each cookie.
pub(super) fn cookies(headers: &mut HeaderMap, said: Option<&Value>) -> Result<(), Malformed> {
    let all = match said {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Array(all)) => all,
        Some(_) => return Err(wrong("its `cookies` are no list")),
    };
    for cookie in all {
        let value = cookie.as_str().and_then(|text| HeaderValue::from_str(text).ok());
        headers.append(SET_COOKIE, value.ok_or_else(|| wrong("one of its `cookies` is none"))?);
    }
    Ok(())
}

fn header_value(value: &Value) -> Option<HeaderValue> {
    match value {
        Value::String(text) => HeaderValue::from_bytes(text.trim().as_bytes()).ok(),
        Value::Number(number) => HeaderValue::from_str(&number.to_string()).ok(),
        Value::Bool(is) => Some(HeaderValue::from_static(if *is { "true" } else { "false" })),
        _ => None,
    }
}

fn of_connection(name: &HeaderName) -> bool {
    let known = [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE];
    known.contains(name)
        || matches!(name.as_str(), "keep-alive" | "proxy-connection" | "te" | "trailer")
}

pub(super) fn wrong(why: impl Into<String>) -> Malformed {
    Malformed(why.into())
}
