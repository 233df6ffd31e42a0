//! Which proxies are believed, and in which of their words.

use ipnet::IpNet;
use std::net::IpAddr;

/// The proxies before the node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    /// Networks that they are in. What anybody else says of a client is not believed.
    pub trusted: Vec<IpNet>,
    /// Where they say for whom they ask.
    pub says: Says,
}

/// The field in which proxies name their clients. There is one at a time: a proxy that writes one
/// of them usually passes the other on as it came, so that anybody could have written it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Says {
    /// `x-forwarded-for`, with `x-forwarded-proto` and `x-forwarded-host`.
    #[default]
    XForwarded,
    /// `forwarded` (RFC 7239).
    Forwarded,
}

impl Proxies {
    /// Whether this address is one of theirs.
    #[must_use]
    pub fn trust(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(&address))
    }
}
