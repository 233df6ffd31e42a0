//! Everything that one value is looked for as: as it is, and as it is commonly written.

use base64::Engine as _;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use model::{Secret, vault};

/// Lines of a value that are looked for one by one.
const LINES_MAX: usize = 128;

/// Everything that one value is looked for as. Shorter texts than `least` are left out.
pub(super) fn forms(value: &[u8], least: usize) -> Vec<Secret<Vec<u8>>> {
    let mut all = vec![value.to_vec()];
    // Letters and digits are written as they are wherever characters are escaped.
    if !value.iter().all(u8::is_ascii_alphanumeric) {
        let json = serde_json::to_vec(&String::from_utf8_lossy(value)).unwrap_or_default();
        let json = json.get(1..json.len().saturating_sub(1)).unwrap_or_default().to_vec();
        all.extend([percent(value, false), percent(value, true)]);
        all.extend([form(value, false), form(value, true)]);
        // Some writers of JSON escape slashes, so that it can stand in a script.
        all.extend([slashes_escaped(&json), json]);
    }
    all.extend([hex::encode(value).into_bytes(), hex::encode_upper(value).into_bytes()]);
    for digits in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
        all.extend((0..3).map(|shift| base64_within(value, shift, digits)));
    }
    // A value of several lines, such as a key in PEM, is also found line by line.
    let lines = value.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).take(LINES_MAX);
    let lines = lines.filter(|line| line.len() < value.len() && !vault::is_weak(line));
    all.extend(lines.map(<[u8]>::to_vec));
    all.into_iter().filter(|it| it.len() >= least).map(Secret::new).collect()
}

/// The digits of base64 that depend on the value alone when `shift` bytes stand before it.
fn base64_within(value: &[u8], shift: usize, engine: &GeneralPurpose) -> Vec<u8> {
    let mut bytes = vec![0; shift];
    bytes.extend_from_slice(value);
    let mut digits = engine.encode(&bytes).into_bytes();
    if !bytes.len().is_multiple_of(3) {
        digits.pop();
    }
    // One byte before it touches two digits, two touch three.
    digits.drain(..[0, 2, 3].get(shift).copied().unwrap_or(0).min(digits.len()));
    zeroize::Zeroize::zeroize(&mut bytes);
    digits
}

/// As it stands in a URL.
pub(crate) fn percent(value: &[u8], lower: bool) -> Vec<u8> {
    escaped(value, b"-._~", lower)
}

/// As it stands in a form, where a space is a `+` (WHATWG URL,
/// `application/x-www-form-urlencoded`).
fn form(value: &[u8], lower: bool) -> Vec<u8> {
    let mut form = escaped(value, b"*-._ ", lower);
    form.iter_mut().filter(|byte| **byte == b' ').for_each(|byte| *byte = b'+');
    form
}

/// Escapes all but letters, digits and what is `kept`.
fn escaped(value: &[u8], kept: &[u8], lower: bool) -> Vec<u8> {
    let digits = if lower { b"0123456789abcdef" } else { b"0123456789ABCDEF" };
    let digit = |of: u8| digits.get(usize::from(of)).copied().unwrap_or_default();
    let mut out = Vec::with_capacity(value.len());
    for byte in value {
        if byte.is_ascii_alphanumeric() || kept.contains(byte) {
            out.push(*byte);
        } else {
            out.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    out
}

fn slashes_escaped(json: &[u8]) -> Vec<u8> {
    let escape = |byte: &u8| if *byte == b'/' { [b'\\', b'/'] } else { [*byte, 0] };
    let pieces = json.iter().map(|byte| (escape(byte), 1 + usize::from(*byte == b'/')));
    pieces.flat_map(|(piece, length)| piece.into_iter().take(length)).collect()
}
