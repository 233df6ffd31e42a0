//! Finding records by what their functions asked of the host.

use super::v1::Call;
use std::fmt;

/// Which asks are looked for: `host=api.example.com`, `store=carts` or `function=shipping`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AskedFor {
    /// A request or a connection to this host, whatever the port.
    Host(Box<str>),
    /// The use of a key-value store or a container of blobs, as the function calls it.
    Store(Box<str>),
    /// The call of a function.
    Function(Box<str>),
}

/// A text that says no such thing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is nothing to look for: write `host=NAME`, `store=NAME` or `function=NAME`", .0.escape_debug())]
pub struct NotAsked(String);

impl AskedFor {
    /// Whether a call is one of these, whatever was decided about it.
    #[must_use]
    pub fn fits(&self, call: &Call) -> bool {
        match self {
            Self::Host(name) => {
                let out = matches!(&*call.operation, "http" | "tcp" | "opaque");
                out && host(&call.resource).eq_ignore_ascii_case(name)
            }
            Self::Store(name) => {
                let stores = ["keyvalue.", "blob."];
                let of_store = stores.iter().any(|word| call.operation.starts_with(word));
                of_store && *call.resource == **name
            }
            Self::Function(name) => {
                let of =
                    |host: &str| host.split_once('.').map_or(host, |(name, _)| name).to_owned();
                call.operation == "call" && of(host(&call.resource)) == **name
            }
        }
    }
}

/// The host in `METHOD scheme://host:port/path`, `METHOD host/path` or `host:port`.
fn host(resource: &str) -> &str {
    let url = resource.split_once(' ').map_or(resource, |(_, url)| url);
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or_default();
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => host,
        _ => authority,
    }
}

impl std::str::FromStr for AskedFor {
    type Err = NotAsked;
    fn from_str(text: &str) -> Result<Self, NotAsked> {
        match text.split_once('=') {
            Some(("host", name)) if !name.is_empty() => Ok(Self::Host(name.into())),
            Some(("store", name)) if !name.is_empty() => Ok(Self::Store(name.into())),
            Some(("function", name)) if !name.is_empty() => Ok(Self::Function(name.into())),
            _ => Err(NotAsked(text.chars().take(80).collect())),
        }
    }
}

impl fmt::Display for AskedFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(name) => write!(f, "host={name}"),
            Self::Store(name) => write!(f, "store={name}"),
            Self::Function(name) => write!(f, "function={name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Labels;
    use crate::wire::v1::Decision;

    fn check(filter: &str, operation: &str, resource: &str, expect: bool) {
        let call = Call {
            at_us: 0,
            operation: operation.to_owned(),
            resource: resource.to_owned(),
            decision: Decision::Allowed,
            digest: [0; 16],
            bytes: 0,
            duration_us: 0,
            labels: Labels::NONE,
        };
        let read: AskedFor = filter.parse().expect(filter);
        assert_eq!(read.to_string(), filter);
        assert_eq!(read.fits(&call), expect, "{filter} {operation} {resource}");
    }

    #[test]
    fn finds_asks_by_what_they_are_for() {
        let api = "host=api.example.com";
        check(api, "http", "GET https://api.example.com/v1", true);
        check(api, "http", "GET https://API.example.com:8443", true);
        check(api, "http", "GET https://example.com/api.example.com", false);
        check(api, "call", "GET api.example.com/", false);
        check("host=[::1]", "http", "GET http://[::1]:80/", true);
        check("host=db.internal", "tcp", "db.internal:5432", true);
        check("host=[::1]", "tcp", "[::1]:5432", true);
        check(api, "opaque", "api.example.com:443", true);
        check("store=carts", "keyvalue.get", "carts", true);
        check("store=carts", "keyvalue.get", "cart", false);
        check("store=photos", "blob.get", "photos", true);
        check("store=photos", "http", "photos", false);
        check("function=shipping", "call", "POST shipping.fn.casemate.internal/x", true);
        check("function=ship", "call", "POST shipping.fn.casemate.internal/x", false);
        for wrong in ["", "host", "host=", "path=/x"] {
            assert!(wrong.parse::<AskedFor>().is_err(), "{wrong}");
        }
    }
}
