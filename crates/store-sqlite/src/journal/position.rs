//! Positions in a list, as the text that pages give out.
//!
//! A position is an entry's number in its stream and four digits of a checksum over the number,
//! the stream and the list, so that a text that was mistyped or belongs elsewhere is refused.

use ports::journal::Error;

/// Which list a position belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum List {
    /// Records: goes on below the number.
    Records,
    /// Log lines: goes on at the number.
    Logs,
}

/// The text for `number`.
pub(super) fn print(list: List, stream: &str, number: u64) -> String {
    format!("{number:x}-{:04x}", check(list, stream, number))
}

/// The number in a text.
///
/// # Errors
/// [`Error::Position`] if [`print`] did not make the text for the same list and stream.
pub(super) fn parse(list: List, stream: &str, text: &str) -> Result<u64, Error> {
    let number = text.split_once('-').and_then(|(digits, _)| u64::from_str_radix(digits, 16).ok());
    number
        .filter(|number| print(list, stream, *number) == text)
        .ok_or_else(|| Error::Position(text.chars().take(80).collect()))
}

fn check(list: List, stream: &str, number: u64) -> u16 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&[list as u8]);
    crc.update(&number.to_le_bytes());
    crc.update(stream.as_bytes());
    crc.finalize() as u16
}
