//! What went wrong, in the words of the port.

use crate::upload::Broken;
use ports::outbound::{Error, Failure};
use std::io::ErrorKind;

/// An error of a kind, with more for the record.
pub(crate) fn fail(failure: Failure, detail: impl Into<String>) -> Error {
    Error { failure, detail: detail.into() }
}

/// Why no connection came about.
pub(crate) fn connecting(error: &std::io::Error) -> Failure {
    match error.kind() {
        ErrorKind::TimedOut => Failure::ConnectTimeout,
        _ => Failure::Refused,
    }
}

/// Why there is no TLS.
pub(crate) fn handshake(error: &std::io::Error) -> Failure {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) => {
            Failure::Certificate
        }
        _ => Failure::Tls,
    }
}

/// Why a request, or its reply, broke off.
pub(crate) fn http(error: &hyper::Error) -> Failure {
    if error.is_parse_too_large() {
        return Failure::TooLarge;
    }
    if error.is_parse() {
        return Failure::Protocol;
    }
    if let Some(h2) = cause::<h2::Error>(error) {
        return frames(h2);
    }
    if cause::<Broken>(error).is_some() || error.is_user() {
        return Failure::RequestBody;
    }
    // Of the other kinds, these two are a connection that ended; a reply that hyper did not ask
    // for, and a chunk that is none, are in the wrong form.
    let broken = cause::<std::io::Error>(error)
        .is_some_and(|io| matches!(io.kind(), ErrorKind::InvalidData | ErrorKind::InvalidInput));
    if broken { Failure::Protocol } else { Failure::Cut }
}

fn frames(error: &h2::Error) -> Failure {
    match error.reason() {
        None if error.is_io() => Failure::Cut,
        Some(
            h2::Reason::NO_ERROR
            | h2::Reason::INTERNAL_ERROR
            | h2::Reason::REFUSED_STREAM
            | h2::Reason::CANCEL
            | h2::Reason::ENHANCE_YOUR_CALM
            | h2::Reason::HTTP_1_1_REQUIRED,
        ) => Failure::Cut,
        _ => Failure::Protocol,
    }
}

/// The first cause of a kind.
fn cause<T: std::error::Error + 'static>(error: &hyper::Error) -> Option<&T> {
    let mut next = std::error::Error::source(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// An error with all its causes, in one line.
pub(crate) fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text.push_str(": ");
        text.push_str(&error.to_string());
        next = error.source();
    }
    text
}
