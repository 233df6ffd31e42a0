//! How far a stream is on disk, and who waits for it.

use ports::journal::Error;
use tokio::sync::watch;

/// What the writer last said.
#[derive(Debug, Clone, Default)]
struct Said {
    /// Entries before this one are on disk.
    durable: u64,
    /// Entries before this one were tried and are not on disk, for the reason below.
    failed: u64,
    error: Option<Error>,
    stopped: bool,
}

/// The writer's word about one stream.
#[derive(Debug)]
pub(super) struct Progress(watch::Sender<Said>);

impl Progress {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(Said::default()))
    }

    /// Entries before `end` are on disk.
    pub(super) fn reach(&self, end: u64) {
        self.0.send_modify(|said| (said.durable, said.error) = (said.durable.max(end), None));
    }

    /// Entries before `end` are on disk, and what was said of later ones still holds.
    pub(super) fn advance(&self, end: u64) {
        self.0.send_modify(|said| said.durable = said.durable.max(end));
    }

    /// Entries before `end` could not be written now.
    pub(super) fn fail(&self, end: u64, error: Error) {
        self.0.send_modify(|said| (said.failed, said.error) = (end, Some(error)));
    }

    /// Nothing more will be written.
    pub(super) fn stop(&self) {
        self.0.send_modify(|said| said.stopped = true);
    }

    /// Entries before this one are on disk.
    pub(super) fn durable(&self) -> u64 {
        self.0.borrow().durable
    }

    /// Why the last write failed, if it did.
    pub(super) fn error(&self) -> Option<Error> {
        self.0.borrow().error.clone()
    }

    /// Waits until the entry `number` is on disk, or cannot be.
    pub(super) async fn wait(&self, number: u64) -> Result<(), Error> {
        let mut said = self.0.subscribe();
        loop {
            let now = said.borrow_and_update().clone();
            if now.durable > number {
                return Ok(());
            }
            if let Some(error) = now.error.filter(|_| now.failed > number) {
                return Err(error);
            }
            if now.stopped || said.changed().await.is_err() {
                return Err(closed());
            }
        }
    }
}

/// The answer after the end.
pub(super) fn closed() -> Error {
    Error::Failed("it is closed".into())
}
