//! Reads blocks of fields (RFC 7541) as they pass, for the one thing that nobody above can see:
//! a `:path` with a fragment. The `http` crate cuts fragments off without a word, so a proxy in
//! front could decide about another target than the one that is served.
//!
//! Of the table that client and server keep, only sizes and names' lengths are followed, and which
//! names are `:path`: as much as it takes to know what an index means.
//!
//! Invariant: what cannot be read here is not passed on, so the table is always the client's.

use super::frames::Fault;
use super::huffman::{Garbled, Text};
use std::collections::VecDeque;

const PATH: &[u8] = b":path";
/// Bytes that an entry counts beside its texts (RFC 7541, section 4.1).
const ENTRY_BYTES: u32 = 32;
/// Largest table. Nobody here offers another one.
const TABLE_BYTES_MAX: u32 = 4096;
/// Longest text: more than any block has.
const NUMBER_MAX: u32 = 1 << 24;

/// Lengths of the names that everybody knows (RFC 7541, appendix A); `:path` are the fourth and
/// the fifth.
#[rustfmt::skip]
const KNOWN: [u32; 61] = [
    10, 7, 7, 5, 5, 7, 7, 7, 7, 7, 7, 7, 7, 7, 14, 15, 15, 13, 6, 27,
    3, 5, 13, 13, 19, 16, 16, 14, 16, 13, 12, 6, 4, 4, 6, 7, 4, 4, 8, 17,
    13, 8, 19, 13, 4, 8, 12, 18, 19, 5, 7, 7, 11, 6, 10, 25, 17, 10, 4, 3, 16,
];

/// Why a block ends its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flaw {
    /// It cannot be read.
    Form,
    /// The target of a request has a fragment.
    Fragment,
}

impl From<Garbled> for Flaw {
    fn from(Garbled: Garbled) -> Self {
        Self::Form
    }
}

impl From<Flaw> for Fault {
    fn from(flaw: Flaw) -> Self {
        match flaw {
            Flaw::Form => Self::compression("a block of headers cannot be read"),
            Flaw::Fragment => Self::protocol("the path has a fragment"),
        }
    }
}

/// What is known of a name.
#[derive(Debug, Clone, Copy)]
struct Name {
    bytes: u32,
    is_path: bool,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    name: Name,
    bytes: u32,
}

/// The table of a connection, as far as it matters here.
#[derive(Debug, Clone)]
pub(super) struct Fields {
    /// The newest comes first.
    entries: VecDeque<Entry>,
    bytes: u32,
    bytes_max: u32,
}

impl Fields {
    pub(super) const fn new() -> Self {
        Self { entries: VecDeque::new(), bytes: 0, bytes_max: TABLE_BYTES_MAX }
    }

    /// Reads a whole block.
    ///
    /// # Errors
    /// A [`Fault`]; nothing of the block may be used then.
    pub(super) fn read(&mut self, mut block: &[u8]) -> Result<(), Fault> {
        while let Some(&first) = block.first() {
            self.field(first, &mut block)?;
        }
        Ok(())
    }

    /// Reads one field, or one word about the table (RFC 7541, section 6).
    fn field(&mut self, first: u8, block: &mut &[u8]) -> Result<(), Flaw> {
        match first.leading_zeros() {
            0 => {
                let index = number(block, 7)?;
                self.name(index).map(drop).ok_or(Flaw::Form)
            }
            1 => {
                let entry = self.literal(block, 6, true)?;
                self.insert(entry);
                Ok(())
            }
            2 => {
                let most = number(block, 5)?;
                if most > TABLE_BYTES_MAX {
                    return Err(Flaw::Form);
                }
                self.bytes_max = most;
                self.evict(0);
                Ok(())
            }
            _ => self.literal(block, 4, false).map(drop),
        }
    }

    fn literal(&self, block: &mut &[u8], prefix: u32, kept: bool) -> Result<Entry, Flaw> {
        let name = match number(block, prefix)? {
            0 => {
                let (text, coded) = text(block)?;
                Name { bytes: length(text, coded)?, is_path: is(text, coded, PATH) }
            }
            index => self.name(index).ok_or(Flaw::Form)?,
        };
        let (value, coded) = text(block)?;
        if name.is_path && has_fragment(value, coded)? {
            return Err(Flaw::Fragment);
        }
        // What is not kept needs no size, and most of it is no matter here.
        let bytes = if kept { length(value, coded)? } else { 0 };
        Ok(Entry { name, bytes: ENTRY_BYTES + name.bytes + bytes })
    }

