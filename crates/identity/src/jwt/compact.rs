//! The compact form of a token (RFC 7515, section 7.1): header, payload and signature.

use super::json::Object;
use super::{Algorithm, Refused};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Most values in a header, and in claims, everything inside lists and objects counted.
const HEADER_VALUES_MAX: u32 = 32;
const CLAIM_VALUES_MAX: u32 = 512;
/// Longest header, in bytes of JSON.
const HEADER_BYTES_MAX: usize = 2 << 10;
/// Longest name of a key, in bytes.
const KEY_ID_BYTES_MAX: usize = 255;

/// A token of at most [`super::TOKEN_BYTES_MAX`] bytes, taken apart. Nothing in it is believed yet.
pub(super) struct Compact<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) key_id: Option<String>,
    pub(super) claims: Object,
    /// What was signed.
    pub(super) message: &'a str,
    pub(super) signature: Vec<u8>,
}

impl<'a> Compact<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, Refused> {
        let parts = || text.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts().next(), parts().nth(1), parts().nth(2), parts().nth(3))
        else {
            return Err("it has not three parts");
        };
        let message = text.get(..header.len() + 1 + payload.len()).unwrap_or_default();
        let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| "a part is no base64url");
        let (algorithm, key_id) = read_header(&bytes(header)?)?;
        let claims = Object::parse(&bytes(payload)?, CLAIM_VALUES_MAX);
        let claims = claims.ok_or("its claims are no plain JSON object")?;
        Ok(Self { algorithm, key_id, claims, message, signature: bytes(signature)? })
    }
}

/// The algorithm and the key that a header names. What it says beside is not followed, and what
/// it insists on is refused (RFC 7515, section 4.1.11).
fn read_header(json: &[u8]) -> Result<(Algorithm, Option<String>), Refused> {
    let long = json.len() > HEADER_BYTES_MAX;
    let header = Object::parse(json, HEADER_VALUES_MAX).filter(|_| !long);
    let header = header.ok_or("its header is no plain JSON object")?;
    if header.has("crit") || header.has("b64") {
        return Err("its header insists on an extension");
    }
    if header.has("cty") || header.has("enc") || header.has("zip") {
        return Err("it is nested, encrypted or compressed");
    }
    if header.has("typ") && !header.text("typ").is_some_and(is_ours) {
        return Err("it is a token of another type");
    }
    let algorithm = header.text("alg").and_then(Algorithm::parse);
    let algorithm = algorithm.ok_or("its algorithm is none that can be allowed")?;
    let key_id = match (header.get("kid"), header.text("kid")) {
        (None, _) => None,
        (Some(_), Some(id)) if id.len() <= KEY_ID_BYTES_MAX => Some(id.to_owned()),
        _ => return Err("the name of its key cannot be used"),
    };
    Ok((algorithm, key_id))
}

/// Whether a token of this type is meant for access (RFC 7519, section 5.1; RFC 9068, section 4).
fn is_ours(kind: &str) -> bool {
    let bare = match kind.get(..12) {
        Some(prefix) if prefix.eq_ignore_ascii_case("application/") => {
            kind.get(12..).unwrap_or_default()
        }
        _ => kind,
    };
    bare.eq_ignore_ascii_case("jwt") || bare.eq_ignore_ascii_case("at+jwt")
}
