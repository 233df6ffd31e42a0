//! How the files of a directory are answered: fallbacks, caching, further header fields.

use super::auth::Auth;
use crate::{Code, Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most rules of each kind.
const RULES_MAX: usize = 100;
/// Longest pattern, in bytes.
const PATTERN_BYTES_MAX: usize = 256;

/// Header fields that the platform decides about, with where to say it instead.
const OURS: &[(&str, &str)] = &[
    ("accept-ranges", "the platform sets it"),
    ("cache-control", "write it as `cache`"),
    ("connection", "it belongs to the connection"),
    ("content-encoding", "deploy `FILE.br`, `FILE.zst` or `FILE.gz` beside the file"),
    ("content-length", "the platform sets it"),
    ("content-range", "the platform sets it"),
    ("date", "the platform sets it"),
    ("etag", "the platform sets it from the file's digest"),
    ("keep-alive", "it belongs to the connection"),
    ("last-modified", "files have an entity tag instead"),
    ("location", "the platform sets it"),
    ("set-cookie", "files are the same for everybody; set cookies in a function"),
    ("te", "it belongs to the connection"),
    ("trailer", "it belongs to the connection"),
    ("transfer-encoding", "it belongs to the connection"),
    ("upgrade", "it belongs to the connection"),
    ("vary", "the platform sets it"),
];

/// How the files of a directory are answered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileRules {
    /// See [`super::AssetsSpec::fallback`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<String>,
    /// See [`super::AssetsSpec::not_found`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_found: Option<String>,
    /// See [`super::AssetsSpec::cache`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cache: Vec<CacheRule>,
    /// See [`super::AssetsSpec::headers`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<HeaderRule>,
}

/// How long some files may be kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CacheRule {
    /// Which: a path below the directory, where `*` stands for any text, slashes included.
    pub files: String,
    /// The value of `cache-control`.
    pub control: String,
}

/// Header fields of some files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeaderRule {
    /// Which: a path below the directory, where `*` stands for any text, slashes included.
    pub files: String,
    /// Names and values.
    pub set: BTreeMap<String, String>,
}

/// Whether a rule's pattern fits a path. `*` is any text, and nothing else is special.
#[must_use]
pub fn fits(pattern: &str, path: &str) -> bool {
    let pattern = pattern.strip_prefix('/').unwrap_or(pattern);
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == path };
    let Some(mut left) = path.strip_prefix(start) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        match left.find(part) {
            Some(at) => left = left.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    left.ends_with(end)
}

impl FileRules {
    /// Refuses rules that cannot be carried out, or would show private files to others.
    ///
    /// # Errors
    /// E0126, naming whose they are.
    pub(super) fn check(&self, whose: &str, auth: &Auth) -> Result<(), Problem> {
        let fail = |place: String, why: String, hint: &str| {
            let problem = Problem::new(Code::AssetRule).detail(format!("{whose}: {why}"));
            Err(problem.hint(hint).below(place))
        };
        if self.cache.len() > RULES_MAX || self.headers.len() > RULES_MAX {
            return fail(
                String::new(),
                format!("more than {RULES_MAX} rules"),
                "use `*` in `files`",
            );
        }
        let cache = self.cache.iter().enumerate();
        let cache = cache.map(|(at, rule)| (format!("/cache/{at}/files"), &rule.files));
        let headers = self.headers.iter().enumerate();
        let headers = headers.map(|(at, rule)| (format!("/headers/{at}/files"), &rule.files));
        let bad = |(_, text): &(String, &String)| text.is_empty() || text.len() > PATTERN_BYTES_MAX;
        if let Some((place, pattern)) = cache.chain(headers).find(bad) {
            let why = format!("`files = \"{}\"` fits nothing", pattern.escape_debug());
            return fail(place, why, "write a path below the directory, such as `assets/*`");
        }
        for (at, rule) in self.cache.iter().enumerate() {
            let place = format!("/cache/{at}/control");
            let wrong = |why| fail(place.clone(), why, "correct the value");
            check_value("cache", &rule.control).or_else(wrong)?;
            let shared = rule.control.split(',').map(|part| part.trim().to_ascii_lowercase());
            let shared = shared.into_iter().any(|d| d == "public" || d.starts_with("s-maxage"));
            if shared && !auth.is_public() {
                let why = format!(
                    "`cache` of `{}` lets shared caches keep files that need a credential",
                    rule.files.escape_debug()
                );
                return fail(
                    place,
                    why,
                    "write `private` instead of `public`, or `auth = \"public\"`",
                );
            }
        }
        for (at, rule) in self.headers.iter().enumerate() {
            for (name, value) in &rule.set {
                let wrong = |why, hint| fail(format!("/headers/{at}/set/{name}"), why, hint);
                check_name(name).or_else(|why| wrong(why, "leave it out"))?;
                check_value(name, value).or_else(|why| wrong(why, "correct the value"))?;
            }
        }
        Ok(())
    }
}

