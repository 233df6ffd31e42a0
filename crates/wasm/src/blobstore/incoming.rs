//! Values that a guest reads.
//!
//! Invariant: a stream holds one piece of its value.

use super::generated::wasi::blobstore::types;
use super::{Refused, Values, View, ends, refused};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use ports::host::{Body, HostError};
use std::future::Future;
use std::pin::Pin;
use wasmtime::component::Resource;
use wasmtime_wasi::p2::{DynInputStream, InputStream, Pollable, StreamError};
use wasmtime_wasi::runtime::poll_noop;

/// Largest value that is handed over in one piece, in bytes.
const SYNC_BYTES_MAX: usize = 8 << 20;

/// A value that a guest may read.
#[expect(unreachable_pub, reason = "what Wasmtime generates gives it another name")]
pub struct Incoming {
    body: Body,
    bytes: u64,
    place: Values,
}

impl Incoming {
    pub(super) const fn new(body: Body, bytes: u64, place: Values) -> Self {
        Self { body, bytes, place }
    }
}

impl types::HostIncomingValue for View<'_> {
    async fn incoming_value_consume_sync(
        &mut self,
        this: Resource<Incoming>,
    ) -> wasmtime::Result<Result<Vec<u8>, Refused>> {
        let Incoming { mut body, bytes, .. } = self.table.delete(this).map_err(ends)?;
        let fits = usize::try_from(bytes).ok().filter(|bytes| *bytes <= SYNC_BYTES_MAX);
        let Some(bytes) = fits else {
            let text = format!(
                "it has {bytes} bytes, and {SYNC_BYTES_MAX} are handed over at once: \
                 read it as a stream"
            );
            return Ok(Err(text));
        };
        let mut all = Vec::with_capacity(bytes);
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => all.extend_from_slice(&frame.into_data().unwrap_or_default()),
                Err(error) => return Ok(Err(refused(error))),
            }
        }
        Ok(Ok(all))
    }

    async fn incoming_value_consume_async(
        &mut self,
        this: Resource<Incoming>,
    ) -> wasmtime::Result<Result<Resource<DynInputStream>, Refused>> {
        let Incoming { body, place, .. } = self.table.delete(this).map_err(ends)?;
        let stream = Reading { body: Some(body), piece: Bytes::new(), error: None, _place: place };
        let stream: DynInputStream = Box::new(stream);
        Ok(Ok(self.table.push(stream).map_err(ends)?))
    }

    async fn size(&mut self, this: Resource<Incoming>) -> wasmtime::Result<u64> {
        Ok(self.table.get(&this).map_err(ends)?.bytes)
    }

    async fn drop(&mut self, this: Resource<Incoming>) -> wasmtime::Result<()> {
        self.table.delete(this).map_err(ends)?;
        Ok(())
    }
}

/// A value as a stream.
struct Reading {
    /// Until its end.
    body: Option<Body>,
    piece: Bytes,
    error: Option<HostError>,
    _place: Values,
}

impl Reading {
    fn take(&mut self, frame: Option<Result<http_body::Frame<Bytes>, HostError>>) {
        match frame {
            Some(Ok(frame)) => self.piece = frame.into_data().unwrap_or_default(),
            Some(Err(error)) => {
                self.error = Some(error);
                self.body = None;
            }
            None => self.body = None,
        }
    }
}

impl InputStream for Reading {
    fn read(&mut self, size: usize) -> Result<Bytes, StreamError> {
        loop {
            if !self.piece.is_empty() {
                return Ok(self.piece.split_to(size.min(self.piece.len())));
            }
            if let Some(error) = self.error.take() {
                return Err(StreamError::LastOperationFailed(wasmtime::format_err!("{error}")));
            }
            let Some(body) = &mut self.body else { return Err(StreamError::Closed) };
            match poll_noop(std::pin::pin!(body.frame())) {
                Some(frame) => self.take(frame),
                None => return Ok(Bytes::new()),
            }
        }
    }
}

impl Pollable for Reading {
    fn ready<'a, 'async_trait>(
        &'a mut self,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'async_trait>>
    where
        'a: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(async move {
            if !self.piece.is_empty() || self.error.is_some() {
                return;
            }
            if let Some(body) = &mut self.body {
                let frame = body.frame().await;
                self.take(frame);
            }
        })
    }
}
