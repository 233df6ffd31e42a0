//! National ids with letters in them: those that begin with letters, and those that end with one.

use super::bytes::{self, CAPITAL, LETTER};
use super::check::{cn_resident, is_date};
use super::context::{self, Set, Words};
use super::detector::Hit;
use super::digits::{Groups, table};
use super::iban;
use super::rule::{Confidence, Known};
use super::window::Window;

const NINO: Words = &Set::of(&["nino", "ni", "insurance", "national"]);
const DNI: Words = &Set::of(&["dni", "nie", "nif", "documento", "identidad"]);
const HETU: Words =
    &Set::of(&["hetu", "henkilötunnus", "henkilotunnus", "personbeteckning", "ssn"]);
/// The letters of a Spanish number, by its rest modulo 23.
const DNI_LETTERS: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";
/// The check characters of a Finnish number, by its rest modulo 31.
const HETU_LETTERS: &[u8; 31] = b"0123456789ABCDEFHJKLMNPRSTUVWXY";

/// What begins with letters whose first digit is at `digit`.
pub(super) fn examine(window: &Window<'_>, digit: usize) -> Option<Hit> {
    let text = window.slice(digit.saturating_sub(7), digit);
    if !may_begin(text) {
        return None;
    }
    begun(window, digit, text)
}

/// Whether a number may begin with the last letters of the text: with six of any case, or with
/// fewer, the last of them a capital. Most are the end of a word, or stand in hexadecimal.
fn may_begin(text: &[u8]) -> bool {
    let all = |six: &[u8; 6]| six.iter().fold(LETTER, |all, byte| all & bytes::kind(*byte));
    text.last().is_some_and(|last| bytes::is(*last, CAPITAL))
        || text.last_chunk().map_or(0, all) != 0
}

/// What begins with the last letters of the text, which stands before the digit.
fn begun(window: &Window<'_>, digit: usize, text: &[u8]) -> Option<Hit> {
    let letters = text.iter().rev().take_while(|byte| byte.is_ascii_alphabetic()).count();
    // The letter of an escape, as in `\nDE89…`, belongs to no word.
    let escape = |letters: usize| {
        let (start, two) = (digit - letters, text.len() - letters);
        let before = two.checked_sub(1).and_then(|at| text.get(at));
        before == Some(&b'\\') && matches!(window.at(start), Some(b'n' | b'r' | b't'))
    };
    let letters = if escape(letters) { letters - 1 } else { letters };
    let start = digit - letters;
    if !window.begins(start) {
        return None;
    }
    match letters {
        1 => nie(window, start),
        2 => iban::examine(window, start).or_else(|| nino(window, start)),
        6 => codice_fiscale(window, start),
        _ => None,
    }
}

/// What begins with digits and ends with a letter, or has letters before it and a space between.
pub(super) fn tailed(window: &Window<'_>, groups: &Groups) -> Option<Hit> {
    match groups.lengths() {
        [8, ..] => dni(window, groups.start),
        [6, ..] => hetu(window, groups.start),
        [17] => resident(window, groups),
        [2, 2, 2, ..] => spaced_nino(window, groups),
        _ => None,
    }
}

fn told(window: &Window<'_>, start: usize, words: Words) -> Confidence {
    match context::says(window, start, words) {
        true => Confidence::Confirmed,
        false => Confidence::Checksum,
    }
}

/// The value of `count` digits from `start` on.
fn value(window: &Window<'_>, start: usize, count: usize) -> Option<u64> {
    (start..start + count).try_fold(0, |sum, at| {
        let digit = window.at(at).filter(u8::is_ascii_digit)?;
        Some(sum * 10 + u64::from(digit - b'0'))
    })
}

fn spanish(window: &Window<'_>, start: usize, letter: usize, value: u64) -> Option<Hit> {
    let letter = if window.at(letter) == Some(b'-') { letter + 1 } else { letter };
    let wanted = DNI_LETTERS.get(usize::try_from(value % 23).ok()?)?;
    if window.at(letter) != Some(*wanted) || !window.ends(letter + 1) {
        return None;
    }
    let confidence = told(window, start, DNI);
    Some(Hit { rule: Known::Es.id(), start, end: letter + 1, confidence })
}

