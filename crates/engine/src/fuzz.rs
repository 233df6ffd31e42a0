//! What the fuzzer and the tests call: request paths through the router, and requests in which
//! sensitive values may stand.
//!
//! Compiled for tests and for the fuzzer only; see `docs/FUZZING.md`.

use crate::router::{Found, Router};
use model::route::Route;
use std::cmp::Ordering;

/// What a target says: nothing, or which promise was broken.
pub type Outcome = Result<(), String>;

/// Most patterns and most requests of one input.
const LINES_MAX: usize = 64;

fn hold(kept: bool, promise: impl std::fmt::Display) -> Outcome {
    if kept { Ok(()) } else { Err(promise.to_string()) }
}

/// Lines of text: route patterns, an empty line, then requests as `METHOD PATH` or
/// `METHOD PATH HOST`. The tree finds what a list of all patterns finds that looks at each; it
/// refuses a path if and only if two servers could read it differently.
///
/// # Errors
/// The promise that was broken.
pub fn router(bytes: &[u8]) -> Outcome {
    let Ok(text) = std::str::from_utf8(bytes) else { return Ok(()) };
    let (patterns, requests) = text.split_once("\n\n").unwrap_or((text, "GET /"));
    let routes: Vec<Route> =
        patterns.lines().take(LINES_MAX).filter_map(|line| Route::parse(line).ok()).collect();
    let tree = Router::new(routes.iter().zip(0usize..));
    for request in requests.lines().take(LINES_MAX) {
        let mut words = request.splitn(3, ' ');
        let (method, path) = (words.next().unwrap_or("GET"), words.next().unwrap_or_default());
        one(&tree, &routes, method, words.next(), path)?;
    }
    Ok(())
}

/// A request in which values stand that no contract names: what the engine makes of it.
///
/// # Errors
/// The promise that was broken.
pub fn sift(bytes: &[u8]) -> Outcome {
    crate::data::sift_any(bytes)
}

fn one(
    tree: &Router<usize>,
    routes: &[Route],
    method: &str,
    host: Option<&str>,
    path: &str,
) -> Outcome {
    let wrong = |what: &str| format!("{method} {path:?} for {host:?}: {what}");
    let plain = plain(path);
    let Ok(found) = tree.find(method, host, path) else {
        return hold(plain.is_none(), wrong("it is refused and means one thing"));
    };
    let Some(path) = plain else { return Err(wrong("it is read and could mean two things")) };
    let own = host.filter(|host| at_host(routes, Some(host)).any(|it| fits(it.1, &path)));
    let all: Vec<_> = at_host(routes, own).filter(|(_, route)| fits(route, &path)).collect();
    let best = all
        .iter()
        .filter(|(_, route)| rank(&route.method, method).is_some())
        .min_by(|(_, a), (_, b)| closer(a, b, method));
    match (found, best) {
        (Found::Route { target, pattern }, Some((number, route))) => {
            hold(target == number, wrong("another route is nearer"))?;
            hold(**pattern == *route.to_string(), wrong("it says another pattern"))
        }
        (Found::OtherMethods { target, methods }, None) => {
            hold(!all.is_empty(), wrong("there is no such path"))?;
            let mut known: Vec<&str> = all.iter().map(|(_, it)| it.method.as_str()).collect();
            let mut said = methods;
            for list in [&mut known, &mut said] {
                list.sort_unstable();
                list.dedup();
            }
            hold(known == said, wrong("it names other methods"))?;
            hold(all.iter().any(|(number, _)| number == target), wrong("it names another place"))
        }
        (Found::Nothing, None) => hold(all.is_empty(), wrong("there is such a path")),
        (found, best) => Err(wrong(&format!("{found:?}, and not {best:?}"))),
    }
}

fn at_host<'r>(
    routes: &'r [Route],
    host: Option<&str>,
) -> impl Iterator<Item = (usize, &'r Route)> {
    routes.iter().enumerate().filter(move |(_, route)| route.host.as_deref() == host)
}

