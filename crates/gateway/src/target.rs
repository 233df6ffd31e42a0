//! The request line: method, target and version (RFC 9112, section 3).
//!
//! Decoding and normalising a path is the router's; here only what is never valid is refused.

use crate::class::{self, HOST, PATH, QUERY, TOKEN};
use crate::violation::Violation;
use model::Code;
use std::net::Ipv6Addr;
use std::ops::Range;

/// Longer ones are no method that anybody implements.
const METHOD_BYTES_MAX: usize = 32;
/// hyper and the `http` crate count a target's bytes in 16 bits.
const TARGET_BYTES_MAX: usize = 65_000;
/// Longest host name (RFC 1035, section 2.3.4).
const HOST_BYTES_MAX: usize = 255;

/// A version that is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    Http10,
    Http11,
}

/// What the request line said.
#[derive(Debug)]
pub(crate) struct RequestLine {
    pub(crate) version: Version,
    /// Where in the line the authority of an absolute target stands.
    pub(crate) authority: Option<Range<usize>>,
}

/// Reads a request line, given without its CRLF.
pub(crate) fn request_line(line: &[u8]) -> Result<RequestLine, Violation> {
    const SHAPE: Violation = Violation::malformed("the request line is not METHOD TARGET VERSION");
    let mut parts = line.split(|&byte| byte == b' ');
    let (Some(method), Some(target), Some(version), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(SHAPE);
    };
    let version = read_version(version)?;
    if method.is_empty() || !class::all(method, TOKEN) {
        return Err(Violation::malformed("the method is no token"));
    }
    if method.len() > METHOD_BYTES_MAX || method == b"CONNECT" {
        return Err(Violation::new(Code::NotImplemented, "this method is not spoken here"));
    }
    let authority = read_target(method, target)?;
    let before = method.len() + 1;
    let authority = authority.map(|range| range.start + before..range.end + before);
    Ok(RequestLine { version, authority })
}

fn read_version(text: &[u8]) -> Result<Version, Violation> {
    match text {
        b"HTTP/1.1" => Ok(Version::Http11),
        b"HTTP/1.0" => Ok(Version::Http10),
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            Err(Violation::new(Code::HttpVersion, "HTTP/1.1 and HTTP/1.0 are spoken"))
        }
        _ => Err(Violation::malformed("the request line does not end in a version")),
    }
}

/// Checks a target and says where the authority in it is, if it has one.
fn read_target(method: &[u8], target: &[u8]) -> Result<Option<Range<usize>>, Violation> {
    const SCHEME: &[u8] = b"http://";
    if target.len() > TARGET_BYTES_MAX {
        return Err(Violation::too_large("the request target is too long"));
    }
    if target == b"*" {
        return match method {
            b"OPTIONS" => Ok(None),
            _ => Err(Violation::malformed("only OPTIONS may ask for *")),
        };
    }
    if target.first() == Some(&b'/') {
        return check_path(target).map(|()| None);
    }
    match target.split_at_checked(SCHEME.len()) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case(SCHEME) => {
            let end = memchr::memchr(b'/', rest).unwrap_or(rest.len());
            let (authority, path) = rest.split_at(end);
            if !is_authority(authority) {
                return Err(Violation::malformed("the target's host cannot be read"));
            }
            check_path(path)?;
            Ok(Some(SCHEME.len()..SCHEME.len() + end))
        }
        _ => Err(Violation::malformed("the target is neither a path nor an http address")),
    }
}

/// Checks a target that comes without an authority.
pub(crate) fn check(method: &[u8], target: &[u8]) -> Result<(), Violation> {
    match target.first() {
        Some(b'/' | b'*') => read_target(method, target).map(|_| ()),
        _ => Err(Violation::malformed("the target is no path")),
    }
}

fn check_path(target: &[u8]) -> Result<(), Violation> {
    let end = memchr::memchr(b'?', target).unwrap_or(target.len());
    let (path, query) = target.split_at(end);
    if !class::all(path, PATH) {
        return Err(Violation::malformed("the path has a character that must be encoded"));
    }
    // The question mark itself is a byte of the class.
    if !class::all(query, QUERY) {
        return Err(Violation::malformed("the query has a character that must be encoded"));
    }
    Ok(())
}

/// Whether the bytes are a host with an optional port. User information, percent-encoding and
/// empty ports are refused: nobody needs them here, and servers read them differently.
pub(crate) fn is_authority(bytes: &[u8]) -> bool {
    if let Some(rest) = bytes.strip_prefix(b"[") {
        let Some(end) = memchr::memchr(b']', rest) else { return false };
        let (address, after) = rest.split_at(end);
        let address = std::str::from_utf8(address).ok().and_then(|text| text.parse().ok());
        let address: Option<Ipv6Addr> = address;
        return address.is_some()
            && (after == b"]" || after.strip_prefix(b"]:").is_some_and(is_port));
    }
    let (host, port) = match memchr::memchr(b':', bytes) {
        Some(at) => (bytes.get(..at), bytes.get(at + 1..)),
        None => (Some(bytes), None),
    };
    let host_fits = host.is_some_and(|host| {
        !host.is_empty() && host.len() <= HOST_BYTES_MAX && class::all(host, HOST)
    });
    host_fits && port.is_none_or(is_port)
}

fn is_port(bytes: &[u8]) -> bool {
    let digits = !bytes.is_empty() && bytes.iter().all(u8::is_ascii_digit);
    digits && std::str::from_utf8(bytes).is_ok_and(|text| text.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_addresses_and_ports() {
        let good = ["a", "a.b-c_d", "127.0.0.1", "a:1", "a:65535", "[::1]", "[::1]:80"];
        let bad = [
            "",
            ":80",
            "a:",
            "a:b",
            "a:65536",
            "a:+1",
            "a:1:2",
            "u@a",
            "a/b",
            "a b",
            "%61",
            "[::1",
            "[]",
            "[g::]",
            "[::1]x",
            "[::1]:",
            "::1",
            "ä",
            "a,b",
            "[1.2.3.4]",
            "a\t",
        ];
        for text in good {
            assert!(is_authority(text.as_bytes()), "{text}");
            let url = format!("http://{text}/x");
            assert!(url.parse::<http::Uri>().is_ok(), "{text}");
        }
        for text in bad {
            assert!(!is_authority(text.as_bytes()), "{text}");
        }
        assert!(!is_authority("a".repeat(256).as_bytes()));
    }
}