/// NIE of Spain: X, Y or Z, seven digits, a letter.
fn nie(window: &Window<'_>, start: usize) -> Option<Hit> {
    let first = window.at(start).filter(|byte| matches!(byte, b'X'..=b'Z'))?;
    let value = value(window, start + 1, 7)?;
    spanish(window, start, start + 8, u64::from(first - b'X') * 10_000_000 + value)
}

/// DNI of Spain: eight digits, a letter. One in 23 random texts of that shape passes, so it is
/// worth little without a word before it.
fn dni(window: &Window<'_>, start: usize) -> Option<Hit> {
    let value = value(window, start, 8)?;
    let hit = spanish(window, start, start + 8, value)?;
    match hit.confidence {
        Confidence::Checksum => Some(Hit { confidence: Confidence::Pattern, ..hit }),
        _ => Some(hit),
    }
}

/// HETU of Finland: `ddmmyy`, the century's character, three digits, a check character.
fn hetu(window: &Window<'_>, start: usize) -> Option<Hit> {
    let date = value(window, start, 6)?;
    let century = window.at(start + 6)?;
    if !matches!(century, b'-' | b'+' | b'A'..=b'F' | b'U'..=b'Y') {
        return None;
    }
    let person = value(window, start + 7, 3)?;
    let wanted = HETU_LETTERS.get(usize::try_from((date * 1000 + person) % 31).ok()?)?;
    let right = is_date(date / 100 % 100, date / 10_000) && (2..900).contains(&person);
    if !right || window.at(start + 10) != Some(*wanted) || !window.ends(start + 11) {
        return None;
    }
    let confidence = told(window, start, HETU);
    Some(Hit { rule: Known::Fi.id(), start, end: start + 11, confidence })
}

/// A Chinese number whose check is X.
fn resident(window: &Window<'_>, groups: &Groups) -> Option<Hit> {
    let end = groups.end(1);
    if !matches!(window.at(end), Some(b'X' | b'x')) || !window.ends(end + 1) {
        return None;
    }
    let mut digits = [10_u8; 18];
    digits.get_mut(..17)?.copy_from_slice(groups.digits(1));
    let confidence = told(window, groups.start, table::CN);
    let hit = Hit { rule: Known::Cn.id(), start: groups.start, end: end + 1, confidence };
    cn_resident(&digits).then_some(hit)
}

/// Whether a British number may begin with these letters.
fn is_british(prefix: [u8; 2]) -> bool {
    let [first, second] = prefix;
    let never = matches!(&prefix, b"BG" | b"GB" | b"KN" | b"NK" | b"NT" | b"TN" | b"ZZ");
    let letter = |byte: u8| byte.is_ascii_uppercase() && !b"DFIQUV".contains(&byte);
    letter(first) && letter(second) && second != b'O' && !never
}

/// National insurance number of the United Kingdom: `AB123456C`.
fn nino(window: &Window<'_>, start: usize) -> Option<Hit> {
    let prefix = [window.at(start)?, window.at(start + 1)?];
    value(window, start + 2, 6)?;
    british(window, prefix, start, start + 8, Confidence::Pattern)
}

/// `AB 12 34 56 C`, from its first digit on.
fn spaced_nino(window: &Window<'_>, groups: &Groups) -> Option<Hit> {
    let start = groups.start.checked_sub(3)?;
    let (prefix, sep) = (window.slice(start, start + 2), window.at(start + 2)?);
    let prefix = <[u8; 2]>::try_from(prefix).ok()?;
    let right = groups.are(&[2, 2, 2], table::Seps::Same(b" -"));
    if !right || groups.seps(3).first() != Some(&sep) || window.at(groups.end(3)) != Some(sep) {
        return None;
    }
    if !window.begins(start) {
        return None;
    }
    british(window, prefix, start, groups.end(3) + 1, Confidence::Confirmed)
}

