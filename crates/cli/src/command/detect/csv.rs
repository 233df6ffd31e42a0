//! Columns: RFC 4180 and its relatives with `;` and tabs. The head of a column says what its values
//! are.

use super::report::{Place, Report};
use super::source::Source;
use protect::detect::Detector;

/// How much is read at once, in bytes.
const PIECE: usize = 256 * 1024;
/// Longest record that is read as one; what is longer is cut, in bytes.
const RECORD: usize = 1 << 20;

/// Searches a table.
pub(super) fn search(
    mut source: Source,
    detector: &Detector,
    report: &mut Report<'_>,
) -> anyhow::Result<()> {
    let mut table = Table { detector, heads: None, separator: b',', offset: 0, line: 1 };
    let (mut held, mut piece) = (Vec::new(), vec![0; PIECE]);
    // Up to where no record ends, and whether that is within quotes.
    let (mut seen, mut quoted) = (0, false);
    loop {
        let count = source.read(&mut piece)?;
        held.extend_from_slice(piece.get(..count).unwrap_or_default());
        report.read(count);
        let mut begin = 0;
        for (at, byte) in held.iter().enumerate().skip(seen) {
            quoted ^= *byte == b'"';
            if (*byte == b'\n' && !quoted) || at - begin >= RECORD {
                table.record(held.get(begin..=at).unwrap_or_default(), report)?;
                (begin, quoted) = (at + 1, false);
            }
        }
        held.drain(..begin);
        seen = held.len();
        if count == 0 {
            return table.record(&held, report);
        }
    }
}

struct Table<'a> {
    detector: &'a Detector,
    /// The heads of the columns, once the first record was read.
    heads: Option<Vec<Vec<u8>>>,
    separator: u8,
    /// Where the next record begins, in bytes and in lines.
    offset: u64,
    line: u64,
}

impl Table<'_> {
    fn record(&mut self, record: &[u8], report: &mut Report<'_>) -> anyhow::Result<()> {
        if self.heads.is_none() {
            self.separator = separator(record);
            self.heads = Some(self.heads_in(record));
        }
        let mut findings = Vec::new();
        let heads = self.heads.as_deref().unwrap_or_default();
        for (column, (start, field)) in fields(record, self.separator).enumerate() {
            let head = heads.get(column).map_or(&b""[..], Vec::as_slice);
            self.detector.scan(field, head, |finding| findings.push((start, finding)));
        }
        for (start, mut finding) in findings {
            let at = |place: u64| start + usize::try_from(place).unwrap_or_default();
            let (from, to) = (at(finding.start), at(finding.end));
            let before = record.get(..from).unwrap_or_default();
            let line = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            let place = Place { line: self.line + lines(before), column: number(from - line) + 1 };
            finding.start = self.offset + number(from);
            finding.end = self.offset + number(to);
            report.found(&finding, place, record.get(from..to).unwrap_or_default())?;
        }
        self.offset += number(record.len());
        self.line += lines(record);
        Ok(())
    }

    /// The fields of the first record, unless there are values among them.
    fn heads_in(&self, record: &[u8]) -> Vec<Vec<u8>> {
        let mut values = 0;
        for (_, field) in fields(record, self.separator) {
            self.detector.scan(field, b"", |_| values += 1);
        }
        let all = fields(record, self.separator);
        if values > 0 { Vec::new() } else { all.map(|(_, field)| field.to_vec()).collect() }
    }
}

/// What separates the fields of the first record: what is most often in it.
fn separator(record: &[u8]) -> u8 {
    let count = |wanted: u8| record.iter().filter(|byte| **byte == wanted).count();
    [b',', b';', b'\t', b'|'].into_iter().rev().max_by_key(|byte| count(*byte)).unwrap_or(b',')
}

/// The fields with where they begin; quotes around them are left out, doubled ones within stay.
fn fields(record: &[u8], separator: u8) -> impl Iterator<Item = (usize, &[u8])> {
    let mut quoted = false;
    let parts = record.split(move |byte| {
        quoted ^= *byte == b'"';
        *byte == separator && !quoted
    });
    let mut at = 0;
    parts.map(move |part| {
        let start = at;
        at += part.len() + 1;
        let part = part.trim_ascii_end();
        match part.strip_prefix(b"\"") {
            Some(inner) => (start + 1, inner.strip_suffix(b"\"").unwrap_or(inner)),
            None => (start, part),
        }
    })
}

fn lines(bytes: &[u8]) -> u64 {
    number(bytes.iter().filter(|byte| **byte == b'\n').count())
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_have_their_places() {
        let all: Vec<_> = fields(b"a,\"b,\"\"c\",,d\r\n", b',').collect();
        let expect: [(usize, &[u8]); 4] = [(0, b"a"), (3, b"b,\"\"c"), (10, b""), (11, b"d")];
        assert_eq!(all, expect);
    }

    #[test]
    fn the_separator_is_what_is_most_often_there() {
        for (text, expect) in [("a,b;c,d", b','), ("a;b;c", b';'), ("a\tb", b'\t'), ("a", b',')] {
            assert_eq!(separator(text.as_bytes()), expect, "{text}");
        }
    }
}
