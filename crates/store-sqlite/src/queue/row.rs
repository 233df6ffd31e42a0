//! Rows to types of the port.
//!
//! Invariant: what is read from the file is checked like what comes from outside.

use crate::Error;
use model::{FunctionName, FunctionRef, InvocationId, Scope, Timestamp};
use ports::queue::{Depth, ListQuery, State, Status};
use rusqlite::{Connection, OptionalExtension, Row, params};

pub(super) const WAITING: i64 = 0;
pub(super) const LEASED: i64 = 1;
pub(super) const DEAD: i64 = 2;
/// When what is held back is due: never. Its own time is in `held_us`.
pub(super) const HELD: i64 = i64::MAX;

/// A message that was leased, still sealed.
pub(super) struct Found {
    pub(super) id: InvocationId,
    pub(super) function: FunctionRef,
    pub(super) queued: Timestamp,
    pub(super) attempt: u32,
    pub(super) fence: u64,
    pub(super) epoch: u32,
    pub(super) sealed: Vec<u8>,
    pub(super) seq: i64,
    pub(super) order: Option<[u8; 16]>,
    /// Of the plain payload.
    pub(super) bytes: i64,
}

impl Found {
    /// Reads `seq, id, due_us, queued_us, attempts, fence, epoch, payload, key, bytes`, as they are
    /// after the lease.
    pub(super) fn read(row: &Row<'_>, function: &FunctionRef) -> Result<Self, Error> {
        Ok(Self {
            id: id(row, 1)?,
            function: function.clone(),
            queued: Timestamp(row.get(3)?),
            attempt: row.get::<_, u32>(4)?.saturating_add(1),
            fence: unsigned(row.get(5)?)?.saturating_add(1),
            epoch: row.get(6)?,
            sealed: row.get(7)?,
            seq: row.get(0)?,
            order: row.get(8)?,
            bytes: row.get(9)?,
        })
    }
}

fn damaged(error: impl std::fmt::Display) -> Error {
    Error::corrupt("queue.db", error)
}

fn id(row: &Row<'_>, at: usize) -> Result<InvocationId, Error> {
    Ok(InvocationId::from_bytes(row.get(at)?))
}

/// Reads tenant, environment and function from three columns.
pub(super) fn function(row: &Row<'_>, at: usize) -> Result<FunctionRef, Error> {
    let text = |at: usize| row.get::<_, String>(at);
    Ok(FunctionRef {
        scope: Scope {
            tenant: text(at)?.parse().map_err(damaged)?,
            environment: text(at + 1)?.parse().map_err(damaged)?,
        },
        name: text(at + 2)?.parse::<FunctionName>().map_err(damaged)?,
    })
}

const STATUS: &str = "SELECT l.tenant, l.environment, l.function, m.id, m.state, m.attempts,
    m.queued_us, coalesce(m.until_us, m.held_us, m.due_us), m.bytes, m.error FROM message m JOIN line l ON l.id = m.line";

fn status(row: &Row<'_>) -> Result<Status, Error> {
    let state = match row.get(4)? {
        WAITING => State::Waiting,
        LEASED => State::Leased,
        DEAD => State::Dead,
        other => return Err(damaged(format!("a message has the state {other}"))),
    };
    Ok(Status {
        id: id(row, 3)?,
        function: function(row, 0)?,
        state,
        attempts: row.get(5)?,
        queued: Timestamp(row.get(6)?),
        due: Timestamp(row.get(7)?),
        bytes: unsigned(row.get(8)?)?,
        error: row.get(9)?,
    })
}

pub(super) fn find(
    db: &Connection,
    scope: &Scope,
    id: InvocationId,
) -> Result<Option<Status>, Error> {
    let sql = format!("{STATUS} WHERE m.id = ?1 AND m.tenant = ?2 AND m.environment = ?3");
    let key = params![id.as_bytes(), scope.tenant.as_str(), scope.environment.as_str()];
    let mut statement = db.prepare_cached(&sql)?;
    let found = statement.query_row(key, |row| Ok(status(row))).optional()?;
    found.transpose()
}

/// A message with its payload, as it would be leased.
pub(super) fn sealed(
    db: &Connection,
    scope: &Scope,
    id: InvocationId,
) -> Result<Option<Found>, Error> {
    let mut statement = db.prepare_cached(
        "SELECT m.seq, m.id, m.due_us, m.queued_us, m.attempts, m.fence, m.epoch, m.payload,
                m.key, m.bytes, l.tenant, l.environment, l.function
         FROM message m JOIN line l ON l.id = m.line
         WHERE m.id = ?1 AND m.tenant = ?2 AND m.environment = ?3",
    )?;
    let key = params![id.as_bytes(), scope.tenant.as_str(), scope.environment.as_str()];
    let found = statement
        .query_row(
            key,
            |row| Ok(function(row, 10).and_then(|function| Found::read(row, &function))),
        )
        .optional()?;
    found.transpose()
}

pub(super) fn list(db: &Connection, query: &ListQuery) -> Result<Vec<Status>, Error> {
    // By the key, so that a page costs no more than what it skips; dead letters by their index.
    let dead = if query.dead { "m.state = 2 AND" } else { "" };
    let sql = format!(
        "{STATUS} WHERE {dead} m.tenant = ?1 AND m.environment = ?2 AND m.id > ?3
         AND (?4 IS NULL OR l.function = ?4) ORDER BY m.id LIMIT ?5"
    );
    let after = query.after.map_or([0; 16], |id| *id.as_bytes());
    let limit = signed(query.limit as u64)?;
    let name = query.function.as_ref().map(FunctionName::as_str);
    let (tenant, environment) = (query.scope.tenant.as_str(), query.scope.environment.as_str());
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query(params![tenant, environment, after, name, limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(status(row)?);
    }
    Ok(found)
}

pub(super) fn depth(db: &Connection, scope: &Scope) -> Result<Vec<Depth>, Error> {
    let mut statement = db.prepare_cached(
        "SELECT tenant, environment, function, waiting, dead, bytes,
                (SELECT min(queued_us) FROM message WHERE line = line.id AND state < 2)
         FROM line WHERE tenant = ?1 AND environment = ?2 AND waiting + dead > 0
         ORDER BY function",
    )?;
    let mut rows = statement.query([scope.tenant.as_str(), scope.environment.as_str()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(Depth {
            function: function(row, 0)?,
            waiting: unsigned(row.get(3)?)?,
            dead: unsigned(row.get(4)?)?,
            bytes: unsigned(row.get(5)?)?,
            oldest: row.get::<_, Option<i64>>(6)?.map(Timestamp),
        });
    }
    Ok(found)
}

/// A number for a column: SQLite's are signed.
pub(super) fn signed(number: u64) -> Result<i64, Error> {
    i64::try_from(number).map_err(damaged)
}

/// A number from a column.
pub(super) fn unsigned(number: i64) -> Result<u64, Error> {
    u64::try_from(number).map_err(damaged)
}
