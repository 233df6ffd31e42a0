//! The asynchronous side of one tenant's stores: hands work to threads and waits for it.

use super::Anchors;
use super::check::Wanted;
use super::file::Source;
use super::readers::{self, Readers};
use super::rewrap::{Step, Walk};
use super::shown::{Board, Name, Shown};
use super::writer::{Job, What, Write, Writer};
use model::Labelled;
use ports::keyvalue::{Ask, Error, Reply, page_end};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::{Semaphore, mpsc, oneshot};

/// Asks that wait for a writer; further ones wait before they queue.
const QUEUE_MAX: usize = 1_024;
/// What an ask takes of memory beside its keys and values, in bytes.
const ASK_BYTES: usize = 256;

/// One tenant.
pub(super) struct Tenant {
    pub(super) source: Arc<Source>,
    pub(super) board: Arc<Board>,
    jobs: mpsc::Sender<Job>,
    writer: std::thread::JoinHandle<()>,
}

impl Tenant {
    pub(super) fn start(source: Source, anchors: Arc<dyn Anchors>) -> std::io::Result<Self> {
        let (jobs, queue) = mpsc::channel(QUEUE_MAX);
        let source = Arc::new(source);
        let writer = Writer::new(Arc::clone(&source), anchors);
        let writer = std::thread::Builder::new()
            .name(format!("kv-{}", source.tenant).chars().take(15).collect())
            .spawn(move || writer.run(queue))?;
        let board = Arc::clone(&source.board);
        Ok(Self { source, board, jobs, writer })
    }

    /// Does what waits, and closes the file.
    pub(super) fn close(self) {
        drop(self.jobs);
        // Every job is caught, so the thread cannot have panicked.
        let _ = self.writer.join();
    }

    /// Opens the file if it is not open.
    pub(super) async fn open(&self) -> Result<(), Error> {
        if self.board.opened.load(Ordering::Acquire) {
            return Ok(());
        }
        self.job(Job::Open).await
    }

    /// Has something changed.
    pub(super) async fn write(
        &self,
        name: Name,
        what: What,
        memory: &Arc<Semaphore>,
    ) -> Result<Labelled<Reply>, Error> {
        let bytes = match &what {
            What::Ask(ask, ..) => ask.bytes() + ASK_BYTES,
            What::Remove => ASK_BYTES,
        };
        let permits = u32::try_from(bytes).unwrap_or(u32::MAX);
        let held = Arc::clone(memory).acquire_many_owned(permits).await.ok();
        self.job(|answer| Job::Write(Write { name, what, answer, _held: held })).await
    }

    /// Does an ask that changes nothing.
    pub(super) async fn read(
        &self,
        name: Name,
        ask: Ask,
        readers: &Readers,
    ) -> Result<Labelled<Reply>, Error> {
        self.open().await?;
        let path = Arc::clone(&self.source.path);
        let Some(shown) = self.board.store(&name) else {
            return Ok(Labelled::plain(nothing(&ask)));
        };
        match ask {
            Ask::Get { keys } => {
                self.check_keys(&name, &shown, &keys).await?;
                let read = move |connection: &_| readers::get(connection, &shown, &keys);
                readers.read(path, read).await
            }
            Ask::Exists { key } => {
                self.check_keys(&name, &shown, std::slice::from_ref(&key)).await?;
                let read = move |connection: &_| readers::exists(connection, &shown, &key);
                let found = readers.read(path, read).await?;
                Ok(Labelled::plain(Reply::Found(found)))
            }
            Ask::List { prefix, after, limit } => {
                let from = first_after(&prefix, after);
                let range = (from, page_end(&prefix));
                self.list(&name, &shown, range, limit, readers).await.map(Labelled::plain)
            }
            Ask::Open | Ask::Write { .. } | Ask::Add { .. } | Ask::Swap { .. } => {
                Ok(Labelled::plain(Reply::Done))
            }
        }
    }

    async fn check_keys(&self, name: &Name, shown: &Shown, keys: &[String]) -> Result<(), Error> {
        let known = |checked: &super::span::Spans, key: &String| checked.has(key.as_bytes());
        let unknown: Vec<String> = {
            let checked = shown.checked.read();
            keys.iter().filter(|key| !known(&checked, key)).cloned().collect()
        };
        if unknown.is_empty() {
            return Ok(());
        }
        self.job(|answer| Job::Check(name.clone(), Wanted::Keys(unknown), answer)).await
    }

    /// Reads a page, and gives it out when all that it spans was checked.
    async fn list(
        &self,
        name: &Name,
        shown: &Arc<Shown>,
        (from, end): (Vec<u8>, Option<Vec<u8>>),
        limit: usize,
        readers: &Readers,
    ) -> Result<Reply, Error> {
        loop {
            let reply = {
                let (shown, from, end) = (Arc::clone(shown), from.clone(), end.clone());
                let read = move |connection: &_| {
                    readers::list(connection, &shown, (&from, end.as_deref()), limit)
                };
                readers.read(Arc::clone(&self.source.path), read).await?
            };
            let last = match &reply {
                Reply::Keys { keys, more: true } => keys.last().map(|key| after_key(key)),
                _ => end.clone(),
            };
            if shown.checked.read().covers(&from, last.as_deref()) {
                return Ok(reply);
            }
            let cells = limit as u64 + 1;
            let wanted = Wanted::Run { from: from.clone(), end: end.clone(), cells };
            self.job(|answer| Job::Check(name.clone(), wanted, answer)).await?;
        }
    }

    /// Checks everything of a store. Says what is wrong with it.
    pub(super) async fn audit(&self, name: &Name) -> Result<Vec<String>, Error> {
        let mut found = Vec::new();
        let mut next = Some(Vec::new());
        while let Some(start) = next {
            let name = name.clone();
            next = match self.job(|answer| Job::Audit(name, start, answer)).await {
                Ok(end) => end,
                Err(Error::Damaged(what)) => {
                    found.push(what);
                    None
                }
                Err(error) => return Err(error),
            };
        }
        Ok(found)
    }

    /// Seals some of what is there anew with the newest epoch.
    pub(super) async fn rewrap(&self, walk: Walk) -> Result<Step, Error> {
        self.job(|answer| Job::Rewrap(walk, answer)).await
    }

    async fn job<T>(
        &self,
        job: impl FnOnce(oneshot::Sender<Result<T, Error>>) -> Job,
    ) -> Result<T, Error> {
        let closed = || Error::Failed("the stores are closed".to_owned());
        let (answer, wait) = oneshot::channel();
        self.jobs.send(job(answer)).await.map_err(|_| closed())?;
        wait.await.map_err(|_| closed())?
    }
}

/// What a store says that nothing was written to.
fn nothing(ask: &Ask) -> Reply {
    match ask {
        Ask::Get { keys } => Reply::Cells(vec![None; keys.len()]),
        Ask::List { .. } => Reply::Keys { keys: Vec::new(), more: false },
        _ => Reply::Found(false),
    }
}

/// The first key that can be in a page.
fn first_after(prefix: &str, after: Option<String>) -> Vec<u8> {
    match after {
        Some(after) if after.as_str() >= prefix => after_key(&after),
        _ => prefix.as_bytes().to_vec(),
    }
}

/// The next key in the order of bytes.
fn after_key(key: &str) -> Vec<u8> {
    let mut next = key.as_bytes().to_vec();
    next.push(0);
    next
}