    fn name(&self, index: u32) -> Option<Name> {
        let place = index.checked_sub(1)? as usize;
        match KNOWN.get(place) {
            Some(&bytes) => Some(Name { bytes, is_path: matches!(index, 4 | 5) }),
            None => self.entries.get(place - KNOWN.len()).map(|entry| entry.name),
        }
    }

    fn insert(&mut self, entry: Entry) {
        self.evict(entry.bytes);
        // One that is larger than the table only empties it (section 4.4).
        if entry.bytes <= self.bytes_max {
            self.bytes += entry.bytes;
            self.entries.push_front(entry);
        }
    }

    /// Makes room.
    fn evict(&mut self, wanted: u32) {
        while self.bytes.saturating_add(wanted) > self.bytes_max
            && let Some(oldest) = self.entries.pop_back()
        {
            self.bytes -= oldest.bytes;
        }
    }
}

/// A number in the last bits of a byte, and in those that follow (RFC 7541, section 5.1).
fn number(bytes: &mut &[u8], prefix: u32) -> Result<u32, Flaw> {
    let full = (1 << prefix) - 1;
    let mut value = u32::from(take(bytes)?) & full;
    if value < full {
        return Ok(value);
    }
    for shift in [0, 7, 14, 21] {
        let byte = take(bytes)?;
        value += u32::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return if value <= NUMBER_MAX { Ok(value) } else { Err(Flaw::Form) };
        }
    }
    Err(Flaw::Form)
}

fn take(bytes: &mut &[u8]) -> Result<u8, Flaw> {
    let (&first, rest) = bytes.split_first().ok_or(Flaw::Form)?;
    *bytes = rest;
    Ok(first)
}

/// A text, and whether it is in Huffman's code (RFC 7541, section 5.2).
fn text<'a>(bytes: &mut &'a [u8]) -> Result<(&'a [u8], bool), Flaw> {
    let coded = bytes.first().is_some_and(|first| first & 0x80 != 0);
    let count = number(bytes, 7)? as usize;
    let (text, rest) = bytes.split_at_checked(count).ok_or(Flaw::Form)?;
    *bytes = rest;
    Ok((text, coded))
}

fn length(text: &[u8], coded: bool) -> Result<u32, Flaw> {
    let mut count = text.len();
    if coded {
        count = 0;
        for byte in Text::new(text) {
            byte?;
            count += 1;
        }
    }
    u32::try_from(count).map_err(|_| Flaw::Form)
}

fn is(text: &[u8], coded: bool, expected: &[u8]) -> bool {
    if coded { Text::new(text).eq(expected.iter().map(|&byte| Ok(byte))) } else { text == expected }
}

