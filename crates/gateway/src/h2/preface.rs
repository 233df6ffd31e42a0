//! Whether a client speaks HTTP/2 in the clear, without having asked (RFC 9113, section 3.3).

use super::frames::PREFACE;
use std::io;
use std::time::Duration;
use tokio::net::TcpStream;

/// No method of HTTP/1.1 begins like this and goes on like a preface.
const ENOUGH: usize = 16;
/// How long to wait for the rest of a beginning that could be either.
const WAIT: Duration = Duration::from_millis(5);

/// Looks at the first bytes without taking them.
///
/// # Errors
/// What the socket says, its end included.
pub(crate) async fn is_announced(socket: &TcpStream) -> io::Result<bool> {
    let mut bytes = [0; ENOUGH];
    loop {
        let count = socket.peek(&mut bytes).await?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if PREFACE.get(..count) != bytes.get(..count) {
            return Ok(false);
        }
        if count == ENOUGH {
            return Ok(true);
        }
        tokio::time::sleep(WAIT).await;
    }
}
