//! Finding used secrets and sensitive values where they may not be, and covering them.
//!
//! A value is looked for as it is, and as it is written in base64, in hexadecimal digits, in a URL
//! and in JSON. What is found is covered with as many `*`, so that lengths stay true.
//!
//! Invariant: a value that is cut by the border of two frames is found, and nothing is held back
//! that cannot become one.

mod index;
mod spelling;

use base64::Engine as _;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use index::Index;
use model::vault::MASKED_BYTES_MIN;
use model::{DataClass, Secret, SecretName, vault};
use protect::detect::VALUE_BYTES_MIN;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// What a value is covered with.
const COVER: u8 = b'*';
/// Lines of a value that are looked for one by one.
const LINES_MAX: usize = 128;

/// The values that an invocation used, in all the forms in which they are looked for.
#[derive(Default, Clone)]
pub(crate) struct Masker {
    patterns: Vec<Pattern>,
    /// Made when something is first looked for.
    index: OnceLock<Index>,
}

/// Whose value it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Whose {
    /// A secret's.
    Secret(SecretName),
    /// One of a class of data.
    Class(DataClass),
}

impl std::fmt::Display for Whose {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Secret(name) => name.fmt(f),
            Self::Class(class) => f.write_str(class.as_str()),
        }
    }
}

impl From<&SecretName> for Whose {
    fn from(name: &SecretName) -> Self {
        Self::Secret(name.clone())
    }
}

#[derive(Clone)]
struct Pattern {
    name: Whose,
    text: Arc<Secret<Vec<u8>>>,
}

/// Whose value was found, and in how many bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Hit {
    pub(crate) name: Whose,
    pub(crate) bytes: u64,
}

impl Masker {
    pub(crate) fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Whether this value of this secret is looked for.
    pub(crate) fn knows(&self, name: &SecretName, value: &Secret<Vec<u8>>) -> bool {
        let name = Whose::from(name);
        let same = |it: &Pattern| it.name == name && it.text.expose() == value.expose();
        self.patterns.iter().any(same)
    }

    /// Looks for another value from now on.
    pub(crate) fn add(&mut self, name: &SecretName, value: &Secret<Vec<u8>>) {
        let name = Whose::from(name);
        self.put(&name, forms(value.expose(), MASKED_BYTES_MIN));
    }

    /// Looks for a value of a class from now on, in all its spellings. What is so short that it
    /// stands anywhere by chance is not looked for.
    pub(crate) fn add_value(&mut self, class: &DataClass, value: &str) {
        let name = Whose::Class(class.clone());
        let known = |it: &Pattern| it.name == name && it.text.expose() == value.as_bytes();
        if self.patterns.iter().any(known) {
            return;
        }
        for spelling in spelling::of(value) {
            if spelling.expose().len() >= VALUE_BYTES_MIN {
                self.put(&name, forms(spelling.expose(), VALUE_BYTES_MIN));
            }
        }
    }

    /// Looks for what another one looks for, too.
    pub(crate) fn join(&mut self, other: &Self) {
        self.index.take();
        if self.patterns.is_empty() {
            self.patterns.clone_from(&other.patterns);
            return;
        }
        for Pattern { name, text } in &other.patterns {
            if !self.patterns.iter().any(|known| known.text.expose() == text.expose()) {
                self.patterns.push(Pattern { name: name.clone(), text: Arc::clone(text) });
            }
        }
    }

    /// The values of classes alone, without those that `but` names.
    pub(crate) fn without(&self, but: &[DataClass]) -> Self {
        let stays = |it: &&Pattern| match &it.name {
            Whose::Class(class) => !but.contains(class),
            Whose::Secret(_) => false,
        };
        let patterns = self.patterns.iter().filter(stays).cloned().collect();
        Self { patterns, index: OnceLock::new() }
    }

    fn put(&mut self, name: &Whose, forms: Vec<Secret<Vec<u8>>>) {
        self.index.take();
        for form in forms {
            if !self.patterns.iter().any(|known| known.text.expose() == form.expose()) {
                self.patterns.push(Pattern { name: name.clone(), text: Arc::new(form) });
            }
        }
    }

    /// Covers what is found in a whole text. `None` if there is nothing.
    pub(crate) fn whole(&self, text: &[u8]) -> Option<(Vec<u8>, Vec<Hit>)> {
        let found = self.find(text);
        (!found.is_empty()).then(|| (covered(text, &found), self.hits(&found)))
    }

    /// Where which patterns stand.
    fn find(&self, text: &[u8]) -> Vec<(usize, Range<usize>)> {
        if self.patterns.is_empty() {
            return Vec::new();
        }
        let stands = |(at, which): (usize, usize)| {
            let needle = self.patterns.get(which)?.text.expose();
            let there = text.get(at..).is_some_and(|rest| rest.starts_with(needle));
            there.then(|| (which, at..at + needle.len()))
        };
        self.index().candidates(text).filter_map(stands).collect()
    }

