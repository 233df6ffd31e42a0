//! Children that are tasks of this very runtime: the whole protocol, and no confinement.
//!
//! For tests. Since everything runs on one runtime, a clock that stands still stays still.

use crate::child::{Seats, control};
use ports::Future;
use ports::child::{Companion, Companions, Living};
use ports::executor::Executor;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Serves every child's socket by tasks, with one executor for all.
pub struct Tasks {
    executor: Arc<dyn Executor>,
    /// How many were started.
    pub started: AtomicUsize,
}

impl Tasks {
    /// Children that run `executor`.
    #[must_use]
    pub fn new(executor: Arc<dyn Executor>) -> Self {
        Self { executor, started: AtomicUsize::new(0) }
    }
}

impl Companions for Tasks {
    fn start(&self, companion: Companion) -> io::Result<Box<dyn Living>> {
        self.started.fetch_add(1, Ordering::Relaxed);
        let executor = Arc::clone(&self.executor);
        Ok(Box::new(Task(tokio::spawn(async move {
            // It is asked for no code: the executor has its own.
            let (_wants, list) = mpsc::unbounded_channel();
            control(companion.socket, &executor, list, Seats::Tasks).await
        }))))
    }
}

struct Task(JoinHandle<io::Result<()>>);

impl Living for Task {
    fn ended(&mut self) -> Future<'_, String> {
        Box::pin(async {
            match (&mut self.0).await {
                Ok(Ok(())) => "done".to_owned(),
                Ok(Err(error)) => error.to_string(),
                Err(error) => error.to_string(),
            }
        })
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}
