//! Does changes in an open transaction.
//!
//! Invariant: an ask is refused before anything of it is written.

use super::cell;
use super::held::{Held, key_digest};
use super::keys::{Place, Sort};
use super::shown::{Name, Shown};
use super::state::State;
use super::stop::Stop;
use bytes::Bytes;
use model::key::Epoch;
use model::{Labelled, Labels};
use ports::keyvalue::{self, Ask, Cell, Change, Error, Reply, Size, number_text};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A cell's version, and the length of what is sealed in it.
type Old = Option<(u64, u64)>;

/// Does one ask that changes.
pub(super) fn ask(
    connection: &Connection,
    state: &mut State,
    name: &Name,
    (ask, labels): (&Ask, &Labels),
    bytes_max: u64,
) -> Result<Labelled<Reply>, Stop> {
    match ask {
        Ask::Write { changes } => {
            // Only the last change of a key can be seen by anybody.
            let last: BTreeMap<&str, Option<&Bytes>> = changes.iter().map(change).collect();
            write(connection, state, name, (&last, labels), bytes_max)
                .map(|_| Labelled::plain(Reply::Done))
        }
        Ask::Add { key, delta } => {
            let held = read(connection, state, name, key)?;
            let seen = held.as_ref().map(|it| it.labels.clone()).unwrap_or_default();
            let mut labels = labels.clone();
            labels.join(&seen);
            let number = held.map_or(Some(0), |it| keyvalue::number(&it.value.value));
            let sum = number.and_then(|number| number.checked_add(*delta));
            let sum = sum.ok_or(Stop::Refused(Error::NotANumber))?;
            let value = Bytes::from(number_text(sum));
            let last = BTreeMap::from([(key.as_str(), Some(&value))]);
            write(connection, state, name, (&last, &labels), bytes_max)?;
            Ok(Labelled { value: Reply::Number(sum), labels: seen })
        }
        Ask::Swap { key, version, value } => {
            let held = read(connection, state, name, key)?;
            if held.as_ref().map(|it| it.value.version) != *version {
                let labels = held.as_ref().map(|it| it.labels.clone()).unwrap_or_default();
                let value = Reply::Swapped(Err(held.map(|it| it.value)));
                return Ok(Labelled { value, labels });
            }
            let last = BTreeMap::from([(key.as_str(), Some(value))]);
            let version = write(connection, state, name, (&last, labels), bytes_max)?;
            Ok(Labelled::plain(Reply::Swapped(Ok(version))))
        }
        Ask::Open | Ask::Get { .. } | Ask::Exists { .. } | Ask::List { .. } => {
            Err(Stop::Refused(Error::Failed("what only reads was sent to the writer".to_owned())))
        }
    }
}

fn change(change: &Change) -> (&str, Option<&Bytes>) {
    match change {
        Change::Set { key, value } => (key, Some(value)),
        Change::Delete { key } => (key, None),
    }
}

/// The cell of a key, once its leaf was checked.
fn read(
    connection: &Connection,
    state: &mut State,
    name: &Name,
    key: &str,
) -> Result<Option<Labelled<Cell>>, Stop> {
    let Some(held) = state.stores.get_mut(name) else { return Ok(None) };
    check(connection, held, key)?;
    cell(connection, (&held.shown, held.shown.floor()), key)
}

fn check(connection: &Connection, held: &mut Held, key: &str) -> Result<(), Stop> {
    if held.shown.checked.read().has(key.as_bytes()) {
        return Ok(());
    }
    let start = held.leaves(connection)?.start(key.as_bytes());
    held.check(connection, &start).map(drop)
}

