//! `[gateway]`: the public listener.

use super::http2;
use super::network::Network;
use super::pick::Pick;
use ::gateway::{Config, Destination, Http2, Proxies, Says};
use model::unit::Duration;
use model::{Code, Problem};
use serde::Deserialize;
use std::fmt;

/// The keys in the file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    workers: Option<usize>,
    connections: Option<usize>,
    connections_per_address: Option<usize>,
    head_timeout: Option<Duration>,
    body_idle: Option<Duration>,
    idle: Option<Duration>,
    trusted_proxies: Option<Vec<Network>>,
    forwarded_header: Option<ForwardedHeader>,
    proxy_protocol: Option<ProxyProtocol>,
    h2c: Option<bool>,
    access_log: Option<String>,
    #[serde(default)]
    http2: http2::File,
}

/// Where trusted proxies name their clients.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ForwardedHeader {
    #[default]
    XForwardedFor,
    Forwarded,
}

/// Whether connections begin with a header of the PROXY protocol.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProxyProtocol {
    /// They do not.
    #[default]
    Off,
    /// They do, in version 1 or 2.
    V1V2,
}

/// What is in force.
#[derive(Debug, Clone)]
pub struct Gateway {
    /// Worker threads; 0 is one for each core.
    pub workers: usize,
    /// Open connections.
    pub connections: usize,
    /// Open connections from one address.
    pub connections_per_address: usize,
    /// How long a request's headers may take.
    pub head_timeout: Duration,
    /// How long a request's body may be silent.
    pub body_idle: Duration,
    /// How long a connection may be silent between requests.
    pub idle: Duration,
    /// Proxies that are believed.
    pub proxies: Proxies,
    /// Whether they introduce connections.
    pub proxy_protocol: ProxyProtocol,
    /// Whether HTTP/2 is spoken in the clear.
    pub h2c: bool,
    /// Where requests are written down; `off`, `-` or a path.
    pub access_log: String,
    /// What one HTTP/2 connection may do.
    pub http2: Http2,
}

impl Gateway {
    pub(super) fn pick(pick: &mut Pick, file: &File) -> Self {
        let default = Config::default();
        let ms = |ms| Duration { ms };
        Self {
            workers: pick.of("gateway.workers", default.workers, file.workers),
            connections: pick.of("gateway.connections", default.connections_max, file.connections),
            connections_per_address: pick.of(
                "gateway.connections_per_address",
                default.connections_per_address_max,
                file.connections_per_address,
            ),
            head_timeout: pick.of(
                "gateway.head_timeout",
                ms(default.head_timeout_ms),
                file.head_timeout,
            ),
            body_idle: pick.of("gateway.body_idle", ms(default.body_idle_ms), file.body_idle),
            idle: pick.of("gateway.idle", ms(default.idle_ms), file.idle),
            proxies: proxies(pick, file),
            proxy_protocol: pick.of(
                "gateway.proxy_protocol",
                ProxyProtocol::default(),
                file.proxy_protocol,
            ),
            h2c: pick.of("gateway.h2c", false, file.h2c),
            access_log: pick.of("gateway.access_log", "off".to_owned(), file.access_log.clone()),
            http2: http2::pick(pick, &file.http2),
        }
    }

    /// Where requests are written down, if anywhere.
    pub(crate) fn access_log(&self) -> Option<Destination> {
        match self.access_log.as_str() {
            "off" => None,
            "-" => Some(Destination::Stderr),
            path => Some(Destination::File(path.into())),
        }
    }

    pub(super) fn check(&self) -> Result<(), Problem> {
        if let Some(network) = self.proxies.trusted.iter().find(|one| one.prefix_len() == 0) {
            let detail = format!(
                "`gateway.trusted_proxies` has {network}: that is everybody, and everybody could \
                 say to be whom they like"
            );
            let hint = "name the proxies, such as trusted_proxies = [\"10.0.0.5\"]";
            return Err(Problem::new(Code::Unsafe).detail(detail).hint(hint));
        }
        if self.proxy_protocol != ProxyProtocol::Off && self.proxies.trusted.is_empty() {
            let detail = "`gateway.proxy_protocol` is on, and `gateway.trusted_proxies` names \
                          nobody who could speak it: every connection would be closed";
            let hint = "add the proxies under [gateway], such as trusted_proxies = [\"10.0.0.5\"]";
            return Err(Problem::new(Code::BadConfig).detail(detail).hint(hint));
        }
        if self.access_log.is_empty() || self.http2.streams == 0 {
            let detail = "`gateway.access_log` is a path, `-` or `off`, and \
                          `gateway.http2.streams` at least 1";
            return Err(Problem::new(Code::BadConfig).detail(detail));
        }
        Ok(())
    }
}

fn proxies(pick: &mut Pick, file: &File) -> Proxies {
    let networks = file.trusted_proxies.clone().unwrap_or_default();
    pick.list("gateway.trusted_proxies", &networks);
    let header =
        pick.of("gateway.forwarded_header", ForwardedHeader::default(), file.forwarded_header);
    let says = match header {
        ForwardedHeader::XForwardedFor => Says::XForwarded,
        ForwardedHeader::Forwarded => Says::Forwarded,
    };
    Proxies { trusted: networks.into_iter().map(|network| network.0).collect(), says }
}

impl fmt::Display for ForwardedHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
        })
    }
}

impl fmt::Display for ProxyProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "off",
            Self::V1V2 => "v1v2",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Gateway, Problem> {
        let file: File = toml::from_str(text).expect("keys that exist");
        let gateway = Gateway::pick(&mut Pick(Vec::new()), &file);
        gateway.check().map(|()| gateway)
    }

    #[test]
    fn what_is_not_set_is_the_gateways_default() {
        let gateway = read("").expect("valid");
        assert_eq!(gateway.http2, Http2::default());
        assert_eq!(gateway.proxies, Proxies::default());
        assert_eq!((gateway.access_log(), gateway.h2c), (None, false));
    }

    #[test]
    fn every_key_arrives() {
        let gateway = read(
            "trusted_proxies = ['10.0.0.0/8', '::1']\nforwarded_header = 'forwarded'\n\
             proxy_protocol = 'v1v2'\naccess_log = '/var/log/a'\nh2c = true\n\
             [http2]\nstreams = 7\nstream_window = '64KiB'\nping = '0s'\nresets = 3\n",
        )
        .expect("valid");
        assert_eq!(gateway.proxies.trusted.len(), 2);
        assert_eq!(gateway.proxies.says, Says::Forwarded);
        assert_eq!(gateway.proxy_protocol, ProxyProtocol::V1V2);
        assert_eq!(gateway.access_log(), Some(Destination::File("/var/log/a".into())));
        let Http2 { streams, stream_window, ping_ms, resets, .. } = gateway.http2;
        assert_eq!((streams, stream_window, ping_ms, resets), (7, 65_536, 0, 3));
    }

    #[test]
    fn what_would_trust_everybody_or_nobody_is_refused() {
        let everybody = read("trusted_proxies = ['0.0.0.0/0']").expect_err("everybody");
        assert_eq!(everybody.code, Code::Unsafe);
        let nobody = read("proxy_protocol = 'v1v2'").expect_err("nobody");
        assert_eq!(nobody.code, Code::BadConfig);
        assert!(nobody.hint.is_some());
        assert!(read("access_log = ''").is_err());
        assert!(toml::from_str::<File>("trusted_proxies = ['x']").is_err());
        assert!(toml::from_str::<File>("proxy_protocol = 'v3'").is_err());
    }
}
