//! What comes through a tunnel that a process asked its proxy for.
//!
//! Its first byte says whether it is TLS. If the host lets it pass without looking inside, that is what
//! happens. If not, TLS ends here, under a certificate of the jail's authority, and what is inside is
//! requests like all others.

use super::api;
use super::ask::note;
use super::carry::within;
use super::hello::{self, HANDSHAKE, HELLO_BYTES_MAX, Hello};
use super::pipe::Pipe;
use super::proxy::{Desk, Passing};
use super::rewound::Rewound;
use super::serve::{one, two};
use super::target::{Target, spelled};
use crate::seat::Seat;
use bytes::{Bytes, BytesMut};
use http::uri::Scheme;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use ports::host::{Body, ConnectCall, Through};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// Longest time until a tunnel's first message is there, and again until TLS is agreed on.
const PATIENCE: Duration = Duration::from_secs(30);
/// An alert: `unrecognized_name` (RFC 6066, section 3).
const UNRECOGNIZED_NAME: u8 = 112;
/// An alert: `decode_error` (RFC 8446, section 6.2).
const DECODE_ERROR: u8 = 50;

/// Serves a tunnel to its end. `read` came already.
pub(super) async fn serve(desk: &Desk, target: &Target, read: Bytes, mut stream: TcpStream) {
    let mut begun = BytesMut::from(&read[..]);
    let first = timeout(PATIENCE, first(&mut stream, &mut begun)).await;
    let again = |begun: BytesMut, stream| Rewound::new(begun.freeze(), stream);
    match first {
        Ok(First::Tls(hello)) if is_for(&hello, target) => {
            match opaque(desk, &hello, target).await {
                Some(pipe) => pipe.carry(&desk.seat, begun.freeze(), stream).await,
                None => terminated(desk, target, again(begun, stream)).await,
            }
        }
        Ok(First::Tls(hello)) => {
            let name = hello.server_name.unwrap_or_default();
            note(&desk.seat, format!("E0932: TLS through a tunnel to {target} names {name}"));
            refuse(stream, UNRECOGNIZED_NAME).await;
        }
        Ok(First::Broken) => {
            note(&desk.seat, format!("E0931: what came through a tunnel to {target} is no TLS"));
            refuse(stream, DECODE_ERROR).await;
        }
        Ok(First::Plain) => plain(desk, Scheme::HTTP, target, again(begun, stream)).await,
        Ok(First::Nothing) | Err(_) => {}
    }
}

/// A handshake that names no host is for the tunnel's.
fn is_for(hello: &Hello, target: &Target) -> bool {
    hello.server_name.as_ref().is_none_or(|name| spelled(name) == target.host)
}

/// Asks for a connection that nobody looks into. Only what names the tunnel's host, and cannot mean
/// another that we do not see, may have one; whatever stands against it, the requests inside are told.
async fn opaque(desk: &Desk, hello: &Hello, target: &Target) -> Option<Pipe> {
    let passing = desk.passing == Passing::Permitted;
    if !passing || hello.server_name.is_none() || hello.encrypted {
        return None;
    }
    let (host, port) = (target.host.clone(), target.port);
    let call = ConnectCall { host, port, through: Through::Opaque };
    Pipe::open(&desk.seat, call).await.ok()
}

/// How a tunnel begins.
enum First {
    Tls(Hello),
    /// It begins like TLS, and is not.
    Broken,
    Plain,
    Nothing,
}

/// Reads as much as tells how a tunnel begins.
async fn first(stream: &mut (impl AsyncRead + Unpin), begun: &mut BytesMut) -> First {
    loop {
        match begun.first() {
            Some(&HANDSHAKE) => match hello::read(begun) {
                Ok(Some(hello)) => return First::Tls(hello),
                Ok(None) if begun.len() <= HELLO_BYTES_MAX => {}
                Ok(None) | Err(_) => return First::Broken,
            },
            Some(_) => return First::Plain,
            None => {}
        }
        match stream.read_buf(begun).await {
            Ok(length) if length > 0 => {}
            _ => return First::Nothing,
        }
    }
}

async fn terminated(desk: &Desk, target: &Target, stream: Rewound<TcpStream>) {
    let config = match desk.authority.server(&target.host) {
        Ok(config) => config,
        Err(error) => return tracing::debug!(%error, "a tunnel cannot speak TLS"),
    };
    let agreed = timeout(PATIENCE, TlsAcceptor::from(config).accept(stream)).await;
    let stream = match agreed {
        Ok(Ok(stream)) => stream,
        // Most of the time it does not trust its jail's authority, and looks at no variable.
        Ok(Err(error)) => {
            let advice = "clients that bring authorities of their own trust those of SSL_CERT_FILE";
            return note(&desk.seat, format!("TLS with {target} failed: {error}; {advice}"));
        }
        Err(_) => return,
    };
    if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
        return plain(desk, Scheme::HTTPS, target, stream).await;
    }
    // A request of HTTP/2 is a task, so it owns what it needs.
    let (seat, target) = (std::sync::Arc::clone(&desk.seat), target.clone());
    let service = service_fn(move |request: Request<Incoming>| {
        let (seat, target) = (std::sync::Arc::clone(&seat), target.clone());
        async move {
            Ok::<_, std::convert::Infallible>(inside(&seat, Scheme::HTTPS, &target, request).await)
        }
    });
    if let Err(error) = two().serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "a connection through a tunnel ended");
    }
}

async fn plain<S>(desk: &Desk, scheme: Scheme, target: &Target, stream: S)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(|request: Request<Incoming>| {
        let scheme = scheme.clone();
        async move {
            Ok::<_, std::convert::Infallible>(inside(&desk.seat, scheme, target, request).await)
        }
    });
    if let Err(error) = one().serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "a connection through a tunnel ended");
    }
}

/// Answers a request that came through. Who uses the proxy for everything finds our own interface, too.
async fn inside(
    seat: &Seat,
    scheme: Scheme,
    target: &Target,
    request: Request<Incoming>,
) -> Response<Body> {
    if scheme == Scheme::HTTP && api::is_host(&target.host) {
        return api::answer(seat, request).await;
    }
    within(seat, scheme, target, request).await
}

/// Says why in the words of TLS, and ends.
async fn refuse(mut stream: TcpStream, alert: u8) {
    let fatal = [21, 3, 3, 0, 2, 2, alert];
    if stream.write_all(&fatal).await.is_ok() {
        let _ = stream.shutdown().await;
        // What is not read when a socket is closed takes with it what was sent.
        let _ =
            timeout(Duration::from_secs(1), tokio::io::copy(&mut stream, &mut tokio::io::sink()))
                .await;
    }
}