fn check_name(name: &str) -> Result<(), String> {
    let shown: String = name.chars().take(80).collect();
    let shown = shown.escape_debug();
    let Ok(parsed) = http::HeaderName::try_from(name) else {
        return Err(format!("`{shown}` is no name of a header field"));
    };
    if let Some((_, why)) = OURS.iter().find(|(ours, _)| *ours == parsed.as_str()) {
        return Err(format!("the header field `{shown}` is not for rules: {why}"));
    }
    let kept = ["casemate-", "access-control-", "proxy-"];
    if kept.iter().any(|start| parsed.as_str().starts_with(start)) {
        return Err(format!("the header field `{shown}` is the platform's; see `cors` for access"));
    }
    Ok(())
}

fn check_value(name: &str, value: &str) -> Result<(), String> {
    let plain = value.len() <= 4096 && value.bytes().all(|b| matches!(b, b' '..=b'~' | b'\t'));
    if plain && !value.trim().is_empty() {
        return Ok(());
    }
    Err(format!("the value of `{}` is empty, too long or not plain text", name.escape_debug()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_star_is_any_text_and_nothing_else_is_special() {
        for (pattern, path) in [
            ("*", "a/b.js"),
            ("*", ""),
            ("assets/*", "assets/a/b.js"),
            ("/assets/*", "assets/a.js"),
            ("*.js", "a/b.js"),
            ("a*b*c", "a-b-b-c"),
            ("index.html", "index.html"),
            ("a*a", "aa"),
        ] {
            assert!(fits(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in
            [("a*a", "a"), ("*.js", "a.jsx"), ("assets/*", "asset/a"), ("a?c", "abc"), ("", "a")]
        {
            assert!(!fits(pattern, path), "{pattern} {path}");
        }
    }

    #[test]
    fn rules_that_would_lie_or_leak_are_refused() {
        let check = |json: &str, auth| {
            let rules: FileRules = serde_json::from_str(json).expect(json);
            rules.check("x", &auth).map_err(|problem| problem.code)
        };
        let public = r#"{"cache":[{"files":"*","control":"Public, max-age=60"}]}"#;
        assert_eq!(check(public, Auth::Public), Ok(()));
        assert_eq!(check(public, Auth::Token), Err(Code::AssetRule));
        let safe =
            r#"{"headers":[{"files":"*","set":{"content-security-policy":"default-src 'self'"}}]}"#;
        assert_eq!(check(safe, Auth::Token), Ok(()));
        for bad in [
            r#"{"cache":[{"files":"","control":"no-cache"}]}"#,
            r#"{"cache":[{"files":"*","control":"no-cache\r\nx: y"}]}"#,
            r#"{"headers":[{"files":"*","set":{"Set-Cookie":"a=b"}}]}"#,
            r#"{"headers":[{"files":"*","set":{"casemate-x":"a"}}]}"#,
            r#"{"headers":[{"files":"*","set":{"access-control-allow-origin":"*"}}]}"#,
            r#"{"headers":[{"files":"*","set":{"x y":"a"}}]}"#,
            r#"{"headers":[{"files":"*","set":{"x":""}}]}"#,
        ] {
            assert_eq!(check(bad, Auth::Public), Err(Code::AssetRule), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn fitting_is_what_a_regular_expression_would_say(
            pattern in "[ab*]{0,8}", path in "[ab]{0,8}"
        ) {
            // A slow and plain matcher.
            fn slow(pattern: &[u8], path: &[u8]) -> bool {
                match pattern.split_first() {
                    None => path.is_empty(),
                    Some((b'*', rest)) => (0..=path.len()).any(|at| slow(rest, &path[at..])),
                    Some((one, rest)) => path.first() == Some(one) && slow(rest, &path[1..]),
                }
            }
            prop_assert_eq!(fits(&pattern, &path), slow(pattern.as_bytes(), path.as_bytes()));
        }
    }
}
