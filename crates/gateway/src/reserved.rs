//! Header fields that do not get past the door.
//!
//! Three kinds: what belongs to one hop only (RFC 9110, section 7.6.1); what a proxy says about a
//! client, since there are no trusted proxies yet; and what platforms tell their functions, so
//! that no caller can forge it. Names are compared with `_` read as `-`, because a guest that
//! maps fields to variables cannot tell the two apart.

use http::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName};

/// Fields that are removed from requests.
const NAMES: &[&str] = &[
    // One hop. `expect` is answered here.
    "connection",
    "expect",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
    // What proxies say.
    "forwarded",
    "x-real-ip",
    "x-call-id",
    // Becomes HTTP_PROXY where fields become variables (CVE-2016-5385 and its like).
    "proxy",
];

/// Beginnings of names that are removed from requests.
const PREFIXES: &[&str] = &[
    "casemate-",
    "ce-",
    "fn-",
    "k-",
    "lambda-",
    "proxy-",
    "x-azure-functions-",
    "x-fc-",
    "x-forwarded-",
    "x-google-",
];

/// What the fields of a CloudEvent's attributes begin with.
const EVENT: &str = "ce-";

/// Fields that say something about the message they stand before, or about who sends it, and so
/// mean nothing behind it (RFC 9110, section 6.5.1).
const HEAD_ONLY: &[&str] = &[
    "authorization",
    "cache-control",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "cookie",
    "host",
    "max-forwards",
    "range",
    "set-cookie",
];

/// Removes what must not reach a function. The attributes of an event stay where the request is one.
pub(crate) fn strip(headers: &mut HeaderMap, is_event: bool) {
    let stays = |name: &HeaderName| is_event && name.as_str().starts_with(EVENT);
    // No allocation where nothing is found.
    let mut names: Vec<HeaderName> =
        headers.keys().filter(|name| is_reserved(name.as_str()) && !stays(name)).cloned().collect();
    for value in headers.get_all(CONNECTION) {
        names.extend(listed(value.as_bytes()));
    }
    for name in names {
        headers.remove(name);
    }
}

/// Removes from trailers what is removed from heads, and what means nothing in a trailer.
pub(crate) fn strip_trailers(trailers: &mut HeaderMap) {
    let doomed =
        |name: &&HeaderName| is_reserved(name.as_str()) || HEAD_ONLY.contains(&name.as_str());
    let names: Vec<HeaderName> = trailers.keys().filter(doomed).cloned().collect();
    for name in names {
        trailers.remove(name);
    }
}

/// The fields that a `connection` field names. Host and length say what the message is and stay.
fn listed(value: &[u8]) -> impl Iterator<Item = HeaderName> {
    let names = value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
    let names = names.filter_map(|name| HeaderName::from_bytes(name).ok());
    names.filter(|name| *name != HOST && *name != CONTENT_LENGTH)
}

/// Whether the gateway removes a field of this name, in lower case, from requests.
#[must_use]
pub fn is_reserved(name: &str) -> bool {
    // Most names begin with none of these letters.
    if !matches!(
        name.as_bytes().first(),
        Some(b'c' | b'e'..=b'h' | b'k' | b'l' | b'p' | b't' | b'u' | b'x')
    ) {
        return false;
    }
    if name.contains('_') {
        return is_listed(&name.replace('_', "-"));
    }
    is_listed(name)
}

fn is_listed(name: &str) -> bool {
    NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sent: &[(&str, &str)], left: &[&str]) {
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            headers
                .append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        strip(&mut headers, false);
        let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, left, "{sent:?}");
    }

    #[test]
    fn every_listed_name_and_prefix_is_removed_in_both_spellings() {
        for name in NAMES {
            check(&[(name, "x")], &[]);
            check(&[(&name.replace('-', "_"), "x")], &[]);
        }
        for prefix in PREFIXES {
            check(&[(&format!("{prefix}thing"), "x")], &[]);
            check(&[(&format!("{}thing", prefix.replace('-', "_")), "x")], &[]);
        }
    }

    #[test]
    fn the_attributes_of_an_event_stay_where_one_is_taken() {
        let mut headers = HeaderMap::new();
        for name in ["ce-id", "ce_id", "casemate-caller", "x-forwarded-for", "connection"] {
            headers.insert(HeaderName::from_static(name), "x".parse().unwrap());
        }
        strip(&mut headers, true);
        assert_eq!(headers.keys().collect::<Vec<_>>(), ["ce-id"]);
    }

    #[test]
    fn ordinary_fields_stay() {
        let sent = [
            ("accept", "*/*"),
            ("authorization", "Bearer x"),
            ("content-type", "text/plain"),
            ("cookie", "a=b"),
            ("host", "a"),
            ("traceparent", "00"),
            ("upgrade-insecure-requests", "1"),
            ("user-agent", "x"),
            ("x-request-id", "1"),
        ];
        check(&sent, &sent.map(|(name, _)| name));
    }

    #[test]
    fn what_connection_lists_goes_but_never_host_or_length() {
        let sent = [
            ("connection", "close, X-Mine"),
            ("connection", "host,,content-length, b@d"),
            ("content-length", "1"),
            ("host", "a"),
            ("x-mine", "1"),
            ("x-other", "1"),
        ];
        check(&sent, &["content-length", "host", "x-other"]);
    }

    #[test]
    fn trailers_lose_what_belongs_into_a_head() {
        let mut trailers = HeaderMap::new();
        for name in HEAD_ONLY.iter().chain(NAMES).chain(&["x-checksum"]) {
            trailers.insert(HeaderName::from_static(name), "1".parse().unwrap());
        }
        strip_trailers(&mut trailers);
        assert_eq!(trailers.keys().collect::<Vec<_>>(), ["x-checksum"]);
    }
}
