//! Numbers that people write in groups, and the rules for those that are nothing but digits.

pub(super) mod table;

use super::bytes::{self, DIGIT, LETTER};
use super::context;
use super::detector::Hit;
use super::rule::Confidence;
use super::window::Window;
use super::{card, ip, phone, words};
use table::{ROWS, Row, Seps, beginning_with};

/// Most digits of a number that is looked at.
const DIGITS: usize = 24;
/// Fewer digits mean nothing unless others follow.
const SHORT: usize = 6;
/// Most groups of such a number.
const GROUPS: usize = 8;

/// A run of digits and what follows it, as long as single separators stand between digits.
pub(super) struct Groups {
    digits: [u8; DIGITS],
    lengths: [u8; GROUPS],
    /// What stands behind each group; 0 where the number ends.
    seps: [u8; GROUPS],
    ends: [usize; GROUPS],
    count: usize,
    /// Where it begins.
    pub(super) start: usize,
}

impl Groups {
    /// Reads from the digit at `start` on.
    pub(super) fn read(window: &Window<'_>, start: usize) -> Self {
        let mut groups = Self {
            digits: [0; DIGITS],
            lengths: [0; GROUPS],
            seps: [0; GROUPS],
            ends: [0; GROUPS],
            count: 0,
            start,
        };
        let (mut at, mut total) = (start, 0);
        while groups.count < GROUPS {
            let begin = at;
            while let Some(digit) = window.at(at).filter(u8::is_ascii_digit) {
                let Some(place) = groups.digits.get_mut(total) else {
                    // Too long for any rule: what was read before this group counts.
                    return groups;
                };
                *place = digit - b'0';
                total += 1;
                at += 1;
            }
            groups.put(at - begin, at);
            let Some(sep) = window.at(at).filter(|byte| matches!(byte, b' ' | b'-' | b'.')) else {
                return groups;
            };
            if !window.at(at + 1).is_some_and(|byte| byte.is_ascii_digit()) {
                return groups;
            }
            if let Some(place) = groups.seps.get_mut(groups.count - 1) {
                *place = sep;
            }
            at += 1;
        }
        groups
    }

    fn put(&mut self, length: usize, end: usize) {
        if let (Some(place), Some(ends)) =
            (self.lengths.get_mut(self.count), self.ends.get_mut(self.count))
        {
            *place = u8::try_from(length).unwrap_or(u8::MAX);
            *ends = end;
            self.count += 1;
        }
    }

    /// The lengths of the groups.
    pub(super) fn lengths(&self) -> &[u8] {
        self.lengths.get(..self.count).unwrap_or_default()
    }

    /// The digits of the first `count` groups.
    pub(super) fn digits(&self, count: usize) -> &[u8] {
        let total: usize = self.lengths().iter().take(count).map(|n| usize::from(*n)).sum();
        self.digits.get(..total).unwrap_or_default()
    }

    /// Where the first `count` groups end.
    pub(super) fn end(&self, count: usize) -> usize {
        count.checked_sub(1).and_then(|at| self.ends.get(at)).copied().unwrap_or(self.start)
    }

    /// What stands between the first `count` groups.
    pub(super) fn seps(&self, count: usize) -> &[u8] {
        self.seps.get(..count.saturating_sub(1)).unwrap_or_default()
    }

    /// Whether the first groups have these lengths and separators.
    pub(super) fn are(&self, lengths: &[u8], seps: Seps) -> bool {
        let mut own = self.lengths().iter();
        if !lengths.iter().all(|length| own.next() == Some(length)) {
            return false;
        }
        let own = self.seps(lengths.len());
        match seps {
            Seps::None => own.is_empty(),
            Seps::Same(of) => {
                let first = own.first();
                first.is_some_and(|first| of.contains(first) && own.iter().all(|s| s == first))
            }
            Seps::Exact(exact) => own.iter().eq(exact),
        }
    }
}

/// What the run of digits that begins at `start` is, if it is anything, and where to go on: behind
/// the word that it is in, since all rules begin with the first digit of a word.
pub(super) fn examine(window: &Window<'_>, start: usize) -> (Option<Hit>, usize) {
    let hit = match window.before(start) {
        Some(b'0'..=b'9') => None,
        Some(b'+' | b'(') => phone::marked(window, start),
        _ if window.begins(start) => number(window, start),
        Some(byte) if byte.is_ascii_alphabetic() => words::examine(window, start),
        _ => None,
    };
    let rest = window.bytes.get(start..).unwrap_or_default();
    let word = rest.iter().take_while(|byte| bytes::is(**byte, DIGIT | LETTER)).count();
    (hit, start + word)
}

/// What the number is that begins at `start`.
fn number(window: &Window<'_>, start: usize) -> Option<Hit> {
    let end = window.run(start, SHORT, |byte| byte.is_ascii_digit());
    if end - start < SHORT {
        let is_more = window.at(end).is_some_and(|byte| matches!(byte, b' ' | b'-' | b'.' | b'/'));
        if !is_more || !window.at(end + 1).is_some_and(|byte| byte.is_ascii_digit()) {
            return None;
        }
    }
    let groups = Groups::read(window, start);
    let mut rows = beginning_with(*groups.lengths().first()?);
    let numbers = std::iter::from_fn(|| {
        let row = ROWS.get(usize::try_from(rows.trailing_zeros()).ok()?)?;
        rows &= rows - 1;
        Some(row)
    });
    let numbers = numbers.filter_map(|row| match_row(window, &groups, row));
    // Where two are equal the first wins, so what has the stronger check comes first.
    words::tailed(window, &groups)
        .into_iter()
        .chain(numbers)
        .chain(card::examine(window, &groups))
        .chain(ip::four(window, &groups))
        .chain(phone::national(window, &groups))
        .reduce(Hit::stronger)
}

/// Whether the number is one of this row.
fn match_row(window: &Window<'_>, groups: &Groups, row: &Row) -> Option<Hit> {
    let count = row.groups.len();
    if !groups.are(row.groups, row.seps) || !(row.valid)(groups.digits(count)) {
        return None;
    }
    let end = groups.end(count);
    if !window.ends(end) {
        return None;
    }
    let confidence = match context::says(window, groups.start, row.words) {
        true => row.told,
        false
            if row.bare > Confidence::Pattern
                && context::says(window, groups.start, context::IDENTIFIERS) =>
        {
            Confidence::Pattern
        }
        false => row.bare,
    };
    Some(Hit { rule: row.rule.id(), start: groups.start, end, confidence })
}
