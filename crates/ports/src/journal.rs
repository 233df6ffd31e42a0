//! The flight recorder's storage.

use crate::Future;
use model::wire::AskedFor;
use model::wire::v1::{Caller, Entry, Level, LogLine, Outcome, Record, Start};
use model::{FunctionName, InvocationId, Scope, Timestamp};

/// Why the journal did not take or give an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The buffer is full, because the disk is full or too slow.
    #[error("the journal is full")]
    Full,
    /// The disk failed.
    #[error("the journal failed: {0}")]
    Failed(String),
    /// A query named a position that no page of this journal gave out.
    #[error("`{}` is no position of this list", .0.escape_debug())]
    Position(String),
    /// Stored bytes are damaged.
    #[error("the journal is damaged in {place}: {reason}")]
    Damaged {
        /// The segment and the offset.
        place: String,
        /// What does not fit.
        reason: String,
    },
}

/// Where an entry stands, to wait for its durability. Later marks of a stream are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(pub u64);

/// What sealing a segment anew came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resealed {
    /// Segments that were sealed anew.
    pub moved: u64,
    /// Segments that are damaged, or could not be written, and stay as they are.
    pub damaged: u64,
    /// Where to go on: a stream and a segment; nothing at the end.
    pub next: Option<(u16, u64)>,
}

/// Which records to list.
#[derive(Debug, Clone, Default)]
pub struct RecordQuery {
    /// Where.
    pub scope: Scope,
    /// Of one function only.
    pub function: Option<FunctionName>,
    /// With one outcome only.
    pub outcome: Option<Outcome>,
    /// That this caller caused.
    pub caller: Option<Caller>,
    /// Of this tree of calls only.
    pub root: Option<InvocationId>,
    /// That asked the host for this.
    pub asked: Option<AskedFor>,
    /// That began at this time or later.
    pub since: Option<Timestamp>,
    /// That ended at this time or later.
    pub ended_since: Option<Timestamp>,
    /// That ended before this position, as a page said in `next`.
    pub before: Option<String>,
    /// Most to return.
    pub limit: usize,
}

impl RecordQuery {
    /// Whether a record is one of these; where the page begins and ends is not looked at.
    #[must_use]
    pub fn fits(&self, record: &Record) -> bool {
        let start = &record.start;
        start.function.scope == self.scope
            && self.function.as_ref().is_none_or(|name| start.function.name == *name)
            && self.outcome.is_none_or(|outcome| record.outcome == outcome)
            && self.caller.as_ref().is_none_or(|caller| start.caller == *caller)
            && self.root.is_none_or(|root| start.root == root)
            && self.asked.as_ref().is_none_or(|asked| record.calls.iter().any(|it| asked.fits(it)))
            && self.since.is_none_or(|since| start.start_us >= since)
            && self.ended_since.is_none_or(|since| record.end_us >= since)
    }
}

/// Which log lines to list.
#[derive(Debug, Clone, Default)]
pub struct LogQuery {
    /// Where.
    pub scope: Scope,
    /// Of one function only.
    pub function: Option<FunctionName>,
    /// Of one invocation only.
    pub invocation: Option<InvocationId>,
    /// At this level or louder.
    pub level: Option<Level>,
    /// From this time on.
    pub since: Option<Timestamp>,
    /// After this position, as a page said in `next`; from the newest lines backwards if absent.
    pub after: Option<String>,
    /// Most to return.
    pub limit: usize,
}

/// A page, and where the next one begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// What was found: records newest first, log lines oldest first.
    pub items: Vec<T>,
    /// A position to go on from: for records `None` when nothing older is left; for log lines
    /// always the end of what was read, so that a reader can follow.
    pub next: Option<String>,
}

/// What is known about one invocation.
#[derive(Debug, Clone, PartialEq)]
pub enum Flight {
    /// It ended.
    Ended(Box<Record>),
    /// It runs, or ran when the node stopped and is not marked yet.
    Running(Box<Start>),
}

/// How the journal is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Bytes on disk.
    pub bytes: u64,
    /// Bytes that it may use.
    pub bytes_max: u64,
    /// The oldest entry.
    pub oldest: Option<Timestamp>,
    /// Free bytes on its file system.
    pub disk_free_bytes: u64,
    /// Entries that were dropped since the start, because the disk could not take them.
    pub dropped: u64,
    /// Whether it takes entries.
    pub state: State,
}

/// Whether the journal takes entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Yes.
    Taking,
    /// Yes, and the disk is nearly full.
    NearlyFull,
    /// Only control-plane acts, from its reserve.
    Refusing,
}

/// Appends and reads entries.
pub trait Journal: Send + Sync {
    /// Takes an entry into the bounded buffer. Never waits for the disk.
    ///
    /// A [`Entry::Start`] may be held back until the next flush and left out altogether if its
    /// end comes first, since the end holds all that it says.
    ///
    /// # Errors
    /// [`Error::Full`] if the buffer or the disk has no room.
    fn append(&self, entry: Entry) -> Result<Mark, Error>;

    /// Waits until the entry with this mark, and all before it, are on disk.
    fn durable(&self, mark: Mark) -> Future<'_, Result<(), Error>>;

    /// Lists finished records, newest first.
    fn records(&self, query: RecordQuery) -> Future<'_, Result<Page<Record>, Error>>;

    /// Finds one invocation.
    fn flight<'a>(
        &'a self,
        scope: &'a Scope,
        id: InvocationId,
    ) -> Future<'a, Result<Option<Flight>, Error>>;

    /// Lists log lines.
    fn logs(&self, query: LogQuery) -> Future<'_, Result<Page<LogLine>, Error>>;

    /// How it is.
    fn health(&self) -> Health;

    /// Reads all that is stored, and names what is damaged, missing or in another's place. Takes as
    /// long as reading it takes.
    fn check(&self) -> Future<'_, Vec<Error>> {
        Box::pin(std::future::ready(Vec::new()))
    }

    /// Seals one segment behind `after`, a stream and a segment, anew that is sealed with an older
    /// epoch of the root key than the newest. Before the first, what is written to is ended if it is
    /// sealed with an older one.
    fn rewrap(&self, after: Option<(u16, u64)>) -> Future<'_, Result<Resealed, Error>> {
        let _nothing_is_sealed = after;
        Box::pin(std::future::ready(Ok(Resealed::default())))
    }

    /// Gives back what is held in reserve for control-plane acts, because the disk has no room
    /// for one elsewhere. Says whether that made room; until the reserve stands again, tenants
    /// are refused, so that they cannot take it.
    fn make_room(&self) -> bool {
        false
    }

    /// Writes out what is buffered and stops the writer. Later appends fail.
    fn close(&self) -> Future<'_, Result<(), Error>>;
}
