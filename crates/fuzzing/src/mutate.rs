//! Makes inputs: an example with a few things changed, two examples spliced, or noise.

use crate::random::Random;

/// Pieces that parsers of texts and of lengths stumble over.
const PIECES: &[&[u8]] = &[
    b"\r\n",
    b"\n\n",
    b"\r",
    b"\0",
    b"\xff",
    b"\xc3\xa9",
    b"\xe2\x80\xae",
    b"..",
    b"/../",
    b"%2e",
    b"%2F",
    b"%00",
    b"%",
    b"//",
    b"{*x}",
    b"{x}",
    b"*",
    b"+",
    b"-",
    b"-1",
    b"0",
    b"00",
    b"65536",
    b"18446744073709551615",
    b"18446744073709551616",
    b"99999999999999999999",
    b"\"",
    b"'",
    b"\\",
    b"`",
    b"$(x)",
    b"#",
    b"?",
    b";",
    b":",
    b"=",
    b",",
    b" ",
    b"\t",
    b"\x7f",
    b"[",
    b"]",
    b"{",
    b"}",
    b"\xff\xff\xff\xff",
    b"\x00\x00\x00\x80",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
];
/// Most changes to one input.
const CHANGES_MAX: usize = 4;

/// Gives one input after the other.
pub(crate) struct Mutator<'s> {
    random: Random,
    seeds: &'s [Vec<u8>],
    bytes_max: usize,
}

impl<'s> Mutator<'s> {
    pub(crate) fn new(name: &str, seeds: &'s [Vec<u8>], bytes_max: usize) -> Self {
        Self { random: Random::of(name), seeds, bytes_max }
    }

    /// The next input, of at most so many bytes.
    pub(crate) fn next(&mut self) -> Vec<u8> {
        let mut bytes = match self.random.below(16) {
            0 => self.noise(64),
            1 => self.spliced(),
            _ => self.seed(),
        };
        for _ in 0..=self.random.below(CHANGES_MAX) {
            self.change(&mut bytes);
        }
        bytes.truncate(self.bytes_max);
        bytes
    }

    fn seed(&mut self) -> Vec<u8> {
        self.random.of_these(self.seeds).cloned().unwrap_or_default()
    }

    fn noise(&mut self, bytes_max: usize) -> Vec<u8> {
        (0..self.random.below(bytes_max)).map(|_| self.random.byte()).collect()
    }

    /// The beginning of one example and the end of another.
    fn spliced(&mut self) -> Vec<u8> {
        let (mut first, second) = (self.seed(), self.seed());
        first.truncate(self.random.below(first.len() + 1));
        let from = self.random.below(second.len() + 1);
        first.extend_from_slice(second.get(from..).unwrap_or_default());
        first
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        let at = self.random.below(bytes.len() + 1);
        let to = (at + self.random.below(32)).min(bytes.len());
        match self.random.below(8) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..to)),
            2 => {
                let again = bytes.get(at..to).unwrap_or_default().to_vec();
                bytes.splice(at..at, again);
            }
            3 => {
                let some = self.noise(8);
                bytes.splice(at..at, some);
            }
            4 | 5 => {
                let piece = self.random.of_these(PIECES).copied().unwrap_or_default();
                bytes.splice(at..at, piece.iter().copied());
            }
            6 => {
                let flip = 1 << self.random.below(8);
                bytes.get_mut(at).into_iter().for_each(|byte| *byte ^= flip);
            }
            _ => {
                let byte = self.random.byte();
                bytes.get_mut(at).into_iter().for_each(|old| *old = byte);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_differ_and_keep_their_size() {
        let seeds = [b"GET /hello".to_vec(), vec![7; 90]];
        let mut mutator = Mutator::new("x", &seeds, 100);
        let inputs: std::collections::BTreeSet<_> = (0..500).map(|_| mutator.next()).collect();
        assert!(inputs.len() > 400, "{}", inputs.len());
        assert!(inputs.iter().all(|input| input.len() <= 100));
        assert!(inputs.iter().any(|input| input.starts_with(b"GET")));
    }
}
