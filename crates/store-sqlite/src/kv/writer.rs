//! A tenant's writer: one thread that alone writes to its file.
//!
//! Asks that wait are done as one group, in one transaction with one sync, so that many writers
//! cost the disk little more than one.
//!
//! Invariant: an ask is answered after its group is durable. When a transaction fails, all that
//! was known of the file is forgotten and read again, so that memory is never ahead of the disk.

use super::file::{File, Source};
use super::rewrap::{self, Step, Walk};
use super::shown::Name;
use super::stop::{Stop, of_store};
use super::{Anchors, check, work};
use model::{Labelled, Labels};
use ports::keyvalue::{Ask, Error, Reply};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

/// Most asks of a group.
const GROUP_ASKS_MAX: usize = 512;
/// A group that has as many keys, or bytes, takes no further ask.
const GROUP_KEYS: usize = 4_096;
const GROUP_BYTES: usize = 8 << 20;
/// Cells of a removed store that go at a time.
const DOOMED_CELLS: u32 = 500;

/// A change that somebody waits for.
pub(super) struct Write {
    pub(super) name: Name,
    pub(super) what: What,
    pub(super) answer: oneshot::Sender<Result<Labelled<Reply>, Error>>,
    /// The memory that it takes while it waits.
    pub(super) _held: Option<OwnedSemaphorePermit>,
}

/// What is to be changed.
pub(super) enum What {
    /// By an ask, with what it is known to contain, and the store's quota.
    Ask(Ask, Labels, u64),
    /// The store is removed. Answered by [`Reply::Found`].
    Remove,
}

/// What a writer is asked for.
pub(super) enum Job {
    /// Opens the file, if there is one, and shows its stores.
    Open(oneshot::Sender<Result<(), Error>>),
    Write(Write),
    /// Checks what was not checked since the file was opened.
    Check(Name, check::Wanted, oneshot::Sender<Result<(), Error>>),
    /// Checks a leaf with all its values, whatever was checked before. Says where it ends.
    Audit(Name, Vec<u8>, oneshot::Sender<Result<Option<Vec<u8>>, Error>>),
    /// Seals some of what is there anew. It says the same as before.
    Rewrap(Walk, oneshot::Sender<Result<Step, Error>>),
}

impl What {
    fn keys(&self) -> usize {
        match self {
            Self::Ask(Ask::Write { changes }, ..) => changes.len(),
            Self::Ask(..) | Self::Remove => 1,
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Ask(ask, ..) => ask.bytes(),
            Self::Remove => 0,
        }
    }
}

/// The thread's own.
pub(super) struct Writer {
    source: Arc<Source>,
    anchors: Arc<dyn Anchors>,
    /// What the anchor says, once it was read.
    anchor: Option<u64>,
    file: Option<File>,
}

impl Writer {
    pub(super) fn new(source: Arc<Source>, anchors: Arc<dyn Anchors>) -> Self {
        Self { source, anchors, anchor: None, file: None }
    }

    /// Works until nobody can ask any more.
    pub(super) fn run(mut self, mut queue: mpsc::Receiver<Job>) {
        loop {
            let next = match self.is_tidy() {
                true => queue.blocking_recv(),
                // Nobody waits for what is tidied up, so whoever asks goes first.
                false => match queue.try_recv() {
                    Err(mpsc::error::TryRecvError::Disconnected) => None,
                    Err(mpsc::error::TryRecvError::Empty) => {
                        self.tidy();
                        continue;
                    }
                    Ok(job) => Some(job),
                },
            };
            let Some(job) = next else { return };
            self.serve(job, &mut queue);
        }
    }

    /// Does a job, and with it all changes that wait behind it.
    fn serve(&mut self, first: Job, queue: &mut mpsc::Receiver<Job>) {
        let mut group = Vec::new();
        let (mut keys, mut bytes) = (0, 0);
        let mut next = Some(first);
        while let Some(job) = next {
            match job {
                Job::Write(write) => {
                    keys += write.what.keys();
                    bytes += write.what.bytes();
                    group.push(write);
                }
                other => self.look(other),
            }
            let full = group.len() >= GROUP_ASKS_MAX || keys >= GROUP_KEYS || bytes >= GROUP_BYTES;
            next = if full { None } else { queue.try_recv().ok() };
        }
        if !group.is_empty() {
            self.write(group);
        }
    }

    /// Does what changes nothing that anybody sees.
    fn look(&mut self, job: Job) {
        // Whoever asked may be gone; nobody else wants the answer.
        match job {
            Job::Open(answer) => {
                let opened = self.guarded(|writer| writer.file(false).map(drop));
                let _ = answer.send(opened.map_err(Stop::error));
            }
            Job::Check(name, wanted, answer) => {
                let done = self.guarded(|writer| match writer.file(false)? {
                    Some(file) => check::check(&file.connection, &mut file.state, &name, &wanted),
                    None => Ok(()),
                });
                let _ = answer.send(done.map_err(Stop::error));
            }
            Job::Audit(name, start, answer) => {
                let done = self.guarded(|writer| match writer.file(false)? {
                    Some(file) => check::audit(&file.connection, &mut file.state, &name, &start),
                    None => Ok(None),
                });
                let _ = answer.send(done.map_err(Stop::error));
            }
            Job::Rewrap(walk, answer) => {
                let done = self.guarded(|writer| writer.rewrap(walk));
                let _ = answer.send(done.map_err(Stop::error));
            }
            Job::Write(_) => {}
        }
    }

