//! Route patterns: `METHOD path` or `METHOD host/path`.
//!
//! A path segment is plain text, `{name}` for one segment, or, at the end, `{*name}` for the rest.
//! The method `*` stands for every method. This file reads and prints patterns; matching is done
//! by the tree of segments in `engine`.

mod host;
mod url;

pub use host::{overlap, wildcard_of};
pub use url::example_url;

use serde::{Deserialize, Serialize};
use std::fmt;

/// A route pattern.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Route {
    /// An upper-case method, or `*`.
    pub method: String,
    /// A lower-case host name without port, if the route is for one host only; `*.example.com`
    /// is every host one label below.
    pub host: Option<String>,
    /// The path, beginning with `/`.
    pub path: String,
}

/// A text that is no route.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no route: {reason}", .text.escape_debug())]
pub struct Error {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// Methods that a route may name.
pub const METHODS: &[&str] = &["*", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
/// Longest pattern, in bytes.
pub const ROUTE_BYTES_MAX: usize = 512;

impl Route {
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`Error`] says what is wrong.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let fail = |reason| Error { text: text.chars().take(80).collect(), reason };
        if text.len() > ROUTE_BYTES_MAX {
            return Err(fail("it is longer than 512 characters"));
        }
        let (method, target) = text
            .trim()
            .split_once(' ')
            .ok_or_else(|| fail("write a method, a space and a path"))?;
        if !METHODS.contains(&method) {
            return Err(fail(
                "the method is none of *, GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
            ));
        }
        let target = target.trim_start();
        let slash = target.find('/').ok_or_else(|| fail("the path begins with `/`"))?;
        let (host, path) = target.split_at(slash);
        let host = if host.is_empty() { None } else { Some(host::parse(host).map_err(fail)?) };
        check_path(path).map_err(fail)?;
        Ok(Self { method: method.to_owned(), host, path: path.to_owned() })
    }

    /// The route that a bare component named `name` gets.
    #[must_use]
    pub fn default_for(name: &str) -> Self {
        Self { method: "*".to_owned(), host: None, path: format!("/{name}/{{*rest}}") }
    }

    /// The same route for one host.
    #[must_use]
    pub fn on(&self, host: &str) -> Self {
        Self { host: Some(host.to_owned()), ..self.clone() }
    }

    /// The path with every parameter name replaced, so that two patterns that match the same
    /// paths compare equal.
    #[must_use]
    pub fn shape(&self) -> String {
        let segments = self.path.split('/').map(|segment| {
            if segment.starts_with("{*") {
                "{*}"
            } else if segment.starts_with('{') {
                "{}"
            } else {
                segment
            }
        });
        segments.collect::<Vec<_>>().join("/")
    }
}

/// Whether a path is the platform's own, which no function answers.
#[must_use]
pub fn is_own(path: &str) -> bool {
    path.strip_prefix("/.casemate").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn check_path(path: &str) -> Result<(), &'static str> {
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let mut names: Vec<&str> = Vec::new();
    for (at, segment) in segments.iter().enumerate() {
        let last = at + 1 == segments.len();
        if segment.is_empty() && !last {
            return Err("the path has an empty segment");
        }
        if *segment == "." || *segment == ".." {
            return Err("the path has a `.` or `..` segment");
        }
        if let Some(inner) = segment.strip_prefix('{') {
            let inner = inner.strip_suffix('}').ok_or("a parameter fills its whole segment")?;
            let name = match inner.strip_prefix('*') {
                Some(_) if !last => return Err("`{*name}` stands at the end"),
                Some(name) => name,
                None => inner,
            };
            let plain =
                !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            if !plain {
                return Err("a parameter is named with letters, digits and `_`");
            }
            if names.contains(&name) {
                return Err("a parameter name occurs twice");
            }
            names.push(name);
        } else if !segment.bytes().all(|b| {
            b.is_ascii_graphic()
                && !matches!(
                    b,
                    b'{' | b'}'
                        | b'?'
                        | b'#'
                        | b'%'
                        | b'\\'
                        | b'"'
                        | b'<'
                        | b'>'
                        | b'^'
                        | b'`'
                        | b'|'
                )
        }) {
            return Err("the path has a character that a path may not have");
        }
    }
    Ok(())
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.method, self.host.as_deref().unwrap_or(""), self.path)
    }
}

impl std::str::FromStr for Route {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Route {
    type Error = Error;
    fn try_from(text: String) -> Result<Self, Error> {
        Self::parse(&text)
    }
}

impl From<Route> for String {
    fn from(route: Route) -> Self {
        route.to_string()
    }
}

impl schemars::JsonSchema for Route {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Route".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "`METHOD path` or `METHOD host/path`; `{name}` matches one segment, `{*name}` the rest.",
            "examples": ["GET /orders/{id}", "* api.example.com/v1/{*rest}"]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_patterns() {
        let route = Route::parse("GET API.example.com/orders/{id}").expect("valid");
        assert_eq!(route.host.as_deref(), Some("api.example.com"));
        assert_eq!(route.path, "/orders/{id}");
        assert_eq!(Route::parse("* /").expect("root").path, "/");
        assert_eq!(
            Route::parse("GET /a/{x}").expect("a").shape(),
            Route::parse("GET /a/{y}").expect("b").shape()
        );
    }

    #[test]
    fn refuses_what_is_ambiguous() {
        for text in [
            "",
            "/x",
            "GET",
            "GET x",
            "FETCH /x",
            "get /x",
            "GET //x",
            "GET /a//b",
            "GET /../x",
            "GET /{*rest}/x",
            "GET /{}",
            "GET /a{b}",
            "GET /{a}{b}",
            "GET /{a}/{a}",
            "GET /a?b",
            "GET /a%2f",
            "GET /\u{e9}",
            "GET ho_st/x",
            "GET host:80/x",
        ] {
            assert!(Route::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics_and_prints_what_it_read(text in "\\PC{0,40}|(GET|\\*) [a-z./{}*]{0,30}") {
            if let Ok(route) = Route::parse(&text) {
                prop_assert_eq!(Route::parse(&route.to_string()), Ok(route));
            }
        }
    }
}
