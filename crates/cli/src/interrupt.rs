//! Ctrl-C, SIGTERM and the end of the terminal, for commands that have something to clean up.

use anyhow::Context as _;
use std::sync::mpsc;
use std::thread;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Knows whether somebody wants the command to end.
#[derive(Debug, Clone)]
pub(crate) struct Interrupt(watch::Receiver<bool>);

impl Interrupt {
    /// Begins to listen. From now on these signals do not end the process by themselves.
    ///
    /// # Errors
    /// The system gives no thread, or no way to hear of signals.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let (sender, receiver) = watch::channel(false);
        let (listening, begun) = mpsc::sync_channel(1);
        thread::Builder::new().name("interrupt".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let heard = runtime.map(|runtime| {
                runtime.block_on(async {
                    let mut kinds = [
                        signal(SignalKind::interrupt())?,
                        signal(SignalKind::terminate())?,
                        signal(SignalKind::hangup())?,
                    ];
                    let _somebody_waits = listening.send(());
                    let [interrupt, terminate, hangup] = &mut kinds;
                    tokio::select! {
                        _ = interrupt.recv() => {}
                        _ = terminate.recv() => {}
                        // What listens for the other two only, as a node does, hears of it too.
                        _ = hangup.recv() => terminate_self(),
                    }
                    std::io::Result::Ok(())
                })
            });
            let _nobody_waits = sender.send(matches!(heard, Ok(Ok(()))));
        })?;
        begun.recv().context("cannot listen for Ctrl-C")?;
        Ok(Self(receiver))
    }

    /// Whether it came.
    pub(crate) fn came(&self) -> bool {
        *self.0.borrow()
    }

    /// Does something once when it comes.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(crate) fn then(&self, act: impl FnOnce() + Send + 'static) -> anyhow::Result<()> {
        let own = self.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        thread::Builder::new().name("interrupted".to_owned()).spawn(move || {
            runtime.block_on(own.wait());
            act();
        })?;
        Ok(())
    }

    /// Waits until it comes.
    pub(crate) async fn wait(&self) {
        // If nobody listens any more, nothing will come.
        if self.0.clone().wait_for(|came| *came).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Sends this process a SIGTERM: the way to end a node that runs in it.
pub(crate) fn terminate_self() {
    let own = rustix::process::getpid();
    // Nobody may refuse a signal from a process to itself.
    let _sent = rustix::process::kill_process(own, rustix::process::Signal::TERM);
}
