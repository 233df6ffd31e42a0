//! Which function answers a request: a tree over hosts, path segments and methods.
//!
//! A host's own routes win over those of its wildcard, and those over routes without a host.
//! Static segments win over parameters, parameters over `{*rest}`; `{*rest}` matches nothing,
//! one or many segments. Paths are compared with percent-encoded unreserved characters decoded
//! (RFC 3986, section 6.2.2.2) and nothing else changed: `//` is not collapsed, and a trailing
//! slash counts. Dot segments and encoded separators are refused, since two servers could read
//! them differently.

use model::route::{Route, wildcard_of};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

/// A tree of routes to values of `T`.
#[derive(Debug)]
pub(crate) struct Router<T> {
    any_host: Node<T>,
    hosts: HashMap<String, Node<T>>,
}

/// A node of the tree: what stands below one prefix of segments.
#[derive(Debug)]
struct Node<T> {
    statics: HashMap<Box<str>, Self>,
    parameter: Option<Box<Self>>,
    /// Routes that end here.
    here: Vec<Leaf<T>>,
    /// Routes that take whatever follows, or nothing.
    rest: Vec<Leaf<T>>,
}

#[derive(Debug)]
struct Leaf<T> {
    method: String,
    pattern: Arc<str>,
    target: T,
}

/// What was found for a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found<'a, T> {
    /// A route.
    Route {
        /// What it leads to.
        target: &'a T,
        /// The pattern, as it was declared.
        pattern: &'a Arc<str>,
    },
    /// The path is known, the method is not.
    OtherMethods {
        /// What one of the other methods leads to.
        target: &'a T,
        /// The methods that there are.
        methods: Vec<&'a str>,
    },
    /// Nothing.
    Nothing,
}

/// A path that two servers could read differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UnsafePath;

impl<T> Default for Router<T> {
    fn default() -> Self {
        Self { any_host: Node::default(), hosts: HashMap::new() }
    }
}

impl<T> Default for Node<T> {
    fn default() -> Self {
        Self { statics: HashMap::new(), parameter: None, here: Vec::new(), rest: Vec::new() }
    }
}

impl<T> Router<T> {
    /// Builds the tree. Routes that clash were refused when they were deployed; should two slip
    /// through, the first stays.
    pub(crate) fn new<'r>(routes: impl Iterator<Item = (&'r Route, T)>) -> Self {
        let mut router = Self::default();
        for (route, target) in routes {
            let root = match &route.host {
                Some(host) => router.hosts.entry(host.clone()).or_default(),
                None => &mut router.any_host,
            };
            root.insert(route, target);
        }
        router
    }

    /// The hosts that have routes of their own.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = &str> {
        self.hosts.keys().map(String::as_str)
    }

    /// Finds the route for a request. `host` is lower-case and without port.
    pub(crate) fn find(
        &self,
        method: &str,
        host: Option<&str>,
        path: &str,
    ) -> Result<Found<'_, T>, UnsafePath> {
        let path = normalise(path)?;
        let host = host.filter(|_| !self.hosts.is_empty());
        if let Some(host) = host {
            let own = self.hosts.get(host).map(|root| root.find(method, &path));
            if let Some(found) = own.filter(|found| !matches!(found, Found::Nothing)) {
                return Ok(found);
            }
            let wildcard = wildcard_of(host).and_then(|wildcard| self.hosts.get(&wildcard));
            let below = wildcard.map(|root| root.find(method, &path));
            if let Some(found) = below.filter(|found| !matches!(found, Found::Nothing)) {
                return Ok(found);
            }
        }
        Ok(self.any_host.find(method, &path))
    }
}

impl<T> Node<T> {
    fn insert(&mut self, route: &Route, target: T) {
        let mut node = self;
        let leaf = Leaf { method: route.method.clone(), pattern: route.to_string().into(), target };
        for segment in route.path.split('/').skip(1) {
            if segment.starts_with("{*") {
                return add(&mut node.rest, leaf);
            }
            node = if segment.starts_with('{') {
                node.parameter.get_or_insert_default()
            } else {
                node.statics.entry(segment.into()).or_default()
            };
        }
        add(&mut node.here, leaf);
    }

