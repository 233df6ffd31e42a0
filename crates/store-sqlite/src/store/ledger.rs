//! The ledger's rows: leaves, tiles and checkpoints.
//!
//! Invariant: leaf, tiles and checkpoint of one act are written in that act's transaction; a tile
//! that does not fit the log's size stops the act.

use super::Store;
use super::text::{signed, unsigned};
use crate::Error;
use model::act::Leaf;
use ports::Future;
use ports::ledger::{Edge, Error as LedgerError, Ledger, Notary, Tile, partial_tiles};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// Bytes of one hash.
const HASH_BYTES: usize = 32;

pub(super) fn size(connection: &Connection) -> Result<u64, Error> {
    let size = connection
        .prepare_cached("SELECT coalesce(max(seq) + 1, 0) FROM ledger_leaf")?
        .query_row([], |row| row.get(0))?;
    unsigned(size)
}

pub(super) fn append(
    connection: &Connection,
    notary: &dyn Notary,
    leaf: &Leaf,
) -> Result<(), Error> {
    let bytes = leaf.bytes();
    let edge = edge(connection, leaf.seq)?;
    let appended = notary.append(&edge, &bytes).map_err(Error::Notary)?;
    connection
        .prepare_cached(
            "INSERT INTO ledger_leaf (tenant, environment, seq, bytes) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![
            leaf.scope.tenant.as_str(),
            leaf.scope.environment.as_str(),
            signed(leaf.seq)?,
            bytes
        ])?;
    for tile in &appended.tiles {
        connection
            .prepare_cached(
                "INSERT INTO ledger_tile (level, number, hashes) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET hashes = ?3",
            )?
            .execute(params![tile.level, signed(tile.index)?, tile.hashes])?;
    }
    connection
        .prepare_cached("INSERT INTO ledger_checkpoint (size, note) VALUES (?1, ?2)")?
        .execute(params![signed(leaf.seq.saturating_add(1))?, appended.checkpoint])?;
    Ok(())
}

fn edge(connection: &Connection, size: u64) -> Result<Edge, Error> {
    let mut partial = Vec::new();
    for (level, index, width) in partial_tiles(size) {
        let tile = tile(connection, level, index)?;
        let whole = tile.filter(|tile| tile.hashes.len() == width * HASH_BYTES);
        partial.push(whole.ok_or_else(|| {
            let place = format!("tile {level}/{index} of the ledger");
            Error::corrupt(place, format!("it does not hold {width} hashes"))
        })?);
    }
    Ok(Edge { size, partial })
}

fn tile(connection: &Connection, level: u8, index: u64) -> Result<Option<Tile>, Error> {
    let hashes = connection
        .prepare_cached("SELECT hashes FROM ledger_tile WHERE level = ?1 AND number = ?2")?
        .query_row(params![level, signed(index)?], |row| row.get(0))
        .optional()?;
    Ok(hashes.map(|hashes| Tile { level, index, hashes }))
}

fn list<T>(
    connection: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
    item: impl Fn(&Row<'_>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut items = Vec::new();
    while let Some(row) = rows.next()? {
        items.push(item(row)?);
    }
    Ok(items)
}

impl Ledger for Store {
    fn size(&self) -> Future<'_, Result<u64, LedgerError>> {
        Box::pin(async move { Ok(self.read(size).await?) })
    }

    fn leaves(&self, from: u64, count: u64) -> Future<'_, Result<Vec<Vec<u8>>, LedgerError>> {
        // Numbers beyond what a column can hold mean "none" and "all".
        let (from, count) = (signed(from).unwrap_or(i64::MAX), signed(count).unwrap_or(i64::MAX));
        Box::pin(async move {
            let sql = "SELECT bytes FROM ledger_leaf WHERE seq >= ?1 ORDER BY seq LIMIT ?2";
            let work = move |connection: &Connection| {
                list(connection, sql, params![from, count], |row| Ok(row.get(0)?))
            };
            Ok(self.read(work).await?)
        })
    }

    fn tile(&self, level: u8, index: u64) -> Future<'_, Result<Option<Tile>, LedgerError>> {
        Box::pin(
            async move { Ok(self.read(move |connection| tile(connection, level, index)).await?) },
        )
    }

    fn tiles(&self) -> Future<'_, Result<Vec<Tile>, LedgerError>> {
        Box::pin(async move {
            let sql = "SELECT level, number, hashes FROM ledger_tile ORDER BY level, number";
            let tile = |row: &Row<'_>| {
                Ok(Tile { level: row.get(0)?, index: unsigned(row.get(1)?)?, hashes: row.get(2)? })
            };
            Ok(self.read(move |connection| list(connection, sql, [], tile)).await?)
        })
    }

    fn checkpoint(&self, size: u64) -> Future<'_, Result<Option<String>, LedgerError>> {
        let size = signed(size).unwrap_or(i64::MAX);
        Box::pin(async move {
            let work = move |connection: &Connection| {
                let note = connection
                    .prepare_cached("SELECT note FROM ledger_checkpoint WHERE size = ?1")?
                    .query_row([size], |row| row.get(0))
                    .optional()?;
                Ok(note)
            };
            Ok(self.read(work).await?)
        })
    }

    fn checkpoints(&self) -> Future<'_, Result<Vec<(u64, String)>, LedgerError>> {
        Box::pin(async move {
            let sql = "SELECT size, note FROM ledger_checkpoint ORDER BY size";
            let note = |row: &Row<'_>| Ok((unsigned(row.get(0)?)?, row.get(1)?));
            Ok(self.read(move |connection| list(connection, sql, [], note)).await?)
        })
    }
}
