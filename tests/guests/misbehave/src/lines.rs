//! Ways to misuse the log, and crashes that talk.

use crate::answer;
use crate::ask::Ask;
use wasip2::http::types::ResponseOutparam;
use wasip2::io::streams::OutputStream;

/// What must never reach a stranger.
pub const SECRET: &str = "sk_live_SECRET0123456789";

/// Most bytes that one blocking write may carry.
const WRITE_BYTES_MAX: usize = 4096;

/// Writes to standard error.
pub fn stderr(text: &str) {
    write(&wasip2::cli::stderr::get_stderr(), text.as_bytes());
}

fn stdout(bytes: &[u8]) {
    write(&wasip2::cli::stdout::get_stdout(), bytes);
}

/// Writes what the host takes. A refusal ends it quietly: a full log is no reason to fail.
fn write(stream: &OutputStream, bytes: &[u8]) -> bool {
    bytes.chunks(WRITE_BYTES_MAX).all(|chunk| stream.blocking_write_and_flush(chunk).is_ok())
}

/// One line to standard output, one to standard error, and half a line without an end.
pub fn log(ask: &Ask, out: ResponseOutparam) {
    let line = ask.text("line").unwrap_or_else(|| "a line".to_owned());
    stdout(format!("{line}\n").as_bytes());
    stderr(&format!("{line}, to standard error\n"));
    stdout(b"no end");
    answer::text(out, 200, "logged\n");
}

/// Bytes that are no UTF-8, a NUL, a terminal escape, and a line that looks like another record.
pub fn binary(_: &Ask, out: ResponseOutparam) {
    stdout(b"\xff\xfe not text\n\0nul\n\x1b[2J\x1b]0;title\x07escape\n\r\n");
    stdout(b"{\"level\":\"error\",\"invocation\":\"forged\"}\n");
    answer::text(out, 200, "logged\n");
}

/// `bytes` (2 MiB) of log in lines of 64 bytes.
pub fn flood(ask: &Ask, out: ResponseOutparam) {
    let lines = ask.number("bytes", 2 << 20) / 64;
    let stream = wasip2::cli::stderr::get_stderr();
    let mut taken = 0_u64;
    let mut batch = String::new();
    for number in 0..lines {
        batch.push_str(&format!("flood {number:012} {:.<44}\n", ""));
        if batch.len() >= WRITE_BYTES_MAX || number + 1 == lines {
            taken += u64::from(write(&stream, batch.as_bytes())) * batch.len() as u64;
            batch.clear();
        }
    }
    answer::text(out, 200, &format!("flooded {taken} bytes\n"));
}

/// One line of `bytes` (300 KiB).
pub fn long_line(ask: &Ask, out: ResponseOutparam) {
    let length = usize::try_from(ask.number("bytes", 300 << 10)).unwrap_or(0);
    let mut line = "x".repeat(length);
    line.push('\n');
    stdout(line.as_bytes());
    answer::text(out, 200, "logged\n");
}

/// Crashes with a secret in its message. The message goes to standard error.
pub fn trap_secret(_: &Ask, _: ResponseOutparam) {
    panic!("could not reach the payment service with {SECRET}");
}
