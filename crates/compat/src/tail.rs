//! The end of an invocation's log, as AWS gives it with an answer.

use crate::context::Meant;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::{Engine, LogQuery, Signer};
use model::api::Record;
use std::time::Duration;

/// Most bytes of it.
const BYTES_MAX: usize = 4096;
/// Most lines that are looked at.
const LINES_MAX: usize = 1000;
/// How long the end of a record is waited for, and how often it is looked for.
const PATIENCE: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(10);

/// The record of an invocation that has answered. A function may work on for a while after that.
pub(crate) async fn ended(engine: &Engine, signer: &Signer, id: &str) -> Option<Record> {
    let id = id.parse().ok()?;
    let look = async {
        loop {
            if let Ok(record) = engine.record(&signer.scope, id).await
                && record.end_us.is_some()
            {
                return record;
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::time::timeout(PATIENCE, look).await.ok()
}

/// The last 4 KiB of the log, in base 64.
pub(crate) async fn tail(engine: &Engine, signer: &Signer, meant: &Meant, id: &str) -> String {
    let record = ended(engine, signer, id).await;
    let query = LogQuery {
        scope: signer.scope.clone(),
        function: Some(meant.function.name.clone()),
        invocation: id.parse().ok(),
        level: None,
        since: None,
        after: None,
        limit: LINES_MAX,
    };
    let lines = match engine.logs(query).await {
        Ok(page) => page.items.into_iter().map(|line| line.text).collect(),
        Err(problem) => {
            tracing::debug!(%problem, "an invocation's log cannot be read");
            Vec::new()
        }
    };
    let memory_mb = meant.row(engine).map_or(0, |row| row.spec.limits().memory_bytes >> 20);
    let text = text(id, &meant.version, &lines, record.as_ref(), memory_mb);
    let bytes = text.as_bytes();
    STANDARD.encode(bytes.get(bytes.len().saturating_sub(BYTES_MAX)..).unwrap_or(bytes))
}

fn text(
    id: &str,
    version: &str,
    lines: &[String],
    record: Option<&Record>,
    memory_mb: u64,
) -> String {
    let mut text = format!("START RequestId: {id} Version: {version}\n");
    for line in lines {
        text.push_str(line.trim_end_matches('\n'));
        text.push('\n');
    }
    text.push_str(&format!("END RequestId: {id}\n"));
    if let Some(record) = record {
        let us = record.end_us.unwrap_or(record.start_us).saturating_sub(record.start_us).max(0);
        let (ms, billed) = (us as f64 / 1000.0, us.unsigned_abs().div_ceil(1000).max(1));
        let most = record.usage.memory_peak_bytes.div_ceil(1 << 20);
        text.push_str(&format!(
            "REPORT RequestId: {id}\tDuration: {ms:.2} ms\tBilled Duration: {billed} ms\tMemory Size: {memory_mb} MB\tMax Memory Used: {most} MB\t\n"
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stand_between_the_start_and_the_end() {
        let lines = ["one\n".to_owned(), "two".to_owned()];
        assert_eq!(
            text("i", "$LATEST", &lines, None, 128),
            "START RequestId: i Version: $LATEST\none\ntwo\nEND RequestId: i\n"
        );
    }
}
