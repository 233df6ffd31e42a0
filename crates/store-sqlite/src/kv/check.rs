//! Holds what is on disk against what was last written.

use super::cell;
use super::keys::{Place, Sort};
use super::shown::Name;
use super::state::State;
use super::stop::Stop;
use super::work;
use rusqlite::Connection;

/// What is to be checked.
pub(super) enum Wanted {
    /// These keys.
    Keys(Vec<String>),
    /// Keys from `from` up to `end`, until there are `cells` behind the first leaf.
    Run { from: Vec<u8>, end: Option<Vec<u8>>, cells: u64 },
}

/// Checks leaves that were not checked since the file was opened.
pub(super) fn check(
    connection: &Connection,
    state: &mut State,
    name: &Name,
    wanted: &Wanted,
) -> Result<(), Stop> {
    let Some(held) = state.stores.get_mut(name) else { return Ok(()) };
    match wanted {
        Wanted::Keys(keys) => {
            for key in keys {
                let start = held.leaves(connection)?.start(key.as_bytes());
                held.check(connection, &start)?;
            }
        }
        Wanted::Run { from, end, cells } => {
            let mut next = Some(held.leaves(connection)?.start(from));
            let mut seen = 0;
            while let Some(start) = next.take() {
                if start > *from {
                    seen += held.leaves(connection)?.cells(&start);
                }
                let stop = held.check(connection, &start)?;
                let inside = |stop: &Vec<u8>| end.as_ref().is_none_or(|end| stop < end);
                next = stop.filter(|stop| seen < *cells && inside(stop));
            }
        }
    }
    Ok(())
}

/// Checks a leaf and opens every value in it. Says where it ends.
pub(super) fn audit(
    connection: &Connection,
    state: &mut State,
    name: &Name,
    start: &[u8],
) -> Result<Option<Vec<u8>>, Stop> {
    let Some(held) = state.stores.get_mut(name) else { return Ok(None) };
    let start = held.leaves(connection)?.start(start);
    let end = held.check_again(connection, &start)?;
    let mut statement = connection.prepare_cached(
        "SELECT key, version, sealed FROM cell
         WHERE store = ?1 AND key >= ?2 AND (?3 IS NULL OR key < ?3) ORDER BY key",
    )?;
    let shown = &held.shown;
    let mut rows = statement.query(rusqlite::params![shown.id.cast_signed(), start, end])?;
    while let Some(row) = rows.next()? {
        let key = row.get_ref(0)?.as_blob().unwrap_or_default();
        let version = row.get::<_, i64>(1)?.cast_unsigned();
        let place = Place { sort: Sort::Cell, store: shown.id, version, key };
        let sealed = row.get_ref(2)?.as_blob().unwrap_or_default();
        if cell::unseal(&shown.keys, shown.floor(), place, sealed).is_none() {
            return Err(work::changed(shown, key));
        }
    }
    Ok(end)
}
