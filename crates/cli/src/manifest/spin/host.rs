//! `allowed_outbound_hosts`, as what a function of ours asks for.

use super::Missing;
use model::manifest::{Allow, Dialect};
use model::{ApplicationName, FunctionName};

/// Where components of the same application answer.
const INTERNAL: &str = ".spin.internal";

/// Adds what one entry allows.
///
/// `all` are the application's functions.
pub(super) fn add(
    entry: &str,
    application: &ApplicationName,
    all: &[FunctionName],
    allow: &mut Allow,
) -> Result<(), String> {
    let (scheme, rest) =
        entry.split_once("://").ok_or("it is no `scheme://host` with perhaps a port")?;
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (host, port) = split(rest)?;
    if host == "self" || host == "*.spin.internal" {
        invoke(all.iter().cloned(), allow);
        return Ok(());
    }
    if let Some(component) = host.strip_suffix(INTERNAL) {
        let name = Dialect::function(application, component).map_err(|error| error.to_string())?;
        invoke([name], allow);
        return Ok(());
    }
    let schemes: &[&str] = match scheme {
        "*" => &["http", "https"],
        "http" => &["http"],
        "https" => &["https"],
        _ => return Err(format!("`{scheme}` is no HTTP, and no other way out exists")),
    };
    if host.is_empty() || host == "*" {
        return Err("it names no host: every host is named".to_owned());
    }
    if host.contains('*') {
        return Err("a host stands for itself: name each".to_owned());
    }
    let port = match port {
        None => String::new(),
        Some(port) if port.parse::<u16>().is_ok_and(|port| port > 0) => format!(":{port}"),
        Some(_) => return Err("a port is one number: name each".to_owned()),
    };
    for scheme in schemes {
        let target = format!("* {scheme}://{host}{port}/*");
        if !allow.http.contains(&target) {
            allow.http.push(target);
        }
    }
    Ok(())
}

/// Adds what an entry of the older `allowed_http_hosts` allows.
pub(super) fn add_old(entry: &str, allow: &mut Allow, missing: &mut Missing, whose: &str) {
    let entry = entry.split_once("://").map_or(entry, |(_, rest)| rest);
    let application = ApplicationName::parse("none");
    let added = match application {
        Ok(application) if entry != "insecure:allow-all" => {
            add(&format!("*://{entry}"), &application, &[], allow)
        }
        _ => Err("it names no host: every host is named".to_owned()),
    };
    if let Err(why) = added {
        let entry = entry.escape_debug();
        missing.note(format!("{whose}: `allowed_http_hosts` with `{entry}`: {why}"));
    }
}

fn invoke(names: impl IntoIterator<Item = FunctionName>, allow: &mut Allow) {
    for name in names {
        if !allow.invoke.contains(&name) {
            allow.invoke.push(name);
        }
    }
}

fn split(authority: &str) -> Result<(&str, Option<&str>), String> {
    if authority.contains(['/', '@', '?', '#', ' ']) {
        return Err("it is more than `scheme://host` and a port".to_owned());
    }
    if authority.starts_with('[') {
        let end = authority.find(']').ok_or("a `[` is not closed")? + 1;
        let (host, rest) = authority.split_at(end);
        return Ok((host, rest.strip_prefix(':')));
    }
    Ok(match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(entry: &str) -> Result<Allow, String> {
        let application = ApplicationName::parse("shop").expect("a name");
        let all = ["shop", "shop-cart"].map(|name| FunctionName::parse(name).expect("a name"));
        let mut allow = Allow::default();
        add(entry, &application, &all, &mut allow).map(|()| allow)
    }

    #[test]
    fn hosts_become_targets() {
        for (entry, expect) in [
            ("https://api.example.com", &["* https://api.example.com/*"][..]),
            ("https://api.example.com/", &["* https://api.example.com/*"]),
            ("http://127.0.0.1:8080", &["* http://127.0.0.1:8080/*"]),
            ("http://[::1]:81", &["* http://[::1]:81/*"]),
            ("*://a.example:9", &["* http://a.example:9/*", "* https://a.example:9/*"]),
        ] {
            assert_eq!(allowed(entry).expect(entry).http, expect, "{entry}");
        }
    }

    #[test]
    fn the_application_itself_becomes_functions() {
        let names = |entry: &str| {
            let allow = allowed(entry).expect(entry);
            assert!(allow.http.is_empty(), "{entry}");
            allow.invoke.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(names("http://self"), ["shop", "shop-cart"]);
        assert_eq!(names("http://*.spin.internal"), ["shop", "shop-cart"]);
        assert_eq!(names("http://cart.spin.internal"), ["shop-cart"]);
    }

    #[test]
    fn what_is_wider_than_a_host_or_no_http_has_no_counterpart() {
        for entry in [
            "*://*:*",
            "https://*",
            "https://*.example.com",
            "https://a.example:*",
            "https://a.example:80..90",
            "https://a.example:0",
            "redis://a.example:6379",
            "postgres://a.example",
            "a.example",
            "https://",
            "https://a.example/path",
            "https://u@a.example",
        ] {
            assert!(allowed(entry).is_err(), "{entry}");
        }
    }
}
