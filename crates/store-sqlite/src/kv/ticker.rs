//! Raises the anchors of tenants that were written to, every now and then and at the end.
//!
//! Invariant: an anchor is raised only to what is durable, so a crash never leaves one that is
//! ahead of its file.

use super::Anchors;
use super::shown::Board;
use model::TenantName;
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How long a change can be without an anchor.
const EVERY: Duration = Duration::from_secs(2);

/// The thread that does it.
pub(super) struct Ticker {
    shared: Arc<Shared>,
    thread: Option<std::thread::JoinHandle<()>>,
}

struct Shared {
    anchors: Arc<dyn Anchors>,
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    watched: Vec<Watched>,
    stop: bool,
}

#[derive(Clone)]
struct Watched {
    tenant: TenantName,
    board: Arc<Board>,
    raised: u64,
}

impl Ticker {
    pub(super) fn start(anchors: Arc<dyn Anchors>) -> std::io::Result<Self> {
        let shared = Arc::new(Shared { anchors, state: Mutex::default(), wake: Condvar::new() });
        let own = Arc::clone(&shared);
        let thread =
            std::thread::Builder::new().name("kv-anchors".to_owned()).spawn(move || own.run())?;
        Ok(Self { shared, thread: Some(thread) })
    }

    pub(super) fn watch(&self, tenant: TenantName, board: Arc<Board>) {
        self.shared.state.lock().watched.push(Watched { tenant, board, raised: 0 });
    }

    /// Raises all a last time.
    pub(super) fn stop(&mut self) {
        self.shared.state.lock().stop = true;
        self.shared.wake.notify_all();
        if let Some(thread) = self.thread.take() {
            // It cannot have panicked.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn run(&self) {
        loop {
            let (watched, stop) = {
                let mut state = self.state.lock();
                self.wake.wait_while_for(&mut state, |state| !state.stop, EVERY);
                (state.watched.clone(), state.stop)
            };
            for (at, watched) in watched.iter().enumerate() {
                let counter = watched.board.counter.load(Ordering::Acquire);
                if counter > watched.raised && self.raise(&watched.tenant, counter) {
                    // The list only grows.
                    if let Some(own) = self.state.lock().watched.get_mut(at) {
                        own.raised = counter;
                    }
                }
            }
            if stop {
                return;
            }
        }
    }

    fn raise(&self, tenant: &TenantName, counter: u64) -> bool {
        let raised = self.anchors.raise(tenant, counter);
        if let Err(error) = &raised {
            let error = error.chain();
            tracing::warn!(%tenant, %error, "how far the key-value stores are could not be noted");
        }
        raised.is_ok()
    }
}
