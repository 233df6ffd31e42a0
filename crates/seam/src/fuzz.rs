//! What the tests call with bytes that may be anything: frames of a child.

use crate::frame::{self, Kind, PAYLOAD_BYTES_MAX};
use crate::words;
use bytes::BytesMut;
use ports::executor::Fault;

/// A child's bytes. What is read is written again as it was; no frame is longer than one may be.
fn seam(bytes: &[u8]) -> Result<(), String> {
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
            Kind::Log => drop(frame.read::<words::LogLine>().map(words::LogLine::line)),
            _ => {}
        }
    }
    match bytes.starts_with(&again) {
        true => Ok(()),
        false => Err("what was read is not what came".to_owned()),
    }
}

#[test]
fn frames_of_a_child() {
    fuzzing::run("seam", 4000, seam);
}
