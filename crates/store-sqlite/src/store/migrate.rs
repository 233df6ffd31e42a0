//! Brings a file of the home up to date: numbered steps, forward only.
//!
//! A released step never changes; a change of schema is a new file in `migrations/`.
//!
//! Invariant: all steps that are due run in one transaction, so a failing step leaves the file as
//! it was; and an existing file is copied before the first of them.

use super::copy::copy;
use crate::Error;
use rusqlite::{Connection, TransactionBehavior};
use std::path::Path;

/// One step: the SQL that makes the schema with the next number.
pub(crate) type Step = &'static str;

/// The steps. The first makes schema 1.
pub(super) const STEPS: &[Step] = &[
    include_str!("../../migrations/0001_registry.sql"),
    include_str!("../../migrations/0002_secrets.sql"),
    include_str!("../../migrations/0003_keys.sql"),
    include_str!("../../migrations/0004_beside.sql"),
];

/// A sort of SQLite file that we make.
#[derive(Clone, Copy)]
pub(crate) struct Form<'a> {
    /// What people call it.
    pub(crate) name: &'static str,
    /// What copies of it are called that are made before a migration.
    pub(crate) backup: &'a str,
    /// Marks such files, in SQLite's header.
    pub(crate) application_id: i32,
    /// What leads to the newest schema. The first makes schema 1.
    pub(crate) steps: &'a [Step],
}

fn newest(steps: &[Step]) -> u32 {
    u32::try_from(steps.len()).unwrap_or(u32::MAX)
}

/// Refuses a schema that these steps do not lead to.
pub(super) fn refuse_newer(file: &Path, found: u32, form: &Form<'_>) -> Result<(), Error> {
    let known = newest(form.steps);
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
    form: &Form<'_>,
) -> Result<(), Error> {
    let done = usize::try_from(from).unwrap_or(usize::MAX);
    let due = form.steps.get(done..).unwrap_or_default();
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
        back_up(connection, backups, from, form).map_err(failed(from + 1))?;
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for (step, to) in due.iter().zip(from + 1..) {
        transaction.execute_batch(step).map_err(|error| failed(to)(error.into()))?;
    }
    transaction.pragma_update(None, "application_id", form.application_id)?;
    transaction.pragma_update(None, "user_version", newest(form.steps))?;
    transaction.commit()?;
    Ok(())
}

fn back_up(
    connection: &Connection,
    backups: &Path,
    from: u32,
    form: &Form<'_>,
) -> Result<(), Error> {
    // The name is for people and is read by no program, so SQLite's clock will do here.
    let time: String =
        connection.query_row("SELECT strftime('%Y%m%dT%H%M%SZ', 'now')", [], |row| row.get(0))?;
    std::fs::create_dir_all(backups).map_err(|error| Error::io(backups, error))?;
    let mut name = format!("{}-v{from}-{time}.db", form.backup);
    for again in 2.. {
        if !backups.join(&name).exists() {
            break;
        }
        name = format!("{}-v{from}-{time}-{again}.db", form.backup);
    }
    copy(connection, &backups.join(name))
}
