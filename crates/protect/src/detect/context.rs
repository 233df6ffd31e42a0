//! The words before a value: `"ssn": "…"`, `Phone: …`, `iban=…`.
//!
//! Only the segment that the value stands in counts: what is before a comma, a line's end, a brace
//! or a tab belongs to another value.

use super::window::Window;

/// How far back words are looked for, in bytes.
const REACH: usize = 64;

/// Words that say what a value is. One that ends with `*` stands for all that begin so.
pub(super) type Words = &'static [&'static str];

/// Names of things that only look like sensitive numbers.
pub(super) const IDENTIFIERS: Words = &[
    "id",
    "ids",
    "uuid",
    "guid",
    "trace*",
    "span*",
    "ts",
    "time*",
    "date*",
    "seq*",
    "offset",
    "hash",
    "digest",
    "order*",
    "request*",
    "session*",
    "nonce",
    "version",
    "ver",
    "build",
    "epoch",
    "nanos",
    "micros",
    "millis",
    "duration",
    "elapsed",
    "size",
    "bytes",
    "count",
    "sku",
    "serial*",
    "invoice*",
    "ticket*",
    "shipment*",
    "tracking",
    "transaction*",
    "txn",
    "ref",
    "reference",
    "key",
    "etag",
    "commit",
    "revision",
    "rev",
    "checksum",
    "crc",
    "partition",
    "lsn",
    "pid",
    "tid",
    "amount*",
    "balance*",
    "total*",
    "price*",
    "position",
    "cursor",
    "index",
    "rows",
];

/// Whether one of `words` stands before `start`, or in what is said about all of the text.
pub(super) fn says<W: AsRef<str>>(window: &Window<'_>, start: usize, words: &[W]) -> bool {
    let text = window.slice(start.saturating_sub(REACH), start);
    let cut = text.iter().rposition(|byte| is_end(*byte)).map_or(0, |at| at + 1);
    has(text.get(cut..).unwrap_or_default(), words) || has(window.about, words)
}

const fn is_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r' | b',' | b';' | b'{' | b'}' | b'&' | b'|' | b'\t')
}

/// Whether one of `words` is a word of the text; `camelCase` is two.
fn has<W: AsRef<str>>(text: &[u8], words: &[W]) -> bool {
    // Most words begin with a letter that none of those wanted begins with.
    let firsts = words.iter().fold(0, |all, word| all | first(word.as_ref().as_bytes()));
    let mut rest = text;
    while let Some(begin) = rest.iter().position(|byte| is_letter(*byte)) {
        rest = rest.get(begin..).unwrap_or_default();
        let length = word_length(rest);
        let (word, after) = rest.split_at(length);
        if firsts & first(word) != 0
            && words.iter().any(|wanted| is(word, wanted.as_ref().as_bytes()))
        {
            return true;
        }
        rest = after;
    }
    false
}

/// A bit for the first letter of a word; one for all that are not ASCII.
#[inline]
fn first(word: &[u8]) -> u32 {
    match word.first() {
        Some(byte) if byte.is_ascii_alphabetic() => 1 << (byte & 31),
        _ => 1,
    }
}

const fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte >= 0x80
}

/// The length of the word that the text begins with; at least one.
fn word_length(text: &[u8]) -> usize {
    let ends = |pair: &[u8]| match pair {
        [a, b] => !is_letter(*b) || (a.is_ascii_lowercase() && b.is_ascii_uppercase()),
        _ => true,
    };
    text.windows(2).position(ends).map_or(text.len(), |at| at + 1)
}

#[inline]
fn is(word: &[u8], wanted: &[u8]) -> bool {
    match wanted {
        [beginning @ .., b'*'] => {
            word.get(..beginning.len()).is_some_and(|word| word.eq_ignore_ascii_case(beginning))
        }
        _ => word.eq_ignore_ascii_case(wanted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_whole_and_of_the_same_segment() {
        let words: Words = &["ssn", "tel", "telefon*"];
        let near = |text: &str| says(&Window::new(text.as_bytes(), b"", true), text.len(), words);
        for text in ["\"ssn\": \"", "userSsn=", "SSN ", "Telefonnummer: ", "tel:", "<ssn>"] {
            assert!(near(text), "{text}");
        }
        for text in ["telemetry ", "lessn=", "\"ssn\": 1, \"id\": ", "ssn\n", ""] {
            assert!(!near(text), "{text}");
        }
        assert!(says(&Window::new(b"1", b"ssn", true), 0, words), "the head of a column");
    }
}
