//! One tenant's file: opens it, checks its head and its stores, and ends transactions.
//!
//! Invariant: a number of the counter is used for one row only, whatever fails and whenever the
//! process dies.

use super::shown::Board;
use super::state::State;
use super::stop::{Stop, of_store};
use crate::store::connect;
use crate::store::migrate::Form;
use model::TenantName;
use ports::KeyRing;
use ports::keyvalue::Error;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Marks a file as a tenant's stores: `CSKV` in ASCII.
const APPLICATION_ID: i32 = 0x4353_4b56;
/// The steps of its schema.
const STEPS: &[&str] = &[
    include_str!("../../migrations/kv/0001_values.sql"),
    include_str!("../../migrations/kv/0002_epochs.sql"),
];
/// Pages of the log, of 4 KiB, after which it is folded into the file.
const LOG_PAGES: i64 = 4_000;
/// Bytes of the log that stay on disk when it was folded.
const LOG_BYTES_KEPT: i64 = 32 << 20;

/// Where a tenant's file is and what it is opened with.
pub(super) struct Source {
    /// The directory that the file is in, and the word that goes into its keys.
    pub(super) area: &'static str,
    pub(super) tenant: TenantName,
    pub(super) path: Arc<Path>,
    /// Where copies lie that are made before a migration.
    pub(super) backups: PathBuf,
    pub(super) ring: Arc<dyn KeyRing>,
    pub(super) board: Arc<Board>,
    /// How large the file may become, for tests of a full disk; 0 for as large as it likes.
    #[cfg(test)]
    pub(super) pages_max: std::sync::atomic::AtomicU32,
}

/// An open file.
pub(super) struct File {
    pub(super) connection: Connection,
    pub(super) state: State,
}

impl File {
    /// Opens it; makes it if there is none and `make` says so. It is refused if its counter is
    /// below `at_least`.
    pub(super) fn open(
        source: &Arc<Source>,
        make: bool,
        at_least: u64,
    ) -> Result<Option<Self>, Stop> {
        let path = &source.path;
        let there = std::fs::metadata(path).is_ok_and(|meta| meta.len() > 0);
        if !there && at_least > 0 {
            let what = format!("{} is missing or empty, and was in use", path.display());
            return Err(Stop::Refused(Error::RolledBack(what)));
        }
        if !there && !make {
            return Ok(None);
        }
        let connection = connect(source).map_err(|error| Stop::Refused(of_store(&error)))?;
        let state = State::load(&connection, source)?;
        let held = state.counter();
        if held < at_least {
            let path = path.display();
            let what = format!("{path} is at change {held}, and was at {at_least} before");
            return Err(Stop::Refused(Error::RolledBack(what)));
        }
        Ok(Some(Self { connection, state }))
    }

    /// Begins a transaction.
    pub(super) fn begin(&mut self) -> Result<(), Stop> {
        self.state.reserve(&self.connection)?;
        Ok(self.connection.execute_batch("BEGIN IMMEDIATE")?)
    }

    /// Writes what the transaction changed in leaves, stores and head, ends it, and shows it.
    pub(super) fn commit(&mut self) -> Result<(), Stop> {
        let Self { connection, state } = self;
        let touched = std::mem::take(&mut state.touched);
        state.write(connection, &touched)?;
        connection.execute_batch("COMMIT")?;
        state.show(touched);
        Ok(())
    }
}

fn connect(source: &Source) -> Result<Connection, crate::Error> {
    if let Some(dir) = source.path.parent() {
        // The files in it are made durable by SQLite, with its log's first sync.
        crate::files::make_directory(dir).map_err(|error| crate::Error::io(dir, error))?;
    }
    let backup = format!("{}-{}", source.area, source.tenant);
    let form = Form {
        name: "key-value file",
        backup: &backup,
        application_id: APPLICATION_ID,
        steps: STEPS,
    };
    let connection = connect::writer(&source.path, &source.backups, &form)?;
    connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES_KEPT)?;
    #[cfg(test)]
    match source.pages_max.load(std::sync::atomic::Ordering::Relaxed) {
        0 => {}
        pages => {
            let set =
                connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()));
            set?;
        }
    }
    // What runs by itself would write behind our back.
    let own: bool = connection.query_row(
        "SELECT count(*) = 0 FROM sqlite_schema WHERE type NOT IN ('table', 'index')",
        [],
        |row| row.get(0),
    )?;
    if own {
        return Ok(connection);
    }
    Err(crate::Error::corrupt(source.path.display().to_string(), "it holds triggers or views"))
}

/// The file of a tenant below the directory of all of them.
pub(super) fn path_of(dir: &Path, tenant: &TenantName) -> PathBuf {
    dir.join(format!("{tenant}.db"))
}