/// Reads and opens a cell. It is not older than `floor`.
pub(super) fn cell(
    connection: &Connection,
    (shown, floor): (&Shown, Epoch),
    key: &str,
) -> Result<Option<Labelled<Cell>>, Stop> {
    let mut statement = connection
        .prepare_cached("SELECT version, sealed FROM cell WHERE store = ?1 AND key = ?2")?;
    let mut rows = statement.query(params![shown.id.cast_signed(), key.as_bytes()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let version = row.get::<_, i64>(0)?.cast_unsigned();
    let place = Place { sort: Sort::Cell, store: shown.id, version, key: key.as_bytes() };
    let sealed = row.get_ref(1)?.as_blob().unwrap_or_default();
    match cell::unseal(&shown.keys, floor, place, sealed) {
        Some((value, labels)) => Ok(Some(Labelled { value: Cell { value, version }, labels })),
        None => Err(changed(shown, key.as_bytes())),
    }
}

/// What is said of a cell that does not open.
pub(super) fn changed(shown: &Shown, key: &[u8]) -> Stop {
    Stop::damaged(format!("{}: the value of {} was changed", shown.what, key_digest(key)))
}

/// Writes the last change of each key. Gives the version of the last that was set, or 0.
fn write(
    connection: &Connection,
    state: &mut State,
    name: &Name,
    (last, labels): (&BTreeMap<&str, Option<&Bytes>>, &Labels),
    bytes_max: u64,
) -> Result<u64, Stop> {
    let mut old: Vec<Old> = Vec::with_capacity(last.len());
    let before = match state.stores.get_mut(name) {
        Some(held) => {
            held.leaves(connection)?;
            for key in last.keys() {
                check(connection, held, key)?;
                old.push(row(connection, &held.shown, key)?);
            }
            held.size
        }
        None => {
            if last.values().all(Option::is_none) {
                return Ok(0);
            }
            old.resize(last.len(), None);
            Size::default()
        }
    };
    let keys = state.stores.get(name).map(|held| held.shown.keys.newest()).transpose()?;
    let plain = |sealed| keys.as_ref().map_or(0, |keys| keys.plain_bytes(sealed));
    let mut size = before;
    for ((key, new), old) in last.iter().zip(&old) {
        if let Some((_, sealed)) = old {
            size.keys = size.keys.saturating_sub(1);
            size.bytes = size.bytes.saturating_sub(key.len() as u64 + plain(*sealed));
        }
        if let Some(value) = new {
            size.keys += 1;
            size.bytes += (key.len() + value.len()) as u64 + labels.stored_bytes();
        }
    }
    if size.bytes > before.bytes && size.bytes > bytes_max {
        return Err(Stop::Refused(Error::Quota { bytes_max }));
    }
    if !state.stores.contains_key(name) {
        state.make(name)?;
    }
    state.touched.insert(name.clone());
    let mut version = 0;
    for ((key, new), old) in last.iter().zip(old) {
        match new {
            Some(value) => {
                version = state.stamp();
                if let Some(held) = state.stores.get_mut(name) {
                    set(connection, held, key, (value, labels), (old, version))?;
                }
            }
            None => {
                if let (Some(held), Some(old)) = (state.stores.get_mut(name), old) {
                    delete(connection, held, key, old)?;
                }
            }
        }
    }
    if let Some(held) = state.stores.get_mut(name) {
        held.size = size;
    }
    Ok(version)
}

fn row(connection: &Connection, shown: &Shown, key: &str) -> Result<Old, Stop> {
    let found = connection
        .prepare_cached("SELECT version, length(sealed) FROM cell WHERE store = ?1 AND key = ?2")?
        .query_row(params![shown.id.cast_signed(), key.as_bytes()], |row| {
            Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get::<_, i64>(1)?.cast_unsigned()))
        })
        .optional()?;
    Ok(found)
}

fn place<'a>(held: &Held, version: u64, key: &'a str) -> Place<'a> {
    Place { sort: Sort::Cell, store: held.shown.id, version, key: key.as_bytes() }
}

fn set(
    connection: &Connection,
    held: &mut Held,
    key: &str,
    (value, labels): (&[u8], &Labels),
    (old, version): (Old, u64),
) -> Result<(), Stop> {
    let sealed = cell::seal(&*held.shown.keys.newest()?, place(held, version, key), value, labels)?;
    let new = (version, sealed.len() as u64);
    connection
        .prepare_cached(
            "INSERT INTO cell (store, key, version, sealed) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET version = excluded.version, sealed = excluded.sealed",
        )?
        .execute(params![
            held.shown.id.cast_signed(),
            key.as_bytes(),
            version.cast_signed(),
            sealed
        ])?;
    let shown = Arc::clone(&held.shown);
    held.leaves(connection)?.change(&shown.keys, key.as_bytes(), (old, Some(new)))
}

fn delete(
    connection: &Connection,
    held: &mut Held,
    key: &str,
    old: (u64, u64),
) -> Result<(), Stop> {
    connection
        .prepare_cached("DELETE FROM cell WHERE store = ?1 AND key = ?2")?
        .execute(params![held.shown.id.cast_signed(), key.as_bytes()])?;
    let shown = Arc::clone(&held.shown);
    held.leaves(connection)?.change(&shown.keys, key.as_bytes(), (Some(old), None))
}
