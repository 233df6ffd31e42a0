//! `queue.db`: calls that run later. One writer thread that commits in groups, a few readers.
//!
//! A file of its own, beside the registry's: thousands of changes a second would stand in the way
//! of acts, and a backlog would make every copy of the registry large.
//!
//! Invariant: a payload is sealed before it is handed to the writer, and the place that it is
//! sealed for is its function and its id, so no message can be given out as another.

use crate::Error;
use crate::store::connect;
use crate::store::copy::copy;
use bytes::Bytes;
use group::{Change, Job, WAITING_MAX, write_all};
use model::key::{Epoch, KeyPurpose};
use model::{FunctionRef, InvocationId, Scope, Timestamp};
use parking_lot::Mutex;
use ports::keyring::{KeyRing, Sealer};
use ports::queue::{
    Batch, Claim, Depth, End, Error as QueueError, Leased, ListQuery, Mark, Marking, Message,
    Publication, Purge, Quota, Settled, Status, Tick, TriggerRef, Want,
};
use ports::{Future, Queue as Port};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tokio::sync::{Semaphore, mpsc};

mod change;
mod event;
mod group;
mod lease;
mod lot;
mod mark;
mod open;
mod rewrap;
mod row;
mod settle;

use change::{Refused, Sealed};
pub use rewrap::Resealed;
use row::Found;

/// The queue's file in the home.
pub const FILE: &str = "queue.db";
/// Reads that run at a time, each on a connection of its own.
const READERS_MAX: usize = 2;

/// The queue in one SQLite file.
///
/// When it is dropped, what was sent to it is written and the file is closed.
pub struct Queue {
    inner: Arc<Inner>,
}

struct Inner {
    file: PathBuf,
    keys: Arc<dyn KeyRing>,
    jobs: Option<mpsc::Sender<Box<dyn Job>>>,
    writer: Option<std::thread::JoinHandle<()>>,
    idle: Mutex<Vec<Connection>>,
    readers: Semaphore,
    /// The function that was served last.
    turn: Arc<AtomicI64>,
}

