//! A connection that carries whatever a function says, in whatever protocol.
//!
//! Invariant: the two directions go by themselves. Each is read only as fast as it is taken.
//! Invariant: a connection that is given up before all was sent is reset, so that the other side
//! does not take a part for the whole.

use crate::dial::reach;
use crate::door::Door;
use crate::fault::fail;
use crate::send::WAIT_MAX;
use crate::slots::Slot;
use crate::target::Place;
use crate::task::Task;
use bytes::{Buf as _, BytesMut};
use futures_util::future::pending;
use http_body::Frame;
use http_body_util::BodyExt as _;
use ports::host::{Body, HostError};
use ports::outbound::{Connecting, Connection, Error, Failure};
use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

/// Room for what is read at once.
const READ_BYTES: usize = 16 << 10;
/// With less room than this, more is made.
const ROOM_MIN: usize = 2 << 10;

/// Makes a connection.
pub(crate) async fn connect(door: Arc<Door>, connecting: Connecting) -> Result<Connection, Error> {
    let Connecting { function, destination, sent, limits } = connecting;
    let slot = door.connections.take(&function)?;
    let deadline = Instant::now() + limits.connect.min(WAIT_MAX);
    let place = Place::of(&destination);
    let reached = Task::spawn(&door.runtime, reach(Arc::clone(&door), place, deadline)).await;
    let reached = reached.map_err(|_| fail(Failure::Refused, "the node is stopping"))?;
    let (stream, address) = reached?;
    let (read, write) = stream.into_split();
    let pulse = Arc::new(Pulse { base: Instant::now(), last_us: AtomicU64::new(0) });
    let (broken, breaks) = oneshot::channel();
    let write = Writing { half: Some(write), whole: false };
    let idle = limits.idle.min(WAIT_MAX);
    let carrying = carry(sent, write, Arc::clone(&pulse), idle, broken);
    let received = Received {
        read: Some(read),
        buffer: BytesMut::new(),
        left: limits.received_bytes,
        pulse,
        breaks,
        _carrying: Task::spawn(&door.runtime, carrying),
        _slot: slot,
    };
    Ok(Connection { address, received: received.boxed_unsync() })
}

/// When something moved the last time, in either direction.
struct Pulse {
    base: Instant,
    /// Microseconds after `base`.
    last_us: AtomicU64,
}

impl Pulse {
    fn moved(&self) {
        let now = u64::try_from(self.base.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.last_us.store(now, Relaxed);
    }

    /// Waits until nothing moved for so long.
    async fn still(&self, idle: Duration) {
        loop {
            let last = self.last_us.load(Relaxed);
            sleep_until(self.base + Duration::from_micros(last) + idle).await;
            if self.last_us.load(Relaxed) == last {
                return;
            }
        }
    }
}

/// The sending half. Dropped before all was sent, it has the connection reset.
struct Writing {
    half: Option<OwnedWriteHalf>,
    whole: bool,
}

impl Drop for Writing {
    fn drop(&mut self) {
        if let Some(half) = self.half.take().filter(|_| !self.whole) {
            // That fails on a connection that is gone.
            let _ = half.as_ref().set_zero_linger();
            half.forget();
        }
    }
}

/// Sends what there is to send, and sees to it that something moves. Ends when the connection is to
/// be broken off, and says why.
async fn carry(
    sent: Body,
    mut write: Writing,
    pulse: Arc<Pulse>,
    idle: Duration,
    broken: oneshot::Sender<HostError>,
) {
    let why = tokio::select! {
        biased;
        why = push(sent, &mut write, &pulse) => why,
        () = pulse.still(idle) => HostError::Upstream(Failure::Silence),
    };
    drop(write);
    let _ = broken.send(why);
}

/// Sends all of a body, and then nothing more. Comes back only if the body breaks off.
async fn push(mut sent: Body, write: &mut Writing, pulse: &Pulse) -> HostError {
    let Some(half) = &mut write.half else { return HostError::Failed };
    loop {
        match sent.frame().await {
            None => {
                let _ = half.shutdown().await;
                break;
            }
            Some(Err(error)) => return error,
            Some(Ok(frame)) => {
                let Ok(mut data) = frame.into_data() else { continue };
                if write_all(half, &mut data, pulse).await.is_err() {
                    // Nobody reads it any more. What comes back may still come.
                    break;
                }
            }
        }
    }
    write.whole = true;
    drop(sent);
    pending().await
}

async fn write_all(
    half: &mut OwnedWriteHalf,
    data: &mut bytes::Bytes,
    pulse: &Pulse,
) -> io::Result<()> {
    while data.has_remaining() {
        if half.write_buf(data).await? == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        pulse.moved();
    }
    Ok(())
}

/// What comes back.
struct Received {
    /// Nothing after the end.
    read: Option<OwnedReadHalf>,
    buffer: BytesMut,
    /// Bytes that may still come.
    left: u64,
    pulse: Arc<Pulse>,
    /// Ready when the connection is to be broken off.
    breaks: oneshot::Receiver<HostError>,
    _carrying: Task<()>,
    _slot: Arc<Slot>,
}

impl Received {
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let Some(half) = &self.read else { return Poll::Ready(Ok(0)) };
        let stream: &tokio::net::TcpStream = half.as_ref();
        loop {
            ready!(stream.poll_read_ready(cx))?;
            // Only now: a connection that says nothing holds no room.
            if self.buffer.capacity() < ROOM_MIN {
                self.buffer.reserve(READ_BYTES);
            }
            match stream.try_read_buf(&mut self.buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return Poll::Ready(read),
            }
        }
    }

    fn end(&mut self, why: HostError) -> Poll<Option<Result<Frame<bytes::Bytes>, HostError>>> {
        self.read = None;
        Poll::Ready(Some(Err(why)))
    }
}

impl http_body::Body for Received {
    type Data = bytes::Bytes;
    type Error = HostError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<bytes::Bytes>, HostError>>> {
        let this = self.get_mut();
        if this.read.is_none() {
            return Poll::Ready(None);
        }
        if let Poll::Ready(why) = Pin::new(&mut this.breaks).poll(cx) {
            // Without a reason, the node is stopping.
            return this.end(why.unwrap_or(HostError::Upstream(Failure::Cut)));
        }
        let Ok(bytes) = ready!(this.poll_read(cx)) else {
            return this.end(HostError::Upstream(Failure::Cut));
        };
        if bytes == 0 {
            this.read = None;
            return Poll::Ready(None);
        }
        this.pulse.moved();
        match this.left.checked_sub(bytes as u64) {
            Some(left) => this.left = left,
            None => return this.end(HostError::Upstream(Failure::TooLarge)),
        }
        Poll::Ready(Some(Ok(Frame::data(this.buffer.split().freeze()))))
    }

    fn is_end_stream(&self) -> bool {
        self.read.is_none()
    }
}
