//! The words before a value: `"ssn": "…"`, `Phone: …`, `iban=…`.
//!
//! Only the segment that the value stands in counts: what is before a comma, a line's end, a brace
//! or a tab belongs to another value.

use super::bytes::{self, CAPITAL, END, FOREIGN, LETTER};
use super::window::Window;
use std::ops::Deref;

/// How far back words are looked for, in bytes.
const REACH: usize = 64;

/// Words that say what a value is.
pub(super) type Words = &'static Set<&'static [&'static str]>;

/// Some words. One that ends with `*` stands for all that begin so.
#[derive(Debug)]
pub(super) struct Set<L> {
    words: L,
    /// By the first letter of a word, which second ones there are: most words of a text begin
    /// otherwise. Letters that are the same but for their case have the same places.
    begins: [u32; 32],
}

impl Set<&'static [&'static str]> {
    /// Words that are known beforehand.
    pub(super) const fn of(words: &'static [&'static str]) -> Self {
        let (mut begins, mut at) = ([0; 32], 0);
        while at < words.len() {
            begin(&mut begins, words[at].as_bytes());
            at += 1;
        }
        Self { words, begins }
    }
}

impl Set<Vec<String>> {
    /// An operator's words.
    pub(super) fn new(words: Vec<String>) -> Self {
        let mut begins = [0; 32];
        words.iter().for_each(|word| begin(&mut begins, word.as_bytes()));
        Self { words, begins }
    }
}

impl<L> Set<L> {
    /// Whether one of the words may begin with these letters, or be the first of them alone.
    #[inline]
    fn may_begin(&self, first: u8, second: u8) -> bool {
        let seconds = self.begins.get(usize::from(first & 31)).copied().unwrap_or_default();
        (seconds >> (second & 31) | seconds) & 1 == 1
    }
}

/// Notes the first two letters of a word; a word of one letter has the second place 0.
const fn begin(begins: &mut [u32; 32], word: &[u8]) {
    match word {
        [] => {}
        [b'*'] => *begins = [u32::MAX; 32],
        [first, b'*'] => begins[(*first & 31) as usize] = u32::MAX,
        [first] => begins[(*first & 31) as usize] |= 1,
        [first, second, ..] => begins[(*first & 31) as usize] |= 1 << (*second & 31),
    }
}

/// Names of things that only look like sensitive numbers.
pub(super) const IDENTIFIERS: Words = &Set::of(&[
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
]);

