//! A flight whose reply nobody waits for: a call of the queue.

use super::{Closed, Flight};
use crate::reply::Ending;
use bytes::{Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use model::wire::v1::Outcome;
use model::{Code, Labels};
use std::future::poll_fn;
use std::sync::Arc;

/// Longest reply that is kept, in bytes. Of a longer one only its length is.
const KEPT_BYTES_MAX: usize = 64 << 10;
/// Longest content type that is kept.
const KIND_BYTES_MAX: usize = 200;

/// What is kept of a reply that nobody waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keeps {
    /// Nothing.
    Nothing,
    /// The reply as it would leave to a caller who sees no values: somebody is told of it.
    Leaving,
    /// The reply as the function gave it: it is read here and goes nowhere.
    Given,
}

/// What a function answered whose reply nobody waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) status: u16,
    pub(crate) kind: Option<String>,
    /// The reply, if it was to be kept and is not too long.
    pub(crate) body: Option<Bytes>,
    /// The reply's length.
    pub(crate) bytes: u64,
    /// What the invocation is known to have seen.
    pub(crate) labels: Labels,
}

impl Flight {
    /// Runs the guest to its end, and waits until the record is on disk: a call leaves the queue
    /// only when it is known what became of it.
    ///
    /// # Errors
    /// How it failed. A record that cannot be written fails a strict function only.
    pub(crate) async fn unseen(mut self, keeps: Keeps) -> Result<Seen, Ending> {
        let Some(aboard) = &self.aboard else {
            return Err(Ending::new(Outcome::Platform, Code::Internal, "there is nothing to run"));
        };
        let (engine, strict) = (Arc::clone(&aboard.engine), aboard.function.strict());
        let broker = Arc::clone(&aboard.broker);
        self.kept = keeps == Keeps::Leaving;
        let keeps = keeps != Keeps::Nothing;
        let head = poll_fn(|cx| self.poll_head(cx)).await.map_err(|closed| closed.0)?;
        self.departed = true;
        let (mut body, mut bytes) = (BytesMut::new(), 0);
        while let Some(frame) = poll_fn(|cx| self.poll_frame(cx)).await {
            let Ok(data) = frame.map_err(|closed| closed.0)?.into_data() else { continue };
            bytes += data.len() as u64;
            if keeps && body.len() + data.len() <= KEPT_BYTES_MAX {
                body.extend_from_slice(&data);
            }
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
            (Outcome::Ok, _) => {
                let kind = head.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
                let kind = kind.filter(|kind| keeps && kind.len() <= KIND_BYTES_MAX);
                Ok(Seen {
                    status: head.status.as_u16(),
                    kind: kind.map(str::to_owned),
                    body: (keeps && body.len() as u64 == bytes).then(|| body.freeze()),
                    bytes,
                    labels: broker.labels(),
                })
            }
            _ => Err(ending),
        }
    }
}