fn has_fragment(text: &[u8], coded: bool) -> Result<bool, Flaw> {
    if !coded {
        return Ok(memchr::memchr(b'#', text).is_some());
    }
    let mut found = false;
    for byte in Text::new(text) {
        found |= byte? == b'#';
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::super::huffman::tests::encode;
    use super::*;

    const FORM: Fault = Fault::compression("a block of headers cannot be read");
    const FRAGMENT: Fault = Fault::protocol("the path has a fragment");

    fn texts(first: u8, name: Option<&[u8]>, value: &[u8], coded: bool) -> Vec<u8> {
        let mut bytes = vec![first];
        for text in name.into_iter().chain([value]) {
            let (text, mark) = if coded { (encode(text), 0x80) } else { (text.to_vec(), 0) };
            bytes.push(u8::try_from(text.len()).unwrap() | mark);
            bytes.extend(text);
        }
        bytes
    }

    fn read(blocks: &[Vec<u8>]) -> Result<(), Fault> {
        let mut fields = Fields::new();
        blocks.iter().try_for_each(|block| fields.read(block))
    }

    #[test]
    fn a_fragment_is_found_however_its_path_is_written() {
        for coded in [false, true] {
            for value in [&b"/a#b"[..], b"/a?b#c", b"#", b"/#"] {
                for first in [0x44, 0x45, 0x04, 0x05, 0x14] {
                    assert_eq!(read(&[texts(first, None, value, coded)]), Err(FRAGMENT));
                }
                for first in [0x40, 0x00, 0x10] {
                    assert_eq!(read(&[texts(first, Some(b":path"), value, coded)]), Err(FRAGMENT));
                }
                // The name is an entry that was made before, by then not the newest.
                let kept = texts(0x40, Some(b":path"), b"/fine", coded);
                let other = texts(0x40, Some(b"x"), b"y", coded);
                let named = texts(0x7f, None, value, coded);
                let named = [&[named[0], 0][..], &named[1..]].concat();
                assert_eq!(read(&[kept, other, named]), Err(FRAGMENT));
            }
        }
    }

    #[test]
    fn everywhere_else_it_is_a_character_like_others() {
        for coded in [false, true] {
            assert_eq!(read(&[texts(0x44, None, b"/a%23b?c", coded)]), Ok(()));
            assert_eq!(read(&[texts(0x40, Some(b"referer"), b"/a#b", coded)]), Ok(()));
            assert_eq!(read(&[texts(0x73, None, b"https://a/#b", coded)]), Ok(()));
            assert_eq!(read(&[texts(0x40, Some(b":pat"), b"#", coded)]), Ok(()));
        }
        assert_eq!(read(&[vec![0x82, 0x84, 0x87]]), Ok(()));
    }

    #[test]
    fn the_table_forgets_its_oldest_entries_as_the_client_does() {
        let path = texts(0x40, Some(b":path"), b"/fine", false);
        // 5 + 5 + 32 bytes, then 1 + 1 + 32 each: 119 more fit beside it.
        let other = texts(0x40, Some(b"x"), b"y", false);
        let by_index = |index: u8| {
            let named = texts(0x7f, None, b"/#", false);
            // A name by its index: six bits, and what goes beyond them.
            let beyond = [index - 63];
            [&named[..1], &beyond, &named[1..]].concat()
        };
        let full = |count: usize| [vec![path.clone()], vec![other.clone(); count]].concat();
        // The oldest entry of three stands at 62 + 2.
        assert_eq!(read(&[full(2), vec![by_index(64)]].concat()), Err(FRAGMENT));
        let last = 62 + 119;
        assert_eq!(read(&[full(119), vec![by_index(last)]].concat()), Err(FRAGMENT));
        assert_eq!(read(&[full(120), vec![by_index(last)]].concat()), Ok(()));
        assert_eq!(read(&[full(120), vec![by_index(last + 1)]].concat()), Err(FORM));
        // A smaller table holds less, and a name that is gone cannot be meant.
        let shrink = vec![0x3f, 40 - 31];
        assert_eq!(read(&[full(1), vec![by_index(63)]].concat()), Err(FRAGMENT));
        assert_eq!(read(&[full(1), vec![shrink, by_index(63)]].concat()), Err(FORM));
    }

    #[test]
    fn what_cannot_be_read_is_not_passed() {
        for block in [
            &[0x80][..],
            &[0xff],
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
            &[0xbe],
            &[0x44],
            &[0x44, 5, b'/'],
            &[0x44, 0x81, 0x00],
            &[0x40, 0x81, 0x00, 0],
            &[0x3f, 0xe2, 0x1f],
            &[0x7f, 0],
        ] {
            assert_eq!(read(&[block.to_vec()]), Err(FORM), "{block:x?}");
        }
        assert_eq!(read(&[vec![0x3f, 0xe1, 0x1f]]), Ok(()));
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics_and_the_table_stays_small(blocks: Vec<Vec<u8>>) {
            let mut fields = Fields::new();
            for block in &blocks {
                let _ = fields.read(block);
                assert!(fields.bytes <= TABLE_BYTES_MAX && fields.entries.len() <= 128);
                assert_eq!(fields.bytes, fields.entries.iter().map(|entry| entry.bytes).sum::<u32>());
            }
        }
    }
}
