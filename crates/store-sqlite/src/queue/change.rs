//! The changes, in SQL. Each runs inside the writer's transaction.
//!
//! Invariant: a line's counts are those of its messages.

use super::lot;
use super::row::{self, DEAD, HELD, LEASED, WAITING};
use crate::Error;
use model::{FunctionRef, InvocationId, Scope, Timestamp};
use ports::queue::{Message, Purge, Quota};
use rusqlite::{Connection, OptionalExtension, params};

/// A payload as it is stored.
pub(super) struct Sealed {
    pub(super) epoch: u32,
    pub(super) bytes: Vec<u8>,
}

/// Why a message was not taken, other than that the file failed.
#[derive(Clone, Copy)]
pub(super) enum Refused {
    Quota { messages: u64, bytes: u64 },
    Exists,
}

pub(super) fn put(
    db: &Connection,
    message: &Message,
    sealed: &Sealed,
    quota: Quota,
) -> Result<Result<(), Refused>, Error> {
    let bytes = message.payload.len() as u64;
    let (line, messages, held) = line(db, &message.function)?;
    if messages >= quota.messages || held.saturating_add(bytes) > quota.bytes {
        return Ok(Err(Refused::Quota { messages, bytes: held }));
    }
    let scope = &message.function.scope;
    let is_held = match &message.order {
        Some(key) => db
            .prepare_cached("SELECT 1 FROM message WHERE line = ?1 AND key = ?2 AND state < 2")?
            .exists(params![line, key])?,
        None => false,
    };
    let alone = message.due.plus_us(message.lot.map_or(0, |lot| lot.window_us)).0;
    let lot = message.lot.as_ref();
    let added = db
        .prepare_cached(
            "INSERT INTO message (tenant, environment, line, id, state, due_us, queued_us, bytes,
                                  epoch, payload, key, held_us, lot, lot_most, lot_bytes, ripe_us)
             VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
             ON CONFLICT (id) DO NOTHING",
        )?
        .execute(params![
            scope.tenant.as_str(),
            scope.environment.as_str(),
            line,
            message.id.as_bytes(),
            if is_held { HELD } else { alone },
            message.queued.0,
            row::signed(bytes)?,
            sealed.epoch,
            sealed.bytes,
            message.order,
            is_held.then_some(alone),
            lot.map(|lot| lot.key),
            lot.map(|lot| lot.most),
            lot.map(|lot| row::signed(lot.bytes)).transpose()?,
            lot.map(|_| message.due.0),
        ])?;
    if added == 0 {
        return Ok(Err(Refused::Exists));
    }
    count(db, line, 1, 0, row::signed(bytes)?)?;
    if let Some(lot) = lot {
        lot::ripen(db, line, lot.key, lot.most)?;
    }
    Ok(Ok(()))
}

/// The line of a function, its messages and their bytes.
fn line(db: &Connection, function: &FunctionRef) -> Result<(i64, u64, u64), Error> {
    let (scope, name) = (&function.scope, function.name.as_str());
    let key = params![scope.tenant.as_str(), scope.environment.as_str(), name];
    let found = db
        .prepare_cached(
            "SELECT id, waiting + dead, bytes FROM line
             WHERE tenant = ?1 AND environment = ?2 AND function = ?3",
        )?
        .query_row(key, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    if let Some((id, messages, bytes)) = found {
        return Ok((id, row::unsigned(messages)?, row::unsigned(bytes)?));
    }
    db.prepare_cached("INSERT INTO line (tenant, environment, function) VALUES (?1, ?2, ?3)")?
        .execute(key)?;
    Ok((db.last_insert_rowid(), 0, 0))
}

pub(super) fn count(
    db: &Connection,
    line: i64,
    waiting: i64,
    dead: i64,
    bytes: i64,
) -> Result<(), Error> {
    db.prepare_cached(
        "UPDATE line SET waiting = waiting + ?2, dead = dead + ?3, bytes = bytes + ?4
         WHERE id = ?1",
    )?
    .execute([line, waiting, dead, bytes])?;
    Ok(())
}

pub(super) fn requeue(
    db: &Connection,
    scope: &Scope,
    id: InvocationId,
    due: Timestamp,
) -> Result<bool, Error> {
    let line: Option<i64> = db
        .prepare_cached(
            "UPDATE message SET state = 0, attempts = 0,
                 seq = iif(key IS NULL, seq, (SELECT max(seq) FROM message) + 1),
                 due_us = iif(EXISTS (SELECT 1 FROM message AS other WHERE other.line = message.line
                              AND other.key = message.key AND other.state < 2), ?5, ?4),
                 held_us = iif(EXISTS (SELECT 1 FROM message AS other WHERE other.line = message.line
                               AND other.key = message.key AND other.state < 2), ?4, NULL)
             WHERE tenant = ?1 AND environment = ?2 AND id = ?3 AND state = 2 RETURNING line",
        )?
        .query_row(
            params![scope.tenant.as_str(), scope.environment.as_str(), id.as_bytes(), due.0, HELD],
            |row| row.get(0),
        )
        .optional()?;
    match line {
        Some(line) => count(db, line, 1, -1, 0).map(|()| true),
        None => Ok(false),
    }
}

pub(super) fn purge(db: &Connection, scope: &Scope, which: &Purge) -> Result<u64, Error> {
    let (id, function) = match which {
        Purge::One(id) => (Some(id.as_bytes()), None),
        Purge::Function(name) => (None, Some(name.as_str())),
        Purge::All => (None, None),
    };
    let mut statement = db.prepare_cached(
        "DELETE FROM message WHERE state = 2 AND (?3 IS NULL OR id = ?3) AND line IN
             (SELECT id FROM line WHERE tenant = ?1 AND environment = ?2
              AND (?4 IS NULL OR function = ?4))
         RETURNING line, bytes",
    )?;
    let key = params![scope.tenant.as_str(), scope.environment.as_str(), id, function];
    let gone: Vec<(i64, i64)> =
        statement.query_map(key, |row| row.try_into())?.collect::<Result<_, _>>()?;
    for (line, bytes) in &gone {
        count(db, *line, 0, -1, -bytes)?;
    }
    Ok(gone.len() as u64)
}

const _: () = assert!(WAITING == 0 && LEASED == 1 && DEAD == 2, "the statements say them");
