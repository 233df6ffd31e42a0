//! Account numbers by ISO 13616: the country's length, and two digits modulo 97.

use super::detector::Hit;
use super::rule::{Confidence, Known};
use super::window::Window;

/// The length of each country's numbers, from the registry of SWIFT.
const LENGTHS: &[(&[u8; 2], u8)] = &[
    (b"AD", 24),
    (b"AE", 23),
    (b"AL", 28),
    (b"AT", 20),
    (b"AZ", 28),
    (b"BA", 20),
    (b"BE", 16),
    (b"BG", 22),
    (b"BH", 22),
    (b"BI", 27),
    (b"BR", 29),
    (b"BY", 28),
    (b"CH", 21),
    (b"CR", 22),
    (b"CY", 28),
    (b"CZ", 24),
    (b"DE", 22),
    (b"DJ", 27),
    (b"DK", 18),
    (b"DO", 28),
    (b"EE", 20),
    (b"EG", 29),
    (b"ES", 24),
    (b"FI", 18),
    (b"FK", 18),
    (b"FO", 18),
    (b"FR", 27),
    (b"GB", 22),
    (b"GE", 22),
    (b"GI", 23),
    (b"GL", 18),
    (b"GR", 27),
    (b"GT", 28),
    (b"HN", 28),
    (b"HR", 21),
    (b"HU", 28),
    (b"IE", 22),
    (b"IL", 23),
    (b"IQ", 23),
    (b"IS", 26),
    (b"IT", 27),
    (b"JO", 30),
    (b"KW", 30),
    (b"KZ", 20),
    (b"LB", 28),
    (b"LC", 32),
    (b"LI", 21),
    (b"LT", 20),
    (b"LU", 20),
    (b"LV", 21),
    (b"LY", 25),
    (b"MC", 27),
    (b"MD", 24),
    (b"ME", 22),
    (b"MK", 19),
    (b"MN", 20),
    (b"MR", 27),
    (b"MT", 31),
    (b"MU", 30),
    (b"NI", 28),
    (b"NL", 18),
    (b"NO", 15),
    (b"OM", 23),
    (b"PK", 24),
    (b"PL", 28),
    (b"PS", 29),
    (b"PT", 25),
    (b"QA", 29),
    (b"RO", 24),
    (b"RS", 22),
    (b"RU", 33),
    (b"SA", 24),
    (b"SC", 31),
    (b"SD", 18),
    (b"SE", 24),
    (b"SI", 19),
    (b"SK", 24),
    (b"SM", 27),
    (b"SO", 23),
    (b"ST", 25),
    (b"SV", 28),
    (b"TL", 23),
    (b"TN", 24),
    (b"TR", 26),
    (b"UA", 29),
    (b"VA", 22),
    (b"VG", 24),
    (b"XK", 20),
    (b"YE", 30),
];

/// A number whose country begins at `start`, compact or in groups of four.
pub(super) fn examine(window: &Window<'_>, start: usize) -> Option<Hit> {
    let country = [window.at(start)?, window.at(start + 1)?];
    let (_, length) = LENGTHS.iter().find(|(code, _)| **code == country)?;
    let length = usize::from(*length);
    let spaced = window.at(start + 4) == Some(b' ');
    let (mut at, mut read, mut rest) = (start, 0, [0_u8; 40]);
    while read < length {
        if spaced && read > 0 && read.is_multiple_of(4) {
            if window.at(at) != Some(b' ') {
                return None;
            }
            at += 1;
        }
        let byte = window.at(at).filter(|b| b.is_ascii_digit() || b.is_ascii_uppercase())?;
        *rest.get_mut(read)? = byte;
        (at, read) = (at + 1, read + 1);
    }
    let text = rest.get(..length)?;
    if !window.ends(at) || !is_right(text) {
        return None;
    }
    let confidence = Confidence::Checksum;
    Some(Hit { rule: Known::Iban.id(), start, end: at, confidence })
}

/// ISO 7064 modulo 97,10 of the text with its first four characters put last.
fn is_right(text: &[u8]) -> bool {
    let (head, body) = text.split_at(4.min(text.len()));
    if !head.iter().skip(2).all(u8::is_ascii_digit) {
        return false;
    }
    let rest = body.iter().chain(head).fold(0_u32, |rest, byte| match byte {
        b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
        byte => (rest * 100 + u32::from(byte.wrapping_sub(b'A')) + 10) % 97,
    });
    rest == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registrys_examples_are_right() {
        for text in [
            "AD1200012030200359100100",
            "AT611904300234573201",
            "BE68539007547034",
            "BR1800360305000010009795493C1",
            "CH9300762011623852957",
            "DE89370400440532013000",
            "ES9121000418450200051332",
            "FI2112345600000785",
            "FR1420041010050500013M02606",
            "GB29NWBK60161331926819",
            "IT60X0542811101000000123456",
            "NL91ABNA0417164300",
            "NO9386011117947",
            "PL61109010140000071219812874",
            "SE4550000000058398257466",
            "MT84MALT011000012345MTLCAST001S",
        ] {
            let grouped: Vec<&str> = text
                .as_bytes()
                .chunks(4)
                .filter_map(|part| std::str::from_utf8(part).ok())
                .collect();
            for text in [text.to_owned(), grouped.join(" ")] {
                let found = examine(&Window::new(text.as_bytes(), b"", true), 0);
                assert_eq!(found.map(|hit| hit.end), Some(text.len()), "{text}");
            }
            let mut wrong = text.as_bytes().to_vec();
            wrong.swap(2, 3);
            assert!(!is_right(&wrong) || wrong == text.as_bytes(), "{text}");
        }
    }
}
