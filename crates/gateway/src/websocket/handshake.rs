//! The handshake: what a client asks for, and the answer that gives it (RFC 6455, section 4.2).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{self, HeaderMap, HeaderName};
use http::request::Parts;
use http::{Method, Version};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// Fields of the function's answer that do not go into the answer 101.
const NOT_SAID: [HeaderName; 12] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::CONTENT_ENCODING,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::SEC_WEBSOCKET_ACCEPT,
    header::SEC_WEBSOCKET_EXTENSIONS,
    header::SEC_WEBSOCKET_KEY,
    header::SEC_WEBSOCKET_VERSION,
];

/// What a client asks for.
#[derive(Debug)]
pub(crate) struct Wish {
    /// Why it cannot have it, if its request breaks the rules.
    pub(crate) flaw: Option<&'static str>,
    /// The proof that the request was understood.
    accept: String,
    /// Protocols that it speaks.
    offered: Vec<String>,
}

/// What the request asks for, if it asks for a WebSocket. `bodiless`: it has no body.
pub(crate) fn wish(parts: &Parts, bodiless: bool) -> Option<Wish> {
    let headers = &parts.headers;
    if parts.method != Method::GET || !lists(headers, &header::UPGRADE, "websocket") {
        return None;
    }
    let key = only(headers, &header::SEC_WEBSOCKET_KEY).unwrap_or_default();
    let version = only(headers, &header::SEC_WEBSOCKET_VERSION);
    let flaw = if parts.version != Version::HTTP_11 {
        Some("it needs HTTP/1.1")
    } else if !lists(headers, &header::CONNECTION, "upgrade") {
        Some("`connection` does not say `upgrade`")
    } else if version != Some("13") {
        Some("`sec-websocket-version` is not 13, once")
    } else if STANDARD.decode(key).map_or(0, |bytes| bytes.len()) != 16 {
        Some("`sec-websocket-key` is not 16 bytes in base64, once")
    } else if !bodiless {
        Some("it has a body")
    } else {
        None
    };
    let offered = items(headers, &header::SEC_WEBSOCKET_PROTOCOL).map(str::to_owned).collect();
    Some(Wish { flaw, accept: derive_accept_key(key.as_bytes()), offered })
}

impl Wish {
    /// The answer as it goes over the wire, with what the function says in its own.
    ///
    /// # Errors
    /// The function chose a protocol that the client did not offer.
    pub(crate) fn answer(&self, mut headers: HeaderMap) -> Result<Vec<u8>, &'static str> {
        for name in NOT_SAID {
            headers.remove(name);
        }
        let mut chosen = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
        let known = |value: &header::HeaderValue| {
            self.offered.iter().any(|offer| offer.as_bytes() == value.as_bytes())
        };
        if chosen.next().is_some_and(|chosen| !known(chosen)) || chosen.next().is_some() {
            return Err("it chose a WebSocket protocol that the client did not offer");
        }
        let mut bytes = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\n\
            upgrade: websocket\r\nsec-websocket-accept: "
            .to_vec();
        bytes.extend(self.accept.as_bytes());
        bytes.extend(b"\r\n");
        for (name, value) in &headers {
            bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
        bytes.extend(b"\r\n");
        Ok(bytes)
    }
}

/// The items of a field's lists.
fn items<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|item| !item.is_empty())
}

fn lists(headers: &HeaderMap, name: &HeaderName, item: &str) -> bool {
    items(headers, name).any(|one| one.eq_ignore_ascii_case(item))
}

