//! What the operator says about the way out.

use crate::trust::Trust;
use ipnet::IpNet;
use model::Problem;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// Everything about the outbound door. [`Config::default`] is what holds where nothing is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Networks that functions may reach although they would be refused: private ones, loopback,
    /// and all others that are not the public internet. None by default.
    pub networks: Vec<IpNet>,
    /// PEM files with certificates of authorities, trusted beside the system's. None by default.
    pub authorities: Vec<PathBuf>,
    /// Whether the system's authorities are trusted. They are by default.
    pub system_authorities: bool,
    /// Who is asked for the addresses of names. The system's servers by default.
    pub servers: Servers,
    /// Names whose addresses are known here, in lower case; nobody is asked for them. Their
    /// addresses are checked like all others. None by default.
    pub hosts: BTreeMap<String, Vec<IpAddr>>,
    /// Names whose addresses are remembered for as long as their servers say. 1024 by default.
    pub names: u64,
    /// Requests of one function that are under way at a time, from their first look for a
    /// connection to the last byte of their reply. 256 by default.
    pub per_function: usize,
    /// Requests of all functions that are under way at a time. 2048 by default.
    pub per_node: usize,
    /// Connections of one function's own, over TCP or passed on unread, at a time. 64 by default.
    pub connections_per_function: usize,
    /// Such connections of all functions at a time. 2048 by default.
    pub connections_per_node: usize,
    /// Connections that one function keeps for later. 16 by default.
    pub idle_per_function: usize,
    /// Connections that all functions keep for later. 512 by default.
    pub idle_per_node: usize,
    /// How long a connection is kept without use. 30 s by default.
    pub idle: Duration,
    /// How long a connection takes new requests, so that a name that moved is noticed. 5 min by
    /// default.
    pub age: Duration,
    /// Bytes of a reply's head; at least 8 KiB. 64 KiB by default.
    pub head_bytes: usize,
}

impl Config {
    /// Looks at the operator's files, and dials nothing.
    ///
    /// # Errors
    /// `E0901`, as [`crate::Egress::open`].
    pub fn check(&self) -> Result<(), Problem> {
        Trust::open(self).map(drop)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            networks: Vec::new(),
            authorities: Vec::new(),
            system_authorities: true,
            servers: Servers::System,
            hosts: BTreeMap::new(),
            names: 1024,
            per_function: 256,
            per_node: 2048,
            connections_per_function: 64,
            connections_per_node: 2048,
            idle_per_function: 16,
            idle_per_node: 512,
            idle: Duration::from_secs(30),
            age: Duration::from_secs(300),
            head_bytes: 64 << 10,
        }
    }
}

/// Who is asked for the addresses of names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Servers {
    /// The name servers of `/etc/resolv.conf`, and `/etc/hosts` before them. Both are read again
    /// when they change. Search domains are not used: a name is what it says.
    System,
    /// These, and nothing of the system.
    These(Vec<SocketAddr>),
}