impl Queue {
    /// Opens the queue in the home `dir`, makes it if there is none, and brings it up to date.
    /// Messages that were leased when the last process ended may be leased again at once.
    ///
    /// Blocks.
    ///
    /// # Errors
    /// [`Error::SchemaNewer`], [`Error::Migration`], [`Error::Corrupt`], [`Error::Full`] or
    /// [`Error::Io`].
    pub fn open(dir: &Path, keys: Arc<dyn KeyRing>) -> Result<Self, Error> {
        let file = dir.join(FILE);
        let connection = open::writer(&file, &dir.join(crate::store::BACKUPS))?;
        let (jobs, queue) = mpsc::channel(WAITING_MAX);
        let writer = std::thread::Builder::new()
            .name("queue-writer".to_owned())
            .spawn(move || write_all(connection, queue))
            .map_err(|error| Error::io(&file, error))?;
        let inner = Inner {
            file,
            keys,
            jobs: Some(jobs),
            writer: Some(writer),
            idle: Mutex::default(),
            readers: Semaphore::new(READERS_MAX),
            turn: Arc::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Makes a change on the writer's thread. If the caller goes away, it is made all the same.
    async fn change<T: Send + 'static>(
        &self,
        make: impl FnMut(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, QueueError> {
        let (change, made) = Change::new(make);
        let jobs = self.inner.jobs.as_ref().ok_or_else(closed)?;
        jobs.send(change).await.map_err(|_| closed())?;
        made.await.map_err(|_| closed())?.map_err(said)
    }

    /// Reads on a blocking thread with a connection that cannot write.
    async fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, QueueError> {
        let _permit = self.inner.readers.acquire().await.map_err(|_| closed())?;
        let inner = Arc::clone(&self.inner);
        let run = move || {
            let idle = inner.idle.lock().pop();
            let connection = match idle {
                Some(connection) => connection,
                None => connect::reader(&inner.file)?,
            };
            let found = look(&connection)?;
            inner.idle.lock().push(connection);
            Ok(found)
        };
        tokio::task::spawn_blocking(run).await.map_err(|_| closed())?.map_err(said)
    }

    fn sealer(&self, epoch: Epoch, scope: &Scope) -> Result<Arc<dyn Sealer>, QueueError> {
        let context = [scope.tenant.as_str(), scope.environment.as_str()];
        let sealer = self.inner.keys.sealer(epoch, KeyPurpose::Queue, &context);
        sealer.map_err(|error| QueueError::Failed(error.to_string()))
    }

    fn seal(&self, message: &Message) -> Result<Sealed, QueueError> {
        let epoch = self.inner.keys.epoch();
        let sealer = self.sealer(epoch, &message.function.scope)?;
        let mut bytes = message.payload.to_vec();
        sealer
            .seal(&place(&message.function, message.id), &mut bytes, 0)
            .map_err(|error| QueueError::Failed(error.to_string()))?;
        Ok(Sealed { epoch: epoch.0, bytes })
    }

    fn unseal(&self, found: Found) -> Result<Leased, (Claim, QueueError)> {
        let claim = Claim { id: found.id, fence: found.fence };
        let sealer = self.sealer(Epoch(found.epoch), &found.function.scope);
        let payload = sealer.and_then(|sealer| {
            let place = place(&found.function, found.id);
            let plain = sealer.unseal(&place, &found.sealed);
            plain.map_err(|error| QueueError::Damaged(format!("{}: {error}", found.id)))
        });
        match payload {
            Ok(payload) => Ok(Leased {
                claim,
                function: found.function,
                payload: Bytes::from(payload),
                queued: found.queued,
                attempt: found.attempt,
                order: found.order,
                rest: Vec::new(),
            }),
            Err(error) => Err((claim, error)),
        }
    }

    async fn take(&self, want: Want) -> Result<Batch, QueueError> {
        let turn = Arc::clone(&self.inner.turn);
        let taken = self.change(move |db| {
            let taken = lease::lease(db, &want, turn.load(Ordering::Relaxed))?;
            turn.store(taken.last, Ordering::Relaxed);
            Ok(taken)
        });
        let taken = taken.await?;
        let mut items = Vec::with_capacity(taken.items.len());
        for together in taken.items {
            let mut readable = Vec::with_capacity(together.len());
            for found in together {
                match self.unseal(found) {
                    Ok(leased) => readable.push(leased),
                    Err((claim, error)) => self.bury(claim, &error).await?,
                }
            }
            let mut readable = readable.into_iter();
            if let Some(first) = readable.next() {
                items.push(Leased { rest: readable.collect(), ..first });
            }
        }
        Ok(Batch { items, next: taken.next })
    }

    /// What cannot be read back is a dead letter.
    async fn bury(&self, claim: Claim, error: &QueueError) -> Result<(), QueueError> {
        tracing::error!(id = %claim.id, %error, "E0527: a queued call cannot be read back");
        let how = Settled::Dead { error: "E0527: it cannot be read back".to_owned() };
        self.change(move |db| settle::settle(db, claim, &how)).await.map(drop)
    }
}

/// What a payload is sealed for.
fn place(function: &FunctionRef, id: InvocationId) -> Vec<u8> {
    let mut place = id.as_bytes().to_vec();
    place.extend_from_slice(function.to_string().as_bytes());
    place
}

/// Why messages with ids of our own were not taken.
fn refused(why: Refused) -> QueueError {
    match why {
        Refused::Quota { messages, bytes } => QueueError::Quota { messages, bytes },
        Refused::Exists => QueueError::Failed("an id was made twice".to_owned()),
    }
}

fn closed() -> QueueError {
    QueueError::Failed("the queue is closed".to_owned())
}

fn said(error: Error) -> QueueError {
    match error {
        Error::Full => QueueError::Full,
        Error::Corrupt { .. } => QueueError::Damaged(error.chain()),
        other => QueueError::Failed(other.chain()),
    }
}

impl Port for Queue {
    fn put(&self, message: Message, quota: Quota) -> Future<'_, Result<(), QueueError>> {
        Box::pin(async move {
            let sealed = self.seal(&message)?;
            let id = message.id;
            let put = self.change(move |db| change::put(db, &message, &sealed, quota));
            put.await?.map_err(|why| match why {
                Refused::Exists => QueueError::Exists(id),
                quota @ Refused::Quota { .. } => refused(quota),
            })
        })
    }

    fn lease(&self, want: Want) -> Future<'_, Result<Batch, QueueError>> {
        Box::pin(self.take(want))
    }

    fn extend(&self, claim: Claim, until: Timestamp) -> Future<'_, Result<bool, QueueError>> {
        Box::pin(self.change(move |db| lease::extend(db, claim, until)))
    }

