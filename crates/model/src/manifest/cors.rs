//! Which pages of other origins may call a route: `cors = { origins = ["https://app.example"] }`.
//!
//! Invariant: an origin is compared as a whole, or below one fixed suffix; the origin `null`,
//! which every sandboxed frame and every local file has, is never one of them.

use crate::route::{METHODS, wildcard_of};
use crate::unit::Duration;
use crate::{Code, Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How long browsers may keep the answer to a preflight, where nothing is said.
const MAX_AGE: Duration = Duration::seconds(600);
/// The longest time that any browser keeps one.
const MAX_AGE_MOST: Duration = Duration::seconds(86_400);
/// Most entries of each list.
const ENTRIES_MAX: usize = 64;

/// Which pages of other origins may call a route, and what they may send and read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cors {
    /// Origins such as `https://app.example`; `https://*.example.com` is every one a label below;
    /// `*` is every origin but `null`.
    pub origins: Vec<Origin>,
    /// Methods that pages may use. Default: the route's own; for `*`, all that a route may name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub methods: Option<Vec<String>>,
    /// Header fields that pages may send. Default: `authorization` and `content-type`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headers: Option<Vec<String>>,
    /// Header fields of the answer that pages may read, beside those that they always may.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expose: Vec<String>,
    /// Whether pages may send cookies and read the answer. Default `false`; not with `*`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub credentials: bool,
    /// How long browsers may keep the answer to a preflight. Default `10m`, at most `1d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<Duration>,
}

/// An origin, or a set of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Origin {
    /// `*`
    Any,
    /// One, as browsers write it: scheme, host, and a port that is not the scheme's own.
    One(String),
    /// Every host one label below: what stands before the label, and what stands behind it.
    Below {
        /// `https://`
        start: String,
        /// `.example.com`, with the port if there is one.
        end: String,
    },
}

impl Origin {
    /// Whether the value of a request's `Origin` field is one of these.
    #[must_use]
    pub fn admits(&self, origin: &str) -> bool {
        match self {
            Self::Any => origin != "null" && origin.contains("://"),
            Self::One(one) => one == origin,
            Self::Below { start, end } => {
                let label = origin.strip_prefix(start.as_str()).and_then(|o| o.strip_suffix(end));
                label.is_some_and(|label| {
                    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
                    !label.is_empty() && label.bytes().all(plain)
                })
            }
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let fail = |why: &str| {
            let shown: String = text.chars().take(80).collect();
            Err(format!("`{}` is no origin: {why}", shown.escape_debug()))
        };
        if text == "null" {
            return fail("`null` is the origin of every sandboxed page, so it means nobody");
        }
        let lower = text.to_ascii_lowercase();
        let Some((scheme, authority)) = lower.split_once("://") else {
            return fail("write scheme and host, such as `https://app.example`");
        };
        let scheme_ok = scheme.starts_with(|c: char| c.is_ascii_lowercase())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+.-".contains(&b));
        if !scheme_ok || authority.contains(['/', '?', '#', '@']) {
            return fail(
                "an origin is scheme, host and port, without a slash at the end or a path",
            );
        }
        let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
        if authority.contains(':') && port.parse::<u16>().is_err() {
            return fail("the port is no number");
        }
        if matches!((scheme, port), ("https", "443") | ("http", "80")) {
            return fail("browsers leave the scheme's own port out");
        }
        let fixed = host.strip_prefix("*.").unwrap_or(host);
        let label = |label: &str| {
            !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        if !fixed.split('.').all(label) {
            return fail("the host is no host name; `*` is its whole first label");
        }
        let Some(rest) = host.strip_prefix('*') else { return Ok(Self::One(lower)) };
        if wildcard_of(fixed).is_none() && fixed != "localhost" {
            return fail("`*` stands above a whole top-level domain");
        }
        let end = if port.is_empty() { rest.to_owned() } else { format!("{rest}:{port}") };
        Ok(Self::Below { start: format!("{scheme}://"), end })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::One(one) => f.write_str(one),
            Self::Below { start, end } => write!(f, "{start}*{end}"),
        }
    }
}

impl TryFrom<String> for Origin {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<Origin> for String {
    fn from(origin: Origin) -> Self {
        origin.to_string()
    }
}

impl JsonSchema for Origin {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Origin".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "An origin, such as `https://app.example`; `https://*.example.com`; or `*`.",
            "examples": ["https://app.example", "https://*.example.com", "http://localhost:5173"]
        })
    }
}

impl Cors {
    /// Whether a request's `Origin` is admitted.
    #[must_use]
    pub fn admits(&self, origin: &str) -> bool {
        self.origins.iter().any(|known| known.admits(origin))
    }

    /// Whether every origin gets the same answer, so that caches need not tell them apart.
    #[must_use]
    pub fn is_for_all(&self) -> bool {
        self.origins.contains(&Origin::Any)
    }

    /// The methods that pages may use on a route for `method`.
    #[must_use]
    pub fn methods_of(&self, method: &str) -> Vec<String> {
        match (&self.methods, method) {
            (Some(methods), _) => methods.clone(),
            (None, "*") => METHODS
                .iter()
                .filter(|m| !matches!(**m, "*" | "OPTIONS"))
                .map(|m| (*m).to_owned())
                .collect(),
            (None, "GET") => vec!["GET".to_owned(), "HEAD".to_owned()],
            (None, one) => vec![one.to_owned()],
        }
    }

    /// The header fields that pages may send.
    #[must_use]
    pub fn headers(&self) -> Vec<String> {
        let usual = || vec!["authorization".to_owned(), "content-type".to_owned()];
        self.headers.clone().unwrap_or_else(usual)
    }

