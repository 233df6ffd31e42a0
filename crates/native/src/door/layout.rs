//! Where granted destinations are within a jail, and which names its `/etc/hosts` has.
//!
//! Each host gets an address of its own on the loopback, so that it is found under its own name and at
//! its own port, and two databases with the same port are two places.

use super::metadata;
use super::target::spelled;
use model::{Code, FunctionName, Problem};
use std::net::{Ipv4Addr, SocketAddrV4};

/// Where `host.casemate.internal`, functions and events are.
pub(crate) const HOST: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// The name of the host's own interface.
pub(crate) const HOST_NAME: &str = "host.casemate.internal";
/// What a function's name ends in.
pub(crate) const FUNCTIONS: &str = ".fn.casemate.internal";
/// What a store's name ends in, for Workers.
pub(crate) const STORES: &str = ".kv.casemate.internal";
/// Where events are published.
pub(crate) const EVENTS: &str = "events.casemate.internal";
/// Names that are the platform's.
const OWN: &str = ".casemate.internal";
/// Most hosts of a jail: as many as a manifest may name, and fewer than addresses that there are.
const HOSTS_MAX: usize = 200;

/// Where that is, with its port.
pub(crate) fn host_address() -> String {
    SocketAddrV4::new(HOST, 80).to_string()
}

/// A jail's granted destinations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Lines of `/etc/hosts`.
    pub(crate) hosts: Vec<(Ipv4Addr, String)>,
    /// Where the jail's network is listened on, and for which destination.
    pub(crate) listeners: Vec<(SocketAddrV4, String, u16)>,
}

/// Lays destinations out. The same destination twice is one.
///
/// # Errors
/// [`Code::NotForJails`]: one is an address, a name of the platform's, or there are too many.
pub(crate) fn layout<'a>(
    destinations: impl IntoIterator<Item = (&'a str, u16)>,
) -> Result<Layout, Problem> {
    let mut layout = Layout::default();
    for (host, port) in destinations {
        let host = spelled(host);
        check(&host, port)?;
        let known = layout.hosts.iter().find(|(_, name)| *name == host).map(|(at, _)| *at);
        let address = match (known, u8::try_from(layout.hosts.len() + 1)) {
            (Some(address), _) => address,
            (None, Ok(number)) if usize::from(number) <= HOSTS_MAX => {
                let address = Ipv4Addr::new(127, 0, 1, number);
                layout.hosts.push((address, host.clone()));
                address
            }
            _ => return Err(refused(&host, port, "it is one host too many")),
        };
        let place = (SocketAddrV4::new(address, port), host, port);
        if !layout.listeners.contains(&place) {
            layout.listeners.push(place);
        }
    }
    Ok(layout)
}

/// The names that every jail has, and those of the functions that this one may call: a client that uses
/// no proxy finds them too.
pub(crate) fn names<'a>(
    functions: impl IntoIterator<Item = &'a FunctionName>,
) -> Vec<(Ipv4Addr, String)> {
    let own = [HOST_NAME, EVENTS].map(str::to_owned).into_iter();
    let functions = functions.into_iter().map(|name| format!("{name}{FUNCTIONS}"));
    own.chain(functions).map(|name| (HOST, name)).collect()
}

fn check(host: &str, port: u16) -> Result<(), Problem> {
    let refuse = |why: &str| Err(refused(host, port, why));
    let fits =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    if is_address(host) {
        return refuse("it is an address, and a jail finds destinations by name");
    }
    if host.is_empty() || host.len() > 253 || !host.bytes().all(fits) || port == 0 {
        return refuse("it is no host and port");
    }
    if host == "localhost" || host.ends_with(".localhost") || host.ends_with(OWN) {
        return refuse("the name is the jail's or the platform's own");
    }
    if metadata::is_metadata(host) {
        return refuse("there is no metadata service of a cloud here");
    }
    Ok(())
}

/// What some program reads as an address, in any spelling.
fn is_address(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default();
    let digits = last.strip_prefix("0x").unwrap_or(last);
    let number = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit())
        || digits.len() < last.len() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    number || host.contains(':')
}

fn refused(host: &str, port: u16, why: &str) -> Problem {
    Problem::new(Code::NotForJails).detail(format!("{host}:{port}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_host_has_an_address_and_each_port_a_listener() {
        let asked =
            [("db.internal", 5432), ("cache", 6379), ("DB.internal.", 5433), ("cache", 6379)];
        let layout = layout(asked).expect("laid out");
        let names: Vec<_> = layout.hosts.iter().map(|(at, name)| format!("{at} {name}")).collect();
        assert_eq!(names, ["127.0.1.1 db.internal", "127.0.1.2 cache"]);
        let places: Vec<_> =
            layout.listeners.iter().map(|(at, host, port)| format!("{at} {host}:{port}")).collect();
        assert_eq!(
            places,
            [
                "127.0.1.1:5432 db.internal:5432",
                "127.0.1.2:6379 cache:6379",
                "127.0.1.1:5433 db.internal:5433"
            ]
        );
    }

    #[test]
    fn what_has_no_name_or_a_name_of_the_platforms_is_refused() {
        for host in [
            "10.0.0.1",
            "127.1",
            "0x7f.1",
            "a.0x7f",
            "2130706433",
            "[::1]",
            "::1",
            "localhost",
            "a.localhost",
            "host.casemate.internal",
            "x.fn.casemate.internal",
            "metadata.google.internal",
            "",
            "a b",
            "*.internal",
        ] {
            let problem = layout([(host, 5432)]).expect_err(host);
            assert_eq!(problem.code, Code::NotForJails, "{host}");
        }
        layout([("db", 0)]).expect_err("no port");
        let many: Vec<_> = (0..=HOSTS_MAX).map(|number| format!("h{number}")).collect();
        layout(many.iter().map(|host| (host.as_str(), 1))).expect_err("too many");
        layout(many[1..].iter().map(|host| (host.as_str(), 1))).expect("as many as may be");
    }

    #[test]
    fn functions_that_may_be_called_have_names() {
        let shipping = FunctionName::parse("shipping").expect("a name");
        let found = names([&shipping]);
        let expect =
            ["host.casemate.internal", "events.casemate.internal", "shipping.fn.casemate.internal"];
        assert_eq!(found, expect.map(|name| (HOST, name.to_owned())));
    }
}
