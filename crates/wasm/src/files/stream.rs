//! A file that is read from one place on.

use super::{Unreadable, part, piece, place};
use bytes::Bytes;
use ports::Host;
use std::pin::Pin;
use std::sync::Arc;
use wasmtime_wasi::p2::{InputStream, Pollable, StreamError};

/// A file that is read.
pub(super) struct Reading {
    pub(super) host: Arc<dyn Host>,
    pub(super) path: Arc<str>,
    pub(super) size: u64,
    pub(super) offset: u64,
    /// What was asked for and not taken yet; an error until it is told.
    pub(super) ready: Option<Result<Bytes, Unreadable>>,
}

impl InputStream for Reading {
    fn read(&mut self, size: usize) -> Result<Bytes, StreamError> {
        if self.offset >= self.size {
            return Err(StreamError::Closed);
        }
        match self.ready.take() {
            None => Ok(Bytes::new()),
            Some(Err(Unreadable)) => {
                self.offset = self.size;
                Err(StreamError::LastOperationFailed(wasmtime::format_err!("it cannot be read")))
            }
            Some(Ok(mut bytes)) => {
                let taken = bytes.split_to(size.min(bytes.len()));
                self.offset += taken.len() as u64;
                self.ready = (!bytes.is_empty()).then_some(Ok(bytes));
                Ok(taken)
            }
        }
    }
}

impl Pollable for Reading {
    fn ready<'this, 'future>(&'this mut self) -> Pin<Box<dyn Future<Output = ()> + Send + 'future>>
    where
        'this: 'future,
        Self: 'future,
    {
        Box::pin(async move {
            if self.ready.is_some() || self.offset >= self.size {
                return;
            }
            let Some((at, from)) = place(self.offset) else {
                self.ready = Some(Err(Unreadable));
                return;
            };
            let read = piece(Arc::clone(&self.host), Arc::clone(&self.path), at).await;
            self.ready = Some(match read.map(|bytes| part(&bytes, from, bytes.len())) {
                // The list says that there is more.
                Ok(bytes) if bytes.is_empty() => Err(Unreadable),
                read => read,
            });
        })
    }
}
