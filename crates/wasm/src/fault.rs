//! From Wasmtime's errors to kinds of failure.

use crate::meter::Shared;
use crate::state::CpuUsedUp;
use ports::executor::{Fault, FaultKind};
use std::sync::atomic::Ordering::Relaxed;
use wasmtime::component::ResourceTableError;
use wasmtime::{PoolConcurrencyLimitError, Trap};
use wasmtime_wasi::I32Exit;
use wasmtime_wasi_http::FieldMapError;

/// The guest's answer is none that can be sent.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct BadAnswer(pub(crate) String);

/// The longest reason that goes into a record.
pub(crate) const REASON_BYTES_MAX: usize = 2 << 10;

/// A failure with its reason, cut, and without control characters but line breaks.
pub(crate) fn fault(kind: FaultKind, reason: impl Into<String>) -> Fault {
    let mut reason = cut(reason.into(), REASON_BYTES_MAX);
    if reason.contains(is_unprintable) {
        reason = reason.replace(is_unprintable, " ");
    }
    Fault { kind, reason: cut(reason, REASON_BYTES_MAX) }
}

fn is_unprintable(character: char) -> bool {
    character.is_control() && character != '\n'
}

/// At most `bytes_max` bytes of `text`, ending at a character.
pub(crate) fn cut(mut text: String, bytes_max: usize) -> String {
    if text.len() > bytes_max {
        text.truncate(text.floor_char_boundary(bytes_max));
    }
    text
}

/// `text` in one line without control characters, cut: fit for an answer to who deploys.
pub(crate) fn plain(text: &str, bytes_max: usize) -> String {
    let text = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    cut(text, bytes_max)
}

/// How a guest ended that ended with `error`: `Ok` if it just exited.
pub(crate) fn ended(error: &wasmtime::Error, shared: &Shared) -> Result<(), Fault> {
    if let Some(exit) = error.downcast_ref::<I32Exit>() {
        tracing::trace!(status = exit.0, "the guest exited");
        return Ok(());
    }
    let mut kind = kind(error);
    // A guest whose memory was refused mostly aborts, which looks like any other trap.
    if kind == FaultKind::Trapped && shared.memory_refused.load(Relaxed) {
        kind = FaultKind::Memory;
    }
    Err(fault(kind, reason(kind, error, shared)))
}

/// The cause before what stands around it, so that a long backtrace is cut and not the cause.
fn reason(kind: FaultKind, error: &wasmtime::Error, shared: &Shared) -> String {
    let mut parts: Vec<String> = error.chain().map(ToString::to_string).collect();
    if kind == FaultKind::Memory {
        let limit = shared.limits().memory_bytes;
        parts.push(format!("more memory than the limit of {limit} bytes was refused"));
    }
    parts.reverse();
    parts.join("\n")
}

fn kind(error: &wasmtime::Error) -> FaultKind {
    if error.is::<CpuUsedUp>() || matches!(error.downcast_ref(), Some(Trap::Interrupt)) {
        FaultKind::Cpu
    } else if error.is::<PoolConcurrencyLimitError>() {
        FaultKind::NoInstance
    } else if error.is::<BadAnswer>() {
        FaultKind::BadResponse
    } else if matches!(error.downcast_ref(), Some(Trap::NoAsyncResult)) {
        FaultKind::NoResponse
    } else if is_host_limit(error) {
        FaultKind::HostLimit
    } else if error.is::<wasmtime::OutOfMemory>() {
        FaultKind::Platform
    } else {
        FaultKind::Trapped
    }
}

fn is_host_limit(error: &wasmtime::Error) -> bool {
    let full = |error: &ResourceTableError| matches!(error, ResourceTableError::Full);
    let fields = |error: &FieldMapError| {
        matches!(error, FieldMapError::TooManyFields | FieldMapError::TotalSizeTooBig)
    };
    error.downcast_ref::<ResourceTableError>().is_some_and(full)
        || error.downcast_ref::<FieldMapError>().is_some_and(fields)
        || is_host_limit_by_text(&error.root_cause().to_string())
}

/// These have no public type in Wasmtime 48. The root cause is the host's text; what stands
/// around it may quote the guest.
fn is_host_limit_by_text(cause: &str) -> bool {
    cause.contains("fuel allocated for hostcalls")
        || cause.starts_with("requested len")
        || cause.contains("store handle limit exceeded")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_at_characters_and_made_plain() {
        assert_eq!(cut("aä".to_owned(), 2), "a");
        assert_eq!(cut("aä".to_owned(), 3), "aä");
        assert_eq!(plain("a\x1b[31m\nb", 100), "a [31m b");
        assert_eq!(fault(FaultKind::Trapped, "a\x1b\n\u{9b}").reason, "a \n ");
    }

    #[test]
    fn errors_have_their_kinds() {
        let table = [
            (wasmtime::Error::from(CpuUsedUp), FaultKind::Cpu),
            (Trap::StackOverflow.into(), FaultKind::Trapped),
            (Trap::UnreachableCodeReached.into(), FaultKind::Trapped),
            (ResourceTableError::Full.into(), FaultKind::HostLimit),
            (ResourceTableError::NotPresent.into(), FaultKind::Trapped),
            (FieldMapError::TotalSizeTooBig.into(), FaultKind::HostLimit),
            (Trap::NoAsyncResult.into(), FaultKind::NoResponse),
            (BadAnswer(String::new()).into(), FaultKind::BadResponse),
        ];
        for (error, expect) in table {
            assert_eq!(kind(&error), expect, "{error}");
            assert_eq!(kind(&error.context("in the guest")), expect);
        }
    }
}
