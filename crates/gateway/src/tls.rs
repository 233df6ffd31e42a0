//! The handshake: from a socket to a stream of clear bytes, within the time that a head has.
//!
//! Invariant: a failed handshake costs its client the connection, and the log one debug line.

use crate::answer;
use crate::line::Line;
use model::{Code, Problem};
use rustls::{ProtocolVersion, ServerConfig};
use std::io;
use std::sync::Arc;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// What a certificate authority negotiates to look at a certificate (RFC 8737).
const CHALLENGE: &[u8] = b"acme-tls/1";
/// Every TLS record that can come first has this type (RFC 8446, section 5.1).
const HANDSHAKE_RECORD: u8 = 22;
/// What came of a handshake.
pub(crate) enum Greeting {
    /// A client that speaks HTTP/1.1.
    Http1(TlsStream<TcpStream>),
    /// A client that speaks HTTP/2.
    Http2(TlsStream<TcpStream>),
    /// Somebody who saw the certificate and wants nothing else.
    Seen(TlsStream<TcpStream>),
    /// A client that does not speak TLS; it was told so.
    Clear(TcpStream),
}

/// Greets a client.
///
/// # Errors
/// What rustls or the socket says.
pub(crate) async fn greet(
    config: Arc<ServerConfig>,
    mut socket: TcpStream,
    line: &Line,
) -> io::Result<Greeting> {
    let mut first = [0];
    if socket.peek(&mut first).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    line.head_begins();
    if first != [HANDSHAKE_RECORD] {
        // Most often it is HTTP, which understands the answer.
        let problem = Problem::new(Code::TlsOnly).detail("this port speaks TLS: write https://");
        socket.write_all(&answer::written(&problem.into())).await?;
        return Ok(Greeting::Clear(socket));
    }
    let stream = TlsAcceptor::from(config).accept(socket).await?;
    Ok(match stream.get_ref().1.alpn_protocol() {
        Some(b"h2") => Greeting::Http2(stream),
        Some(CHALLENGE) => Greeting::Seen(stream),
        _ => Greeting::Http1(stream),
    })
}

/// What a handshake came to.
pub(crate) struct Tls {
    pub(crate) version: &'static str,
    /// The certificate that the client proved to hold, in DER.
    pub(crate) certificate: Option<Arc<[u8]>>,
}

impl Tls {
    pub(crate) fn of(stream: &TlsStream<TcpStream>) -> Self {
        let connection = stream.get_ref().1;
        let version = match connection.protocol_version() {
            Some(ProtocolVersion::TLSv1_3) => "1.3",
            Some(ProtocolVersion::TLSv1_2) => "1.2",
            _ => "unknown",
        };
        let leaf = connection.peer_certificates().and_then(|chain| chain.first());
        Self { version, certificate: leaf.map(|leaf| Arc::from(leaf.as_ref())) }
    }
}
