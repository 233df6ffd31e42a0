//! Moves the files of objects to the newest epoch of the root key.
//!
//! A file is sealed with keys of its own, so an object that is moved gets another file: it is
//! written beside, and then takes the place of the old one in the index, if the entry still is what
//! it was. Whoever reads the old file goes on with it.
//!
//! Invariant: the new file is in a list of files that are to go before it is made, and leaves the
//! list with the change that names it. So a crash leaves nothing that nobody knows.

use super::Blobs;
use super::chunks::{CHUNK_BYTES, Chunks, count};
use super::room::{Room, rename};
use super::rows::{self, FileId, Held, ObjectRow, UploadRow};
use super::shared::{blocking, held as held_in, kept, of_io};
use crate::kv::{Step, Walk};
use model::key::Epoch;
use model::{Labelled, Labels, Scope, TenantName};
use ports::blobs::{ContainerRef, Error, PAGE_MAX};
use ports::keyvalue::Change;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::sync::Arc;
use std::time::Duration;

/// Chunks that are sealed anew before there is a pause: 4 MiB.
const CHUNKS_AT_ONCE: u64 = 64;
/// Entries that are read at once.
const ENTRIES_AT_ONCE: usize = 64;

/// What became of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// Its file is sealed with the newest epoch now.
    Anew,
    /// It was so already, or is gone or another one by now.
    Left,
}

/// How many files there are by the epoch that they are sealed with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileCount {
    /// Of objects.
    pub objects: BTreeMap<Epoch, u64>,
    /// Of uploads that are not finished.
    pub uploads: BTreeMap<Epoch, u64>,
}

impl Blobs {
    /// Does a step of the walk that moves a tenant's index.
    ///
    /// # Errors
    /// As [`crate::Stores::rewrap`].
    pub async fn rewrap_index(
        &self,
        tenant: &TenantName,
        walk: Walk,
    ) -> Result<Step, ports::keyvalue::Error> {
        self.shared.index.rewrap(tenant, walk).await
    }

    /// The containers of a tenant.
    ///
    /// # Errors
    /// [`Error`] if the index cannot be read.
    pub async fn containers_of(&self, tenant: &TenantName) -> Result<Vec<ContainerRef>, Error> {
        let names = self.shared.index.names(tenant).await.map_err(super::shared::of_index)?;
        let at = |(environment, name)| ContainerRef {
            scope: Scope { tenant: tenant.clone(), environment },
            name,
        };
        Ok(names.into_iter().map(at).collect())
    }

    /// Objects of a container after `after` whose files are sealed with an epoch below `below`, and
    /// where to go on; nothing at its end.
    ///
    /// # Errors
    /// [`Error`] if the index cannot be read.
    pub async fn older_objects(
        &self,
        at: &ContainerRef,
        after: Option<&str>,
        below: Epoch,
    ) -> Result<(Vec<String>, Option<String>), Error> {
        let page = self.shared.list(at, rows::OBJECT, ("", after), ENTRIES_AT_ONCE).await?;
        let keys = page.names.iter().map(|name| rows::key(rows::OBJECT, name)).collect();
        let cells = self.shared.rows(at, keys).await?;
        let mut older = Vec::new();
        for (name, cell) in page.names.iter().zip(cells) {
            let Some(cell) = cell else { continue };
            if held_in(at, &cell, Labels::NONE)?.row.epoch < below {
                older.push(name.clone());
            }
        }
        Ok((older, page.names.last().filter(|_| page.more).cloned()))
    }

