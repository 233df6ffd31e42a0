//! What a message's header fields say of its body: its media type, and whether it is coded.

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE, HeaderValue};

/// The media type of forms.
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";
/// The media type of forms that may have files.
pub(crate) const PARTS: &str = "multipart/form-data";
/// The media type of tables.
pub(crate) const CSV: &str = "text/csv";

/// The media type of a value of `content-type`, in lower case and without parameters.
pub(crate) fn kind(value: &str) -> String {
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The media type of a message; empty if it says none that can be read.
pub(crate) fn kind_of(headers: &HeaderMap) -> String {
    kind(headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default())
}

/// Whether it is JSON.
pub(crate) fn is_json(kind: &str) -> bool {
    kind == "application/json" || kind.ends_with("+json")
}

/// Whether the body is compressed or otherwise coded, so that nothing would be found in it.
pub(crate) fn is_coded(headers: &HeaderMap) -> bool {
    let coded = |it: &HeaderValue| !it.as_bytes().eq_ignore_ascii_case(b"identity");
    headers.get_all(CONTENT_ENCODING).iter().any(coded)
}

/// Whether it is text, so that values would be found in it as they are.
fn is_text(kind: &str) -> bool {
    const TEXTS: [&str; 13] = [
        FORM,
        "application/ecmascript",
        "application/graphql",
        "application/javascript",
        "application/jsonl",
        "application/json-seq",
        "application/ndjson",
        "application/sql",
        "application/toml",
        "application/x-javascript",
        "application/x-ndjson",
        "application/xml",
        "application/yaml",
    ];
    let begins = ["text/", "multipart/"].iter().any(|begin| kind.starts_with(begin));
    begins || is_json(kind) || kind.ends_with("+xml") || TEXTS.contains(&kind)
}

/// Whether the characters of ASCII are written as ASCII has them; so they are where nothing is said.
pub(crate) fn is_plain_charset(headers: &HeaderMap) -> bool {
    let said = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let mut charsets = said.split(';').skip(1).filter_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    });
    charsets.all(|charset| {
        let charset = charset.to_ascii_lowercase();
        matches!(&*charset, "utf-8" | "utf8" | "us-ascii" | "ascii")
            || ["iso-8859-", "windows-125"].iter().any(|begin| charset.starts_with(begin))
    })
}

/// Why a body cannot be looked through; nothing if it can.
pub(crate) fn unreadable(headers: &HeaderMap) -> Option<&'static str> {
    if is_coded(headers) {
        return Some("it is compressed");
    }
    if headers.contains_key(CONTENT_RANGE) {
        return Some("it is a part of something");
    }
    if !headers.contains_key(CONTENT_TYPE) {
        return None;
    }
    if headers.get_all(CONTENT_TYPE).iter().nth(1).is_some() {
        return Some("it says twice what it is");
    }
    let kind = kind_of(headers);
    if !is_text(&kind) {
        return Some("it is no text");
    }
    let plain = is_plain_charset(headers);
    (!plain).then_some("its characters are not written as ASCII has them")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saying(kind: &str) -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_str(kind).expect("a value"))])
    }

    #[test]
    fn texts_are_told_from_what_nothing_would_be_found_in() {
        for kind in ["Text/HTML; charset=utf-8", "application/problem+json", "image/svg+xml", FORM]
        {
            assert!(is_text(&kind_of(&saying(kind))), "{kind}");
            assert!(is_plain_charset(&saying(kind)), "{kind}");
        }
        for kind in ["image/png", "application/octet-stream", "application/zip", "", "json"] {
            assert!(!is_text(&kind_of(&saying(kind))), "{kind}");
        }
        for kind in [
            "text/plain; charset=utf-16",
            "text/plain;a=b; Charset=\"UTF-32\"",
            "text/plain;charset=utf-7",
        ] {
            assert!(!is_plain_charset(&saying(kind)), "{kind}");
        }
        assert!(is_plain_charset(&saying("text/csv; header=present; charset=\"ISO-8859-1\"")));
    }
}
