//! One container, as this process knows it, and the right to change it.
//!
//! Invariant: who changes a container has its turn, and nobody else has; what it holds is written
//! together with each change.

use super::rows::{self, FileId, Totals};
use super::shared::{self, Shared, directory};
use model::Labelled;
use parking_lot::Mutex;
use ports::blobs::{ContainerRef, Error, Quota, UploadId};
use ports::keyvalue::{Change, PAGE_MAX};
use std::collections::HashSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::OwnedMutexGuard;

/// Lists of removed files that one change takes out of the index.
const LISTS_MAX: usize = 100;

/// A container.
pub(super) struct Room {
    pub(super) shared: Arc<Shared>,
    pub(super) at: ContainerRef,
    dir: PathBuf,
    state: Arc<tokio::sync::Mutex<State>>,
    numbers: Mutex<Numbers>,
    using: Mutex<HashSet<UploadId>>,
}

/// What only whoever has the turn sees.
#[derive(Default)]
struct State {
    loaded: bool,
    /// The container was removed, and this is not what is known of a later one.
    gone: bool,
    /// Keys of lists whose files are removed.
    done: Vec<String>,
}

#[derive(Default)]
struct Numbers {
    /// As of the last change; `None` if there is no container.
    totals: Option<Totals>,
    /// Bytes that came for uploads and are in no total yet.
    reserved: u64,
}

/// The right to change a container.
pub(super) struct Turn {
    pub(super) room: Arc<Room>,
    state: OwnedMutexGuard<State>,
}

/// The right to append to an upload, or to end it.
pub(super) struct Using {
    room: Arc<Room>,
    id: UploadId,
}

impl Drop for Using {
    fn drop(&mut self) {
        self.room.using.lock().remove(&self.id);
    }
}

impl Room {
    pub(super) fn new(shared: Arc<Shared>, at: ContainerRef) -> Self {
        let dir = directory(shared.dir(), &at);
        Self {
            shared,
            at,
            dir,
            state: Arc::default(),
            numbers: Mutex::default(),
            using: Mutex::default(),
        }
    }

    /// Waits for the turn. `None` if the container was removed meanwhile.
    pub(super) async fn turn(self: &Arc<Self>) -> Result<Option<Turn>, Error> {
        let state = Arc::clone(&self.state).lock_owned().await;
        let mut turn = Turn { room: Arc::clone(self), state };
        if !turn.state.loaded {
            turn.load().await?;
            turn.state.loaded = true;
        }
        Ok((!turn.state.gone).then_some(turn))
    }

    /// The right to an upload, if nobody has it.
    pub(super) fn uses(self: &Arc<Self>, id: UploadId) -> Result<Arc<Using>, Error> {
        if !self.using.lock().insert(id) {
            return Err(Error::Busy);
        }
        Ok(Arc::new(Using { room: Arc::clone(self), id }))
    }

    /// Sets bytes aside for an upload, if they fit.
    pub(super) fn reserve(&self, bytes: u64, quota: Quota) -> Result<(), Error> {
        let mut numbers = self.numbers.lock();
        let held = numbers.totals.map_or(0, |totals| totals.bytes + totals.upload_bytes);
        let reserved = numbers.reserved.saturating_add(bytes);
        if bytes > 0 && held.saturating_add(reserved) > quota.bytes_max {
            return Err(Error::Quota { what: "bytes", most: quota.bytes_max });
        }
        numbers.reserved = reserved;
        Ok(())
    }

    /// Gives back what was set aside.
    pub(super) fn give_back(&self, bytes: u64) {
        let mut numbers = self.numbers.lock();
        numbers.reserved = numbers.reserved.saturating_sub(bytes);
    }

    /// Where an object's file is.
    pub(super) fn object_path(&self, file: FileId) -> PathBuf {
        let hex = file.hex();
        self.dir.join("objects").join(hex.get(..2).unwrap_or_default()).join(hex)
    }

    /// Where an upload's file is.
    pub(super) fn upload_path(&self, file: FileId) -> PathBuf {
        self.dir.join("uploads").join(file.hex())
    }

    /// Removes a container of which not even the totals can be read.
    pub(super) async fn remove_damaged(self: Arc<Self>) -> Result<bool, Error> {
        let state = Arc::clone(&self.state).lock_owned().await;
        Turn { room: self, state }.remove().await
    }

