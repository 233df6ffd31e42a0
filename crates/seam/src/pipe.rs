//! One connection: frames out of a buffer, frames in to whoever they are for.
//!
//! Sending never waits. What is sent while other tasks run is written at once after them, so one
//! system call carries the frames of many invocations.
//!
//! Invariant: the buffer is bounded by what bodies may have on their way, and by the number of
//! invocations and asks.

use crate::frame::{self, Frame, Kind, Violation};
use bytes::BytesMut;
use parking_lot::Mutex;
use serde::Serialize;
use std::io;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::Notify;

/// Room for reading, in bytes.
const READ_BYTES: usize = 64 << 10;
/// Buffers that grew beyond this are given back, in bytes.
const KEEP_BYTES: usize = 256 << 10;

/// The way out of one connection.
#[derive(Default)]
pub(crate) struct Pipe {
    out: Mutex<Vec<u8>>,
    filled: Notify,
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Ended {
    /// The other side hung up.
    #[error("the other side hung up")]
    Closed,
    #[error("{0}")]
    Broken(#[from] io::Error),
    /// It broke the protocol.
    #[error("the other side sent {0}")]
    Violated(#[from] Violation),
}

impl Pipe {
    /// Sends a frame of bytes.
    pub(crate) fn send(&self, kind: Kind, id: u32, payload: &[u8]) {
        self.push(|out| frame::put(out, kind, id, payload));
    }

    /// Sends a frame with a value. Says whether it was small enough.
    pub(crate) fn send_value(&self, kind: Kind, id: u32, value: &impl Serialize) -> bool {
        let mut fits = true;
        self.push(|out| fits = frame::put_value(out, kind, id, value));
        fits
    }

    fn push(&self, add: impl FnOnce(&mut Vec<u8>)) {
        let mut out = self.out.lock();
        let was_empty = out.is_empty();
        add(&mut out);
        if was_empty && !out.is_empty() {
            self.filled.notify_one();
        }
    }

    /// Moves frames both ways until the connection ends.
    pub(crate) async fn drive(
        &self,
        stream: UnixStream,
        take: impl FnMut(Frame) -> Result<(), Violation>,
    ) -> Ended {
        let (reader, writer) = stream.into_split();
        let (read, write) = (read(reader, take), self.write(writer));
        tokio::select! {
            ended = read => ended,
            ended = write => ended,
        }
    }

    async fn write(&self, mut writer: OwnedWriteHalf) -> Ended {
        let mut full = Vec::new();
        loop {
            std::mem::swap(&mut full, &mut *self.out.lock());
            if full.is_empty() {
                self.filled.notified().await;
                continue;
            }
            if let Err(error) = writer.write_all(&full).await {
                return error.into();
            }
            if full.capacity() > KEEP_BYTES {
                full = Vec::new();
            }
            full.clear();
        }
    }
}

async fn read(
    mut reader: OwnedReadHalf,
    mut take: impl FnMut(Frame) -> Result<(), Violation>,
) -> Ended {
    let mut input = BytesMut::new();
    loop {
        input.reserve(READ_BYTES);
        match reader.read_buf(&mut input).await {
            Ok(0) => return Ended::Closed,
            Ok(_) => {}
            Err(error) => return error.into(),
        }
        loop {
            match frame::take(&mut input) {
                Ok(Some(frame)) => {
                    if let Err(violation) = take(frame) {
                        return violation.into();
                    }
                }
                Ok(None) => break,
                Err(violation) => return violation.into(),
            }
        }
    }
}
