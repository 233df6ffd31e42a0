//! Values that stand behind a name which says that they are secret. They are observed only: such
//! names have harmless values, too.

use super::super::detector::Hit;
use super::super::rule::{Confidence, Known};
use super::super::window::Window;
use super::entropy;

/// Longest value, in bytes.
const VALUE: usize = 256;
/// What a name may go on with and still mean the value.
const MORE: &[&[u8]] = &[b"_key", b"Key", b"_KEY", b"_value", b"Value", b"s", b""];

/// The value that is assigned to a name which ends at `at`: `=`, `:` or `=>`, with quotes or
/// without.
pub(super) fn named(window: &Window<'_>, at: usize) -> Option<Hit> {
    let more = MORE.iter().find(|more| {
        let end = at + more.len();
        window.goes_on(at, more) && !window.at(end).is_some_and(super::is_word)
    })?;
    let quote = |byte: u8| matches!(byte, b'"' | b'\'' | b'\\' | b'`');
    let at = window.run(at + more.len(), 3, |byte| quote(byte) || byte == b']');
    let at = window.run(at, 4, |byte| byte == b' ');
    let sign = window.run(at, 2, |byte| matches!(byte, b':' | b'=' | b'>'));
    if sign == at {
        return None;
    }
    let at = window.run(sign, 4, |byte| byte == b' ');
    let start = window.run(at, 3, quote);
    let end = window.run(start, VALUE + 1, is_value);
    let text = window.slice(start, end);
    let is_mixed = text.iter().any(u8::is_ascii_digit) && text.iter().any(u8::is_ascii_alphabetic);
    if !(8..=VALUE).contains(&text.len()) || !is_mixed || entropy(text) < 28 || is_placeholder(text)
    {
        return None;
    }
    let rule = Known::Assigned.id();
    Some(Hit { rule, start, end, confidence: Confidence::Context })
}

const fn is_value(byte: u8) -> bool {
    byte.is_ascii_graphic()
        && !matches!(
            byte,
            b'"' | b'\'' | b'`' | b',' | b';' | b'&' | b'<' | b'>' | b'\\' | b'(' | b')'
        )
}

fn is_placeholder(text: &[u8]) -> bool {
    let starts = |with: &[u8]| text.starts_with(with);
    let holds = |part: &[u8]| text.windows(part.len()).any(|own| own.eq_ignore_ascii_case(part));
    starts(b"${")
        || starts(b"{{")
        || starts(b"$(")
        || starts(b"[")
        || starts(b"http")
        || holds(b"xxxx")
        || holds(b"****")
        || holds(b"example")
        || holds(b"changeme")
}

/// The credential behind `Bearer ` or `Basic `.
pub(super) fn bearer(window: &Window<'_>, start: usize) -> Option<Hit> {
    let of = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b);
    if window.goes_on(start, b"eyJ")
        && let Some(hit) = super::long::jwt(window, start)
    {
        return Some(hit);
    }
    let end = window.run(start, 4096, of);
    let text = window.slice(start, end);
    let is_mixed = text.iter().any(u8::is_ascii_digit) && text.iter().any(u8::is_ascii_uppercase);
    if text.len() < 16 || !is_mixed || entropy(text) < 30 || is_placeholder(text) {
        return None;
    }
    let rule = Known::Assigned.id();
    Some(Hit { rule, start, end, confidence: Confidence::Context })
}

/// The password of `scheme://user:password@host`, from behind `://` on.
pub(super) fn in_url(window: &Window<'_>, at: usize) -> Option<Hit> {
    let part = |b: u8| b.is_ascii_graphic() && !b"/@:\"'<>\\`,".contains(&b);
    let user = window.run(at, 128, part);
    if window.at(user) != Some(b':') {
        return None;
    }
    let start = user + 1;
    let end = window.run(start, VALUE, part);
    let text = window.slice(start, end);
    if text.len() < 3 || window.at(end) != Some(b'@') || is_placeholder(text) {
        return None;
    }
    let rule = Known::UrlPassword.id();
    Some(Hit { rule, start, end, confidence: Confidence::Context })
}
