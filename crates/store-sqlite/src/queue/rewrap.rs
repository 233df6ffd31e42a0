//! Seals payloads anew with the newest epoch of the root key, some at a time.
//!
//! Invariant: a payload is replaced only by what says the same, for the same message: it never
//! changes while the message is there, so nothing is lost to who leases it meanwhile.

use super::{Queue, row};
use crate::Error;
use model::InvocationId;
use model::key::Epoch;
use ports::queue::Error as QueueError;
use row::Found;
use rusqlite::{Connection, params};

/// Messages of a step, at most.
const STEP_MESSAGES: usize = 64;
/// A step that has read as many bytes reads no further message.
const STEP_BYTES: usize = 4 << 20;

/// What a step did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resealed {
    /// Payloads that were sealed anew.
    pub moved: u64,
    /// Payloads that cannot be read back, and stay as they are.
    pub damaged: u64,
    /// Where the next step goes on; nothing at the end.
    pub next: Option<i64>,
}

impl Queue {
    /// Seals some of the payloads behind `after` anew; 0 is the beginning.
    ///
    /// # Errors
    /// [`QueueError`] if the file failed; what was done by steps before stays done.
    pub async fn rewrap(&self, after: i64) -> Result<Resealed, QueueError> {
        let to = self.inner.keys.epoch();
        let found = self.read(move |db| older(db, after, to)).await?;
        let (mut done, mut anew) = (Resealed::default(), Vec::with_capacity(found.len()));
        for (seq, found) in found {
            done.next = Some(seq);
            let (id, function, old) = (found.id, found.function.clone(), found.epoch);
            match self.unseal(found) {
                Ok(leased) => {
                    let sealer = self.sealer(to, &function.scope)?;
                    let mut bytes = leased.payload.to_vec();
                    let sealed = sealer.seal(&super::place(&function, id), &mut bytes, 0);
                    sealed.map_err(|error| QueueError::Failed(error.to_string()))?;
                    anew.push((seq, id, old, bytes));
                }
                Err((claim, error)) => {
                    tracing::error!(id = %claim.id, %error, "E0527: a queued call cannot be read back, and was not sealed anew");
                    done.damaged += 1;
                }
            }
        }
        if !anew.is_empty() {
            done.moved = self.change(move |db| put(db, to, &anew)).await?;
        }
        Ok(done)
    }
}

fn older(db: &Connection, after: i64, to: Epoch) -> Result<Vec<(i64, Found)>, Error> {
    let mut statement = db.prepare_cached(
        "SELECT m.seq, m.id, m.due_us, m.queued_us, m.attempts, m.fence, m.epoch, m.payload,
                m.key, m.bytes, l.tenant, l.environment, l.function
         FROM message m JOIN line l ON l.id = m.line
         WHERE m.seq > ?1 AND m.epoch < ?2 ORDER BY m.seq LIMIT ?3",
    )?;
    let mut rows = statement.query(params![after, to.0, row::signed(STEP_MESSAGES as u64)?])?;
    let (mut found, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let message = Found::read(row, &row::function(row, 10)?)?;
        bytes += message.sealed.len();
        found.push((row.get(0)?, message));
        if bytes >= STEP_BYTES {
            break;
        }
    }
    Ok(found)
}

/// A payload to write: where, of which message, the epoch that it has there, and the payload.
type Anew = (i64, InvocationId, u32, Vec<u8>);

/// A message that is gone, or whose payload was moved by somebody else, stays as it is.
fn put(db: &Connection, to: Epoch, anew: &[Anew]) -> Result<u64, Error> {
    let mut statement = db.prepare_cached(
        "UPDATE message SET epoch = ?4, payload = ?5 WHERE seq = ?1 AND id = ?2 AND epoch = ?3",
    )?;
    let mut moved = 0;
    for (seq, id, old, payload) in anew {
        moved += statement.execute(params![seq, id.as_bytes(), old, to.0, payload])? as u64;
    }
    Ok(moved)
}
