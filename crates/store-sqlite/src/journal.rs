//! The flight recorder, as append-only segment files.
//!
//! Each tenant has a stream of its own, and so have control-plane acts and boots; a stream is a
//! directory of segments, a segment a header and blocks, a block one group of entries that was
//! written at once. The bytes are sealed with the stream's key and bound to the place
//! where they lie. An append encodes and copies into memory; one thread writes, and another syncs.
//!
//! Invariant: an entry whose mark was awaited with success is read again after any crash, and an
//! invocation that was open then has exactly one end.
//! Invariant: what tenants write can neither evict nor crowd out control-plane acts.

mod block;
mod config;
mod core;
mod disk;
mod epochs;
mod facts;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod index;
mod pen;
mod position;
mod progress;
mod read;
mod recovery;
mod rewrap;
mod ring;
mod running;
mod scan;
mod segment;
mod shelf;
mod signal;
mod space;
mod stream;
mod syncer;
mod verify;
mod writer;

#[cfg(test)]
mod tests;

pub use config::Config;
pub(crate) use epochs::epochs;
pub use recovery::Recovery;
pub use space::give_back_reserve;

use self::core::Core;
use disk::Disk;
use disk::real::RealDisk;
use facts::Summary;
use model::wire::v1::{Entry, LogLine, Record};
use model::{BootId, InvocationId, Scope, Timestamp};
use parking_lot::Mutex;
use ports::journal::{Error, Flight, Health, Journal, LogQuery, Mark, Page, RecordQuery, Resealed};
use ports::{Clock, Future, KeyRing};
use space::Reserve;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use stream::{Limits, Stream};
use tokio::sync::watch;
use writer::Writer;

/// Where the stream's number stands in a mark; below it is the entry's.
const STREAM_SHIFT: u32 = 48;

/// The journal in a directory.
pub struct SegmentJournal {
    core: Arc<Core>,
    recovery: Recovery,
    reserve: Arc<Mutex<Reserve>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    stopped: watch::Receiver<bool>,
}

impl SegmentJournal {
    /// Opens the journal: recovers what is there, marks interrupted invocations, writes a boot
    /// entry and starts the writer. Blocks for as long as that takes.
    ///
    /// A full disk does not hinder it: then the journal begins by refusing.
    ///
    /// # Errors
    /// [`Error::Failed`] if the directory cannot be read or written, or a key is missing.
    pub fn open(
        config: Config,
        keyring: Arc<dyn KeyRing>,
        clock: Arc<dyn Clock>,
        boot: BootId,
    ) -> Result<Self, Error> {
        Self::open_on(Arc::new(RealDisk), config, keyring, clock, boot)
    }

    fn open_on(
        disk: Arc<dyn Disk>,
        config: Config,
        keyring: Arc<dyn KeyRing>,
        clock: Arc<dyn Clock>,
        boot: BootId,
    ) -> Result<Self, Error> {
        let core = Arc::new(Core::new(config, disk, keyring, clock, boot));
        let (pens, recovery) = recovery::recover(&core)?;
        let (sender, stopped) = watch::channel(false);
        let no_thread = |error| Error::Failed(format!("no thread: {error}"));
        let mut writer = Writer::new(core.clone(), pens, sender).map_err(no_thread)?;
        let reserve = writer.reserve();
        let journal = Self { core, recovery, reserve, thread: Mutex::new(None), stopped };
        journal.take(Entry::Boot { boot, at: journal.core.clock.wall() })?;
        writer.settle().map_err(|_| progress::closed())?;
        if let Some(error @ Error::Failed(_)) = journal.core.streams.control().progress.error() {
            return Err(error);
        }
        writer.look();
        let thread = std::thread::Builder::new().name("journal".into()).spawn(|| writer.run());
        *journal.thread.lock() = Some(thread.map_err(no_thread)?);
        Ok(journal)
    }

    /// What opening found and did.
    #[must_use]
    pub fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// What was found damaged since the journal was opened, by opening it and by reading.
    #[must_use]
    pub fn damage(&self) -> Vec<Error> {
        self.core.damage()
    }

