//! Takes a header from a socket, and nothing behind it.

use super::{Header, read};
use std::io;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// Bytes that are looked at in one go.
const LOOK_BYTES: usize = 512;

/// Reads the header.
///
/// # Errors
/// What the socket says, its end included; `InvalidData` if this is no header.
pub(crate) async fn receive(socket: &mut TcpStream) -> io::Result<Header> {
    let mut bytes = Vec::new();
    let mut look = [0; LOOK_BYTES];
    loop {
        let count = socket.peek(&mut look).await?;
        let seen = look.get(..count).filter(|seen| !seen.is_empty());
        let seen = seen.ok_or(io::ErrorKind::UnexpectedEof)?;
        let before = bytes.len();
        bytes.extend(seen);
        let header = read(&bytes).map_err(|_| io::ErrorKind::InvalidData)?;
        // As long as it is not complete, everything that came belongs to it.
        let take = header.map_or(count, |header| header.length.saturating_sub(before));
        socket.read_exact(look.get_mut(..take).unwrap_or_default()).await?;
        if let Some(header) = header {
            return Ok(header);
        }
    }
}
