//! What is known of one tenant's file: its head, and the list of its stores.

use super::file::Source;
use super::held::Held;
use super::keys::{Family, Keys, Place, SetHash, Sort};
use super::shown::{Name, Shown};
use super::stop::Stop;
use model::key::Epoch;
use model::{EnvironmentName, StoreName};
use parking_lot::{Mutex, RwLock};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Numbers of the counter that are set aside before the first of them is used. A group of asks
/// uses far fewer, so what a crash forgets is never used again.
const RESERVE: u64 = 1 << 20;

/// What is known of it.
pub(super) struct State {
    source: Arc<Source>,
    family: Family,
    /// Of the head's epoch: it is sealed with them, and its hash of stores is made with them.
    keys: Arc<Keys>,
    counter: u64,
    /// Whether numbers were set aside since the file was opened.
    reserved: bool,
    hash: SetHash,
    pub(super) stores: HashMap<Name, Held>,
    /// What this transaction changed.
    pub(super) touched: BTreeSet<Name>,
    pub(super) doomed: Vec<u64>,
}

impl State {
    pub(super) fn load(connection: &Connection, source: &Arc<Source>) -> Result<Self, Stop> {
        let damaged = |why: &str| Stop::damaged(format!("{}: {why}", source.path.display()));
        let head = connection
            .query_row("SELECT epoch, counter, sealed FROM head", [], |row| {
                Ok((row.get::<_, u32>(0)?, row.get::<_, i64>(1)?, row.get::<_, Vec<u8>>(2)?))
            })
            .optional()?;
        let epoch = head.as_ref().map_or(source.ring.epoch(), |(epoch, ..)| Epoch(*epoch));
        let ring = Arc::clone(&source.ring);
        let family = Family::new(ring, &[source.area, source.tenant.as_str()]);
        let keys = family.of(epoch)?;
        let mut state = Self {
            source: Arc::clone(source),
            family,
            keys,
            counter: 0,
            reserved: false,
            hash: SetHash::default(),
            stores: HashMap::new(),
            touched: BTreeSet::new(),
            doomed: Vec::new(),
        };
        if let Some((_, counter, sealed)) = head {
            state.counter = counter.cast_unsigned();
            let place = state.head_place();
            let plain = state.keys.unseal(place, &sealed).map_err(|_| {
                damaged("its head was changed, or belongs to another tenant or root key")
            })?;
            let plain = plain.try_into().map_err(|_| damaged("its head is too short"))?;
            state.hash = SetHash::from_bytes(plain);
        }
        let found = state.load_stores(connection)?;
        if found != state.hash {
            return Err(damaged("the list of its stores was changed or is from before"));
        }
        let mut statement = connection.prepare("SELECT store FROM doomed")?;
        let rows = statement.query_map([], |row| row.get::<_, i64>(0))?;
        state.doomed = rows.map(|id| id.map(i64::cast_unsigned)).collect::<Result<_, _>>()?;
        Ok(state)
    }