/// Whether a pattern matches a path: segment by segment, with the rest at the end.
fn fits(route: &Route, path: &str) -> bool {
    let pattern: Vec<&str> = route.path.split('/').skip(1).collect();
    let path: Vec<&str> = path.split('/').skip(1).collect();
    let (pattern, open) = match pattern.split_last() {
        Some((last, before)) if last.starts_with("{*") => (before, true),
        _ => (pattern.as_slice(), false),
    };
    let long_enough = if open { path.len() >= pattern.len() } else { path.len() == pattern.len() };
    long_enough
        && pattern.iter().zip(&path).all(|(own, other)| match own.starts_with('{') {
            true => !other.is_empty(),
            false => own == other,
        })
}

/// How well a route's method answers a request's; the lowest is the best.
fn rank(own: &str, asked: &str) -> Option<u8> {
    match own {
        _ if own == asked => Some(0),
        "GET" if asked == "HEAD" => Some(1),
        "*" => Some(2),
        _ => None,
    }
}

/// Which of two routes that match is nearer: at the first segment that differs plain text comes
/// before a parameter, that before the rest, and an end before the rest that is nothing.
fn closer(a: &Route, b: &Route, method: &str) -> Ordering {
    let kinds = |route: &Route| -> Vec<u8> {
        let kind = |segment: &str| match segment {
            _ if segment.starts_with("{*") => 2,
            _ if segment.starts_with('{') => 1,
            _ => 0,
        };
        route.path.split('/').skip(1).map(kind).collect()
    };
    kinds(a).cmp(&kinds(b)).then_with(|| rank(&a.method, method).cmp(&rank(&b.method, method)))
}

/// The path with escapes of characters that need none undone and the digits of others in upper
/// case; none if a server could read a separator, an end or a climb into it.
fn plain(path: &str) -> Option<String> {
    let mut out = Vec::new();
    let bytes = path.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if *byte != b'%' {
            out.push(*byte);
            at += 1;
            continue;
        }
        let digits = bytes.get(at + 1..at + 3)?;
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let value = u8::try_from(digit(digits[0])? * 16 + digit(digits[1])?).ok()?;
        match value {
            0 | b'/' | b'\\' => return None,
            b'-' | b'.' | b'_' | b'~' => out.push(value),
            _ if value.is_ascii_alphanumeric() => out.push(value),
            _ => out.extend(format!("%{value:02X}").bytes()),
        }
        at += 3;
    }
    let out = String::from_utf8(out).ok()?;
    let climbs = out.split('/').any(|segment| segment == "." || segment == "..");
    (out.starts_with('/') && !climbs && !out.contains('\\')).then_some(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    #[test]
    fn router() {
        fuzzing::run("router", 6000, super::router);
    }

    #[test]
    fn sift() {
        fuzzing::run("sift", 3000, super::sift);
    }

    proptest! {
        /// Few names, so that patterns overlap in every way.
        #[test]
        fn the_tree_finds_what_a_list_finds(
            patterns in prop::collection::vec(
                "(GET|HEAD|POST|\\*) (h[.]x|)(/(a|b|[{]x[}]|[{]y[}]))?(/(a|b|[{]z[}]))?(/|/[{][*]r[}]|/c|/[.]a)?",
                0..12,
            ),
            requests in prop::collection::vec(
                "(GET|HEAD|POST|PUT) (/(a|b|c|%61|%2e|))?(/(a|b|c|[.]|))?(/|/c|/c/d|/%2Ea)?( h[.]x| h[.]y)?",
                1..12,
            ),
        ) {
            let text = format!("{}\n\n{}", patterns.join("\n"), requests.join("\n"));
            let outcome = super::router(text.as_bytes());
            prop_assert!(outcome.is_ok(), "{:?}", outcome);
        }
    }
}
