//! How many processes start at a time. Starting one takes a processor for a while: if all that are
//! wanted start at once, each takes as long as all of them, and none is ready in its time.
//!
//! Invariant: nobody has a turn for longer than [`LONGEST_TURN`], whatever its process does.

use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;

/// Processes that start at a time, for each processor: while one waits for a file, another works.
const FOR_EACH: usize = 2;
/// How long others wait for a process that is not ready: longer than interpreters need, and short
/// beside what functions that connect to something take.
const LONGEST_TURN: Duration = Duration::from_millis(500);

/// The turns, which come in the order in which they were asked for.
pub(super) struct Starts(Arc<Semaphore>);

/// Somebody's turn to start a process. It ends when it is dropped.
pub(crate) struct Turn(AbortHandle);

impl Starts {
    pub(super) fn new() -> Self {
        let processors = available_parallelism().map_or(1, NonZero::get);
        Self(Arc::new(Semaphore::new(FOR_EACH * processors)))
    }

    /// Waits for a turn. `runtime` ends it where nobody else does.
    pub(super) async fn turn(&self, runtime: &Handle) -> Option<Turn> {
        // Nobody closes it.
        let permit = Arc::clone(&self.0).acquire_owned().await.ok()?;
        Some(Turn(runtime.spawn(hold(permit)).abort_handle()))
    }
}

async fn hold(permit: OwnedSemaphorePermit) {
    tokio::time::sleep(LONGEST_TURN).await;
    drop(permit);
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use tokio::time::timeout;

    const SOON: Duration = Duration::from_millis(1);

    async fn all_taken() -> (Starts, Vec<Turn>) {
        let starts = Starts(Arc::new(Semaphore::new(2)));
        let mut turns = Vec::new();
        for _ in 0..2 {
            turns.push(starts.turn(&Handle::current()).await.expect("a turn"));
        }
        (starts, turns)
    }

    #[tokio::test(start_paused = true)]
    async fn one_more_waits_until_a_process_is_ready() {
        let (starts, mut turns) = all_taken().await;
        let runtime = Handle::current();
        let mut next = pin!(starts.turn(&runtime));
        assert!(timeout(SOON, next.as_mut()).await.is_err());
        turns.pop();
        assert!(timeout(SOON, next).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_never_ready_keeps_nobody_waiting_for_long() {
        let (starts, turns) = all_taken().await;
        let runtime = Handle::current();
        let mut next = pin!(starts.turn(&runtime));
        assert!(timeout(LONGEST_TURN - SOON, next.as_mut()).await.is_err());
        assert!(timeout(2 * SOON, next).await.is_ok());
        // Ending what has ended gives nothing twice.
        drop(turns);
        tokio::task::yield_now().await;
        assert_eq!(starts.0.available_permits(), 2);
    }
}
