//! Values that are written and read, in pieces.

use crate::ask::Ask;
use crate::bindings::wasi::blobstore::container::Container;
use crate::bindings::wasi::blobstore::types::{IncomingValue, OutgoingValue};
use wasip2::http::types::{IncomingBody, IncomingRequest};
use wasip2::io::streams::{InputStream, OutputStream, StreamError};

/// Bytes that are written at a time; WASI allows 4096 with `blocking_write_and_flush`.
const PIECE_BYTES: usize = 4096;

/// Byte `at` of every value that is written here.
fn byte(at: u64) -> u8 {
    (at.wrapping_mul(31) ^ (at >> 8).wrapping_mul(7)) as u8
}

/// A short text that stands for bytes: their number and FNV-1a of them.
struct Sum(u64, u64);

impl Sum {
    fn new() -> Self {
        Self(0, 0xcbf2_9ce4_8422_2325)
    }

    fn add(&mut self, bytes: &[u8]) {
        self.0 += bytes.len() as u64;
        for byte in bytes {
            self.1 = (self.1 ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        }
    }

    fn text(&self) -> String {
        format!("{} bytes {:016x}", self.0, self.1)
    }
}

fn fill(stream: &OutputStream, bytes: u64) -> Result<Sum, StreamError> {
    let mut sum = Sum::new();
    while sum.0 < bytes {
        let end = (sum.0 + PIECE_BYTES as u64).min(bytes);
        let piece: Vec<u8> = (sum.0..end).map(byte).collect();
        stream.blocking_write_and_flush(&piece)?;
        sum.add(&piece);
    }
    Ok(sum)
}

fn said(error: StreamError) -> String {
    match error {
        StreamError::Closed => "the stream is closed".to_owned(),
        StreamError::LastOperationFailed(error) => error.to_debug_string(),
    }
}

fn body(value: &OutgoingValue) -> Result<OutputStream, String> {
    value.outgoing_value_write_body().map_err(|()| "it has no stream any more".to_owned())
}

/// Writes `bytes` bytes as a stream.
pub fn write(container: &Container, ask: &Ask) -> Result<String, String> {
    let value = OutgoingValue::new_outgoing_value();
    container.write_data(&ask.text("name"), &value)?;
    let stream = body(&value)?;
    if value.outgoing_value_write_body().is_ok() {
        return Err("it has two streams".to_owned());
    }
    let filled = fill(&stream, ask.number("bytes"));
    drop(stream);
    // The reason is said by `finish`.
    OutgoingValue::finish(value)?;
    filled.map(|sum| sum.text()).map_err(said)
}

/// Writes before the value is given to the container.
pub fn early(container: &Container, ask: &Ask) -> Result<String, String> {
    let value = OutgoingValue::new_outgoing_value();
    let stream = body(&value)?;
    let sum = fill(&stream, ask.number("bytes")).map_err(said)?;
    drop(stream);
    container.write_data(&ask.text("name"), &value)?;
    OutgoingValue::finish(value)?;
    Ok(sum.text())
}

/// Writes, and does not finish.
pub fn unfinished(container: &Container, ask: &Ask) -> Result<String, String> {
    let value = OutgoingValue::new_outgoing_value();
    container.write_data(&ask.text("name"), &value)?;
    let stream = body(&value)?;
    let sum = fill(&stream, ask.number("bytes")).map_err(said)?;
    drop(stream);
    drop(value);
    Ok(sum.text())
}

/// Finishes what was given to no container.
pub fn nowhere() -> Result<String, String> {
    OutgoingValue::finish(OutgoingValue::new_outgoing_value()).map(|()| "written".to_owned())
}

/// Reads an object at many handles at once.
pub fn open_many(container: &Container, ask: &Ask) -> Result<String, String> {
    let name = ask.text("name");
    let mut open = Vec::new();
    for _ in 0..ask.number("count") {
        open.push(container.get_data(&name, 0, u64::MAX)?);
    }
    Ok(format!("{} are open", open.len()))
}

/// Reads an object, or from `start` to `end`, as a stream.
pub fn read(container: &Container, ask: &Ask) -> Result<String, String> {
    let end = match ask.text("end").as_str() {
        "" => u64::MAX,
        _ => ask.number("end"),
    };
    let value = container.get_data(&ask.text("name"), ask.number("start"), end)?;
    let size = value.size();
    let stream = IncomingValue::incoming_value_consume_async(value)?;
    let sum = summed(&stream)?;
    match sum.0 == size {
        true => Ok(sum.text()),
        false => Err(format!("{size} bytes were announced, and {} came", sum.0)),
    }
}

fn summed(stream: &InputStream) -> Result<Sum, String> {
    let mut sum = Sum::new();
    loop {
        match stream.blocking_read(64 << 10) {
            Ok(bytes) => sum.add(&bytes),
            Err(StreamError::Closed) => return Ok(sum),
            Err(error) => return Err(said(error)),
        }
    }
}

/// Reads an object in one piece.
pub fn sync(container: &Container, ask: &Ask) -> Result<String, String> {
    let value = container.get_data(&ask.text("name"), 0, u64::MAX)?;
    let mut sum = Sum::new();
    sum.add(&IncomingValue::incoming_value_consume_sync(value)?);
    Ok(sum.text())
}

/// Writes the request's body.
pub fn take(ask: &Ask, request: IncomingRequest) -> Result<String, String> {
    let container =
        crate::bindings::wasi::blobstore::blobstore::get_container(&ask.text("container"))?;
    let value = OutgoingValue::new_outgoing_value();
    container.write_data(&ask.text("name"), &value)?;
    let stream = body(&value)?;
    let incoming = request.consume().map_err(|()| "it has no body".to_owned())?;
    let source = incoming.stream().map_err(|()| "it has no stream".to_owned())?;
    let mut bytes = 0;
    let broke = loop {
        match stream.blocking_splice(&source, 64 << 10) {
            Ok(count) => bytes += count,
            Err(StreamError::Closed) => break None,
            Err(error) => break Some(said(error)),
        }
    };
    drop(stream);
    drop(source);
    drop(IncomingBody::finish(incoming));
    OutgoingValue::finish(value)?;
    broke.map_or(Ok(format!("{bytes} bytes")), Err)
}
