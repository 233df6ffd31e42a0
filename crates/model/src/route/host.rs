//! Host names of routes: `api.example.com`, or `*.example.com` for every name one label below.
//!
//! Names are compared in lower case, without port and without the dot that ends a full name.
//! Names in other alphabets are written as DNS has them (`xn--…`): two spellings of one name
//! would be two routes.

/// Longest host name, in bytes (RFC 1035, section 2.3.4).
const HOST_BYTES_MAX: usize = 253;
/// Longest label, in bytes.
const LABEL_BYTES_MAX: usize = 63;

/// Reads a host as it stands in a route.
///
/// # Errors
/// Says what is wrong.
pub(super) fn parse(text: &str) -> Result<String, &'static str> {
    if !text.is_ascii() {
        return Err("the host is not ASCII: write it as DNS has it, beginning with `xn--`");
    }
    if text.contains(':') {
        return Err("the host has a port: a route answers on every port of the gateway");
    }
    let name = text.strip_suffix('.').unwrap_or(text);
    let fixed = name.strip_prefix("*.").unwrap_or(name);
    if fixed.contains('*') {
        return Err("`*` is the whole first label of a host, as in `*.example.com`");
    }
    if name.len() > HOST_BYTES_MAX || !fixed.split('.').all(is_label) {
        return Err("the host is no host name");
    }
    Ok(name.to_ascii_lowercase())
}

fn is_label(label: &str) -> bool {
    !label.is_empty()
        && label.len() <= LABEL_BYTES_MAX
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// The wildcard that covers a host: `*.example.com` for `api.example.com`, and for nothing deeper,
/// as certificates have it (RFC 9525, section 6.3).
#[must_use]
pub fn wildcard_of(host: &str) -> Option<String> {
    let (first, rest) = host.split_once('.')?;
    (!first.is_empty() && first != "*" && !rest.is_empty()).then(|| format!("*.{rest}"))
}

/// Whether some name is answered by both: they are the same, or one is the other's wildcard.
#[must_use]
pub fn overlap(one: &str, other: &str) -> bool {
    one == other
        || wildcard_of(one).as_deref() == Some(other)
        || wildcard_of(other).as_deref() == Some(one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_have_one_spelling() {
        for (text, host) in [
            ("API.Example.com", "api.example.com"),
            ("api.example.com.", "api.example.com"),
            ("*.Example.com", "*.example.com"),
            ("localhost", "localhost"),
            ("*.localhost", "*.localhost"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("127.0.0.1", "127.0.0.1"),
        ] {
            assert_eq!(parse(text).as_deref(), Ok(host), "{text}");
        }
    }

    #[test]
    fn what_is_no_host_says_why() {
        for (text, why) in [
            ("b\u{fc}cher.example", "xn--"),
            ("example.com:8080", "port"),
            ("*", "first label"),
            ("a.*.example", "first label"),
            ("a*.example", "first label"),
            ("*.*.example", "first label"),
            ("*.", "first label"),
            ("-a.example", "no host name"),
            ("a-.example", "no host name"),
            ("a..b", "no host name"),
            ("..", "no host name"),
            ("a_b.example", "no host name"),
            ("a b", "no host name"),
        ] {
            let said = parse(text).expect_err(text);
            assert!(said.contains(why), "{text}: {said}");
        }
    }

    #[test]
    fn a_wildcard_covers_one_label() {
        assert_eq!(wildcard_of("a.b.c").as_deref(), Some("*.b.c"));
        assert_eq!(wildcard_of("*.b.c"), None);
        assert_eq!(wildcard_of("localhost"), None);
        assert!(overlap("a.b", "*.b") && overlap("*.b", "a.b") && overlap("a.b", "a.b"));
        assert!(!overlap("a.a.b", "*.b") && !overlap("b", "*.b") && !overlap("*.a.b", "*.b"));
    }
}