    /// Seals an object's file anew, with a pause after each few chunks that is as long as they took.
    ///
    /// # Errors
    /// [`Error::Damaged`] if it is not what was written; [`Error::Full`] or [`Error::Failed`]. The
    /// object is as it was.
    pub async fn rewrap_object(&self, at: &ContainerRef, name: &str) -> Result<Moved, Error> {
        let Some(held) = self.shared.object(at, name).await? else { return Ok(Moved::Left) };
        let to = self.shared.ring.epoch();
        if held.row.epoch >= to {
            return Ok(Moved::Left);
        }
        let mut id = [0; 16];
        let drawn = aws_lc_rs::rand::fill(&mut id);
        drawn.map_err(|_| Error::Failed("no random bytes".to_owned()))?;
        let row = ObjectRow { file: FileId(id), epoch: to, ..held.row };
        let room = Arc::clone(&self.turn(at).await?.room);
        kept(announce(Arc::clone(&room), row.file)).await?;
        let written = write(&room, &held, row).await;
        let name = name.to_owned();
        kept(async move {
            if !matches!(written, Ok(true)) {
                give_up(&room, row.file).await;
                return written.map(|_| Moved::Left);
            }
            // If this fails, nobody knows which file the entry names, until the next start reads it.
            let placed = place(&room, &name, &held, row).await;
            if matches!(placed, Ok(false)) {
                give_up(&room, row.file).await;
            }
            placed.map(|placed| if placed { Moved::Anew } else { Moved::Left })
        })
        .await
    }

    /// Counts the files of a container. Nobody changes it meanwhile, so none is missed that moves
    /// from one name to another.
    ///
    /// # Errors
    /// [`Error`] if the index cannot be read.
    pub async fn count_files(&self, at: &ContainerRef, found: &mut FileCount) -> Result<(), Error> {
        let _turn = self.turn(at).await?;
        for of in [rows::UPLOAD, rows::OBJECT] {
            let mut after: Option<String> = None;
            loop {
                let page = self.shared.list(at, of, ("", after.as_deref()), PAGE_MAX).await?;
                for names in page.names.chunks(ENTRIES_AT_ONCE) {
                    let keys = names.iter().map(|name| rows::key(of, name)).collect();
                    for cell in self.shared.rows(at, keys).await?.into_iter().flatten() {
                        if of == rows::UPLOAD {
                            let unknown = || Error::Failed("an upload of a later form".to_owned());
                            let row = UploadRow::read(&cell.value).ok_or_else(unknown)?;
                            *found.uploads.entry(row.head.epoch).or_default() += 1;
                        } else {
                            let row = held_in(at, &cell, Labels::NONE)?.row;
                            *found.objects.entry(row.epoch).or_default() += 1;
                        }
                    }
                }
                match page.names.last().filter(|_| page.more) {
                    Some(last) => after = Some(last.clone()),
                    None => break,
                }
            }
        }
        Ok(())
    }
}

/// Puts a file that is not there yet on a list of files that are to go: the next start removes it.
async fn announce(room: Arc<Room>, file: FileId) -> Result<(), Error> {
    let mut turn = room.turn().await?.ok_or_else(gone)?;
    let totals = turn.totals().ok_or_else(gone)?;
    let key = rows::key(rows::DOOMED, &file.hex());
    let change = Change::Set { key, value: rows::write_doomed(&[file]) };
    turn.commit(Labelled::plain(vec![change]), totals, Vec::new(), 0).await
}

/// Writes the new file. Says whether the old one was there.
async fn write(room: &Arc<Room>, held: &Held, row: ObjectRow) -> Result<bool, Error> {
    let ring = &*room.shared.ring;
    let old = Chunks::derive(ring, held.row.epoch, &room.at, held.row.file)?;
    let new = Chunks::derive(ring, row.epoch, &room.at, row.file)?;
    let (from, to) = (room.object_path(held.row.file), room.upload_path(row.file));
    let open = move || {
        let source = match File::open(&from) {
            // Somebody put another object in its place.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(|error| of_io(&from, error))?,
        };
        let mut options = std::fs::OpenOptions::new();
        let made = crate::files::make_directory(to.parent().unwrap_or(&to))
            .and_then(|()| options.write(true).create_new(true).mode(0o600).open(&to));
        let target = made.map_err(|error| of_io(&to, error))?;
        Ok(Some(Copying { source, target, old, new, bytes: row.bytes, number: 0 }))
    };
    let Some(mut copying) = blocking(open).await? else { return Ok(false) };
    loop {
        let began = tokio::time::Instant::now();
        let done;
        (copying, done) = blocking(move || copying.some()).await?;
        if done {
            return Ok(true);
        }
        tokio::time::sleep(began.elapsed().max(Duration::from_millis(1))).await;
    }
}