    pub(super) fn unlink(&self, files: &[FileId]) -> Result<(), Error> {
        let _stays_until = self.shared.leaving.read();
        for file in files {
            for path in [self.object_path(*file), self.upload_path(*file)] {
                match std::fs::remove_file(&path) {
                    Err(error) if error.kind() != ErrorKind::NotFound => {
                        return Err(shared::of_io(&path, error));
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

impl Turn {
    /// Reads what the container holds, and goes on with what a crash left.
    async fn load(&mut self) -> Result<(), Error> {
        let Room { shared, at, .. } = &*self.room;
        let totals = shared.load_totals(at).await?;
        if totals.is_none() {
            // Of one that was removed.
            let room = Arc::clone(&self.room);
            shared::blocking(move || remove_tree(&room)).await?;
        }
        let lists = shared.list(at, rows::DOOMED, ("", None), PAGE_MAX).await?;
        for key in lists.names.into_iter().map(|name| rows::key(rows::DOOMED, &name)) {
            let row = shared.rows(at, vec![key.clone()]).await?.pop().flatten();
            let files = row.and_then(|cell| rows::read_doomed(&cell.value)).unwrap_or_default();
            let room = Arc::clone(&self.room);
            shared::blocking(move || room.unlink(&files)).await?;
            self.state.done.push(key);
        }
        self.room.numbers.lock().totals = totals;
        Ok(())
    }

    /// The files of a list are gone: the next change takes it out of the index.
    pub(super) fn settled(&mut self, list: String) {
        self.state.done.push(list);
    }

    pub(super) fn totals(&self) -> Option<Totals> {
        self.room.numbers.lock().totals
    }

    /// Refuses what would make the container larger than it may be.
    pub(super) fn check(&self, after: &Totals, quota: Quota) -> Result<(), Error> {
        let numbers = self.room.numbers.lock();
        let before = numbers.totals.unwrap_or(Totals::new(after.created));
        if after.objects > before.objects && after.objects > quota.objects_max {
            return Err(Error::Quota { what: "objects", most: quota.objects_max });
        }
        let held = before.bytes + before.upload_bytes;
        let total = after.bytes + after.upload_bytes;
        if total > held && total.saturating_add(numbers.reserved) > quota.bytes_max {
            return Err(Error::Quota { what: "bytes", most: quota.bytes_max });
        }
        Ok(())
    }

    /// Makes a change, with what the container then holds. Files that it leaves behind are removed
    /// after it is on disk; of `settled` reserved bytes the totals know now.
    pub(super) async fn commit(
        &mut self,
        changes: Labelled<Vec<Change>>,
        totals: Totals,
        doomed: Vec<FileId>,
        settled: u64,
    ) -> Result<(), Error> {
        let Labelled { value: mut changes, labels } = changes;
        let unwritten = || Error::Failed("a row could not be written".to_owned());
        let value = rows::write(&totals).ok_or_else(unwritten)?.into();
        changes.push(Change::Set { key: rows::CONTAINER.to_owned(), value });
        let list = doomed.first().map(|first| rows::key(rows::DOOMED, &first.hex()));
        if let Some(key) = list.clone() {
            changes.push(Change::Set { key, value: rows::write_doomed(&doomed) });
        }
        let done = self.state.done.len().saturating_sub(LISTS_MAX);
        let done = self.state.done.split_off(done);
        changes.extend(done.iter().map(|key| Change::Delete { key: key.clone() }));
        if let Err(error) =
            self.room.shared.write(&self.room.at, Labelled { value: changes, labels }).await
        {
            self.state.done.extend(done);
            return Err(error);
        }
        {
            let mut numbers = self.room.numbers.lock();
            numbers.totals = Some(totals);
            numbers.reserved = numbers.reserved.saturating_sub(settled);
        }
        if let Some(key) = list {
            let room = Arc::clone(&self.room);
            match shared::blocking(move || room.unlink(&doomed)).await {
                Ok(()) => self.state.done.push(key),
                // They are tried again after the next start.
                Err(error) => {
                    tracing::warn!(%error, "files of blobs that are gone still take room");
                }
            }
        }
        Ok(())
    }

    /// Removes the container with all that is in it.
    pub(super) async fn remove(mut self) -> Result<bool, Error> {
        use ports::KeyValue as _;
        let Room { shared, at, .. } = &*self.room;
        let there = shared.index.remove(at).await.map_err(shared::of_index)?;
        self.state.gone = true;
        self.state.loaded = true;
        let room = Arc::clone(&self.room);
        shared::blocking(move || remove_tree(&room)).await?;
        Ok(there)
    }
}

/// Removes all files of a container that is in no index.
fn remove_tree(room: &Room) -> Result<(), Error> {
    let _stays_until = room.shared.leaving.read();
    match std::fs::remove_dir_all(&room.dir) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(shared::of_io(&room.dir, error)),
        _ => Ok(()),
    }
}

/// Puts a file in another place, and both on disk.
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), Error> {
    let parent = to.parent().unwrap_or(to);
    let moved = crate::files::make_directory(parent)
        .and_then(|()| std::fs::rename(from, to))
        .and_then(|()| crate::files::sync(parent));
    moved.map_err(|error| shared::of_io(to, error))
}
