//! The one thread that writes.
//!
//! It sleeps until something comes, lets a group gather, and writes one block for each stream that
//! has news. [`super::syncer`] syncs them, and the writer does not wait for it: it writes the next
//! groups to the system's memory meanwhile, where they outlive the process. One round of syncs
//! follows the other as long as anything is not durable.
//!
//! Invariant: an entry is told to be durable only after a sync that began when it was written.
//! Invariant: when the thread ends, for whatever reason, everybody who waits is told.

use super::core::Core;
use super::pen::{Pen, Written};
use super::ring;
use super::signal::Wake;
use super::space::{Reserve, look};
use super::stream::Stream;
use super::syncer::{Done, Gone, Syncer};
use parking_lot::Mutex;
use ports::journal::Error;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::watch;

/// How often an idle journal looks for entries that became too old.
const IDLE: Duration = Duration::from_mins(10);
/// After so many bytes the ring and the disk's room are looked at.
const LOOK_BYTES: u64 = 1 << 20;
/// Rounds that the end may take to write what is left.
const LAST_ROUNDS: usize = 3;

pub(super) struct Writer {
    core: Arc<Core>,
    pens: Vec<Pen>,
    syncer: Syncer,
    /// Whether something can be written or synced only when the syncs under way have ended.
    waiting: bool,
    /// Shared with [`super::SegmentJournal`], which may give it back too.
    reserve: Arc<Mutex<Reserve>>,
    /// Bytes since the last look.
    bytes: u64,
    stopped: watch::Sender<bool>,
}

impl Writer {
    /// `pens` are those of the streams that were found, by number. Starts the thread that syncs.
    pub(super) fn new(
        core: Arc<Core>,
        pens: Vec<Pen>,
        stopped: watch::Sender<bool>,
    ) -> io::Result<Self> {
        let reserve = Arc::new(Mutex::new(Reserve::new(&core)));
        let syncer = Syncer::start(core.clone())?;
        Ok(Self { core, pens, syncer, waiting: false, reserve, bytes: 0, stopped })
    }

    /// What is held back for control-plane acts.
    pub(super) fn reserve(&self) -> Arc<Mutex<Reserve>> {
        Arc::clone(&self.reserve)
    }

    /// Runs until [`super::signal::Signal::stop`].
    pub(super) fn run(mut self) {
        if self.work().is_err() {
            tracing::error!("the thread that syncs the journal is gone; the journal ends");
        }
    }

    fn work(&mut self) -> Result<(), Gone> {
        let group = Duration::from_millis(self.core.config.group_ms);
        let retry = Duration::from_millis(self.core.config.retry_ms);
        let mut gather = group;
        loop {
            let patience = if self.is_troubled() { retry } else { IDLE };
            let before = self.core.clock.monotonic();
            let wake = self.core.signal.wait(gather, patience, !self.syncer.is_idle());
            let woken = self.core.clock.monotonic();
            self.collect()?;
            match wake {
                Wake::Stop => return self.end(),
                Wake::Synced if !self.waiting || !self.syncer.is_idle() => {
                    // The group that gathers has done so for this long at most.
                    gather = gather.saturating_sub(woken.saturating_sub(before));
                    continue;
                }
                Wake::Synced | Wake::Work | Wake::Nothing => self.round()?,
            }
            if wake == Wake::Nothing {
                self.look();
            }
            // What came during the round has already waited that long.
            gather = group.saturating_sub(self.core.clock.monotonic().saturating_sub(woken));
        }
    }

    fn is_troubled(&self) -> bool {
        self.core.is_full() || self.pens.iter().any(Pen::is_stuck)
    }

    /// Writes what waits in all streams, and has it synced as soon as the disk is free for it.
    fn round(&mut self) -> Result<(), Gone> {
        self.core.signal.clear();
        let streams = self.core.streams.all();
        while self.pens.len() < streams.len() {
            self.pens.push(Pen::default());
        }
        self.waiting = false;
        // The control plane's stream goes first. If it finds the disk full, only it may take what
        // is free then, until the reserve stands again.
        let (control, tenants) = streams.split_at(1.min(streams.len()));
        control.iter().for_each(|stream| self.write(0, stream));
        let tenants_may = {
            let mut reserve = self.reserve.lock();
            !self.core.is_full() || reserve.hold(&self.core)
        };
        for (at, stream) in (1..).zip(tenants) {
            if tenants_may {
                self.write(at, stream);
            } else {
                stream.progress.fail(stream.horizon(), Error::Full);
            }
        }
        if self.syncer.is_idle() {
            for (at, (stream, pen)) in streams.iter().zip(&mut self.pens).enumerate() {
                pen.job(at, stream).map_or(Ok(()), |job| self.syncer.begin(job))?;
            }
        } else {
            self.waiting |= self.pens.iter().any(Pen::is_ahead);
        }
        self.renew(&streams);
        self.calm();
        if self.bytes >= LOOK_BYTES.min(self.core.config.segment_bytes) {
            self.look();
        }
        Ok(())
    }

