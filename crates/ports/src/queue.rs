//! Calls that were accepted and run later.
//!
//! A message waits, is leased by a worker for a time, and is settled by it. A lease that runs out
//! is taken again, by anybody, so what was accepted runs at least once, whatever ends in between.
//!
//! Invariant: of the leases of one message only the last one settles or extends it.

mod event;
mod lot;
mod mark;

pub use event::{Post, Publication, SEEN_MAX};
pub use lot::{End, Lot};
pub use mark::{Mark, Marking, Tick, TriggerRef};

use crate::Future;
use bytes::Bytes;
use model::{Code, FunctionName, FunctionRef, InvocationId, Problem, Scope, Timestamp};

/// Longest text that says why an attempt failed, in bytes; the rest is cut.
pub const ERROR_BYTES_MAX: usize = 300;

/// What is put into the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The invocation, and so the message.
    pub id: InvocationId,
    /// Which function it is for.
    pub function: FunctionRef,
    /// The call. Sealed at rest.
    pub payload: Bytes,
    /// When it was accepted; if it may not run at once, from when it may. It ages from then on.
    pub queued: Timestamp,
    /// From when it may be leased.
    pub due: Timestamp,
    /// What stands for its key, if it has one: of the messages of one key of one function, one is
    /// given out after the other has come to its end, in the order in which they were accepted.
    pub order: Option<[u8; 16]>,
    /// What it is gathered with, if it is.
    pub lot: Option<Lot>,
}

/// How much one function may have in the queue, dead letters among it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Messages.
    pub messages: u64,
    /// Bytes of payloads as they were given.
    pub bytes: u64,
}

/// The right to settle a message, for as long as nobody leased it after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Claim {
    /// The message.
    pub id: InvocationId,
    /// Grows with every lease of the message.
    pub fence: u64,
}

/// Which messages a worker wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Want {
    /// The time: what is due after it stays.
    pub now: Timestamp,
    /// When the leases run out.
    pub until: Timestamp,
    /// Most messages; those that are given out together count as one.
    pub most: usize,
    /// Functions that have enough under way.
    pub skip: Vec<FunctionRef>,
}

/// A message in the hands of a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leased {
    /// What settles it.
    pub claim: Claim,
    /// The function.
    pub function: FunctionRef,
    /// The call.
    pub payload: Bytes,
    /// When it was accepted.
    pub queued: Timestamp,
    /// Which attempt this is, from 1. Attempts that a crash ended count.
    pub attempt: u32,
    /// What stands for its key, if it has one.
    pub order: Option<[u8; 16]>,
    /// The others of its lot, each with a lease of its own, in the order in which they were
    /// accepted. They have no others.
    pub rest: Vec<Self>,
}

/// What a worker got.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// Messages, the longest due of each function first, and the functions in turn.
    pub items: Vec<Leased>,
    /// When the next message is due, if one of a function that was not skipped is known to be.
    /// Never later than it is; a lease counts as due when it runs out.
    pub next: Option<Timestamp>,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// It is done; the message is gone.
    Done,
    /// It failed and is tried again.
    Retry {
        /// When.
        due: Timestamp,
        /// Why it failed.
        error: String,
    },
    /// It was not tried, and this attempt does not count.
    Release {
        /// When it may be leased again.
        due: Timestamp,
    },
    /// It failed for good and is kept as a dead letter.
    Dead {
        /// Why.
        error: String,
    },
}

/// Where a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// It waits for its time, or for a worker.
    Waiting,
    /// A worker has it.
    Leased,
    /// It is a dead letter.
    Dead,
}

/// What is known about a message without its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The message.
    pub id: InvocationId,
    /// The function.
    pub function: FunctionRef,
    /// Where it is.
    pub state: State,
    /// Attempts that were begun.
    pub attempts: u32,
    /// When it was accepted.
    pub queued: Timestamp,
    /// When it may be leased, or its lease runs out.
    pub due: Timestamp,
    /// Bytes of its payload.
    pub bytes: u64,
    /// Why the last attempt failed.
    pub error: Option<String>,
}

