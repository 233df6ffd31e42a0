//! The access log: one line of JSON for each request, written by a thread of its own.
//!
//! A request costs its worker one message. When the thread cannot follow, lines are dropped and
//! counted, and the log says how many.
//!
//! Invariant: a line holds no query, no body, and of all fields only host and user agent, so no
//! credential.

mod entry;
mod line;
mod writer;

pub(crate) use entry::Entry;

use model::Timestamp;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

/// Requests that may wait to be written.
const WAITING_MAX: usize = 8_192;

/// Where lines go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// Standard error.
    Stderr,
    /// The end of this file, which is made if it is not there, for its owner to read and write
    /// and its group to read.
    File(PathBuf),
}

/// Gives the time of day.
pub type WallClock = Box<dyn Fn() -> Timestamp + Send + Sync>;

/// A log that is open. Dropping it writes what waits, and ends its thread.
pub struct AccessLog {
    /// Present until this is dropped.
    sender: Option<SyncSender<Box<Entry>>>,
    shared: Arc<Shared>,
    clock: WallClock,
    writer: Option<JoinHandle<()>>,
}

/// What both threads know.
#[derive(Debug, Default)]
struct Shared {
    dropped: AtomicU64,
    reopen: AtomicBool,
}

impl AccessLog {
    /// Opens a log.
    ///
    /// # Errors
    /// If the file cannot be opened, or the thread cannot be started.
    pub fn open(destination: Destination, clock: WallClock) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let output = writer::Output::open(destination)?;
        let (sender, entries) = sync_channel(WAITING_MAX);
        let writer = std::thread::Builder::new().name("access-log".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || writer::run(output, &entries, &shared)
        })?;
        Ok(Self { sender: Some(sender), shared, clock, writer: Some(writer) })
    }

    /// Has the file opened anew before the next line is written, after it was moved away.
    pub fn reopen(&self) {
        self.shared.reopen.store(true, Ordering::Release);
    }

    /// Lines that were dropped and not said yet.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    pub(crate) fn write(&self, entry: Box<Entry>) {
        let sent = self.sender.as_ref().map(|sender| sender.try_send(entry));
        if !matches!(sent, Some(Ok(()))) {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for AccessLog {
    fn drop(&mut self) {
        drop(self.sender.take());
        if let Some(writer) = self.writer.take() {
            // A thread that panicked has said so already.
            let _ = writer.join();
        }
    }
}
