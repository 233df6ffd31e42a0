//! Ways to misuse the reply's body, and what happens after it.

use crate::answer::{begin, plain, write_all};
use crate::ask::Ask;
use crate::{lines, use_up};
use wasip2::http::types::{Fields, OutgoingBody, OutgoingResponse, ResponseOutparam};
use wasip2::io::streams::OutputStream;

fn open(out: ResponseOutparam) -> (OutgoingBody, OutputStream) {
    begin(out, OutgoingResponse::new(plain()))
}

/// A reply whose header promises `length` and whose body is `body`.
fn promise(out: ResponseOutparam, length: u64, body: &[u8]) {
    let fields = plain();
    let _ = fields.append("content-length", length.to_string().as_bytes());
    let (sink, stream) = begin(out, OutgoingResponse::new(fields));
    let _ = write_all(&stream, body);
    drop(stream);
    let _ = OutgoingBody::finish(sink, None);
}

/// Sends a reply of `bytes` (1 MiB), without a content length.
pub fn big(ask: &Ask, out: ResponseOutparam) {
    let (sink, stream) = open(out);
    let chunk = [b'b'; 16 * 1024];
    let mut left = ask.number("bytes", 1 << 20);
    while left > 0 {
        let now = left.min(chunk.len() as u64);
        if write_all(&stream, &chunk[..now as usize]).is_err() {
            return;
        }
        left -= now;
    }
    drop(stream);
    let _ = OutgoingBody::finish(sink, None);
}

/// Promises 100 bytes and sends 10.
pub fn short_body(_: &Ask, out: ResponseOutparam) {
    promise(out, 100, b"ten bytes\n");
}

/// Promises 10 bytes and sends more.
pub fn long_body(_: &Ask, out: ResponseOutparam) {
    promise(out, 10, b"ten bytes\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
}

/// Sends a part and drops the body unfinished.
pub fn aborted(_: &Ask, out: ResponseOutparam) {
    let (sink, stream) = open(out);
    let _ = write_all(&stream, b"a part\n");
    drop(stream);
    drop(sink);
}

/// Sends a part, then crashes with a secret in its message.
pub fn trap_mid_body(ask: &Ask, out: ResponseOutparam) {
    let (_sink, stream) = open(out);
    let _ = stream.blocking_write_and_flush(b"a part\n");
    use_up::pause(ask.number("ms", 50));
    panic!("could not go on with {}", lines::SECRET);
}

/// Sends a body and trailers.
pub fn trailers(_: &Ask, out: ResponseOutparam) {
    let (sink, stream) = open(out);
    let _ = write_all(&stream, b"a body\n");
    drop(stream);
    let fields = Fields::new();
    let _ = fields.append("x-trailer", b"late");
    let _ = OutgoingBody::finish(sink, Some(fields));
}

/// Sends chunks of 4 KiB for ever.
pub fn forever(_: &Ask, out: ResponseOutparam) {
    let (_sink, stream) = open(out);
    while write_all(&stream, &[b'f'; 4096]).is_ok() {}
}

/// Sends `n` (5) chunks, one each `ms` (300).
pub fn slow(ask: &Ask, out: ResponseOutparam) {
    let (sink, stream) = open(out);
    for number in 0..ask.number("n", 5) {
        use_up::pause(ask.number("ms", 300));
        if write_all(&stream, format!("chunk {number}\n").as_bytes()).is_err() {
            return;
        }
    }
    drop(stream);
    let _ = OutgoingBody::finish(sink, None);
}

/// Writes 16 MiB at once, without a permit.
pub fn unpermitted(_: &Ask, out: ResponseOutparam) {
    let (_sink, stream) = open(out);
    let _ = stream.write(&vec![b'u'; 16 << 20]);
}

/// Answers, and after `ms` (200) writes to the log.
pub fn after(ask: &Ask, out: ResponseOutparam) {
    crate::answer::text(out, 200, "answered\n");
    use_up::pause(ask.number("ms", 200));
    lines::stderr("after the answer\n");
}

/// Answers, and then loops for ever.
pub fn after_loop(ask: &Ask, out: ResponseOutparam) {
    let (sink, stream) = open(out);
    let _ = write_all(&stream, b"answered\n");
    drop(stream);
    let _ = OutgoingBody::finish(sink, None);
    loop {
        std::hint::black_box(ask);
    }
}

/// Answers, and then crashes.
pub fn after_trap(_: &Ask, out: ResponseOutparam) {
    crate::answer::text(out, 200, "answered\n");
    panic!("crashed after the answer with {}", lines::SECRET);
}
