//! Who may have the keys of an issuer fetched, and when.
//!
//! Invariant: however many ask, one attempt is under way at a time, and what strangers cause is one
//! in [`EVERY`].

use identity::jwt::{Asking, KeySource};
use model::IssuerName;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

/// Shortest time between two attempts that somebody's token caused.
pub(super) const EVERY: Duration = Duration::from_secs(10);
/// How long a request waits for an attempt.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

/// What is known of the attempts to fetch one issuer's keys.
#[derive(Debug)]
pub(super) struct Bell {
    rung: Notify,
    turn: Mutex<Turn>,
    ended: watch::Sender<u64>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Turn {
    /// An attempt is under way, or about to be.
    busy: bool,
    began: Option<Instant>,
}

impl Bell {
    pub(super) fn new() -> Self {
        let turn = Turn { busy: true, began: None };
        Self { rung: Notify::new(), turn: Mutex::new(turn), ended: watch::Sender::new(0) }
    }

    /// Has the keys fetched, unless that was done a moment ago; an attempt that is under way is
    /// waited for.
    pub(super) fn ring(&self) -> Option<Asking> {
        let mut turn = self.turn.lock();
        let mut ended = self.ended.subscribe();
        if !turn.busy {
            if turn.began.is_some_and(|began| began.elapsed() < EVERY) {
                return None;
            }
            *turn = Turn { busy: true, began: Some(Instant::now()) };
            self.rung.notify_one();
        }
        Some(Box::pin(async move {
            // Whoever waited in vain is refused like somebody who did not wait.
            let _ = tokio::time::timeout(PATIENCE, ended.changed()).await;
        }))
    }

    /// Waits until somebody rings.
    pub(super) async fn rung(&self) {
        self.rung.notified().await;
    }

    pub(super) fn begin(&self) {
        *self.turn.lock() = Turn { busy: true, began: Some(Instant::now()) };
    }

    pub(super) fn end(&self) {
        self.turn.lock().busy = false;
        self.ended.send_modify(|count| *count += 1);
    }

    /// Waits until the first attempt has ended.
    pub(super) async fn first(&self) {
        let mut ended = self.ended.subscribe();
        // The sender is here, so it cannot be gone.
        let _ = ended.wait_for(|count| *count > 0).await;
    }
}

/// The bells of all issuers whose keys are fetched.
#[derive(Debug, Default)]
pub(super) struct Bells(pub(super) Vec<(IssuerName, Arc<Bell>)>);

impl KeySource for Bells {
    fn ask(&self, issuer: &IssuerName) -> Option<Asking> {
        self.0.iter().find(|(name, _)| name == issuer)?.1.ring()
    }
}
