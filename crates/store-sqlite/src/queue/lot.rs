//! Messages that are given out together, in SQL.
//!
//! Of a key, one that is leased behind another one is held back all the same (`held_us`), so it
//! cannot be leased before that one came to its end, whatever becomes of the worker.
//!
//! Invariant: what waits and has a lot was never tried, releases apart.

use super::row::Found as Message;
use crate::Error;
use model::FunctionRef;
use ports::queue::Want;
use rusqlite::{Connection, OptionalExtension, Row, params};

/// A lot, as the row of its first message says it.
pub(super) struct Found {
    key: [u8; 16],
    most: u16,
    bytes: i64,
}

impl Found {
    /// Reads `lot, lot_most, lot_bytes`.
    pub(super) fn read(row: &Row<'_>, at: usize) -> Result<Option<Self>, Error> {
        let Some(key) = row.get(at)? else { return Ok(None) };
        Ok(Some(Self { key, most: row.get(at + 1)?, bytes: row.get(at + 2)? }))
    }
}

/// Leases what goes with a message, and gives all of it in the order in which it was accepted.
pub(super) fn gather(
    db: &Connection,
    want: &Want,
    (line, function): (i64, &FunctionRef),
    first: Message,
    lot: &Found,
) -> Result<Vec<Message>, Error> {
    let mut room = lot.bytes.saturating_sub(first.bytes);
    let mut members = vec![first];
    let most = usize::from(lot.most);
    while members.len() < most {
        let Some(next) = free(db, want, (line, function), lot, room)? else { break };
        lease(db, next.seq, want, false)?;
        room = room.saturating_sub(next.bytes);
        members.push(next);
    }
    // Each of a key may have one behind it, which may have one behind it.
    let mut at = 0;
    while let Some(before) = members.get(at).filter(|_| members.len() < most) {
        at += 1;
        let Some(key) = before.order else { continue };
        let found = behind(db, want, (line, function), (before.seq, key), lot, room)?;
        let Some(next) = found else { continue };
        lease(db, next.seq, want, true)?;
        room = room.saturating_sub(next.bytes);
        members.push(next);
    }
    members.sort_by_key(|member| member.seq);
    ripen(db, line, lot.key, lot.most)?;
    Ok(members)
}

const COLUMNS: &str = "seq, id, due_us, queued_us, attempts, fence, epoch, payload, key, bytes";

/// The next one that waits for no other of its key.
fn free(
    db: &Connection,
    want: &Want,
    (line, function): (i64, &FunctionRef),
    lot: &Found,
    room: i64,
) -> Result<Option<Message>, Error> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM message
         WHERE line = ?1 AND lot = ?2 AND state = 0 AND held_us IS NULL AND ripe_us <= ?3
         ORDER BY ripe_us, seq LIMIT 1"
    ))?;
    let found = statement
        .query_row(params![line, lot.key, want.now.0], |row| Ok(Message::read(row, function)))
        .optional()?
        .transpose()?;
    Ok(found.filter(|found| found.bytes <= room))
}

/// The one behind this one of its key, if it is of the lot.
fn behind(
    db: &Connection,
    want: &Want,
    (line, function): (i64, &FunctionRef),
    (seq, key): (i64, [u8; 16]),
    lot: &Found,
    room: i64,
) -> Result<Option<Message>, Error> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM message
         WHERE seq = (SELECT min(seq) FROM message WHERE line = ?1 AND key = ?2 AND state < 2
                      AND seq > ?3)
         AND lot = ?4 AND state = 0 AND ripe_us <= ?5"
    ))?;
    let found = statement
        .query_row(params![line, key, seq, lot.key, want.now.0], |row| {
            Ok(Message::read(row, function))
        })
        .optional()?
        .transpose()?;
    Ok(found.filter(|found| found.bytes <= room))
}

/// Leases one; one behind another of its key stays held back.
fn lease(db: &Connection, seq: i64, want: &Want, is_held: bool) -> Result<(), Error> {
    let sql = match is_held {
        true => {
            "UPDATE message SET state = 1, until_us = ?2, attempts = attempts + 1, fence = fence + 1
             WHERE seq = ?1"
        }
        false => {
            "UPDATE message SET state = 1, due_us = ?2, attempts = attempts + 1, fence = fence + 1
             WHERE seq = ?1"
        }
    };
    db.prepare_cached(sql)?.execute([seq, want.until.0])?;
    Ok(())
}

/// Has the first message of a lot be due by itself, if as many wait as are given out together.
pub(super) fn ripen(db: &Connection, line: i64, lot: [u8; 16], most: u16) -> Result<(), Error> {
    db.prepare_cached(
        "UPDATE message SET due_us = ripe_us WHERE due_us > ripe_us AND seq =
             (SELECT seq FROM message WHERE line = ?1 AND lot = ?2 AND state = 0
              AND held_us IS NULL ORDER BY ripe_us, seq LIMIT 1)
         AND (SELECT count(*) FROM (SELECT 1 FROM message WHERE line = ?1 AND lot = ?2
              AND state = 0 LIMIT ?3)) >= ?3",
    )?
    .execute(params![line, lot, most])?;
    Ok(())
}

/// Lets the next message of a key be leased, when the one before it came to its end; at the end of
/// its lease, if it was given out with that one.
pub(super) fn let_go(db: &Connection, line: i64, key: Option<[u8; 16]>) -> Result<(), Error> {
    let Some(key) = key else { return Ok(()) };
    let lot: Option<(Option<[u8; 16]>, Option<u16>)> = db
        .prepare_cached(
            "UPDATE message SET due_us = iif(state = 1, until_us, held_us), held_us = NULL,
                                until_us = NULL
             WHERE held_us IS NOT NULL AND seq =
                 (SELECT min(seq) FROM message WHERE line = ?1 AND key = ?2 AND state < 2)
             RETURNING lot, lot_most",
        )?
        .query_row(params![line, key], |row| row.try_into())
        .optional()?;
    match lot {
        Some((Some(lot), Some(most))) => ripen(db, line, lot, most),
        _ => Ok(()),
    }
}