/// Whether one of `words` stands before `start`, or in what is said about all of the text.
pub(super) fn says<W, L>(window: &Window<'_>, start: usize, words: &Set<L>) -> bool
where
    W: AsRef<str>,
    L: Deref<Target = [W]>,
{
    let text = window.slice(start.saturating_sub(REACH), start);
    let cut = text.iter().rposition(|byte| bytes::is(*byte, END)).map_or(0, |at| at + 1);
    has(text.get(cut..).unwrap_or_default(), words) || has(window.about, words)
}

/// Whether one of `words` is a word of the text; `camelCase` is two.
fn has<W, L>(text: &[u8], words: &Set<L>) -> bool
where
    W: AsRef<str>,
    L: Deref<Target = [W]>,
{
    let mut last = 0;
    for (at, byte) in text.iter().enumerate() {
        let kind = bytes::kind(*byte);
        let begins = is_letter(kind) & (!is_letter(last) | is_hump(last, kind));
        last = kind;
        let second = text.get(at + 1).copied().unwrap_or_default();
        // Both are found out without a branch, which nobody could predict.
        if begins & words.may_begin(*byte, second) {
            let rest = text.get(at..).unwrap_or_default();
            let word = rest.get(..word_length(rest)).unwrap_or_default();
            if words.words.iter().any(|wanted| is(word, wanted.as_ref().as_bytes())) {
                return true;
            }
        }
    }
    false
}

#[inline]
const fn is_letter(kind: u8) -> bool {
    kind & (LETTER | FOREIGN) != 0
}

/// Whether a capital letter begins a word within a word.
#[inline]
const fn is_hump(last: u8, kind: u8) -> bool {
    last & (LETTER | CAPITAL) == LETTER && kind & CAPITAL != 0
}

/// The length of the word that the text begins with; at least one.
fn word_length(text: &[u8]) -> usize {
    let ends = |[a, b]: &[u8; 2]| {
        let (a, b) = (bytes::kind(*a), bytes::kind(*b));
        !is_letter(b) || is_hump(a, b)
    };
    text.array_windows().position(ends).map_or(text.len(), |at| at + 1)
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
    use proptest::prelude::*;

    /// Whether one of the words is one of the text's, by comparing every word with every word.
    fn plainly(text: &[u8], words: &[&str]) -> bool {
        let is_letter = |byte: u8| byte.is_ascii_alphabetic() || byte >= 0x80;
        let (mut all, mut word): (Vec<Vec<u8>>, Vec<u8>) = (Vec::new(), Vec::new());
        for byte in text {
            let hump = word.last().is_some_and(u8::is_ascii_lowercase) && byte.is_ascii_uppercase();
            if !is_letter(*byte) || hump {
                all.push(std::mem::take(&mut word));
            }
            if is_letter(*byte) {
                word.push(*byte);
            }
        }
        all.push(word);
        all.iter().filter(|word| !word.is_empty()).any(|word| {
            let same = |wanted: &&str| match wanted.strip_suffix('*') {
                Some(beginning) => {
                    let own = word.get(..beginning.len());
                    own.is_some_and(|own| own.eq_ignore_ascii_case(beginning.as_bytes()))
                }
                None => word.eq_ignore_ascii_case(wanted.as_bytes()),
            };
            words.iter().any(same)
        })
    }

    const ODD: &[&str] =
        &["e", "v*", "ab", "tel", "téléphone*", "sécu*", "आधार", "身份证*", "", "a1"];

    proptest! {
        #[test]
        fn words_are_told_as_by_comparing_all_of_them(
            parts in proptest::collection::vec(part(), 0..8),
        ) {
            let text = parts.concat();
            prop_assert_eq!(has(&text, &Set::of(ODD)), plainly(&text, ODD));
            let owned: Vec<String> = ODD.iter().map(|word| (*word).to_owned()).collect();
            prop_assert_eq!(has(&text, &Set::new(owned)), plainly(&text, ODD));
            let any: &[&str] = &["*"];
            prop_assert_eq!(has(&text, &Set::of(&["*"])), plainly(&text, any));
        }
    }

    /// Words in one case or the other, what stands between words, and bytes.
    fn part() -> impl Strategy<Value = Vec<u8>> {
        let words = proptest::sample::select(ODD.to_vec());
        let cased = (words, any::<bool>()).prop_map(|(word, upper)| match upper {
            true => word.to_uppercase().replace('*', "").into_bytes(),
            false => word.replace('*', "").into_bytes(),
        });
        let between =
            proptest::sample::select(b" -_.1aAzZeEvV".to_vec()).prop_map(|byte| vec![byte]);
        prop_oneof![cased, between, proptest::collection::vec(any::<u8>(), 0..2)]
    }

    #[test]
    fn words_are_whole_and_of_the_same_segment() {
        let words = Set::of(&["ssn", "tel", "telefon*"]);
        let near = |text: &str| says(&Window::new(text.as_bytes(), b"", true), text.len(), &words);
        for text in ["\"ssn\": \"", "userSsn=", "SSN ", "Telefonnummer: ", "tel:", "<ssn>"] {
            assert!(near(text), "{text}");
        }
        for text in ["telemetry ", "lessn=", "\"ssn\": 1, \"id\": ", "ssn\n", ""] {
            assert!(!near(text), "{text}");
        }
        assert!(says(&Window::new(b"1", b"ssn", true), 0, &words), "the head of a column");
    }
}
