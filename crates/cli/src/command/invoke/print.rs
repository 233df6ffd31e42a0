//! How an answer is shown.

use crate::client::Reply;
use crate::voice::{SafeWriter, Voice, closed, safe};
use anyhow::Context as _;
use base64::Engine as _;
use serde_json::{Value, json};
use std::io::{self, Read, Write};

/// Largest body that fits into a JSON document; without `--format json` there is no bound.
const DOCUMENT_BODY_MAX: u64 = 64 << 20;

/// The status, and with `all` the headers, on standard error.
pub(super) fn head(voice: &Voice, reply: &Reply, all: bool) {
    let reason = http::StatusCode::from_u16(reply.status).ok();
    let reason = reason.and_then(|status| status.canonical_reason()).unwrap_or_default();
    voice.note(format!("HTTP {} {reason}", reply.status).trim_end());
    if all {
        for (name, value) in &reply.headers {
            voice.note(format_args!("{}: {}", safe(name), safe(value)));
        }
    }
    if let Some(id) = reply.invocation {
        voice.note(format_args!("invocation {id}"));
    }
}

/// The body as it is; made safe if a terminal would interpret it.
pub(super) fn body(mut reply: Reply) -> anyhow::Result<()> {
    let stdout = io::stdout().lock();
    if Voice::out_is_terminal() {
        let mut writer = SafeWriter::new(stdout);
        copy(&mut reply.body, &mut writer)?;
        return closed(writer.finish());
    }
    let mut stdout = stdout;
    copy(&mut reply.body, &mut stdout)?;
    closed(stdout.flush())
}

/// Copies as it comes, telling a failing reader from a failing writer.
fn copy(from: &mut dyn Read, to: &mut dyn Write) -> anyhow::Result<()> {
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = match from.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            count => count.context("the answer was cut off")?,
        };
        let Some(part) = buffer.get(..count).filter(|part| !part.is_empty()) else { return Ok(()) };
        closed(to.write_all(part).and_then(|()| to.flush()))?;
    }
}

/// The whole answer as one JSON document; a body that is no text is in base64.
pub(super) fn document(voice: &Voice, reply: Reply) -> anyhow::Result<()> {
    let mut bytes = Vec::new();
    let mut limited = reply.body.take(DOCUMENT_BODY_MAX + 1);
    limited.read_to_end(&mut bytes).context("the answer was cut off")?;
    if bytes.len() as u64 > DOCUMENT_BODY_MAX {
        anyhow::bail!("the answer is too large for a JSON document: leave `--format json` out");
    }
    let (encoding, body) = match String::from_utf8(bytes) {
        Ok(text) => ("utf-8", text),
        Err(error) => {
            ("base64", base64::engine::general_purpose::STANDARD.encode(error.as_bytes()))
        }
    };
    let headers: Vec<Value> =
        reply.headers.iter().map(|(name, value)| json!([name, value])).collect();
    voice.document(&json!({
        "status": reply.status, "invocation": reply.invocation, "headers": headers,
        "encoding": encoding, "body": body,
    }))
}