    /// How long browsers may keep the answer to a preflight, in seconds.
    #[must_use]
    pub fn max_age_s(&self) -> u64 {
        self.max_age.unwrap_or(MAX_AGE).ms / 1000
    }

    /// Refuses what browsers or this platform would not do.
    ///
    /// # Errors
    /// E0128, naming `whose` route it is.
    pub fn check(&self, whose: &str) -> Result<(), Problem> {
        let fail = |place: &str, why: String, hint: &str| {
            let detail = format!("{whose}, `cors`: {why}");
            let problem = Problem::new(Code::BadCors).detail(detail).hint(hint);
            Err(problem.below(format_args!("/cors{place}")))
        };
        if self.origins.is_empty() {
            return fail(
                "/origins",
                "`origins` is empty".into(),
                "name an origin, or leave `cors` out",
            );
        }
        if self.credentials && self.is_for_all() {
            let why = "`credentials` with the origin `*` would let every page act as its visitor";
            return fail("/credentials", why.into(), "name the origins that may send cookies");
        }
        let methods = self.methods.as_deref().unwrap_or_default();
        let headers = self.headers.as_deref().unwrap_or_default();
        let lists = [self.origins.len(), methods.len(), headers.len(), self.expose.len()];
        if lists.iter().any(|length| *length > ENTRIES_MAX) {
            return fail("", format!("a list has more than {ENTRIES_MAX} entries"), "shorten it");
        }
        let known = |method: &&String| METHODS.contains(&method.as_str()) && *method != "*";
        if let Some((at, method)) = methods.iter().enumerate().find(|(_, method)| !known(method)) {
            let why = format!("`{}` in `methods` is no method of a route", method.escape_debug());
            let place = format!("/methods/{at}");
            return fail(&place, why, "write methods in capitals, such as \"GET\"");
        }
        let is_name = |name: &&String| http::HeaderName::try_from(name.as_str()).is_ok();
        let placed = |list: &'static str| move |(at, name)| (format!("/{list}/{at}"), name);
        let names = headers.iter().enumerate().map(placed("headers"));
        let mut names = names.chain(self.expose.iter().enumerate().map(placed("expose")));
        if let Some((place, name)) = names.find(|(_, name)| *name == "*" || !is_name(name)) {
            let why = format!("`{}` is no name of a header field", name.escape_debug());
            return fail(&place, why, "name each field");
        }
        if self.max_age.is_some_and(|age| age > MAX_AGE_MOST) {
            return fail(
                "/max_age",
                format!("`max_age` is above {MAX_AGE_MOST}"),
                "browsers keep less",
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cors(json: &str) -> Cors {
        serde_json::from_str(json).expect(json)
    }

    #[test]
    fn origins_match_as_a_whole() {
        let cors = cors(
            r#"{"origins":["https://app.example","https://*.Example.com","http://*.localhost:5173"]}"#,
        );
        for yes in [
            "https://app.example",
            "https://a.example.com",
            "https://a-1.example.com",
            "http://x.localhost:5173",
        ] {
            assert!(cors.admits(yes), "{yes}");
        }
        for no in [
            "null",
            "",
            "*",
            "http://app.example",
            "https://app.example:8443",
            "https://app.example.evil",
            "https://app.example/",
            "https://evil-app.example",
            "https://example.com",
            "https://.example.com",
            "https://a.b.example.com",
            "https://evil/.example.com",
            "https://evil?.example.com",
            "https://evilexample.com",
            "https://a.example.com:444",
            "https://a.example.com.evil",
            "http://x.localhost:51731",
        ] {
            assert!(!cors.admits(no), "{no}");
        }
    }

    #[test]
    fn null_is_nobody_even_where_everybody_is_meant() {
        let cors = cors(r#"{"origins":["*"]}"#);
        assert!(cors.admits("https://anything.example"));
        assert!(!cors.admits("null"));
        assert!(serde_json::from_str::<Cors>(r#"{"origins":["null"]}"#).is_err());
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for bad in [
            "app.example",
            "https://",
            "https://app.example/",
            "https://app.example/x",
            "https://u@app.example",
            "https://app.example:443",
            "http://app.example:80",
            "https://app.example:x",
            "https://*",
            "https://*.com",
            "https://a.*.com",
            "https://*a.com",
            "https://b\u{fc}cher.example",
            "https://a b",
            "://a",
        ] {
            assert!(Origin::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_makes_no_sense_together_is_refused() {
        let check = |json: &str| cors(json).check("x").map_err(|problem| problem.code);
        assert_eq!(check(r#"{"origins":["https://a.example"],"credentials":true}"#), Ok(()));
        for bad in [
            r#"{"origins":[]}"#,
            r#"{"origins":["*"],"credentials":true}"#,
            r#"{"origins":["*"],"methods":["get"]}"#,
            r#"{"origins":["*"],"methods":["*"]}"#,
            r#"{"origins":["*"],"headers":["*"]}"#,
            r#"{"origins":["*"],"headers":["a b"]}"#,
            r#"{"origins":["*"],"expose":["a\nb"]}"#,
            r#"{"origins":["*"],"max_age":"2d"}"#,
        ] {
            assert_eq!(check(bad), Err(Code::BadCors), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_was_read_prints_as_it_reads(text in "\\PC{0,30}|[a-z]{1,5}://[a-z*.:0-9/-]{0,20}") {
            if let Ok(origin) = Origin::parse(&text) {
                prop_assert_eq!(Origin::parse(&origin.to_string()), Ok(origin));
            }
        }
    }
}
