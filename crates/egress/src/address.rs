//! Which addresses functions may reach.
//!
//! Invariant: for IPv6 the list says what is open, so a range that nobody thought of is closed.
//! Invariant: an address that carries an IPv4 address is judged by what it carries, or refused.

use ipnet::{IpNet, Ipv4Net};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What may be reached: the public internet, and what the operator named.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    networks: Vec<IpNet>,
}

impl Rules {
    pub(crate) fn new(networks: &[IpNet]) -> Self {
        Self { networks: networks.iter().map(|network| folded(*network)).collect() }
    }

    /// The address to dial for `address`, which differs from it only in its spelling; or what
    /// kind of address it is, if no function may reach it.
    pub(crate) fn check(&self, address: IpAddr) -> Result<IpAddr, &'static str> {
        let address = address.to_canonical();
        if self.named(address) {
            return Ok(address);
        }
        let carried = match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(six) => IpAddr::V4(match nat64(six) {
                Some(four) => four,
                None => return closed_six(six).map_or(Ok(address), Err),
            }),
        };
        match carried {
            IpAddr::V4(four) if !self.named(carried) => closed_four(four).map_or(Ok(address), Err),
            _ => Ok(address),
        }
    }

    fn named(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }
}

/// A network of IPv4-mapped addresses is the network of what is mapped.
fn folded(network: IpNet) -> IpNet {
    let IpNet::V6(six) = network else { return network };
    let four = six.network().to_ipv4_mapped().zip(six.prefix_len().checked_sub(96));
    let four = four.and_then(|(address, length)| Ipv4Net::new(address, length).ok());
    four.map_or(network, IpNet::V4)
}

/// What 64:ff9b::/96 carries (RFC 6052). A network with NAT64 has its public addresses there.
fn nat64(six: Ipv6Addr) -> Option<Ipv4Addr> {
    let [0x64, 0xff9b, 0, 0, 0, 0, high, low] = six.segments() else { return None };
    Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
}

/// Ranges of IPv4 that are not the public internet (RFC 6890 and its registry).
const CLOSED_FOUR: &[(Ipv4Addr, u8, &str)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8, "an unspecified address"),
    (Ipv4Addr::new(10, 0, 0, 0), 8, "a private address"),
    (Ipv4Addr::new(100, 64, 0, 0), 10, "an address of a carrier's own network"),
    (Ipv4Addr::new(127, 0, 0, 0), 8, "a loopback address"),
    // What clouds ask for credentials lives here, at 169.254.169.254.
    (Ipv4Addr::new(169, 254, 0, 0), 16, "a link-local address"),
    (Ipv4Addr::new(172, 16, 0, 0), 12, "a private address"),
    (Ipv4Addr::new(192, 0, 0, 0), 24, "a reserved address"),
    (Ipv4Addr::new(192, 0, 2, 0), 24, "an address for documentation"),
    (Ipv4Addr::new(192, 88, 99, 0), 24, "a reserved address"),
    (Ipv4Addr::new(192, 168, 0, 0), 16, "a private address"),
    (Ipv4Addr::new(198, 18, 0, 0), 15, "an address for benchmarks"),
    (Ipv4Addr::new(198, 51, 100, 0), 24, "an address for documentation"),
    (Ipv4Addr::new(203, 0, 113, 0), 24, "an address for documentation"),
    (Ipv4Addr::new(224, 0, 0, 0), 4, "a multicast address"),
    // The broadcast address is in it.
    (Ipv4Addr::new(240, 0, 0, 0), 4, "a reserved address"),
    // Looks public; inside of Azure it is the host that each machine runs on.
    (Ipv4Addr::new(168, 63, 129, 16), 32, "an address of a cloud's own"),
];

fn closed_four(address: Ipv4Addr) -> Option<&'static str> {
    let within = |base: Ipv4Addr, length: u8| {
        let mask = u32::MAX << (32 - u32::from(length));
        address.to_bits() & mask == base.to_bits()
    };
    let mut closed = CLOSED_FOUR.iter();
    closed.find(|(base, length, _)| within(*base, *length)).map(|(_, _, what)| *what)
}

