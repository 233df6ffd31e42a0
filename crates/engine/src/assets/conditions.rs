//! Conditional requests on an entity tag (RFC 9110, section 13).
//!
//! Tags are strong, since they are digests. There are no modification times: the time at which a
//! file was deployed says nothing about whether it changed.

use http::header::{self, HeaderMap};

/// What the conditions of a request lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Answer it.
    Go,
    /// The client has it already.
    NotModified,
    /// The client wants another one.
    Failed,
}

/// Weighs the conditions of a request for a file with this tag.
pub(super) fn weigh(headers: &HeaderMap, tag: &str) -> Verdict {
    if any(headers, header::IF_MATCH).is_some() && !named(headers, header::IF_MATCH, tag, true) {
        return Verdict::Failed;
    }
    if named(headers, header::IF_NONE_MATCH, tag, false) {
        return Verdict::NotModified;
    }
    Verdict::Go
}

/// Whether a range may be answered: `If-Range` is absent, or names this very tag. A date never
/// does.
pub(super) fn range_holds(headers: &HeaderMap, tag: &str) -> bool {
    headers.get(header::IF_RANGE).is_none_or(|value| value.as_bytes() == tag.as_bytes())
}

fn any(headers: &HeaderMap, name: header::HeaderName) -> Option<&http::HeaderValue> {
    headers.get(name)
}

fn named(headers: &HeaderMap, name: header::HeaderName, tag: &str, strong: bool) -> bool {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.into_iter().any(|value| {
        value.trim() == "*" || tags(value).any(|(weak, found)| found == tag && !(strong && weak))
    })
}

/// The tags of a list, each with its quotes, and whether it is weak. Ends at the first that is none.
fn tags(mut list: &str) -> impl Iterator<Item = (bool, &str)> {
    std::iter::from_fn(move || {
        let rest = list.trim_start_matches([' ', '\t', ',']);
        let (weak, rest) = match rest.strip_prefix("W/") {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let end = rest.strip_prefix('"')?.find('"')? + 2;
        let (tag, after) = (rest.get(..end)?, rest.get(end..)?);
        list = after;
        Some((weak, tag))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().expect(value));
        headers
    }

    #[test]
    fn a_tag_that_is_named_is_not_sent_again() {
        for (value, verdict) in [
            ("\"a\"", Verdict::NotModified),
            ("W/\"a\"", Verdict::NotModified),
            ("\"x\", \"a\"", Verdict::NotModified),
            ("\"x\",,W/\"a\" , \"y\"", Verdict::NotModified),
            ("*", Verdict::NotModified),
            ("\"x, y\", \"a\"", Verdict::NotModified),
            ("\"b\"", Verdict::Go),
            ("a", Verdict::Go),
            ("\"a", Verdict::Go),
            ("", Verdict::Go),
        ] {
            assert_eq!(weigh(&headers("if-none-match", value), "\"a\""), verdict, "{value}");
        }
    }

    #[test]
    fn if_match_wants_the_very_tag() {
        for (value, verdict) in [
            ("\"a\"", Verdict::Go),
            ("*", Verdict::Go),
            ("\"x\", \"a\"", Verdict::Go),
            ("W/\"a\"", Verdict::Failed),
            ("\"b\"", Verdict::Failed),
            ("nonsense", Verdict::Failed),
        ] {
            assert_eq!(weigh(&headers("if-match", value), "\"a\""), verdict, "{value}");
        }
    }

    #[test]
    fn a_range_holds_for_the_very_tag_only() {
        assert!(range_holds(&HeaderMap::new(), "\"a\""));
        assert!(range_holds(&headers("if-range", "\"a\""), "\"a\""));
        for no in ["W/\"a\"", "\"b\"", "Wed, 21 Oct 2015 07:28:00 GMT"] {
            assert!(!range_holds(&headers("if-range", no), "\"a\""), "{no}");
        }
    }

    proptest! {
        #[test]
        fn lists_are_read_to_their_end(list in "[W/\"a, *]{0,30}") {
            prop_assert!(tags(&list).count() <= list.len());
        }

        #[test]
        fn every_listed_tag_is_found(before in prop::collection::vec("[!#-~]{0,6}", 0..5)) {
            let quoted: Vec<String> = before.iter().map(|tag| format!("\"{tag}\"")).collect();
            let list = quoted.join(", ");
            prop_assert_eq!(tags(&list).map(|(_, tag)| tag.to_owned()).collect::<Vec<_>>(), quoted);
        }
    }
}
