//! Key-value stores in memory.
//!
//! Invariant: one counter gives all versions, so that none is used twice.

use crate::Future;
use crate::keyvalue::{
    self, Ask, BATCH_BYTES_MAX, Cell, Change, Error, Reply, Size, StoreRef, number_text,
};
use bytes::Bytes;
use model::{Labelled, Labels, Scope, StoreName};
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

/// The memory version of [`crate::KeyValue`].
#[derive(Default)]
pub struct KeyValue {
    all: Mutex<All>,
}

#[derive(Default)]
struct All {
    counter: u64,
    stores: HashMap<StoreRef, Store>,
}

#[derive(Default, Clone)]
struct Store {
    cells: BTreeMap<String, (Cell, Labels)>,
    bytes: u64,
}

impl All {
    fn ask(
        &mut self,
        at: &StoreRef,
        ask: Labelled<Ask>,
        bytes_max: u64,
    ) -> Result<Labelled<Reply>, Error> {
        let Labelled { value: ask, labels } = ask;
        ask.check()?;
        let empty = Store::default();
        let store = self.stores.get(at).unwrap_or(&empty);
        let mut seen = Labels::NONE;
        let keys = match &ask {
            Ask::Get { keys } => keys.as_slice(),
            Ask::Add { key, .. } | Ask::Swap { key, .. } => std::slice::from_ref(key),
            _ => &[],
        };
        keys.iter().filter_map(|key| store.cells.get(key)).for_each(|it| seen.join(&it.1));
        let mut kept = labels;
        match &ask {
            Ask::Add { .. } => kept.join(&seen),
            // Whoever's write was taken has read nothing.
            Ask::Swap { key, version, .. } if store.version(key) == *version => {
                seen = Labels::NONE;
            }
            _ => {}
        }
        Ok(Labelled { value: self.answer(at, ask, &kept, bytes_max)?, labels: seen })
    }

    fn answer(
        &mut self,
        at: &StoreRef,
        ask: Ask,
        labels: &Labels,
        bytes_max: u64,
    ) -> Result<Reply, Error> {
        let empty = Store::default();
        let store = self.stores.get(at).unwrap_or(&empty);
        match ask {
            Ask::Open => Ok(Reply::Done),
            Ask::Get { keys } => store.get(&keys),
            Ask::Exists { key } => Ok(Reply::Found(store.cells.contains_key(&key))),
            Ask::List { prefix, after, limit } => Ok(store.list(&prefix, after, limit)),
            Ask::Write { changes } => {
                self.write(at, (changes, labels), bytes_max).map(|()| Reply::Done)
            }
            Ask::Add { key, delta } => {
                let held = store.cells.get(&key);
                let number = held.map_or(Some(0), |(cell, _)| keyvalue::number(&cell.value));
                let sum = number.and_then(|number| number.checked_add(delta));
                let sum = sum.ok_or(Error::NotANumber)?;
                let value = Bytes::from(number_text(sum));
                self.write(at, (vec![Change::Set { key, value }], labels), bytes_max)?;
                Ok(Reply::Number(sum))
            }
            Ask::Swap { key, version, value } => {
                let held = store.cells.get(&key).map(|(cell, _)| cell.clone());
                if held.as_ref().map(|cell| cell.version) != version {
                    return Ok(Reply::Swapped(Err(held)));
                }
                self.write(at, (vec![Change::Set { key, value }], labels), bytes_max)?;
                Ok(Reply::Swapped(Ok(self.counter)))
            }
        }
    }

    fn write(
        &mut self,
        at: &StoreRef,
        (all, labels): (Vec<Change>, &Labels),
        bytes_max: u64,
    ) -> Result<(), Error> {
        let mut counter = self.counter;
        let before = self.stores.get(at);
        let mut after = before.cloned().unwrap_or_default();
        for change in all {
            counter += 1;
            after.change(change, labels, counter);
        }
        let grew = after.bytes > before.map_or(0, |store| store.bytes);
        if grew && after.bytes > bytes_max {
            return Err(Error::Quota { bytes_max });
        }
        self.counter = counter;
        if before.is_some() || !after.cells.is_empty() {
            self.stores.insert(at.clone(), after);
        }
        Ok(())
    }
}

fn bytes_of(key: &str, (cell, labels): &(Cell, Labels)) -> u64 {
    (key.len() + cell.value.len()) as u64 + labels.stored_bytes()
}

impl Store {
    fn size(&self) -> Size {
        Size { keys: self.cells.len() as u64, bytes: self.bytes }
    }

    fn get(&self, keys: &[String]) -> Result<Reply, Error> {
        let of = |key| self.cells.get(key).map(|(cell, _)| cell.clone());
        let cells: Vec<_> = keys.iter().map(of).collect();
        let bytes: usize = cells.iter().flatten().map(|cell| cell.value.len()).sum();
        if bytes > BATCH_BYTES_MAX {
            return Err(keyvalue::too_much_to_read());
        }
        Ok(Reply::Cells(cells))
    }

    fn list(&self, prefix: &str, after: Option<String>, limit: usize) -> Reply {
        let from = match after {
            Some(after) if after.as_str() >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix.to_owned()),
        };
        let rest = self.cells.range((from, Bound::Unbounded));
        let mut keys: Vec<String> = rest
            .map(|(key, _)| key)
            .take_while(|key| key.starts_with(prefix))
            .take(limit + 1)
            .cloned()
            .collect();
        let more = keys.len() > limit;
        keys.truncate(limit);
        Reply::Keys { keys, more }
    }

    fn version(&self, key: &str) -> Option<u64> {
        self.cells.get(key).map(|(cell, _)| cell.version)
    }

    fn change(&mut self, change: Change, labels: &Labels, version: u64) {
        let (key, new) = match change {
            Change::Set { key, value } => (key, Some((Cell { value, version }, labels.clone()))),
            Change::Delete { key } => (key, None),
        };
        let old = match new {
            Some(cell) => {
                self.bytes += bytes_of(&key, &cell);
                self.cells.insert(key.clone(), cell)
            }
            None => self.cells.remove(&key),
        };
        self.bytes -= old.map_or(0, |cell| bytes_of(&key, &cell));
    }
}

impl crate::KeyValue for KeyValue {
    fn ask_labelled<'a>(
        &'a self,
        store: &'a StoreRef,
        ask: Labelled<Ask>,
        bytes_max: u64,
    ) -> Future<'a, Result<Labelled<Reply>, Error>> {
        let done = self.all.lock().ask(store, ask, bytes_max);
        Box::pin(std::future::ready(done))
    }

    fn size<'a>(&'a self, store: &'a StoreRef) -> Future<'a, Result<Size, Error>> {
        let size = self.all.lock().stores.get(store).map(Store::size).unwrap_or_default();
        Box::pin(std::future::ready(Ok(size)))
    }

    fn stores<'a>(&'a self, scope: &'a Scope) -> Future<'a, Result<Vec<(StoreName, Size)>, Error>> {
        let all = self.all.lock();
        let own = all.stores.iter().filter(|(at, _)| at.scope == *scope);
        let mut found: Vec<_> = own.map(|(at, store)| (at.name.clone(), store.size())).collect();
        found.sort_by(|one, two| one.0.cmp(&two.0));
        Box::pin(std::future::ready(Ok(found)))
    }

    fn remove<'a>(&'a self, store: &'a StoreRef) -> Future<'a, Result<bool, Error>> {
        let there = self.all.lock().stores.remove(store).is_some();
        Box::pin(std::future::ready(Ok(there)))
    }
}
