//! Events that were published, in SQL. It runs inside the writer's transaction.

use super::change::{Refused, Sealed, put};
use super::row;
use crate::Error;
use ports::queue::{Publication, Quota, SEEN_MAX};
use rusqlite::{Connection, OptionalExtension, params};

/// Forgotten at a time, so that no publication pays for a whole backlog of them.
const FORGOTTEN_AT_ONCE: i64 = 256;

/// Marks events as seen and puts their messages; says which were new. Messages and bytes that are
/// there, if there is no room for one of them: nothing is changed then. `sealed` has the payloads of
/// all messages in their order.
pub(super) fn publish(
    db: &Connection,
    publication: &Publication,
    sealed: &[Sealed],
    quota: Quota,
) -> Result<Result<Vec<bool>, Refused>, Error> {
    // Others share the transaction.
    db.prepare_cached("SAVEPOINT publication")?.execute([])?;
    let done = post(db, publication, sealed, quota)?;
    if done.is_err() {
        db.prepare_cached("ROLLBACK TO publication")?.execute([])?;
    }
    db.prepare_cached("RELEASE publication")?.execute([])?;
    Ok(done)
}

fn post(
    db: &Connection,
    publication: &Publication,
    sealed: &[Sealed],
    quota: Quota,
) -> Result<Result<Vec<bool>, Refused>, Error> {
    let Publication { scope, posts, now, until } = publication;
    let (tenant, environment) = (scope.tenant.as_str(), scope.environment.as_str());
    forget(db, now.0)?;
    let last: Option<i64> = db
        .prepare_cached("SELECT max(seq) FROM seen WHERE tenant = ?1 AND environment = ?2")?
        .query_row([tenant, environment], |row| row.get(0))
        .optional()?
        .flatten();
    let mut last = last.unwrap_or(0);
    let mut sealed = sealed.iter();
    let mut new = Vec::with_capacity(posts.len());
    for one in posts {
        // One whose time is over and that was not forgotten yet is as new.
        let added = db
            .prepare_cached(
                "INSERT INTO seen (tenant, environment, mark, seq, until_us)
                 VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (tenant, environment, mark) DO UPDATE SET seq = ?4, until_us = ?5
                 WHERE until_us <= ?6",
            )?
            .execute(params![tenant, environment, one.mark, last + 1, until.0, now.0])?;
        new.push(added > 0);
        last += i64::from(added > 0);
        for message in &one.messages {
            let Some(sealed) = sealed.next().filter(|_| added > 0) else { continue };
            if let Err(refused) = put(db, message, sealed, quota)? {
                return Ok(Err(refused));
            }
        }
    }
    db.prepare_cached("DELETE FROM seen WHERE tenant = ?1 AND environment = ?2 AND seq <= ?3")?
        .execute(params![tenant, environment, last - row::signed(SEEN_MAX)?])?;
    Ok(Ok(new))
}

fn forget(db: &Connection, now_us: i64) -> Result<(), Error> {
    db.prepare_cached(
        "DELETE FROM seen WHERE (tenant, environment, mark) IN
         (SELECT tenant, environment, mark FROM seen WHERE until_us <= ?1 LIMIT ?2)",
    )?
    .execute([now_us, FORGOTTEN_AT_ONCE])?;
    Ok(())
}
