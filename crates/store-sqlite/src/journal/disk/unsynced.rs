//! A file system in memory that forgets what was never synced.
//!
//! It counts the calls that change it and can stop at any of them as a machine does that loses
//! its power: from then on every call fails, and [`UnsyncedDisk::after_crash`] is what the next
//! start finds. It also has a size, so that it can be full, and its syncs can be made to wait.
//!
//! Invariant: what was written before a sync began is there after a crash, once the sync has
//! ended. What it did not cover is there, gone, or torn, as the seed says.

use super::{Disk, SegmentFile, Space};
use parking_lot::{Condvar, Mutex};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Debug, Clone, Default)]
struct Node {
    now: Vec<u8>,
    synced: Vec<u8>,
    /// Whether its directory was synced since it was made.
    named: bool,
    /// Whether another file got its name: one of the two has it after a crash.
    replaced: bool,
}

#[derive(Debug, Clone)]
struct Table {
    /// Files, with the removed ones whose removal was not synced.
    files: BTreeMap<PathBuf, Arc<Mutex<Node>>>,
    removed: BTreeMap<PathBuf, Node>,
    capacity: u64,
    calls: u64,
    crash_at: Option<u64>,
    sync_error_at: Option<u64>,
}

/// How many syncs of files may still end, if they are held, and how many wait.
#[derive(Debug, Default)]
struct Gate {
    state: Mutex<(Option<u64>, u64)>,
    opened: Condvar,
}

/// The disk. Clones are the same disk.
#[derive(Debug, Clone)]
pub(in crate::journal) struct UnsyncedDisk(Arc<Mutex<Table>>, Arc<Gate>);

impl UnsyncedDisk {
    /// An empty disk with room for `capacity` bytes.
    pub(in crate::journal) fn new(capacity: u64) -> Self {
        let table = Table {
            files: BTreeMap::new(),
            removed: BTreeMap::new(),
            capacity,
            calls: 0,
            crash_at: None,
            sync_error_at: None,
        };
        Self(Arc::new(Mutex::new(table)), Arc::default())
    }

    /// Lets so many more syncs of files end and holds the next; `None` lets all end.
    pub(in crate::journal) fn hold_syncs_after(&self, syncs: Option<u64>) {
        self.1.state.lock().0 = syncs;
        self.1.opened.notify_all();
    }

    /// Whether a sync is held.
    pub(in crate::journal) fn holds_a_sync(&self) -> bool {
        self.1.state.lock().1 > 0
    }

    /// Stops at the changing call with this number, counted from now on, from 0.
    pub(in crate::journal) fn crash_after(&self, calls: u64) {
        let mut table = self.0.lock();
        table.crash_at = Some(table.calls + calls);
    }

    /// Lets the first sync fail that comes after so many more changing calls.
    pub(in crate::journal) fn fail_sync_after(&self, calls: u64) {
        let mut table = self.0.lock();
        table.sync_error_at = Some(table.calls + calls);
    }

    /// Whether the crash has happened.
    pub(in crate::journal) fn is_crashed(&self) -> bool {
        let table = self.0.lock();
        table.crash_at.is_some_and(|at| table.calls > at)
    }

    /// Makes the disk larger or smaller.
    pub(in crate::journal) fn resize(&self, capacity: u64) {
        self.0.lock().capacity = capacity;
    }

    /// Bytes that are taken.
    pub(in crate::journal) fn used(&self) -> u64 {
        used(&self.0.lock())
    }

    /// The disk that the next start finds after the process was killed.
    pub(in crate::journal) fn after_kill(&self) -> Self {
        let table = self.0.lock();
        let after = Self::new(table.capacity);
        let copy = |node: &Arc<Mutex<Node>>| Arc::new(Mutex::new(node.lock().clone()));
        let files = table.files.iter().map(|(path, node)| (path.clone(), copy(node))).collect();
        (after.0.lock().files, after.0.lock().removed) = (files, table.removed.clone());
        after
    }

    /// The disk that the next start finds after the power was cut.
    pub(in crate::journal) fn after_crash(&self, seed: u64) -> Self {
        let mut dice = Dice(seed | 1);
        let table = self.0.lock();
        let after = Self::new(table.capacity);
        let mut left = after.0.lock();
        for (path, node) in &table.files {
            let node = node.lock();
            if node.named || dice.roll(2) == 0 {
                let bytes = torn(&node, &mut dice);
                let node = Node { synced: bytes.clone(), now: bytes, named: true, replaced: false };
                left.files.insert(path.clone(), Arc::new(Mutex::new(node)));
            }
        }
        for (path, node) in &table.removed {
            let there = dice.roll(2) == 0 || node.replaced;
            if there && !left.files.contains_key(path) {
                let node = Node { replaced: false, ..node.clone() };
                left.files.insert(path.clone(), Arc::new(Mutex::new(node)));
            }
        }
        drop(left);
        after
    }

    /// Changes one byte of the only file whose path ends in `end`, or of the file itself.
    pub(in crate::journal) fn edit(&self, end: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let table = self.0.lock();
        let mut files = table.files.iter().filter(|(path, _)| path.ends_with(end));
        let mut node = files.next().expect("the file is there").1.lock();
        change(&mut node.now);
        node.synced = node.now.clone();
    }

    /// The paths of all files, in order.
    pub(in crate::journal) fn paths(&self) -> Vec<String> {
        self.0.lock().files.keys().map(|path| path.display().to_string()).collect()
    }

    fn call(&self) -> io::Result<()> {
        let mut table = self.0.lock();
        let crashed = table.crash_at.is_some_and(|at| table.calls >= at);
        table.calls += 1;
        if crashed { Err(io::Error::other("the machine has no power")) } else { Ok(()) }
    }

