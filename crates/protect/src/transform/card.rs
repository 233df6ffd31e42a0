//! Payment cards: a number becomes another one with the same length, and its check digit is wrong.
//!
//! A right number's Luhn sum is 0 modulo 10, and what stands for one has the sum 5. So it is never
//! a card's number, it can be told from one, and to protect a number twice is refused.
//!
//! If the last digits stay, the check digit is among them, and the digits in the middle have to
//! make the sum right. So FF1 is repeated until they do, which permutes the right numbers with
//! these first and last digits among themselves; then the last digit of the middle is moved, so
//! that the sum is 5. Without, the check digit is left out and made anew.

use super::Error;
use super::ff1::Way;
use super::luhn::{TOKEN_SUM, moved, sum};
use super::shape::{Part, Shape, leads};

/// Digits of a card's number (ISO/IEC 7812-1 allows up to 19; the shortest in use have 12).
const DIGITS: std::ops::RangeInclusive<usize> = 12..=19;

/// Enciphers or deciphers a card's number. `number` says that it is to stay a number: no zero
/// leads.
pub(crate) fn run(
    shape: &Shape,
    way: Way,
    text: &str,
    part: Part<'_>,
    number: bool,
) -> Result<String, Error> {
    let mut cut = if number { shape.cut_number(text)? } else { shape.cut(text)? };
    let digits = &mut cut.numerals;
    let (expected, error) = match way {
        Way::Protect => (0, Error::NotCard),
        Way::Undo => (TOKEN_SUM, Error::NotCardToken),
    };
    if !DIGITS.contains(&digits.len()) || sum(digits) != expected {
        return Err(error);
    }
    let good = |digits: &[u16]| !number || leads(digits);
    if part.last == 0 {
        open(shape, way, digits, part, &good)?;
    } else {
        kept(shape, way, digits, part, &good)?;
    }
    Ok(shape.join(cut))
}

/// The check digit does not stay.
fn open(
    shape: &Shape,
    way: Way,
    digits: &mut [u16],
    part: Part<'_>,
    good: &dyn Fn(&[u16]) -> bool,
) -> Result<(), Error> {
    let Some((check, rest)) = digits.split_last_mut() else { return Err(Error::NotCard) };
    shape.run(way, rest, part, good)?;
    *check = 0;
    let want = if way == Way::Protect { TOKEN_SUM } else { 0 };
    let missing = (10 + want - sum(digits)) % 10;
    if let Some(check) = digits.last_mut() {
        *check = missing;
    }
    Ok(())
}

/// The check digit stays, with others before it or alone.
fn kept(
    shape: &Shape,
    way: Way,
    digits: &mut [u16],
    part: Part<'_>,
    good: &dyn Fn(&[u16]) -> bool,
) -> Result<(), Error> {
    let fits = |digits: &[u16]| sum(digits) == 0 && good(digits);
    // The last digit of the middle. Without a middle, FF1 refuses below.
    let place = digits.len().saturating_sub(part.last + 1);
    let shift = |digits: &mut [u16], by| {
        if let Some(digit) = digits.get_mut(place) {
            *digit = moved(*digit, part.last, by);
        }
    };
    if way == Way::Undo {
        shift(digits, 10 - TOKEN_SUM);
        if !fits(digits) {
            return Err(Error::NotCardToken);
        }
    }
    shape.run(way, digits, part, &fits)?;
    if way == Way::Protect {
        shift(digits, TOKEN_SUM);
    }
    Ok(())
}
