//! The changes, in SQL. Each runs inside the writer's transaction.
//!
//! Invariant: a line's counts are those of its messages.

use super::row::{self, DEAD, Found, HELD, LEASED, WAITING};
use crate::Error;
use model::{FunctionRef, InvocationId, Scope, Timestamp};
use ports::queue::{Claim, Message, Purge, Quota, Settled, Want, cut};
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
    let due = if is_held { HELD } else { message.due.0 };
    let added = db
        .prepare_cached(
            "INSERT INTO message (tenant, environment, line, id, state, due_us, queued_us, bytes,
                                  epoch, payload, key, held_us)
             VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
             ON CONFLICT (id) DO NOTHING",
        )?
        .execute(params![
            scope.tenant.as_str(),
            scope.environment.as_str(),
            line,
            message.id.as_bytes(),
            due,
            message.queued.0,
            row::signed(bytes)?,
            sealed.epoch,
            sealed.bytes,
            message.order,
            is_held.then_some(message.due.0),
        ])?;
    if added == 0 {
        return Ok(Err(Refused::Exists));
    }
    count(db, line, 1, 0, row::signed(bytes)?)?;
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

fn count(db: &Connection, line: i64, waiting: i64, dead: i64, bytes: i64) -> Result<(), Error> {
    db.prepare_cached(
        "UPDATE line SET waiting = waiting + ?2, dead = dead + ?3, bytes = bytes + ?4
         WHERE id = ?1",
    )?
    .execute([line, waiting, dead, bytes])?;
    Ok(())
}

/// What was leased, and when the next is due.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) items: Vec<Found>,
    pub(super) next: Option<Timestamp>,
    /// The line that was served last; the next lease begins behind it.
    pub(super) last: i64,
}

/// Goes through the lines from behind `after` and round, first for a fair share of each, then for
/// what is left.
pub(super) fn lease(db: &Connection, want: &Want, after: i64) -> Result<Taken, Error> {
    let mut lines = lines(db, want)?;
    let turn = lines.partition_point(|(id, _)| *id <= after);
    lines.rotate_left(turn);
    let mut taken = Taken { last: after, ..Taken::default() };
    let share = want.most.checked_div(lines.len()).unwrap_or(0).max(1);
    for most in [share, want.most] {
        for (line, function) in &lines {
            let room = want.most.saturating_sub(taken.items.len()).min(most);
            lease_line(db, want, (*line, function), room, &mut taken)?;
        }
    }
    Ok(taken)
}

fn lines(db: &Connection, want: &Want) -> Result<Vec<(i64, FunctionRef)>, Error> {
    let mut statement = db.prepare_cached(
        "SELECT id, tenant, environment, function FROM line WHERE waiting > 0 ORDER BY id",
    )?;
    let mut rows = statement.query([])?;
    let mut lines = Vec::new();
    while let Some(found) = rows.next()? {
        let function = row::function(found, 1)?;
        if !want.skip.contains(&function) {
            lines.push((found.get(0)?, function));
        }
    }
    Ok(lines)
}

fn lease_line(
    db: &Connection,
    want: &Want,
    (line, function): (i64, &FunctionRef),
    room: usize,
    taken: &mut Taken,
) -> Result<(), Error> {
    // One more than there is room for, to know when to come again.
    let mut statement = db.prepare_cached(
        "SELECT seq, id, due_us, queued_us, attempts, fence, epoch, payload FROM message
         WHERE line = ?1 AND state < 2 ORDER BY due_us LIMIT ?2",
    )?;
    let mut rows = statement.query(params![line, row::signed(room as u64 + 1)?])?;
    let mut given = 0;
    while let Some(found) = rows.next()? {
        let due = Timestamp(found.get(2)?);
        if due.0 == HELD {
            // It is let go when another one comes to its end.
            break;
        }
        if due > want.now || given == room {
            let next = due.max(want.now);
            taken.next = Some(taken.next.map_or(next, |known| known.min(next)));
            break;
        }
        let seq: i64 = found.get(0)?;
        taken.items.push(Found::read(found, function)?);
        db.prepare_cached(
            "UPDATE message SET state = 1, due_us = ?2, attempts = attempts + 1,
                                fence = fence + 1 WHERE seq = ?1",
        )?
        .execute([seq, want.until.0])?;
        given += 1;
        taken.last = line;
    }
    Ok(())
}

