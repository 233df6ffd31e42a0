//! What a function that was written for Spin finds: header fields about the route that the request
//! came by, and names of the other components.
//!
//! Invariant: whoever calls cannot set these fields, and none of them says more than the request
//! and the function's own routes do.

use crate::request::request_host;
use http::header::{HOST, HeaderMap, HeaderName, HeaderValue};
use model::manifest::HttpTrigger;
use model::wire::v1::Trigger;
use ports::executor::RequestBody;
use std::fmt::Write as _;
use std::net::IpAddr;

/// What every field's name begins with.
const PREFIX: &str = "spin-";
/// The host by which an application calls itself.
pub(crate) const SELF: &str = "self";
/// Below which components of an application have names.
const INTERNAL: &str = ".spin.internal";

/// The component that a host names, if it names one.
pub(crate) fn component(host: &str) -> Option<&str> {
    host.strip_suffix(INTERNAL)
}

/// Where a request's path lies in the route that it came by.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    /// The route, as Spin writes it.
    route: String,
    /// What the rest of the route stands for; empty without one.
    rest: String,
    /// What the parameters stand for.
    parameters: Vec<(String, String)>,
}

/// Puts Spin's header fields into a request, and takes out what looks like them.
pub(crate) fn stamp(
    request: &mut http::Request<RequestBody>,
    trigger: &Trigger,
    routes: &[HttpTrigger],
    peer: Option<IpAddr>,
) {
    let path = request.uri().path();
    // Nobody outside can say so: the name means nothing there.
    let called = matches!(trigger, Trigger::Call { .. });
    let by_name = called && request_host(request).is_some_and(|host| component(&host).is_some());
    let place = if by_name { None } else { found(path, trigger, routes) };
    // A component that is called by its name has the whole path.
    let place = place.unwrap_or_else(|| Place {
        route: "/...".to_owned(),
        rest: path.to_owned(),
        parameters: Vec::new(),
    });
    let url = full_url(request);
    let headers = request.headers_mut();
    forget(headers);
    let prefix = place.route.strip_suffix("/...").unwrap_or(&place.route);
    put(headers, "path-info", &place.rest);
    put(headers, "full-url", &url);
    put(headers, "matched-route", &place.route);
    put(headers, "base-path", "/");
    put(headers, "raw-component-route", &place.route);
    put(headers, "component-route", prefix);
    if let Some(peer) = peer {
        // The port is not known here; a socket's address has one.
        put(headers, "client-addr", &std::net::SocketAddr::new(peer, 0).to_string());
    }
    for (name, value) in &place.parameters {
        put(headers, &format!("path-match-{}", name.to_ascii_lowercase().replace('_', "-")), value);
    }
}

fn forget(headers: &mut HeaderMap) {
    let own: Vec<HeaderName> =
        headers.keys().filter(|name| name.as_str().starts_with(PREFIX)).cloned().collect();
    for name in own {
        headers.remove(name);
    }
}

fn put(headers: &mut HeaderMap, name: &str, value: &str) {
    let name = HeaderName::try_from(format!("{PREFIX}{name}"));
    // A path holds nothing that a field may not hold; what does not fit is not said.
    if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value)) {
        headers.insert(name, value);
    }
}

fn full_url(request: &http::Request<RequestBody>) -> String {
    let uri = request.uri();
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| uri.authority().map(http::uri::Authority::as_str));
    let path = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let mut url = String::new();
    let _infallible = write!(
        url,
        "{}://{}{path}",
        uri.scheme_str().unwrap_or("http"),
        host.unwrap_or("localhost")
    );
    url
}

/// The route that the request came by, or else the one of the function's that fits best.
fn found(path: &str, trigger: &Trigger, routes: &[HttpTrigger]) -> Option<Place> {
    let by = match trigger {
        Trigger::Http { route, .. }
        | Trigger::WebSocket { route, .. }
        | Trigger::Queue { route, .. } => pattern(route),
        Trigger::Direct { .. }
        | Trigger::Call { .. }
        | Trigger::Schedule { .. }
        | Trigger::Event { .. }
        | Trigger::Batch { .. }
        | Trigger::Batched { .. } => None,
    };
    if let Some(place) = by.and_then(|pattern| fit(pattern, path)) {
        return Some(place);
    }
    let own = routes.iter().filter_map(|http| fit(&http.route.path, path));
    // The one that says most of the path, as a router would choose.
    own.min_by_key(|place| (place.rest.len(), place.parameters.len()))
}

/// The path of a route that is written with its method and its host.
fn pattern(route: &str) -> Option<&str> {
    let target = route.split_once(' ')?.1;
    target.get(target.find('/')?..)
}

/// What a path is to a pattern of ours; `None` if it does not fit.
fn fit(pattern: &str, path: &str) -> Option<Place> {
    let (mut route, mut parameters) = (String::new(), Vec::new());
    let mut left = path.strip_prefix('/');
    for segment in pattern.split('/').skip(1) {
        if segment.starts_with("{*") {
            route.push_str("/...");
            let rest = left.map(|rest| format!("/{rest}")).unwrap_or_default();
            return Some(Place { route, rest, parameters });
        }
        let (here, after) = match left?.split_once('/') {
            Some((here, after)) => (here, Some(after)),
            None => (left?, None),
        };
        match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) => {
                if here.is_empty() {
                    return None;
                }
                parameters.push((name.to_owned(), here.to_owned()));
                let _infallible = write!(route, "/:{name}");
            }
            None if segment == here => {
                let _infallible = write!(route, "/{segment}");
            }
            None => return None,
        }
        left = after;
    }
    if left.is_some() {
        return None;
    }
    // A slash at the end is no part of a route of Spin's.
    if route.len() > 1 && route.ends_with('/') {
        route.pop();
    }
    Some(Place { route, rest: String::new(), parameters })
}

#[cfg(test)]
mod tests;
