//! What the gateway answers itself, without the engine: challenges of certificate authorities,
//! the way to https, and what the node as a whole can do.

use crate::answer;
use crate::desk::Desk;
use crate::line::Line;
use crate::violation::Violation;
use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::request::Parts;
use http::{Method, Response, StatusCode};

/// What the node as a whole answers to (`OPTIONS *`).
const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
/// Where certificate authorities look (RFC 8555, section 8.3).
const CHALLENGES: &str = "/.well-known/acme-challenge/";
/// Where https is when no port is said.
const HTTPS: u16 = 443;

/// The answer to a request that is not the engine's.
pub(crate) fn answer<E>(desk: &Desk<E>, line: &Line, parts: &Parts) -> Option<Response<Bytes>> {
    let path = parts.uri.path();
    if path == "*" {
        return Some(options());
    }
    if !line.origin.secure
        && let Some(response) = challenge(desk, parts, path)
    {
        return Some(response);
    }
    let port = line.origin.redirect?;
    Some(redirect(parts, port))
}

fn challenge<E>(desk: &Desk<E>, parts: &Parts, path: &str) -> Option<Response<Bytes>> {
    let challenges = desk.challenges.as_ref()?;
    let token = path.strip_prefix(CHALLENGES).filter(|token| !token.is_empty())?;
    if parts.method != Method::GET && parts.method != Method::HEAD {
        return None;
    }
    let host = host(parts).map(|host| without_port(host).to_ascii_lowercase());
    let mut response = Response::new(challenges.answer(host.as_deref(), token)?.into());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Some(response)
}

/// 308, so that the method stays what it is.
fn redirect(parts: &Parts, port: u16) -> Response<Bytes> {
    const NO_HOST: Violation = Violation::malformed("there is no host to find https at");
    let Some(location) = host(parts).and_then(|host| location(host, port, parts)) else {
        return answer::document(&NO_HOST.into());
    };
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    response.headers_mut().insert(header::LOCATION, location);
    response
}

fn location(host: &str, port: u16, parts: &Parts) -> Option<HeaderValue> {
    let host = without_port(host);
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let target = if target.is_empty() { "/" } else { target };
    let url = match port {
        HTTPS => format!("https://{host}{target}"),
        port => format!("https://{host}:{port}{target}"),
    };
    HeaderValue::try_from(url).ok()
}

/// Host and port as the request says them; the scanner has found them to be such.
fn host(parts: &Parts) -> Option<&str> {
    let field = || parts.headers.get(header::HOST)?.to_str().ok();
    let host = parts.uri.authority().map(|authority| authority.as_str()).or_else(field);
    host.filter(|host| !host.is_empty())
}

/// An IPv6 address keeps its brackets.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => name,
        _ => host,
    }
}

/// No function is asked about `*`.
fn options() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(METHODS));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn sent_to(host: Option<&str>, target: &str, port: u16) -> Result<String, u16> {
        let mut request = Request::builder().uri(target);
        if let Some(host) = host {
            request = request.header("host", host);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let response = redirect(&parts, port);
        match response.headers().get("location") {
            Some(location) => Ok(location.to_str().unwrap().to_owned()),
            None => Err(response.status().as_u16()),
        }
    }

    #[test]
    fn https_is_at_the_same_host_path_and_query() {
        for (host, target, port, location) in [
            (Some("a.b"), "/x?y=%2F", 443, Ok("https://a.b/x?y=%2F")),
            (Some("a.b:8080"), "/", 8443, Ok("https://a.b:8443/")),
            (Some("[::1]:80"), "/", 443, Ok("https://[::1]/")),
            (Some("[::1]"), "/", 8443, Ok("https://[::1]:8443/")),
            (Some("a"), "http://b:1/c", 443, Ok("https://b/c")),
            (Some("a"), "http://b", 443, Ok("https://b/")),
            (Some("a"), "//evil.example/x", 443, Ok("https://a//evil.example/x")),
            (None, "/", 443, Err(400)),
            (Some(""), "/", 443, Err(400)),
        ] {
            assert_eq!(sent_to(host, target, port), location.map(str::to_owned), "{host:?}");
        }
    }
}