fn british(
    window: &Window<'_>,
    prefix: [u8; 2],
    start: usize,
    last: usize,
    bare: Confidence,
) -> Option<Hit> {
    let suffix = window.at(last).filter(|byte| matches!(byte, b'A'..=b'D'));
    if suffix.is_none() || !is_british(prefix) || !window.ends(last + 1) {
        return None;
    }
    let confidence = match context::says(window, start, NINO) {
        true => Confidence::Confirmed,
        false => bare,
    };
    Some(Hit { rule: Known::Gb.id(), start, end: last + 1, confidence })
}

/// Codice fiscale of Italy: sixteen letters and digits, the last a check. Digits may have become
/// letters where two people had the same (omocodia).
fn codice_fiscale(window: &Window<'_>, start: usize) -> Option<Hit> {
    const SHAPE: &[u8; 16] = b"LLLLLLNNMNNLNNNL";
    let mut text = [0_u8; 16];
    for (at, (place, kind)) in text.iter_mut().zip(SHAPE).enumerate() {
        let byte = window.at(start + at)?.to_ascii_uppercase();
        let right = match kind {
            b'L' => byte.is_ascii_uppercase(),
            b'M' => b"ABCDEHLMPRST".contains(&byte),
            _ => byte.is_ascii_digit() || b"LMNPQRSTUV".contains(&byte),
        };
        if !right {
            return None;
        }
        *place = byte;
    }
    let (check, body) = text.split_last()?;
    let sum: u32 = body.iter().enumerate().map(|(at, byte)| italian(at, *byte)).sum();
    let right = u32::from(check - b'A') == sum % 26 && window.ends(start + 16);
    let hit =
        Hit { rule: Known::It.id(), start, end: start + 16, confidence: Confidence::Checksum };
    right.then_some(hit)
}

/// What a character adds; those at odd places, counted from one, by a table.
fn italian(at: usize, byte: u8) -> u32 {
    const ODD: [u8; 26] = [
        1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24,
        23,
    ];
    let value = match byte {
        b'0'..=b'9' => byte - b'0',
        byte => byte.wrapping_sub(b'A'),
    };
    match at % 2 {
        0 => u32::from(ODD.get(usize::from(value)).copied().unwrap_or_default()),
        _ => u32::from(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn published_examples_are_found() {
        for (text, digit, rule) in [
            ("X1234567L", 1, Known::Es),
            ("AB123456C", 2, Known::Gb),
            ("RSSMRA85T10A562S", 6, Known::It),
            ("MRTMTT91D08F205J", 6, Known::It),
            ("\\nX1234567L", 3, Known::Es),
        ] {
            let window = Window::new(text.as_bytes(), b"", true);
            let found = examine(&window, digit).map(|hit| (hit.rule, hit.end));
            assert_eq!(found, Some((rule.id(), text.len())), "{text}");
        }
        for (text, digit, rule) in [
            ("12345678Z", 0, Known::Es),
            ("131052-308T", 0, Known::Fi),
            ("11010519491231002X", 0, Known::Cn),
            ("AB 12 34 56 C", 3, Known::Gb),
        ] {
            let window = Window::new(text.as_bytes(), b"", true);
            let groups = Groups::read(&window, digit);
            let found = tailed(&window, &groups).map(|hit| (hit.rule, hit.end));
            assert_eq!(found, Some((rule.id(), text.len())), "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_begins_with_letters_that_are_passed_over(
            before in "[ -~]{0,4}(\\\\[nrt])?[A-Za-z]{0,8}",
            rest in "(1234567L|[0-9]{6}[A-D]|85T10A562S|[0-9]{2}[A-Z0-9]{8,20})",
        ) {
            let (text, digit) = (before.clone() + &rest, before.len());
            let window = Window::new(text.as_bytes(), b"", true);
            let found = begun(&window, digit, window.slice(digit.saturating_sub(7), digit));
            prop_assert_eq!(examine(&window, digit), found);
        }
    }

    #[test]
    fn a_wrong_check_letter_is_no_number() {
        for (text, digit) in [("X1234567M", 1), ("BG123456C", 2), ("RSSMRA85T10A562T", 6)] {
            let window = Window::new(text.as_bytes(), b"", true);
            assert!(examine(&window, digit).is_none(), "{text}");
        }
    }
}
