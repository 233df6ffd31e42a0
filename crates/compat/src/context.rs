//! What a call brings beside its event, and the event as the function gets it.

use crate::arn::Named;
use crate::fault::Fault;
use crate::route::parameter;
use crate::{LATEST, arn};
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use engine::{Engine, RequestBody, Signer};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Uri, header};
use http_body_util::{BodyExt as _, Full};
use model::{FunctionName, FunctionRef, FunctionRow};
use serde_json::Value;

/// Longest client context, in bytes as it is sent.
const CLIENT_CONTEXT_BYTES_MAX: usize = 3583;
/// Fields that go along as they are.
const PASSED: [&str; 2] = ["traceparent", "x-amzn-trace-id"];

/// How a call wants to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Now, and its answer is waited for.
    RequestResponse,
    /// Later.
    Event,
    /// Not at all: only whether it would be allowed.
    DryRun,
}

impl Kind {
    /// # Errors
    /// It is none of them.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Fault> {
        match text(headers, "x-amz-invocation-type") {
            None | Some("" | "RequestResponse") => Ok(Self::RequestResponse),
            Some("Event") => Ok(Self::Event),
            Some("DryRun") => Ok(Self::DryRun),
            Some(other) => {
                let why = "Member must satisfy enum value set: [RequestResponse, Event, DryRun]";
                Err(Fault::constraint(other, "invocationType", why))
            }
        }
    }
}

/// Whether the end of the log is wanted.
///
/// # Errors
/// It is neither wanted nor not.
pub(crate) fn wants_log(headers: &HeaderMap) -> Result<bool, Fault> {
    match text(headers, "x-amz-log-type") {
        None | Some("" | "None") => Ok(false),
        Some("Tail") => Ok(true),
        Some(other) => {
            let why = "Member must satisfy enum value set: [None, Tail]";
            Err(Fault::constraint(other, "logType", why))
        }
    }
}

/// A field's value. One that is no text counts as one that fits nothing.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("\u{fffd}"))
}

/// The function that is meant, and as what its answer says that it ran.
pub(crate) struct Meant {
    pub(crate) function: FunctionRef,
    /// The version that is called; none if it is what is active.
    pub(crate) number: Option<u32>,
    pub(crate) arn: String,
    pub(crate) version: String,
}

impl Meant {
    /// # Errors
    /// There is no such function, or no such version of it.
    pub(crate) fn of(
        engine: &Engine,
        signer: &Signer,
        head: &Parts,
        name: &str,
    ) -> Result<Self, Fault> {
        let qualifier = parameter(head.uri.query(), "Qualifier");
        let named = Named::read(name, qualifier.as_deref())?;
        named.is_here(&signer.region)?;
        let full = named.arn(&signer.region);
        let Ok(own) = FunctionName::parse(&named.name) else {
            return Err(Fault::no_function(&full));
        };
        let function = FunctionRef { scope: signer.scope.clone(), name: own };
        let number = match named.qualifier.as_deref() {
            None | Some(LATEST) => None,
            Some(word) => {
                let found = engine.version_of(&function, word);
                found.ok_or_else(|| Fault::no_function(&full))?
            }
        };
        let version = number.map_or_else(|| LATEST.to_owned(), |number| number.to_string());
        Ok(Self { function, number, arn: arn::arn(&signer.region, &named.name), version })
    }

    /// What was deployed of it.
    pub(crate) fn row(&self, engine: &Engine) -> Option<FunctionRow> {
        match self.number {
            Some(number) => engine.version_row(&self.function, number),
            None => engine.function_row(&self.function),
        }
    }

    /// The function, and the version of it.
    pub(crate) const fn called(&self) -> (&FunctionRef, Option<u32>) {
        (&self.function, self.number)
    }
}

/// The request that the function gets.
///
/// # Errors
/// The event is no JSON, or the client context is none.
pub(crate) fn event(head: &Parts, payload: Bytes) -> Result<Request<RequestBody>, Fault> {
    if !payload.is_empty() {
        serde_json::from_slice::<serde::de::IgnoredAny>(&payload).map_err(|error| {
            let message = format!(
                "Could not parse request body into json: Could not parse payload into json: {error}"
            );
            Fault::content(message)
        })?;
    }
    let mut headers = HeaderMap::new();
    let json = HeaderValue::from_static("application/json");
    headers.insert(header::CONTENT_TYPE, json);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(payload.len()));
    for name in PASSED {
        if let Some(value) = head.headers.get(name) {
            headers.insert(name, value.clone());
        }
    }
    if let Some(context) = head.headers.get("x-amz-client-context") {
        let read = base64::Engine::decode(&STANDARD, context).ok();
        let read = read.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
        if context.len() > CLIENT_CONTEXT_BYTES_MAX || !read.is_some_and(|it| it.is_object()) {
            let message =
                "Client context must be a valid Base64-encoded JSON object of at most 3583 bytes.";
            return Err(Fault::content(message));
        }
        headers.insert("x-amz-client-context", context.clone());
    }
    let body: RequestBody = Full::new(payload).map_err(|never| match never {}).boxed_unsync();
    let mut request = Request::new(body);
    *request.method_mut() = Method::POST;
    *request.uri_mut() = Uri::from_static("/");
    *request.headers_mut() = headers;
    Ok(request)
}
