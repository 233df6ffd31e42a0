//! The listeners of a node, and the public ones handed to the gateway.

use crate::settings::Settings;
use engine::Engine;
use gateway::{Aids, Door, Gateway};
use model::{Code, Problem};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use tls::Certificates;

/// Every address of a node, bound.
pub(crate) struct Listeners {
    gateway: TcpListener,
    tls: Option<TcpListener>,
    pub(crate) admin: TcpListener,
}

/// Where they are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Addresses {
    pub(crate) gateway: SocketAddr,
    pub(crate) tls: Option<SocketAddr>,
    pub(crate) admin: SocketAddr,
}

impl Listeners {
    /// Binds everything.
    ///
    /// # Errors
    /// `E0604` with the key and the address that is taken.
    pub(crate) fn bind(settings: &Settings) -> Result<Self, Problem> {
        let tls = settings.tls.as_ref().map(|tls| bind(tls.listen, "tls.listen"));
        Ok(Self {
            gateway: bind(settings.listen, "listen")?,
            tls: tls.transpose()?,
            admin: bind(settings.admin, "admin")?,
        })
    }

    pub(crate) fn addresses(&self) -> std::io::Result<Addresses> {
        Ok(Addresses {
            gateway: self.gateway.local_addr()?,
            tls: self.tls.as_ref().map(TcpListener::local_addr).transpose()?,
            admin: self.admin.local_addr()?,
        })
    }

    /// Starts the gateway on the public ones; gives back the admin listener.
    pub(crate) fn open(
        self,
        settings: &Settings,
        engine: Arc<Engine>,
        certificates: Option<&Arc<Certificates>>,
    ) -> std::io::Result<(gateway::Handle, TcpListener)> {
        let mut plain = Door::plain(self.gateway);
        let mut doors = Vec::new();
        if let (Some(listener), Some(all), Some(tls)) = (self.tls, certificates, &settings.tls) {
            if tls.redirect {
                let own = listener.local_addr()?.port();
                plain = plain.redirecting(tls.redirect_port.unwrap_or(own));
            }
            doors.push(Door::tls(listener, all.server_config()));
        }
        doors.insert(0, plain);
        let challenges = certificates.map(|all| Arc::new(Challenges(all.challenges())) as _);
        let aids = Aids { challenges, ..Aids::default() };
        let handle = Gateway::start(gateway_config(settings), engine, doors, aids)?;
        Ok((handle, self.admin))
    }
}

fn bind(address: SocketAddr, key: &str) -> Result<TcpListener, Problem> {
    let listener = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    listener.map_err(|error| {
        Problem::new(Code::AddressInUse).detail(format!("`{key}` {address}: {error}"))
    })
}

/// What the directory asks over plain HTTP, in the gateway's words.
struct Challenges(Arc<tls::Challenges>);

impl gateway::Challenges for Challenges {
    fn answer(&self, host: Option<&str>, token: &str) -> Option<String> {
        self.0.answer(host, token)
    }
}

fn gateway_config(settings: &Settings) -> gateway::Config {
    let mut config = gateway::Config::default();
    if settings.gateway.workers > 0 {
        config.workers = settings.gateway.workers;
    }
    config.connections_max = settings.gateway.connections;
    config.connections_per_address_max = settings.gateway.connections_per_address;
    config.head_timeout_ms = settings.gateway.head_timeout.ms;
    config.body_idle_ms = settings.gateway.body_idle.ms;
    config.idle_ms = settings.gateway.idle.ms;
    config
}
