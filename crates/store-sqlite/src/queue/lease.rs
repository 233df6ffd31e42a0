//! Leases, in SQL. They run inside the writer's transaction.

use super::lot;
use super::row::{self, Found, HELD};
use crate::Error;
use model::{FunctionRef, Timestamp};
use ports::queue::{Claim, Want};
use rusqlite::{Connection, params};
use std::collections::BTreeSet;

/// What was leased, and when the next is due.
#[derive(Default)]
pub(super) struct Taken {
    /// Messages, and those that are given out together.
    pub(super) items: Vec<Vec<Found>>,
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
        "SELECT seq, id, due_us, queued_us, attempts, fence, epoch, payload, key, bytes, state,
                lot, lot_most, lot_bytes
         FROM message WHERE line = ?1 AND state < 2 ORDER BY due_us LIMIT ?2",
    )?;
    let mut rows = statement.query(params![line, row::signed(room as u64 + 1)?])?;
    let mut given = 0;
    let mut along = BTreeSet::new();
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
        let first = Found::read(found, function)?;
        if along.contains(&first.seq) {
            continue;
        }
        // One whose lease ran out was tried: it goes alone from now on.
        let lot = if found.get::<_, i64>(10)? == 0 { lot::Found::read(found, 11)? } else { None };
        mark(db, first.seq, want.until)?;
        let together = match lot {
            Some(lot) => {
                let all = lot::gather(db, want, (line, function), first, &lot)?;
                along.extend(all.iter().map(|found| found.seq));
                all
            }
            None => vec![first],
        };
        taken.items.push(together);
        given += 1;
        taken.last = line;
    }
    if !along.is_empty() {
        let own = next(db, line)?.map(|due| due.max(want.now));
        taken.next = taken.next.into_iter().chain(own).min();
    }
    Ok(())
}

/// When the next of a line is due. Leases may have changed that behind where they were looked for.
fn next(db: &Connection, line: i64) -> Result<Option<Timestamp>, Error> {
    let due: Option<i64> = db
        .prepare_cached("SELECT min(due_us) FROM message WHERE line = ?1 AND state < 2")?
        .query_row([line], |row| row.get(0))?;
    Ok(due.filter(|due| *due != HELD).map(Timestamp))
}

/// Leases one that is due by itself.
fn mark(db: &Connection, seq: i64, until: Timestamp) -> Result<(), Error> {
    db.prepare_cached(
        "UPDATE message SET lot = iif(state = 1, NULL, lot), state = 1, due_us = ?2,
                            attempts = attempts + 1, fence = fence + 1 WHERE seq = ?1",
    )?
    .execute([seq, until.0])?;
    Ok(())
}

pub(super) fn extend(db: &Connection, claim: Claim, until: Timestamp) -> Result<bool, Error> {
    let changed = db
        .prepare_cached(
            "UPDATE message SET due_us = iif(held_us IS NULL, ?3, due_us),
                                until_us = iif(held_us IS NULL, NULL, ?3)
             WHERE id = ?1 AND state = 1 AND fence = ?2",
        )?
        .execute(params![claim.id.as_bytes(), row::signed(claim.fence)?, until.0])?;
    Ok(changed > 0)
}
