//! Opens `queue.db`, and gives back what a process that is gone had in hand.

use crate::Error;
use crate::store::connect;
use crate::store::migrate::Form;
use rusqlite::Connection;
use std::path::Path;

/// Pages of the log after which they are folded into the file: 16 MiB, so that folding, which
/// waits for the disk, is rare beside commits.
const FOLD_PAGES: u32 = 4096;

/// Marked with `CSMQ` in ASCII. A released step never changes; a change of schema is a new file in
/// `migrations/queue/`.
const FORM: Form<'_> = Form {
    name: "queue",
    backup: "queue",
    application_id: 0x4353_4d51,
    steps: &[
        include_str!("../../migrations/queue/0001_queue.sql"),
        include_str!("../../migrations/queue/0002_marks.sql"),
        include_str!("../../migrations/queue/0003_events.sql"),
        include_str!("../../migrations/queue/0004_order.sql"),
        include_str!("../../migrations/queue/0005_lots.sql"),
    ],
};

pub(super) fn writer(file: &Path, backups: &Path) -> Result<Connection, Error> {
    let connection = connect::writer(file, backups, &FORM)?;
    connection.pragma_update(None, "wal_autocheckpoint", FOLD_PAGES)?;
    // Whoever leased these is gone: a home has one node. They were tried, so each goes alone, and
    // those behind others of their key stay there.
    connection.execute(
        "UPDATE message SET state = 0, due_us = iif(held_us IS NULL, queued_us, due_us),
                            until_us = NULL, lot = NULL WHERE state = 1",
        [],
    )?;
    Ok(connection)
}