    /// Reads everything and gives back all that is damaged, missing or misplaced, each by segment
    /// and offset. Blocks for as long as that takes.
    #[must_use]
    pub fn verify(&self) -> Vec<Error> {
        verify::all(&self.core)
    }

    /// The control plane's acts and the node's boots, oldest first. Blocks.
    #[must_use]
    pub fn control(&self) -> Vec<Entry> {
        let wanted = facts::Wanted::kinds(&[facts::ACT, facts::BOOT]);
        let (core, stream) = (&self.core, self.core.streams.control());
        let order = scan::Order::Forward;
        let mut entries = Vec::new();
        scan::Scan { core, stream, range: 0..u64::MAX, wanted, order }.run(|_, entry| {
            entries.push(entry);
            std::ops::ControlFlow::Continue(())
        });
        entries
    }

    fn take(&self, entry: Entry) -> Result<Mark, Error> {
        let core = &self.core;
        if core.closed.load(Ordering::Acquire) {
            return Err(progress::closed());
        }
        let tenant = match &entry {
            Entry::Start(start) => Some(&start.function.scope.tenant),
            Entry::End(record) => Some(&record.start.function.scope.tenant),
            Entry::Log(line) => Some(&line.function.scope.tenant),
            Entry::Act(_) | Entry::Boot { .. } => None,
        };
        let stream = match tenant {
            Some(tenant) => core.streams.of(tenant)?,
            None => core.streams.control().clone(),
        };
        let limits = Limits {
            buffer_bytes: core.config.buffer_bytes,
            open_max: core.config.open_max,
            refusing: core.is_full(),
        };
        let summary = match &entry {
            // It is summed up when it is written, which is seldom.
            Entry::Start(_) => Summary::EMPTY,
            entry => Summary::of(entry, || core.clock.wall()),
        };
        let taken = stream.append(entry, &summary, limits).inspect_err(|error| {
            if *error == Error::Full {
                core.dropped.fetch_add(1, Ordering::Relaxed);
            }
        })?;
        if taken.half_full {
            core.signal.urge();
        } else {
            core.signal.touch();
        }
        Ok(Mark(u64::from(stream.number) << STREAM_SHIFT | taken.number))
    }

    async fn wait(&self, mark: Mark) -> Result<(), Error> {
        let Mark(mark) = mark;
        let stream = u16::try_from(mark >> STREAM_SHIFT).ok();
        let stream = stream.and_then(|number| self.core.streams.numbered(number));
        let stream = stream.ok_or_else(|| Error::Failed("there is no such mark".into()))?;
        let number = mark & ((1 << STREAM_SHIFT) - 1);
        if number >= stream.horizon() {
            return Err(Error::Failed("there is no such mark".into()));
        }
        if !stream.is_taken(number) {
            self.core.signal.urge();
        }
        stream.progress.wait(number).await
    }

    /// Waits for the group that gathers, so that a reader sees what was appended before it came.
    /// If that group cannot be written, what is on disk is read all the same.
    async fn settle(&self, stream: &Stream) {
        if let Some(last) = stream.horizon().checked_sub(1)
            && stream.progress.durable() <= last
        {
            self.core.signal.nudge();
            let _ = stream.progress.wait(last).await;
        }
    }

