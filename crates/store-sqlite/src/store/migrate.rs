//! Brings `registry.db` up to date: numbered steps, forward only.
//!
//! A released step never changes; a change of schema is a new file in `migrations/`.
//!
//! Invariant: all steps that are due run in one transaction, so a failing step leaves the file as
//! it was; and an existing file is copied before the first of them.

use super::connect::APPLICATION_ID;
use super::copy::copy;
use crate::Error;
use rusqlite::{Connection, TransactionBehavior};
use std::path::Path;

/// One step: the SQL that makes the schema with the next number.
pub(super) type Step = &'static str;

/// The steps. The first makes schema 1.
pub(super) const STEPS: &[Step] = &[include_str!("../../migrations/0001_registry.sql")];

fn newest(steps: &[Step]) -> u32 {
    u32::try_from(steps.len()).unwrap_or(u32::MAX)
}

/// Refuses a schema that these steps do not lead to.
pub(super) fn refuse_newer(file: &Path, found: u32, steps: &[Step]) -> Result<(), Error> {
    let known = newest(steps);
    if found > known {
        return Err(Error::SchemaNewer { file: file.to_owned(), found, known });
    }
    Ok(())
}

/// Runs the steps from schema `from` on.
pub(super) fn migrate(
    connection: &mut Connection,
    file: &Path,
    backups: &Path,
    from: u32,
    steps: &[Step],
) -> Result<(), Error> {
    let done = usize::try_from(from).unwrap_or(usize::MAX);
    let due = steps.get(done..).unwrap_or_default();
    if due.is_empty() {
        return Ok(());
    }
    let failed = |to: u32| {
        let file = file.to_owned();
        move |source: Error| match source {
            Error::Full => Error::Full,
            other => Error::Migration { file, from, to, source: Box::new(other) },
        }
    };
    if from > 0 {
        back_up(connection, backups, from).map_err(failed(from + 1))?;
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for (step, to) in due.iter().zip(from + 1..) {
        transaction.execute_batch(step).map_err(|error| failed(to)(error.into()))?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", newest(steps))?;
    transaction.commit()?;
    Ok(())
}

fn back_up(connection: &Connection, backups: &Path, from: u32) -> Result<(), Error> {
    // The name is for people and is read by no program, so SQLite's clock will do here.
    let time: String =
        connection.query_row("SELECT strftime('%Y%m%dT%H%M%SZ', 'now')", [], |row| row.get(0))?;
    std::fs::create_dir_all(backups).map_err(|error| Error::io(backups, error))?;
    let mut name = format!("registry-v{from}-{time}.db");
    for again in 2.. {
        if !backups.join(&name).exists() {
            break;
        }
        name = format!("registry-v{from}-{time}-{again}.db");
    }
    copy(connection, &backups.join(name))
}
