//! What comes before a connection's first request where a door wants more than TCP.

use crate::berth::Berth;
use crate::connection::{self, in_time};
use crate::desk::Desk;
use crate::door::Invoke;
use crate::line::Line;
use crate::linger;
use crate::tls::{self, Greeting};
use hyper::server::conn::http1::Builder;
use rustls::ServerConfig;
use std::io;
use std::sync::Arc;
use tokio::net::TcpStream;

/// Shakes hands with a client, and serves it.
pub(crate) async fn receive<E: Invoke>(
    desk: Arc<Desk<E>>,
    builder: Builder,
    config: Arc<ServerConfig>,
    socket: TcpStream,
    line: Arc<Line>,
    berth: Berth,
) {
    let greeting = in_time(&line, tls::greet(config, socket, &line)).await;
    match greeting.unwrap_or_else(|| Err(io::ErrorKind::TimedOut.into())) {
        Ok(Greeting::Http1(stream)) => {
            let origin = line.origin.encrypted(tls::certificate(&stream));
            let line = Arc::new(line.next(origin));
            berth.change(&line);
            connection::serve(desk, builder, stream, line).await;
        }
        Ok(Greeting::Seen(stream)) => linger::leave(stream).await,
        Ok(Greeting::Clear(socket)) => linger::close(socket).await,
        Err(error) => {
            line.load.handshakes_failed.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            tracing::debug!(%error, "a TLS handshake failed");
        }
    }
}
