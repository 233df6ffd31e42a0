//! Writes a consistent copy of the database to a new file while it is in use.
//!
//! Invariant: the copy is complete and on disk when this returns without an error, and there is
//! no file when it returns with one.

use crate::Error;
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

pub(crate) fn copy(source: &Connection, file: &Path) -> Result<(), Error> {
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .map_err(|error| Error::io(file, error))?;
    let done = fill(source, file).and_then(|()| settle(file));
    if done.is_err() {
        // The first error is the one to report; a leftover is only untidy.
        let _ = std::fs::remove_file(file);
    }
    done
}

fn fill(source: &Connection, file: &Path) -> Result<(), Error> {
    let mut target = Connection::open(file)?;
    // All pages in one step: one read transaction, which later writes neither wait for nor
    // start over.
    let step = Backup::new(source, &mut target)?.step(-1)?;
    if step != StepResult::Done {
        let reason = format!("the copy ended early: {step:?}");
        return Err(Error::io(file, std::io::Error::other(reason)));
    }
    // The pages say "write-ahead log", which would need side files; a copy is one plain file.
    let mode: String =
        target.pragma_update_and_check(None, "journal_mode", "DELETE", |row| row.get(0))?;
    if mode != "delete" {
        let reason = format!("the copy keeps the journal mode {mode}");
        return Err(Error::io(file, std::io::Error::other(reason)));
    }
    target.close().map_err(|(_, error)| error.into())
}

fn settle(file: &Path) -> Result<(), Error> {
    let sync = |path: &Path| {
        std::fs::File::open(path)
            .and_then(|opened| opened.sync_all())
            .map_err(|error| Error::io(path, error))
    };
    sync(file)?;
    match file.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => sync(parent),
        None => sync(Path::new(".")),
    }
}
