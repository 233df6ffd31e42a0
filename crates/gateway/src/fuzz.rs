//! What the fuzzer and the tests call: a client's bytes, split into messages.
//!
//! Compiled for tests and for the fuzzer only; see `docs/FUZZING.md`.

use crate::framing::Framing;
use crate::h2::frames::{self, Frames};
use crate::head::{self, BodyLength, Limits, Scanner};
use crate::proxy::read;
use crate::walk::{Message, messages};

/// What a target says: nothing, or which promise was broken.
pub type Outcome = Result<(), String>;

/// Small, so that a fuzzer reaches what is beyond.
const LIMITS: Limits = Limits { headers_max: 16, bytes_max: 1024 };

fn hold(kept: bool, promise: impl std::fmt::Display) -> Outcome {
    if kept { Ok(()) } else { Err(promise.to_string()) }
}

/// A client's bytes: heads, bodies, one message after the other. Messages follow each other
/// without a gap that could hide something; each is found again alone; a beginning of the bytes
/// is split as the whole is, and pieces are read as the whole is; what is strict has one length
/// and one host; and a chunked body is that of a second, simpler reader.
///
/// # Errors
/// The promise that was broken.
pub fn head(bytes: &[u8]) -> Outcome {
    let (found, violation) = messages(bytes, LIMITS);
    let mut end = 0;
    for (at, message) in found.iter().enumerate() {
        let skipped = bytes.get(end..message.head.start).unwrap_or(b"?");
        hold(matches!(skipped, b"" | b"\r\n"), "bytes between messages belong to nothing")?;
        hold(message.head.end == message.body.start, "a head and its body do not touch")?;
        hold(message.complete || at + 1 == found.len(), "a message follows one that is cut")?;
        end = message.body.end;
        one(bytes, message)?;
    }
    hold(end <= bytes.len(), "a message ends behind the bytes")?;
    for cut in cuts(bytes.len()) {
        let (before, why) = messages(&bytes[..cut], LIMITS);
        let whole = before.iter().take_while(|message| message.complete).count();
        let stable = before.iter().take(whole).eq(found.iter().take(whole));
        hold(stable, format_args!("the first {cut} bytes are split in another way"))?;
        if why.is_some() {
            hold(why == violation && before == found, "more bytes undo a refusal")?;
        }
        pieces(bytes, cut)?;
    }
    Ok(())
}

/// Where bytes are cut: at both ends, and at some places between.
fn cuts(len: usize) -> impl Iterator<Item = usize> {
    let step = (len / 16).max(1);
    (0..=len).step_by(step).chain([len])
}

fn one(bytes: &[u8], message: &Message) -> Outcome {
    let head = &bytes[message.head.clone()];
    let body = &bytes[message.body.clone()];
    let (again, why) = messages(&bytes[message.head.start..message.body.end], LIMITS);
    let lengths = |it: &Message| (it.head.len(), it.body.len(), it.complete);
    let same = again.iter().map(lengths).eq([lengths(message)]) && why.is_none();
    hold(same, "a message alone is another message")?;
    let scanned = head::scan(head, LIMITS).ok().flatten().ok_or("a head alone is none")?;
    strict(head, scanned.body)?;
    match scanned.body {
        BodyLength::Sized(length) => {
            let complete = body.len() as u64 == length;
            hold(
                complete == message.complete && body.len() as u64 <= length,
                "a body of another size",
            )
        }
        BodyLength::Chunked => {
            hold(chunked(body) == message.complete, "a simpler reader finds another chunked body")
        }
    }
}

/// What a head that passed cannot have: a second reading.
fn strict(head: &[u8], body: BodyLength) -> Outcome {
    let text = head.strip_suffix(b"\r\n\r\n").ok_or("a head without an end")?;
    let lines: Vec<&[u8]> = split(text, b"\r\n");
    let odd = |byte: &u8| (*byte < b' ' && *byte != b'\t') || *byte == 0x7f;
    hold(!lines.iter().any(|line| line.iter().any(odd)), "a control character passes")?;
    let (request, fields) = lines.split_first().ok_or("a head without a line")?;
    hold(
        request.iter().filter(|byte| **byte == b' ').count() == 2,
        "a request line of other words",
    )?;
    let named = |name: &str| {
        let is = |line: &&&[u8]| {
            let end = line.iter().position(|byte| *byte == b':').unwrap_or(0);
            line[..end].eq_ignore_ascii_case(name.as_bytes())
        };
        fields.iter().filter(is).count()
    };
    hold(fields.iter().all(|line| line.contains(&b':')), "a line without a colon passes")?;
    hold(fields.len() <= LIMITS.headers_max && head.len() <= LIMITS.bytes_max, "it is too large")?;
    let (length, coding) = (named("content-length"), named("transfer-encoding"));
    let announced = match body {
        BodyLength::Sized(0) => length <= 1 && coding == 0,
        BodyLength::Sized(_) => length == 1 && coding == 0,
        BodyLength::Chunked => length == 0 && coding == 1,
    };
    hold(announced, "two servers could read another length")?;
    hold(named("host") <= 1, "two hosts pass")
}