pub(super) fn extend(db: &Connection, claim: Claim, until: Timestamp) -> Result<bool, Error> {
    let changed = db
        .prepare_cached(
            "UPDATE message SET due_us = ?3 WHERE id = ?1 AND state = 1 AND fence = ?2",
        )?
        .execute(params![claim.id.as_bytes(), row::signed(claim.fence)?, until.0])?;
    Ok(changed > 0)
}

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
    let back = |due: Timestamp, less: i64, error: Option<String>| -> Result<(), Error> {
        db.prepare_cached(
            "UPDATE message SET state = 0, due_us = ?2, attempts = max(0, attempts - ?3),
                                error = coalesce(?4, error) WHERE seq = ?1",
        )?
        .execute(params![seq, due.0, less, error])?;
        Ok(())
    };
    match how {
        Settled::Done => {
            db.prepare_cached("DELETE FROM message WHERE seq = ?1")?.execute([seq])?;
            count(db, line, -1, 0, -bytes)?;
            let_go(db, line, key)?;
        }
        Settled::Retry { due, error } => back(*due, 0, Some(cut(error.clone())))?,
        Settled::Release { due } => back(*due, 1, None)?,
        Settled::Dead { error } => {
            db.prepare_cached("UPDATE message SET state = 2, error = ?2 WHERE seq = ?1")?
                .execute(params![seq, cut(error.clone())])?;
            count(db, line, -1, 1, 0)?;
            let_go(db, line, key)?;
        }
    }
    Ok(true)
}

/// Lets the next message of a key be leased, when the one before it came to its end.
fn let_go(db: &Connection, line: i64, key: Option<[u8; 16]>) -> Result<(), Error> {
    let Some(key) = key else { return Ok(()) };
    db.prepare_cached(
        "UPDATE message SET due_us = held_us, held_us = NULL WHERE held_us IS NOT NULL AND seq =
             (SELECT min(seq) FROM message WHERE line = ?1 AND key = ?2 AND state < 2)",
    )?
    .execute(params![line, key])?;
    Ok(())
}

/// Ends a lease and puts what comes of it; `sealed` has the payloads in the order of the messages.
pub(super) fn settle_with(
    db: &Connection,
    claim: Claim,
    how: &Settled,
    (then, sealed): (&[Message], &[Sealed]),
    quota: Quota,
) -> Result<Result<bool, Refused>, Error> {
    if then.is_empty() {
        return settle(db, claim, how).map(Ok);
    }
    // Others share the transaction.
    db.prepare_cached("SAVEPOINT settling")?.execute([])?;
    let done = settle_and_put(db, claim, how, (then, sealed), quota)?;
    if done.is_err() {
        db.prepare_cached("ROLLBACK TO settling")?.execute([])?;
    }
    db.prepare_cached("RELEASE settling")?.execute([])?;
    Ok(done)
}

fn settle_and_put(
    db: &Connection,
    claim: Claim,
    how: &Settled,
    (then, sealed): (&[Message], &[Sealed]),
    quota: Quota,
) -> Result<Result<bool, Refused>, Error> {
    // First, so that the room of what is done is free for what comes of it.
    if !settle(db, claim, how)? {
        return Ok(Ok(false));
    }
    for (message, sealed) in then.iter().zip(sealed) {
        if let Err(refused) = put(db, message, sealed, quota)? {
            return Ok(Err(refused));
        }
    }
    Ok(Ok(true))
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
