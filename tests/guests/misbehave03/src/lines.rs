//! The log.

use crate::ask::Ask;
use crate::{Answer, answer};
use wasip3::cli::{stderr, stdout};
use wasip3::wit_stream;

/// What must never reach a stranger.
pub const SECRET: &str = "sk_live_SECRET0123456789";

/// Writes to standard output and waits for the host to have taken it.
pub async fn say(bytes: Vec<u8>) -> bool {
    let (mut writer, reader) = wit_stream::new();
    let written = stdout::write_via_stream(reader);
    let left = writer.write_all(bytes).await;
    drop(writer);
    left.is_empty() && written.await.is_ok()
}

/// Writes to standard error.
pub async fn complain(bytes: Vec<u8>) -> bool {
    let (mut writer, reader) = wit_stream::new();
    let written = stderr::write_via_stream(reader);
    let left = writer.write_all(bytes).await;
    drop(writer);
    left.is_empty() && written.await.is_ok()
}

/// One line to standard output, one to standard error, and half a line without an end.
pub async fn log(_: Ask) -> Answer {
    say(b"a line\n".to_vec()).await;
    complain(b"a line, to standard error\n".to_vec()).await;
    say(b"no end".to_vec()).await;
    answer::text(200, "logged\n")
}

/// `bytes` (2 MiB) of log in lines of 64 bytes.
pub async fn flood(ask: Ask) -> Answer {
    let lines = ask.number("bytes", 2 << 20) / 64;
    let text: String = (0..lines).map(|n| format!("flood {n:012} {:.<44}\n", "")).collect();
    let taken = say(text.into_bytes()).await;
    answer::text(200, if taken { "flooded\n" } else { "refused\n" })
}
