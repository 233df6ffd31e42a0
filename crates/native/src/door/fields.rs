//! Header fields that concern one connection, and go no further.

use http::HeaderMap;
use http::header::{self, HeaderName};

/// Those that always do (RFC 9110, section 7.6.1), and what a client says to its proxy alone.
const ONE_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::EXPECT,
    HeaderName::from_static("http2-settings"),
];

/// Takes them out, with those that `connection` names. `te: trailers` stays, which RPC servers need.
pub(super) fn clean(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    // What a request is about cannot be named away by whoever sends it.
    let kept = [header::HOST, header::CONTENT_LENGTH];
    for name in ONE_HOP.iter().chain(named.iter().filter(|&name| !kept.contains(name))) {
        headers.remove(name);
    }
    if headers.get(header::TE).is_some_and(|value| value.as_bytes() != b"trailers") {
        headers.remove(header::TE);
    }
}

/// Whether a request wants its connection to become something else than HTTP. Clients that only offer
/// HTTP/2 go on without it.
pub(super) fn wants_upgrade(headers: &HeaderMap) -> bool {
    headers.get_all(header::UPGRADE).iter().any(|value| {
        let text = value.to_str().unwrap_or_default();
        text.split(',').any(|name| !name.trim().eq_ignore_ascii_case("h2c"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |&(name, value)| {
            (HeaderName::from_static(name), header::HeaderValue::from_static(value))
        };
        fields.iter().map(pair).collect()
    }

    #[test]
    fn what_concerns_one_connection_goes_no_further() {
        let mut fields = headers(&[
            ("connection", "keep-alive, X-Hop, host"),
            ("x-hop", "1"),
            ("proxy-authorization", "Basic eDp5"),
            ("proxy-connection", "keep-alive"),
            ("te", "trailers"),
            ("host", "api.example"),
            ("accept", "*/*"),
        ]);
        clean(&mut fields);
        let mut left: Vec<_> = fields.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["accept", "host", "te"]);
    }

    #[test]
    fn only_another_protocol_is_an_upgrade() {
        assert!(wants_upgrade(&headers(&[("upgrade", "websocket")])));
        assert!(!wants_upgrade(&headers(&[("upgrade", "h2c")])));
        assert!(!wants_upgrade(&headers(&[])));
    }
}
