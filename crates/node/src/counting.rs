//! Keeps what was used of caps, every few seconds and at the end.

use engine::Engine;
use std::sync::Arc;
use std::time::Duration;

/// How often it is kept. A crash costs the reading of the records of this time.
const KEEP_EVERY: Duration = Duration::from_secs(5);

/// Keeps it until the task is aborted.
pub(crate) async fn keep(engine: Arc<Engine>) {
    loop {
        tokio::time::sleep(KEEP_EVERY).await;
        engine.keep_caps(false).await;
    }
}