/// The value of a field that is there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 6455, section 1.3.
    const GOOD: &[(&str, &str)] = &[
        ("host", "a"),
        ("upgrade", "websocket"),
        ("connection", "Upgrade"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("sec-websocket-version", "13"),
        ("sec-websocket-protocol", "chat, superchat"),
    ];

    fn parts(fields: &[(&str, &str)], method: Method, version: Version) -> Parts {
        let mut request = http::Request::builder().method(method).version(version).uri("/");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn with(change: &[(&str, Option<&str>)]) -> Option<Wish> {
        let mut fields: Vec<(&str, &str)> = GOOD.to_vec();
        for (name, value) in change {
            fields.retain(|(known, _)| known != name);
            fields.extend(value.map(|value| (*name, value)));
        }
        wish(&parts(&fields, Method::GET, Version::HTTP_11), true)
    }

    #[test]
    fn the_answer_proves_that_the_request_was_understood() {
        let wish = with(&[]).unwrap();
        assert_eq!(wish.flaw, None);
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("sec-websocket-protocol", "chat"),
            ("set-cookie", "a=b"),
            ("content-type", "text/plain"),
            ("content-length", "3"),
            ("connection", "close"),
            ("upgrade", "h2c"),
            ("sec-websocket-accept", "x"),
            ("sec-websocket-extensions", "permessage-deflate"),
        ] {
            headers.append(name, value.parse().unwrap());
        }
        let text = String::from_utf8(wish.answer(headers).unwrap()).unwrap();
        let mut lines: Vec<&str> = text.split("\r\n").collect();
        assert_eq!(lines.remove(0), "HTTP/1.1 101 Switching Protocols");
        lines.sort_unstable();
        assert_eq!(
            lines,
            [
                "",
                "",
                "connection: upgrade",
                "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
                "sec-websocket-protocol: chat",
                "set-cookie: a=b",
                "upgrade: websocket",
            ]
        );
    }

    #[test]
    fn only_a_protocol_that_was_offered_can_be_chosen() {
        let chosen = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("sec-websocket-protocol", value.parse().unwrap());
            }
            with(&[]).unwrap().answer(headers).is_ok()
        };
        assert!(chosen(&[]) && chosen(&["superchat"]));
        for wrong in
            [&["Chat"][..], &["other"], &["chat, superchat"], &["chat", "superchat"], &[""]]
        {
            assert!(!chosen(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn what_asks_for_no_websocket_is_an_ordinary_request() {
        assert!(with(&[("upgrade", None)]).is_none());
        assert!(with(&[("upgrade", Some("h2c"))]).is_none());
        assert!(with(&[("upgrade", Some("websockets"))]).is_none());
        assert!(wish(&parts(GOOD, Method::POST, Version::HTTP_11), true).is_none());
    }

    #[test]
    fn what_asks_wrongly_is_told_what_is_wrong() {
        assert!(with(&[("upgrade", Some("h2c, WebSocket"))]).unwrap().flaw.is_none());
        assert!(with(&[("connection", Some("keep-alive, upgrade"))]).unwrap().flaw.is_none());
        for change in [
            ("connection", None),
            ("connection", Some("close")),
            ("sec-websocket-version", None),
            ("sec-websocket-version", Some("8")),
            ("sec-websocket-version", Some("13, 8")),
            ("sec-websocket-key", None),
            ("sec-websocket-key", Some("")),
            ("sec-websocket-key", Some("dGhlIHNhbXBsZSBub25jZQ")),
            ("sec-websocket-key", Some("dGhlIHNhbXBsZSBub25jZTEyMw==")),
            ("sec-websocket-key", Some("dGhlIHNhbXBsZSBub25jZQ==, x")),
            ("sec-websocket-key", Some("not base64 at all 123456")),
        ] {
            assert!(with(&[change]).unwrap().flaw.is_some(), "{change:?}");
        }
        let twice = [GOOD, &[("sec-websocket-version", "13")]].concat();
        let flaw = |fields, version, bodiless| {
            wish(&parts(fields, Method::GET, version), bodiless).unwrap().flaw.is_some()
        };
        assert!(flaw(&twice, Version::HTTP_11, true));
        assert!(flaw(GOOD, Version::HTTP_10, true));
        assert!(flaw(GOOD, Version::HTTP_11, false));
    }
}
