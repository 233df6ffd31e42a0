//! Closes a connection so that the client can read the last answer.
//!
//! Closing a socket while bytes of the client wait in it makes the kernel send a reset, and a
//! reset may overtake the answer (RFC 9112, section 9.6). So what still comes is read and thrown
//! away for a while.

use crate::channel::Channel;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// How long.
const LINGER: Duration = Duration::from_millis(1_000);
/// How much: more than a request body may have by default.
const LINGER_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Says goodbye, and waits until the client has too, or has had its chance.
pub(crate) async fn close(mut channel: impl Channel) {
    let goodbye = async {
        channel.shutdown().await?;
        // Nobody needs to know what the rest says, so it is not decrypted either.
        let mut socket = channel.into_socket();
        let mut waste = vec![0; 16 * 1024];
        let mut left = LINGER_BYTES_MAX;
        while left > 0 {
            match socket.read(&mut waste).await? {
                0 => break,
                count => left = left.saturating_sub(count),
            }
        }
        std::io::Result::Ok(())
    };
    if let Ok(Err(error)) = tokio::time::timeout(LINGER, goodbye).await {
        tracing::trace!(%error, "a connection ended while it was closed");
    }
}

/// Says goodbye to a client that is silent.
pub(crate) async fn leave(mut channel: impl Channel) {
    // With TLS there is something to say; whoever does not take it in time is left without.
    let _ = tokio::time::timeout(LINGER, channel.shutdown()).await;
}

/// Ends a connection so that nobody takes what was sent for the whole.
pub(crate) fn reset(channel: impl Channel) {
    let socket = channel.into_socket();
    if let Err(error) = socket.set_zero_linger() {
        tracing::trace!(%error, "a connection could not be reset");
    }
    drop(socket);
}
