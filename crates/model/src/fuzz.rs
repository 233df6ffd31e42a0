//! What the fuzzer and the tests call: every reader of this crate, and what it promises.
//!
//! Each target takes bytes that may be anything and gives back `Ok`, or the sentence that says
//! which promise was broken. Compiled for tests and for the fuzzer only; see `docs/FUZZING.md`.

mod forms;
mod texts;

pub use crate::event::fuzz::cloudevent;
pub use forms::{manifest_json, record};
pub use texts::{grant, route, traceparent, unit};

/// What a target says: nothing, or which promise was broken.
pub type Outcome = Result<(), String>;

/// What a function says of a batch. It names messages of the batch only, and means the same however
/// its JSON is laid out.
///
/// # Errors
/// The promise that was broken.
pub fn batch_reply(bytes: &[u8]) -> Outcome {
    crate::wire::fuzz(bytes)
}

fn hold(kept: bool, promise: impl std::fmt::Display) -> Outcome {
    if kept { Ok(()) } else { Err(promise.to_string()) }
}

#[cfg(test)]
mod tests {
    #[test]
    fn batch_reply() {
        fuzzing::run("batch_reply", 4000, super::batch_reply);
    }

    #[test]
    fn cloudevent() {
        fuzzing::run("cloudevent", 8000, super::cloudevent);
    }

    #[test]
    fn grant() {
        fuzzing::run("grant", 4000, super::grant);
    }

    #[test]
    fn manifest_json() {
        fuzzing::run("manifest_json", 2000, super::manifest_json);
    }

    #[test]
    fn record() {
        fuzzing::run("record", 4000, super::record);
    }

    #[test]
    fn route() {
        fuzzing::run("route", 4000, super::route);
    }

    #[test]
    fn traceparent() {
        fuzzing::run("traceparent", 8000, super::traceparent);
    }

    #[test]
    fn unit() {
        fuzzing::run("unit", 8000, super::unit);
    }
}