    /// Runs a query where it may block.
    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Core) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let core = self.core.clone();
        let task = tokio::task::spawn_blocking(move || query(&core));
        task.await.map_err(|error| Error::Failed(format!("a query was cut short: {error}")))?
    }

    async fn find(&self, scope: Scope, id: InvocationId) -> Result<Option<Flight>, Error> {
        let Some(stream) = self.core.streams.find(&scope.tenant) else { return Ok(None) };
        let open = stream.running.find(&id).filter(|start| start.function.scope == scope);
        if let Some(start) = open {
            return Ok(Some(Flight::Running(Box::new(start))));
        }
        // It is not open any more, so its end was in the buffer before this.
        self.settle(&stream).await;
        self.read(move |core| read::flight(core, &stream, &scope, id)).await
    }

    /// The stream to read from; an empty one, kept nowhere, for a tenant that never wrote.
    fn stream(&self, scope: &Scope) -> Arc<Stream> {
        self.core.streams.find(&scope.tenant).unwrap_or_else(|| {
            Arc::new(Stream::new(0, Some(scope.tenant.clone()), &self.core.config.dir))
        })
    }

    async fn list_records(&self, query: RecordQuery) -> Result<Page<Record>, Error> {
        let stream = self.stream(&query.scope);
        self.settle(&stream).await;
        self.read(move |core| read::records(core, &stream, &query)).await
    }

    async fn list_logs(&self, query: LogQuery) -> Result<Page<LogLine>, Error> {
        let stream = self.stream(&query.scope);
        self.settle(&stream).await;
        self.read(move |core| read::logs(core, &stream, &query)).await
    }

    async fn finish(&self) -> Result<(), Error> {
        self.core.closed.store(true, Ordering::Release);
        self.core.signal.stop();
        let mut stopped = self.stopped.clone();
        // An error means that the writer is gone, which is what is waited for.
        let _ = stopped.wait_for(|stopped| *stopped).await;
        let lost = self.core.streams.all().into_iter().find(|stream| stream.is_behind());
        match lost {
            Some(stream) => Err(stream.progress.error().unwrap_or_else(progress::closed)),
            None => Ok(()),
        }
    }
}

impl Journal for SegmentJournal {
    fn append(&self, entry: Entry) -> Result<Mark, Error> {
        self.take(entry)
    }

    fn durable(&self, mark: Mark) -> Future<'_, Result<(), Error>> {
        Box::pin(self.wait(mark))
    }

    fn records(&self, query: RecordQuery) -> Future<'_, Result<Page<Record>, Error>> {
        Box::pin(self.list_records(query))
    }

    fn flight<'a>(
        &'a self,
        scope: &'a Scope,
        id: InvocationId,
    ) -> Future<'a, Result<Option<Flight>, Error>> {
        Box::pin(self.find(scope.clone(), id))
    }

    fn logs(&self, query: LogQuery) -> Future<'_, Result<Page<LogLine>, Error>> {
        Box::pin(self.list_logs(query))
    }

    fn health(&self) -> Health {
        let streams = self.core.streams.all();
        // How far back records go. The control plane's boots go back further and say nothing.
        let tenants = streams.iter().filter(|stream| stream.tenant.is_some());
        let oldest = tenants
            .filter_map(|stream| stream.shelf.all().iter().find_map(|segment| segment.times()))
            .map(|(min_us, _)| Timestamp(min_us))
            .min();
        let (disk_free_bytes, state) = space::look(&self.core);
        Health {
            bytes: streams.iter().map(|stream| stream.shelf.bytes()).sum(),
            bytes_max: self.core.config.bytes_max + self.core.config.control_bytes,
            oldest,
            disk_free_bytes,
            dropped: self.core.dropped.load(Ordering::Relaxed),
            state,
        }
    }

    fn check(&self) -> Future<'_, Vec<Error>> {
        Box::pin(async {
            let found = self.read(|core| Ok(verify::all(core))).await;
            found.unwrap_or_else(|error| vec![error])
        })
    }

    fn rewrap(&self, after: Option<(u16, u64)>) -> Future<'_, Result<Resealed, Error>> {
        Box::pin(async move {
            if after.is_none() {
                rewrap::end_older(&self.core).await;
            }
            self.read(move |core| Ok(rewrap::step(core, after))).await
        })
    }

    fn make_room(&self) -> bool {
        // The writer's round looks at both under the same lock.
        let mut reserve = self.reserve.lock();
        let made = reserve.release(&self.core);
        if made {
            self.core.full.store(true, Ordering::Relaxed);
            self.core.signal.nudge();
        }
        made
    }

    fn close(&self) -> Future<'_, Result<(), Error>> {
        Box::pin(self.finish())
    }
}

impl Drop for SegmentJournal {
    /// Writes out what is left, if the journal was not closed, and waits for the thread.
    fn drop(&mut self) {
        self.core.signal.stop();
        if let Some(thread) = self.thread.lock().take() {
            // A panic of the thread was reported by the panic hook.
            let _ = thread.join();
        }
    }
}
