//! Why a connection's bytes are refused before they become a request.

use crate::door::Refusal;
use model::{Code, Problem};

/// What is wrong with what arrived. The detail is a fixed text: nothing of the client's bytes is
/// ever sent back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Violation {
    /// The kind, which gives the status of the answer.
    pub code: Code,
    /// What exactly.
    pub detail: &'static str,
}

impl Violation {
    pub(crate) const fn new(code: Code, detail: &'static str) -> Self {
        Self { code, detail }
    }

    pub(crate) const fn malformed(detail: &'static str) -> Self {
        Self::new(Code::Malformed, detail)
    }

    pub(crate) const fn too_large(detail: &'static str) -> Self {
        Self::new(Code::HeadTooLarge, detail)
    }

    pub(crate) const fn ambiguous(detail: &'static str) -> Self {
        Self::new(Code::AmbiguousLength, detail)
    }

    pub(crate) const SLOW: Self = Self::new(Code::ClientSlow, "the head was not complete in time");
    pub(crate) const BUSY: Self = Self::new(Code::Overloaded, "too many connections are open");
    pub(crate) const CROWDED: Self =
        Self::new(Code::CallerBusy, "too many connections of this address are open");
}

impl From<Violation> for Refusal {
    fn from(violation: Violation) -> Self {
        let wait = matches!(violation.code, Code::Overloaded | Code::CallerBusy);
        let problem = Problem::new(violation.code).detail(violation.detail);
        Self { retry_after_s: wait.then_some(1), ..problem.into() }
    }
}