    fn rewrap(&mut self, walk: Walk) -> Result<Step, Stop> {
        let Some(file) = self.file(false)? else {
            return Ok(Step { whole: true, ..Step::default() });
        };
        file.begin()?;
        let done = rewrap::step(file, walk).and_then(|step| file.commit().map(|()| step));
        // A transaction is open, and nothing of it may stay.
        done.map_err(|stop| Stop::Fatal(stop.error()))
    }

    /// Does a group. If it fails as a whole, each ask is tried by itself, so that one that finds no
    /// room, or a page that cannot be read, is in nobody else's way.
    pub(super) fn write(&mut self, group: Vec<Write>) {
        let all: Vec<&Write> = group.iter().collect();
        let answers = match self.guarded(|writer| writer.attempt(&all)) {
            Ok(answers) => answers,
            Err(stop) if group.len() == 1 => vec![Err(stop.error())],
            Err(_) => {
                let alone = |write| match self.guarded(|writer| writer.attempt(&[write])) {
                    Ok(mut answers) => answers.pop().unwrap_or_else(|| Err(panicked().error())),
                    Err(stop) => Err(stop.error()),
                };
                group.iter().map(alone).collect()
            }
        };
        for (write, answer) in group.into_iter().zip(answers) {
            // It is done whether or not somebody still waits for it.
            let _ = write.answer.send(answer);
        }
    }

    fn attempt(&mut self, group: &[&Write]) -> Result<Vec<Result<Labelled<Reply>, Error>>, Stop> {
        let Some(file) = self.file(true)? else {
            return Err(Stop::Fatal(Error::Failed("the file was not made".to_owned())));
        };
        file.begin()?;
        let mut answers = Vec::with_capacity(group.len());
        for write in group {
            let (connection, state) = (&file.connection, &mut file.state);
            let done = match &write.what {
                What::Ask(ask, labels, bytes_max) => {
                    work::ask(connection, state, &write.name, (ask, labels), *bytes_max)
                }
                What::Remove => {
                    let found = state.unmake(connection, &write.name).map(Reply::Found);
                    found.map(Labelled::plain)
                }
            };
            answers.push(match done {
                Ok(reply) => Ok(reply),
                Err(Stop::Refused(error)) => Err(error),
                Err(fatal) => return Err(fatal),
            });
        }
        file.commit()?;
        Ok(answers)
    }

    /// The open file. There is none if it does not exist and is not to be made.
    pub(super) fn file(&mut self, make: bool) -> Result<Option<&mut File>, Stop> {
        let board = &self.source.board;
        if self.file.is_none() {
            let anchor = match self.anchor {
                Some(anchor) => anchor,
                None => {
                    let anchor = self.anchors.load(&self.source.tenant);
                    anchor.map_err(|error| Stop::Refused(of_store(&error)))?.unwrap_or(0)
                }
            };
            self.anchor = Some(anchor);
            let at_least = anchor.max(board.counter.load(Ordering::Acquire));
            self.file = File::open(&self.source, make, at_least)?;
            if let Some(file) = &self.file {
                file.state.show_all();
            }
            // If there is no file, nobody but this thread will make one.
            board.opened.store(true, Ordering::Release);
        }
        Ok(self.file.as_mut())
    }

    /// Runs `work`; forgets the file if it failed in a way that may have left it half done.
    fn guarded<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, Stop>) -> Result<T, Stop> {
        let run = std::panic::catch_unwind(AssertUnwindSafe(|| work(self)));
        let done = run.unwrap_or_else(|_| {
            tracing::error!(tenant = %self.source.tenant, "work on key-value stores panicked");
            Err(panicked())
        });
        if let Err(Stop::Fatal(error)) = &done {
            tracing::warn!(tenant = %self.source.tenant, %error, "a key-value transaction failed");
            self.source.board.opened.store(false, Ordering::Release);
            // Closing rolls back.
            self.file = None;
        }
        done
    }

    fn is_tidy(&self) -> bool {
        self.file.as_ref().is_none_or(|file| file.state.doomed.is_empty())
    }

    /// Removes some cells of a store that is gone.
    fn tidy(&mut self) {
        let done = self.guarded(|writer| {
            let Some(file) = &mut writer.file else { return Ok(()) };
            let Some(id) = file.state.doomed.last().copied() else { return Ok(()) };
            // A list that somebody else wrote does not remove what lives.
            let lives = file.state.stores.values().any(|held| held.shown.id == id);
            let gone = if lives {
                0
            } else {
                let sql = "DELETE FROM cell WHERE store = ?1 AND key IN
                    (SELECT key FROM cell WHERE store = ?1 LIMIT ?2)";
                let mut statement = file.connection.prepare_cached(sql)?;
                statement.execute(rusqlite::params![id.cast_signed(), DOOMED_CELLS])?
            };
            if gone == 0 {
                let sql = "DELETE FROM doomed WHERE store = ?1";
                file.connection.execute(sql, [id.cast_signed()])?;
                file.state.doomed.pop();
            }
            Ok(())
        });
        if done.is_err() {
            // Tried again when the file is opened again, which the next ask does.
            tracing::debug!(tenant = %self.source.tenant, "a removed store still takes room");
        }
    }
}

fn panicked() -> Stop {
    Stop::Fatal(Error::Failed("an error of the platform".to_owned()))
}
