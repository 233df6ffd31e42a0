//! Ways to misuse the reply's head.

use crate::answer;
use crate::ask::Ask;
use crate::lines::SECRET;
use wasip2::http::types::{ErrorCode, Fields, OutgoingResponse, ResponseOutparam};

/// Answers with the status `code` (200).
pub fn status(ask: &Ask, out: ResponseOutparam) {
    let code = u16::try_from(ask.number("code", 200)).unwrap_or(0);
    // A status that may have no body gets none.
    let body = if matches!(code, 204 | 304) { "" } else { "as you wished\n" };
    answer::with(out, code, answer::plain(), body);
}

/// Adds headers of 1 KiB until the host refuses, then sends what it could.
pub fn endless(_: &Ask, out: ResponseOutparam) {
    let fields = answer::plain();
    let value = vec![b'v'; 1024];
    let mut count = 0_u32;
    while count < 1_000_000 && fields.append(&format!("x-flood-{count}"), &value).is_ok() {
        count += 1;
    }
    answer::with(out, 200, fields, &format!("{count} headers were taken\n"));
}

/// Adds `n` (200) small headers and sends them.
pub fn many(ask: &Ask, out: ResponseOutparam) {
    let fields = answer::plain();
    let mut count = 0;
    for number in 0..ask.number("n", 200) {
        count += u32::from(fields.append(&format!("x-many-{number}"), b"v").is_ok());
    }
    answer::with(out, 200, fields, &format!("{count} headers were taken\n"));
}

/// Tries to break out of a header by its value and by its name.
pub fn split(_: &Ask, out: ResponseOutparam) {
    let tries: &[(&str, &[u8])] = &[
        ("x-crlf", b"a\r\nx-injected: yes"),
        ("x-lf", b"a\nx-injected: yes"),
        ("x-cr", b"a\rx-injected: yes"),
        ("x-nul", b"a\0b"),
        ("x-end", b"a\r\n\r\n<script>alert(1)</script>"),
        ("x-name\r\nx-injected", b"yes"),
        ("x-name: x-injected", b"yes"),
        ("x name", b"yes"),
        ("", b"yes"),
        ("x-high", b"\xff\xfe"),
    ];
    attempt(out, tries);
}

/// Tries to set headers that belong to the connection or to the platform.
pub fn forbidden(_: &Ask, out: ResponseOutparam) {
    let tries: &[(&str, &[u8])] = &[
        ("connection", b"close"),
        ("keep-alive", b"timeout=600"),
        ("transfer-encoding", b"chunked"),
        ("upgrade", b"h2c"),
        ("te", b"trailers"),
        ("trailer", b"x-late"),
        ("host", b"elsewhere.example"),
        ("proxy-authenticate", b"Basic"),
        ("proxy-connection", b"keep-alive"),
        ("http2-settings", b"AAMAAABkAARAAAAAAAIAAAAA"),
        ("casemate-x", b"forged"),
        ("casemate-invocation", b"00000000-0000-7000-8000-000000000000"),
        ("date", b"Thu, 01 Jan 1970 00:00:00 GMT"),
        ("server", b"forged"),
    ];
    attempt(out, tries);
}

/// Sends the fields that were taken; the body says which were refused.
fn attempt(out: ResponseOutparam, tries: &[(&str, &[u8])]) {
    let fields = answer::plain();
    let mut report = String::new();
    for (name, value) in tries {
        let taken = fields.append(name, value).is_ok();
        let word = if taken { "taken" } else { "refused" };
        report.push_str(&format!("{word} {}: {}\n", name.escape_debug(), value.escape_ascii()));
    }
    answer::with(out, 200, fields, &report);
}

/// Answers with an error code that carries a secret.
pub fn error_code(_: &Ask, out: ResponseOutparam) {
    let message = format!("could not reach the payment service with {SECRET}");
    ResponseOutparam::set(out, Err(ErrorCode::InternalError(Some(message))));
}

/// Answers, and then answers again by the handle that was given away.
pub fn twice(_: &Ask, out: ResponseOutparam) {
    let handle = out.handle();
    answer::text(out, 200, "first\n");
    // The host took the handle back, so this one is forged.
    // SAFETY: whatever the host makes of the number, it is no memory of this guest.
    let forged = unsafe { ResponseOutparam::from_handle(handle) };
    ResponseOutparam::set(forged, Ok(OutgoingResponse::new(Fields::new())));
    // Reached only if the host let it pass, which a test can see in the log.
    crate::lines::stderr("the second answer was taken\n");
}
