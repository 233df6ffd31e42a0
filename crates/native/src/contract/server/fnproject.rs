//! Fn's way: every call is `POST /call`, and what a request over HTTP was stands in header fields.
//!
//! Sources: `api/agent/agent.go` and `api/server/runner_httptrigger.go` of fnproject/fn, and its FDKs.

use super::fault::{bad, fault};
use super::request::{remove, strip};
use super::row::{Row, lists};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName};
use http::request;
use http::response;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, Version};
use model::Timestamp;
use ports::executor::{Fault, FaultKind, Manner};

/// What stands before the caller's own fields.
const CALLERS: &str = "fn-http-h-";
const STATUS: &str = "fn-http-status";
const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// Fields that are Fn's.
const OWN: &[&str] = &["fn-*"];
/// Fields that say something of the message itself, and so stand as they are.
const OF_THE_MESSAGE: [HeaderName; 2] = [CONTENT_TYPE, CONTENT_LENGTH];

/// Makes a call's head what Fn's agent sends.
///
/// # Errors
/// Never in practice: what it says can be said.
pub(super) fn shape(
    parts: &mut request::Parts,
    row: &Row,
    manner: Manner,
    id: &str,
    deadline_ms: i64,
) -> Result<(), Fault> {
    let never = |what: &dyn std::fmt::Display| fault(FaultKind::Platform, what.to_string());
    let value = |text: &str| HeaderValue::from_str(text).map_err(|error| never(&error));
    strip(&mut parts.headers, row, manner);
    let mut headers = match manner {
        Manner::Request => callers(&parts.headers),
        Manner::Event => parts.headers.clone(),
    };
    if manner == Manner::Request {
        headers.insert("fn-intent", HeaderValue::from_static("httprequest"));
        headers.insert("fn-http-method", value(parts.method.as_str())?);
        headers.insert("fn-http-request-url", value(&parts.uri.to_string())?);
    } else {
        headers.entry(CONTENT_TYPE).or_insert(JSON);
    }
    headers.insert("fn-call-id", value(id)?);
    let deadline = Timestamp(deadline_ms.saturating_mul(1000)).to_string();
    headers.insert("fn-deadline", value(&deadline)?);
    headers.insert(HOST, HeaderValue::from_static("localhost"));
    parts.headers = headers;
    parts.method = Method::POST;
    parts.uri = Uri::from_static("/call");
    parts.version = Version::HTTP_11;
    parts.extensions.clear();
    Ok(())
}

/// A caller's fields under their names for functions.
fn callers(headers: &HeaderMap) -> HeaderMap {
    let mut all = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        if OF_THE_MESSAGE.contains(name) {
            all.append(name.clone(), value.clone());
            continue;
        }
        // A name of the longest kind cannot be lengthened.
        if let Ok(name) = HeaderName::try_from(format!("{CALLERS}{name}")) {
            all.append(name, value.clone());
        }
    }
    all
}