    /// A sync's turn to fail on its own.
    fn sync_fails(&self) -> bool {
        let mut table = self.0.lock();
        let now = table.sync_error_at.is_some_and(|at| table.calls > at);
        if now {
            table.sync_error_at = None;
        }
        now
    }
}

/// What is left of a file: what was synced, and any part of what was written since.
fn torn(node: &Node, dice: &mut Dice) -> Vec<u8> {
    let mut bytes = node.synced.clone();
    let new = node.now.get(bytes.len()..).unwrap_or_default();
    match dice.roll(5) {
        0 => {}
        // The length was written and the data was not.
        1 => bytes.resize(node.now.len().max(bytes.len()), 0),
        // The data was written in any order.
        2 => {
            for page in new.chunks(PAGE_BYTES) {
                let kept = dice.roll(2) == 0;
                bytes.extend(page.iter().map(|byte| if kept { *byte } else { 0 }));
            }
        }
        _ => {
            let kept = dice.roll(new.len() as u64 + 1) as usize;
            bytes.extend_from_slice(&new[..kept]);
        }
    }
    bytes
}

/// What is written at once: small beside the blocks of a test.
const PAGE_BYTES: usize = 64;

fn used(table: &Table) -> u64 {
    table.files.values().map(|node| node.lock().now.len() as u64).sum()
}

/// xorshift64 (Marsaglia, 2003): enough to vary a test by its seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        for shift in [13, -7, 17] {
            self.0 ^= if shift > 0 { self.0 << shift } else { self.0 >> -shift };
        }
        self.0 % sides
    }
}

fn full() -> io::Error {
    io::ErrorKind::StorageFull.into()
}

fn missing() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl Disk for UnsyncedDisk {
    fn make_dir(&self, _: &Path) -> io::Result<()> {
        self.call()
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let table = self.0.lock();
        let inside = table.files.keys().filter_map(|path| path.strip_prefix(dir).ok());
        let first = inside.filter_map(|path| path.components().next());
        let mut names: Vec<String> =
            first.map(|name| name.as_os_str().to_string_lossy().into_owned()).collect();
        names.dedup();
        Ok(names)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        self.call()?;
        let mut table = self.0.lock();
        if table.files.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let node = Arc::new(Mutex::new(Node::default()));
        table.files.insert(path.to_owned(), node.clone());
        Ok(Box::new(UnsyncedFile { disk: self.clone(), node }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        let node = self.0.lock().files.get(path).cloned().ok_or_else(missing)?;
        Ok(Box::new(UnsyncedFile { disk: self.clone(), node }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call()?;
        let mut table = self.0.lock();
        let new = table.files.remove(from).ok_or_else(missing)?;
        new.lock().named = false;
        let Some(old) = table.files.insert(to.to_owned(), new) else { return Ok(()) };
        let old = old.lock().clone();
        if old.named {
            let left = Node { now: old.synced.clone(), replaced: true, ..old };
            table.removed.insert(to.to_owned(), left);
        }
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.call()?;
        let mut table = self.0.lock();
        let node = table.files.remove(path).ok_or_else(missing)?;
        let node = node.lock().clone();
        if node.named {
            let left = Node { now: node.synced.clone(), ..node };
            table.removed.insert(path.to_owned(), left);
        }
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.call()?;
        let mut table = self.0.lock();
        for (path, node) in &table.files {
            node.lock().named |= path.parent() == Some(dir);
        }
        table.removed.retain(|path, _| path.parent() != Some(dir));
        Ok(())
    }

    fn space(&self, _: &Path) -> io::Result<Space> {
        let table = self.0.lock();
        let free_bytes = table.capacity.saturating_sub(used(&table));
        Ok(Space { free_bytes, total_bytes: table.capacity })
    }

    fn reserve(&self, path: &Path, bytes: u64) -> io::Result<()> {
        let file = self.create(path)?;
        file.write_all_at(&vec![0; bytes as usize], 0)
    }
}

struct UnsyncedFile {
    disk: UnsyncedDisk,
    node: Arc<Mutex<Node>>,
}

impl SegmentFile for UnsyncedFile {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let crashes = self.disk.call();
        let table = self.disk.0.lock();
        let room = table.capacity.saturating_sub(used(&table)) as usize;
        let mut node = self.node.lock();
        // A write that fails, for want of power or room, may have written a part.
        let part = if crashes.is_err() { bytes.len() / 2 } else { bytes.len() };
        let end = (offset as usize + part).min(node.now.len() + room).max(offset as usize);
        let written = end - offset as usize;
        if node.now.len() < end {
            node.now.resize(end, 0);
        }
        node.now[offset as usize..end].copy_from_slice(&bytes[..written]);
        crashes?;
        if written < bytes.len() { Err(full()) } else { Ok(()) }
    }

    fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        let node = self.node.lock();
        let from = node.now.get(offset as usize..).and_then(|rest| rest.get(..bytes.len()));
        bytes.copy_from_slice(from.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.node.lock().now.len() as u64)
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.disk.call()?;
        self.node.lock().now.truncate(len as usize);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.call()?;
        let covered = self.node.lock().now.clone();
        let gate = &self.disk.1;
        let mut state = gate.state.lock();
        state.1 += 1;
        gate.opened.wait_while(&mut state, |(left, _)| *left == Some(0));
        *state = (state.0.map(|left| left - 1), state.1 - 1);
        drop(state);
        if self.disk.sync_fails() {
            return Err(io::Error::other("the disk lost a page"));
        }
        self.node.lock().synced = covered;
        Ok(())
    }
}
