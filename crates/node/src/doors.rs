//! The listeners of a node, and the public ones handed to the gateway.

use crate::clock::SystemClock;
use crate::settings::{ProxyProtocol, Settings};
use engine::Engine;
use gateway::{AccessLog, Aids, Door, Gateway};
use model::{Code, Problem};
use ports::Clock;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use tls::Certificates;

/// Every address of a node, bound.
pub(crate) struct Listeners {
    gateway: TcpListener,
    tls: Option<TcpListener>,
    pub(crate) admin: TcpListener,
    /// For those who call the node as AWS Lambda.
    pub(crate) compat: Option<TcpListener>,
}

/// Where they are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Addresses {
    pub(crate) gateway: SocketAddr,
    pub(crate) tls: Option<SocketAddr>,
    pub(crate) admin: SocketAddr,
    pub(crate) compat: Option<SocketAddr>,
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
            compat: compat(settings)?,
        })
    }

    pub(crate) fn addresses(&self) -> std::io::Result<Addresses> {
        Ok(Addresses {
            gateway: self.gateway.local_addr()?,
            tls: self.tls.as_ref().map(TcpListener::local_addr).transpose()?,
            admin: self.admin.local_addr()?,
            compat: self.compat.as_ref().map(TcpListener::local_addr).transpose()?,
        })
    }

    /// Starts the gateway on the public ones; gives back the admin listener and the one for those
    /// who call the node as AWS Lambda.
    pub(crate) fn open(
        self,
        settings: &Settings,
        engine: Arc<Engine>,
        certificates: Option<&Arc<Certificates>>,
        log: Option<Arc<AccessLog>>,
    ) -> std::io::Result<(gateway::Handle, TcpListener, Option<TcpListener>)> {
        let mut plain = plain_door(self.gateway, settings);
        let mut doors = Vec::new();
        if let (Some(listener), Some(all), Some(tls)) = (self.tls, certificates, &settings.tls) {
            if tls.redirect {
                let own = listener.local_addr()?.port();
                plain = plain.redirecting(tls.redirect_port.unwrap_or(own));
            }
            doors.push(behind_proxies(Door::tls(listener, all.server_config()), settings));
        }
        doors.insert(0, plain);
        let challenges = certificates.map(|all| Arc::new(Challenges(all.challenges())) as _);
        let aids = Aids { challenges, log };
        let handle = Gateway::start(gateway_config(settings), engine, doors, aids)?;
        Ok((handle, self.admin, self.compat))
    }
}

/// A taken address that nobody named keeps no node from starting: it may be another node's.
fn compat(settings: &Settings) -> Result<Option<TcpListener>, Problem> {
    let Some(compat) = &settings.compat else { return Ok(None) };
    match bind(compat.listen, "compat.listen") {
        Err(problem) if !compat.wanted => {
            tracing::warn!(%problem, "nobody can call this node as AWS Lambda; `--api ADDRESS` names another address");
            Ok(None)
        }
        bound => bound.map(Some),
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
    config.proxies = settings.gateway.proxies.clone();
    config.http2 = settings.gateway.http2.clone();
    config
}

/// A door for HTTP in the clear.
fn plain_door(listener: TcpListener, settings: &Settings) -> Door {
    let door = behind_proxies(Door::plain(listener), settings);
    if settings.gateway.h2c { door.with_h2c() } else { door }
}

/// What every public door has to know of proxies.
fn behind_proxies(door: Door, settings: &Settings) -> Door {
    match settings.gateway.proxy_protocol {
        ProxyProtocol::Off => door,
        ProxyProtocol::V1V2 => door.proxied(),
    }
}

/// The access log, if one is set.
///
/// # Errors
/// `E0721` if it cannot be opened.
pub(crate) fn access_log(settings: &Settings) -> Result<Option<Arc<AccessLog>>, Problem> {
    let Some(destination) = settings.gateway.access_log() else { return Ok(None) };
    let log = AccessLog::open(destination, Box::new(|| SystemClock.wall()));
    let log = log.map_err(|error| {
        let path = settings.gateway.access_log.escape_debug();
        Problem::new(Code::AccessLog)
            .detail(format!("`gateway.access_log` {path}: {error}"))
            .hint("name a file in a directory that the node may write, or `-` for standard error")
    })?;
    Ok(Some(Arc::new(log)))
}