/// Makes of what a function answered what its caller gets, and says whether it failed.
///
/// # Errors
/// The function answered what ends its process: neither 200, 502 nor 504.
pub(super) fn unwrap(parts: &mut response::Parts, manner: Manner) -> Result<Option<Fault>, Fault> {
    let failed = match parts.status.as_u16() {
        200 => None,
        502 => Some(fault(FaultKind::GuestError, "the function says that it failed: 502")),
        504 => Some(fault(FaultKind::GuestError, "the function says that its time is over: 504")),
        other => return Err(bad(format!("it answered {other}, and not 200, 502 or 504"))),
    };
    let mut own = HeaderMap::new();
    for (name, value) in &parts.headers {
        let Some(name) = name.as_str().strip_prefix(CALLERS) else { continue };
        let name = HeaderName::try_from(name).map_err(|error| bad(error.to_string()))?;
        // What frames the message is said by the message.
        if name != CONTENT_LENGTH {
            own.append(name, value.clone());
        }
    }
    if manner == Manner::Request && failed.is_none() {
        if let Some(status) = parts.headers.get(STATUS) {
            let code = status.to_str().ok().and_then(|text| text.parse().ok());
            let shown = || bad(format!("`Fn-Http-Status: {status:?}` is no status"));
            parts.status =
                code.and_then(|code| StatusCode::from_u16(code).ok()).ok_or_else(shown)?;
        }
        // Of two that say what the content is, the one over HTTP does.
        for name in own.keys() {
            parts.headers.remove(name);
        }
        for (name, value) in &own {
            parts.headers.append(name.clone(), value.clone());
        }
    }
    remove(&mut parts.headers, |name| lists(OWN, name));
    Ok(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::server::rows;
    use http::{Request, Response};
    use model::manifest::Contract;

    fn shaped(request: Request<()>, manner: Manner) -> request::Parts {
        let mut parts = request.into_parts().0;
        let row = rows::of(Contract::Fn).expect("a row");
        shape(&mut parts, row, manner, "0199", 1_790_000_000_123).expect("shaped");
        parts
    }

    #[test]
    fn a_request_stands_in_header_fields_and_nobody_speaks_for_the_platform() {
        let request = Request::put("http://shop.example/a?b=c")
            .header("host", "shop.example")
            .header("content-type", "text/plain")
            .header("x-two", "1")
            .header("x-two", "2")
            .header("fn-intent", "forged")
            .header("fn_http_method", "forged")
            .header("fn-http-h-cookie", "forged");
        let parts = shaped(request.body(()).expect("a request"), Manner::Request);
        assert_eq!((parts.method, parts.uri.to_string()), (Method::POST, "/call".to_owned()));
        let mut fields: Vec<String> = parts
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().expect("text")))
            .collect();
        fields.sort();
        assert_eq!(
            fields,
            [
                "content-type: text/plain",
                "fn-call-id: 0199",
                "fn-deadline: 2026-09-21T14:13:20.123Z",
                "fn-http-h-host: shop.example",
                "fn-http-h-x-two: 1",
                "fn-http-h-x-two: 2",
                "fn-http-method: PUT",
                "fn-http-request-url: http://shop.example/a?b=c",
                "fn-intent: httprequest",
                "host: localhost",
            ]
        );
        let event = shaped(Request::post("/").body(()).expect("a request"), Manner::Event);
        assert_eq!(event.headers["content-type"], "application/json");
        assert!(!event.headers.contains_key("fn-intent"));
    }

    #[test]
    fn an_answer_is_unwrapped_or_ends_the_process() {
        let answer = |status: u16, manner, fields: &[(&str, &str)]| {
            let mut response = Response::builder().status(status);
            for (name, value) in fields {
                response = response.header(*name, *value);
            }
            let mut parts = response.body(()).expect("a response").into_parts().0;
            unwrap(&mut parts, manner).map(|failed| (parts, failed.is_some()))
        };
        let fields = [
            ("fn-http-status", "418"),
            ("fn-http-h-content-type", "text/html"),
            ("fn-http-h-set-cookie", "a=1"),
            ("fn-http-h-content-length", "999"),
            ("fn-fdk-version", "x"),
            ("content-type", "application/json"),
            ("content-length", "3"),
        ];
        let (parts, failed) = answer(200, Manner::Request, &fields).expect("an answer");
        assert!(!failed && parts.status == 418);
        let names: Vec<&str> = parts.headers.keys().map(HeaderName::as_str).collect();
        assert_eq!(names.len(), 3, "{names:?}");
        assert_eq!(parts.headers["content-type"], "text/html");
        assert_eq!(parts.headers["content-length"], "3");
        let (parts, _) = answer(200, Manner::Event, &fields).expect("an answer");
        assert!(parts.status == 200 && parts.headers["content-type"] == "application/json");
        for status in [502, 504] {
            assert!(answer(status, Manner::Request, &fields).expect("an answer").1);
        }
        for status in [201, 404, 500, 503] {
            assert!(answer(status, Manner::Request, &[]).is_err());
        }
        for bad in ["x", "", "99999"] {
            assert!(answer(200, Manner::Request, &[("fn-http-status", bad)]).is_err());
        }
    }
}
