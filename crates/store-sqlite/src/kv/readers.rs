//! Threads that read: each has connections of its own, which cannot write.
//!
//! Invariant: what is read comes from one moment of the file.

use super::shown::Shown;
use super::stop::{Stop, of_store};
use super::work;
use crate::store::connect;
use model::{Labelled, Labels};
use parking_lot::{Condvar, Mutex};
use ports::keyvalue::{BATCH_BYTES_MAX, Error, Reply, too_much_to_read};
use rusqlite::{Connection, params};
use std::collections::{HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Threads, at most. They are mostly for the processor: what is read often is in memory.
const THREADS_MAX: usize = 8;
/// Files that a thread keeps open.
const FILES_MAX: usize = 64;

type Job = Box<dyn FnOnce(&mut Open) + Send>;

/// The threads, and what waits for them.
pub(super) struct Readers {
    queue: Arc<Queue>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    wake: Condvar,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    stop: bool,
}

/// Connections of one thread, by file.
#[derive(Default)]
struct Open(HashMap<Arc<Path>, Connection>);

impl Open {
    fn read<T>(
        &mut self,
        path: &Arc<Path>,
        work: impl FnOnce(&Connection) -> Result<T, Stop>,
    ) -> Result<T, Error> {
        if !self.0.contains_key(path) {
            let connection = connect::reader(path).map_err(|error| of_store(&error))?;
            if self.0.len() >= FILES_MAX {
                self.0.clear();
            }
            self.0.insert(Arc::clone(path), connection);
        }
        let gone = || Error::Failed("a connection is gone".to_owned());
        let done = work(self.0.get(path).ok_or_else(gone)?);
        if matches!(done, Err(Stop::Fatal(_))) {
            // Closed, in case the failure is its own.
            self.0.remove(path);
        }
        done.map_err(Stop::error)
    }
}

impl Readers {
    pub(super) fn start() -> std::io::Result<Self> {
        let queue = Arc::<Queue>::default();
        let count = std::thread::available_parallelism().map_or(2, usize::from);
        let spawn = |number| {
            let queue = Arc::clone(&queue);
            let name = format!("kv-reader-{number}");
            std::thread::Builder::new().name(name).spawn(move || queue.run())
        };
        let threads = (0..count.clamp(2, THREADS_MAX)).map(spawn).collect::<Result<_, _>>()?;
        Ok(Self { queue, threads })
    }

    /// Runs `work` on one of the threads, with a connection to the file at `path`.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        path: Arc<Path>,
        work: impl FnOnce(&Connection) -> Result<T, Stop> + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, wait) = oneshot::channel();
        let job: Job = Box::new(move |open| {
            // Nobody reads any more for who went away.
            if !answer.is_closed() {
                let _ = answer.send(open.read(&path, work));
            }
        });
        self.queue.waiting.lock().jobs.push_back(job);
        self.queue.wake.notify_one();
        wait.await.map_err(|_| Error::Failed("a reader ended early".to_owned()))?
    }
}

impl Queue {
    fn run(&self) {
        let mut open = Open::default();
        loop {
            let job = {
                let mut waiting = self.waiting.lock();
                self.wake.wait_while(&mut waiting, |it| it.jobs.is_empty() && !it.stop);
                waiting.jobs.pop_front()
            };
            let Some(job) = job else { return };
            if std::panic::catch_unwind(AssertUnwindSafe(|| job(&mut open))).is_err() {
                tracing::error!("a read of a key-value store panicked");
                open = Open::default();
            }
        }
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.queue.waiting.lock().stop = true;
        self.queue.wake.notify_all();
        for thread in self.threads.drain(..) {
            // Every job is caught, so the thread cannot have panicked.
            let _ = thread.join();
        }
    }
}

/// Reads several keys.
pub(super) fn get(
    connection: &Connection,
    shown: &Shown,
    keys: &[String],
) -> Result<Labelled<Reply>, Stop> {
    let floor = shown.floor();
    let moment = match keys {
        [_] => None,
        _ => Some(connection.unchecked_transaction()?),
    };
    let mut cells = Vec::with_capacity(keys.len());
    let mut labels = Labels::NONE;
    let mut bytes = 0;
    for key in keys {
        let cell = work::cell(connection, (shown, floor), key)?.map(|it| {
            labels.join(&it.labels);
            it.value
        });
        bytes += cell.as_ref().map_or(0, |cell| cell.value.len());
        if bytes > BATCH_BYTES_MAX {
            return Err(Stop::Refused(too_much_to_read()));
        }
        cells.push(cell);
    }
    if let Some(moment) = moment {
        moment.finish()?;
    }
    Ok(Labelled { value: Reply::Cells(cells), labels })
}

/// Whether a key is there.
pub(super) fn exists(connection: &Connection, shown: &Shown, key: &str) -> Result<bool, Stop> {
    let mut statement =
        connection.prepare_cached("SELECT 1 FROM cell WHERE store = ?1 AND key = ?2")?;
    Ok(statement.exists(params![shown.id.cast_signed(), key.as_bytes()])?)
}

/// Reads at most `limit` keys from `from` up to `end`.
pub(super) fn list(
    connection: &Connection,
    shown: &Shown,
    (from, end): (&[u8], Option<&[u8]>),
    limit: usize,
) -> Result<Reply, Stop> {
    let mut statement = connection.prepare_cached(match end {
        Some(_) => {
            "SELECT key FROM cell WHERE store = ?1 AND key >= ?2 AND key < ?3
             ORDER BY key LIMIT ?4"
        }
        None => {
            "SELECT key FROM cell WHERE store = ?1 AND key >= ?2 AND ?3 IS NULL
             ORDER BY key LIMIT ?4"
        }
    })?;
    let most = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let rows = statement.query_map(params![shown.id.cast_signed(), from, end, most], |row| {
        row.get::<_, Vec<u8>>(0)
    })?;
    let mut keys = Vec::new();
    for key in rows {
        let key = String::from_utf8(key?);
        keys.push(key.map_err(|_| Stop::damaged(format!("{}: a key is no text", shown.what)))?);
    }
    let more = keys.len() > limit;
    keys.truncate(limit);
    Ok(Reply::Keys { keys, more })
}
