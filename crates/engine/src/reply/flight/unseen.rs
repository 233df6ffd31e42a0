//! A flight whose reply nobody waits for: a call of the queue.

use super::{Closed, Flight};
use crate::reply::Ending;
use model::Code;
use model::wire::v1::Outcome;
use std::future::poll_fn;
use std::sync::Arc;

impl Flight {
    /// Runs the guest to its end, throws its reply away, and waits until the record is on disk: a
    /// call leaves the queue only when it is known what became of it. Gives the reply's status.
    ///
    /// # Errors
    /// How it failed. A record that cannot be written fails a strict function only.
    pub(crate) async fn unseen(mut self) -> Result<u16, Ending> {
        let Some(aboard) = &self.aboard else {
            return Err(Ending::new(Outcome::Platform, Code::Internal, "there is nothing to run"));
        };
        let (engine, strict) = (Arc::clone(&aboard.engine), aboard.function.strict());
        let head = poll_fn(|cx| self.poll_head(cx)).await.map_err(|closed| closed.0)?;
        self.departed = true;
        while let Some(frame) = poll_fn(|cx| self.poll_frame(cx)).await {
            frame.map_err(|closed| closed.0)?;
        }
        let Closed(ending, mark) = poll_fn(|cx| self.poll_done(cx)).await;
        let unwritten = match mark {
            Some(mark) => engine.parts.journal.durable(mark).await.err().map(|it| it.to_string()),
            None => Some("the record was not taken".to_owned()),
        };
        match (ending.outcome, unwritten) {
            (Outcome::Ok, Some(why)) if strict => {
                Err(Ending::new(Outcome::Platform, Code::JournalRefuses, why))
            }
            (Outcome::Ok, _) => Ok(head.status.as_u16()),
            _ => Err(ending),
        }
    }
}
