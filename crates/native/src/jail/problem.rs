//! Why there is no jail, as people are told.

use super::handle::JailError;
use super::words::{Failure, Step};
use model::{Code, Problem};

/// How to make a machine fit, beside the flags.
const USERS: &str = "see docs/concepts/jail.md for what this system needs; \
                     `sysctl user.max_user_namespaces` must not be 0";

/// What people are told.
pub(super) fn of(error: &JailError) -> Problem {
    let JailError::Failed(failure) = error else {
        return Problem::new(Code::NoJails).detail(error).hint(USERS);
    };
    match failure {
        Failure { step: Step::MemoryLimit, .. } => Problem::new(Code::JailMemory)
            .detail("no control group of this node's can be limited")
            .hint("casemate up --danger-no-memory-limit"),
        Failure { step: Step::Landlock, errno: 0, .. } => Problem::new(Code::JailLandlock)
            .detail("this kernel has no Landlock")
            .hint("casemate up --danger-no-landlock"),
        Failure { step: Step::Proc, .. } => {
            Problem::new(Code::JailProc).detail(failure).hint("casemate up --danger-no-proc")
        }
        Failure { step: Step::Namespaces | Step::Mapping, .. } => {
            Problem::new(Code::NoJails).detail(failure).hint(USERS)
        }
        _ => Problem::new(Code::JailFailed).detail(failure),
    }
}

impl From<JailError> for Problem {
    fn from(error: JailError) -> Self {
        of(&error)
    }
}
