//! OAuth 2.0, client credentials (RFC 6749, section 4.4): what is asked, and what is answered.

use super::mask::percent;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use http::{Method, Request, StatusCode, Uri};
use model::Secret;
use model::manifest::{ClientAuth, OAuth2};
use serde_json::Value;
use std::time::Duration;
use zeroize::Zeroize as _;

/// Most bytes of an answer.
pub(crate) const ANSWER_BYTES_MAX: u64 = 64 << 10;
/// How long a token is used of which nobody says how long it lasts.
const LASTS: Duration = Duration::from_secs(60);
/// Longest time that a token is used.
const LASTS_MAX: Duration = Duration::from_secs(24 * 3600);
/// So long before its end a token is not used any more; less for those that last short.
const MARGIN: Duration = Duration::from_secs(30);
/// The errors of RFC 6749, section 5.2. No other text of an answer is passed on.
const ERRORS: [&str; 6] = [
    "invalid_client",
    "invalid_grant",
    "invalid_request",
    "invalid_scope",
    "unauthorized_client",
    "unsupported_grant_type",
];

/// A token.
#[derive(Debug)]
pub(crate) struct Given {
    pub(crate) value: Secret<Vec<u8>>,
    /// How long it may be used.
    pub(crate) lasts: Duration,
}

/// A body that is wiped when it was sent.
struct Wiped(Secret<Vec<u8>>);

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        self.0.expose()
    }
}

/// The request for a token. `None` if something does not fit into one.
pub(crate) fn request(form: &OAuth2, secret: &[u8]) -> Option<Request<Bytes>> {
    let uri: Uri = form.token_url.parse().ok()?;
    let host = HeaderValue::from_str(uri.authority()?.as_str()).ok()?;
    let id = percent(form.client_id.as_bytes(), false);
    let mut coded = percent(secret, false);
    let mut body = b"grant_type=client_credentials".to_vec();
    // Room for all of it, so that no copy is left behind by growing.
    body.reserve((12 << 10) + coded.len());
    for (key, value) in [("scope", &form.scope), ("audience", &form.audience)] {
        if let Some(value) = value {
            body.extend_from_slice(format!("&{key}=").as_bytes());
            body.extend_from_slice(&percent(value.as_bytes(), false));
        }
    }
    let mut request = Request::new(Bytes::new());
    let headers = request.headers_mut();
    match form.auth {
        ClientAuth::Basic => {
            let mut pair = [&id, b":".as_slice(), &coded].concat();
            let mut text = format!("Basic {}", STANDARD.encode(&pair));
            pair.zeroize();
            let value = HeaderValue::from_str(&text);
            text.zeroize();
            let mut value = value.ok()?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        ClientAuth::Post => {
            body.extend_from_slice(b"&client_id=");
            body.extend_from_slice(&id);
            body.extend_from_slice(b"&client_secret=");
            body.extend_from_slice(&coded);
        }
    }
    coded.zeroize();
    headers.insert(HOST, host);
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
    headers.insert(CONTENT_TYPE, kind);
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri;
    *request.body_mut() = Bytes::from_owner(Wiped(Secret::new(body)));
    Some(request)
}

/// What an answer gives, or why it gives nothing: words of ours, and nothing of the answer's own
/// that could be a secret.
pub(crate) fn read(status: StatusCode, body: &[u8]) -> Result<Given, String> {
    let mut answer: Value = serde_json::from_slice(body).unwrap_or_default();
    if !status.is_success() {
        let said = answer.get("error").and_then(Value::as_str);
        let known = said.and_then(|said| ERRORS.into_iter().find(|known| *known == said));
        let known = known.map(|known| format!(" and `{known}`")).unwrap_or_default();
        return Err(format!("it answered with status {}{known}", status.as_u16()));
    }
    let value = match answer.get_mut("access_token").map(Value::take) {
        Some(Value::String(text)) => Secret::new(text.into_bytes()),
        _ => return Err("its answer is no JSON with an `access_token`".to_owned()),
    };
    let fits = !value.expose().is_empty() && value.expose().iter().all(u8::is_ascii_graphic);
    let kind = answer.get("token_type").and_then(Value::as_str);
    if !fits || !kind.is_none_or(|kind| kind.eq_ignore_ascii_case("bearer")) {
        return Err("its token is no bearer token".to_owned());
    }
    let lasts = match answer.get("expires_in") {
        Some(Value::String(text)) => text.parse().ok(),
        Some(number) => number.as_f64().filter(|it| *it >= 0.0).map(|it| it as u64),
        None => None,
    };
    let lasts = lasts.map_or(LASTS, Duration::from_secs).min(LASTS_MAX);
    Ok(Given { value, lasts: lasts.saturating_sub(MARGIN.min(lasts / 10)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(auth: ClientAuth) -> OAuth2 {
        OAuth2 {
            token_url: "https://login.example:8443/token".to_owned(),
            client_id: "shop app".to_owned(),
            scope: Some("read write".to_owned()),
            audience: None,
            auth,
        }
    }

    #[test]
    fn the_client_says_who_it_is_in_the_field_or_in_the_body() {
        let basic = request(&form(ClientAuth::Basic), b"s/3").expect("a request");
        let expect = format!("Basic {}", STANDARD.encode("shop%20app:s%2F3"));
        assert_eq!(basic.headers()[AUTHORIZATION], expect);
        assert_eq!(basic.headers()[HOST], "login.example:8443");
        assert_eq!(&basic.body()[..], b"grant_type=client_credentials&scope=read%20write");
        let post = request(&form(ClientAuth::Post), b"s/3").expect("a request");
        assert!(!post.headers().contains_key(AUTHORIZATION));
        let expect = "grant_type=client_credentials&scope=read%20write&client_id=shop%20app&client_secret=s%2F3";
        assert_eq!(post.body(), expect);
    }

    fn lasts(expires: &str) -> u64 {
        let body = format!(r#"{{"access_token":"abc","token_type":"bearer"{expires}}}"#);
        read(StatusCode::OK, body.as_bytes()).expect("a token").lasts.as_secs()
    }

    #[test]
    fn a_token_is_used_until_shortly_before_its_end() {
        assert_eq!(lasts(r#","expires_in":3600"#), 3570);
        assert_eq!(lasts(r#","expires_in":"3600""#), 3570);
        assert_eq!(lasts(r#","expires_in":100"#), 90);
        assert_eq!(lasts(r#","expires_in":0"#), 0);
        assert_eq!(lasts(r#","expires_in":-5"#), 54);
        assert_eq!(lasts(""), 54);
        assert_eq!(lasts(r#","expires_in":1e30"#), 24 * 3600 - 30);
    }

    #[test]
    fn an_answer_without_a_token_is_told_without_its_words() {
        for (status, body, why) in [
            (200, "", "no JSON"),
            (200, r#"{"access_token":7}"#, "no JSON"),
            (200, r#"{"access_token":"a b"}"#, "no bearer token"),
            (200, r#"{"access_token":"abc","token_type":"mac"}"#, "no bearer token"),
            (400, r#"{"error":"invalid_client"}"#, "status 400 and `invalid_client`"),
            (401, r#"{"error":"the secret s3cr3t is wrong"}"#, "status 401"),
            (302, "", "status 302"),
        ] {
            let status = StatusCode::from_u16(status).expect("a status");
            let said = read(status, body.as_bytes()).expect_err(body);
            assert!(said.contains(why) && !said.contains("s3cr3t"), "{said}");
        }
    }
}
