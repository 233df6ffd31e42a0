//! Holds a request over HTTP/2 to the rules of one over HTTP/1.1, and gives it the same form.
//!
//! h2 has refused by then what is no request at all: unknown, missing, repeated or late
//! pseudo-headers, names in upper case, control characters in values, and fields of one hop.

use crate::head::Limits;
use crate::target;
use crate::violation::Violation;
use http::Method;
use http::header::{CONTENT_LENGTH, COOKIE, HOST, HeaderMap, HeaderValue};
use http::request::Parts;
use model::Code;

/// Longer ones are no method that anybody implements.
const METHOD_BYTES_MAX: usize = 32;

/// Checks a request, and says its host in the field where functions look for it.
///
/// # Errors
/// A [`Violation`], which the stream is answered with.
pub(crate) fn check(parts: &mut Parts, limits: Limits) -> Result<(), Violation> {
    let method = parts.method.as_str();
    if parts.method == Method::CONNECT || method.len() > METHOD_BYTES_MAX {
        return Err(Violation::new(Code::NotImplemented, "this method is not spoken here"));
    }
    if parts.headers.len() > limits.headers_max {
        return Err(Violation::too_large("there are too many header fields"));
    }
    let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
    target::check(parts.method.as_str().as_bytes(), target.as_bytes())?;
    if let Some(scheme) = parts.uri.scheme_str()
        && !matches!(scheme, "http" | "https")
    {
        return Err(Violation::malformed("the scheme is neither http nor https"));
    }
    check_values(&parts.headers)?;
    settle_host(parts)?;
    join_cookies(&mut parts.headers);
    Ok(())
}

/// RFC 9113, section 8.2.1; and one length at most, as with HTTP/1.1.
fn check_values(headers: &HeaderMap) -> Result<(), Violation> {
    if headers.values().any(|value| value.as_bytes().trim_ascii().len() != value.len()) {
        return Err(Violation::malformed("a field value begins or ends with white space"));
    }
    if headers.get_all(CONTENT_LENGTH).iter().nth(1).is_some() {
        return Err(Violation::ambiguous("there are two content-lengths"));
    }
    Ok(())
}

fn settle_host(parts: &mut Parts) -> Result<(), Violation> {
    let mut fields = parts.headers.get_all(HOST).iter();
    let (field, second) = (fields.next(), fields.next());
    if second.is_some() {
        return Err(Violation::malformed("there are two host fields"));
    }
    let authority = parts.uri.authority().map(|authority| authority.as_str().as_bytes());
    let host = match (authority, field.map(HeaderValue::as_bytes)) {
        (Some(authority), Some(host)) if !authority.eq_ignore_ascii_case(host) => {
            return Err(Violation::malformed("the authority and the host field differ"));
        }
        (Some(host), _) | (None, Some(host)) => host,
        (None, None) => return Err(Violation::malformed("there is no authority")),
    };
    if !target::is_authority(host) {
        return Err(Violation::malformed("the authority cannot be read"));
    }
    if field.is_none() {
        let host = HeaderValue::from_bytes(host);
        let host = host.map_err(|_| Violation::malformed("the authority cannot be read"))?;
        parts.headers.insert(HOST, host);
    }
    Ok(())
}

/// RFC 9113, section 8.2.3: cookies that came in pieces are one field elsewhere.
fn join_cookies(headers: &mut HeaderMap) {
    let mut pieces = headers.get_all(COOKIE).iter();
    let (Some(first), Some(_)) = (pieces.next(), pieces.next()) else { return };
    let mut whole = first.as_bytes().to_vec();
    for piece in headers.get_all(COOKIE).iter().skip(1) {
        whole.extend(b"; ");
        whole.extend(piece.as_bytes());
    }
    if let Ok(whole) = HeaderValue::from_maybe_shared(bytes::Bytes::from(whole)) {
        headers.insert(COOKIE, whole);
    }
}
