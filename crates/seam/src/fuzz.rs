//! What the fuzzer and the tests call: frames of a child.
//!
//! Compiled for tests and for the fuzzer only; see `docs/FUZZING.md`.

use crate::frame::{self, Kind, PAYLOAD_BYTES_MAX};
use crate::words;
use bytes::BytesMut;
use model::wire::v1::Level;
use ports::executor::Fault;

/// What a target says: nothing, or which promise was broken.
pub type Outcome = Result<(), String>;

/// A child's bytes. What is read is written again as it was; no frame is longer than one may be; and
/// a line of the log is never in the platform's name.
///
/// # Errors
/// The promise that was broken.
pub fn seam(bytes: &[u8]) -> Outcome {
    let mut input = BytesMut::from(bytes);
    let mut again = Vec::new();
    while let Ok(Some(frame)) = frame::take(&mut input) {
        if frame.payload.len() > PAYLOAD_BYTES_MAX {
            return Err(format!("a frame of {} bytes", frame.payload.len()));
        }
        frame::put(&mut again, frame.kind, frame.id, &frame.payload);
        // Values are read or refused; what they hold is checked where they are used.
        match frame.kind {
            Kind::Head => {
                let head: Result<Result<words::Head, Fault>, _> = frame.read();
                let parts = head.ok().and_then(Result::ok).and_then(|head| head.parts().ok());
                if parts
                    .is_some_and(|parts| parts.headers.keys().any(|name| name.as_str().is_empty()))
                {
                    return Err("a header field without a name".to_owned());
                }
            }
            Kind::Ask => drop(frame.read::<words::Ask>().map(words::Ask::call)),
            Kind::Log => {
                let line = frame.read::<words::LogLine>().ok().and_then(|line| line.line().ok());
                if line.is_some_and(|line| line.value.level == Level::Platform) {
                    return Err("a line in the platform's name".to_owned());
                }
            }
            _ => {}
        }
    }
    match bytes.starts_with(&again) {
        true => Ok(()),
        false => Err("what was read is not what came".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn frames_of_a_child() {
        fuzzing::run("seam", 4000, super::seam);
    }
}
