//! How appenders and waiters wake the writer, which otherwise sleeps.
//!
//! Invariant: the writer clears the mark before it takes any buffer. An appender that still sees
//! the mark after its bytes are in the buffer is therefore served by the round that is coming.

use parking_lot::{Condvar, Mutex};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

#[derive(Debug, Default)]
pub(super) struct Signal {
    /// Copy of `Flags::dirty` that the hot path reads without the lock.
    marked: AtomicBool,
    flags: Mutex<Flags>,
    wake: Condvar,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Flags {
    dirty: bool,
    urgent: bool,
    synced: bool,
    stop: bool,
}

/// Why the writer woke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wake {
    /// There is something to write.
    Work,
    /// A sync has ended. What is to be written has not changed by it.
    Synced,
    /// Nothing came for as long as it was ready to sleep.
    Nothing,
    /// It shall write what is left, and end.
    Stop,
}

impl Signal {
    /// Something is in a buffer.
    pub(super) fn touch(&self) {
        if !self.marked.load(Ordering::Acquire) && !self.marked.swap(true, Ordering::AcqRel) {
            self.set(|flags| flags.dirty = true);
        }
    }

    /// Somebody waits, and is content with the group that gathers.
    pub(super) fn nudge(&self) {
        self.set(|flags| flags.dirty = true);
    }

    /// Somebody waits and wants the group written now.
    pub(super) fn urge(&self) {
        self.set(|flags| (flags.dirty, flags.urgent) = (true, true));
    }

    /// A sync has ended.
    pub(super) fn synced(&self) {
        self.set(|flags| flags.synced = true);
    }

    /// The writer shall end.
    pub(super) fn stop(&self) {
        self.set(|flags| flags.stop = true);
    }

    fn set(&self, change: impl FnOnce(&mut Flags)) {
        let mut flags = self.flags.lock();
        let before = *flags;
        change(&mut flags);
        let news = *flags != before;
        drop(flags);
        if news {
            self.wake.notify_one();
        }
    }

    /// Sleeps until there is work, at most `patience`; then until the work is urgent, at most
    /// `gather`. While the disk is `busy` nothing is urgent, as nothing would be durable sooner.
    /// The end of a sync wakes at any time.
    pub(super) fn wait(&self, gather: Duration, patience: Duration, busy: bool) -> Wake {
        let mut flags = self.flags.lock();
        let come = |flags: &Flags| flags.synced || flags.stop;
        self.wake.wait_while_for(&mut flags, |it| !it.dirty && !come(it), patience);
        if flags.dirty {
            let hurry = |flags: &Flags| flags.urgent && !busy;
            self.wake.wait_while_for(&mut flags, |it| !hurry(it) && !come(it), gather);
        }
        match *flags {
            Flags { stop: true, .. } => Wake::Stop,
            Flags { synced: true, .. } => {
                flags.synced = false;
                Wake::Synced
            }
            Flags { dirty: true, .. } => Wake::Work,
            _ => Wake::Nothing,
        }
    }

    /// Clears the mark: the writer is about to take what waits.
    pub(super) fn clear(&self) {
        let mut flags = self.flags.lock();
        (flags.dirty, flags.urgent) = (false, false);
        self.marked.store(false, Ordering::Release);
    }
}
