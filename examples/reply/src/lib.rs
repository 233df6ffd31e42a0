//! Answering a request with a body that is complete: what most of the examples need.

use wasip2::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};
use wasip2::io::streams::{OutputStream, StreamError};

/// Plain text.
pub const TEXT: &str = "text/plain; charset=utf-8";
/// JSON.
pub const JSON: &str = "application/json";

/// Answers with a status, a content type and a whole body.
///
/// A body that fits the stream's first permit is written before the head is handed over. The host
/// then has all of the reply at once, and can send it as one piece of known length.
pub fn send(out: ResponseOutparam, status: u16, content_type: &str, body: &[u8]) {
    let length = body.len().to_string();
    let fields = [
        ("content-type".to_owned(), content_type.as_bytes().to_vec()),
        ("content-length".to_owned(), length.into_bytes()),
    ];
    let Ok(fields) = Fields::from_list(&fields) else { return };
    let response = OutgoingResponse::new(fields);
    let Ok(()) = response.set_status_code(status) else { return };
    let Ok(sink) = response.body() else { return };
    let Ok(stream) = sink.write() else { return };
    let permit = stream.check_write().unwrap_or(0);
    if body.len() as u64 <= permit {
        let written = stream.write(body);
        drop(stream);
        if written.is_ok() && OutgoingBody::finish(sink, None).is_ok() {
            ResponseOutparam::set(out, Ok(response));
        }
        return;
    }
    ResponseOutparam::set(out, Ok(response));
    if write_all(&stream, body).is_ok() {
        drop(stream);
        // A failure means that the client has gone, and there is nobody left to tell.
        let _ = OutgoingBody::finish(sink, None);
    }
}

/// Writes all bytes, as fast as the client takes them.
///
/// # Errors
/// The stream's own: the client went away, or the reply grew over its limit.
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

/// Reads a request's body if it is no longer than `bytes_max`; `None` if it is, or if it broke off.
pub fn body_of(request: &IncomingRequest, bytes_max: usize) -> Option<Vec<u8>> {
    let body = request.consume().ok()?;
    let stream = body.stream().ok()?;
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(64 * 1024) {
            Ok(chunk) => bytes.extend_from_slice(&chunk),
            Err(StreamError::Closed) => return Some(bytes),
            Err(StreamError::LastOperationFailed(_)) => return None,
        }
        if bytes.len() > bytes_max {
            return None;
        }
    }
}