    /// Ends what an older epoch of the root key seals, if somebody asked for it.
    fn renew(&mut self, streams: &[Arc<Stream>]) {
        if !self.core.ending.swap(false, Ordering::AcqRel) {
            return;
        }
        let newest = self.core.keyring.epoch();
        for (stream, pen) in streams.iter().zip(&mut self.pens) {
            match pen.renew(&self.core, stream, newest) {
                Ok(true) => {}
                Ok(false) => {
                    self.waiting = true;
                    self.core.ending.store(true, Ordering::Release);
                }
                // Whatever is written next begins one.
                Err(error) => {
                    tracing::warn!(%error, stream = stream.name, "no new segment was begun");
                }
            }
        }
    }

    /// Writes what waits in all streams and waits until it is durable or cannot be.
    pub(super) fn settle(&mut self) -> Result<(), Gone> {
        self.round()?;
        while let Some(done) = self.syncer.next()? {
            self.settled(done);
        }
        self.calm();
        Ok(())
    }

    /// Looks at the syncs that ended.
    fn collect(&mut self) -> Result<(), Gone> {
        while let Some(done) = self.syncer.try_next()? {
            self.settled(done);
        }
        self.calm();
        Ok(())
    }

    fn settled(&mut self, done: Done) {
        let at = done.job.stream;
        let stream = u16::try_from(at).ok().and_then(|number| self.core.streams.numbered(number));
        let (Some(stream), Some(pen)) = (stream, self.pens.get_mut(at)) else { return };
        match pen.settle(&self.core, &stream, done) {
            Ok(bytes) => {
                self.bytes += bytes.unwrap_or(0);
                if bytes.is_some() && !pen.is_stuck() {
                    unstick(&stream);
                }
            }
            Err(error) => self.fail(at, &stream, error),
        }
    }

    /// Lets tenants write again when nothing speaks against it any more.
    fn calm(&self) {
        if !self.core.is_full() {
            return;
        }
        let stuck =
            self.core.streams.all().iter().any(|stream| stream.stuck.load(Ordering::Relaxed));
        let reserve = self.reserve.lock();
        if reserve.is_held() && !stuck && self.core.full.swap(false, Ordering::Relaxed) {
            tracing::info!("the disk has room again; the journal takes entries");
        }
    }

    fn write(&mut self, at: usize, stream: &Stream) {
        let Some(pen) = self.pens.get_mut(at) else { return };
        let was_stuck = pen.is_stuck();
        let mut outcome = pen.write(&self.core, stream);
        if matches!(outcome, Err(Error::Full)) && stream.tenant.is_none() {
            self.core.full.store(true, Ordering::Relaxed);
            if self.reserve.lock().release(&self.core) {
                outcome = pen.write(&self.core, stream);
            }
        }
        match outcome {
            // What came since was not part of the group.
            Ok(Written::Block) if was_stuck => self.core.signal.nudge(),
            Ok(Written::Block) => {}
            Ok(Written::Nothing) => {
                if pen.is_idle() {
                    unstick(stream);
                }
            }
            Ok(Written::Later) => self.waiting = true,
            Err(error) => self.fail(at, stream, error),
        }
    }

    fn fail(&mut self, at: usize, stream: &Stream, error: Error) {
        let bytes = self.pens.get(at).map_or(0, Pen::stuck_bytes);
        stream.stuck_bytes.store(bytes, Ordering::Relaxed);
        if !stream.stuck.swap(true, Ordering::Relaxed) {
            tracing::error!(%error, stream = stream.name, "a group was not written and waits");
        }
        if error == Error::Full {
            self.core.full.store(true, Ordering::Relaxed);
        }
        stream.progress.fail(stream.horizon(), error);
    }

    /// Turns the ring and looks at the disk's room.
    pub(super) fn look(&mut self) {
        self.bytes = 0;
        ring::turn(&self.core, &self.core.streams.all(), &mut self.pens);
        look(&self.core);
    }

    /// Writes what is left and ends the segments.
    fn end(&mut self) -> Result<(), Gone> {
        let streams = self.core.streams.all();
        streams.iter().for_each(|stream| stream.close());
        // What is afloat may keep the rest from being written.
        while let Some(done) = self.syncer.next()? {
            self.settled(done);
        }
        for _ in 0..LAST_ROUNDS {
            self.settle()?;
            if !streams.iter().any(|stream| stream.is_behind()) {
                break;
            }
        }
        for (stream, pen) in streams.iter().zip(&mut self.pens) {
            pen.seal(&self.core, stream);
        }
        Ok(())
    }
}

fn unstick(stream: &Stream) {
    stream.stuck.store(false, Ordering::Relaxed);
    stream.stuck_bytes.store(0, Ordering::Relaxed);
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.core.closed.store(true, Ordering::Release);
        for stream in self.core.streams.all() {
            stream.close();
            stream.progress.stop();
        }
        self.stopped.send_replace(true);
    }
}
