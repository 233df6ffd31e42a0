//! Cleans the fields of messages: what concerns one connection does not pass.
//!
//! Invariant: the length of a request's body is said once, and by us; see `upload.rs`.

use crate::fault::fail;
use http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderName, TE};
use http::{HeaderMap, Method, Uri};
use ports::outbound::{Error, Failure};

/// Fields that concern one connection (RFC 9110, section 7.6.1), and others that would speak to a
/// proxy or change the protocol.
const HOP: &[&str] = &[
    "connection",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// What the fields of a request said that we say ourselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Said {
    /// The length of the body.
    pub(crate) length: Option<u64>,
    /// Whether trailers are understood, which is said to servers over HTTP/2.
    pub(crate) trailers: bool,
}

/// Looks at the method, and takes out of a request's fields what is not the guest's to say.
pub(crate) fn clean_request(
    method: &Method,
    uri: &Uri,
    headers: &mut HeaderMap,
) -> Result<Said, Error> {
    let wrong = |what: String| Err(fail(Failure::Request, what));
    // TRACE sends back what the platform added to the request.
    if [&Method::CONNECT, &Method::TRACE].contains(&method) || method.as_str() == "TRACK" {
        return wrong(format!("the method {method} is not sent"));
    }
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    for host in headers.get_all(HOST) {
        if !host.as_bytes().eq_ignore_ascii_case(authority.as_bytes()) {
            return wrong(format!("the field `host` is not the URL's: {authority}"));
        }
    }
    let length = length(headers)?;
    let trailers = headers.get_all(TE).iter().any(|value| value == "trailers");
    clean(headers);
    headers.remove(HOST);
    headers.remove(CONTENT_LENGTH);
    // Nobody here waits for the answer to it.
    headers.remove(EXPECT);
    Ok(Said { length, trailers })
}

/// Takes out what concerns one connection, and what `connection` names.
pub(crate) fn clean(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in HOP {
        headers.remove(*name);
    }
}

/// What trailers may not say, beside what no field may.
pub(crate) fn clean_trailers(trailers: &mut HeaderMap) {
    clean(trailers);
    trailers.remove(HOST);
    trailers.remove(CONTENT_LENGTH);
}

fn length(headers: &HeaderMap) -> Result<Option<u64>, Error> {
    let mut all = headers.get_all(CONTENT_LENGTH).iter();
    let Some(first) = all.next() else { return Ok(None) };
    let digits = first.to_str().unwrap_or_default();
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    match digits.parse() {
        Ok(length) if plain && all.next().is_none() => Ok(Some(length)),
        _ => Err(fail(Failure::Request, "the field `content-length` is not one number")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn clean_all(method: &str, fields: &[(&str, &str)]) -> Result<(Said, HeaderMap), Failure> {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            let name: HeaderName = name.parse().expect("a name");
            headers.append(name, HeaderValue::from_str(value).expect("a value"));
        }
        let uri: Uri = "http://Example.com:81/x".parse().expect("a URI");
        let method: Method = method.parse().expect("a method");
        let said = clean_request(&method, &uri, &mut headers).map_err(|error| error.failure)?;
        Ok((said, headers))
    }

    #[test]
    fn fields_of_a_connection_do_not_pass() {
        let fields = [
            ("connection", "close, X-Private"),
            ("connection", "keep-alive"),
            ("keep-alive", "timeout=5"),
            ("x-private", "1"),
            ("x-mine", "2"),
            ("transfer-encoding", "chunked"),
            ("te", "trailers"),
            ("upgrade", "websocket"),
            ("http2-settings", "AAAA"),
            ("proxy-connection", "close"),
            ("proxy-authorization", "Basic eA=="),
            ("expect", "100-continue"),
            ("host", "example.com:81"),
            ("content-length", "3"),
        ];
        let (said, left) = clean_all("POST", &fields).expect("good");
        assert_eq!(said, Said { length: Some(3), trailers: true });
        assert_eq!(left.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["x-mine"]);
    }

    #[test]
    fn what_would_be_read_differently_is_refused() {
        for fields in [
            &[("host", "other.example")][..],
            &[("host", "example.com")],
            &[("host", "example.com:81"), ("host", "other.example")],
            &[("content-length", "1"), ("content-length", "1")],
            &[("content-length", "1, 1")],
            &[("content-length", "+1")],
            &[("content-length", "")],
            &[("content-length", "18446744073709551616")],
        ] {
            assert_eq!(clean_all("POST", fields), Err(Failure::Request), "{fields:?}");
        }
        for method in ["CONNECT", "TRACE", "TRACK"] {
            assert_eq!(clean_all(method, &[]), Err(Failure::Request), "{method}");
        }
    }
}
