//! What an event says beside its request.

use http::request::Parts;
use jiff::tz::TimeZone;
use model::Timestamp;

/// What an event says beside its request.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// The invocation's id.
    pub id: &'a str,
    /// The function's name, in the place of an API's id.
    pub function: &'a str,
    /// When the request came.
    pub time: Timestamp,
}

impl Around<'_> {
    /// As in `12/Mar/2020:19:03:58 +0000`.
    pub(super) fn time_text(&self) -> String {
        let time = jiff::Timestamp::from_microsecond(self.time.0).unwrap_or_default();
        time.to_zoned(TimeZone::UTC).strftime("%d/%b/%Y:%H:%M:%S %z").to_string()
    }

    /// Milliseconds since 1970.
    pub(super) const fn time_ms(&self) -> i64 {
        self.time.0 / 1000
    }
}

/// A field's text, if it is one.
pub(super) fn field<'a>(head: &'a Parts, name: &str) -> Option<&'a str> {
    head.headers.get(name)?.to_str().ok()
}

/// The host that was asked for, without its port.
pub(super) fn host(head: &Parts) -> &str {
    let said = head.uri.host().or_else(|| field(head, "host")).unwrap_or_default();
    said.rsplit_once(':')
        .filter(|(_, port)| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
        .map_or(said, |(host, _)| host)
}

/// The client, as the door wrote it down last.
pub(super) fn source(head: &Parts) -> &str {
    let said = field(head, "x-forwarded-for").unwrap_or_default();
    said.rsplit(',').next().unwrap_or_default().trim()
}

/// A field's bytes as text; what is no UTF-8 is read as Latin-1, so that nothing is lost.
pub(super) fn text(value: &http::HeaderValue) -> String {
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => text.to_owned(),
        Err(_) => value.as_bytes().iter().map(|&byte| char::from(byte)).collect(),
    }
}
