//! Bodies in events: as text where AWS does so, else in base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::request::Parts;

/// The body's text and whether it is base64. None if it is empty.
pub(super) fn of(head: &Parts, body: &[u8]) -> Option<(String, bool)> {
    if body.is_empty() {
        return None;
    }
    match std::str::from_utf8(body) {
        Ok(text) if is_text(head) => Some((text.to_owned(), false)),
        _ => Some((STANDARD.encode(body), true)),
    }
}

/// Whether the body is of a kind that AWS passes on as text. What says nothing of itself is.
fn is_text(head: &Parts) -> bool {
    if head.headers.get(CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
        return false;
    }
    let Some(value) = head.headers.get(CONTENT_TYPE) else { return true };
    let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    let essence = essence.trim().to_ascii_lowercase();
    let named = ["application/json", "application/javascript", "application/xml"];
    essence.starts_with("text/")
        || named.contains(&essence.as_str())
        || essence.ends_with("+json")
        || essence.ends_with("+xml")
}
