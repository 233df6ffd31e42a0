//! What lies in a home, by the epoch of the root key that it is sealed with.
//!
//! Files are read as they are, whether or not a node uses them, and nothing is unsealed: the number
//! of an epoch stands in clear beside what is sealed.

use crate::kv::{self, tenants_in};
use crate::store::connect;
use crate::{Error, blobs, journal, queue, store};
use model::key::Epoch;
use rusqlite::{Connection, params};
use std::collections::BTreeMap;
use std::path::Path;

/// How many things of a kind there are, by epoch.
pub type Count = BTreeMap<(Epoch, &'static str), u64>;

/// Secrets that functions use.
pub const SECRETS: &str = "secrets";
/// Keys with which callers sign.
pub const CREDENTIALS: &str = "keys of callers";
/// Calls in the queue, dead ones too.
pub const CALLS: &str = "queued calls";
/// Values of key-value stores.
pub const VALUES: &str = "values of key-value stores";
/// What values are chained to: the stores, and each tenant's list of them.
pub const LISTS: &str = "lists of key-value stores";
/// What containers of blobs hold: objects and uploads, as entries.
pub const ENTRIES: &str = "entries of blobs";
/// What entries are chained to.
pub const CONTAINERS: &str = "lists of blobs";
/// The files of objects. Only a node can count them: what says their epoch is sealed.
pub const FILES: &str = "files of blobs";
/// The files of uploads that are not finished; counted as those of objects.
pub const UPLOADS: &str = "uploads that are not finished";
/// Certificates, their keys and accounts; only a node can count them.
pub const CERTIFICATES: &str = "certificates";
/// Segments of the journal. They keep their epoch until they are given up.
pub const SEGMENTS: &str = "segments of records";

/// Facts about the home that name the roots of epochs, by the epoch.
const FACT: &str = "root-key-epoch-";
/// Facts about the home that say which epochs were taken out.
const RETIRED: &str = "root-key-retired-";

/// Counts what is sealed in the home `home`. Blocks.
///
/// # Errors
/// A file cannot be read.
pub fn count(home: &Path) -> Result<Count, Error> {
    let mut found = Count::new();
    let registry = home.join(store::FILE);
    if there(&registry) {
        let connection = connect::reader(&registry)?;
        for (kind, sql) in [
            // A secret that was removed keeps its row, without a value.
            (SECRETS, "SELECT epoch, count(*) FROM secret WHERE length(sealed) > 0 GROUP BY epoch"),
            (
                CREDENTIALS,
                "SELECT key_epoch, count(*) FROM token WHERE key_epoch NOTNULL GROUP BY key_epoch",
            ),
        ] {
            add(&mut found, kind, &connection, sql)?;
        }
    }
    let queue = home.join(queue::FILE);
    if there(&queue) {
        let sql = "SELECT epoch, count(*) FROM message GROUP BY epoch";
        add(&mut found, CALLS, &connect::reader(&queue)?, sql)?;
    }
    for (area, kinds) in
        [(kv::DIRECTORY, (VALUES, LISTS)), (blobs::DIRECTORY, (ENTRIES, CONTAINERS))]
    {
        for tenant in tenants_in(area, home)? {
            let connection = connect::reader(&kv::file_of(home, area, &tenant))?;
            cells(&mut found, kinds, &connection)?;
        }
    }
    for epoch in journal::epochs(&home.join("journal"))? {
        *found.entry((epoch, SEGMENTS)).or_default() += 1;
    }
    Ok(found)
}

fn there(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|meta| meta.len() > 0)
}

