//! An invocation that gives no answer of its own: why, and what the caller learns of it.

use model::{Code, InvocationId, Problem};

/// An invocation that gives no answer of its own.
#[derive(Debug)]
pub struct Refusal {
    /// Why. Its `internal` part is not for the caller.
    pub problem: Problem,
    /// The invocation, if it came that far.
    pub invocation: Option<InvocationId>,
    /// When to try again, in seconds.
    pub retry_after_s: Option<u32>,
    /// Methods that the path does answer.
    pub allow: Vec<http::Method>,
    /// Further header fields of the answer.
    pub headers: Option<Box<http::HeaderMap>>,
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        let retry = matches!(
            problem.code,
            Code::Overloaded
                | Code::FunctionBusy
                | Code::CallerBusy
                | Code::Draining
                | Code::NoInstance
                | Code::JournalRefuses
        );
        Self {
            problem,
            invocation: None,
            retry_after_s: retry.then_some(1),
            allow: Vec::new(),
            headers: None,
        }
    }
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Problem::new(code).into()
    }
}

impl Refusal {
    /// A refusal that says when to come again: in whole seconds, never too early.
    pub(crate) fn later(code: Code, wait: std::time::Duration) -> Self {
        let seconds = wait.as_millis().div_ceil(1000).max(1);
        Self { retry_after_s: Some(u32::try_from(seconds).unwrap_or(u32::MAX)), ..code.into() }
    }

    pub(crate) fn of(mut self, invocation: InvocationId) -> Self {
        self.invocation = Some(invocation);
        self
    }
}
