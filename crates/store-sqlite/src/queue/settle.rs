//! The ends of leases, in SQL. They run inside the writer's transaction.

use super::change::{Refused, Sealed, count, put};
use super::lot::let_go;
use super::row;
use crate::Error;
use model::Timestamp;
use ports::queue::{Claim, End, Quota, Settled, cut};
use rusqlite::{Connection, OptionalExtension, params};

pub(super) fn settle(db: &Connection, claim: Claim, how: &Settled) -> Result<bool, Error> {
    let held = db
        .prepare_cached(
            "SELECT seq, line, bytes, key FROM message WHERE id = ?1 AND state = 1 AND fence = ?2",
        )?
        .query_row(params![claim.id.as_bytes(), row::signed(claim.fence)?], |row| row.try_into())
        .optional()?;
    let Some((seq, line, bytes, key)): Option<(i64, i64, i64, Option<[u8; 16]>)> = held else {
        return Ok(false);
    };
    match how {
        Settled::Done => {
            db.prepare_cached("DELETE FROM message WHERE seq = ?1")?.execute([seq])?;
            count(db, line, -1, 0, -bytes)?;
        }
        Settled::Retry { due, error } => {
            retry(db, seq, *due, &cut(error.clone()))?;
        }
        Settled::Release { due } => release(db, seq, *due)?,
        Settled::Dead { error } => {
            db.prepare_cached(
                "UPDATE message SET state = 2, error = ?2, lot = NULL, held_us = NULL,
                                    due_us = coalesce(until_us, held_us, due_us), until_us = NULL
                 WHERE seq = ?1",
            )?
            .execute(params![seq, cut(error.clone())])?;
            count(db, line, -1, 1, 0)?;
        }
    }
    if matches!(how, Settled::Done | Settled::Dead { .. }) {
        let_go(db, line, key)?;
    }
    Ok(true)
}

/// What was behind another one of its key is so still.
fn retry(db: &Connection, seq: i64, due: Timestamp, error: &str) -> Result<(), Error> {
    db.prepare_cached(
        "UPDATE message SET state = 0, due_us = iif(held_us IS NULL, ?2, due_us),
                            held_us = iif(held_us IS NULL, NULL, ?2), until_us = NULL,
                            lot = NULL, error = ?3 WHERE seq = ?1",
    )?
    .execute(params![seq, due.0, error])?;
    Ok(())
}

fn release(db: &Connection, seq: i64, due: Timestamp) -> Result<(), Error> {
    db.prepare_cached(
        "UPDATE message SET state = 0, due_us = iif(held_us IS NULL, ?2, due_us),
                            held_us = iif(held_us IS NULL, NULL, ?2), until_us = NULL,
                            ripe_us = ?2, attempts = max(0, attempts - 1) WHERE seq = ?1",
    )?
    .execute(params![seq, due.0])?;
    Ok(())
}

/// Ends leases and puts what comes of them; `sealed` has the payloads in the order of the messages.
pub(super) fn settle_all(
    db: &Connection,
    ends: &[End],
    sealed: &[Vec<Sealed>],
    quota: Quota,
) -> Result<Result<Vec<bool>, Refused>, Error> {
    if let [End { claim, how, then }] = ends
        && then.is_empty()
    {
        return settle(db, *claim, how).map(|done| Ok(vec![done]));
    }
    // Others share the transaction.
    db.prepare_cached("SAVEPOINT settling")?.execute([])?;
    let done = settle_and_put(db, ends, sealed, quota)?;
    if done.is_err() {
        db.prepare_cached("ROLLBACK TO settling")?.execute([])?;
    }
    db.prepare_cached("RELEASE settling")?.execute([])?;
    Ok(done)
}

fn settle_and_put(
    db: &Connection,
    ends: &[End],
    sealed: &[Vec<Sealed>],
    quota: Quota,
) -> Result<Result<Vec<bool>, Refused>, Error> {
    let mut ended = Vec::with_capacity(ends.len());
    for (End { claim, how, then }, sealed) in ends.iter().zip(sealed) {
        // First, so that the room of what is done is free for what comes of it.
        let settled = settle(db, *claim, how)?;
        for (message, sealed) in then.iter().zip(sealed).filter(|_| settled) {
            if let Err(refused) = put(db, message, sealed, quota)? {
                return Ok(Err(refused));
            }
        }
        ended.push(settled);
    }
    Ok(Ok(ended))
}
