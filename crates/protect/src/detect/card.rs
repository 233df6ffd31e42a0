//! Numbers of payment cards: ISO/IEC 7812, the ranges and lengths that issuers use, and Luhn.
//!
//! Of sixteen random digits, one in sixty passes all of that. So the name before a number decides
//! what lies between: a number called an order or a trace is none.

use super::check::{luhn, number};
use super::context::{self, Set, Words};
use super::detector::Hit;
use super::digits::{Groups, table::Seps};
use super::rule::{Confidence, Known};
use super::window::Window;

const WORDS: Words = &Set::of(&[
    "card*",
    "pan",
    "cc",
    "ccn",
    "ccnum*",
    "ccno",
    "credit*",
    "debit*",
    "visa",
    "mastercard",
    "amex",
    "maestro",
    "discover",
    "payment*",
    "karte*",
    "kreditkarte*",
    "kartennummer",
    "carte",
    "tarjeta*",
    "cartao",
    "cartão",
    "carta",
]);

/// How people and machines group a number, beside not at all.
const GROUPED: &[&[u8]] =
    &[&[4, 4, 4, 4], &[4, 6, 5], &[4, 6, 4], &[4, 4, 4, 4, 3], &[4, 4, 4, 1], &[6, 10], &[6, 13]];

/// Whether a number begins as one of an issuer's, and has the length of such.
fn is_issued(digits: &[u8]) -> bool {
    let length = digits.len();
    let beginning = number(digits.get(..6).unwrap_or_default());
    match beginning {
        // Visa, of which 13 and 19 digits are rare; Mastercard; UnionPay; American Express; JCB;
        // Diners Club; Discover; Mir; RuPay; Maestro.
        400_000..=499_999 => matches!(length, 13 | 16 | 19),
        510_000..=559_999 | 222_100..=272_099 => length == 16,
        620_000..=629_999 | 810_000..=819_999 => matches!(length, 16..=19),
        340_000..=349_999 | 370_000..=379_999 => length == 15,
        352_800..=358_999 => matches!(length, 16..=19),
        300_000..=305_999 | 360_000..=369_999 => matches!(length, 14 | 16..=19),
        380_000..=399_999 => matches!(length, 14 | 16..=19),
        601_100..=601_199 | 644_000..=659_999 => matches!(length, 16..=19),
        220_000..=220_499 => matches!(length, 16..=19),
        607_000..=607_999 | 508_000..=508_999 => length == 16,
        500_000..=509_999 | 560_000..=589_999 | 600_000..=699_999 => matches!(length, 12..=19),
        _ => false,
    }
}

/// Lengths and issuers that nearly all cards have. Others need words before them.
fn is_usual(digits: &[u8]) -> bool {
    let maestro = matches!(number(digits.get(..2).unwrap_or_default()), 50 | 56..=58 | 60..=61 | 63 | 66..=69);
    let discover = number(digits.get(..4).unwrap_or_default()) == 6011;
    matches!(digits.len(), 15 | 16) && (!maestro || discover)
}

/// A card at the beginning of these digits.
pub(super) fn examine(window: &Window<'_>, groups: &Groups) -> Option<Hit> {
    let is_grouped = |shape: &&&[u8]| groups.are(shape, Seps::Same(b" -"));
    let (count, is_grouped) = match groups.lengths().first()? {
        12..=19 => (1, false),
        4 | 6 => (GROUPED.iter().find(is_grouped)?.len(), true),
        _ => return None,
    };
    let (digits, end) = (groups.digits(count), groups.end(count));
    if !is_issued(digits) || !luhn(digits) || !varies(digits) || !window.ends(end) {
        return None;
    }
    let told = context::says(window, groups.start, WORDS);
    let other = context::says(window, groups.start, context::IDENTIFIERS);
    let confidence = match (told, other) {
        (true, false) => Confidence::Confirmed,
        (true, true) => Confidence::Checksum,
        (false, false) if is_grouped && is_usual(digits) => Confidence::Confirmed,
        (false, false) if is_usual(digits) && !is_json_number(window, groups.start) => {
            Confidence::Checksum
        }
        (false, _) => Confidence::Pattern,
    };
    Some(Hit { rule: Known::Pan.id(), start: groups.start, end, confidence })
}

/// Whether the digits are a number of a JSON document and no string: cards are strings, and amounts
/// are numbers.
fn is_json_number(window: &Window<'_>, start: usize) -> bool {
    let before = window.slice(start.saturating_sub(3), start).trim_ascii_end();
    before.ends_with(b"\":")
}

/// Whether there are more than two different digits behind the issuer's, or it is a test card's.
fn varies(digits: &[u8]) -> bool {
    !digits.windows(2).all(|pair| matches!(pair, [a, b] if a == b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(text: &str) -> Vec<u8> {
        text.bytes().map(|byte| byte - b'0').collect()
    }

    #[test]
    fn the_issuers_test_cards_are_cards() {
        for text in [
            "4111111111111111",
            "4242424242424242",
            "4012888888881881",
            "4222222222222",
            "5555555555554444",
            "5105105105105100",
            "2223003122003222",
            "378282246310005",
            "371449635398431",
            "6011111111111117",
            "6011000990139424",
            "30569309025904",
            "38520000023237",
            "3530111333300000",
            "3566002020360505",
            "6200000000000005",
            "6304000000000000",
            "2200000000000004",
        ] {
            let digits = digits(text);
            assert!(is_issued(&digits) && luhn(&digits), "{text}");
        }
        for text in ["1111111111111117", "9999999999999995", "7000000000000005", "41111111111111"] {
            assert!(!is_issued(&digits(text)), "{text}");
        }
    }
}
