//! What comes before a connection's first request where a door wants more than TCP.

use crate::berth::Berth;
use crate::connection::{self, in_time};
use crate::desk::Desk;
use crate::door::Invoke;
use crate::entry::Manner;
use crate::h2;
use crate::handshakes::Obstacle;
use crate::line::Line;
use crate::linger;
use crate::origin::Origin;
use crate::proxy;
use crate::tls::{self, Greeting, Tls};
use hyper::server::conn::http1::Builder;
use rustls::ServerConfig;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::net::TcpStream;

/// A connection that is not served yet.
pub(crate) struct Visit<E> {
    pub(crate) desk: Arc<Desk<E>>,
    pub(crate) builder: Builder,
    pub(crate) manner: Manner,
    pub(crate) line: Arc<Line>,
    pub(crate) berth: Berth,
}

impl<E: Invoke> Visit<E> {
    /// Finds out what the client speaks, and serves it.
    pub(crate) async fn receive(mut self, mut socket: TcpStream) {
        if self.manner.proxied
            && let Err(why) = self.introduce(&mut socket).await
        {
            self.line.load.introductions_failed.fetch_add(1, Ordering::Relaxed);
            tracing::debug!(peer = %self.line.origin.peer, why, "a proxy's connection is closed");
            return;
        }
        match self.manner.tls.take() {
            Some(config) => self.shake_hands(config, socket).await,
            None if self.manner.h2c => self.listen(socket).await,
            None => connection::host(self.desk, self.builder, socket, self.line, self.berth).await,
        }
    }

    /// Hears from a proxy who its client is.
    async fn introduce(&mut self, socket: &mut TcpStream) -> Result<(), &'static str> {
        if !self.desk.config.proxies.trust(self.line.origin.peer) {
            return Err("it is none of a trusted proxy");
        }
        let header = in_time(&self.line, proxy::receive(socket)).await;
        let header = header.ok_or("its header did not come in time")?;
        let header = header.map_err(|_| "it does not begin with a header of the PROXY protocol")?;
        if let Some(peer) = header.source {
            let claimed = self.berth.claim(peer);
            self.go_on(self.line.origin.behind(peer, header.secure));
            if let Err(violation) = claimed {
                self.line.refuse(violation);
            }
        }
        Ok(())
    }

    async fn shake_hands(mut self, config: Arc<ServerConfig>, socket: TcpStream) {
        let greeting = in_time(&self.line, tls::greet(config, socket, &self.line)).await;
        match greeting.unwrap_or_else(|| Err(io::ErrorKind::TimedOut.into())) {
            Ok(Greeting::Http1(stream)) => {
                self.go_on(self.line.origin.encrypted(Tls::of(&stream)));
                connection::host(self.desk, self.builder, stream, self.line, self.berth).await;
            }
            Ok(Greeting::Http2(stream)) => {
                let origin = self.line.origin.encrypted(Tls::of(&stream));
                self.go_on(origin.multiplexed());
                h2::serve(self.desk, stream, self.line).await;
            }
            Ok(Greeting::Seen(stream)) => linger::leave(stream).await,
            Ok(Greeting::Clear(socket)) => {
                self.line.load.handshakes.count(Obstacle::Clear);
                linger::close(socket).await;
            }
            Err(error) => {
                let obstacle = Obstacle::of(&error);
                self.line.load.handshakes.count(obstacle);
                let peer = self.line.origin.peer;
                tracing::debug!(%peer, %error, ?obstacle, "a TLS handshake failed");
            }
        }
    }

    /// In the clear, HTTP/2 is spoken with who begins with it.
    async fn listen(mut self, socket: TcpStream) {
        match in_time(&self.line, h2::is_announced(&socket)).await {
            Some(Ok(true)) => {
                self.go_on(self.line.origin.multiplexed());
                h2::serve(self.desk, socket, self.line).await;
            }
            Some(Ok(false)) => {
                connection::host(self.desk, self.builder, socket, self.line, self.berth).await;
            }
            Some(Err(_)) | None => {}
        }
    }

    /// More is known of the client now.
    fn go_on(&mut self, origin: Origin) {
        self.line = Arc::new(self.line.next(origin));
        self.berth.change(&self.line);
    }
}
