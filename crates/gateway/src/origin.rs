//! Who is at the other end of a connection, and how it came here.

use crate::door::Inbound;
use crate::forwarded::{self, Words};
use crate::proxies::Proxies;
use crate::reserved;
use crate::tls::Tls;
use engine::RequestBody;
use http::Request;
use std::net::IpAddr;
use std::sync::Arc;

/// What a connection says about all its requests.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    /// The client's address, or that of the last proxy before the node.
    pub(crate) peer: IpAddr,
    /// The bytes are encrypted on their way here.
    pub(crate) secure: bool,
    /// The client's certificate, in DER, if it proved to hold one.
    pub(crate) certificate: Option<Arc<[u8]>>,
    /// Where requests of this door are sent on to: the port of https.
    pub(crate) redirect: Option<u16>,
    /// The version of TLS that is spoken.
    pub(crate) tls: Option<&'static str>,
    /// It carries many requests at once: HTTP/2.
    pub(crate) multiplexed: bool,
    /// What functions are told of it.
    words: Words,
}

impl Origin {
    /// A client that came over plain TCP.
    pub(crate) fn new(peer: IpAddr, redirect: Option<u16>) -> Self {
        let words = Words::of(peer, false);
        Self {
            peer,
            secure: false,
            certificate: None,
            redirect,
            tls: None,
            multiplexed: false,
            words,
        }
    }

    /// The client that a proxy speaks for.
    pub(crate) fn behind(&self, peer: IpAddr, secure: bool) -> Self {
        let secure = secure || self.secure;
        Self { peer, secure, words: Words::of(peer, secure), ..self.clone() }
    }

    /// The same client behind TLS, with the certificate that it proved to hold.
    pub(crate) fn encrypted(&self, tls: Tls) -> Self {
        let Tls { version, certificate } = tls;
        Self { certificate, tls: Some(version), ..self.behind(self.peer, true) }
    }

    /// The same client, speaking HTTP/2.
    pub(crate) fn multiplexed(&self) -> Self {
        Self { multiplexed: true, ..self.clone() }
    }

    /// A request that came this way. What it said about its way is gone, and said anew.
    pub(crate) fn inbound(&self, request: Request<RequestBody>, proxies: &Proxies) -> Inbound {
        let (mut parts, body) = request.into_parts();
        let is_event = engine::takes_events(&parts.method, parts.uri.path());
        let headers = &mut parts.headers;
        let peer = if proxies.trust(self.peer) {
            let client = forwarded::client(headers, self, proxies);
            let peer = client.peer;
            reserved::strip(headers, is_event);
            client.introduce(headers);
            peer
        } else {
            reserved::strip(headers, is_event);
            self.words.say(headers);
            self.peer
        };
        let certificate = self.certificate.clone();
        Inbound { request: Request::from_parts(parts, body), peer, certificate, noted: None }
    }
}
