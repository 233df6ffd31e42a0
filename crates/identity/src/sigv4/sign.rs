//! AWS's Signature Version 4: what is signed of a request, and how.
//!
//! Only computation: what the parts of the request are, and which of its fields are signed, is said
//! by whoever calls. <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv4.html>

use aws_lc_rs::hmac;
use model::{Secret, Timestamp};

/// The name of the algorithm, and of the scheme in `authorization`.
pub const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// Digits as percent signs want them.
const HEX: &[u8; 16] = b"0123456789ABCDEF";
/// The digest of nothing.
pub const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// With what is signed.
pub struct Key<'a> {
    /// The id, which everybody may know.
    pub id: &'a str,
    /// The key.
    pub secret: &'a [u8],
    /// The region that it is said for.
    pub region: &'a str,
    /// The service that it is said for.
    pub service: &'a str,
}

/// What is signed.
pub struct Signing<'a> {
    /// The method.
    pub method: &'a str,
    /// As it is sent.
    pub path: &'a str,
    /// As it is sent, without `?`.
    pub query: &'a str,
    /// The fields that are signed: names in lower case, with all their values.
    pub fields: Vec<(&'a str, Vec<&'a [u8]>)>,
    /// The digest of the body, or what stands for it.
    pub payload: &'a str,
    /// Whether the path is encoded once and taken as it is, as S3 does.
    pub s3: bool,
    /// As [`basic_time`] writes it.
    pub time: &'a str,
}

/// A signature.
pub struct Signed {
    /// What `authorization` says.
    pub authorization: String,
    /// The signature in it, in hexadecimal digits.
    pub signature: String,
}

/// Signs.
#[must_use]
pub fn sign(key: &Key<'_>, mut signing: Signing<'_>) -> Signed {
    signing.fields.sort_unstable_by_key(|(name, _)| *name);
    let names: Vec<&str> = signing.fields.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");
    let date = signing.time.get(..8).unwrap_or_default();
    let scope = format!("{date}/{}/{}/aws4_request", key.region, key.service);
    let digest = sha256_hex(&canonical(&signing, &names));
    let text = format!("{ALGORITHM}\n{}\n{scope}\n{digest}", signing.time);
    let signature = hex::encode(hmac_sha256(signing_key(key, date).expose(), text.as_bytes()));
    let authorization = format!(
        "{ALGORITHM} Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
        key.id
    );
    Signed { authorization, signature }
}

/// A time as it stands in the fields: `20130524T000000Z`. `None` for times that no field can say.
#[must_use]
pub fn basic_time(time: Timestamp) -> Option<String> {
    let text = time.to_string();
    let seconds = text.get(..19).filter(|it| it.as_bytes().get(10) == Some(&b'T'))?;
    let digits = seconds.chars().filter(|it| !matches!(it, '-' | ':'));
    Some(digits.chain(['Z']).collect())
}

/// The key of one day, one region and one service.
fn signing_key(key: &Key<'_>, date: &str) -> Secret<[u8; 32]> {
    let first = Secret::new([b"AWS4", key.secret].concat());
    let mut last = Secret::new(hmac_sha256(first.expose(), date.as_bytes()));
    for part in [key.region, key.service, "aws4_request"] {
        last = Secret::new(hmac_sha256(last.expose(), part.as_bytes()));
    }
    last
}

fn canonical(signing: &Signing<'_>, names: &str) -> Vec<u8> {
    let path = if signing.s3 { path_of_s3(signing.path) } else { normal_path(signing.path) };
    let mut out = format!("{}\n{path}\n{}\n", signing.method, query(signing.query)).into_bytes();
    for (name, values) in &signing.fields {
        out.extend_from_slice(name.as_bytes());
        for (at, value) in values.iter().enumerate() {
            out.push(if at == 0 { b':' } else { b',' });
            let words = value.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
            out.extend_from_slice(&words.collect::<Vec<_>>().join(&b' '));
        }
        out.push(b'\n');
    }
    out.extend_from_slice(format!("\n{names}\n{}", signing.payload).as_bytes());
    out
}

/// The path as S3 has it: every character encoded once, however it was sent.
fn path_of_s3(path: &str) -> String {
    let segments = path.split('/').map(|segment| encoded(&decoded(segment)));
    let path = segments.collect::<Vec<_>>().join("/");
    if path.is_empty() { "/".to_owned() } else { path }
}

/// The path as all other services have it: without empty segments and dots, and encoded once more
/// than it was sent.
fn normal_path(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            segment => kept.push(segment),
        }
    }
    let mut out: String = kept.iter().map(|it| format!("/{}", encoded(it.as_bytes()))).collect();
    let directory = ["/", "/.", "/.."].iter().any(|end| path.ends_with(end));
    if out.is_empty() || directory {
        out.push('/');
    }
    out
}

/// The query with every parameter encoded once, in order.
fn query(text: &str) -> String {
    let pieces = text.split('&').filter(|piece| !piece.is_empty());
    let pair = |piece: &str| {
        let (key, value) = piece.split_once('=').unwrap_or((piece, ""));
        (encoded(&decoded(key)), encoded(&decoded(value)))
    };
    let mut pairs: Vec<(String, String)> = pieces.map(pair).collect();
    pairs.sort_unstable();
    let pairs: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}={value}")).collect();
    pairs.join("&")
}

/// Every byte that is not unreserved (RFC 3986, section 2.3) behind a percent sign.
fn encoded(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            out.push(char::from(*byte));
        } else {
            out.push('%');
            out.extend([byte >> 4, byte & 15].map(|digit| char::from(HEX[usize::from(digit)])));
        }
    }
    out
}

/// HMAC with SHA-256 (RFC 2104).
fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message);
    let mut out = [0; 32];
    out.copy_from_slice(tag.as_ref());
    out
}

fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(crate::sha256(bytes))
}

/// What percent signs stand for.
pub(super) fn decoded(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let pair = after.get(..2).filter(|_| *first == b'%');
        let byte = pair.and_then(|pair| hex::decode(pair).ok()).and_then(|it| it.first().copied());
        out.push(byte.unwrap_or(*first));
        rest = after.get(if byte.is_some() { 2 } else { 0 }..).unwrap_or_default();
    }
    out
}

#[cfg(test)]
mod tests;
