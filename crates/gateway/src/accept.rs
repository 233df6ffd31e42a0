//! Accepts connections and gives each to the worker that has the fewest.
//!
//! Invariant: when draining, connections that the kernel completed before the listener closes are
//! accepted and served.

use crate::census::{Admission, Census};
use crate::control::{Control, Load, Phase};
use crate::entry::Manner;
use crate::worker::Arrival;
use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;

type Accepted = io::Result<(tokio::net::TcpStream, SocketAddr)>;

/// How long to wait when the process has no descriptor or memory left.
const EXHAUSTED_WAIT: Duration = Duration::from_millis(50);

/// One listener.
pub(crate) struct Listener {
    pub(crate) listener: tokio::net::TcpListener,
    /// The same socket, to ask without waiting.
    pub(crate) queue: TcpListener,
    pub(crate) manner: Manner,
}

pub(crate) struct Acceptor {
    pub(crate) listeners: Vec<Listener>,
    pub(crate) control: Arc<Control>,
    pub(crate) census: Arc<Census>,
    /// One for each worker, in the order of `control.workers`.
    pub(crate) workers: Vec<UnboundedSender<Arrival>>,
}

impl Acceptor {
    /// Accepts until the gateway drains or stops.
    pub(crate) async fn run(self) {
        let control = Arc::clone(&self.control);
        // Whoever was asked last is asked first no more, so that no door shuts out another.
        let mut first = 0;
        loop {
            tokio::select! {
                biased;
                () = control.acceptor.notified() => match control.phase() {
                    Phase::Running => {}
                    Phase::Draining => return self.sweep(),
                    Phase::Aborting => return,
                },
                () = self.accept(&mut first) => {}
            }
        }
    }

    async fn accept(&self, first: &mut usize) {
        let (listener, accepted) = poll_fn(|cx| self.poll_accept(cx, first)).await;
        // Each worker has a runtime of its own, where the connection is registered again.
        match accepted.and_then(|(socket, peer)| Ok((socket.into_std()?, peer))) {
            Ok((socket, peer)) => self.hand_over(listener, socket, peer),
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "no connection can be accepted");
                tokio::time::sleep(EXHAUSTED_WAIT).await;
            }
        }
    }

    fn poll_accept(&self, cx: &mut Context<'_>, first: &mut usize) -> Poll<(&Listener, Accepted)> {
        let count = self.listeners.len();
        for step in 0..count {
            let at = (*first + step) % count;
            if let Some(listener) = self.listeners.get(at)
                && let Poll::Ready(accepted) = listener.listener.poll_accept(cx)
            {
                *first = at + 1;
                return Poll::Ready((listener, accepted));
            }
        }
        Poll::Pending
    }

    /// Accepts what is queued already.
    fn sweep(self) {
        for listener in &self.listeners {
            loop {
                match listener.queue.accept() {
                    Ok((socket, peer)) => self.hand_over(listener, socket, peer),
                    Err(error) if is_of_one_connection(&error) => {}
                    Err(_empty) => break,
                }
            }
        }
    }

    fn hand_over(&self, listener: &Listener, socket: TcpStream, peer: SocketAddr) {
        if let Err(error) = socket.set_nonblocking(true).and_then(|()| socket.set_nodelay(true)) {
            tracing::debug!(%error, "a connection ended before it began");
            return;
        }
        let peer = peer.ip().to_canonical();
        let (mut seat, refused) = match self.census.admit(peer) {
            Admission::Served(seat) => (seat, None),
            Admission::Refused(seat, violation) => (seat, Some(violation)),
            Admission::Closed => return,
        };
        let Some((load, worker)) = self.least_busy() else { return };
        seat.assign(load);
        let manner = listener.manner.clone();
        // A worker that is gone drops the connection, and the seat with it.
        let _ = worker.send(Arrival { socket, peer, seat, manner, refused });
    }

    fn least_busy(&self) -> Option<(&Arc<Load>, &UnboundedSender<Arrival>)> {
        let workers = self.control.workers.iter().zip(&self.workers);
        workers.min_by_key(|(load, _)| load.connections.load(Ordering::Acquire))
    }
}

/// Whether an error says something about the connection that was to be accepted, and nothing
/// about the listener (accept(2)).
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind;
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionRefused
            | ErrorKind::Interrupted
    )
}
