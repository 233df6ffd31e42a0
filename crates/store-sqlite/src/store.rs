//! `registry.db`: one writer thread, a few readers, and the handle to both.
//!
//! Callers are asynchronous and never wait for the disk on their own thread: writes go to the
//! writer one after the other, reads run on blocking threads with connections of their own.
//!
//! Invariant: only the writer thread writes, and each write is one transaction.

use crate::Error;
use aws_lc_rs::digest;
use model::Digest;
use parking_lot::Mutex;
use ports::ledger::Notary;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::{Semaphore, mpsc, oneshot};

mod anchor;
mod apply;
mod beside;
mod commit;
pub(crate) mod connect;
pub(crate) mod copy;
mod idempotency;
mod ledger;
mod meta;
pub(crate) mod migrate;
mod query;
mod text;
mod view;

#[cfg(test)]
mod tests;

pub use anchor::BlobAnchors;
pub(crate) use meta::beginning;

/// The registry's file in the home.
pub const FILE: &str = "registry.db";
/// Where copies lie that are made before a migration, in the home.
pub const BACKUPS: &str = "backups";

/// Reads that run at a time, each on a connection of its own.
const READERS_MAX: usize = 4;
/// Writes that wait at a time; further callers wait before they queue.
const QUEUE_MAX: usize = 64;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// The registry and its ledger in one SQLite file. Clones are handles to the same store.
///
/// When the last handle is dropped, what was queued is written and the file is closed.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    file: PathBuf,
    notary: Arc<dyn Notary>,
    jobs: Option<mpsc::Sender<Job>>,
    writer: Option<std::thread::JoinHandle<()>>,
    idle: Mutex<Vec<Connection>>,
    readers: Arc<Semaphore>,
}

impl Store {
    /// Opens the registry in the home `dir`, makes it if there is none, and brings it up to date.
    ///
    /// Blocks. Before an existing file is migrated, a copy of it is made in `backups/`.
    ///
    /// # Errors
    /// [`Error::SchemaNewer`], [`Error::Migration`], [`Error::Corrupt`], [`Error::Full`] or
    /// [`Error::Io`]; in each case the file is as it was before.
    pub fn open(dir: &Path, notary: Arc<dyn Notary>) -> Result<Self, Error> {
        Self::open_with(dir, notary, migrate::STEPS)
    }

    fn open_with(
        dir: &Path,
        notary: Arc<dyn Notary>,
        steps: &[migrate::Step],
    ) -> Result<Self, Error> {
        let file = dir.join(FILE);
        let connection = connect::writer(&file, &dir.join(BACKUPS), &connect::registry(steps))?;
        let (jobs, queue) = mpsc::channel(QUEUE_MAX);
        let writer = std::thread::Builder::new()
            .name("registry-writer".to_owned())
            .spawn(move || write_all(connection, queue))
            .map_err(|error| Error::io(&file, error))?;
        let inner = Inner {
            file,
            notary,
            jobs: Some(jobs),
            writer: Some(writer),
            idle: Mutex::default(),
            readers: Arc::new(Semaphore::new(READERS_MAX)),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Checks the file's structure. Empty if all is well; otherwise what SQLite found.
    ///
    /// # Errors
    /// [`Error`] if the check itself could not run.
    pub async fn check(&self) -> Result<Vec<String>, Error> {
        self.read(|connection| {
            let mut statement = connection.prepare("PRAGMA integrity_check(20)")?;
            let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
            let mut found: Vec<String> = rows.collect::<Result<_, _>>()?;
            found.retain(|line| line != "ok");
            Ok(found)
        })
        .await
    }

    /// Runs `work` on the writer thread. If the caller goes away, the work is still done.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, wait) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            // Nobody waits any more if the caller went away; the work counts all the same.
            let _ = answer.send(work(connection));
        });
        let jobs = self.inner.jobs.as_ref().ok_or(Error::Closed)?;
        jobs.send(job).await.map_err(|_| Error::Closed)?;
        wait.await.map_err(|_| Error::Closed)?
    }

    /// Runs `work` on a blocking thread with a connection that cannot write.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let permit = self.inner.readers.clone().acquire_owned().await.map_err(|_| Error::Closed)?;
        let inner = self.inner.clone();
        let run = move || {
            let _permit = permit;
            let idle = inner.idle.lock().pop();
            let connection = match idle {
                Some(connection) => connection,
                None => connect::reader(&inner.file)?,
            };
            let result = work(&connection);
            // A connection that failed is closed, in case the failure is its own.
            if result.is_ok() {
                inner.idle.lock().push(connection);
            }
            result
        };
        tokio::task::spawn_blocking(run).await.map_err(|_| Error::Closed)?
    }
}

fn write_all(mut connection: Connection, mut queue: mpsc::Receiver<Job>) {
    while let Some(job) = queue.blocking_recv() {
        let run = std::panic::AssertUnwindSafe(|| job(&mut connection));
        // A panic ends its own job only: its transaction was rolled back while unwinding, and
        // its caller sees the answer's channel closed.
        if std::panic::catch_unwind(run).is_err() {
            tracing::error!("a write to the registry panicked and was rolled back");
        }
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

/// SHA-256, as the rules in [`model::plan`] want it.
pub(crate) fn sha256(bytes: &[u8]) -> Digest {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    Digest(out)
}
