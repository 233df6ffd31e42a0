//! How far schedules were followed, in SQL. Each change runs inside the writer's transaction.

use super::change::{Refused, Sealed, put};
use crate::Error;
use model::{InvocationId, Scope, Timestamp};
use ports::queue::{Mark, Marking, Quota, Tick, TriggerRef};
use rusqlite::{Connection, Row, params};

pub(super) fn all(db: &Connection) -> Result<Vec<Mark>, Error> {
    let mut statement = db.prepare_cached(
        "SELECT tenant, environment, name, rhythm, until_us, paused, last_us, last_id FROM mark",
    )?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

fn read(row: &Row<'_>) -> Result<Mark, Error> {
    let damaged = |error: model::name::Error| Error::corrupt("queue.db", error);
    let text = |at: usize| row.get::<_, String>(at);
    let scope = Scope {
        tenant: text(0)?.parse().map_err(damaged)?,
        environment: text(1)?.parse().map_err(damaged)?,
    };
    let last: Option<(i64, [u8; 16])> = row.get::<_, Option<i64>>(6)?.zip(row.get(7)?);
    Ok(Mark {
        trigger: TriggerRef { scope, name: text(2)?.parse().map_err(damaged)? },
        rhythm: row.get::<_, i64>(3)?.cast_unsigned(),
        until: Timestamp(row.get(4)?),
        paused: row.get(5)?,
        last: last.map(|(planned, id)| (Timestamp(planned), InvocationId::from_bytes(id))),
    })
}

pub(super) fn change(db: &Connection, trigger: &TriggerRef, how: &Marking) -> Result<bool, Error> {
    let tenant = trigger.scope.tenant.as_str();
    let environment = trigger.scope.environment.as_str();
    let name = trigger.name.as_str();
    let changed = match how {
        Marking::Begin { rhythm, until } => {
            db.prepare_cached(
                "INSERT INTO mark (tenant, environment, name, rhythm, until_us)
                 VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET rhythm = ?4, until_us = ?5 WHERE rhythm <> ?4",
            )?
            .execute(params![
                tenant,
                environment,
                name,
                rhythm.cast_signed(),
                until.0
            ])?;
            1
        }
        Marking::Pause => db
            .prepare_cached(
                "UPDATE mark SET paused = 1 WHERE tenant = ?1 AND environment = ?2 AND name = ?3",
            )?
            .execute([tenant, environment, name])?,
        Marking::Resume { until } => db
            .prepare_cached(
                "UPDATE mark SET paused = 0, until_us = ?4
                 WHERE tenant = ?1 AND environment = ?2 AND name = ?3",
            )?
            .execute(params![tenant, environment, name, until.0])?,
        Marking::Forget => db
            .prepare_cached(
                "DELETE FROM mark WHERE tenant = ?1 AND environment = ?2 AND name = ?3",
            )?
            .execute([tenant, environment, name])?,
    };
    Ok(changed > 0)
}

/// Marks a time and puts its message; messages and bytes that are there, if there is no room.
pub(super) fn tick(
    db: &Connection,
    tick: &Tick,
    sealed: Option<&Sealed>,
    quota: Quota,
) -> Result<Result<bool, (u64, u64)>, Error> {
    let Tick { trigger, rhythm, planned, message } = tick;
    let key = params![
        trigger.scope.tenant.as_str(),
        trigger.scope.environment.as_str(),
        trigger.name.as_str(),
        rhythm.cast_signed(),
        planned.0
    ];
    let due = db
        .prepare_cached(
            "SELECT 1 FROM mark WHERE tenant = ?1 AND environment = ?2 AND name = ?3
             AND rhythm = ?4 AND until_us < ?5 AND paused = 0",
        )?
        .exists(key)?;
    if !due {
        return Ok(Ok(false));
    }
    if let (Some(message), Some(sealed)) = (message, sealed) {
        match put(db, message, sealed, quota)? {
            Ok(()) | Err(Refused::Exists) => {}
            Err(Refused::Quota { messages, bytes }) => return Ok(Err((messages, bytes))),
        }
    }
    let id = message.as_ref().map(|message| message.id);
    db.prepare_cached(
        "UPDATE mark SET until_us = ?4, last_us = iif(?5 IS NULL, last_us, ?4),
                         last_id = coalesce(?5, last_id)
         WHERE tenant = ?1 AND environment = ?2 AND name = ?3",
    )?
    .execute(params![
        trigger.scope.tenant.as_str(),
        trigger.scope.environment.as_str(),
        trigger.name.as_str(),
        planned.0,
        id.as_ref().map(InvocationId::as_bytes)
    ])?;
    Ok(Ok(true))
}