    fn index(&self) -> &Index {
        self.index
            .get_or_init(|| Index::of(self.patterns.iter().map(|it| it.text.expose().as_slice())))
    }

    fn hits(&self, found: &[(usize, Range<usize>)]) -> Vec<Hit> {
        let mut hits: Vec<Hit> = Vec::new();
        for (index, range) in found {
            let Some(pattern) = self.patterns.get(*index) else { continue };
            let bytes = range.len() as u64;
            match hits.iter_mut().find(|hit| hit.name == pattern.name) {
                Some(hit) => hit.bytes += bytes,
                None => hits.push(Hit { name: pattern.name.clone(), bytes }),
            }
        }
        hits
    }

    /// Where the rest begins that could be the beginning of a pattern, at `from` or later.
    fn open_end(&self, text: &[u8], from: usize) -> usize {
        let begins = |at: &usize| {
            let rest = text.get(*at..).unwrap_or_default();
            self.patterns.iter().any(|it| it.text.expose().starts_with(rest))
        };
        if self.patterns.is_empty() {
            return text.len();
        }
        self.index().tail(text, from).find(begins).unwrap_or(text.len())
    }
}

/// A body on its way, frame by frame.
pub(crate) struct Stream {
    masker: Arc<Masker>,
    held: Vec<u8>,
}

impl Stream {
    pub(crate) fn new(masker: Arc<Masker>) -> Self {
        Self { masker, held: Vec::new() }
    }

    /// Looks for other values from now on.
    pub(crate) fn renew(&mut self, masker: &Arc<Masker>) {
        if !Arc::ptr_eq(&self.masker, masker) {
            self.masker = Arc::clone(masker);
        }
    }

    /// What can be passed on after another frame, and what was found. May be empty: then all of it
    /// could still become a value.
    pub(crate) fn push(&mut self, frame: Bytes) -> (Bytes, Vec<Hit>) {
        let joined = match self.held.is_empty() {
            true => frame,
            false => {
                let mut joined = std::mem::take(&mut self.held);
                joined.extend_from_slice(&frame);
                Bytes::from(joined)
            }
        };
        let found = self.masker.find(&joined);
        let after = found.iter().map(|(_, range)| range.end).max().unwrap_or(0);
        let end = self.masker.open_end(&joined, after);
        self.held.extend_from_slice(joined.get(end..).unwrap_or_default());
        let passed = joined.slice(..end);
        if found.is_empty() {
            return (passed, Vec::new());
        }
        (Bytes::from(covered(&passed, &found)), self.masker.hits(&found))
    }

    /// What was held back, once nothing more comes.
    pub(crate) fn rest(&mut self) -> Option<Bytes> {
        (!self.held.is_empty()).then(|| Bytes::from(std::mem::take(&mut self.held)))
    }

    /// How many bytes are held back.
    pub(crate) fn held(&self) -> usize {
        self.held.len()
    }
}

fn covered(text: &[u8], found: &[(usize, Range<usize>)]) -> Vec<u8> {
    let mut text = text.to_vec();
    for (_, range) in found {
        if let Some(part) = text.get_mut(range.clone()) {
            part.fill(COVER);
        }
    }
    text
}

/// Everything that one value is looked for as. Shorter texts than `least` are left out.
fn forms(value: &[u8], least: usize) -> Vec<Secret<Vec<u8>>> {
    let json = serde_json::to_vec(&String::from_utf8_lossy(value)).unwrap_or_default();
    let json = json.get(1..json.len().saturating_sub(1)).unwrap_or_default().to_vec();
    let mut all = vec![value.to_vec(), percent(value, false), percent(value, true), json];
    all.extend([hex::encode(value).into_bytes(), hex::encode_upper(value).into_bytes()]);
    for digits in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
        all.extend((0..3).map(|shift| base64_within(value, shift, digits)));
    }
    // A value of several lines, such as a key in PEM, is also found line by line.
    let lines = value.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).take(LINES_MAX);
    let lines = lines.filter(|line| line.len() < value.len() && !vault::is_weak(line));
    all.extend(lines.map(<[u8]>::to_vec));
    all.into_iter().filter(|it| it.len() >= least).map(Secret::new).collect()
}

