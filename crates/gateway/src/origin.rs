//! Who is at the other end of a connection, and how it came here.

use crate::door::Inbound;
use engine::RequestBody;
use http::Request;
use std::net::IpAddr;
use std::sync::Arc;

/// What a connection says about all its requests.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    /// The address of the socket's other end.
    pub(crate) peer: IpAddr,
    /// The bytes on the wire are encrypted.
    pub(crate) secure: bool,
    /// The client's certificate, in DER, if it proved to hold one.
    pub(crate) certificate: Option<Arc<[u8]>>,
    /// Where requests of this door are sent on to: the port of https.
    pub(crate) redirect: Option<u16>,
    /// It carries many requests at once: HTTP/2.
    pub(crate) multiplexed: bool,
}

impl Origin {
    /// A client that came over plain TCP.
    pub(crate) const fn new(peer: IpAddr, redirect: Option<u16>) -> Self {
        Self { peer, secure: false, certificate: None, redirect, multiplexed: false }
    }

    /// The same client behind TLS, with the certificate that it proved to hold.
    pub(crate) fn encrypted(&self, certificate: Option<Arc<[u8]>>) -> Self {
        Self { secure: true, certificate, ..self.clone() }
    }

    /// The same client, speaking HTTP/2.
    pub(crate) fn multiplexed(&self) -> Self {
        Self { multiplexed: true, ..self.clone() }
    }

    /// A request that came this way.
    pub(crate) fn inbound(&self, request: Request<RequestBody>) -> Inbound {
        let certificate = self.certificate.clone();
        Inbound { request, peer: self.peer, secure: self.secure, certificate }
    }
}
