//! A journal that keeps nothing, for one purpose: to measure what records cost.
//!
//! It exists only with the feature `danger-no-records`, which no release has.

use model::wire::v1::{Entry, LogLine, Record};
use model::{InvocationId, Scope};
use ports::Future;
use ports::journal::{Error, Flight, Health, Journal, LogQuery, Mark, Page, RecordQuery, State};

/// Keeps nothing.
pub(crate) struct Unrecorded;

fn ready<'a, T: Send + 'a>(value: T) -> Future<'a, T> {
    Box::pin(std::future::ready(value))
}

impl Journal for Unrecorded {
    fn append(&self, _: Entry) -> Result<Mark, Error> {
        Ok(Mark(0))
    }

    fn durable(&self, _: Mark) -> Future<'_, Result<(), Error>> {
        ready(Ok(()))
    }

    fn records(&self, _: RecordQuery) -> Future<'_, Result<Page<Record>, Error>> {
        ready(Ok(Page { items: Vec::new(), next: None }))
    }

    fn flight<'a>(
        &'a self,
        _: &'a Scope,
        _: InvocationId,
    ) -> Future<'a, Result<Option<Flight>, Error>> {
        ready(Ok(None))
    }

    fn logs(&self, _: LogQuery) -> Future<'_, Result<Page<LogLine>, Error>> {
        ready(Ok(Page { items: Vec::new(), next: None }))
    }

    fn health(&self) -> Health {
        Health {
            bytes: 0,
            bytes_max: 0,
            oldest: None,
            disk_free_bytes: 0,
            dropped: 0,
            state: State::Taking,
        }
    }

    fn close(&self) -> Future<'_, Result<(), Error>> {
        ready(Ok(()))
    }
}
