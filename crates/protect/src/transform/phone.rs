//! Telephone numbers: the country's code stays where there is one.

use super::Error;
use super::ff1::Way;
use super::shape::{Part, Shape};

/// Country codes of two digits (ITU-T E.164, list of assigned codes). `1` and `7` have one, all
/// others three.
const TWO_DIGITS: &[u16] = &[
    20, 27, 30, 31, 32, 33, 34, 36, 39, 40, 41, 43, 44, 45, 46, 47, 48, 49, 51, 52, 53, 54, 55, 56,
    57, 58, 60, 61, 62, 63, 64, 65, 66, 81, 82, 84, 86, 90, 91, 92, 93, 94, 95, 98,
];

/// Enciphers or deciphers a number.
pub(crate) fn run(shape: &Shape, way: Way, text: &str, part: Part<'_>) -> Result<String, Error> {
    let mut cut = shape.cut(text)?;
    let prefix = match cut.numerals.as_slice() {
        digits if text.trim_start().starts_with('+') => country(digits),
        [0, 0, digits @ ..] => 2 + country(digits),
        _ => 0,
    };
    let part = Part { first: part.first.max(prefix), ..part };
    shape.run(way, &mut cut.numerals, part, &|digits| keeps_beginning(digits, prefix))?;
    Ok(shape.join(cut))
}

/// How many digits the country's code has.
fn country(digits: &[u16]) -> usize {
    match digits {
        [1 | 7, ..] => 1,
        [a, b, ..] if TWO_DIGITS.contains(&(a * 10 + b)) => 2,
        _ => 3.min(digits.len()),
    }
}

/// Whether the way back would take the same number of digits for the beginning: a number without
/// a country's code must not begin with `00`.
fn keeps_beginning(digits: &[u16], prefix: usize) -> bool {
    prefix > 0 || !matches!(digits, [0, 0, ..])
}
