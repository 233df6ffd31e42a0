//! The flight recorder, in memory.
//!
//! Invariant: what was appended is what is read; nothing is ever evicted.

use crate::Future;
use crate::journal::{
    Error, Flight, Health, Journal as Port, LogQuery, Mark, Page, RecordQuery, State,
};
use model::wire::v1::{Entry, LogLine, Record, Start};
use model::{FunctionName, FunctionRef, InvocationId, Scope};
use parking_lot::Mutex;
use std::collections::HashMap;

/// The memory version of [`crate::Journal`], which a test can make refuse or fail.
#[derive(Debug, Default)]
pub struct Journal {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    entries: Vec<Entry>,
    open: HashMap<InvocationId, Start>,
    /// What an append answers instead of taking the entry.
    refusal: Option<Error>,
    /// What [`Port::durable`] answers instead of waiting.
    failure: Option<Error>,
    dropped: u64,
    closed: bool,
}

impl Journal {
    /// Lets every later append be refused with `error`; `None` ends that.
    pub fn refuse(&self, error: Option<Error>) {
        self.kept.lock().refusal = error;
    }

    /// Lets every later wait for durability fail with `error`; `None` ends that.
    pub fn fail(&self, error: Option<Error>) {
        self.kept.lock().failure = error;
    }

    /// All entries in the order in which they came, without the starts.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        self.kept.lock().entries.clone()
    }

    /// The invocations that began and did not end.
    #[must_use]
    pub fn open(&self) -> Vec<Start> {
        self.kept.lock().open.values().cloned().collect()
    }
}

fn ready<'a, T: Send + 'a>(value: T) -> Future<'a, T> {
    Box::pin(std::future::ready(value))
}

fn fits(function: &FunctionRef, scope: &Scope, name: Option<&FunctionName>) -> bool {
    function.scope == *scope && name.is_none_or(|name| function.name == *name)
}

/// A position is the list's letter and an entry's index.
fn position(list: char, text: Option<&str>) -> Result<Option<usize>, Error> {
    let Some(text) = text else { return Ok(None) };
    let index = text.strip_prefix(list).and_then(|digits| digits.parse().ok());
    let index = index.filter(|index| format!("{list}{index}") == text);
    index.map(Some).ok_or_else(|| Error::Position(text.chars().take(80).collect()))
}

impl Kept {
    fn append(&mut self, entry: Entry) -> Result<Mark, Error> {
        if self.closed {
            return Err(Error::Failed("it is closed".into()));
        }
        if let Some(refusal) = &self.refusal {
            self.dropped += 1;
            return Err(refusal.clone());
        }
        match entry {
            Entry::Start(start) => {
                self.open.insert(start.id, start);
                return Ok(Mark(self.entries.len() as u64));
            }
            Entry::End(ref record) => {
                self.open.remove(&record.start.id);
            }
            Entry::Log(_) | Entry::Act(_) | Entry::Boot { .. } => {}
        }
        self.entries.push(entry);
        Ok(Mark(self.entries.len() as u64))
    }

    fn records(&self, query: &RecordQuery) -> Result<Page<Record>, Error> {
        let before = position('r', query.before.as_deref())?.unwrap_or(usize::MAX);
        let mut found = self.entries.iter().enumerate().rev().filter_map(|(at, entry)| {
            let Entry::End(record) = entry else { return None };
            (at < before && query.fits(record)).then_some((at, record))
        });
        let page: Vec<_> = found.by_ref().take(query.limit).collect();
        let last = page.last().map_or(before, |(at, _)| *at);
        let next = found.next().map(|_| format!("r{last}"));
        Ok(Page { items: page.into_iter().map(|(_, it)| it.as_ref().clone()).collect(), next })
    }

    fn logs(&self, query: &LogQuery) -> Result<Page<LogLine>, Error> {
        let after = position('l', query.after.as_deref())?;
        let fits = |line: &LogLine| {
            fits(&line.function, &query.scope, query.function.as_ref())
                && query.invocation.is_none_or(|id| line.invocation == id)
                && query.level.is_none_or(|level| line.level >= level)
                && query.since.is_none_or(|since| line.at >= since)
        };
        let lines = self.entries.iter().enumerate().skip(after.unwrap_or(0));
        let mut lines: Vec<_> = lines
            .filter_map(|(at, entry)| match entry {
                Entry::Log(line) if fits(line) => Some((at, line)),
                _ => None,
            })
            .collect();
        let mut next = self.entries.len();
        if after.is_none() {
            lines.drain(..lines.len().saturating_sub(query.limit));
        } else if let Some((at, _)) = lines.get(query.limit) {
            next = *at;
            lines.truncate(query.limit);
        }
        let items = lines.into_iter().map(|(_, line)| line.clone()).collect();
        Ok(Page { items, next: Some(format!("l{next}")) })
    }

    fn flight(&self, scope: &Scope, id: InvocationId) -> Option<Flight> {
        let is_it = |start: &Start| start.id == id && start.function.scope == *scope;
        if let Some(start) = self.open.get(&id).filter(|start| is_it(start)) {
            return Some(Flight::Running(Box::new(start.clone())));
        }
        self.entries.iter().rev().find_map(|entry| match entry {
            Entry::End(record) if is_it(&record.start) => Some(Flight::Ended(record.clone())),
            _ => None,
        })
    }
}

impl Port for Journal {
    fn append(&self, entry: Entry) -> Result<Mark, Error> {
        self.kept.lock().append(entry)
    }

    fn durable(&self, _: Mark) -> Future<'_, Result<(), Error>> {
        ready(self.kept.lock().failure.clone().map_or(Ok(()), Err))
    }

    fn records(&self, query: RecordQuery) -> Future<'_, Result<Page<Record>, Error>> {
        ready(self.kept.lock().records(&query))
    }

    fn flight<'a>(
        &'a self,
        scope: &'a Scope,
        id: InvocationId,
    ) -> Future<'a, Result<Option<Flight>, Error>> {
        ready(Ok(self.kept.lock().flight(scope, id)))
    }

    fn logs(&self, query: LogQuery) -> Future<'_, Result<Page<LogLine>, Error>> {
        ready(self.kept.lock().logs(&query))
    }

    fn health(&self) -> Health {
        let kept = self.kept.lock();
        Health {
            bytes: 0,
            bytes_max: u64::MAX,
            oldest: None,
            disk_free_bytes: u64::MAX,
            dropped: kept.dropped,
            state: if kept.refusal.is_some() { State::Refusing } else { State::Taking },
        }
    }

    fn close(&self) -> Future<'_, Result<(), Error>> {
        self.kept.lock().closed = true;
        ready(Ok(()))
    }
}
