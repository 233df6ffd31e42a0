//! Opens connections to the SQLite files of a home with the settings that durability rests on.
//!
//! Invariant: a file that is not ours, or is newer than we are, is left untouched.

use super::migrate::{self, Form, Step};
use crate::Error;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

/// Marks a file as a registry of Casemate: `CSMT` in ASCII.
pub(super) const APPLICATION_ID: i32 = 0x4353_4d54;

/// How long a connection waits for another one's lock: `sqlite3` of a curious operator, at most.
const BUSY: Duration = Duration::from_secs(5);
/// Prepared statements that a connection keeps.
const STATEMENTS: usize = 64;

/// The registry, by these steps.
pub(super) const fn registry(steps: &[Step]) -> Form<'_> {
    Form { name: "registry", backup: "registry", application_id: APPLICATION_ID, steps }
}

pub(crate) fn writer(file: &Path, backups: &Path, form: &Form<'_>) -> Result<Connection, Error> {
    create(file)?;
    let mut connection = Connection::open_with_flags(
        file,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(BUSY)?;
    let found = schema(&connection, file, form)?;
    migrate::refuse_newer(file, found, form)?;
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        return Err(Error::corrupt(file.display().to_string(), "the write-ahead log is refused"));
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // A damaged file cannot make SQLite run functions or trust stored definitions.
    connection.pragma_update(None, "trusted_schema", false)?;
    keep_statements(&connection)?;
    migrate::migrate(&mut connection, file, backups, found, form)?;
    Ok(connection)
}

pub(crate) fn reader(file: &Path) -> Result<Connection, Error> {
    let connection = Connection::open_with_flags(
        file,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    keep_statements(&connection)?;
    Ok(connection)
}

/// Keeps prepared statements, with the plans that they have. Otherwise SQLite plans one with a bound
/// `LIMIT` anew whenever that comes to be or was 0 or 1, as those of the queue do all the time.
fn keep_statements(connection: &Connection) -> Result<(), Error> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// Makes an empty file for the owner's eyes only. SQLite gives its side files the same mode.
fn create(file: &Path) -> Result<(), Error> {
    let opened = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    match opened {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(Error::io(file, error)),
    }
}

/// The file's schema number; 0 if it is empty.
fn schema(connection: &Connection, file: &Path, form: &Form<'_>) -> Result<u32, Error> {
    let place = || file.display().to_string();
    let number = |name: &str| {
        connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0)).map_err(|error| {
            match Error::from(error) {
                Error::Corrupt { reason, .. } => Error::Corrupt { place: place(), reason },
                other => other,
            }
        })
    };
    let (id, version) = (number("application_id")?, number("user_version")?);
    let tables: u32 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (id, version, tables) {
        (0, 0, 0) => Ok(0),
        (id, 1.., 1..) if id == form.application_id => Ok(version.unsigned_abs()),
        _ => Err(Error::corrupt(place(), format!("it is no {} of Casemate", form.name))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::StatementStatus;

    /// How often a statement is planned anew while its limit changes.
    fn planned_anew(connection: &Connection) -> i32 {
        connection.execute_batch("CREATE TABLE message (due INTEGER)").expect("made");
        let sql = "SELECT due FROM message ORDER BY due LIMIT ?1";
        let mut statement = connection.prepare(sql).expect("prepared");
        for limit in [9, 1, 9, 1] {
            let mut rows = statement.query([limit]).expect("bound");
            assert!(rows.next().expect("run").is_none());
        }
        statement.get_status(StatementStatus::RePrepare)
    }

    #[test]
    fn limits_that_change_make_no_new_plans() {
        let open = || Connection::open_in_memory().expect("a database");
        assert!(planned_anew(&open()) > 0, "SQLite needs no telling any more");
        let connection = open();
        keep_statements(&connection).expect("set");
        assert_eq!(planned_anew(&connection), 0);
    }
}
