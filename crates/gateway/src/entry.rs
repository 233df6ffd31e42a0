//! Where clients come in: the listeners, and what each of them speaks.

use crate::access::AccessLog;
use rustls::ServerConfig;
use std::net::TcpListener;
use std::sync::Arc;

/// One listener of the gateway.
pub struct Door {
    pub(crate) listener: TcpListener,
    pub(crate) manner: Manner,
}

/// How a door receives.
#[derive(Clone)]
pub(crate) struct Manner {
    /// TLS, if it is spoken here.
    pub(crate) tls: Option<Arc<ServerConfig>>,
    /// The port of the https addresses that everything is sent to from here.
    pub(crate) redirect: Option<u16>,
    /// HTTP/2 is spoken in the clear with who begins with it.
    pub(crate) h2c: bool,
    /// Connections begin with a header of the PROXY protocol.
    pub(crate) proxied: bool,
}

impl Manner {
    /// Whether HTTP/1.1 begins with the first byte.
    pub(crate) const fn is_bare(&self) -> bool {
        self.tls.is_none() && !self.h2c && !self.proxied
    }
}

impl Door {
    /// A door that speaks HTTP in the clear.
    #[must_use]
    pub const fn plain(listener: TcpListener) -> Self {
        Self::new(listener, None)
    }

    /// A door that speaks HTTP over TLS. The configuration brings certificates, the protocols that
    /// may be negotiated (`h2`, `http/1.1`, and `acme-tls/1` where it is used), and whether
    /// clients are asked for a certificate.
    #[must_use]
    pub const fn tls(listener: TcpListener, config: Arc<ServerConfig>) -> Self {
        Self::new(listener, Some(config))
    }

    const fn new(listener: TcpListener, tls: Option<Arc<ServerConfig>>) -> Self {
        Self { listener, manner: Manner { tls, redirect: None, h2c: false, proxied: false } }
    }

    /// Demands a header of the PROXY protocol, version 1 or 2, before anything else, from a
    /// trusted proxy. Everybody else is closed.
    #[must_use]
    pub const fn proxied(mut self) -> Self {
        self.manner.proxied = true;
        self
    }

    /// Speaks HTTP/2 in the clear too, with clients that know (RFC 9113, section 3.3).
    #[must_use]
    pub const fn with_h2c(mut self) -> Self {
        self.manner.h2c = true;
        self
    }

    /// Sends every request on to the https address of the same host, at this port. Challenges of
    /// certificate authorities are still answered here.
    #[must_use]
    pub const fn redirecting(mut self, port: u16) -> Self {
        self.manner.redirect = Some(port);
        self
    }
}

/// What the gateway uses beside the engine.
#[derive(Default)]
pub struct Aids {
    /// Who answers certificate authorities at doors that speak HTTP in the clear.
    pub challenges: Option<Arc<dyn Challenges>>,
    /// Where requests are written down.
    pub log: Option<Arc<AccessLog>>,
}

/// Answers to the HTTP-01 challenges of certificate authorities (RFC 8555, section 8.3).
pub trait Challenges: Send + Sync {
    /// The key authorization for this token, if it is expected at this host now. `host` is in
    /// lower case and has no port.
    fn answer(&self, host: Option<&str>, token: &str) -> Option<String>;
}
