//! Telephone numbers: international ones by their `+`, national ones by the words before them.

use super::context::{self, Set, Words};
use super::detector::Hit;
use super::digits::Groups;
use super::rule::{Confidence, Known};
use super::window::Window;

const WORDS: Words = &Set::of(&[
    "phone*",
    "tel",
    "telephone*",
    "telefon*",
    "téléphone*",
    "teléfono*",
    "telefono*",
    "mobile*",
    "mobil",
    "mobilnummer",
    "handy*",
    "cell*",
    "fax*",
    "msisdn",
    "sms",
    "whatsapp",
    "call*",
    "dial*",
]);

/// Whether a country has this code (ITU-T E.164): of one digit, or a family of two or three.
fn is_country(digits: &[u8]) -> bool {
    match digits {
        [1 | 7, ..] => true,
        [2, b, ..] => matches!(b, 0..=7 | 9),
        [3..=6, ..] => true,
        [8, b, ..] => matches!(b, 1 | 2 | 4 | 5 | 6 | 8),
        [9, b, ..] => matches!(b, 0..=6 | 8 | 9),
        _ => false,
    }
}

/// The end of a number that begins at `start`, and its digits: groups with a space, a hyphen, a
/// full stop, a slash or brackets between them.
fn number(window: &Window<'_>, start: usize) -> (usize, [u8; 16], usize) {
    let (mut at, mut end, mut count, mut digits) = (start, start, 0, [0_u8; 16]);
    while let Some(byte) = window.at(at) {
        match byte {
            b'0'..=b'9' => {
                let Some(place) = digits.get_mut(count) else { return (end, digits, count + 1) };
                *place = byte - b'0';
                (count, end) = (count + 1, at + 1);
            }
            b' ' | b'-' | b'.' | b'/' | b'(' | b')' if at - end < 2 => {}
            _ => break,
        }
        at += 1;
    }
    (end, digits, count)
}

/// A number behind `+` or `(`.
pub(super) fn marked(window: &Window<'_>, digit: usize) -> Option<Hit> {
    let start = digit.checked_sub(1)?;
    let told = context::says(window, start, WORDS);
    if window.before(digit) == Some(b'(') {
        return american(window, start).map(|end| hit(start, end, told));
    }
    if window.before(start).is_some_and(super::window::is_word) {
        return None;
    }
    let (end, digits, count) = number(window, digit);
    let least = if told { 8 } else { 10 };
    let american = matches!(digits, [1 | 7, ..]) && count != 11;
    let right = (least..=15).contains(&count) && is_country(&digits) && !american;
    (right && window.ends(end)).then(|| hit(start, end, told))
}

/// `(212) 555-0123`.
fn american(window: &Window<'_>, start: usize) -> Option<usize> {
    const SHAPE: &[u8] = b"(NXX) NXX-XXXX";
    let mut at = start;
    for wanted in SHAPE {
        let byte = window.at(at);
        let right = match wanted {
            b'N' => matches!(byte, Some(b'2'..=b'9')),
            b'X' => byte.is_some_and(|byte| byte.is_ascii_digit()),
            b' ' if byte != Some(b' ') => continue,
            other => byte == Some(*other),
        };
        if !right {
            return None;
        }
        at += 1;
    }
    window.ends(at).then_some(at)
}

/// A national number, which is one only if it is called so.
pub(super) fn national(window: &Window<'_>, groups: &Groups) -> Option<Hit> {
    if groups.lengths().first().is_some_and(|length| *length == 1) {
        return None;
    }
    let (end, digits, count) = number(window, groups.start);
    // Times in seconds and in milliseconds begin with 1; such numbers do not.
    let is_time = digits.first() == Some(&1) && matches!(count, 10 | 13);
    let right = (7..=15).contains(&count) && !is_time && window.ends(end);
    (right && context::says(window, groups.start, WORDS)).then(|| hit(groups.start, end, true))
}

fn hit(start: usize, end: usize, told: bool) -> Hit {
    let confidence = if told { Confidence::Context } else { Confidence::Pattern };
    Hit { rule: Known::Phone.id(), start, end, confidence }
}