    fn load_stores(&mut self, connection: &Connection) -> Result<SetHash, Stop> {
        let mut found = SetHash::default();
        let mut statement = connection
            .prepare("SELECT id, environment, name, version, sealed, epoch FROM store")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let id = row.get::<_, i64>(0)?.cast_unsigned();
            let (environment, text): (String, String) = (row.get(1)?, row.get(2)?);
            let version = row.get::<_, i64>(3)?.cast_unsigned();
            let damaged = |_| Stop::damaged(format!("{}: a store", self.source.path.display()));
            let name: Name = (
                EnvironmentName::parse(&environment).map_err(damaged)?,
                StoreName::parse(&text).map_err(damaged)?,
            );
            let bytes = name_bytes(&name);
            let place = Place { sort: Sort::Store, store: id, version, key: &bytes };
            let shown = self.shown(&name, id);
            let sealed = row.get_ref(4)?.as_blob().unwrap_or_default();
            // A head is the oldest, and what was put back from before it is none of its stores.
            let epoch = Some(Epoch(row.get(5)?)).filter(|epoch| *epoch >= self.keys.epoch());
            let keys = epoch.map(|epoch| self.family.of(epoch)).transpose()?;
            let held = keys.and_then(|keys| Held::unseal(&keys, place, sealed, shown));
            let held = held.ok_or_else(|| {
                Stop::damaged(format!("{}: its row was changed", self.what(&name)))
            })?;
            found.toggle(&self.keys.element(place, 0));
            self.stores.insert(name, held);
        }
        Ok(found)
    }

    /// What readers see of a store; what they see already if they do.
    fn shown(&self, name: &Name, id: u64) -> Arc<Shown> {
        if let Some(shown) = self.source.board.store(name).filter(|shown| shown.id == id) {
            return shown;
        }
        let text = name.1.to_string();
        let names = [self.source.area, self.source.tenant.as_str(), name.0.as_str(), &text];
        let keys = Family::new(Arc::clone(&self.source.ring), &names);
        Arc::new(Shown {
            id,
            keys,
            floor: AtomicU32::default(),
            what: self.what(name),
            size: Mutex::default(),
            checked: RwLock::default(),
        })
    }

    fn what(&self, name: &Name) -> String {
        format!("the store `{}` of {}/{}", name.1, self.source.tenant, name.0)
    }

    const fn head_place(&self) -> Place<'static> {
        Place { sort: Sort::Head, store: 0, version: self.counter, key: &[] }
    }

    /// The last number that was used, or set aside.
    pub(super) const fn counter(&self) -> u64 {
        self.counter
    }

    /// Sets numbers aside on disk, if none were since the file was opened.
    pub(super) fn reserve(&mut self, connection: &Connection) -> Result<(), Stop> {
        if !self.reserved {
            connection.execute_batch("BEGIN IMMEDIATE")?;
            self.counter += RESERVE;
            self.write_head(connection)?;
            connection.execute_batch("COMMIT")?;
            self.reserved = true;
        }
        Ok(())
    }

    /// Writes what changed in these stores, and the head.
    pub(super) fn write(
        &mut self,
        connection: &Connection,
        touched: &BTreeSet<Name>,
    ) -> Result<(), Stop> {
        for name in touched {
            self.write_store(connection, name)?;
        }
        if !touched.is_empty() {
            self.counter += 1;
            self.write_head(connection)?;
        }
        Ok(())
    }

    /// The next number.
    pub(super) const fn stamp(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// Adds a store that is empty.
    pub(super) fn make(&mut self, name: &Name) -> Result<(), Stop> {
        let id = self.stamp();
        let shown = self.shown(name, id);
        self.stores.insert(name.clone(), Held::new(shown, self.source.ring.epoch()));
        Ok(())
    }

    /// Takes a store out. Its cells are left to [`State::doomed`].
    pub(super) fn unmake(&mut self, connection: &Connection, name: &Name) -> Result<bool, Stop> {
        let Some(held) = self.stores.remove(name) else { return Ok(false) };
        let id = held.shown.id;
        if held.version > 0 {
            let bytes = name_bytes(name);
            let place = Place { sort: Sort::Store, store: id, version: held.version, key: &bytes };
            self.hash.toggle(&self.keys.element(place, 0));
        }
        for sql in [
            "DELETE FROM store WHERE id = ?1",
            "DELETE FROM leaf WHERE store = ?1",
            "INSERT INTO doomed (store) VALUES (?1)",
        ] {
            connection.prepare_cached(sql)?.execute([id.cast_signed()])?;
        }
        self.doomed.push(id);
        self.touched.insert(name.clone());
        Ok(true)
    }

    fn write_store(&mut self, connection: &Connection, name: &Name) -> Result<(), Stop> {
        let Some(held) = self.stores.get_mut(name) else { return Ok(()) };
        let id = held.shown.id;
        let counter = &mut self.counter;
        let mut stamp = || {
            *counter += 1;
            *counter
        };
        held.flush(connection, &mut stamp)?;
        let bytes = name_bytes(name);
        let mut place = Place { sort: Sort::Store, store: id, version: held.version, key: &bytes };
        if held.version > 0 {
            self.hash.toggle(&self.keys.element(place, 0));
        }
        held.version = stamp();
        place.version = held.version;
        self.hash.toggle(&self.keys.element(place, 0));
        let sealed = self.family.of(held.epoch)?.seal(place, &held.plain())?;
        connection
            .prepare_cached(
                "INSERT INTO store (id, environment, name, version, sealed, epoch)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (id) DO UPDATE SET version = excluded.version,
                 sealed = excluded.sealed, epoch = excluded.epoch",
            )?
            .execute(params![
                id.cast_signed(),
                name.0.as_str(),
                name.1.to_string(),
                held.version.cast_signed(),
                sealed,
                held.epoch.0
            ])?;
        Ok(())
    }

    /// The epoch that new rows are sealed with.
    pub(super) fn newest(&self) -> Epoch {
        self.source.ring.epoch()
    }

    /// Whether nothing of the file is sealed with an epoch below this one.
    pub(super) fn is_of(&self, epoch: Epoch) -> bool {
        self.keys.epoch() >= epoch
    }

    /// Has the head of an epoch that its stores have already, and writes it. Says whether it was
    /// done.
    pub(super) fn lift(&mut self, connection: &Connection, to: Epoch) -> Result<bool, Stop> {
        if self.stores.values().any(|held| held.epoch < to) {
            return Ok(false);
        }
        let keys = self.family.of(to)?;
        self.hash = SetHash::default();
        for (name, held) in self.stores.iter().filter(|(_, held)| held.version > 0) {
            let bytes = name_bytes(name);
            let (store, version) = (held.shown.id, held.version);
            self.hash
                .toggle(&keys.element(Place { sort: Sort::Store, store, version, key: &bytes }, 0));
        }
        self.keys = keys;
        self.counter += 1;
        self.write_head(connection)?;
        Ok(true)
    }

    fn write_head(&self, connection: &Connection) -> Result<(), Stop> {
        let sealed = self.keys.seal(self.head_place(), self.hash.bytes())?;
        connection
            .prepare_cached(
                "INSERT INTO head (one, epoch, counter, sealed) VALUES (1, ?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET epoch = excluded.epoch, counter = excluded.counter,
                 sealed = excluded.sealed",
            )?
            .execute(params![self.keys.epoch().0, self.counter.cast_signed(), sealed])?;
        Ok(())
    }

    /// Lets readers see all stores. After opening.
    pub(super) fn show_all(&self) {
        let names = self.stores.keys().cloned().collect();
        self.source.board.stores.write().retain(|name, _| self.stores.contains_key(name));
        self.show(names);
    }

    pub(super) fn show(&self, names: BTreeSet<Name>) {
        let board = &self.source.board;
        for name in names {
            match self.stores.get(&name) {
                Some(held) => {
                    *held.shown.size.lock() = held.size;
                    held.shown.floor.store(held.epoch.0, Ordering::Release);
                    let there = board.store(&name).is_some_and(|own| own.id == held.shown.id);
                    if !there {
                        board.stores.write().insert(name, Arc::clone(&held.shown));
                    }
                }
                None => drop(board.stores.write().remove(&name)),
            }
        }
        board.counter.store(self.counter, Ordering::Release);
    }
}

/// No name of an environment has a slash in it.
fn name_bytes(name: &Name) -> Vec<u8> {
    format!("{}/{}", name.0, name.1).into_bytes()
}