    fn find(&self, method: &str, path: &str) -> Found<'_, T> {
        let mut others = Vec::new();
        if let Some(leaf) = self.walk(method, path.strip_prefix('/'), &mut others) {
            return Found::Route { target: &leaf.target, pattern: &leaf.pattern };
        }
        match others.first() {
            Some(leaf) => Found::OtherMethods {
                target: &leaf.target,
                methods: others.iter().map(|leaf| leaf.method.as_str()).collect(),
            },
            None => Found::Nothing,
        }
    }

    /// Looks for the most specific route that answers the method; `path` is what is left of the
    /// path, without its slash. Routes for other methods are noted in `others`.
    fn walk<'n>(
        &'n self,
        method: &str,
        path: Option<&str>,
        others: &mut Vec<&'n Leaf<T>>,
    ) -> Option<&'n Leaf<T>> {
        let Some(path) = path else {
            return choose(&self.here, method, others)
                .or_else(|| choose(&self.rest, method, others));
        };
        let (segment, after) = match path.split_once('/') {
            Some((segment, after)) => (segment, Some(after)),
            None => (path, None),
        };
        let by_name = self.statics.get(segment).and_then(|node| node.walk(method, after, others));
        let by_parameter = || {
            let node = self.parameter.as_ref().filter(|_| !segment.is_empty())?;
            node.walk(method, after, others)
        };
        by_name.or_else(by_parameter).or_else(|| choose(&self.rest, method, others))
    }
}

fn add<T>(leaves: &mut Vec<Leaf<T>>, leaf: Leaf<T>) {
    if leaves.iter().all(|known| known.method != leaf.method) {
        leaves.push(leaf);
    }
}

/// The leaf for the method; HEAD is answered by GET, and `*` by all.
fn choose<'n, T>(
    leaves: &'n [Leaf<T>],
    method: &str,
    others: &mut Vec<&'n Leaf<T>>,
) -> Option<&'n Leaf<T>> {
    let by_method = |wanted: &str| leaves.iter().find(|leaf| leaf.method == wanted);
    let head_as_get = || if method == "HEAD" { by_method("GET") } else { None };
    let found = by_method(method).or_else(head_as_get).or_else(|| by_method("*"));
    if found.is_none() {
        others.extend(leaves);
    }
    found
}

/// Decodes percent-encoded unreserved characters; refuses dot segments and encoded separators.
pub(crate) fn normalise(path: &str) -> Result<Cow<'_, str>, UnsafePath> {
    let plain = !path.contains('%');
    let path = if plain { Cow::Borrowed(path) } else { Cow::Owned(decode_unreserved(path)?) };
    let dots = path.contains("/.") && path.split('/').any(|segment| matches!(segment, "." | ".."));
    if dots || path.contains('\\') || !path.starts_with('/') {
        return Err(UnsafePath);
    }
    Ok(path)
}

