//! The one thread that writes.
//!
//! It sleeps until something comes, lets a group gather, writes one block for each stream that has
//! news, and syncs. While it syncs, the next group gathers by itself.
//!
//! Invariant: when the thread ends, for whatever reason, everybody who waits is told.

use super::core::Core;
use super::pen::Pen;
use super::ring;
use super::signal::Wake;
use super::space::{Reserve, look};
use super::stream::Stream;
use parking_lot::Mutex;
use ports::journal::Error;
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
    /// Shared with [`super::SegmentJournal`], which may give it back too.
    reserve: Arc<Mutex<Reserve>>,
    /// Bytes since the last look.
    bytes: u64,
    stopped: watch::Sender<bool>,
}

impl Writer {
    /// `pens` are those of the streams that were found, by number.
    pub(super) fn new(core: Arc<Core>, pens: Vec<Pen>, stopped: watch::Sender<bool>) -> Self {
        let reserve = Arc::new(Mutex::new(Reserve::new(&core)));
        Self { core, pens, reserve, bytes: 0, stopped }
    }

    /// What is held back for control-plane acts.
    pub(super) fn reserve(&self) -> Arc<Mutex<Reserve>> {
        Arc::clone(&self.reserve)
    }

    /// Runs until [`super::signal::Signal::stop`].
    pub(super) fn run(mut self) {
        let group = Duration::from_millis(self.core.config.group_ms);
        let retry = Duration::from_millis(self.core.config.retry_ms);
        let mut took = Duration::ZERO;
        loop {
            // What came during the last sync has already waited that long.
            let gather = group.saturating_sub(took);
            let patience = if self.is_troubled() { retry } else { IDLE };
            let wake = self.core.signal.wait(gather, patience);
            let before = self.core.clock.monotonic();
            self.round();
            took = self.core.clock.monotonic().saturating_sub(before);
            match wake {
                Wake::Stop => return self.end(),
                Wake::Nothing => self.look(),
                Wake::Work => {}
            }
        }
    }

    fn is_troubled(&self) -> bool {
        self.core.is_full() || self.pens.iter().any(Pen::is_stuck)
    }

    /// Writes and syncs what waits in all streams.
    pub(super) fn round(&mut self) {
        let streams = self.core.streams.all();
        while self.pens.len() < streams.len() {
            self.pens.push(Pen::default());
        }
        let mut written = Vec::new();
        // The control plane's stream goes first. If it finds the disk full, only it may take what
        // is free then, until the reserve stands again.
        let (control, tenants) = streams.split_at(1.min(streams.len()));
        if control.iter().any(|stream| self.write(0, stream)) {
            written.push(0);
        }
        let tenants_may = {
            let mut reserve = self.reserve.lock();
            !self.core.is_full() || reserve.hold(&self.core)
        };
        for (at, stream) in (1..).zip(tenants) {
            if !tenants_may {
                stream.progress.fail(stream.horizon(), Error::Full);
            } else if self.write(at, stream) {
                written.push(at);
            }
        }
        for at in written {
            if let Some(stream) = streams.get(at) {
                self.sync(at, stream);
            }
        }
        let stuck = self.pens.iter().any(Pen::is_stuck);
        let reserve = self.reserve.lock();
        let calm = tenants_may && reserve.is_held() && !stuck;
        if calm && self.core.full.swap(false, Ordering::Relaxed) {
            tracing::info!("the disk has room again; the journal takes entries");
        }
        drop(reserve);
        if self.bytes >= LOOK_BYTES.min(self.core.config.segment_bytes) {
            self.look();
        }
    }

    /// Says whether something must be synced.
    fn write(&mut self, at: usize, stream: &Stream) -> bool {
        let Some(pen) = self.pens.get_mut(at) else { return false };
        let was_stuck = pen.is_stuck();
        let mut outcome = pen.write(&self.core, stream);
        if matches!(outcome, Err(Error::Full)) && stream.tenant.is_none() {
            self.core.full.store(true, Ordering::Relaxed);
            if self.reserve.lock().release(&self.core) {
                outcome = pen.write(&self.core, stream);
            }
        }
        match outcome {
            Ok(true) => {
                if was_stuck {
                    // What came since was not part of the group.
                    self.core.signal.nudge();
                }
                true
            }
            Ok(false) => {
                unstick(stream);
                false
            }
            Err(error) => {
                self.fail(at, stream, error);
                false
            }
        }
    }

    fn sync(&mut self, at: usize, stream: &Stream) {
        let Some(pen) = self.pens.get_mut(at) else { return };
        match pen.sync(&self.core, stream) {
            Ok(bytes) => {
                self.bytes += bytes;
                unstick(stream);
            }
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
    fn end(&mut self) {
        let streams = self.core.streams.all();
        streams.iter().for_each(|stream| stream.close());
        for _ in 0..LAST_ROUNDS {
            self.round();
            if !streams.iter().any(|stream| stream.has_news()) {
                break;
            }
        }
        for (stream, pen) in streams.iter().zip(&mut self.pens) {
            pen.seal(&self.core, stream);
        }
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
