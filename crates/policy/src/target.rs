//! Outgoing HTTP targets: URLs in one normal form, and the patterns of grants.
//!
//! Grants and asks are brought into the same form before they are compared, so that two spellings
//! of a place are one place, and a spelling that servers read differently is nowhere.
//!
//! Invariant: a [`Url`]'s text holds only letters, digits and `-._~%/:@&+,;=()'[]`, so it
//! means nothing to a shell inside double quotes, and holds no `*`.
//! Invariant: a path with a `.` or `..` in it, however it is written, matches nothing.

use std::fmt;
use std::net::Ipv6Addr;

/// An absolute `http` or `https` URL without user, query and fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Url {
    scheme: &'static str,
    /// Lower case; an IPv6 address in brackets and in its shortest form.
    host: String,
    port: u16,
    /// Begins with `/`.
    path: String,
}

impl Url {
    /// Reads a URL and drops its query and fragment. `None` for everything that is not one place.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Parts::split(text).and_then(|parts| parts.url(parts.path))
    }

    /// `scheme://host:port`, the port always written out.
    pub(crate) fn origin(&self) -> String {
        format!("{}://{}:{}", self.scheme, self.host, self.port)
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Whether `other` is at the same host, at this path or below it.
    pub(crate) fn holds(&self, other: &Self) -> bool {
        let below = other.path.strip_prefix(&self.path).is_some_and(|rest| {
            rest.is_empty() || self.path.ends_with('/') || rest.starts_with('/')
        });
        below && (self.scheme, &self.host, self.port) == (other.scheme, &other.host, other.port)
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        if self.port != default_port(self.scheme) {
            write!(f, ":{}", self.port)?;
        }
        f.write_str(&self.path)
    }
}

/// A method's name, upper-case letters only: what a grant can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Method<'a>(&'a str);

impl<'a> Method<'a> {
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let fits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase());
        fits.then_some(Self(text))
    }
}

impl fmt::Display for Method<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// What a grant of outgoing HTTP covers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// `None` is any.
    method: Option<Box<str>>,
    /// The path is a beginning if `open`.
    url: Url,
    open: bool,
}

impl Target {
    /// Reads `METHOD URL`. `None` for a target that can match nothing.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (method, url) = text.split_once(' ')?;
        let method = if method == "*" { None } else { Some(Method::parse(method)?.0.into()) };
        let parts = Parts::split(url)?;
        if parts.has_more {
            return None;
        }
        let path = parts.path.trim_end_matches('*');
        let open = path.len() < parts.path.len();
        Some(Self { method, url: parts.url(path)?, open })
    }

    pub(crate) fn covers(&self, method: &str, url: &Url) -> bool {
        let path_fits = if self.open {
            url.path.starts_with(&self.url.path)
        } else {
            url.path == self.url.path
        };
        path_fits
            && self.method.as_deref().is_none_or(|own| own == method)
            && (self.url.scheme, &self.url.host, self.url.port) == (url.scheme, &url.host, url.port)
    }

    pub(crate) fn any_method(&self) -> bool {
        self.method.is_none()
    }

    pub(crate) fn whole_host(&self) -> bool {
        self.open && self.url.path == "/"
    }
}

/// A URL cut at its joints. The path is as it was written; it may be empty.
struct Parts<'a> {
    scheme: &'static str,
    host: String,
    port: u16,
    path: &'a str,
    /// Whether a query or a fragment followed.
    has_more: bool,
}

impl<'a> Parts<'a> {
    fn split(text: &'a str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let scheme =
            ["https", "http"].into_iter().find(|known| known.eq_ignore_ascii_case(scheme))?;
        let end = rest.find(['?', '#']).unwrap_or(rest.len());
        let (rest, more) = rest.split_at_checked(end)?;
        let (authority, path) = rest.split_at_checked(rest.find('/').unwrap_or(rest.len()))?;
        let (host, port) = host_and_port(authority)?;
        let port = match port {
            None => default_port(scheme),
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().ok().filter(|port| *port != 0)?
            }
            Some(_) => return None,
        };
        Some(Self { scheme, host, port, path, has_more: !more.is_empty() })
    }

    fn url(&self, path: &str) -> Option<Url> {
        let path = if path.is_empty() { "/".to_owned() } else { normal_path(path)? };
        Some(Url { scheme: self.scheme, host: self.host.clone(), port: self.port, path })
    }
}

fn default_port(scheme: &str) -> u16 {
    if scheme == "http" { 80 } else { 443 }
}

fn host_and_port(authority: &str) -> Option<(String, Option<&str>)> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (address, after) = rest.split_once(']')?;
        let host = format!("[{}]", address.parse::<Ipv6Addr>().ok()?);
        return match after.strip_prefix(':') {
            Some(port) => Some((host, Some(port))),
            None => after.is_empty().then_some((host, None)),
        };
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let host_ok = !host.is_empty() && host.bytes().all(fits);
    host_ok.then(|| (host.to_ascii_lowercase(), port))
}

/// Brings a path into normal form (RFC 3986, section 6.2.2): escapes of characters that need none
/// are undone, hexadecimal digits are upper case, and everything unusual is escaped.
fn normal_path(path: &str) -> Option<String> {
    let mut normal = String::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        if let Some((value, after)) = escaped(rest) {
            push(&mut normal, value, is_unreserved(value));
            rest = after;
        } else {
            push(&mut normal, *byte, is_unreserved(*byte) || b"/:@&+,;=()'".contains(byte));
            rest = after;
        }
    }
    (!climbs(&normal)).then_some(normal)
}

