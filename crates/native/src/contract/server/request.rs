//! A call as the function's server gets it.
//!
//! Invariant: nothing that a caller sends passes as the platform's word. The gateway removes what is
//! reserved from what comes from outside; here it is removed again, whoever called.

use super::row::{Kind, Paths, Row, lists};
use super::said::Occasion;
use http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST, HeaderName, TRANSFER_ENCODING,
};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Uri, Version};
use ports::executor::Manner;

/// Fields that belong to one connection (RFC 9110, section 7.6.1).
const OF_THE_CONNECTION: &[&str] = &[
    "connection",
    "http2-settings",
    "keep-alive",
    "proxy-*",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
/// Fields that no caller can send, whatever the contract.
pub(super) const RESERVED: &[&str] = &[
    "casemate-*",
    "fn-*",
    "k-*",
    "lambda-*",
    "proxy",
    "x-azure-functions-*",
    "x-call-id",
    "x-fc-*",
    "x-google-*",
];
/// Fields that say that a message is an event (CloudEvents, binary mode).
const OF_EVENTS: &[&str] = &["ce-*"];
/// What an event keeps of the request that carries it.
const OF_THE_EVENT: &[&str] =
    &["ce-*", "content-encoding", "content-length", "content-type", "traceparent", "tracestate"];

/// What the engine says of every request, over whatever stood there: the gateway and the host let
/// nobody else's fields of these names in.
const OF_THE_PLATFORM: &[&str] =
    &["casemate-caller", "casemate-claims", "casemate-invocation", "casemate-labels"];

/// Whether nobody but the platform, or its operator, made the request, which then may carry an event.
fn is_the_platforms(headers: &HeaderMap) -> bool {
    let caller = headers.get("casemate-caller").map(HeaderValue::as_bytes);
    caller.is_some_and(|caller| caller == b"operator" || caller.starts_with(b"trigger:"))
}

/// Takes out of a message's fields what concerns one connection, and what `connection` names.
pub(super) fn clean(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|&byte| byte == b','))
        .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
        .filter(|name| *name != HOST && *name != CONTENT_LENGTH)
        .collect();
    for name in named {
        headers.remove(name);
    }
    remove(headers, |name| lists(OF_THE_CONNECTION, name));
}