/// Counts what a tenant's file holds. No cell is older than its leaf, and counts as old as it.
fn cells(
    found: &mut Count,
    (cells, lists): (&'static str, &'static str),
    connection: &Connection,
) -> Result<(), Error> {
    let schema: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if schema < 2 {
        // No node has opened it since: all of it is sealed with the epoch of its head.
        add(found, lists, connection, "SELECT epoch, 1 + (SELECT count(*) FROM store) FROM head")?;
        return add(
            found,
            cells,
            connection,
            "SELECT epoch, (SELECT count(*) FROM cell) FROM head",
        );
    }
    let sql = "SELECT epoch, count(*) FROM (SELECT epoch FROM head UNION ALL
               SELECT epoch FROM store) GROUP BY epoch";
    add(found, lists, connection, sql)?;
    // A leaf ends where the next one of its store begins.
    let mut between = connection
        .prepare("SELECT count(*) FROM cell WHERE store = ?1 AND key >= ?2 AND key < ?3")?;
    let mut behind = connection
        .prepare("SELECT count(*) FROM cell WHERE store = ?1 AND key >= ?2 AND ?3 IS NULL")?;
    let mut statement = connection.prepare(
        "SELECT epoch, store, start, lead(start) OVER (PARTITION BY store ORDER BY start)
         FROM leaf",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (store, start, end): (i64, Vec<u8>, Option<Vec<u8>>) =
            (row.get(1)?, row.get(2)?, row.get(3)?);
        let count = if end.is_some() { &mut between } else { &mut behind };
        let inside: i64 = count.query_row(params![store, start, end], |row| row.get(0))?;
        *found.entry((Epoch(row.get(0)?), cells)).or_default() += inside.unsigned_abs();
    }
    found.retain(|_, count| *count > 0);
    Ok(())
}

fn add(
    found: &mut Count,
    kind: &'static str,
    connection: &Connection,
    sql: &str,
) -> Result<(), Error> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (epoch, count) = (Epoch(row.get(0)?), row.get::<_, i64>(1)?);
        *found.entry((epoch, kind)).or_default() += count.unsigned_abs();
    }
    Ok(())
}

/// The root key that a home was made with, and those that were added, as fingerprints by epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Of the first; nothing if the home was never used.
    pub founding: Option<String>,
    /// Of those that were added, and not taken out again.
    pub added: BTreeMap<Epoch, String>,
}

/// Says that an epoch was taken out of the root key: a file without it is right.
#[must_use]
pub fn retired(epoch: Epoch) -> String {
    format!("{RETIRED}{}", epoch.0)
}

/// What the home `home` knows of its root keys, whether or not a node uses it. Blocks.
///
/// # Errors
/// The registry cannot be read.
pub fn known(home: &Path) -> Result<Known, Error> {
    let registry = home.join(store::FILE);
    if !there(&registry) {
        return Ok(Known::default());
    }
    known_in(&connect::reader(&registry)?)
}

/// Facts about the home `home` whose keys begin with `prefix`, without it, whether or not a node
/// uses it. Blocks.
///
/// # Errors
/// The registry cannot be read.
pub fn facts(home: &Path, prefix: &str) -> Result<Vec<(String, String)>, Error> {
    let registry = home.join(store::FILE);
    if !there(&registry) {
        return Ok(Vec::new());
    }
    store::beginning(&connect::reader(&registry)?, prefix)
}

/// The fact that names the root of an epoch.
#[must_use]
pub fn fact(epoch: Epoch) -> String {
    format!("{FACT}{}", epoch.0)
}

pub(crate) fn known_in(connection: &Connection) -> Result<Known, Error> {
    let mut known = Known::default();
    let mut gone = Vec::new();
    let mut statement = connection.prepare_cached(
        "SELECT key, value FROM meta
         WHERE tenant = 'system' AND environment = 'system' AND key LIKE 'root-key-%'",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (key, value): (String, String) = (row.get(0)?, row.get(1)?);
        if key == "root-key-fingerprint" {
            known.founding = Some(value);
        } else if let Some(epoch) = key.strip_prefix(FACT).and_then(|text| text.parse().ok()) {
            known.added.insert(Epoch(epoch), value);
        } else if let Some(epoch) = key.strip_prefix(RETIRED).and_then(|text| text.parse().ok()) {
            gone.push(Epoch(epoch));
        }
    }
    known.added.retain(|epoch, _| !gone.contains(epoch));
    Ok(known)
}