fn split<'a>(bytes: &'a [u8], at: &[u8]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    let mut rest = bytes;
    while let Some(end) = rest.windows(at.len()).position(|part| part == at) {
        parts.push(&rest[..end]);
        rest = &rest[end + at.len()..];
    }
    parts.push(rest);
    parts
}

/// Whether the bytes are exactly one whole chunked body, read line by line.
fn chunked(mut bytes: &[u8]) -> bool {
    loop {
        let Some(end) = bytes.windows(2).position(|part| part == b"\r\n") else { return false };
        let size: Vec<u8> = bytes[..end].iter().copied().take_while(|byte| *byte != b';').collect();
        let size = std::str::from_utf8(&size).ok().and_then(|it| u64::from_str_radix(it, 16).ok());
        let Some(size) = size else { return false };
        bytes = &bytes[end + 2..];
        if size == 0 {
            // Trailers, and the empty line at their end, which nothing follows.
            return bytes == b"\r\n" || split(bytes, b"\r\n\r\n").as_slice()[1..] == [b""];
        }
        let Some(after) = usize::try_from(size).ok().and_then(|size| bytes.get(size..)) else {
            return false;
        };
        let Some(after) = after.strip_prefix(b"\r\n") else { return false };
        bytes = after;
    }
}

/// Reading the first head and the body behind it in two pieces gives what reading them whole does.
fn pieces(bytes: &[u8], cut: usize) -> Outcome {
    let mut scanner = Scanner::new(LIMITS);
    let whole = head::scan(bytes, LIMITS);
    let first = scanner.scan(&bytes[..cut]);
    let both = if first == Ok(None) { scanner.scan(bytes) } else { first };
    hold(both == whole, format_args!("a head in pieces at {cut} is {both:?}, not {whole:?}"))?;
    let Ok(Some(head)) = whole else { return Ok(()) };
    let body = &bytes[head.skip + head.length..];
    let cut = cut.min(body.len());
    let (mut at_once, mut in_two) = (Framing::new(head.body), Framing::new(head.body));
    let whole = at_once.pass(body);
    let both = in_two.pass(&body[..cut]).and_then(|first| match first == cut {
        true => in_two.pass(&body[cut..]).map(|second| first + second),
        false => Ok(first),
    });
    hold(both == whole, format_args!("a body in pieces at {cut} is {both:?}, not {whole:?}"))?;
    hold(whole.is_err() || at_once == in_two, "a body in pieces ends elsewhere")
}

/// The frames of an HTTP/2 client. What is counted does not depend on how they are cut.
///
/// # Errors
/// The promise that was broken.
pub fn frames(bytes: &[u8]) -> Outcome {
    const COUNTS: frames::Limits = frames::Limits {
        frame_bytes: 16_384,
        block_bytes: 65_536,
        continuations: 8,
        resets: 20,
        control_frames: 20,
    };
    let whole = [frames::PREFACE, bytes].concat();
    let at_once = Frames::new(COUNTS).pass(&whole, 0);
    for size in [1, 7, 64] {
        let mut counter = Frames::new(COUNTS);
        let pieces = whole.chunks(size).try_for_each(|piece| counter.pass(piece, 0));
        hold(at_once == pieces, format_args!("pieces of {size} bytes are counted otherwise"))?;
    }
    Ok(())
}

/// A header of the PROXY protocol. It is read the same with what follows it and without, and not
/// before it is whole.
///
/// # Errors
/// The promise that was broken.
pub fn proxy(bytes: &[u8]) -> Outcome {
    let Ok(Some(header)) = read(bytes) else { return Ok(()) };
    let length = header.length;
    hold(read(&bytes[..length]) == Ok(Some(header)), "what follows a header changes it")?;
    hold(read(&bytes[..length - 1]) == Ok(None), "a header is taken before its end")
}

#[cfg(test)]
mod tests {
    #[test]
    fn frames() {
        fuzzing::run("frames", 4000, super::frames);
    }

    #[test]
    fn proxy() {
        fuzzing::run("proxy", 4000, super::proxy);
    }

    #[test]
    fn head() {
        fuzzing::run("head", 4000, super::head);
    }
}