/// Removes the fields whose names are meant. Allocates only if there are any.
pub(super) fn remove(headers: &mut HeaderMap, meant: impl Fn(&str) -> bool) {
    let names: Vec<HeaderName> =
        headers.keys().filter(|name| meant(name.as_str())).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

/// Takes out what concerns one connection, and what a caller cannot say. Of an event only what
/// describes it is left.
pub(super) fn strip(headers: &mut HeaderMap, row: &Row, manner: Manner) {
    clean(headers);
    headers.remove(EXPECT);
    match manner {
        Manner::Request => {
            let ours = is_the_platforms(headers);
            let kept = |name: &str| {
                OF_THE_PLATFORM.contains(&name)
                    || (ours && lists(OF_EVENTS, name) && !name.contains('_'))
            };
            remove(headers, |name| {
                !kept(name)
                    && (lists(RESERVED, name)
                        || lists(OF_EVENTS, name)
                        || lists(row.reserved, name))
            });
        }
        Manner::Event => remove(headers, |name| !lists(OF_THE_EVENT, name)),
    }
}

/// Makes a call's head what the contract says. `empty` says whether there is no body.
pub(super) fn shape(parts: &mut Parts, row: &Row, occasion: &Occasion<'_>, empty: bool) {
    strip(&mut parts.headers, row, occasion.manner);
    let headers = &mut parts.headers;
    if occasion.manner == Manner::Event {
        if let (Kind::Always(kind), _) | (Kind::Else(kind), None) =
            (row.event.kind, headers.get(CONTENT_TYPE))
        {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        parts.method = Method::POST;
    }
    occasion.say(row.said, headers);
    let authority = occasion.uri.authority().map(|authority| authority.as_str());
    // Servers refuse what names none, and events do not.
    let nobody = (!headers.contains_key(HOST)).then_some("localhost");
    if let Some(Ok(host)) = authority.or(nobody).map(HeaderValue::from_str) {
        headers.insert(HOST, host);
    }
    // hyper takes it that GET has no body, and would drop one whose length was not said.
    let bare = matches!(parts.method, Method::GET | Method::HEAD);
    if bare && !empty && !headers.contains_key(CONTENT_LENGTH) {
        headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    parts.uri = match occasion.manner {
        Manner::Request => relative(&parts.uri, row.paths),
        Manner::Event => Uri::from_static(row.event.path),
    };
    parts.version = Version::HTTP_11;
    parts.extensions.clear();
}

/// The path and query of a URI, as the server sees them.
fn relative(uri: &Uri, paths: Paths) -> Uri {
    let whole = uri.path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));
    let shorter = match paths {
        Paths::AsIs => None,
        Paths::WithoutFunction => without_function(whole.as_str()),
    };
    Uri::from(shorter.unwrap_or(whole))
}

/// What stands behind a leading `/function/NAME`.
pub(super) fn behind_function(path: &str) -> Option<&str> {
    let named = path.strip_prefix("/function/")?;
    Some(named.find(['/', '?']).map_or("", |at| &named[at..]))
}

fn without_function(path: &str) -> Option<PathAndQuery> {
    let rest = behind_function(path)?;
    let slash = if rest.starts_with('/') { "" } else { "/" };
    format!("{slash}{rest}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::server::rows;
    use model::manifest::Contract;
    use proptest::prelude::*;

    #[test]
    fn the_prefix_of_a_gateway_goes() {
        for (from, to) in [
            ("/function/figlet", "/"),
            ("/function/figlet/a/b?c=d", "/a/b?c=d"),
            ("/function/figlet?c=d", "/?c=d"),
            ("/function/figlet.openfaas-fn/a", "/a"),
            ("/functions/figlet", "/functions/figlet"),
            ("/a/function/b", "/a/function/b"),
            ("/function/", "/"),
        ] {
            let uri: Uri = format!("http://a{from}").parse().expect("a URI");
            assert_eq!(relative(&uri, Paths::WithoutFunction), to, "{from}");
            assert_eq!(relative(&uri, Paths::AsIs), from);
        }
    }

    #[test]
    fn what_belongs_to_a_connection_goes_and_what_it_names() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "keep-alive, X-Mine, content-length"),
            ("keep-alive", "timeout=5"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("proxy-authenticate", "Basic"),
            ("x-mine", "1"),
            ("content-length", "3"),
            ("x-other", "2"),
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        clean(&mut headers);
        let left: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        assert_eq!(left, ["content-length", "x-other"]);
    }

    #[test]
    fn an_event_that_the_platform_brings_keeps_what_describes_it() {
        for (caller, of_the_platform) in [
            ("trigger:paid", true),
            ("operator", true),
            ("function:trigger:paid", false),
            ("token:operator", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("casemate-caller", HeaderValue::from_static(caller));
            for name in
                ["casemate-labels", "casemate_labels", "casemate-x", "ce-id", "ce_id", "k-sink"]
            {
                headers.insert(HeaderName::from_static(name), HeaderValue::from_static("1"));
            }
            strip(&mut headers, rows::of(Contract::Http).expect("a row"), Manner::Request);
            let names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
            let left = ["casemate-caller", "casemate-labels", "ce-id"];
            assert_eq!(names, left[..if of_the_platform { 3 } else { 2 }], "{caller}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_sent_nothing_reserved_is_left(
            names in prop::collection::vec("(x[-_]fc[-_]|ce[-_]|k[-_]|casemate[-_]|te|upgrade|x-|event[-_])[a-z_-]{0,6}", 0..8),
            named in "[a-z-]{1,8}",
            event: bool,
        ) {
            let mut headers = HeaderMap::new();
            for name in &names {
                headers.append(HeaderName::from_bytes(name.as_bytes()).expect("a name"), HeaderValue::from_static("1"));
            }
            headers.insert(CONNECTION, HeaderValue::from_str(&named).expect("a value"));
            let row = rows::of(Contract::Alibaba).expect("a row");
            let manner = if event { Manner::Event } else { Manner::Request };
            strip(&mut headers, row, manner);
            for name in headers.keys().map(HeaderName::as_str) {
                let plain = name.replace('_', "-");
                for begins in ["x-fc-", "k-", "casemate-", "connection", "upgrade", "te"] {
                    let reserved = if begins.ends_with('-') { plain.starts_with(begins) } else { plain == begins };
                    prop_assert!(!reserved, "{name}");
                }
                prop_assert!(event == plain.starts_with("ce-") || (!event && !plain.starts_with("ce-")), "{name}");
            }
        }
    }
}
