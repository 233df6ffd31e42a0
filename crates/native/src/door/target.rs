//! Where a request or a tunnel goes.

use http::Uri;
use http::uri::Authority;
use std::fmt;

/// A host and a port, in one spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// In small letters, without the dot that a full name may end in. Never empty.
    pub(super) host: String,
    /// Never 0.
    pub(super) port: u16,
}

impl Target {
    /// What a `CONNECT` asks for: a host and a port, both said, and nothing else.
    pub(super) fn of_tunnel(uri: &Uri) -> Option<Self> {
        if uri.scheme().is_some() || uri.path_and_query().is_some() {
            return None;
        }
        let authority = uri.authority()?;
        authority.port()?;
        Self::of(authority, 0)
    }

    /// An authority, with the port that holds if it names none.
    pub(super) fn of(authority: &Authority, default_port: u16) -> Option<Self> {
        let text = authority.as_str();
        let host = spelled(authority.host());
        let port = match authority.port() {
            Some(port) => port.as_u16(),
            // `host:` and `host:70000` have a colon and no port.
            None if text.len() > authority.host().len() => return None,
            None => default_port,
        };
        let plain = !text.contains('@') && !host.is_empty() && port != 0;
        plain.then_some(Self { host, port })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// A host in the one spelling that hosts are compared in.
pub(super) fn spelled(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

/// The port of a scheme, of those that the host knows.
pub(super) fn port_of(scheme: &str) -> u16 {
    if scheme == "https" { 443 } else { 80 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tunnel(text: &str) -> Option<(String, u16)> {
        // As hyper reads the target of a CONNECT.
        let authority = text.parse::<Authority>().ok()?;
        let mut parts = http::uri::Parts::default();
        parts.authority = Some(authority);
        Target::of_tunnel(&Uri::from_parts(parts).ok()?).map(|found| (found.host, found.port))
    }

    #[test]
    fn a_tunnel_names_one_host_and_one_port() {
        let expect = |host: &str, port| Some((host.to_owned(), port));
        assert_eq!(tunnel("api.example:443"), expect("api.example", 443));
        assert_eq!(tunnel("API.Example.:443"), expect("api.example", 443));
        assert_eq!(tunnel("[::1]:443"), expect("[::1]", 443));
        for text in
            ["api.example", "api.example:", "api.example:0", "api.example:65536", ":443", "a@b:443"]
        {
            assert_eq!(tunnel(text), None, "{text}");
        }
        let absolute = "http://api.example:80/".parse().expect("uri");
        assert_eq!(Target::of_tunnel(&absolute), None);
    }

    proptest! {
        #[test]
        fn what_a_tunnel_names_is_read_the_same_again(text in "[ -~]{0,40}") {
            if let Some((host, port)) = tunnel(&text) {
                prop_assert!(port > 0 && !host.is_empty() && !host.contains('@'));
                prop_assert_eq!(tunnel(&format!("{host}:{port}")), Some((host, port)));
            }
        }

        #[test]
        fn every_host_and_port_is_taken(host in "[a-z][a-z0-9.-]{0,30}[a-z]", port in 1_u16..) {
            prop_assert_eq!(tunnel(&format!("{host}:{port}")), Some((host, port)));
        }
    }
}
