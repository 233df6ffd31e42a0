//! Tables (RFC 4180, and what is usual beside it): rows, cells, and where a row ends.
//!
//! A cell that is transformed stays quoted if it was, and is quoted if it has to be. All other
//! bytes of a row are copied.

use super::bound::Bound;
use super::erasable::Whose;
use super::stream::without_end;
use super::{Direction, Duplicate, Fault, Missing, Place, Tally, alike};
use std::borrow::Cow;
use std::ops::Range;

/// What some programs put before a file of UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Finds where rows end: at a line end that is in no quoted cell.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ends {
    state: State,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// Where a cell begins.
    #[default]
    Begin,
    /// In a cell without quotes, or behind one.
    Plain,
    /// Within quotes.
    Quoted,
    /// Behind a quote within quotes: it ends the cell, or stands for a quote.
    Quote,
}

impl State {
    fn after(self, byte: u8, delimiter: u8) -> Self {
        match (self, byte) {
            (Self::Quoted, b'"') => Self::Quote,
            (Self::Begin | Self::Quote, b'"') | (Self::Quoted, _) => Self::Quoted,
            (_, b'\n') => Self::Begin,
            (_, byte) if byte == delimiter => Self::Begin,
            _ => Self::Plain,
        }
    }
}

impl Ends {
    /// The end of a row in these bytes, behind its line end; the next call goes on there, or
    /// behind all of them.
    pub(super) fn next(&mut self, bytes: &[u8], delimiter: u8) -> Option<usize> {
        for (at, byte) in bytes.iter().enumerate() {
            let was = self.state;
            self.state = was.after(*byte, delimiter);
            if *byte == b'\n' && was != State::Quoted {
                return Some(at + 1);
            }
        }
        None
    }
}

/// Applies a contract to a whole table.
pub(super) fn apply(
    bound: &Bound,
    table: &[u8],
    record: Option<&str>,
    tally: &mut Tally,
) -> Result<Vec<u8>, Fault> {
    let (mut rows, mut ends) = (Rows::new(bound), Ends::default());
    let mut out = Vec::with_capacity(table.len() + 64);
    let (mut rest, mut line) = (table, 0);
    if table.is_empty() {
        bound.all_there(&tally.counts(), tally, |place| matches!(place, Place::Csv(_)))?;
    }
    while !rest.is_empty() {
        let end = ends.next(rest, rows.delimiter).unwrap_or(rest.len());
        let (whole, behind) = rest.split_at(end);
        (rest, line) = (behind, line + 1);
        let (row, end) = without_end(whole);
        rows.row(row, record, tally, &mut out).map_err(|fault| fault.line(line))?;
        out.extend_from_slice(end);
    }
    Ok(out)
}

/// One cell: where it stands, with its quotes.
struct Cell {
    range: Range<usize>,
    quoted: bool,
}

/// The cells of a row without its line end.
fn cells(row: &[u8], delimiter: u8) -> Result<Vec<Cell>, Fault> {
    let (mut all, mut begin, mut state) = (Vec::new(), 0, State::Begin);
    let cell = |range: Range<usize>| {
        let quoted = row.get(range.start) == Some(&b'"');
        Cell { range, quoted }
    };
    for (at, byte) in row.iter().enumerate() {
        let was = state;
        state = was.after(*byte, delimiter);
        if was == State::Quote && state == State::Plain {
            return Err(Fault::form("there is more behind a quoted cell"));
        }
        if *byte == b'\r' && state == State::Plain {
            return Err(Fault::form("a carriage return alone, which some readers end a row at"));
        }
        if state == State::Begin {
            all.push(cell(begin..at));
            begin = at + 1;
        }
    }
    if state == State::Quoted {
        return Err(Fault::form("a quoted cell does not end"));
    }
    all.push(cell(begin..row.len()));
    Ok(all)
}

/// What a cell says.
fn plain<'a>(row: &'a [u8], cell: &Cell) -> Cow<'a, [u8]> {
    let bytes = row.get(cell.range.clone()).unwrap_or_default();
    if !cell.quoted {
        return Cow::Borrowed(bytes);
    }
    let inner = bytes.get(1..bytes.len().saturating_sub(1)).unwrap_or_default();
    if !inner.contains(&b'"') {
        return Cow::Borrowed(inner);
    }
    // Within quotes a quote is always two.
    let mut second = false;
    let kept = inner.iter().filter(|byte| {
        second = **byte == b'"' && !second;
        **byte != b'"' || second
    });
    Cow::Owned(kept.copied().collect())
}

fn write(text: &[u8], quoted: bool, delimiter: u8, out: &mut Vec<u8>) {
    let special = |byte: &u8| *byte == delimiter || matches!(byte, b'\r' | b'\n');
    if !quoted && !text.iter().any(special) && text.first() != Some(&b'"') {
        out.extend_from_slice(text);
        return;
    }
    out.push(b'"');
    for byte in text {
        if *byte == b'"' {
            out.push(b'"');
        }
        out.push(*byte);
    }
    out.push(b'"');
}

/// Where a field's values and the ids of their records and subjects stand.
struct Column {
    field: usize,
    at: usize,
    record: Option<usize>,
    subject: Option<usize>,
}

/// Applies a contract to the rows of one table.
pub(super) struct Rows<'b> {
    bound: &'b Bound,
    delimiter: u8,
    columns: Option<Vec<Column>>,
}

