//! Where a keyword may begin, told by its first three bytes: nearly all of a text is passed over
//! by one look at a table for each byte.

use super::table::ROWS;
use super::{NAMES, SPECIAL};

/// By two bytes that follow each other: a bit for each of the rests modulo eight that a third one
/// can have; 0 where no keyword begins with the two.
static PAIRS: [u8; 1 << 16] = {
    let (mut pairs, mut at) = ([0; 1 << 16], 0);
    while at < ROWS.len() {
        mark(&mut pairs, ROWS[at].prefix);
        at += 1;
    }
    at = 0;
    while at < SPECIAL.len() {
        mark(&mut pairs, SPECIAL[at].0);
        at += 1;
    }
    at = 0;
    while at < NAMES.len() {
        mark(&mut pairs, NAMES[at]);
        at += 1;
    }
    pairs
};

const fn mark(pairs: &mut [u8; 1 << 16], keyword: &str) {
    if let [a, b, rest @ ..] = keyword.as_bytes() {
        let thirds = match rest {
            [third, ..] => 1 << (*third & 7),
            [] => u8::MAX,
        };
        pairs[u16::from_le_bytes([*a, *b]) as usize] |= thirds;
    }
}

/// Which third bytes a keyword can have that begins with these two.
#[inline]
pub(super) fn thirds(a: u8, b: u8) -> u8 {
    PAIRS.get(usize::from(u16::from_le_bytes([a, b]))).copied().unwrap_or_default()
}

/// The first place from `from` on at which a keyword may begin.
pub(super) fn next(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    let may = |[a, b, c]: &[u8; 3]| thirds(*a, *b) >> (c & 7) & 1 == 1;
    let last = || match rest {
        [.., a, b] if thirds(*a, *b) != 0 => Some(rest.len() - 2),
        _ => None,
    };
    rest.array_windows().position(may).or_else(last).map(|at| from + at)
}
