//! `Range`: which part of a file is asked for (RFC 9110, section 14).
//!
//! One range is answered as such. Several are answered with the whole file, which the RFC allows,
//! and which cannot be used to make a small file into a large answer.

use std::ops::Range;

/// What a `Range` field asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it: there is no range, or none that is understood.
    Whole,
    /// These bytes, at least one.
    Bytes(Range<u64>),
    /// Nothing that the file has.
    Unsatisfiable,
}

/// Reads the field for a file of `size` bytes.
pub(super) fn parse(field: Option<&str>, size: u64) -> Part {
    let Some(spec) = field.and_then(strip_unit) else { return Part::Whole };
    let Some((first, last)) = spec.split_once('-') else { return Part::Whole };
    let (first, last) = (first.trim(), last.trim());
    if first.is_empty() {
        return match number(last) {
            None => Part::Whole,
            Some(_) if size == 0 => Part::Unsatisfiable,
            Some(0) => Part::Unsatisfiable,
            Some(count) => Part::Bytes(size.saturating_sub(count)..size),
        };
    }
    let Some(first) = number(first) else { return Part::Whole };
    let end = match last {
        "" => size,
        // A range that ends before it begins is none.
        last => match number(last).filter(|last| *last >= first) {
            None => return Part::Whole,
            Some(last) => last.saturating_add(1).min(size),
        },
    };
    if first >= size { Part::Unsatisfiable } else { Part::Bytes(first..end) }
}

/// What follows `bytes=`. Other units are not understood, and commas mean several ranges.
fn strip_unit(field: &str) -> Option<&str> {
    let (unit, spec) = field.split_once('=')?;
    (unit.trim().eq_ignore_ascii_case("bytes") && !spec.contains(',')).then_some(spec)
}

/// A number of digits only. One beyond 64 bits is far behind every end.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.len() <= 64 && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_one_range_and_nothing_else() {
        for (field, part) in [
            ("bytes=0-4", Part::Bytes(0..5)),
            ("Bytes = 0-4", Part::Bytes(0..5)),
            ("bytes=5-", Part::Bytes(5..10)),
            ("bytes=-3", Part::Bytes(7..10)),
            ("bytes=-30", Part::Bytes(0..10)),
            ("bytes=9-9", Part::Bytes(9..10)),
            ("bytes=0-99999999999999999999999", Part::Bytes(0..10)),
            ("bytes=10-", Part::Unsatisfiable),
            ("bytes=99999999999999999999999-", Part::Unsatisfiable),
            ("bytes=-0", Part::Unsatisfiable),
            ("bytes=4-2", Part::Whole),
            ("bytes=0-1,3-4", Part::Whole),
            ("bytes=", Part::Whole),
            ("bytes=-", Part::Whole),
            ("bytes=+1-2", Part::Whole),
            ("bytes=0x1-2", Part::Whole),
            ("items=0-1", Part::Whole),
            ("", Part::Whole),
        ] {
            assert_eq!(parse(Some(field), 10), part, "{field}");
        }
        assert_eq!(parse(None, 10), Part::Whole);
        assert_eq!(parse(Some("bytes=0-"), 0), Part::Unsatisfiable);
        assert_eq!(parse(Some("bytes=-1"), 0), Part::Unsatisfiable);
    }

    proptest! {
        #[test]
        fn a_range_is_never_empty_nor_outside(
            field in "\\PC{0,20}|bytes=[0-9,-]{0,12}", size in 0u64..50
        ) {
            if let Part::Bytes(range) = parse(Some(&field), size) {
                prop_assert!(range.start < range.end && range.end <= size);
            }
        }
    }
}
