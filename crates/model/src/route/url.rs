//! A URL to try for a route.

use super::Route;

/// A URL that the route answers on the listener `gateway` (`http://127.0.0.1:8080`); parameters
/// stand in capitals, and the part that a wildcard host leaves open is `any`.
#[must_use]
pub fn example_url(gateway: &str, route: &Route) -> String {
    let segments = route.path.split('/').map(|segment| {
        match segment.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')) {
            Some(rest) if rest.starts_with('*') => String::new(),
            Some(name) => name.to_uppercase(),
            None => segment.to_owned(),
        }
    });
    let path = segments.collect::<Vec<_>>().join("/");
    let gateway = gateway.trim_end_matches('/');
    let Some(host) = &route.host else { return format!("{gateway}{path}") };
    let host = host.replacen('*', "any", 1);
    let (scheme, authority) = gateway.split_once("://").unwrap_or(("http", gateway));
    // The host decides, so the URL names it; the port is the listener's.
    let port = authority.rsplit_once(':').map(|(_, port)| port);
    let usual = matches!((scheme, port), ("http", Some("80")) | ("https", Some("443")));
    match port.filter(|port| !usual && port.bytes().all(|b| b.is_ascii_digit())) {
        Some(port) => format!("{scheme}://{host}:{port}{path}"),
        None => format!("{scheme}://{host}{path}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_show_what_to_fill_in() {
        for (gateway, route, expect) in [
            ("http://127.0.0.1:8080", "* /hello/{*rest}", "http://127.0.0.1:8080/hello/"),
            (
                "http://127.0.0.1:8080",
                "GET /orders/{id}/lines/{n}",
                "http://127.0.0.1:8080/orders/ID/lines/N",
            ),
            ("http://127.0.0.1:8080", "GET /", "http://127.0.0.1:8080/"),
            ("http://127.0.0.1:8080", "GET api.example.com/v1", "http://api.example.com:8080/v1"),
            ("https://0.0.0.0:443", "GET *.example.com/", "https://any.example.com/"),
            ("https://[::1]", "GET a.example/", "https://a.example/"),
        ] {
            let route = Route::parse(route).expect(route);
            assert_eq!(example_url(gateway, &route), expect);
        }
    }
}