/// Only 2000::/3 is given out as public addresses, and some of it is not.
fn closed_six(address: Ipv6Addr) -> Option<&'static str> {
    let what = match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => "an unspecified address",
        [0, 0, 0, 0, 0, 0, 0, 1] => "a loopback address",
        [0, 0, 0, 0, 0, 0, ..] => "an IPv4-compatible address",
        [0x64, 0xff9b, ..] => "an address of a translator's own network",
        [0x2001, 0, ..] => "an address of a tunnel (Teredo)",
        [0x2001, second, ..] if second < 0x200 => "a reserved address",
        [0x2001, 0xdb8, ..] => "an address for documentation",
        [0x2002, ..] => "an address of a tunnel (6to4)",
        [0x3fff, second, ..] if second < 0x1000 => "an address for documentation",
        [first, ..] if first & 0xfe00 == 0xfc00 => "a private address",
        [first, ..] if first & 0xffc0 == 0xfe80 => "a link-local address",
        [first, ..] if first & 0xff00 == 0xff00 => "a multicast address",
        [first, ..] if first & 0xe000 != 0x2000 => "a reserved address",
        _ => return None,
    };
    Some(what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(networks: &[&str], address: &str) -> Result<IpAddr, &'static str> {
        let networks: Vec<IpNet> = networks.iter().map(|text| text.parse().expect(text)).collect();
        Rules::new(&networks).check(address.parse().expect(address))
    }

    #[test]
    fn what_is_not_the_public_internet_is_closed() {
        let all = "0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1 \
            127.255.255.254 169.254.169.254 169.254.0.1 172.16.0.1 172.31.255.255 192.0.0.1 \
            192.0.0.192 192.0.2.1 192.88.99.1 192.168.0.1 198.18.0.1 198.19.255.255 \
            198.51.100.7 203.0.113.7 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 \
            168.63.129.16 :: ::1 ::2 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:10.0.0.1 \
            ::ffff:169.254.169.254 ::ffff:0:127.0.0.1 64:ff9b::127.0.0.1 \
            64:ff9b::169.254.169.254 64:ff9b::10.0.0.1 64:ff9b:1::8.8.8.8 64:ff9b:1:a00:1:: \
            64:ff9b:0:0:1::8.8.8.8 100::1 2001::1 2001:0:a00:1:: 2001:2::1 2001:10::1 \
            2001:20::1 2001:db8::1 2002:7f00:1:: 2002:a00:1::1 2002:808:808::1 3fff::1 \
            3fff:fff::1 4000::1 5f00::1 fc00::1 fd00:ec2::254 fdff::1 fe80::1 fe80::a9fe:a9fe \
            febf::1 fec0::1 ff02::1 ff0e::1 ffff::1 1::1 200::1";
        for address in all.split(' ') {
            assert!(check(&[], address).is_err(), "{address} is open");
        }
    }

    #[test]
    fn the_public_internet_is_open() {
        let all = "1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 \
            128.0.0.0 169.253.255.255 172.15.255.255 172.32.0.0 192.0.1.1 192.167.255.255 \
            192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255 2001:4860:4860::8888 \
            2606:4700::1111 2a00:1450::1 2001:200::1 3ffe::1 3fff:1000::1 64:ff9b::8.8.8.8";
        for address in all.split(' ') {
            assert_eq!(check(&[], address), Ok(address.parse().expect(address)));
        }
        let mapped = check(&[], "::ffff:8.8.8.8");
        assert_eq!(mapped, Ok("8.8.8.8".parse().expect("an address")), "dialled as what it is");
    }

    #[test]
    fn a_named_network_is_open_in_every_spelling_and_nothing_beside_it() {
        let ten = &["10.0.0.0/8"];
        for address in ["10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::10.1.2.3"] {
            assert!(check(ten, address).is_ok(), "{address}");
            assert!(check(&["::ffff:10.0.0.0/104"], address).is_ok(), "{address}");
        }
        for address in ["192.168.0.1", "127.0.0.1", "2002:a01:203::", "::10.1.2.3", "fd00::1"] {
            assert!(check(ten, address).is_err(), "{address}");
        }
        assert!(check(&["fd00:1::/32"], "fd00:1::7").is_ok());
        assert!(check(&["fd00:1::/32"], "fd00:2::7").is_err());
        assert!(check(&["2002::/16"], "2002:7f00:1::").is_ok(), "the operator said so");
    }

    proptest! {
        /// Whatever embeds a closed IPv4 address in a form that is known is closed.
        #[test]
        fn no_embedding_opens_a_closed_address(bits: u32, row in 0..CLOSED_FOUR.len()) {
            let (base, length, _) = CLOSED_FOUR[row];
            let mask = u32::MAX << (32 - u32::from(length));
            let four = Ipv4Addr::from_bits(base.to_bits() | bits & !mask);
            let [a, b, c, d] = four.octets();
            let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            let six = |segments: [u16; 8]| IpAddr::V6(Ipv6Addr::from(segments));
            for address in [
                IpAddr::V4(four),
                six([0, 0, 0, 0, 0, 0xffff, high, low]),
                six([0, 0, 0, 0, 0, 0, high, low]),
                six([0, 0, 0, 0, 0xffff, 0, high, low]),
                six([0x64, 0xff9b, 0, 0, 0, 0, high, low]),
                six([0x64, 0xff9b, 1, high, low, 0, 0, 0]),
                six([0x64, 0xff9b, 1, 0, 0, 0, high, low]),
                six([0x2002, high, low, 0, 0, 0, 0, 1]),
                six([0x2001, 0, high, low, 0, 0, !high, !low]),
            ] {
                prop_assert!(Rules::default().check(address).is_err(), "{address} is open");
            }
        }

        /// What is dialled is what was asked for, and is permitted itself.
        #[test]
        fn what_is_dialled_is_what_was_checked(bits: u128) {
            let rules = Rules::default();
            let address = IpAddr::V6(Ipv6Addr::from_bits(bits));
            if let Ok(dialled) = rules.check(address) {
                prop_assert_eq!(dialled, address.to_canonical());
                prop_assert_eq!(rules.check(dialled), Ok(dialled));
            }
        }
    }
}
