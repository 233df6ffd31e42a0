//! What a connection's bytes travel through: a socket, or TLS over one.

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// A stream of bytes over a TCP connection.
pub(crate) trait Channel: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// The socket itself, for what is done to a connection at its end.
    fn into_socket(self) -> TcpStream;
}

impl Channel for TcpStream {
    fn into_socket(self) -> TcpStream {
        self
    }
}

impl Channel for TlsStream<TcpStream> {
    fn into_socket(self) -> TcpStream {
        self.into_inner().0
    }
}
