//! Ordinary answers, and the pieces that the ways build theirs from.

use wasip2::http::types::{Fields, OutgoingBody, OutgoingResponse, ResponseOutparam};
use wasip2::io::streams::{OutputStream, StreamError};

/// Answers with plain text.
pub fn text(out: ResponseOutparam, status: u16, body: &str) {
    with(out, status, plain(), body);
}

/// Answers with headers of one's own.
pub fn with(out: ResponseOutparam, status: u16, fields: Fields, body: &str) {
    let response = OutgoingResponse::new(fields);
    if response.set_status_code(status).is_err() {
        return with(out, 500, plain(), "the host refused the status\n");
    }
    let (sink, stream) = begin(out, response);
    if write_all(&stream, body.as_bytes()).is_ok() {
        drop(stream);
        let _ = OutgoingBody::finish(sink, None);
    }
}

/// Hands over the head and opens the body.
pub fn begin(out: ResponseOutparam, response: OutgoingResponse) -> (OutgoingBody, OutputStream) {
    let sink = response.body().expect("a new response has a body");
    let stream = sink.write().expect("a new body has a stream");
    ResponseOutparam::set(out, Ok(response));
    (sink, stream)
}

/// A content type and nothing else.
pub fn plain() -> Fields {
    Fields::from_list(&[("content-type".to_owned(), b"text/plain".to_vec())]).expect("one field")
}

/// Writes all, as fast as the host takes it.
pub fn write_all(stream: &OutputStream, mut bytes: &[u8]) -> Result<(), StreamError> {
    while !bytes.is_empty() {
        let permit = usize::try_from(stream.check_write()?).unwrap_or(usize::MAX);
        if permit == 0 {
            stream.subscribe().block();
            continue;
        }
        let (now, later) = bytes.split_at(permit.min(bytes.len()));
        stream.write(now)?;
        bytes = later;
    }
    Ok(())
}
