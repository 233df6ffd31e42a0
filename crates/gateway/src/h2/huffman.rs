//! The Huffman code of HPACK (RFC 7541, appendix B): how long a text is, and what is in it.
//!
//! The code is canonical: symbols of one length have consecutive codes in the order of their
//! values. So the lengths are all that has to be written down.

/// Symbols, the one that ends a text included.
const SYMBOLS: usize = 257;
/// The symbol that ends a text, and may never stand in one.
const END: u16 = 256;
/// Shortest and longest code, in bits.
const BITS_MIN: usize = 5;
const BITS_MAX: usize = 30;

/// Bits of the code of each symbol.
#[rustfmt::skip]
const LENGTHS: [u8; SYMBOLS] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
    28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7,
    7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21,
    23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24,
    21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
];

/// What is needed to read codes: for each length the first code, how many there are, and where
/// their symbols begin in the list that is ordered by length and value.
struct Code {
    first: [u32; BITS_MAX + 1],
    count: [u32; BITS_MAX + 1],
    begin: [usize; BITS_MAX + 1],
    symbols: [u16; SYMBOLS],
}

static CODE: Code = Code::make();

impl Code {
    #[expect(clippy::indexing_slicing, reason = "it runs while this is compiled")]
    #[expect(clippy::cast_possible_truncation, reason = "there are 257 symbols")]
    const fn make() -> Self {
        let mut code = Self {
            first: [0; BITS_MAX + 1],
            count: [0; BITS_MAX + 1],
            begin: [0; BITS_MAX + 1],
            symbols: [0; SYMBOLS],
        };
        let (mut bits, mut next, mut place) = (BITS_MIN, 0, 0);
        while bits <= BITS_MAX {
            code.first[bits] = next;
            code.begin[bits] = place;
            let mut symbol = 0;
            while symbol < SYMBOLS {
                if LENGTHS[symbol] as usize == bits {
                    code.symbols[place] = symbol as u16;
                    place += 1;
                    code.count[bits] += 1;
                }
                symbol += 1;
            }
            next = (next + code.count[bits]) << 1;
            bits += 1;
        }
        code
    }

    /// The symbol that begins these 32 bits, and how many of them it takes.
    fn read(&self, bits: u32) -> Option<(u16, u32)> {
        (BITS_MIN..=BITS_MAX).find_map(|length| {
            let taken = u32::try_from(length).ok()?;
            let ahead = bits >> (32 - taken);
            let within = ahead.checked_sub(*self.first.get(length)?)?;
            if within >= *self.count.get(length)? {
                return None;
            }
            let place = self.begin.get(length)? + within as usize;
            Some((*self.symbols.get(place)?, taken))
        })
    }
}

/// The bytes of a text. It ends with an error where the text is not one.
pub(super) struct Text<'a> {
    rest: &'a [u8],
    /// Bits that are not read yet, at the top.
    ahead: u64,
    /// How many they are.
    have: u32,
}

/// It is no text in this code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Garbled;

impl<'a> Text<'a> {
    pub(super) const fn new(coded: &'a [u8]) -> Self {
        Self { rest: coded, ahead: 0, have: 0 }
    }

    fn fill(&mut self) {
        while self.have <= 56
            && let Some((&byte, rest)) = self.rest.split_first()
        {
            self.ahead |= u64::from(byte) << (56 - self.have);
            self.have += 8;
            self.rest = rest;
        }
    }
}

impl Iterator for Text<'_> {
    type Item = Result<u8, Garbled>;

    fn next(&mut self) -> Option<Self::Item> {
        self.fill();
        // What is left when less than a byte is left is padding: ones (section 5.2).
        if self.have < 8 && self.ahead.leading_ones() >= self.have {
            self.have = 0;
            return None;
        }
        let bits = u32::try_from(self.ahead >> 32).unwrap_or(u32::MAX);
        let read = CODE.read(bits).filter(|(symbol, taken)| *symbol != END && *taken <= self.have);
        let Some((symbol, taken)) = read else {
            (self.rest, self.ahead, self.have) = (&[], 0, 0);
            return Some(Err(Garbled));
        };
        self.ahead <<= taken;
        self.have -= taken;
        Some(u8::try_from(symbol).map_err(|_| Garbled))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The other direction, bit by bit.
    pub(in crate::h2) fn encode(text: &[u8]) -> Vec<u8> {
        let mut bits = Vec::new();
        for &byte in text {
            let length = usize::from(LENGTHS[usize::from(byte)]);
            let begin = CODE.begin[length];
            let symbols = &CODE.symbols[begin..begin + CODE.count[length] as usize];
            let place = symbols.iter().position(|symbol| *symbol == u16::from(byte)).unwrap();
            let code = CODE.first[length] + u32::try_from(place).unwrap();
            bits.extend((0..length).rev().map(|at| code >> at & 1));
        }
        while bits.len() % 8 != 0 {
            bits.push(1);
        }
        bits.chunks(8).map(|byte| byte.iter().fold(0, |all, bit| all << 1 | *bit as u8)).collect()
    }

    fn decode(coded: &[u8]) -> Result<Vec<u8>, Garbled> {
        Text::new(coded).collect()
    }

    fn hex(text: &str) -> Vec<u8> {
        let pairs = text.as_bytes().chunks(2);
        pairs
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    #[test]
    fn the_examples_of_the_rfc_are_read() {
        for (coded, text) in [
            ("f1e3c2e5f23a6ba0ab90f4ff", "www.example.com"),
            ("a8eb10649cbf", "no-cache"),
            ("25a849e95ba97d7f", "custom-key"),
            ("25a849e95bb8e8b4bf", "custom-value"),
            ("d07abe941054d444a8200595040b8166e082a62d1bff", "Mon, 21 Oct 2013 20:13:21 GMT"),
            ("9d29ad171863c78f0b97c8e9ae82ae43d3", "https://www.example.com"),
        ] {
            assert_eq!(decode(&hex(coded)).unwrap(), text.as_bytes());
            assert_eq!(encode(text.as_bytes()), hex(coded));
        }
        // `#` and `>` share all bits but the last.
        assert_eq!(encode(b"#"), [0xff, 0xaf]);
    }

    #[test]
    fn what_is_no_text_is_said_to_be_none() {
        for coded in ["ffffffff", "00", "fe", "a8eb10649cbfff", "3fffffff"] {
            assert_eq!(decode(&hex(coded)), Err(Garbled), "{coded}");
        }
        assert_eq!(decode(b""), Ok(Vec::new()));
    }

    proptest! {
        #[test]
        fn every_text_comes_back(text: Vec<u8>) {
            prop_assert_eq!(decode(&encode(&text)), Ok(text));
        }

        #[test]
        fn nothing_panics(coded: Vec<u8>) {
            let _ = decode(&coded);
        }
    }
}