/// Whether some server could read the path as going up. Escaped slashes and backslashes count as
/// slashes, and what follows a semicolon in a segment does not count.
fn climbs(normal: &str) -> bool {
    let segments = normal.split('/').flat_map(|part| part.split("%2F"));
    segments.flat_map(|part| part.split("%5C")).any(|segment| {
        let bare = segment.split(';').next().unwrap_or_default();
        matches!(bare.split("%3B").next(), Some("." | ".."))
    })
}

/// The byte that `text` begins with in the form `%XX`, and what follows.
fn escaped(text: &[u8]) -> Option<(u8, &[u8])> {
    let (head, after) = text.split_first_chunk::<3>()?;
    let [b'%', high, low] = head else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let value = digit(*high)? * 16 + digit(*low)?;
    Some((u8::try_from(value).ok()?, after))
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

fn push(normal: &mut String, byte: u8, plain: bool) {
    if plain {
        normal.push(char::from(byte));
    } else {
        normal.push_str(&format!("%{byte:02X}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(target: &str, method: &str, url: &str, expect: bool) {
        let covers = Target::parse(target)
            .zip(Url::parse(url))
            .is_some_and(|(target, url)| target.covers(method, &url));
        assert_eq!(covers, expect, "{target} for {method} {url}");
    }

    #[test]
    fn covers_the_place_it_names_in_any_spelling() {
        for (target, method, url) in [
            ("GET https://api.example.com/v1", "GET", "https://api.example.com/v1"),
            ("GET https://api.example.com/v1", "GET", "HTTPS://API.Example.COM:443/v1?q=1#top"),
            ("GET https://api.example.com/v1", "GET", "https://api.example.com/%76%31"),
            ("GET https://api.example.com", "GET", "https://api.example.com/"),
            ("GET http://api.example.com:80/", "GET", "http://api.example.com"),
            ("* https://api.example.com/v1/*", "PURGE", "https://api.example.com/v1/"),
            ("POST https://a.example/v1/*", "POST", "https://a.example/v1/x/y"),
            ("POST https://a.example/v1*", "POST", "https://a.example/v1beta"),
            ("GET https://[::1]:8443/*", "GET", "https://[0:0:0:0:0:0:0:1]:8443/x"),
            ("GET https://a.example/%2a", "GET", "https://a.example/*"),
        ] {
            check(target, method, url, true);
        }
    }

    #[test]
    fn covers_no_other_place() {
        for (target, method, url) in [
            ("GET https://a.example/v1", "POST", "https://a.example/v1"),
            ("GET https://a.example/v1", "get", "https://a.example/v1"),
            ("GET https://a.example/v1", "GET", "http://a.example/v1"),
            ("GET https://a.example/v1", "GET", "https://a.example:8443/v1"),
            ("GET https://a.example/v1", "GET", "https://a.example/v1/x"),
            ("GET https://a.example/v1", "GET", "https://a.example/V1"),
            ("GET https://a.example/*", "GET", "https://b.a.example/x"),
            ("GET https://a.example/*", "GET", "https://a.example.evil/x"),
            ("GET https://a.example/*", "GET", "https://a.example@evil/x"),
            ("GET https://a.example/*", "GET", "https://evil/https://a.example/x"),
            ("GET https://a.example/*", "GET", "https://a.example./x"),
            ("GET https://a.example/v1/*", "GET", "https://a.example/v1"),
        ] {
            check(target, method, url, false);
        }
    }

    #[test]
    fn a_path_that_climbs_matches_nothing() {
        for path in [
            "/v1/../admin",
            "/v1/./x",
            "/v1/%2e%2E/admin",
            "/v1/..",
            "/v1/..%2fadmin",
            "/v1/x%5c..%5cadmin",
            "/v1/..\\admin",
            "/v1/..;a=b/admin",
            "/v1/%2e.%3bx/admin",
        ] {
            check("GET https://a.example/*", "GET", &format!("https://a.example{path}"), false);
        }
        check("GET https://a.example/*", "GET", "https://a.example/v1/...x/.hidden", true);
    }

    #[test]
    fn a_target_that_could_mean_two_things_means_nothing() {
        for target in [
            "GET https://a.example*",
            "GET https://*/x",
            "GET https://*.example/x",
            "GET https://user@a.example/",
            "GET https://a.example/?q=*",
            "GET https://a.example/#x",
            "GET https://a.example/../x",
            "GET https://a.example:/",
            "GET https://a.example:0/",
            "GET https://a.example:+80/",
            "GET https://a.example:80:80/",
            "GET https://[::1/",
            "GET https://[::1]x/",
            "GET ftp://a.example/",
            "get https://a.example/",
            "GET  https://a.example/",
            "https://a.example/",
            "GET https:///x",
        ] {
            assert_eq!(Target::parse(target), None, "{target}");
        }
    }

    proptest! {
        #[test]
        fn a_url_in_normal_form_is_its_own_normal_form(path in "(/[ -~é]{0,12}){0,4}") {
            if let Some(url) = Url::parse(&format!("https://a.example{path}")) {
                prop_assert_eq!(Url::parse(&url.to_string()), Some(url));
            }
        }

        #[test]
        fn no_text_breaks_the_reader_or_reaches_a_shell(text in "\\PC{0,80}") {
            if let Some(url) = Url::parse(&text) {
                let fits = |byte: u8| {
                    byte.is_ascii_alphanumeric() || b"-._~%/:@&+,;=()'[]".contains(&byte)
                };
                let text = url.to_string();
                prop_assert!(text.bytes().all(fits), "{}", text);
            }
            let _ = Target::parse(&text);
        }
    }
}