/// Which messages to list.
#[derive(Debug, Clone, Default)]
pub struct ListQuery {
    /// Where.
    pub scope: Scope,
    /// Of one function only.
    pub function: Option<FunctionName>,
    /// Dead letters only.
    pub dead: bool,
    /// After this one.
    pub after: Option<InvocationId>,
    /// Most to return.
    pub limit: usize,
}

/// How much of one function is in the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Depth {
    /// The function.
    pub function: FunctionRef,
    /// Messages that wait or are leased.
    pub waiting: u64,
    /// Dead letters.
    pub dead: u64,
    /// Bytes of payloads, of both.
    pub bytes: u64,
    /// When the message was accepted that has been there for the longest, dead letters apart.
    pub oldest: Option<Timestamp>,
}

/// Why the queue did not do what it was asked. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The function has as much in the queue as it may.
    #[error("{messages} messages of {bytes} bytes are in the queue")]
    Quota {
        /// Messages that are there.
        messages: u64,
        /// Bytes that are there.
        bytes: u64,
    },
    /// There is a message of this id.
    #[error("there is a message {0} already")]
    Exists(InvocationId),
    /// The disk has no room.
    #[error("no room")]
    Full,
    /// What is stored is not what was stored.
    #[error("the queue is damaged: {0}")]
    Damaged(String),
    /// The queue failed.
    #[error("the queue failed: {0}")]
    Failed(String),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Quota { .. } => Self::new(Code::QueueFull).detail(error),
            Error::Full => Self::new(Code::DiskFull),
            Error::Damaged(what) => Self::new(Code::QueueDamaged).internal(what),
            Error::Exists(_) | Error::Failed(_) => Self::new(Code::StoreFailed).internal(error),
        }
    }
}

/// The durable queue. Whatever returns `Ok` is on disk.
pub trait Queue: Send + Sync {
    /// Takes a message.
    ///
    /// # Errors
    /// [`Error::Quota`], [`Error::Exists`], or the queue failed.
    fn put(&self, message: Message, quota: Quota) -> Future<'_, Result<(), Error>>;

    /// Leases messages that are due. No function's backlog keeps the messages of another waiting.
    ///
    /// A message with a key is given only if none of its key and function is before it, dead letters
    /// apart.
    ///
    /// A message of a lot that was never tried is given with others of it that were not, up to as
    /// many as the lot says: those that may be leased, and those of a key that wait for nothing but
    /// messages that are given with them. It is first given when its own time has come and the lot's
    /// window is over, or as many wait as it takes.
    ///
    /// A message whose payload cannot be read back becomes a dead letter and is not given.
    ///
    /// # Errors
    /// The queue failed.
    fn lease(&self, want: Want) -> Future<'_, Result<Batch, Error>>;

    /// Makes a lease longer. `false` if it is not the message's last one.
    ///
    /// # Errors
    /// The queue failed.
    fn extend(&self, claim: Claim, until: Timestamp) -> Future<'_, Result<bool, Error>>;

    /// Ends a lease. `false` if it is not the message's last one; nothing was changed then.
    ///
    /// # Errors
    /// The queue failed.
    fn settle(&self, claim: Claim, how: Settled) -> Future<'_, Result<bool, Error>>;

