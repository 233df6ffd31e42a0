//! The JSON in which Apache OpenWhisk speaks with an action.
//!
//! Sources: `docs/actions-new.md` and `docs/webactions.md` of apache/openwhisk, and what its runtimes
//! for Python and Node take. What is different here: a result that is no answer over HTTP is sent as
//! JSON, as OpenWhisk does for a web action that is called as `.json`.

mod answer;
mod form;

pub use answer::{Answer, BadAnswer};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use std::collections::BTreeMap;

/// What a runtime prints on both of its streams after each activation.
pub const SENTINEL: &[u8] = b"XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX";
/// How names of the platform's own parameters begin.
const RESERVED: &str = "__ow_";

/// Parameters of an action, each as the JSON that it is.
pub type Parameters = BTreeMap<String, Box<RawValue>>;

/// What is said of every activation.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    /// Whose it is.
    pub namespace: &'a str,
    /// The action's name, without the namespace.
    pub action: &'a str,
    /// The action's version.
    pub version: &'a str,
    /// The activation's id.
    pub id: &'a str,
    /// When it will be ended: milliseconds since 1970.
    pub deadline_ms: i64,
}

/// Why a request cannot become parameters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// It has a parameter of the platform's name.
    #[error("the request has a parameter `{0}`, and names that begin with `__ow_` are reserved")]
    Reserved(String),
    /// Something has no form in JSON; never in practice.
    #[error("{0}")]
    Json(String),
}

impl From<serde_json::Error> for Refused {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error.to_string())
    }
}

/// The code of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Code {
    /// It is there already.
    There,
    /// One file's text.
    Source(String),
    /// A zip file.
    Archive(Vec<u8>),
}

#[derive(Serialize)]
struct Run<'a, T> {
    value: T,
    namespace: &'a str,
    action_name: String,
    action_version: &'a str,
    activation_id: &'a str,
    transaction_id: &'a str,
    /// A text, as OpenWhisk has it.
    deadline: String,
}

/// The body of `/init`.
///
/// # Errors
/// Never in practice: everything in it has a form in JSON.
pub fn init(action: &str, main: &str, code: &Code) -> serde_json::Result<Vec<u8>> {
    let (text, binary) = match code {
        Code::There => (String::new(), false),
        Code::Source(text) => (text.clone(), false),
        Code::Archive(bytes) => (STANDARD.encode(bytes), true),
    };
    let value = serde_json::json!({
        "name": action, "main": main, "code": text, "binary": binary, "env": {},
    });
    serde_json::to_vec(&serde_json::json!({ "value": value }))
}

/// The body of `/run`, or a line of ActionLoop's: one line of JSON without its end.
///
/// # Errors
/// Never in practice: everything in it has a form in JSON.
pub fn run(value: impl Serialize, said: &Said<'_>) -> serde_json::Result<Vec<u8>> {
    let Said { namespace, action, version, id, deadline_ms } = said;
    serde_json::to_vec(&Run {
        value,
        namespace,
        action_name: format!("/{namespace}/{action}"),
        action_version: version,
        activation_id: id,
        transaction_id: id,
        deadline: deadline_ms.to_string(),
    })
}

/// The parameters of a web action that a request means. With `raw` query and body are parameters
/// themselves, and otherwise what is in them is, the body's before the query's.
///
/// # Errors
/// [`Refused`].
pub fn web(parts: &Parts, body: &[u8], raw: bool) -> Result<Parameters, Refused> {
    let query = parts.uri.query().unwrap_or_default();
    let mut own = around(parts)?;
    let mut all = Parameters::new();
    if raw {
        put(&mut own, "__ow_query", query)?;
        put(&mut own, "__ow_body", &as_text(parts, body))?;
    } else {
        for (name, value) in form::read(query.as_bytes()) {
            put(&mut all, &name, &value)?;
        }
        match inner(parts, body)? {
            Some(inner) => all.extend(inner),
            None if body.is_empty() => {}
            None => put(&mut own, "__ow_body", &as_text(parts, body))?,
        }
    }
    if let Some(name) = all.keys().find(|name| name.starts_with(RESERVED)) {
        return Err(Refused::Reserved(name.clone()));
    }
    all.extend(own);
    Ok(all)
}

/// The value that an event means: an object or a list is that, nothing is nothing, and anything else is
/// the parameter `payload`.
///
/// # Errors
/// Never in practice: everything in it has a form in JSON.
pub fn event(body: &[u8]) -> serde_json::Result<Box<RawValue>> {
    if body.trim_ascii().is_empty() {
        return to_raw_value(&Parameters::new());
    }
    let begins = |value: &RawValue| value.get().starts_with(['{', '[']);
    let value: Option<Box<RawValue>> = serde_json::from_slice(body.trim_ascii()).ok();
    if let Some(value) = value.filter(|value| begins(value)) {
        // Written anew, so that it is one line.
        let value: serde_json::Value = serde_json::from_str(value.get())?;
        return to_raw_value(&value);
    }
    let text =
        String::from_utf8(body.to_vec()).unwrap_or_else(|error| STANDARD.encode(error.as_bytes()));
    to_raw_value(&BTreeMap::from([("payload", text)]))
}

/// What every web action is told of its request.
fn around(parts: &Parts) -> Result<Parameters, Refused> {
    let mut headers: BTreeMap<&str, String> = BTreeMap::new();
    for (name, value) in &parts.headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        let all = headers.entry(name.as_str()).or_default();
        let comma = if all.is_empty() { "" } else { ", " };
        *all = format!("{all}{comma}{value}");
    }
    let mut own = Parameters::new();
    put(&mut own, "__ow_method", &parts.method.as_str().to_ascii_lowercase())?;
    put(&mut own, "__ow_path", parts.uri.path())?;
    own.insert("__ow_headers".to_owned(), to_raw_value(&headers)?);
    Ok(own)
}

fn put(all: &mut Parameters, name: &str, value: &str) -> Result<(), Refused> {
    all.insert(name.to_owned(), to_raw_value(value)?);
    Ok(())
}

/// What is in a body that is an object in JSON, or a form.
fn inner(parts: &Parts, body: &[u8]) -> Result<Option<Parameters>, Refused> {
    let kind = kind(parts);
    if kind == "application/x-www-form-urlencoded" {
        let mut all = Parameters::new();
        for (name, value) in form::read(body) {
            put(&mut all, &name, &value)?;
        }
        return Ok(Some(all));
    }
    if kind == "application/json" || kind.ends_with("+json") {
        // Through values, so that it is one line whatever it was.
        let read: Option<BTreeMap<String, serde_json::Value>> = serde_json::from_slice(body).ok();
        let Some(read) = read else { return Ok(None) };
        let raw = |(name, value)| Ok((name, to_raw_value(&value)?));
        return read.into_iter().map(raw).collect::<Result<_, Refused>>().map(Some);
    }
    Ok(None)
}

fn kind(parts: &Parts) -> String {
    let value = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = value.unwrap_or_default().split(';').next().unwrap_or_default();
    kind.trim().to_ascii_lowercase()
}

/// A body as text; as base64 if it is of a type that is not, or not text after all.
fn as_text(parts: &Parts, body: &[u8]) -> String {
    let kind = kind(parts);
    match std::str::from_utf8(body) {
        Ok(text) if kind.is_empty() || answer::is_text(&kind) => text.to_owned(),
        _ => STANDARD.encode(body),
    }
}

#[cfg(test)]
mod tests;
