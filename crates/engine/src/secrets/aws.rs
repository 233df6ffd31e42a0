//! A request of a function, signed for AWS: with whose key, over which fields, over which body.

use super::crypto::sha256_hex;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use identity::sigv4::{self, ALGORITHM, Key, Signing, basic_time};
use model::manifest::{SigV4, is_access_key};
use model::{Secret, Timestamp};
use ports::host::HttpCall;
use serde_json::Value;

const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
const DIGEST: HeaderName = HeaderName::from_static("x-amz-content-sha256");
const MD5: HeaderName = HeaderName::from_static("content-md5");
/// What stands for the digest of a body that is not signed.
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// What a secret's value holds.
pub(crate) struct Credentials {
    pub(crate) id: String,
    pub(crate) secret: Secret<Vec<u8>>,
    pub(crate) token: Option<Secret<Vec<u8>>>,
}

/// How the body gets into the signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Payload {
    /// As these words, whatever it is.
    Said(String),
    /// As its digest, for which all of it is needed.
    Digest,
    /// It holds signatures of its own, which nobody can make anew.
    Signed,
}

/// Reads a secret's value. `None` if it is not what the manifest says.
pub(crate) fn credentials(form: &SigV4, value: &Secret<Vec<u8>>) -> Option<Credentials> {
    if let Some(id) = &form.access_key {
        return Some(Credentials { id: id.clone(), secret: value.clone(), token: None });
    }
    let mut document: Value = serde_json::from_slice(value.expose()).ok()?;
    // As `aws sts` prints it, or as `credential_process` does.
    let fields = match document.get("Credentials") {
        Some(_) => document.get_mut("Credentials")?,
        None => &mut document,
    };
    let mut take = |name: &str| match fields.get_mut(name).map(Value::take) {
        Some(Value::String(text)) if !text.is_empty() => Some(text),
        _ => None,
    };
    // All of them are taken out before anything can fail, so that each is wiped.
    let secret = take("SecretAccessKey").map(|text| Secret::new(text.into_bytes()));
    let token = take("SessionToken").map(|text| Secret::new(text.into_bytes()));
    let id = take("AccessKeyId").filter(|id| is_access_key(id))?;
    Some(Credentials { id, secret: secret?, token })
}

/// Whether a request is signed already, in its query.
pub(crate) fn is_presigned(call: &HttpCall) -> bool {
    let pieces = call.uri.query().unwrap_or_default().split('&');
    let mut names = pieces.map(|piece| piece.split('=').next().unwrap_or_default());
    names.any(|name| name.eq_ignore_ascii_case("x-amz-signature"))
}

/// Whether a value of `authorization` is a signature of this kind.
pub(crate) fn is_signature(value: &HeaderValue) -> bool {
    let scheme = value.as_bytes().get(..ALGORITHM.len());
    scheme.is_some_and(|scheme| scheme == ALGORITHM.as_bytes())
}

/// Whether the guest may leave a placeholder in this field, since it is dropped.
pub(crate) fn drops(name: &HeaderName) -> bool {
    *name == AUTHORIZATION || *name == TOKEN
}

/// How the body of a request gets into the signature. A digest that the guest made itself is taken:
/// the server looks whether it is true.
pub(crate) fn payload(form: &SigV4, call: &HttpCall, has_body: bool) -> Payload {
    let encrypted = call.uri.scheme_str() == Some("https");
    let said = call.headers.get(DIGEST).and_then(|value| value.to_str().ok());
    match said {
        Some("STREAMING-UNSIGNED-PAYLOAD-TRAILER") if encrypted => {
            Payload::Said("STREAMING-UNSIGNED-PAYLOAD-TRAILER".to_owned())
        }
        Some(said) if said.starts_with("STREAMING-") => Payload::Signed,
        Some(digest) if is_digest(digest) => Payload::Said(digest.to_owned()),
        _ if !has_body => Payload::Said(sigv4::EMPTY.to_owned()),
        _ if form.is_s3() && encrypted => Payload::Said(UNSIGNED.to_owned()),
        _ => Payload::Digest,
    }
}

