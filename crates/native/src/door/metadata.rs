//! Addresses at which clouds give out credentials to whoever asks.
//!
//! Nothing answers there, whatever is granted: a library that finds half a metadata service waits for
//! the other half, and one that finds a whole one has the node's identity.

use super::target::spelled;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Their names.
const NAMES: &[&str] = &[
    "metadata",
    "metadata.google.internal",
    "metadata.goog",
    "instance-data",
    "instance-data.ec2.internal",
    "metadata.tencentyun.com",
];

/// Their addresses outside of `169.254.0.0/16`: Azure's host, Alibaba, Oracle, and AWS over IPv6.
const V4: &[Ipv4Addr] = &[
    Ipv4Addr::new(168, 63, 129, 16),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(192, 0, 0, 192),
];

/// Whether a host is one of them. Other spellings of these addresses are refused by the outbound door,
/// as every address is that is not public.
pub(super) fn is_metadata(host: &str) -> bool {
    let host = spelled(host);
    if NAMES.contains(&host.as_str()) {
        return true;
    }
    if let Ok(address) = host.parse::<Ipv4Addr>() {
        return is_metadata_v4(address);
    }
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<Ipv6Addr>() {
        Ok(address) => match address.to_ipv4_mapped() {
            Some(mapped) => is_metadata_v4(mapped),
            None => address.segments()[..2] == [0xfd00, 0x0ec2],
        },
        Err(_) => false,
    }
}

fn is_metadata_v4(address: Ipv4Addr) -> bool {
    address.is_link_local() || V4.contains(&address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_services_are_known_by_every_name() {
        for host in [
            "169.254.169.254",
            "169.254.170.2",
            "[::ffff:169.254.169.254]",
            "[fd00:ec2::254]",
            "Metadata.Google.Internal.",
            "168.63.129.16",
        ] {
            assert!(is_metadata(host), "{host}");
        }
        for host in ["metadata.example", "169.253.1.1", "[fd00:ec3::254]", "[::1]", ""] {
            assert!(!is_metadata(host), "{host}");
        }
    }
}
