//! Alphabets: which characters a value is made of, and the number of each.

use super::Error;
use std::collections::BTreeMap;

/// Most characters of an alphabet.
const CHARACTERS_MAX: usize = 1024;
/// Not in the alphabet.
const NONE: u16 = u16::MAX;
const DIGITS: &str = "0123456789";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";

/// An ordered set of characters.
#[derive(Clone)]
pub struct Alphabet {
    name: &'static str,
    characters: Vec<char>,
    ascii: [u16; 128],
    others: BTreeMap<char, u16>,
}

impl Alphabet {
    /// `0` to `9`.
    #[must_use]
    pub fn digits() -> Self {
        Self::make("digits", DIGITS.chars().collect())
    }

    /// `A` to `Z` and `a` to `z`.
    #[must_use]
    pub fn letters() -> Self {
        Self::make("letters", UPPER.chars().chain(LOWER.chars()).collect())
    }

    /// Digits and letters.
    #[must_use]
    pub fn alphanumerics() -> Self {
        let all = DIGITS.chars().chain(UPPER.chars()).chain(LOWER.chars());
        Self::make("alphanumerics", all.collect())
    }

    /// Characters that somebody chose.
    ///
    /// # Errors
    /// [`Error::Alphabet`] if there are fewer than 2 or more than 1024, or one stands twice.
    pub fn own(characters: &str) -> Result<Self, Error> {
        let list: Vec<char> = characters.chars().collect();
        let own = Self::make("your own", list);
        let known = own.ascii.iter().filter(|at| **at != NONE).count() + own.others.len();
        let fits = (2..=CHARACTERS_MAX).contains(&own.characters.len());
        if fits && known == own.characters.len() { Ok(own) } else { Err(Error::Alphabet) }
    }

    fn make(name: &'static str, characters: Vec<char>) -> Self {
        let (mut ascii, mut others) = ([NONE; 128], BTreeMap::new());
        for (at, character) in characters.iter().take(CHARACTERS_MAX).enumerate() {
            match ascii.get_mut(*character as usize) {
                Some(slot) => *slot = at as u16,
                None => _ = others.insert(*character, at as u16),
            }
        }
        Self { name, characters, ascii, others }
    }

    /// What it is called in messages.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// How many characters there are.
    #[must_use]
    pub fn radix(&self) -> u32 {
        self.characters.len() as u32
    }

    /// The number of a character.
    #[must_use]
    pub fn numeral(&self, character: char) -> Option<u16> {
        match self.ascii.get(character as usize) {
            Some(at) => (*at != NONE).then_some(*at),
            None => self.others.get(&character).copied(),
        }
    }

    /// The character of a number; the first one for a number that is none of its.
    pub(crate) fn character(&self, numeral: u16) -> char {
        let first = self.characters.first().copied().unwrap_or('0');
        self.characters.get(usize::from(numeral)).copied().unwrap_or(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_has_its_number_and_comes_back() {
        for alphabet in [Alphabet::digits(), Alphabet::letters(), Alphabet::alphanumerics()] {
            for numeral in 0..alphabet.radix() as u16 {
                assert_eq!(alphabet.numeral(alphabet.character(numeral)), Some(numeral));
            }
            assert_eq!(alphabet.numeral('é'), None);
            assert_eq!(alphabet.numeral('-'), None);
        }
    }

    #[test]
    fn an_own_alphabet_has_each_character_once() {
        assert_eq!(Alphabet::own("aäß-").expect("fine").numeral('ß'), Some(2));
        for text in ["", "a", "aba", "ää", &"x".repeat(2000)] {
            assert_eq!(Alphabet::own(text).err(), Some(Error::Alphabet), "{text}");
        }
    }
}
