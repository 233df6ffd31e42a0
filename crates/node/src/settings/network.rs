//! Networks, as people write them.

use ipnet::IpNet;
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::net::IpAddr;

/// A network, `10.0.0.0/8`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Network(pub(super) IpNet);

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let network = text.parse::<IpNet>().ok();
        let network = network.or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
        let shown = text.escape_debug();
        network.map(|network| Self(network.trunc())).ok_or_else(|| {
            serde::de::Error::custom(format!(
                "`{shown}` is no network: write an address, or one with a length, such as \
                 10.0.0.0/8"
            ))
        })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_network_of_one() {
        #[derive(Deserialize)]
        struct List {
            all: Vec<Network>,
        }
        let read = |text: &str| toml::from_str::<List>(text);
        let list = read("all = ['10.1.2.3/8', '192.0.2.1', '2001:db8::1']").expect("networks");
        let shown: Vec<_> = list.all.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["10.0.0.0/8", "192.0.2.1/32", "2001:db8::1/128"]);
        for wrong in ["", "10.0.0.0/33", "10.0.0", "localhost", "10.0.0.0-10.0.0.9"] {
            assert!(read(&format!("all = ['{wrong}']")).is_err(), "{wrong}");
        }
    }
}
