//! The ticker: one OS thread that moves the epochs on, so that no guest computes unwatched.
//!
//! It holds the engines weakly and ends when the last store and the executor are gone. Engines share
//! it, and so do their guests the queues of the heavy ones. Where no guest computes or waits for its
//! turn, it rests: a node with nothing to do wakes no processor.
//!
//! Invariant: while a guest computes, the ticker waits for nothing but time.

mod watch;

use crate::turns::Turns;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::thread::{self, ThreadId};
use std::time::Duration;
use wasmtime::{Engine, EngineWeak};
use watch::{Computing, Watch};

/// Ticks in a row without a guest before the ticker rests: waking it costs more than a few of them.
const REST_AFTER: u32 = 20;

/// Time in ticks, and the queues of heavy guests by thread.
#[derive(Debug, Default)]
pub(crate) struct Clockwork {
    ticks: AtomicU64,
    threads: Mutex<HashMap<ThreadId, Arc<Turns>>>,
    watch: Arc<Watch>,
}

impl Clockwork {
    /// Starts the ticker of `engines`.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub(crate) fn start(engines: &[&Engine], epoch: Duration) -> std::io::Result<Arc<Self>> {
        let clockwork = Arc::new(Self::default());
        let weak = Arc::downgrade(&clockwork);
        let watch = Arc::clone(&clockwork.watch);
        let engines: Vec<EngineWeak> = engines.iter().map(|engine| engine.weak()).collect();
        let ticker = thread::Builder::new()
            .name("wasm-epoch".to_owned())
            .spawn(move || run(&weak, &watch, &engines, epoch))?;
        clockwork.watch.ticked_by(ticker.thread().clone());
        Ok(clockwork)
    }

    /// The calling thread polls a guest until what this gives is dropped.
    pub(crate) fn computing(&self) -> Computing<'_> {
        self.watch.begin()
    }

    /// Whether guests wait for their turns.
    fn tick(&self) -> bool {
        self.ticks.fetch_add(1, Ordering::Relaxed);
        let mut threads = self.threads.lock();
        threads.retain(|_, turns| {
            turns.tick();
            // Guests in the queue hold it too; a thread that has none need not be remembered.
            Arc::strong_count(turns) > 1
        });
        !threads.is_empty()
    }

    /// Ticks since the start, while guests computed: a clock that costs one load.
    pub(crate) fn ticks(&self) -> u64 {
        self.ticks.load(Ordering::Relaxed)
    }

    /// The queue of the calling thread.
    pub(crate) fn turns(&self) -> Arc<Turns> {
        Arc::clone(self.threads.lock().entry(thread::current().id()).or_default())
    }
}

impl Drop for Clockwork {
    fn drop(&mut self) {
        self.watch.wake();
    }
}

/// Ticks until nobody is left who could compute.
fn run(clockwork: &Weak<Clockwork>, watch: &Watch, engines: &[EngineWeak], epoch: Duration) {
    let mut quiet = 0;
    loop {
        thread::sleep(epoch);
        for engine in engines.iter().filter_map(EngineWeak::upgrade) {
            engine.increment_epoch();
        }
        let Some(waiting) = clockwork.upgrade().map(|clockwork| clockwork.tick()) else { return };
        quiet = if waiting || watch.is_anybody_computing() { 0 } else { quiet + 1 };
        if quiet >= REST_AFTER {
            watch.rest(|| clockwork.strong_count() == 0);
            quiet = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH: Duration = Duration::from_millis(1);
    /// Far more looks than anything here takes: what is not there then never comes.
    const NEVER: u32 = 60_000;

    fn started() -> (Engine, Arc<Clockwork>) {
        let engine = Engine::default();
        let clockwork = Clockwork::start(&[&engine], EPOCH).expect("a thread");
        (engine, clockwork)
    }

    fn until(what: &str, is: impl Fn() -> bool) {
        for _ in 0..NEVER {
            if is() {
                return;
            }
            thread::sleep(EPOCH);
        }
        panic!("{what}");
    }

    fn rests(clockwork: &Clockwork) {
        until("it does not rest", || clockwork.watch.is_resting());
    }

    fn ticks(clockwork: &Clockwork) {
        let before = clockwork.ticks();
        until("it does not tick", || clockwork.ticks() > before + 1);
    }

    #[test]
    fn it_rests_while_nobody_computes_and_only_then() {
        let (_engine, clockwork) = started();
        for _ in 0..3 {
            rests(&clockwork);
            let computing = clockwork.computing();
            ticks(&clockwork);
            assert!(!clockwork.watch.is_resting());
            drop(computing);
        }
    }

    #[test]
    fn it_ticks_while_guests_wait_for_their_turns() {
        let (_engine, clockwork) = started();
        let computing = clockwork.computing();
        let place = clockwork.turns().join();
        drop(computing);
        for _ in 0..REST_AFTER {
            ticks(&clockwork);
        }
        assert!(!clockwork.watch.is_resting());
        drop(place);
        rests(&clockwork);
    }

    #[test]
    fn whoever_begins_is_watched_however_many_begin_and_end() {
        let (_engine, clockwork) = started();
        thread::scope(|scope| {
            for seed in 0..4 {
                let clockwork = &clockwork;
                scope.spawn(move || {
                    for round in 0..20_u64 {
                        let computing = clockwork.computing();
                        ticks(clockwork);
                        drop(computing);
                        // Some come before it rests, some while it lies down, and some after.
                        thread::sleep(
                            EPOCH * u32::try_from((seed * 7 + round * 5) % 40).unwrap_or(0),
                        );
                    }
                });
            }
        });
        rests(&clockwork);
    }

    #[test]
    fn it_ends_from_its_rest_when_the_last_one_is_gone() {
        let (engine, clockwork) = started();
        rests(&clockwork);
        let watch = Arc::downgrade(&clockwork.watch);
        drop(clockwork);
        until("the thread is left", || watch.strong_count() == 0);
        drop(engine);
    }
}