/// Signs a request. `body` is what [`Payload::Digest`] asks for. Gives the signature, or `None` if
/// a value does not fit into a field.
pub(crate) fn sign(
    form: &SigV4,
    own: &Credentials,
    call: &mut HttpCall,
    payload: Payload,
    body: &[u8],
    now: Timestamp,
) -> Option<String> {
    let payload = match payload {
        Payload::Said(text) => text,
        Payload::Digest | Payload::Signed => sha256_hex(body),
    };
    let time = basic_time(now)?;
    let headers = &mut call.headers;
    headers.remove(AUTHORIZATION);
    headers.remove(TOKEN);
    headers.insert(DATE, HeaderValue::try_from(&time).ok()?);
    if form.is_s3() || headers.contains_key(DIGEST) {
        headers.insert(DIGEST, HeaderValue::try_from(&payload).ok()?);
    }
    if let Some(token) = &own.token {
        headers.insert(TOKEN, sensitive(token.expose())?);
    }
    let host = call.uri.authority()?.as_str();
    let signing = Signing {
        method: call.method.as_str(),
        path: call.uri.path(),
        query: call.uri.query().unwrap_or_default(),
        fields: signed_fields(headers, host),
        payload: &payload,
        s3: form.is_s3(),
        time: &time,
    };
    let key = Key {
        id: &own.id,
        secret: own.secret.expose(),
        region: &form.region,
        service: &form.service,
    };
    let signed = sigv4::sign(&key, signing);
    call.headers.insert(AUTHORIZATION, sensitive(signed.authorization.as_bytes())?);
    Some(signed.signature)
}

/// What AWS wants to be signed, and what says what the body is. Other fields may be changed by
/// whoever carries the request.
fn signed_fields<'a>(headers: &'a HeaderMap, host: &'a str) -> Vec<(&'a str, Vec<&'a [u8]>)> {
    let own = |name: &&HeaderName| {
        **name == CONTENT_TYPE || **name == MD5 || name.as_str().starts_with("x-amz-")
    };
    let values = |name: &HeaderName| headers.get_all(name).iter().map(HeaderValue::as_bytes);
    let fields = headers.keys().filter(own);
    let fields = fields.map(|name| (name.as_str(), values(name).collect()));
    fields.chain([("host", vec![host.as_bytes()])]).collect()
}

fn is_digest(text: &str) -> bool {
    let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    text.len() == 64 && text.bytes().all(digit)
}