fn decode_unreserved(path: &str) -> Result<String, UnsafePath> {
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(at) = rest.find('%') {
        out.push_str(rest.get(..at).unwrap_or_default());
        let digits = rest.get(at + 1..at + 3).ok_or(UnsafePath)?;
        let byte = u8::from_str_radix(digits, 16).map_err(|_| UnsafePath)?;
        if digits.starts_with('+') || matches!(byte, 0 | b'/' | b'\\') {
            return Err(UnsafePath);
        }
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&digits.to_ascii_uppercase());
        }
        rest = rest.get(at + 3..).unwrap_or_default();
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn router(routes: &[&str]) -> Router<usize> {
        let parsed: Vec<(Route, usize)> = routes
            .iter()
            .enumerate()
            .map(|(at, text)| (Route::parse(text).expect(text), at))
            .collect();
        Router::new(parsed.iter().map(|(route, at)| (route, *at)))
    }

    fn target(
        router: &Router<usize>,
        method: &str,
        host: Option<&str>,
        path: &str,
    ) -> Option<usize> {
        match router.find(method, host, path) {
            Ok(Found::Route { target, .. }) => Some(*target),
            _ => None,
        }
    }

    #[test]
    fn static_before_parameter_before_rest() {
        let routes = router(&["GET /a/{x}", "GET /a/b", "GET /a/{*rest}", "GET /a/{x}/c"]);
        for (path, wanted) in [
            ("/a/b", 1),
            ("/a/z", 0),
            ("/a/z/c", 3),
            ("/a/z/d", 2),
            ("/a/b/d/e", 2),
            ("/a/", 2),
            ("/a", 2),
        ] {
            assert_eq!(target(&routes, "GET", None, path), Some(wanted), "{path}");
        }
    }

    #[test]
    fn methods_share_a_path_and_head_falls_back_to_get() {
        let routes = router(&["GET /x/{id}", "POST /x/{key}", "* /any"]);
        assert_eq!(target(&routes, "GET", None, "/x/1"), Some(0));
        assert_eq!(target(&routes, "HEAD", None, "/x/1"), Some(0));
        assert_eq!(target(&routes, "POST", None, "/x/1"), Some(1));
        assert_eq!(target(&routes, "DELETE", None, "/any"), Some(2));
        let Ok(Found::OtherMethods { methods, .. }) = routes.find("PUT", None, "/x/1") else {
            panic!("known path")
        };
        assert_eq!(methods, ["GET", "POST"]);
    }

    #[test]
    fn a_host_of_its_own_wins() {
        let routes = router(&["GET /x", "GET api.example.com/x"]);
        assert_eq!(target(&routes, "GET", Some("api.example.com"), "/x"), Some(1));
        assert_eq!(target(&routes, "GET", Some("other.example.com"), "/x"), Some(0));
        assert_eq!(target(&routes, "GET", None, "/x"), Some(0));
    }

    #[test]
    fn a_host_wins_over_its_wildcard_and_that_over_none() {
        let routes =
            router(&["GET /x", "GET *.example.com/x", "GET api.example.com/x", "GET /{*rest}"]);
        for (host, wanted) in [
            ("api.example.com", 2),
            ("www.example.com", 1),
            ("a.www.example.com", 0),
            ("example.com", 0),
            ("*.example.com", 1),
            (".example.com", 0),
        ] {
            assert_eq!(target(&routes, "GET", Some(host), "/x"), Some(wanted), "{host}");
        }
        assert_eq!(target(&routes, "GET", Some("www.example.com"), "/y"), Some(3));
    }

    #[test]
    fn an_explicit_route_beats_the_empty_rest_of_another() {
        let routes = router(&["* /a/{*rest}", "GET /a"]);
        assert_eq!(target(&routes, "GET", None, "/a"), Some(1));
        assert_eq!(target(&routes, "GET", None, "/a/"), Some(0));
        assert_eq!(target(&routes, "POST", None, "/a"), Some(0));
        let root = router(&["GET /{*rest}"]);
        assert_eq!(target(&root, "GET", None, "/"), Some(0));
        assert_eq!(target(&root, "GET", None, "/deep/er"), Some(0));
    }

    #[test]
    fn encodings_that_mean_the_same_match_and_tricks_are_refused() {
        let routes = router(&["GET /admin/{x}"]);
        assert_eq!(target(&routes, "GET", None, "/%61dmin/1"), Some(0));
        assert_eq!(target(&routes, "GET", None, "/admin/%20"), Some(0));
        assert_eq!(target(&routes, "GET", None, "//admin/1"), None);
        assert_eq!(target(&routes, "GET", None, "/Admin/1"), None);
        for path in [
            "/admin/..",
            "/admin/%2e%2E",
            "/admin/a%2fb",
            "/admin/a%5Cb",
            "/admin/%00",
            "/admin/%zz",
            "/admin/%2",
            "/./admin/1",
            "admin",
        ] {
            assert_eq!(routes.find("GET", None, path), Err(UnsafePath), "{path}");
        }
    }

    /// What `cargo xtask bench --only routing` counts the instructions of.
    #[inline(never)]
    fn finds_to_count(routes: &Router<usize>, among: usize) -> usize {
        let hit = |at: usize| target(routes, "GET", None, &format!("/f{:05}/x", at % among));
        (0..1000).filter(|at| hit(at * 7919) == Some(at * 7919 % among)).count()
    }

    fn many(count: usize) -> Router<usize> {
        let patterns: Vec<String> =
            (0..count).map(|at| format!("GET /f{at:05}/{{*rest}}")).collect();
        router(&patterns.iter().map(String::as_str).collect::<Vec<_>>())
    }

    #[test]
    fn finds_among_one_hundred() {
        assert_eq!(finds_to_count(&many(100), 100), 1000);
    }

    #[test]
    fn finds_among_ten_thousand() {
        assert_eq!(finds_to_count(&many(10_000), 10_000), 1000);
    }

    proptest! {
        #[test]
        fn never_panics_whatever_the_path(path in "\\PC{0,60}|/[a-z%0-9./]{0,40}") {
            let routes = router(&["GET /a/{x}", "GET /{*rest}"]);
            let _ = routes.find("GET", None, &path);
        }
    }
}
