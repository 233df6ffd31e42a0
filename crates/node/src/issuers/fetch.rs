//! One request for keys: the set itself, or the document that names it before.
//!
//! Nothing is followed but the `jwks_uri` of an issuer's own document: no redirect, and nothing
//! that a token says.

use crate::settings::{Fetched, Place, address};
use bytes::Bytes;
use http::header::{ACCEPT, CACHE_CONTROL, HeaderMap};
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Empty};
use identity::jwt::KEYS_BYTES_MAX;
use model::{FunctionName, FunctionRef, Scope};
use ports::Outbound;
use ports::host::HostError;
use ports::outbound::{Limits, Outgoing};
use std::sync::Arc;
use std::time::Duration;

/// Longest time for all of it.
const WHOLE: Duration = Duration::from_secs(20);
const LIMITS: Limits = Limits {
    connect: Duration::from_secs(5),
    first_byte: Duration::from_secs(10),
    between_bytes: Duration::from_secs(10),
    response_bytes: KEYS_BYTES_MAX as u64,
};

/// A key set as it came, and how long its source says that it holds.
pub(super) struct Answer {
    pub(super) text: Bytes,
    pub(super) age_max: Option<Duration>,
}

/// Fetches the keys of `issuer`, which is what it calls itself.
///
/// # Errors
/// What went wrong, for the operator.
pub(super) async fn fetch(
    door: &dyn Outbound,
    issuer: &str,
    from: &Fetched,
) -> Result<Answer, String> {
    let fetching = async {
        match &from.place {
            Place::Set(uri) => get(door, uri).await,
            Place::Discovery(uri) => {
                let document = get(door, uri).await?;
                get(door, &named(&document.text, issuer, from.dev)?).await
            }
        }
    };
    let late = |_| format!("no whole answer within {} s", WHOLE.as_secs());
    let answer = tokio::time::timeout(WHOLE, fetching).await.map_err(late)??;
    if !answer.text.trim_ascii_start().starts_with(b"{") {
        return Err("the answer is no JSON Web Key Set".to_owned());
    }
    Ok(answer)
}

/// The address of the key set in a document that is about this issuer.
fn named(document: &[u8], issuer: &str, dev: bool) -> Result<Uri, String> {
    let document: serde_json::Value = serde_json::from_slice(document)
        .map_err(|_| "the issuer's document is no JSON".to_owned())?;
    let text = |name: &str| document.get(name).and_then(serde_json::Value::as_str);
    if text("issuer") != Some(issuer) {
        return Err("the issuer's document is about another `issuer`".to_owned());
    }
    let uri = text("jwks_uri").ok_or("the issuer's document names no `jwks_uri`")?;
    address(uri, dev).map_err(|why| format!("`jwks_uri`: {why}"))
}

async fn get(door: &dyn Outbound, uri: &Uri) -> Result<Answer, String> {
    let body = Empty::<Bytes>::new().map_err(|never| -> HostError { match never {} });
    let request = Request::get(uri.clone())
        .header(ACCEPT, "application/json")
        .body(body.boxed_unsync())
        .map_err(|error| error.to_string())?;
    let outgoing = Outgoing { function: itself()?, request, limits: LIMITS };
    let response = door.send(outgoing).await.map_err(|error| error.to_string())?;
    let status = response.status();
    if status.is_redirection() {
        return Err(format!("it answers {status}; write where that leads, it is not followed"));
    }
    if status != StatusCode::OK {
        return Err(format!("it answers {status}"));
    }
    let age_max = age_max(response.headers());
    let whole = response.into_body().collect().await.map_err(|error| error.to_string())?;
    Ok(Answer { text: whole.to_bytes(), age_max })
}

/// In whose name is asked: the door keeps connections of different functions apart, and this one
/// has a door of its own.
fn itself() -> Result<Arc<FunctionRef>, String> {
    let name = FunctionName::parse("keys").map_err(|error| error.to_string())?;
    Ok(Arc::new(FunctionRef { scope: Scope::default(), name }))
}

/// How long an answer may be kept (RFC 9111, section 5.2.2); nothing if it does not say.
fn age_max(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let mut least = None;
    for directive in values.flat_map(|value| value.split(',')) {
        let directive = directive.trim().to_ascii_lowercase();
        let seconds = match directive.split_once('=') {
            None if matches!(&*directive, "no-store" | "no-cache") => Some(0),
            Some(("max-age", seconds)) => seconds.trim_matches('"').parse().ok(),
            _ => None,
        };
        least = least.into_iter().chain(seconds).min();
    }
    least.map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_says_how_long_its_keys_hold() {
        for (values, seconds) in [
            (&[][..], None),
            (&["public"], None),
            (&["public, max-age=3600"], Some(3600)),
            (&["Max-Age=\"7\""], Some(7)),
            (&["max-age=9", "max-age=8"], Some(8)),
            (&["max-age=9, no-store"], Some(0)),
            (&["max-age=-1"], None),
            (&["max-age=99999999999999999999"], None),
            (&["s-maxage=5"], None),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(CACHE_CONTROL, value.parse().expect("a value"));
            }
            assert_eq!(age_max(&headers).map(|age| age.as_secs()), seconds, "{values:?}");
        }
    }

    #[test]
    fn a_document_is_about_its_issuer_and_names_an_address() {
        let named = |text: &str| named(text.as_bytes(), "https://a", false);
        let good = r#"{"issuer":"https://a","jwks_uri":"https://b/keys"}"#;
        assert_eq!(named(good).map(|uri| uri.to_string()), Ok("https://b/keys".to_owned()));
        for (text, why) in [
            ("<html>", "no JSON"),
            ("[]", "another"),
            (r#"{"issuer":"https://a/","jwks_uri":"https://b/keys"}"#, "another"),
            (r#"{"issuer":"https://a"}"#, "names no"),
            (r#"{"issuer":"https://a","jwks_uri":7}"#, "names no"),
            (r#"{"issuer":"https://a","jwks_uri":"http://b/keys"}"#, "https://"),
            (r#"{"issuer":"https://a","jwks_uri":"file:///etc/passwd"}"#, "no address"),
        ] {
            let said = named(text).expect_err(text);
            assert!(said.contains(why), "{said:?} is not {why:?}");
        }
    }
}
