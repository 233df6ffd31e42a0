//! `[outbound]`: the way out, and what one request may use of it.

use super::network::Network;
use super::pick::{Pick, joined};
use ipnet::IpNet;
use model::unit::{Duration, Size};
use ports::outbound::{ConnectLimits, Limits};
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// `[outbound]`
#[derive(Debug, Clone)]
pub struct Outbound {
    /// The door.
    pub door: egress::Config,
    /// What one request may use.
    pub limits: Limits,
    /// What one connection may use.
    pub connections: ConnectLimits,
}

/// The section's keys in the file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    networks: Option<Vec<Network>>,
    authorities: Option<Vec<PathBuf>>,
    system_authorities: Option<bool>,
    resolvers: Option<Vec<SocketAddr>>,
    connect: Option<Duration>,
    first_byte: Option<Duration>,
    between_bytes: Option<Duration>,
    response: Option<Size>,
    per_function: Option<usize>,
    per_node: Option<usize>,
    connections_per_function: Option<usize>,
    connections_per_node: Option<usize>,
    connection_idle: Option<Duration>,
    connection_received: Option<Size>,
}

impl Outbound {
    /// `directory` is where relative paths begin. With `dev`, functions reach this machine.
    pub(super) fn pick(pick: &mut Pick, file: &File, directory: &Path, dev: bool) -> Self {
        let networks = networks(pick, file.networks.as_deref(), dev);
        let mut door = egress::Config { networks, ..egress::Config::default() };
        let authorities = file.authorities.as_deref().unwrap_or_default();
        door.authorities = authorities.iter().map(|path| directory.join(path)).collect();
        pick.list("outbound.authorities", door.authorities.iter().map(|path| path.display()));
        door.system_authorities = pick.of(
            "outbound.system_authorities",
            door.system_authorities,
            file.system_authorities,
        );
        pick.list("outbound.resolvers", file.resolvers.iter().flatten());
        if let Some(resolvers) = file.resolvers.clone().filter(|resolvers| !resolvers.is_empty()) {
            door.servers = egress::Servers::These(resolvers);
        }
        door.per_function = pick.of("outbound.per_function", door.per_function, file.per_function);
        door.per_node = pick.of("outbound.per_node", door.per_node, file.per_node);
        door.connections_per_function = pick.of(
            "outbound.connections_per_function",
            door.connections_per_function,
            file.connections_per_function,
        );
        door.connections_per_node = pick.of(
            "outbound.connections_per_node",
            door.connections_per_node,
            file.connections_per_node,
        );
        let (limits, connections) = limits(pick, file);
        Self { door, limits, connections }
    }
}

/// What one request, and what one connection may use.
fn limits(pick: &mut Pick, file: &File) -> (Limits, ConnectLimits) {
    let (default, long) = (Limits::DEFAULT, ConnectLimits::DEFAULT);
    let mut time = |key, default: std::time::Duration, value| {
        pick.of(key, Duration::seconds(default.as_secs()), value).std()
    };
    let connect = time("outbound.connect", default.connect, file.connect);
    let first_byte = time("outbound.first_byte", default.first_byte, file.first_byte);
    let between_bytes = time("outbound.between_bytes", default.between_bytes, file.between_bytes);
    let idle = time("outbound.connection_idle", long.idle, file.connection_idle);
    let mut size = |key, bytes, value| pick.of(key, Size { bytes }, value).bytes;
    let response_bytes = size("outbound.response", default.response_bytes, file.response);
    let received_bytes =
        size("outbound.connection_received", long.received_bytes, file.connection_received);
    (
        Limits { connect, first_byte, between_bytes, response_bytes },
        ConnectLimits { connect, idle, received_bytes },
    )
}

/// What functions may reach beside the public internet. A developer's functions reach the
/// developer's machine, unless the file says otherwise.
fn networks(pick: &mut Pick, named: Option<&[Network]>, dev: bool) -> Vec<IpNet> {
    let key = "outbound.networks";
    if named.is_none() && dev {
        let loopback = ["127.0.0.0/8", "::1/128"];
        let shown = joined(loopback).map(|shown| ("--dev", shown));
        pick.from(key, "none".to_owned(), None, None, shown);
        return loopback.iter().filter_map(|text| text.parse().ok()).collect();
    }
    let networks: Vec<IpNet> = named.unwrap_or_default().iter().map(|network| network.0).collect();
    pick.list(key, &networks);
    networks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_developers_functions_reach_the_machine_unless_the_file_names_networks() {
        let named: [Network; 1] = [Network("10.0.0.0/8".parse().expect("a network"))];
        for (named, dev, value, origin) in [
            (None, false, "none", "default"),
            (None, true, "127.0.0.0/8, ::1/128", "--dev"),
            (Some(&named[..]), true, "10.0.0.0/8", "file"),
        ] {
            let mut pick = Pick(Vec::new());
            let networks = networks(&mut pick, named, dev);
            assert_eq!((pick.0[0].value.as_str(), pick.0[0].origin.as_str()), (value, origin));
            assert_eq!(joined(networks).unwrap_or_else(|| "none".to_owned()), value);
        }
    }
}
