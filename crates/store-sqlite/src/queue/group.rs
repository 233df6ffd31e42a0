//! The writer: everything that waits becomes one transaction, and so one wait for the disk.
//!
//! While a group is synced, the next one gathers, so no timer is needed: alone, a change is on disk
//! as soon as the disk allows, and under load hundreds share a sync.
//!
//! Invariant: nobody hears that a change was made before the group's commit returned.

use crate::Error;
use rusqlite::{Connection, TransactionBehavior};
use std::panic::AssertUnwindSafe;
use tokio::sync::{mpsc, oneshot};

/// Changes that wait at a time, and so that share a transaction; further callers wait before.
pub(super) const WAITING_MAX: usize = 512;

/// A change, and who waits for it.
pub(super) trait Job: Send {
    /// Makes the change. May run twice, the second time in a transaction of its own.
    fn run(&mut self, connection: &Connection) -> Result<(), Error>;
    /// Says how it went: what was made counts if there is no error.
    fn answer(self: Box<Self>, error: Option<Error>);
}

/// A change that is a closure.
pub(super) struct Change<T, F> {
    make: F,
    made: Option<T>,
    waits: oneshot::Sender<Result<T, Error>>,
}

impl<T, F> Change<T, F> {
    /// A change, and where its result comes.
    pub(super) fn new(make: F) -> (Box<Self>, oneshot::Receiver<Result<T, Error>>) {
        let (waits, result) = oneshot::channel();
        (Box::new(Self { make, made: None, waits }), result)
    }
}

impl<T: Send, F: FnMut(&Connection) -> Result<T, Error> + Send> Job for Change<T, F> {
    fn run(&mut self, connection: &Connection) -> Result<(), Error> {
        self.made = Some((self.make)(connection)?);
        Ok(())
    }

    fn answer(self: Box<Self>, error: Option<Error>) {
        let result = match (error, self.made) {
            (None, Some(made)) => Ok(made),
            (Some(error), _) => Err(error),
            (None, None) => Err(Error::Closed),
        };
        // Nobody waits any more if the caller went away; the change counts all the same.
        let _ = self.waits.send(result);
    }
}

/// Makes changes until nobody can send any more.
pub(super) fn write_all(mut connection: Connection, mut jobs: mpsc::Receiver<Box<dyn Job>>) {
    let mut group: Vec<Box<dyn Job>> = Vec::with_capacity(WAITING_MAX);
    while jobs.blocking_recv_many(&mut group, WAITING_MAX) > 0 {
        if commit(&mut connection, &mut group).is_ok() {
            group.drain(..).for_each(|job| job.answer(None));
            continue;
        }
        // One of them failed, and with it the group. Each by itself, so that it fails alone.
        for mut job in group.drain(..) {
            let done = commit(&mut connection, std::slice::from_mut(&mut job));
            job.answer(done.err());
        }
    }
}

fn commit(connection: &mut Connection, group: &mut [Box<dyn Job>]) -> Result<(), Error> {
    let run = AssertUnwindSafe(|| {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for job in group {
            job.run(&transaction)?;
        }
        Ok(transaction.commit()?)
    });
    // A panic ends its group only: the transaction was rolled back while unwinding.
    std::panic::catch_unwind(run).unwrap_or_else(|_| {
        tracing::error!("a write to the queue panicked and was rolled back");
        Err(Error::Closed)
    })
}
