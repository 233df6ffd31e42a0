//! Where a connection goes: a host and a port, in one form.
//!
//! Invariant: two spellings of one place are one value, and a spelling that programs read
//! differently is none. What is written holds only letters, digits and `-_.:[]`, so it means nothing
//! to a shell inside double quotes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Longest name (RFC 1035).
const NAME_MAX: usize = 253;
/// Longest part of a name between two dots.
const LABEL_MAX: usize = 63;

/// A host and a port: `db.internal:5432`, `192.0.2.7:5432` or `[2001:db8::7]:5432`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "Cow<'_, str>")]
pub struct Destination {
    host: Host,
    port: u16,
}

/// A name to look up, or an address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Host {
    /// In lower case, without a dot at the end.
    Name(Box<str>),
    /// An address; one of IPv6 that carries one of IPv4 is that.
    Address(IpAddr),
}

/// A text that is no destination.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no destination: {why}; write a host and a port, such as `db.internal:5432` or `[2001:db8::7]:5432`", .text.escape_debug())]
pub struct Error {
    text: String,
    why: &'static str,
}

impl Destination {
    /// Reads `HOST:PORT`.
    ///
    /// # Errors
    /// [`Error`] says what is wrong.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let fail = |why| Error { text: text.chars().take(120).collect(), why };
        let (host, port) = text.rsplit_once(':').ok_or_else(|| fail("it has no port"))?;
        let plain = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let port = port.parse().ok().filter(|port| plain && *port != 0);
        let port = port.ok_or_else(|| fail("its port is no number from 1 to 65535"))?;
        Ok(Self { host: Host::parse(host).map_err(fail)?, port })
    }

    /// The same of a host and a port that come apart. An address of IPv6 may stand without brackets.
    ///
    /// # Errors
    /// [`Error`] says what is wrong.
    pub fn new(host: &str, port: u16) -> Result<Self, Error> {
        match host.parse::<Ipv6Addr>() {
            Ok(six) => Self::parse(&format!("[{six}]:{port}")),
            Err(_) => Self::parse(&format!("{host}:{port}")),
        }
    }

    /// The host.
    #[must_use]
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// The port. Never 0.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }
}

impl Host {
    /// Reads a name, an address of IPv4, or one of IPv6 in brackets. Programs read `127.1`, `0x7f.1`
    /// and `2130706433` as 127.0.0.1: what ends in a number is four plain numbers, or it is refused.
    fn parse(text: &str) -> Result<Self, &'static str> {
        if let Some(rest) = text.strip_prefix('[') {
            let six = rest.strip_suffix(']').and_then(|six| six.parse::<Ipv6Addr>().ok());
            let six = six.ok_or("it has no address of IPv6 between `[` and `]`")?;
            return Ok(Self::Address(IpAddr::V6(six).to_canonical()));
        }
        if text.contains(':') {
            return Err("an address of IPv6 stands between `[` and `]`");
        }
        if is_number(text.rsplit('.').next().unwrap_or_default()) {
            let four = text.parse::<Ipv4Addr>().map(|four| Self::Address(four.into()));
            return four.map_err(|_| "an address of IPv4 is four plain numbers");
        }
        name(text).map(Self::Name)
    }
}

/// What an address of IPv4 ends in for some program (WHATWG URL, "ends in a number").
fn is_number(label: &str) -> bool {
    let digits = !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_digit());
    let hex = label.strip_prefix("0x").or_else(|| label.strip_prefix("0X"));
    digits || hex.is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn name(text: &str) -> Result<Box<str>, &'static str> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if text.len() > NAME_MAX {
        return Err("its name has more than 253 bytes");
    }
    for label in text.split('.') {
        if label.is_empty() || label.len() > LABEL_MAX {
            return Err("a part of its name is empty or has more than 63 bytes");
        }
        if !label.bytes().all(fits) {
            return Err("its name has other than letters, digits, `-`, `_` and `.`");
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

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl From<Destination> for String {
    fn from(destination: Destination) -> Self {
        destination.to_string()
    }
}

impl TryFrom<Cow<'_, str>> for Destination {
    type Error = Error;
    fn try_from(text: Cow<'_, str>) -> Result<Self, Error> {
        Self::parse(&text)
    }
}

impl JsonSchema for Destination {
    fn schema_name() -> Cow<'static, str> {
        "Destination".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+):[0-9]{1,5}$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_place_is_read_in_all_its_spellings() {
        for (text, expect) in [
            ("db.internal:5432", "db.internal:5432"),
            ("DB.Internal:05432", "db.internal:5432"),
            ("a_b.x-1:1", "a_b.x-1:1"),
            ("192.0.2.7:65535", "192.0.2.7:65535"),
            ("[2001:DB8:0::7]:5432", "[2001:db8::7]:5432"),
            ("[::ffff:10.0.0.1]:5432", "10.0.0.1:5432"),
        ] {
            let read = Destination::parse(text).expect(text);
            assert_eq!(read.to_string(), expect);
            let json = serde_json::to_string(&read).expect("a text");
            assert_eq!(serde_json::from_str::<Destination>(&json).expect(&json), read);
        }
        let bare = Destination::new("2001:db8::7", 5432).expect("without brackets");
        assert_eq!(bare, Destination::parse("[2001:db8::7]:5432").expect("with brackets"));
    }

    #[test]
    fn what_means_no_place_or_two_is_refused() {
        let all = "db db: db:0 db:65536 db:+1 db:1x :5432 db.:1 .db:1 d..b:1 *:1 *.db:1 db:* \
            127.1:1 0x7f.1:1 2130706433:1 0177.0.0.1:1 1.2.3.4.5:1 db.1:1 256.1.1.1:1 ::1:1 \
            2001:db8::7:5432 [::1:1 [::1]1 [::1] [::1]x:1 [fe80::1%lo]:1 [127.0.0.1]:1 []:1 \
            http://db:1 db/x:1 u@db:1 db:1:2 dB\\:1 $(x):1 `x`:1 ｄｂ:1";
        for text in all.split(' ').chain(["", "a b:1", "db:1 ", " db:1", "db:\u{661}"]) {
            assert!(Destination::parse(text).is_err(), "{text:?}");
        }
        assert!(Destination::parse(&format!("{}:1", "a".repeat(64))).is_err());
        assert!(Destination::parse(&format!("{}a:1", "a.".repeat(127))).is_err());
        assert!(Destination::new("db", 0).is_err());
        assert!(Destination::new("db:1", 1).is_err());
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_reader_or_reaches_a_shell(
            text in prop_oneof!["\\PC{0,60}", "[a-zA-Z0-9._\\[\\]:-]{0,30}:[0-9]{1,6}"]
        ) {
            if let Ok(read) = Destination::parse(&text) {
                let shown = read.to_string();
                let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:[]".contains(&byte);
                prop_assert!(shown.bytes().all(fits), "{}", shown);
                prop_assert_eq!(Destination::parse(&shown), Ok(read));
            }
        }

        #[test]
        fn an_address_is_read_as_itself(address: IpAddr, port in 1..=u16::MAX) {
            let read = Destination::new(&address.to_string(), port).expect("an address");
            prop_assert_eq!(read.host(), &Host::Address(address.to_canonical()));
            prop_assert_eq!(read.port(), port);
        }
    }
}