impl<'b> Rows<'b> {
    pub(super) fn new(bound: &'b Bound) -> Self {
        Self { bound, delimiter: bound.table.delimiter as u8, columns: None }
    }

    pub(super) fn delimiter(&self) -> u8 {
        self.delimiter
    }

    /// Applies the contract to the next row, without its line end. The first one may name the
    /// columns.
    pub(super) fn row(
        &mut self,
        row: &[u8],
        record: Option<&str>,
        tally: &mut Tally,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        if row.is_empty() {
            return Ok(());
        }
        match self.columns.take() {
            Some(columns) => {
                let done = self.cells(&columns, row, record, tally, out);
                self.columns = Some(columns);
                done
            }
            None if self.bound.table.header => {
                self.columns = Some(self.named(row)?);
                out.extend_from_slice(row);
                Ok(())
            }
            None => {
                let columns = self.numbered();
                let mark = if row.starts_with(MARK) { MARK.len() } else { 0 };
                out.extend_from_slice(&row[..mark]);
                let done = self.cells(&columns, &row[mark..], record, tally, out);
                self.columns = Some(columns);
                done
            }
        }
    }

    /// The columns by the names in the first row.
    fn named(&self, row: &[u8]) -> Result<Vec<Column>, Fault> {
        let row = row.strip_prefix(MARK).unwrap_or(row);
        let all = cells(row, self.delimiter)?;
        let names: Vec<Cow<'_, [u8]>> = all.iter().map(|cell| plain(row, cell)).collect();
        self.no_likes(&names)?;
        let mut columns = Vec::new();
        for (field, bond) in self.bound.bonds.iter().enumerate() {
            let Place::Csv(name) = &bond.at else { continue };
            let places = |name: &str| -> Vec<usize> {
                (0..names.len()).filter(|at| *names[*at] == *name.as_bytes()).collect()
            };
            let found = places(name);
            if found.is_empty() && bond.may_miss {
                continue;
            }
            if found.is_empty() {
                return Err(Fault::missing().at(&bond.at));
            }
            if found.len() > 1 && self.bound.duplicate == Duplicate::Refuse {
                return Err(Fault::form("two columns have this name").at(&bond.at));
            }
            let one = |place: &Option<Place>| match place {
                Some(Place::Csv(name)) => match places(name).as_slice() {
                    [one] => Ok(Some(*one)),
                    _ => Err(Fault::missing().at(format_args!("csv:{name}"))),
                },
                _ => Ok(None),
            };
            let (record, subject) = (one(&bond.record)?, one(&bond.subject)?);
            columns.extend(found.into_iter().map(|at| Column { field, at, record, subject }));
        }
        Ok(columns)
    }

    /// Refuses names that a function could take for those of the contract: some readers ignore
    /// case, and blanks around a name.
    fn no_likes(&self, names: &[Cow<'_, [u8]>]) -> Result<(), Fault> {
        if self.bound.direction != Direction::Ingest {
            return Ok(());
        }
        let own = || {
            self.bound.bonds.iter().filter_map(|bond| match &bond.at {
                Place::Csv(name) => Some(name.as_str()),
                _ => None,
            })
        };
        let like = |name: &Cow<'_, [u8]>| {
            let text = String::from_utf8_lossy(name);
            let bare = text.trim();
            let padded = bare.len() < text.len() && own().any(|it| it.eq_ignore_ascii_case(bare));
            alike::is_like(own, &text) || (padded && !own().any(|it| it == text))
        };
        match names.iter().any(like) {
            true => Err(Fault::form(alike::WHY)),
            false => Ok(()),
        }
    }

    /// The columns by their numbers, from 1.
    fn numbered(&self) -> Vec<Column> {
        let number = |place: &Place| match place {
            Place::Csv(name) => name.parse::<usize>().ok()?.checked_sub(1),
            _ => None,
        };
        let bonds = self.bound.bonds.iter().enumerate();
        bonds
            .filter_map(|(field, bond)| {
                let record = bond.record.as_ref().and_then(number);
                let subject = bond.subject.as_ref().and_then(number);
                Some(Column { field, at: number(&bond.at)?, record, subject })
            })
            .collect()
    }

    fn cells(
        &self,
        columns: &[Column],
        row: &[u8],
        record: Option<&str>,
        tally: &mut Tally,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let all = cells(row, self.delimiter)?;
        let id = |at: usize| {
            let text = all.get(at).map(|cell| plain(row, cell).into_owned());
            text.and_then(|text| String::from_utf8(text).ok())
        };
        for column in columns.iter().filter(|column| column.at >= all.len()) {
            let Some(bond) = self.bound.bonds.get(column.field) else { continue };
            if bond.missing == Missing::Refuse {
                return Err(Fault::missing().at(&bond.at));
            }
        }
        for (at, cell) in all.iter().enumerate() {
            if at > 0 {
                out.push(self.delimiter);
            }
            let Some(column) = columns.iter().find(|column| column.at == at) else {
                out.extend_from_slice(row.get(cell.range.clone()).unwrap_or_default());
                continue;
            };
            let own = column.record.map(id);
            // A field that names its record takes no other.
            let own = own.as_ref().map_or(record, Option::as_deref);
            let subject = column.subject.and_then(id);
            let whose = Whose { record: own, subject: subject.as_deref() };
            let text = self.bound.text(column.field, &plain(row, cell), whose, tally)?;
            write(text.as_bytes(), cell.quoted, self.delimiter, out);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
