//! What hyper leaves behind when it is done with a connection.

use std::sync::{Arc, Mutex, PoisonError};

/// A channel that hyper let go of.
pub(crate) struct Remains<S> {
    pub(crate) channel: S,
    /// The client had closed its side.
    pub(crate) ended: bool,
    /// What it sent and nobody asked for.
    pub(crate) ahead: Vec<u8>,
}

/// Where a wire puts its remains when hyper drops it.
pub(crate) struct Keep<T>(Arc<Mutex<Option<T>>>);

impl<T> Clone for Keep<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Keep<T> {
    pub(crate) fn new() -> Self {
        Self(Arc::default())
    }

    pub(crate) fn put(&self, remains: T) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(remains);
    }

    pub(crate) fn take(&self) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