/// A file that is being sealed anew.
struct Copying {
    source: File,
    target: File,
    old: Chunks,
    new: Chunks,
    /// Length of the object.
    bytes: u64,
    number: u64,
}

impl Copying {
    /// Seals some chunks, and puts all on disk with the last. Says whether that was it. Blocks.
    fn some(mut self) -> Result<(Self, bool), Error> {
        let chunks = count(self.bytes);
        for _ in 0..CHUNKS_AT_ONCE {
            if self.number >= chunks {
                let synced = self.target.sync_all();
                synced.map_err(|error| Error::Failed(error.to_string()))?;
                return Ok((self, true));
            }
            self.chunk(self.number + 1 == chunks)?;
            self.number += 1;
        }
        Ok((self, false))
    }

    fn chunk(&mut self, last: bool) -> Result<(), Error> {
        let begins = self.number * CHUNK_BYTES as u64;
        let plain = self.bytes.saturating_sub(begins).min(CHUNK_BYTES as u64);
        let plain = usize::try_from(plain).unwrap_or(CHUNK_BYTES);
        let mut sealed = vec![0; self.old.sealed_bytes(plain)];
        let changed = || Error::Damaged("the file of an object was changed".to_owned());
        match self.source.read_exact_at(&mut sealed, self.old.offset(self.number)) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Err(changed()),
            read => read.map_err(|error| Error::Failed(error.to_string()))?,
        }
        let plain = self.old.unseal(self.number, last, &sealed).ok_or_else(changed)?;
        let mut buffer = self.new.buffer();
        buffer.extend_from_slice(&plain);
        let sealed = self.new.seal(self.number, last, buffer)?;
        let written = self.target.write_all_at(&sealed, self.new.offset(self.number));
        written.map_err(|error| match error.kind() {
            ErrorKind::StorageFull => Error::Full,
            _ => Error::Failed(error.to_string()),
        })
    }
}

/// Has the entry name the new file, if it is what it was.
async fn place(room: &Arc<Room>, name: &str, held: &Held, row: ObjectRow) -> Result<bool, Error> {
    let Some(mut turn) = room.turn().await? else { return Ok(false) };
    let Some(totals) = turn.totals() else { return Ok(false) };
    let now = room.shared.object(&room.at, name).await?;
    if now.is_none_or(|now| now.version != held.version) {
        return Ok(false);
    }
    let (from, to) = (room.upload_path(row.file), room.object_path(row.file));
    blocking(move || rename(&from, &to)).await?;
    let unwritten = || Error::Failed("a row could not be written".to_owned());
    let value = rows::write(&row).ok_or_else(unwritten)?.into();
    let changes = vec![
        Change::Set { key: rows::key(rows::OBJECT, name), value },
        Change::Delete { key: rows::key(rows::DOOMED, &row.file.hex()) },
    ];
    let changes = Labelled { value: changes, labels: held.labels.clone() };
    turn.commit(changes, totals, vec![held.row.file], 0).await.map(|()| true)
}

/// Removes a file that nothing names. What fails is done by the next start.
async fn give_up(room: &Arc<Room>, file: FileId) {
    let own = Arc::clone(room);
    if let Err(error) = blocking(move || own.unlink(&[file])).await {
        tracing::warn!(%error, "a file of blobs that nothing names still takes room");
        return;
    }
    if let Ok(Some(mut turn)) = room.turn().await {
        turn.settled(rows::key(rows::DOOMED, &file.hex()));
    }
}

fn gone() -> Error {
    Error::Failed("the container was removed meanwhile".to_owned())
}
