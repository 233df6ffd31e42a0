//! From a fault to what the record says and what the caller is told.

use crate::cut::Cut;
use model::wire::v1::Outcome;
use model::{Code, Problem};
use ports::executor::{BodyError, Fault, FaultKind};

/// How an invocation ended, in all the forms that are needed.
#[derive(Debug, Clone)]
pub(crate) struct Ending {
    pub(crate) outcome: Outcome,
    pub(crate) code: Option<Code>,
    /// For the record; may quote the guest.
    pub(crate) reason: Option<String>,
}

impl Ending {
    pub(crate) const OK: Self = Self { outcome: Outcome::Ok, code: None, reason: None };

    pub(crate) fn new(outcome: Outcome, code: Code, reason: impl Into<String>) -> Self {
        Self { outcome, code: Some(code), reason: Some(reason.into()) }
    }

    /// Nobody waits for the answer any more: the node cut it off, or else the caller went away.
    /// Nobody is told, so there is no code.
    pub(crate) fn gone(cut: Option<Cut>) -> Self {
        let reason = Some(cut.map_or("the caller went away", Cut::reason).to_owned());
        Self { outcome: Outcome::Interrupted, code: None, reason }
    }

    /// What the caller is told: the code, and nothing that the guest said.
    pub(crate) fn problem(&self) -> Problem {
        let mut problem = Problem::new(self.code.unwrap_or(Code::Internal));
        problem.internal.clone_from(&self.reason);
        problem
    }
}

impl From<Fault> for Ending {
    fn from(fault: Fault) -> Self {
        let (outcome, code) = match fault.kind {
            FaultKind::Trapped => (Outcome::Trapped, Code::Trapped),
            FaultKind::Cpu => (Outcome::Cpu, Code::CpuLimit),
            FaultKind::Memory => (Outcome::Memory, Code::MemoryLimit),
            FaultKind::NoResponse => (Outcome::GuestError, Code::NoResponse),
            FaultKind::BadResponse => (Outcome::GuestError, Code::BadResponse),
            FaultKind::ResponseTooLarge => (Outcome::GuestError, Code::ResponseTooLarge),
            FaultKind::GuestError => (Outcome::GuestError, Code::GuestError),
            FaultKind::HostLimit => (Outcome::GuestError, Code::HostLimit),
            FaultKind::NoInstance => (Outcome::Platform, Code::NoInstance),
            FaultKind::RequestBody(BodyError::TooLarge) => {
                (Outcome::Interrupted, Code::BodyTooLarge)
            }
            FaultKind::RequestBody(BodyError::Slow) => (Outcome::Interrupted, Code::ClientSlow),
            FaultKind::RequestBody(_) => (Outcome::Interrupted, Code::Malformed),
            _ => (Outcome::Platform, Code::Internal),
        };
        Self::new(outcome, code, fault.reason)
    }
}

/// The digits of a code, as records keep them.
pub(crate) fn code_number(code: Code) -> Option<u16> {
    code.text().get(1..).and_then(|digits| digits.parse().ok())
}
