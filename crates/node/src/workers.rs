//! The thread that works the queue off, follows the schedules and pulls from sources: a runtime of
//! its own, so that neither the listeners nor the admin API wait for a guest that runs here.
//!
//! Invariant: when [`Workers::end`] returns, every call that was under way has its record.

use engine::{Cut, Engine};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// The running thread.
pub(crate) struct Workers {
    stop: Option<oneshot::Sender<()>>,
    abort: Option<oneshot::Sender<()>>,
    over: oneshot::Receiver<()>,
}

impl Workers {
    /// Begins to work with up to `width` calls at a time.
    pub(crate) fn begin(engine: Arc<Engine>, width: usize) -> std::io::Result<Self> {
        let (stop, stopped) = oneshot::channel::<()>();
        let (abort, aborted) = oneshot::channel::<()>();
        let (done, over) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let work = move || {
            runtime.block_on(async move {
                let (quit, over) = oneshot::channel::<()>();
                let following = Arc::clone(&engine).follow_schedules(async { drop(over.await) });
                let (leave, left) = oneshot::channel::<()>();
                let pulling = Arc::clone(&engine).follow_sources(async { drop(left.await) });
                let stopping = async {
                    drop(stopped.await);
                    drop((quit, leave));
                };
                let working = engine.work(width, stopping);
                tokio::select! {
                    _ended = async { tokio::join!(following, pulling, working) } => {}
                    _ = aborted => {}
                }
            });
            // With the runtime goes what was under way, and with that its records are closed.
            drop(runtime);
            let _nobody_may_wait = done.send(());
        };
        std::thread::Builder::new().name("queue".to_owned()).spawn(work)?;
        Ok(Self { stop: Some(stop), abort: Some(abort), over })
    }

    /// Takes no further calls. Those that are under way go on.
    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
    }

    /// Waits for what is under way for up to `grace`, and cuts the rest off: it is tried again at
    /// the next start.
    pub(crate) async fn end(mut self, engine: &Engine, grace: Duration) {
        self.stop();
        if tokio::time::timeout(grace, &mut self.over).await.is_err() {
            engine.cut(Cut::Grace);
            drop(self.abort.take());
            let _ended = self.over.await;
        }
    }
}
