//! Format-keeping encryption of a text: what is in the alphabet is enciphered, and separators stay
//! where they are.

use super::ff1::{Ff1, Way};
use super::{Alphabet, Error, Names};

/// What the format allows of the enciphered numerals beside the alphabet.
pub(crate) type Fits<'a> = &'a dyn Fn(&[u16]) -> bool;

/// A text, taken apart.
pub(crate) struct Cut {
    characters: Vec<char>,
    /// Where in `characters` each numeral stands.
    places: Vec<usize>,
    /// The numerals.
    pub(crate) numerals: Vec<u16>,
}

/// FF1 with all that is the same for each value of a field.
pub(crate) struct Shape {
    pub(crate) ff1: Ff1,
    pub(crate) alphabet: Alphabet,
    pub(crate) names: Names,
    /// The word for this form: forms never share a permutation. Fixed for ever.
    pub(crate) form: &'static str,
}

/// What of one value is enciphered how.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    /// So many numerals at the beginning stay.
    pub(crate) first: usize,
    /// So many at the end stay.
    pub(crate) last: usize,
    /// What else of the value stays as it is; mixed in, like the numerals that do.
    pub(crate) beside: &'a str,
    /// The id of the record.
    pub(crate) record: Option<&'a str>,
}

impl Shape {
    /// Takes a text apart. Spaces and ASCII punctuation that are not in the alphabet are
    /// separators; a letter or a digit that is not in it would be shown as it is, and is refused.
    pub(crate) fn cut(&self, text: &str) -> Result<Cut, Error> {
        let characters: Vec<char> = text.chars().collect();
        let (mut places, mut numerals) = (Vec::new(), Vec::new());
        for (at, character) in characters.iter().enumerate() {
            if let Some(numeral) = self.alphabet.numeral(*character) {
                places.push(at);
                numerals.push(numeral);
            } else if !(character.is_ascii_punctuation() || *character == ' ') {
                return Err(Error::Outside { at: at + 1, alphabet: self.alphabet.name() });
            }
        }
        Ok(Cut { characters, places, numerals })
    }

    /// Puts the numerals back to where they came from.
    pub(crate) fn join(&self, mut cut: Cut) -> String {
        for (place, numeral) in cut.places.iter().zip(&cut.numerals) {
            if let Some(character) = cut.characters.get_mut(*place) {
                *character = self.alphabet.character(*numeral);
            }
        }
        cut.characters.into_iter().collect()
    }

    /// Enciphers the numerals between those that stay, again and again until the whole `fits`.
    /// The values that fit are then permuted among themselves, so there is one way back.
    ///
    /// The caller has seen that the numerals fit now; otherwise there may be no end.
    pub(crate) fn run(
        &self,
        way: Way,
        numerals: &mut [u16],
        part: Part<'_>,
        fits: Fits<'_>,
    ) -> Result<(), Error> {
        let end = numerals.len().saturating_sub(part.last);
        let begin = part.first.min(end);
        let text = |numerals: &[u16]| -> String {
            numerals.iter().map(|numeral| self.alphabet.character(*numeral)).collect()
        };
        let (first, last) = (text(&numerals[..begin]), text(&numerals[end..]));
        let more = [self.form, &first, &last, part.beside].map(str::as_bytes);
        let tweak = self.names.bytes(part.record, &more)?;
        loop {
            self.ff1.run(way, self.alphabet.radix(), &tweak, &mut numerals[begin..end])?;
            if fits(numerals) {
                return Ok(());
            }
        }
    }

    /// A text of any form.
    pub(crate) fn text(&self, way: Way, text: &str, part: Part<'_>) -> Result<String, Error> {
        let mut cut = self.cut(text)?;
        self.run(way, &mut cut.numerals, part, &|_| true)?;
        Ok(self.join(cut))
    }

    /// A whole number: its sign stays, and no zero leads.
    pub(crate) fn number(&self, way: Way, number: &str, part: Part<'_>) -> Result<String, Error> {
        let mut cut = self.cut_number(number)?;
        self.run(way, &mut cut.numerals, part, &leads)?;
        Ok(self.join(cut))
    }

    /// Takes a whole number apart.
    pub(crate) fn cut_number(&self, number: &str) -> Result<Cut, Error> {
        let digits = number.strip_prefix('-').unwrap_or(number);
        let whole = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
        if whole && !digits.is_empty() { self.cut(number) } else { Err(Error::NotNumber) }
    }
}

/// Whether the first digit of a number is none that may not lead.
pub(crate) fn leads(numerals: &[u16]) -> bool {
    numerals.first().is_some_and(|first| *first != 0)
}
