//! Files of any length: rows of a table, lines of JSON, lines of text, in bounded memory.

use super::bound::Bound;
use super::csv::{Ends, Rows};
use super::{Done, Fault, Place, Tally};

/// Longest record: a row, a line.
const RECORD_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Longest document that is one record.
const DOCUMENT_BYTES_MAX: usize = 256 * 1024 * 1024;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A table.
    Csv,
    /// A JSON document on each line.
    JsonLines,
    /// One JSON document.
    Json,
    /// A value on each line.
    Text,
}

impl Format {
    /// Whether a place is one in such a file.
    fn has(self, place: &Place) -> bool {
        match self {
            Self::Csv => matches!(place, Place::Csv(_)),
            Self::JsonLines | Self::Json => matches!(place, Place::Body(_)),
            Self::Text => matches!(place, Place::Line),
        }
    }
}

/// A file that is being transformed, in pieces of any size.
pub struct Stream<'b> {
    bound: &'b Bound,
    format: Format,
    rows: Rows<'b>,
    ends: Ends,
    /// What has come and is no whole record yet.
    kept: Vec<u8>,
    line: u64,
    tally: Tally,
}

impl<'b> Stream<'b> {
    /// Begins a file.
    ///
    /// # Errors
    /// A field whose place no such file has: it would stay as it is, unseen.
    pub fn new(bound: &'b Bound, format: Format) -> Result<Self, Fault> {
        if let Some(bond) = bound.bonds.iter().find(|bond| !format.has(&bond.at)) {
            let what = format!("a file of the form {} has no such place", name(format));
            return Err(Fault::form(what).at(&bond.at));
        }
        let (rows, ends, tally) = (bound.rows(), Ends::default(), Tally::default());
        Ok(Self { bound, format, rows, ends, kept: Vec::new(), line: 0, tally })
    }

    /// Takes the next piece, and appends to `out` what is done with all records that it completes.
    ///
    /// # Errors
    /// [`Fault`]; then nothing of the record that it is about is in `out`.
    pub fn push(&mut self, mut piece: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
        while let Some(end) = self.end(piece) {
            let (record, rest) = piece.split_at(end);
            piece = rest;
            if self.kept.is_empty() {
                self.record(record, out)?;
            } else {
                let mut whole = std::mem::take(&mut self.kept);
                whole.extend_from_slice(record);
                self.record(&whole, out)?;
                whole.clear();
                self.kept = whole;
            }
        }
        let max = if self.format == Format::Json { DOCUMENT_BYTES_MAX } else { RECORD_BYTES_MAX };
        if self.kept.len() + piece.len() > max {
            let what = format!("the record is longer than {} MiB", max >> 20);
            return Err(Fault::form(what).line(self.line + 1));
        }
        self.kept.extend_from_slice(piece);
        Ok(())
    }

    /// Ends the file: what is left is its last record.
    ///
    /// # Errors
    /// As [`Stream::push`].
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<Vec<Done>, Fault> {
        let rest = std::mem::take(&mut self.kept);
        if !rest.is_empty() {
            self.record(&rest, out)?;
        }
        Ok(self.bound.done(&self.tally))
    }

    /// How many records there were.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.line
    }

    /// Where the first record of these bytes ends, behind its line end.
    fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        match self.format {
            Format::Csv => self.ends.next(bytes, self.rows.delimiter()),
            Format::Json => None,
            Format::JsonLines | Format::Text => {
                bytes.iter().position(|byte| *byte == b'\n').map(|at| at + 1)
            }
        }
    }

    fn record(&mut self, record: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
        self.line += 1;
        let (body, end) = without_end(record);
        let before = out.len();
        let done = match self.format {
            Format::Csv => self.rows.row(body, None, &mut self.tally, out),
            Format::Json => {
                self.bound.json(record, None, &mut self.tally).map(|made| out.extend(made))
            }
            _ if body.iter().all(u8::is_ascii_whitespace) => {
                out.extend_from_slice(body);
                Ok(())
            }
            Format::JsonLines => {
                self.bound.json(body, None, &mut self.tally).map(|made| out.extend(made))
            }
            Format::Text => {
                self.bound.line(body, None, &mut self.tally).map(|made| out.extend(made))
            }
        };
        if let Err(fault) = done {
            out.truncate(before);
            let whole = self.format == Format::Json;
            return Err(if whole { fault } else { fault.line(self.line) });
        }
        if self.format != Format::Json {
            out.extend_from_slice(end);
        }
        Ok(())
    }
}

const fn name(format: Format) -> &'static str {
    match format {
        Format::Csv => "csv",
        Format::JsonLines => "jsonl",
        Format::Json => "json",
        Format::Text => "text",
    }
}

/// A record, and its line end.
pub(super) fn without_end(record: &[u8]) -> (&[u8], &[u8]) {
    let line = record.strip_suffix(b"\n").unwrap_or(record);
    let body =
        if line.len() < record.len() { line.strip_suffix(b"\r").unwrap_or(line) } else { line };
    record.split_at(body.len())
}
