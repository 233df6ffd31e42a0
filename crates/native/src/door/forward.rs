//! Granted TCP destinations: each is a listener of the jail's, and each connection to it an ask.

use super::accept::{self, Door};
use super::pipe::{Pipe, reset};
use crate::seat::Seat;
use bytes::Bytes;
use ports::host::{ConnectCall, Through};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::runtime::Handle;

/// Most connections of one process to one destination at a time.
const CONNECTIONS_MAX: usize = 128;

/// Carries every connection to a listener of the jail to `host` and `port`, until the door is dropped.
///
/// # Errors
/// The runtime does not take the listener.
pub(crate) fn forward(
    runtime: &Handle,
    listener: std::net::TcpListener,
    (host, port): (String, u16),
    seat: Arc<Seat>,
) -> std::io::Result<Door> {
    accept::open(runtime, listener, CONNECTIONS_MAX, move |stream| {
        let call = ConnectCall { host: host.clone(), port, through: Through::Tcp };
        carry(Arc::clone(&seat), call, stream)
    })
}

async fn carry(seat: Arc<Seat>, call: ConnectCall, stream: TcpStream) {
    match Pipe::open(&seat, call).await {
        Ok(pipe) => pipe.carry(&seat, Bytes::new(), stream).await,
        Err(error) => {
            tracing::debug!(%error, "a connection of a jail was not carried");
            // There are no words in a protocol that is not known. Why is in the function's log.
            reset(stream.into_split().1);
        }
    }
}
