//! What lies in a home, by the epoch of the root key that it is sealed with.
//!
//! Files are read as they are, whether or not a node uses them, and nothing is unsealed: the number
//! of an epoch stands in clear beside what is sealed.

use crate::kv::{self, tenants_in};
use crate::store::connect;
use crate::{Error, blobs, journal, queue, store};
use model::key::Epoch;
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::path::Path;

/// How many things of a kind there are, by epoch.
pub type Count = BTreeMap<(Epoch, &'static str), u64>;

/// Facts about the home that name the roots of epochs, by the epoch.
const FACT: &str = "root-key-epoch-";

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
            (
                "secrets",
                "SELECT epoch, count(*) FROM secret WHERE length(sealed) > 0 GROUP BY epoch",
            ),
            (
                "keys of callers",
                "SELECT key_epoch, count(*) FROM token WHERE key_epoch NOTNULL GROUP BY key_epoch",
            ),
        ] {
            add(&mut found, kind, &connection, sql)?;
        }
    }
    let queue = home.join(queue::FILE);
    if there(&queue) {
        let sql = "SELECT epoch, count(*) FROM message GROUP BY epoch";
        add(&mut found, "queued calls", &connect::reader(&queue)?, sql)?;
    }
    for (area, kind) in
        [(kv::DIRECTORY, "values of key-value stores"), (blobs::DIRECTORY, "entries of blobs")]
    {
        for tenant in tenants_in(area, home)? {
            let connection = connect::reader(&kv::file_of(home, area, &tenant))?;
            // All of a file is sealed with the epoch of its head.
            let sql = "SELECT epoch, (SELECT count(*) FROM cell) FROM head";
            add(&mut found, kind, &connection, sql)?;
        }
    }
    for epoch in journal::epochs(&home.join("journal"))? {
        *found.entry((epoch, "segments of records")).or_default() += 1;
    }
    Ok(found)
}

fn there(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|meta| meta.len() > 0)
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
    /// Of those that were added.
    pub added: BTreeMap<Epoch, String>,
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

/// The fact that names the root of an epoch.
#[must_use]
pub fn fact(epoch: Epoch) -> String {
    format!("{FACT}{}", epoch.0)
}

pub(crate) fn known_in(connection: &Connection) -> Result<Known, Error> {
    let mut known = Known::default();
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
        }
    }
    Ok(known)
}