/// The digits of base64 that depend on the value alone when `shift` bytes stand before it.
fn base64_within(value: &[u8], shift: usize, engine: &GeneralPurpose) -> Vec<u8> {
    let mut bytes = vec![0; shift];
    bytes.extend_from_slice(value);
    let mut digits = engine.encode(&bytes).into_bytes();
    if !bytes.len().is_multiple_of(3) {
        digits.pop();
    }
    // One byte before it touches two digits, two touch three.
    digits.drain(..[0, 2, 3].get(shift).copied().unwrap_or(0).min(digits.len()));
    zeroize::Zeroize::zeroize(&mut bytes);
    digits
}

/// As it stands in a URL.
pub(crate) fn percent(value: &[u8], lower: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    for byte in value {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            out.push(*byte);
        } else if lower {
            out.extend_from_slice(format!("%{byte:02x}").as_bytes());
        } else {
            out.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::alphabet::{Alphabet, STANDARD, URL_SAFE};
    use base64::engine::general_purpose::NO_PAD;
    use proptest::prelude::*;

    const VALUE: &[u8] = b"sk_live_51H8x/Q2+eZv\"q";

    fn masker() -> Arc<Masker> {
        let mut masker = Masker::default();
        masker.add(&SecretName::parse("psp").expect("a name"), &Secret::new(VALUE.to_vec()));
        Arc::new(masker)
    }

    fn through(frames: &[&[u8]]) -> (Vec<u8>, u64) {
        let mut stream = Stream::new(masker());
        let (mut out, mut hits) = (Vec::new(), 0);
        for frame in frames {
            let (passed, found) = stream.push(Bytes::copy_from_slice(frame));
            out.extend_from_slice(&passed);
            hits += found.iter().map(|hit| hit.bytes).sum::<u64>();
        }
        out.extend_from_slice(&stream.rest().unwrap_or_default());
        (out, hits)
    }

    fn base64(text: &[u8], alphabet: &Alphabet) -> Vec<u8> {
        GeneralPurpose::new(alphabet, NO_PAD).encode(text).into_bytes()
    }

    #[test]
    fn a_value_is_found_in_every_form() {
        let with =
            |before: &str, after: &str| [before.as_bytes(), VALUE, after.as_bytes()].concat();
        for echo in [
            VALUE.to_vec(),
            percent(VALUE, false),
            percent(VALUE, true),
            serde_json::to_vec(&String::from_utf8_lossy(VALUE)).expect("text"),
            VALUE.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect(),
            base64(VALUE, &STANDARD),
            base64(&with("shop:", ""), &STANDARD),
            base64(&with("shop", "x"), &STANDARD),
            base64(&with("shops:", "xyz"), &URL_SAFE),
        ] {
            let text = [b"before ".as_slice(), &echo, b" after"].concat();
            let (out, hits) = through(&[&text]);
            assert!(hits > 0, "{}", String::from_utf8_lossy(&text));
            assert_eq!(out.len(), text.len());
            assert!(out.starts_with(b"before ") && out.ends_with(b" after"));
            let kept = out.iter().filter(|byte| **byte != COVER).count();
            assert!(kept < b"before  after".len() + 16, "{}", String::from_utf8_lossy(&out));
        }
    }

    #[test]
    fn what_cannot_become_a_value_is_passed_on_at_once() {
        let mut stream = Stream::new(masker());
        let (passed, _) = stream.push(Bytes::from_static(b"data: hello\n\n"));
        assert_eq!((&passed[..], stream.held()), (b"data: hello\n\n".as_slice(), 0));
        let (passed, _) = stream.push(Bytes::from_static(b"key sk_li"));
        assert_eq!((&passed[..], stream.held()), (b"key ".as_slice(), 5));
        let (passed, hits) = stream.push(Bytes::from_static(b"ne"));
        assert_eq!((&passed[..], hits), (b"sk_line".as_slice(), Vec::new()));
    }

    #[test]
    fn lines_of_a_long_value_are_found_one_by_one() {
        let mut masker = Masker::default();
        let pem = b"-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSjAgEAAoIB\n";
        masker.add(&SecretName::parse("pem").expect("a name"), &Secret::new(pem.to_vec()));
        let (text, _) = masker.whole(b"x AQEFAASCBKcwggSjAgEAAoIB y").expect("found");
        assert_eq!(text, b"x ************************ y");
    }

    proptest! {
        #[test]
        fn frames_do_not_matter(
            before in "[a-z_]{0,30}", after in "[a-z_]{0,30}",
            cuts in proptest::collection::vec(0_usize..90, 0..6),
        ) {
            let text = [before.as_bytes(), VALUE, b" sk_", VALUE, after.as_bytes()].concat();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|at| at.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let frames: Vec<&[u8]> = cuts.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect();
            let (out, _) = through(&frames);
            let cover = "*".repeat(VALUE.len());
            prop_assert_eq!(String::from_utf8_lossy(&out), format!("{before}{cover} sk_{cover}{after}"));
        }
    }
}
