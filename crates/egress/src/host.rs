//! Reads the host of a URL.
//!
//! Programs read `127.1`, `0x7f.1` and `2130706433` as 127.0.0.1. Nothing here is read that way,
//! and nothing that could be is given to a resolver: what ends in a number is four plain numbers,
//! or it is refused.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

/// Longest name, without the dot at its end (RFC 1035).
const NAME_MAX: usize = 253;
/// Longest part of a name between two dots.
const LABEL_MAX: usize = 63;

/// Where a request goes: a name to look up, or an address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Host {
    /// In lower case, without a dot at the end.
    Name(Arc<str>),
    /// As it was written.
    Address(IpAddr),
}

impl Host {
    /// Reads the host of an authority, brackets included.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        if let Some(rest) = text.strip_prefix('[') {
            let address = rest.strip_suffix(']').and_then(|six| six.parse::<Ipv6Addr>().ok());
            return address.map(|six| Self::Address(six.into())).ok_or("not an IPv6 address");
        }
        let bare = text.strip_suffix('.').unwrap_or(text);
        let last = bare.rsplit('.').next().unwrap_or_default();
        if is_number(last) {
            let address = text.parse::<Ipv4Addr>().map(IpAddr::V4).map(Self::Address);
            return address.map_err(|_| "an IPv4 address in another form than four numbers");
        }
        name(bare).map(Self::Name)
    }
}

/// What an IPv4 address ends in for some program (WHATWG URL, "ends in a number").
fn is_number(label: &str) -> bool {
    let digits = !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_digit());
    let hex = label.strip_prefix("0x").or_else(|| label.strip_prefix("0X"));
    digits || hex.is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn name(text: &str) -> Result<Arc<str>, &'static str> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if text.len() > NAME_MAX {
        return Err("a name of more than 253 bytes");
    }
    for label in text.split('.') {
        if label.is_empty() || label.len() > LABEL_MAX {
            return Err("not a name: a part of it is empty, or has more than 63 bytes");
        }
        if !label.bytes().all(fits) {
            return Err("not a name: it has other than letters, digits, `-` and `_`");
        }
    }
    Ok(text.to_ascii_lowercase().into())
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(four)) => four.fmt(f),
            Self::Address(IpAddr::V6(six)) => write!(f, "[{six}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_and_addresses_are_read() {
        let name = |text: &str| Ok(Host::Name(text.into()));
        assert_eq!(Host::parse("Example.COM"), name("example.com"));
        assert_eq!(Host::parse("example.com."), name("example.com"));
        assert_eq!(Host::parse("a_b.x-1.0xyz"), name("a_b.x-1.0xyz"));
        assert_eq!(Host::parse("1.2.3.4.example"), name("1.2.3.4.example"));
        let address = |text: &str| Ok(Host::Address(text.parse().expect(text)));
        assert_eq!(Host::parse("192.0.2.1"), address("192.0.2.1"));
        assert_eq!(Host::parse("[::1]"), address("::1"));
        assert_eq!(Host::parse("[::ffff:127.0.0.1]"), address("::ffff:127.0.0.1"));
    }

    #[test]
    fn other_spellings_of_addresses_are_refused() {
        let all = "0177.0.0.1 0x7f.1 0x7f000001 0X7F.0.0.0X1 2130706433 127.1 127.0.1 017700000001 \
            127.0.0.01 127.0.0.1. 127.0.0.0x1 0x a.0x 256.1.1.1 1.2.3.4.5 example.1 1 0 00000 \
            127.0.0.1%00 [::1 ::1 [::1%25lo] [fe80::1%lo] [127.0.0.1] [] . .. a..b .a a/b \
            %6cocalhost ⓛocalhost 127。0。0。1 １２７.0.0.1 a@b a:b a\\b a#b";
        for text in all.split(' ').chain(["", "a b"]) {
            assert!(Host::parse(text).is_err(), "{text:?} is {:?}", Host::parse(text));
        }
        assert!(Host::parse(&format!("{}a", "a.".repeat(127))).is_err(), "255 bytes");
        assert!(Host::parse(&"a".repeat(64)).is_err());
    }

    /// `inet_aton` as every C library has it: what the odd spellings mean to other programs.
    fn inet_aton(text: &str) -> Option<Ipv4Addr> {
        let number = |part: &str| match part.strip_prefix("0x").or(part.strip_prefix("0X")) {
            Some("") => Some(0),
            Some(hex) => u64::from_str_radix(hex, 16).ok(),
            None if part.len() > 1 && part.starts_with('0') => u64::from_str_radix(part, 8).ok(),
            None => part.parse().ok(),
        };
        let text = text.strip_suffix('.').unwrap_or(text);
        let parts: Option<Vec<u64>> = text.split('.').map(number).collect();
        let parts = parts.filter(|parts| parts.len() <= 4)?;
        let (last, firsts) = parts.split_last()?;
        let mut value = *last;
        if *last >= 1 << (8 * (4 - firsts.len())) || firsts.iter().any(|part| *part > 255) {
            return None;
        }
        for (place, part) in firsts.iter().enumerate() {
            value |= part << (8 * (3 - place));
        }
        Some(Ipv4Addr::from_bits(u32::try_from(value).ok()?))
    }

    fn spelling(bits: u32, parts: usize, radix: [u8; 4], zeros: usize, dot: bool) -> String {
        let mut numbers: Vec<u64> =
            (0..parts - 1).map(|at| u64::from(bits >> (24 - 8 * at) & 0xff)).collect();
        numbers.push(u64::from(bits) & (u64::MAX >> (32 + 8 * (parts - 1))));
        let spelt = numbers.iter().zip(radix).map(|(number, radix)| match radix % 4 {
            0 => format!("{number}"),
            1 => format!("0x{}{number:x}", "0".repeat(zeros)),
            2 => format!("0X{}{number:X}", "0".repeat(zeros)),
            _ => format!("0{}{number:o}", "0".repeat(zeros)),
        });
        let text = spelt.collect::<Vec<_>>().join(".");
        if dot { text + "." } else { text }
    }

    proptest! {
        /// However an address is spelt, it is that address or it is refused; it is never a name.
        #[test]
        fn no_spelling_of_an_address_is_a_name(
            bits: u32, parts in 1..5usize, radix: [u8; 4], zeros in 0..4usize, dot: bool,
        ) {
            let text = spelling(bits, parts, radix, zeros, dot);
            prop_assert_eq!(inet_aton(&text), Some(Ipv4Addr::from_bits(bits)), "{}", &text);
            match Host::parse(&text) {
                Ok(Host::Address(address)) => {
                    prop_assert_eq!(address, IpAddr::V4(Ipv4Addr::from_bits(bits)));
                }
                Ok(Host::Name(name)) => prop_assert!(false, "{text} is the name {name}"),
                Err(_) => {}
            }
        }

        /// What another program would read as an address is never given to a resolver.
        #[test]
        fn what_looks_like_an_address_is_no_name(text in "[0-9a-fxX.]{1,20}") {
            if let Ok(Host::Name(name)) = Host::parse(&text) {
                prop_assert_eq!(inet_aton(&name), None);
            }
        }
    }
}
