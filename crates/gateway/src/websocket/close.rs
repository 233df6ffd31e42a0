//! How a WebSocket ends, and with which code (RFC 6455, section 7.4).

use crate::door::Refusal;
use model::Code;
use std::borrow::Cow;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::error::ProtocolError;

/// The client said goodbye without a code.
pub(super) const NO_CODE: u16 = 1005;
/// The connection broke off.
const BROKEN: u16 = 1006;

/// How a connection ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Farewell {
    /// The client said goodbye, with this code.
    Theirs(u16),
    /// We do, with this code, and why.
    Ours(u16, Cow<'static, str>),
    /// It is gone, or does not take what is sent to it.
    Lost,
}

impl Farewell {
    pub(super) const STOPPING: Self = Self::ours(1001, "the node stops");
    pub(super) const IDLE: Self = Self::ours(1001, "nothing was heard for too long");
    pub(super) const OLD: Self = Self::ours(1001, "the connection has reached its lifetime");
    pub(super) const FLOOD: Self = Self::ours(1008, "too many control frames");

    const fn ours(code: u16, why: &'static str) -> Self {
        Self::Ours(code, Cow::Borrowed(why))
    }

    /// The code that the function is told.
    pub(super) fn code(&self) -> u16 {
        match self {
            Self::Theirs(code) | Self::Ours(code, _) => *code,
            Self::Lost => BROKEN,
        }
    }

    /// What a client is told of a refusal: no more than a response would say.
    pub(super) fn refused(refusal: &Refusal) -> Self {
        let code = refusal.problem.code;
        let number = match (code, code.status()) {
            (Code::Draining, _) => 1001,
            (Code::BodyTooLarge, _) => 1009,
            (_, 401 | 403 | 404) => 1008,
            (_, 429 | 503) => 1013,
            _ => 1011,
        };
        Self::Ours(number, Cow::Owned(format!("{} {}", code.text(), code.title())))
    }

    /// What is wrong with what the client sent.
    pub(super) fn broken(error: &Error) -> Self {
        match error {
            Error::Capacity(_) => Self::ours(1009, "the message is too large"),
            Error::Utf8(_) => Self::ours(1007, "the text is not UTF-8"),
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Self::Lost,
            Error::Protocol(_) => Self::ours(1002, "the frame breaks the protocol"),
            _ => Self::Lost,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_becomes_the_code_that_fits() {
        for (code, number) in [
            (Code::Draining, 1001),
            (Code::BodyTooLarge, 1009),
            (Code::CredentialRequired, 1008),
            (Code::Denied, 1008),
            (Code::NotFound, 1008),
            (Code::RateLimited, 1013),
            (Code::Overloaded, 1013),
            (Code::FunctionBusy, 1013),
            (Code::Trapped, 1011),
            (Code::WallTimeout, 1011),
            (Code::BadResponse, 1011),
        ] {
            let farewell = Farewell::refused(&code.into());
            assert_eq!(farewell.code(), number, "{code}");
            let Farewell::Ours(_, reason) = farewell else { panic!("not ours") };
            assert!(reason.len() <= 123, "{reason}");
        }
    }

    #[test]
    fn every_reason_fits_into_a_frame() {
        for code in Code::ALL {
            let Farewell::Ours(_, reason) = Farewell::refused(&(*code).into()) else {
                panic!("not ours");
            };
            assert!(reason.len() <= 123, "{reason}");
        }
    }
}