    /// Ends a lease and puts the messages that come of it, all of it or nothing. `false` if it is
    /// not the message's last lease; nothing was changed then.
    ///
    /// # Errors
    /// As [`Queue::settle_all`].
    fn settle_with(
        &self,
        claim: Claim,
        how: Settled,
        then: Vec<Message>,
        quota: Quota,
    ) -> Future<'_, Result<bool, Error>> {
        Box::pin(async move {
            let ended = self.settle_all(vec![End { claim, how, then }], quota).await?;
            Ok(ended == [true])
        })
    }

    /// Ends leases, one after the other, and puts the messages that come of them, all of it or
    /// nothing. Says of each whether it was its message's last one; where it was not, nothing
    /// comes of it and the others are ended all the same.
    ///
    /// # Errors
    /// [`Error::Quota`], [`Error::Exists`], or the queue failed.
    fn settle_all(&self, ends: Vec<End>, quota: Quota) -> Future<'_, Result<Vec<bool>, Error>>;

    /// Finds a message.
    ///
    /// # Errors
    /// The queue failed.
    fn find<'a>(
        &'a self,
        scope: &'a Scope,
        id: InvocationId,
    ) -> Future<'a, Result<Option<Status>, Error>>;

    /// The payload of a message.
    ///
    /// # Errors
    /// [`Error::Damaged`] if it cannot be read back, or the queue failed.
    fn payload<'a>(
        &'a self,
        scope: &'a Scope,
        id: InvocationId,
    ) -> Future<'a, Result<Option<Bytes>, Error>>;

    /// Lists messages by id, and so by the time when they were accepted.
    ///
    /// # Errors
    /// The queue failed.
    fn list(&self, query: ListQuery) -> Future<'_, Result<Vec<Status>, Error>>;

    /// How much of each function is in the queue, by name; functions without any are left out.
    ///
    /// # Errors
    /// The queue failed.
    fn depth<'a>(&'a self, scope: &'a Scope) -> Future<'a, Result<Vec<Depth>, Error>>;

    /// Makes a dead letter an ordinary message again, with its attempts counted anew, and the last
    /// one of its key. `false` if there is no such dead letter.
    ///
    /// # Errors
    /// The queue failed.
    fn requeue<'a>(
        &'a self,
        scope: &'a Scope,
        id: InvocationId,
        due: Timestamp,
    ) -> Future<'a, Result<bool, Error>>;

    /// Removes dead letters: one, those of a function, or all. Says how many.
    ///
    /// # Errors
    /// The queue failed.
    fn purge<'a>(&'a self, scope: &'a Scope, which: Purge) -> Future<'a, Result<u64, Error>>;

    /// How far schedules were followed, of all scopes.
    ///
    /// # Errors
    /// The queue failed.
    fn marks(&self) -> Future<'_, Result<Vec<Mark>, Error>>;

    /// Changes a mark. `false` if there is none of this schedule.
    ///
    /// # Errors
    /// The queue failed.
    fn mark(&self, trigger: TriggerRef, how: Marking) -> Future<'_, Result<bool, Error>>;

    /// Marks a time as seen to and puts its message, both or nothing. `false`, and nothing is
    /// changed, if that time or a later one was seen to, or if the schedule is paused, gone or of
    /// another rhythm.
    ///
    /// # Errors
    /// [`Error::Quota`], or the queue failed.
    fn tick(&self, tick: Tick, quota: Quota) -> Future<'_, Result<bool, Error>>;

    /// Marks events as seen and puts the messages of those that were not seen before, all of it or
    /// nothing. Says of each event whether it was new.
    ///
    /// # Errors
    /// [`Error::Quota`], [`Error::Exists`], or the queue failed.
    fn publish(
        &self,
        publication: Publication,
        quota: Quota,
    ) -> Future<'_, Result<Vec<bool>, Error>>;

    /// Writes a consistent copy of the queue to a new file, while the node runs.
    ///
    /// # Errors
    /// The copy could not be made; there is no file then.
    fn backup(&self, file: std::path::PathBuf) -> Future<'_, Result<(), Error>>;
}

/// Which dead letters to remove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purge {
    /// One.
    One(InvocationId),
    /// A function's.
    Function(FunctionName),
    /// All of the scope.
    All,
}

/// As much of a text about a failed attempt as is kept.
#[must_use]
pub fn cut(mut error: String) -> String {
    if error.len() > ERROR_BYTES_MAX {
        let end = (0..=ERROR_BYTES_MAX).rev().find(|&at| error.is_char_boundary(at));
        error.truncate(end.unwrap_or(0));
    }
    error
}
