//! Connections, and the tasks that move their bytes.

use crate::upload::Upload;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use hyper::rt::{Read, Write};
use hyper_util::rt::TokioTimer;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::task::Task;

/// Requests that one connection of HTTP/2 carries at a time.
const STREAMS: usize = 32;
/// What a server may send of one reply before somebody takes it, over HTTP/2.
const STREAM_WINDOW: u32 = 64 << 10;
/// All windows of a connection together, so that replies nobody takes do not stop the others.
const CONNECTION_WINDOW: u32 = STREAM_WINDOW * 32;
/// How long a connection of HTTP/2 may be silent while a reply is waited for, before it is asked
/// whether it lives.
const PING: Duration = Duration::from_secs(20);
/// How long that answer may take.
const PONG: Duration = Duration::from_secs(20);

/// What came of a request.
pub(crate) type Sent = Result<Response<Incoming>, TrySendError<Request<Upload>>>;

/// A connection of HTTP/1.1. Dropping it closes it.
pub(crate) struct One {
    sender: http1::SendRequest<Upload>,
    _task: Task<()>,
    /// Where it leads: the address that was checked.
    pub(crate) address: SocketAddr,
    pub(crate) made: Instant,
}

/// A connection of HTTP/2. Dropping its last share closes it.
pub(crate) struct Two {
    sender: http2::SendRequest<Upload>,
    /// Its tasks live as long as this.
    _open: watch::Sender<()>,
    pub(crate) address: SocketAddr,
    pub(crate) made: Instant,
    streams: AtomicUsize,
    retired: AtomicBool,
}

/// One request's share of a connection of HTTP/2.
pub(crate) struct Stream(Arc<Two>);

/// A connection, as it was made.
pub(crate) enum Link {
    One(One),
    Two(Arc<Two>),
}

impl One {
    pub(crate) async fn new(
        io: impl Read + Write + Unpin + Send + 'static,
        head_bytes: usize,
        address: SocketAddr,
        runtime: &Handle,
    ) -> hyper::Result<Self> {
        let mut builder = http1::Builder::new();
        // Smaller ones make hyper panic.
        let head_bytes = head_bytes.max(8 << 10);
        builder.max_buf_size(head_bytes).max_header_size(head_bytes);
        let (sender, connection) = builder.handshake(io).await?;
        let task = Task::spawn(runtime, async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, %address, "a connection ended");
            }
        });
        Ok(Self { sender, _task: task, address, made: Instant::now() })
    }

    /// Waits until the reply before is wholly done with. `false` if the connection is closed.
    pub(crate) async fn ready(&mut self) -> bool {
        self.sender.ready().await.is_ok()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    pub(crate) async fn send(&mut self, request: Request<Upload>) -> Sent {
        self.sender.try_send_request(request).await
    }
}

impl Two {
    pub(crate) async fn new(
        io: impl Read + Write + Unpin + Send + 'static,
        head_bytes: usize,
        address: SocketAddr,
        runtime: &Handle,
    ) -> hyper::Result<Arc<Self>> {
        let (open, seen) = watch::channel(());
        let beside = Beside { runtime: runtime.clone(), open: seen };
        let mut builder = http2::Builder::new(beside.clone());
        builder
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(u32::try_from(head_bytes).unwrap_or(u32::MAX))
            .max_send_buf_size(64 << 10)
            .keep_alive_interval(PING)
            .keep_alive_timeout(PONG);
        let (sender, connection) = builder.handshake(io).await?;
        hyper::rt::Executor::execute(&beside, async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, %address, "a connection ended");
            }
        });
        Ok(Arc::new(Self {
            sender,
            _open: open,
            address,
            made: Instant::now(),
            streams: AtomicUsize::new(0),
            retired: AtomicBool::new(false),
        }))
    }

    /// A share for one more request, if there is room. Callers hold the pool's lock.
    pub(crate) fn share(self: &Arc<Self>) -> Option<Stream> {
        let free = self.streams.load(Ordering::Acquire) < STREAMS && !self.is_over();
        free.then(|| {
            self.streams.fetch_add(1, Ordering::AcqRel);
            Stream(Arc::clone(self))
        })
    }

    /// No further request is sent on it. It closes when the last one is done.
    pub(crate) fn retire(&self) {
        self.retired.store(true, Ordering::Release);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.retired.load(Ordering::Acquire) || self.sender.is_closed()
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.streams.load(Ordering::Acquire) == 0
    }
}

impl Stream {
    pub(crate) async fn send(&self, request: Request<Upload>) -> Sent {
        self.0.sender.clone().try_send_request(request).await
    }

    pub(crate) fn retire(&self) {
        self.0.retire();
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.address
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Runs the tasks of one connection, all of which end with it.
#[derive(Clone)]
struct Beside {
    runtime: Handle,
    open: watch::Receiver<()>,
}

impl<F> hyper::rt::Executor<F> for Beside
where
    F: Future + Send + 'static,
{
    fn execute(&self, work: F) {
        let mut open = self.open.clone();
        let work: Pin<Box<dyn Future<Output = F::Output> + Send>> = Box::pin(work);
        self.runtime.spawn(async move {
            tokio::select! {
                _ = work => {}
                _ = open.changed() => {}
            }
        });
    }
}
