//! WebSockets (RFC 6455) over HTTP/1.1, with TLS or without.
//!
//! A request that asks for one goes to the engine like any other. If the engine accepts it, hyper
//! is let go of before it has answered, so that no byte passes it that is not HTTP: the answer
//! 101 is written here, and what the client sent behind its request is the beginning of its
//! frames. If the engine does not accept it, the connection ends with the answer, since a proxy
//! that takes it for upgraded would pass anybody's bytes on.
//!
//! Then the connection has a task of its own on its worker, and keeps no more than its socket,
//! two small buffers and a timer. Each complete message is one invocation, one after the other.
//!
//! Invariant: nothing that a client sent before it was accepted is read as a frame or as another
//! request.
//! Invariant: of one connection, at most one message is with the engine and at most one waits.

mod close;
mod drive;
mod handshake;
mod peer;
mod tap;

pub(crate) use drive::run;
pub(crate) use handshake::{Wish, wish};

use crate::door::Session;
use crate::line::Line;
use engine::Message;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A connection that the engine accepted, before its client knows.
pub(crate) struct Accepted {
    /// The answer as it goes over the wire.
    pub(crate) head: Vec<u8>,
    pub(crate) first: Option<Message>,
    pub(crate) session: Box<dyn Session>,
}

/// Where a request leaves what was accepted, for the task that drives the connection.
#[derive(Default)]
pub(crate) struct Handover {
    full: AtomicBool,
    accepted: Mutex<Option<Accepted>>,
}

impl Handover {
    pub(crate) fn put(&self, accepted: Accepted) {
        *self.accepted.lock().unwrap_or_else(PoisonError::into_inner) = Some(accepted);
        self.full.store(true, Ordering::Release);
    }

    pub(crate) fn is_full(&self) -> bool {
        self.full.load(Ordering::Acquire)
    }

    pub(crate) fn take(self) -> Option<Accepted> {
        self.accepted.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that hyper was let go of.
pub(crate) struct Live<S> {
    pub(crate) channel: S,
    /// What the client sent behind its request.
    pub(crate) ahead: Vec<u8>,
    pub(crate) accepted: Accepted,
    pub(crate) line: Arc<Line>,
}
