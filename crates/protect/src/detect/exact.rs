//! Values that the host knows to be sensitive in an invocation, found as they are and as they are
//! commonly written: escaped in JSON, percent-encoded, in hexadecimal, and in base64 at each of its
//! three alignments.
//!
//! The first four bytes of every form are looked up in a bitmap, and only what is there is
//! compared. The forms are zeroised when the set is dropped.

mod forms;

use super::detector::Hit;
use super::rule::{Confidence, Known};
use super::window::Window;
use model::DataClass;
use zeroize::{Zeroize as _, Zeroizing};

/// Shorter values are not looked for: they stand in ordinary text by chance.
pub const VALUE_BYTES_MIN: usize = 6;
/// Longer values are looked for by their first so many bytes.
const VALUE_BYTES_MAX: usize = 4096;
/// How many bits of a fingerprint index the bitmap.
const BITS: u32 = 16;

/// One way in which a value can be written.
struct Form {
    bytes: Zeroizing<Vec<u8>>,
    value: u32,
}

/// A set of values, made for one invocation.
pub struct Exact {
    /// Sorted by their bytes, the longest first among those that begin alike.
    forms: Vec<Form>,
    classes: Vec<DataClass>,
    /// Which fingerprints of four bytes begin a form.
    bitmap: Vec<u64>,
    /// Which bytes begin a form.
    first: [bool; 256],
}

impl std::fmt::Debug for Exact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exact").field("values", &self.classes.len()).finish_non_exhaustive()
    }
}

impl Drop for Exact {
    fn drop(&mut self) {
        self.bitmap.zeroize();
        self.first.zeroize();
    }
}

impl Exact {
    /// A set of values with their classes. Values of less than [`VALUE_BYTES_MIN`] bytes are left
    /// out.
    #[must_use]
    pub fn new<'v>(values: impl IntoIterator<Item = (DataClass, &'v [u8])>) -> Self {
        let (mut forms, mut classes) = (Vec::new(), Vec::new());
        for (value, (class, bytes)) in (0..).zip(values) {
            classes.push(class);
            if bytes.len() < VALUE_BYTES_MIN {
                continue;
            }
            let bytes = bytes.get(..VALUE_BYTES_MAX).unwrap_or(bytes);
            let all = forms::of(bytes).into_iter();
            forms.extend(all.map(|bytes| Form { bytes: Zeroizing::new(bytes), value }));
        }
        forms.sort_by(|a, b| b.bytes.len().cmp(&a.bytes.len()).then(a.bytes.cmp(&b.bytes)));
        forms.dedup_by(|a, b| a.bytes == b.bytes);
        forms.sort_by_key(|form| key(&form.bytes));
        let mut set =
            Self { forms, classes, bitmap: vec![0; 1 << (BITS - 6)], first: [false; 256] };
        for form in &set.forms {
            let bit = fingerprint(key(&form.bytes));
            if let Some(word) = set.bitmap.get_mut(bit >> 6) {
                *word |= 1 << (bit & 63);
            }
            let first = form.bytes.first().and_then(|byte| set.first.get_mut(usize::from(*byte)));
            first.into_iter().for_each(|place| *place = true);
        }
        set
    }

    /// The class of a value, by its place among those that the set was made of.
    #[must_use]
    pub fn class(&self, value: u32) -> Option<&DataClass> {
        self.classes.get(usize::try_from(value).ok()?)
    }

    /// Whether there is nothing to look for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.forms.is_empty()
    }

    /// The next place from `from` on, before `limit`, at which a form may begin.
    pub(super) fn find(&self, bytes: &[u8], from: usize, limit: usize) -> Option<usize> {
        if self.forms.is_empty() {
            return None;
        }
        let rest = bytes.get(from..).unwrap_or_default();
        let found = rest.array_windows::<4>().position(|four| {
            let bit = fingerprint(u32::from_be_bytes(*four));
            self.bitmap.get(bit >> 6).is_some_and(|word| word >> (bit & 63) & 1 == 1)
        });
        found.map(|at| from + at).filter(|at| *at < limit)
    }

    /// The forms that begin with these four bytes.
    fn alike(&self, four: u32) -> &[Form] {
        let from = self.forms.partition_point(|form| key(&form.bytes) < four);
        let to = self.forms.partition_point(|form| key(&form.bytes) <= four);
        self.forms.get(from..to).unwrap_or_default()
    }

    /// The longest form that stands at `at`, and whose it is.
    pub(super) fn examine(&self, window: &Window<'_>, at: usize) -> Option<(Hit, u32)> {
        let four = key(window.slice(at, at + 4));
        let form = self.alike(four).iter().find(|form| window.goes_on(at, &form.bytes))?;
        let (start, end) = (at, at + form.bytes.len());
        let hit = Hit { rule: Known::Exact.id(), start, end, confidence: Confidence::Confirmed };
        Some((hit, form.value))
    }

    /// The first of the last three bytes at which a form may begin whose first four bytes are not
    /// all there yet; the length if there is none.
    pub(super) fn tail(&self, bytes: &[u8]) -> usize {
        let from = bytes.len().saturating_sub(3);
        let rest = bytes.get(from..).unwrap_or_default();
        let begins = |byte: &u8| self.first.get(usize::from(*byte)).copied().unwrap_or(false);
        let may = (0..rest.len()).find(|at| {
            let tail = rest.get(*at..).unwrap_or_default();
            tail.first().is_some_and(begins)
                && self.forms.iter().any(|form| form.bytes.starts_with(tail))
        });
        from + may.unwrap_or(rest.len())
    }
}

/// The first four bytes.
fn key(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |four| u32::from_be_bytes(*four))
}

#[inline]
fn fingerprint(four: u32) -> usize {
    usize::try_from(four.wrapping_mul(0x9E37_79B1) >> (32 - BITS)).unwrap_or_default()
}