fn sensitive(bytes: &[u8]) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_bytes(bytes).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(service: &str, access_key: Option<&str>) -> SigV4 {
        SigV4 {
            access_key: access_key.map(ToOwned::to_owned),
            region: "eu-central-1".to_owned(),
            service: service.to_owned(),
        }
    }

    fn call(scheme: &str, fields: &[(&'static str, &str)]) -> HttpCall {
        let headers = fields.iter().map(|(name, value)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).expect("a value"))
        });
        HttpCall {
            method: http::Method::PUT,
            uri: format!("{scheme}://b.example/x?versions").parse().expect("a URI"),
            headers: headers.collect(),
            connect: None,
            first_byte: None,
            between_bytes: None,
        }
    }

    #[test]
    fn credentials_are_read_as_the_tools_of_aws_print_them() {
        let read = |text: &str| {
            let own = credentials(&form("s3", None), &Secret::new(text.as_bytes().to_vec()))?;
            let token = own.token.map(|it| String::from_utf8_lossy(it.expose()).into_owned());
            Some((own.id, String::from_utf8_lossy(own.secret.expose()).into_owned(), token))
        };
        let plain = ("AKIA1".to_owned(), "k".to_owned(), None);
        let with_token = ("AKIA1".to_owned(), "k".to_owned(), Some("t".to_owned()));
        for (text, expect) in [
            (r#"{"AccessKeyId":"AKIA1","SecretAccessKey":"k"}"#, Some(plain)),
            (
                r#"{"Version":1,"AccessKeyId":"AKIA1","SecretAccessKey":"k","SessionToken":"t"}"#,
                Some(with_token.clone()),
            ),
            (
                r#"{"Credentials":{"AccessKeyId":"AKIA1","SecretAccessKey":"k","SessionToken":"t"}}"#,
                Some(with_token),
            ),
            (r#"{"AccessKeyId":"a/b","SecretAccessKey":"k"}"#, None),
            (r#"{"AccessKeyId":"AKIA1"}"#, None),
            (r#"{"SecretAccessKey":"k"}"#, None),
            (r#"{"AccessKeyId":"AKIA1","SecretAccessKey":7}"#, None),
            ("k", None),
        ] {
            assert_eq!(read(text), expect, "{text}");
        }
        let named = credentials(&form("s3", Some("AKIA1")), &Secret::new(b"k".to_vec()));
        assert!(named.is_some_and(|it| it.id == "AKIA1" && it.secret.expose() == b"k"));
    }

    #[test]
    fn the_body_is_digested_unless_it_may_go_unsigned() {
        let digest = sigv4::EMPTY.replace('e', "0");
        let said = |text: &str| Payload::Said(text.to_owned());
        for (service, scheme, field, has_body, expect) in [
            ("s3", "https", None, true, said(UNSIGNED)),
            ("s3", "http", None, true, Payload::Digest),
            ("s3", "https", None, false, said(sigv4::EMPTY)),
            ("sqs", "https", None, true, Payload::Digest),
            ("sqs", "https", Some(UNSIGNED), true, Payload::Digest),
            ("sqs", "https", Some(digest.as_str()), true, said(&digest)),
            ("s3", "http", Some("no digest"), true, Payload::Digest),
            ("s3", "https", Some("STREAMING-AWS4-HMAC-SHA256-PAYLOAD"), true, Payload::Signed),
            ("s3", "http", Some("STREAMING-UNSIGNED-PAYLOAD-TRAILER"), true, Payload::Signed),
        ] {
            let fields: Vec<_> = field.iter().map(|it| ("x-amz-content-sha256", *it)).collect();
            let found = payload(&form(service, Some("a")), &call(scheme, &fields), has_body);
            assert_eq!(found, expect, "{service} {scheme} {field:?}");
        }
    }

    #[test]
    fn what_the_guest_signed_itself_is_replaced() {
        let fields = [
            ("authorization", "AWS4-HMAC-SHA256 Credential=x"),
            ("x-amz-date", "20000101T000000Z"),
            ("x-amz-security-token", "theirs"),
            ("x-amz-acl", "private"),
            ("x-own", "1"),
        ];
        let mut call = call("https", &fields);
        let own = Credentials {
            id: "AKIA1".to_owned(),
            secret: Secret::new(b"k".to_vec()),
            token: Some(Secret::new(b"ours".to_vec())),
        };
        let now = Timestamp(1_369_353_600_000_000);
        let payload = Payload::Said(UNSIGNED.to_owned());
        let signature =
            sign(&form("s3", None), &own, &mut call, payload, b"", now).expect("signed");
        let field = |name: &str| call.headers[name].to_str().expect("text");
        assert_eq!(
            field("authorization"),
            format!(
                "AWS4-HMAC-SHA256 Credential=AKIA1/20130524/eu-central-1/s3/aws4_request, SignedHeaders=host;x-amz-acl;x-amz-content-sha256;x-amz-date;x-amz-security-token, Signature={signature}"
            )
        );
        assert_eq!(field("x-amz-date"), "20130524T000000Z");
        assert_eq!(field("x-amz-security-token"), "ours");
        assert_eq!(field("x-amz-content-sha256"), UNSIGNED);
    }

    #[test]
    fn a_signature_in_the_query_is_seen() {
        let mut call = call("https", &[]);
        assert!(!is_presigned(&call));
        call.uri = "https://b.example/x?X-Amz-Date=1&X-Amz-Signature=2".parse().expect("a URI");
        assert!(is_presigned(&call));
    }
}