    fn settle(&self, claim: Claim, how: Settled) -> Future<'_, Result<bool, QueueError>> {
        Box::pin(self.change(move |db| settle::settle(db, claim, &how)))
    }

    fn settle_all(
        &self,
        ends: Vec<End>,
        quota: Quota,
    ) -> Future<'_, Result<Vec<bool>, QueueError>> {
        Box::pin(async move {
            let mut sealed = Vec::with_capacity(ends.len());
            for end in &ends {
                let own: Result<Vec<Sealed>, _> = end.then.iter().map(|it| self.seal(it)).collect();
                sealed.push(own?);
            }
            let settled = self.change(move |db| settle::settle_all(db, &ends, &sealed, quota));
            settled.await?.map_err(refused)
        })
    }

    fn find<'a>(
        &'a self,
        scope: &'a Scope,
        id: InvocationId,
    ) -> Future<'a, Result<Option<Status>, QueueError>> {
        let scope = scope.clone();
        Box::pin(self.read(move |db| row::find(db, &scope, id)))
    }

    fn payload<'a>(
        &'a self,
        scope: &'a Scope,
        id: InvocationId,
    ) -> Future<'a, Result<Option<Bytes>, QueueError>> {
        let wanted = scope.clone();
        Box::pin(async move {
            let found = self.read(move |db| row::sealed(db, &wanted, id)).await?;
            let unsealed = found.map(|found| self.unseal(found)).transpose();
            Ok(unsealed.map_err(|(_, error)| error)?.map(|leased| leased.payload))
        })
    }

    fn list(&self, query: ListQuery) -> Future<'_, Result<Vec<Status>, QueueError>> {
        Box::pin(self.read(move |db| row::list(db, &query)))
    }

    fn depth<'a>(&'a self, scope: &'a Scope) -> Future<'a, Result<Vec<Depth>, QueueError>> {
        let scope = scope.clone();
        Box::pin(self.read(move |db| row::depth(db, &scope)))
    }

    fn requeue<'a>(
        &'a self,
        scope: &'a Scope,
        id: InvocationId,
        due: Timestamp,
    ) -> Future<'a, Result<bool, QueueError>> {
        let scope = scope.clone();
        Box::pin(self.change(move |db| change::requeue(db, &scope, id, due)))
    }

    fn purge<'a>(&'a self, scope: &'a Scope, which: Purge) -> Future<'a, Result<u64, QueueError>> {
        let scope = scope.clone();
        Box::pin(self.change(move |db| change::purge(db, &scope, &which)))
    }

    fn marks(&self) -> Future<'_, Result<Vec<Mark>, QueueError>> {
        Box::pin(self.read(mark::all))
    }

    fn mark(&self, trigger: TriggerRef, how: Marking) -> Future<'_, Result<bool, QueueError>> {
        Box::pin(self.change(move |db| mark::change(db, &trigger, &how)))
    }

    fn tick(&self, tick: Tick, quota: Quota) -> Future<'_, Result<bool, QueueError>> {
        Box::pin(async move {
            let sealed = tick.message.as_ref().map(|message| self.seal(message)).transpose()?;
            let ticked = self.change(move |db| mark::tick(db, &tick, sealed.as_ref(), quota));
            ticked.await?.map_err(|(messages, bytes)| QueueError::Quota { messages, bytes })
        })
    }

    fn publish(
        &self,
        publication: Publication,
        quota: Quota,
    ) -> Future<'_, Result<Vec<bool>, QueueError>> {
        Box::pin(async move {
            let messages = publication.posts.iter().flat_map(|post| &post.messages);
            let sealed: Result<Vec<Sealed>, _> = messages.map(|it| self.seal(it)).collect();
            let sealed = sealed?;
            let put = self.change(move |db| event::publish(db, &publication, &sealed, quota));
            put.await?.map_err(refused)
        })
    }

    fn backup(&self, file: PathBuf) -> Future<'_, Result<(), QueueError>> {
        Box::pin(self.read(move |db| copy(db, &file)))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.idle.get_mut().clear();
        drop(self.jobs.take());
        if let Some(writer) = self.writer.take() {
            // Last to close, so that SQLite folds its log into the file. The thread cannot have
            // panicked: every job is caught.
            let _ = writer.join();
        }
    }
}
