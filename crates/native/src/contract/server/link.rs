//! Connections to a function's server, and those that wait for the next call.
//!
//! Servers close what was idle for some seconds, and a process that was frozen closes it the moment
//! that it is thawed: just when the next call is sent. So a connection waits a second at most, which
//! is less than any server's own time; connecting to one's own loopback is cheap.

use super::body::Upload;
use super::{Process, With};
use crate::contract::task::Task;
use http::{HeaderMap, Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1};
use hyper_util::rt::TokioIo;
use model::Limits;
use parking_lot::Mutex;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::Instant;

/// Longest time that a connection waits for the next call.
const IDLE_MAX: Duration = Duration::from_secs(1);
/// Connections that waited and turned out to be closed, before a new one is made.
pub(super) const STALE_MAX: usize = 3;
/// Fields that servers send beside those that count: of the connection, the date.
const FIELDS_BESIDE: usize = 16;
/// Room in a head beside the fields that count.
const HEAD_BESIDE: usize = 4 << 10;
/// Smaller buffers make hyper panic.
const HEAD_MIN: usize = 8 << 10;

/// A connection. Dropping it closes it.
pub(super) struct Link {
    sender: http1::SendRequest<Upload>,
    _task: Task<()>,
    /// When its last answer ended.
    since: Instant,
}

/// What came of a request.
pub(super) type Sent = Result<Response<Incoming>, Box<TrySendError<Request<Upload>>>>;

impl Link {
    pub(super) async fn send(&mut self, request: Request<Upload>) -> Sent {
        self.sender.try_send_request(request).await.map_err(Box::new)
    }

    /// Whether it can take the next request: what it was used for is wholly done with, and nothing
    /// came behind it.
    async fn is_good(&mut self, only: bool) -> bool {
        (only || self.since.elapsed() < IDLE_MAX) && self.sender.ready().await.is_ok()
    }
}

/// All connections to one server.
pub(super) struct Links {
    process: Arc<dyn Process>,
    runtime: Handle,
    port: u16,
    fields: usize,
    head_bytes: usize,
    most: usize,
    /// Whether there is one connection for all time.
    only: bool,
    kept: Mutex<Vec<Link>>,
}

impl Links {
    pub(super) fn new(with: &With, port: u16, most: usize, limits: &Limits, only: bool) -> Self {
        let head_bytes = usize::try_from(limits.header_bytes).unwrap_or(usize::MAX);
        Self {
            process: Arc::clone(&with.process),
            runtime: with.runtime.clone(),
            port,
            fields: (limits.headers as usize).saturating_add(FIELDS_BESIDE),
            // Names and values count towards the limit; colons, spaces and line ends do not.
            head_bytes: head_bytes
                .saturating_add(4 * limits.headers as usize)
                .saturating_add(HEAD_BESIDE)
                .max(HEAD_MIN),
            most,
            only,
            kept: Mutex::default(),
        }
    }

    /// A connection that waited, if there is a good one.
    pub(super) async fn waiting(&self) -> Option<Link> {
        loop {
            // The lock is not held while something is waited for.
            let mut link = self.kept.lock().pop()?;
            if link.is_good(self.only).await {
                return Some(link);
            }
        }
    }

    /// Lets a connection wait for the next call.
    pub(super) fn keep(&self, mut link: Link, patience: Duration) {
        if patience < IDLE_MAX && !self.only {
            return;
        }
        link.since = Instant::now();
        let mut kept = self.kept.lock();
        if kept.len() < self.most {
            kept.push(link);
        }
    }

    pub(super) fn close(&self) {
        self.kept.lock().clear();
    }

    /// Whether the server listens: one try.
    pub(super) async fn reaches(&self) -> bool {
        self.process.connect(self.port).await.is_ok()
    }

    /// A new connection: one try.
    pub(super) async fn connect(&self) -> io::Result<Link> {
        let (process, port) = (Arc::clone(&self.process), self.port);
        // A socket belongs to the runtime that it was made on.
        let stream = Task::spawn(&self.runtime, async move { process.connect(port).await });
        let gone = || io::Error::other("the runtime of native functions has ended");
        let stream = stream.await.ok_or_else(gone)??;
        let (sender, connection) = http1::Builder::new()
            .max_headers(self.fields)
            .max_buf_size(self.head_bytes)
            .max_header_size(self.head_bytes)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        let task = Task::spawn(&self.runtime, async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, port, "a connection to a function's server ended");
            }
        });
        Ok(Link { sender, _task: task, since: Instant::now() })
    }
}

/// How long a server lets a connection wait, less what a message may be under way, as far as its
/// answer says it.
pub(super) fn patience(headers: &HeaderMap) -> Duration {
    let said = headers.get("keep-alive").and_then(|value| value.to_str().ok());
    let seconds = said.and_then(|said| {
        let mut parts = said.split(',').filter_map(|part| part.trim().split_once('='));
        parts.find(|(name, _)| name.trim().eq_ignore_ascii_case("timeout"))?.1.trim().parse().ok()
    });
    seconds.map_or(IDLE_MAX, |seconds: u64| Duration::from_secs(seconds.saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn a_server_can_ask_for_less_patience() {
        for (said, seconds) in
            [("timeout=5", 4), ("max=2, Timeout = 1", 0), ("timeout=0", 0), ("x", 1), ("", 1)]
        {
            let mut headers = HeaderMap::new();
            headers.insert("keep-alive", HeaderValue::from_static(said));
            assert_eq!(patience(&headers), Duration::from_secs(seconds), "{said}");
        }
        assert_eq!(patience(&HeaderMap::new()), IDLE_MAX);
    }
}
