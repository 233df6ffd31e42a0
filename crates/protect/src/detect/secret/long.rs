//! Secrets of several parts: JSON web tokens and private keys in PEM.

use super::super::detector::Hit;
use super::super::rule::{Confidence, Known};
use super::super::window::{LOOK_AHEAD, Window};
use super::{begins, entropy};

/// Longest part of a token and longest key, in bytes; half of what may be looked at.
const PART: usize = LOOK_AHEAD / 4;
const KEY: usize = LOOK_AHEAD - 256;

const fn is_url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// A signed JSON web token: three parts, of which two begin as JSON in base64 does.
pub(super) fn jwt(window: &Window<'_>, start: usize) -> Option<Hit> {
    if !begins(window, start) {
        return None;
    }
    let head = window.run(start, PART, is_url);
    if head - start < 16 || !window.goes_on(head, b".eyJ") {
        return None;
    }
    let payload = window.run(head + 1, PART, is_url);
    if window.at(payload) != Some(b'.') {
        return None;
    }
    let end = window.run(payload + 1, PART, is_url);
    let signature = window.slice(payload + 1, end);
    let right = signature.len() >= 20 && entropy(signature) >= 30;
    let rule = Known::Jwt.id();
    right.then_some(Hit { rule, start, end, confidence: Confidence::Checksum })
}

/// A private key in PEM, also one whose lines were joined by `\n` or spaces.
pub(super) fn private_key(window: &Window<'_>, start: usize) -> Option<Hit> {
    let label = start + b"-----BEGIN ".len();
    let dashes =
        window.run(label, 48, |b| b.is_ascii_uppercase() || matches!(b, b' ' | b'0'..=b'9'));
    let text = window.slice(label, dashes);
    let named = text.ends_with(b"PRIVATE KEY") || text.ends_with(b"PRIVATE KEY BLOCK");
    if !named || !window.goes_on(dashes, b"-----") {
        return None;
    }
    let body = dashes + 5;
    let of = |b: u8| b.is_ascii_alphanumeric() || b"+/= \r\n\t\\:,._()".contains(&b);
    let end = window.run(body, KEY, of);
    let inner = window.slice(body, end);
    if inner.len() < 40 || entropy(inner) < 35 {
        return None;
    }
    let closing = b"-----END ";
    let end = match window.goes_on(end, closing) {
        true => {
            let label =
                window.run(end + closing.len(), 48, |b| b.is_ascii_uppercase() || b == b' ');
            window.run(label, 5, |b| b == b'-')
        }
        false => end,
    };
    let rule = Known::PrivateKey.id();
    Some(Hit { rule, start, end, confidence: Confidence::Checksum })
}
