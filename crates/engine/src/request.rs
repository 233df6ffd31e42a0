//! The request on its way in: what the platform takes out of it, and what the guest sees of it.

use crate::reply::Capped;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, HOST, HeaderValue};
use http_body::Body;
use http_body_util::BodyExt;
use identity::Credentials;
use identity::jwt::Vouched;
use model::wire::v1::Caller;
use model::{Code, InvocationId, Problem};
use ports::executor::RequestBody;
use std::borrow::Cow;

/// Takes the platform's credential out of the request. An `authorization` header that is not of
/// our form belongs to the guest and stays.
pub(crate) fn take_credentials(request: &mut http::Request<RequestBody>) -> Credentials {
    let values = request.headers().get_all(AUTHORIZATION).iter().map(HeaderValue::as_bytes);
    let credentials = Credentials::from_authorization(values);
    if credentials.is_absent() {
        return credentials;
    }
    if credentials.looks_like_ours() {
        request.headers_mut().remove(AUTHORIZATION);
        return credentials;
    }
    Credentials::NONE
}

pub(crate) fn request_host(request: &http::Request<RequestBody>) -> Option<Cow<'_, str>> {
    let authority = match request.uri().host() {
        Some(host) => host,
        None => {
            let value = request.headers().get(HOST)?.to_str().ok()?;
            without_port(value)
        }
    };
    // `example.com.` is the full form of the same name.
    let authority = authority.strip_suffix('.').unwrap_or(authority);
    if authority.bytes().any(|b| b.is_ascii_uppercase()) {
        return Some(Cow::Owned(authority.to_ascii_lowercase()));
    }
    Some(Cow::Borrowed(authority))
}

pub(crate) fn method_name(method: &http::Method) -> Cow<'static, str> {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    let known = KNOWN.into_iter().find(|name| *name == method.as_str());
    known.map_or_else(|| Cow::Owned(method.as_str().to_owned()), Cow::Borrowed)
}

pub(crate) fn check_length(request: &http::Request<RequestBody>, most: u64) -> Result<(), Problem> {
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let announced = announced.and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    if announced > most {
        return Err(Problem::new(Code::BodyTooLarge)
            .detail(format!("{announced} bytes, at most {most} are taken")));
    }
    Ok(())
}

/// The request as the guest sees it: who asked, what an issuer said about them, and which
/// invocation this is, in headers that only the platform can set.
pub(crate) fn guest_request(
    request: http::Request<RequestBody>,
    id: &InvocationId,
    caller: &Caller,
    vouched: Option<&Vouched>,
    body_bytes_max: u64,
) -> http::Request<RequestBody> {
    let (mut head, body) = request.into_parts();
    let headers = &mut head.headers;
    if let Ok(value) = HeaderValue::from_maybe_shared(bytes::Bytes::from(id.to_string())) {
        headers.insert("casemate-invocation", value);
    }
    let caller = match caller {
        Caller::Anonymous => Ok(HeaderValue::from_static("anonymous")),
        Caller::Operator => Ok(HeaderValue::from_static("operator")),
        named => HeaderValue::from_maybe_shared(bytes::Bytes::from(named.to_string())),
    };
    if let Ok(value) = caller {
        headers.insert("casemate-caller", value);
    }
    if let Some(passed) = vouched.and_then(|vouched| vouched.passed.clone())
        && let Ok(value) = HeaderValue::from_maybe_shared(passed)
    {
        headers.insert("casemate-claims", value);
    }
    if !headers.contains_key(HOST) && head.uri.host().is_none() {
        headers.insert(HOST, HeaderValue::from_static("localhost"));
    }
    let body =
        if body.is_end_stream() { body } else { Capped::new(body, body_bytes_max).boxed_unsync() };
    http::Request::from_parts(head, body)
}

/// `[::1]:80` and `example.com:80` without the port; an IPv6 address keeps its brackets.
fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => host,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::without_port;

    #[test]
    fn a_port_is_cut_and_an_ipv6_address_is_not() {
        for (authority, host) in
            [("a.b", "a.b"), ("a.b:80", "a.b"), ("[::1]", "[::1]"), ("[::1]:80", "[::1]"), ("", "")]
        {
            assert_eq!(without_port(authority), host);
        }
    }
}
