//! Paths of the host's interface: `/keyvalue/STORE/KEY?limit=10`.

use http::Uri;

/// A path, taken apart and decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path {
    /// Its first part.
    pub(super) what: String,
    /// Which store or container.
    pub(super) place: String,
    /// Which key or name, which may have slashes. `None` if the place itself is meant.
    pub(super) name: Option<String>,
    query: Vec<(String, String)>,
}

impl Path {
    /// Reads it. `None` if it has not these parts, or is not percent-encoded text.
    pub(super) fn read(uri: &Uri) -> Option<Self> {
        let mut parts = uri.path().strip_prefix('/')?.splitn(3, '/');
        let what = decoded(parts.next()?)?;
        let place = decoded(parts.next()?).filter(|place| !place.is_empty())?;
        let name = match parts.next() {
            Some(name) => Some(decoded(name)?).filter(|name| !name.is_empty()),
            None => None,
        };
        Some(Self { what, place, name, query: pairs(uri)? })
    }

    /// A value of the query.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// How many entries a listing is to have at most. `None` if it is no number.
    pub(super) fn limit(&self, most: usize) -> Option<usize> {
        match self.query("limit") {
            Some(text) => text.parse().ok().filter(|limit| (1..=most).contains(limit)),
            None => Some(most),
        }
    }
}

/// The query's names and values. `None` if it is not percent-encoded text.
pub(super) fn pairs(uri: &Uri) -> Option<Vec<(String, String)>> {
    let query = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Some((decoded(name)?, decoded(&value.replace('+', " "))?))
    };
    query.map(pair).collect()
}

/// Text whose bytes may be percent-encoded.
pub(super) fn decoded(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let digits = [bytes.next()?, bytes.next()?];
        decoded.push(hex::decode(digits).ok()?[0]);
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Option<Path> {
        Path::read(&text.parse().expect("a URI"))
    }

    #[test]
    fn a_path_is_a_place_and_perhaps_a_name() {
        let path = read("/keyvalue/carts/a/b%2Fc%20d?limit=5&prefix=x%26y+z").expect("a path");
        assert_eq!((path.what.as_str(), path.place.as_str()), ("keyvalue", "carts"));
        assert_eq!(path.name.as_deref(), Some("a/b/c d"));
        assert_eq!((path.limit(10), path.query("prefix")), (Some(5), Some("x&y z")));
        assert_eq!(path.limit(4), None);
        assert_eq!(read("/keyvalue/carts").expect("a place").name, None);
        assert_eq!(read("/keyvalue/carts/").expect("a place").name, None);
        for text in ["/", "/keyvalue", "/keyvalue/", "/keyvalue/a/%zz", "/keyvalue/a/%ff", "/a/b/%"]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_a_key_is_it_can_be_said(key in "\\PC{1,40}") {
            let text: String = key.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let path = read(&format!("/keyvalue/s/{text}")).expect("a path");
            prop_assert_eq!(path.name, Some(key));
        }
    }
}
