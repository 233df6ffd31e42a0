//! The ticker: one OS thread that moves the epochs on, so that no guest computes unwatched.
//!
//! It holds the engines weakly and ends when the last store and the executor are gone. Engines share
//! it, and so do their guests the queues of the heavy ones.
//!
//! Invariant: the ticker waits for nothing but time.

use crate::turns::Turns;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, ThreadId};
use std::time::Duration;
use wasmtime::{Engine, EngineWeak};

/// Time in ticks, and the queues of heavy guests by thread.
#[derive(Debug, Default)]
pub(crate) struct Clockwork {
    ticks: AtomicU64,
    threads: Mutex<HashMap<ThreadId, Arc<Turns>>>,
}

impl Clockwork {
    /// Starts the ticker of `engines`.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub(crate) fn start(engines: &[&Engine], epoch: Duration) -> std::io::Result<Arc<Self>> {
        let clockwork = Arc::new(Self::default());
        let weak = Arc::downgrade(&clockwork);
        let engines: Vec<EngineWeak> = engines.iter().map(|engine| engine.weak()).collect();
        thread::Builder::new().name("wasm-epoch".to_owned()).spawn(move || {
            loop {
                thread::sleep(epoch);
                let mut alive = false;
                for engine in engines.iter().filter_map(EngineWeak::upgrade) {
                    engine.increment_epoch();
                    alive = true;
                }
                if !alive {
                    return;
                }
                weak.upgrade().as_deref().map(Self::tick);
            }
        })?;
        Ok(clockwork)
    }

    fn tick(&self) {
        self.ticks.fetch_add(1, Ordering::Relaxed);
        let mut threads = self.threads.lock();
        threads.retain(|_, turns| {
            turns.tick();
            // Guests in the queue hold it too; a thread that has none need not be remembered.
            Arc::strong_count(turns) > 1
        });
    }

    /// Ticks since the start: a clock that costs one load.
    pub(crate) fn ticks(&self) -> u64 {
        self.ticks.load(Ordering::Relaxed)
    }

    /// The queue of the calling thread.
    pub(crate) fn turns(&self) -> Arc<Turns> {
        Arc::clone(self.threads.lock().entry(thread::current().id()).or_default())
    }
}
