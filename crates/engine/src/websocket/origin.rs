//! Which pages may open a WebSocket.
//!
//! Browsers let every page open a WebSocket to every site, send the site's cookies and the
//! visitor's client certificate along, and let the page read what comes back: the rules of CORS
//! do not hold for it (RFC 6455, section 10.2). So a page of another origin is refused here,
//! unless the route's `cors` admits it.

use crate::invoke::Outcomes;
use http::header::{HOST, HeaderMap, HeaderValue, ORIGIN};
use model::{Code, Problem};

/// Where the request says whether it was encrypted; the door has written it.
const PROTO: &str = "x-forwarded-proto";

/// Refuses pages of another site. Who sends no origin is no browser.
///
/// # Errors
/// E0715.
pub(super) fn check(headers: &HeaderMap) -> Outcomes<()> {
    let mut origins = headers.get_all(ORIGIN).iter();
    let Some(origin) = origins.next() else { return Ok(()) };
    if origins.next().is_none() && is_own(origin, headers).unwrap_or(false) {
        return Ok(());
    }
    let detail = "the page is of another origin than the host that it connects to";
    Err(Problem::new(Code::OriginRefused).detail(detail).into())
}

/// Whether an origin is that of the host that the request is for.
fn is_own(origin: &HeaderValue, headers: &HeaderMap) -> Option<bool> {
    let (scheme, authority) = origin.to_str().ok()?.split_once("://")?;
    let port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return None,
    };
    // A page that came in the clear may have been written by anybody on its way.
    let encrypted = headers.get(PROTO).is_some_and(|proto| proto == "https");
    if encrypted && scheme == "http" {
        return None;
    }
    let host = headers.get(HOST)?.to_str().ok()?;
    let own = |authority: &str| authority.strip_suffix(port).map(str::to_owned);
    let bare = |authority: &str| own(authority).unwrap_or_else(|| authority.to_owned());
    Some(!authority.is_empty() && bare(authority).eq_ignore_ascii_case(&bare(host)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(origin: Option<&str>, host: &str, proto: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().expect("a value"));
        headers.insert(PROTO, proto.parse().expect("a value"));
        if let Some(origin) = origin {
            headers.insert(ORIGIN, origin.parse().expect("a value"));
        }
        check(&headers).is_ok()
    }

    #[test]
    fn the_host_s_own_pages_and_other_tools_are_taken() {
        for (origin, host, proto) in [
            (None, "a.example", "http"),
            (Some("http://a.example"), "a.example", "http"),
            (Some("http://a.example"), "A.Example:80", "http"),
            (Some("https://a.example"), "a.example:443", "https"),
            (Some("https://a.example:8443"), "a.example:8443", "https"),
            // A proxy speaks TLS, and does not say so.
            (Some("https://a.example"), "a.example", "http"),
            (Some("http://[::1]:8080"), "[::1]:8080", "http"),
        ] {
            assert!(taken(origin, host, proto), "{origin:?} {host}");
        }
    }

    #[test]
    fn pages_of_other_origins_are_refused() {
        for (origin, host, proto) in [
            ("http://evil.example", "a.example", "http"),
            ("http://a.example.evil", "a.example", "http"),
            ("http://a.example:8080", "a.example", "http"),
            ("http://a.example", "a.example", "https"),
            ("http://a.example:443", "a.example", "http"),
            ("null", "a.example", "http"),
            ("", "a.example", "http"),
            ("file://", "a.example", "http"),
            ("http://", "a.example", "http"),
            ("http://a.example/", "a.example", "http"),
            ("chrome-extension://a.example", "a.example", "http"),
        ] {
            assert!(!taken(Some(origin), host, proto), "{origin} {host}");
        }
    }

    #[test]
    fn two_origins_are_none() {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("a.example"));
        headers.append(ORIGIN, HeaderValue::from_static("http://a.example"));
        headers.append(ORIGIN, HeaderValue::from_static("http://evil.example"));
        assert!(check(&headers).is_err());
    }
}
