//! Is the guest's answer one that can be sent?
//!
//! Invariant: no field that frames a message or speaks for the platform comes from a guest.

use crate::fault::fault;
use crate::meter::Shared;
use http::{HeaderName, StatusCode, header, response::Parts};
use model::Limits;
use ports::executor::{Fault, FaultKind};
use std::sync::atomic::Ordering::Relaxed;

/// Fields that only the platform may set: they frame messages or belong to the connection.
const FORBIDDEN: [HeaderName; 7] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("http2-settings"),
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];
/// Beginnings of further ones.
const FORBIDDEN_PREFIXES: [&str; 2] = ["proxy-", "casemate-"];

fn bad(reason: impl Into<String>) -> Fault {
    fault(FaultKind::BadResponse, reason)
}

/// Checks an answer's head. Gives the length of the body, if the head states it.
///
/// # Errors
/// [`FaultKind::BadResponse`] with the reason.
pub(crate) fn check(parts: &Parts, limits: &Limits) -> Result<Option<u64>, Fault> {
    let status = parts.status.as_u16();
    if !(200..600).contains(&status) {
        return Err(bad(format!("status {status} is no final status")));
    }
    let count = parts.headers.len();
    if count > limits.headers as usize {
        return Err(bad(format!("{count} header fields; the limit is {}", limits.headers)));
    }
    let mut bytes = 0;
    for (name, value) in &parts.headers {
        if is_forbidden(name) {
            return Err(bad(format!("the header field `{name}` is the platform's")));
        }
        // `HeaderValue` cannot hold these; here in case that ever changes.
        if value.as_bytes().iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            return Err(bad(format!("the header field `{name}` holds a line break")));
        }
        bytes += name.as_str().len() as u64 + value.len() as u64;
    }
    if bytes > limits.header_bytes {
        return Err(bad(format!(
            "{bytes} bytes of header fields; the limit is {}",
            limits.header_bytes
        )));
    }
    content_length(parts)
}

fn is_forbidden(name: &HeaderName) -> bool {
    FORBIDDEN.contains(name)
        || FORBIDDEN_PREFIXES.iter().any(|prefix| name.as_str().starts_with(prefix))
}

fn content_length(parts: &Parts) -> Result<Option<u64>, Fault> {
    let mut values = parts.headers.get_all(header::CONTENT_LENGTH).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let digits = value.to_str().ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
    let length = digits.and_then(|text| text.parse().ok());
    if length.is_none() || values.next().is_some() {
        return Err(bad("the header field `content-length` is no single number"));
    }
    Ok(length)
}

/// Counts an answer's body against its limit and its promise.
pub(crate) struct Body {
    answers_head: bool,
    length: Option<u64>,
    may_be_absent: bool,
    sent: u64,
}

impl Body {
    pub(crate) fn new(answers_head: bool) -> Self {
        Self { answers_head, length: None, may_be_absent: answers_head, sent: 0 }
    }

    /// The head promised a body of `length`.
    ///
    /// # Errors
    /// [`FaultKind::ResponseTooLarge`], before anything is sent.
    pub(crate) fn expect(
        &mut self,
        length: Option<u64>,
        status: StatusCode,
        limits: &Limits,
    ) -> Result<(), Fault> {
        self.length = length;
        // RFC 9110, section 8.6: these state the length of a body that is not sent.
        self.may_be_absent = self.answers_head || status == StatusCode::NOT_MODIFIED;
        match length {
            Some(length) if length > limits.response_body_bytes && !self.may_be_absent => {
                Err(too_large(limits))
            }
            _ => Ok(()),
        }
    }

    /// The guest wrote `bytes` more.
    ///
    /// # Errors
    /// [`FaultKind::ResponseTooLarge`], or [`FaultKind::BadResponse`] if it is more than promised.
    pub(crate) fn count(&mut self, bytes: usize, shared: &Shared) -> Result<(), Fault> {
        self.sent = self.sent.saturating_add(bytes as u64);
        shared.bytes_out.store(self.sent, Relaxed);
        if self.sent > shared.limits().response_body_bytes {
            return Err(too_large(shared.limits()));
        }
        match self.length {
            Some(length) if self.sent > length => {
                Err(bad(format!("the body is longer than its `content-length` of {length}")))
            }
            _ => Ok(()),
        }
    }

    /// The guest finished its body.
    ///
    /// # Errors
    /// [`FaultKind::BadResponse`] if it is less than promised.
    pub(crate) fn complete(&self) -> Result<(), Fault> {
        match self.length {
            Some(length) if self.sent < length && !(self.may_be_absent && self.sent == 0) => {
                Err(bad(format!("the body ended after {} bytes of {length}", self.sent)))
            }
            _ => Ok(()),
        }
    }
}

fn too_large(limits: &Limits) -> Fault {
    let limit = limits.response_body_bytes;
    fault(FaultKind::ResponseTooLarge, format!("the body is larger than {limit} bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(status: u16, fields: &[(&str, &str)]) -> Parts {
        let mut builder = http::Response::builder().status(status);
        for (name, value) in fields {
            builder = builder.header(*name, *value);
        }
        builder.body(()).expect("response").into_parts().0
    }

    #[test]
    fn heads_are_sent_or_refused_with_a_reason() {
        let limits = Limits { headers: 3, header_bytes: 64, ..Limits::default() };
        let long = "x".repeat(80);
        type Row<'a> = (u16, &'a [(&'a str, &'a str)], Result<Option<u64>, &'a str>);
        let table: &[Row<'_>] = &[
            (200, &[], Ok(None)),
            (204, &[("x-a", "1"), ("x-a", "2"), ("x-b", "3")], Ok(None)),
            (200, &[("content-length", "5")], Ok(Some(5))),
            (200, &[("content-length", "+5")], Err("no single number")),
            (200, &[("content-length", "99999999999999999999")], Err("no single number")),
            (200, &[("content-length", "")], Err("no single number")),
            (200, &[("content-length", "5"), ("content-length", "5")], Err("no single number")),
            (101, &[], Err("status 101")),
            (600, &[], Err("status 600")),
            (200, &[("a", "1"), ("b", "1"), ("c", "1"), ("d", "1")], Err("4 header fields")),
            (200, &[("a", &long)], Err("81 bytes")),
            (200, &[("transfer-encoding", "chunked")], Err("`transfer-encoding`")),
            (200, &[("Connection", "close")], Err("`connection`")),
            (200, &[("proxy-authenticate", "x")], Err("`proxy-authenticate`")),
            (200, &[("casemate-invocation", "x")], Err("`casemate-invocation`")),
        ];
        for (status, fields, expect) in table {
            match (check(&parts(*status, fields), &limits), expect) {
                (Ok(length), Ok(expect)) => assert_eq!(length, *expect),
                (Err(fault), Err(reason)) => {
                    assert_eq!(fault.kind, FaultKind::BadResponse);
                    assert!(fault.reason.contains(reason), "{}", fault.reason);
                }
                (got, expect) => panic!("{fields:?}: {got:?}, expected {expect:?}"),
            }
        }
    }
}
