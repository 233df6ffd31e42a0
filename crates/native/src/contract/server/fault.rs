//! What went wrong between the platform and a function's server.

use hyper::Error;
use ports::executor::{BodyError, Fault, FaultKind};

/// Longest reason, in bytes.
const REASON_BYTES_MAX: usize = 2 << 10;

/// A failure with its reason, cut, and without control characters.
pub(super) fn fault(kind: FaultKind, reason: impl Into<String>) -> Fault {
    let reason: String = reason.into();
    let end = reason.floor_char_boundary(REASON_BYTES_MAX);
    let plain = |character: char| if character.is_control() { ' ' } else { character };
    Fault { kind, reason: reason[..end].chars().map(plain).collect() }
}

pub(super) fn bad(reason: impl Into<String>) -> Fault {
    fault(FaultKind::BadResponse, reason)
}

pub(super) fn request_body(error: BodyError) -> Fault {
    fault(FaultKind::RequestBody(error), error.to_string())
}

/// Whether what came is in the wrong form. If not, there is no more of it.
pub(super) fn is_garbage(error: &Error) -> bool {
    let broken = |error: &std::io::Error| {
        matches!(error.kind(), std::io::ErrorKind::InvalidData | std::io::ErrorKind::InvalidInput)
    };
    error.is_parse() || cause::<std::io::Error>(error).is_some_and(broken)
}

fn cause<T: std::error::Error + 'static>(error: &Error) -> Option<&T> {
    let mut next = std::error::Error::source(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// An error with all its causes, in one line.
pub(super) fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_cut_and_printable() {
        let long = fault(FaultKind::NoResponse, "ä".repeat(5000));
        assert!(long.reason.len() <= REASON_BYTES_MAX);
        assert_eq!(bad("a\r\nb\u{1b}[2J").reason, "a  b [2J");
    }
}
