//! The two functions of cryptography that signing needs, by the one provider.

use aws_lc_rs::{digest, hmac};

/// HMAC with SHA-256 (RFC 2104).
#[cfg(test)]
pub(crate) fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message);
    let mut out = [0; 32];
    out.copy_from_slice(tag.as_ref());
    out
}

/// HMAC over a message in pieces.
pub(crate) fn hmac_of<'a>(
    algorithm: hmac::Algorithm,
    key: &[u8],
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> hmac::Tag {
    let mut context = hmac::Context::with_key(&hmac::Key::new(algorithm, key));
    for piece in pieces {
        context.update(piece);
    }
    context.sign()
}

/// SHA-256 in lower-case hexadecimal digits.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, bytes))
}
