//! What is held in memory, and how it changes.

use crate::blobs::{
    Container, ContainerRef, Error, Info, Quota, Upload, UploadId, UploadRef, check_name,
};
use bytes::{Bytes, BytesMut};
use model::{Labels, Timestamp};
use std::collections::{BTreeMap, HashMap};

#[derive(Default)]
pub(super) struct All {
    counter: u64,
    pub(super) containers: HashMap<ContainerRef, Held>,
}

/// An object, and what it is known to contain.
pub(super) type Stored = (Info, Bytes, Labels);

pub(super) struct Held {
    created: Timestamp,
    pub(super) objects: BTreeMap<String, Stored>,
    pub(super) uploads: BTreeMap<UploadId, Staged>,
}

pub(super) struct Staged {
    pub(super) bytes: BytesMut,
    pub(super) upload: Upload,
    pub(super) busy: bool,
}

impl Held {
    pub(super) fn new(created: Timestamp) -> Self {
        Self { created, objects: BTreeMap::new(), uploads: BTreeMap::new() }
    }

    pub(super) fn size(&self) -> Container {
        let object = |(name, (info, ..)): (&String, &Stored)| name.len() as u64 + info.bytes;
        Container {
            created: self.created,
            objects: self.objects.len() as u64,
            bytes: self.objects.iter().map(object).sum(),
            uploads: self.uploads.len() as u64,
            upload_bytes: self.uploads.values().map(|staged| staged.upload.offset).sum(),
        }
    }

    /// Refuses another `bytes` that do not fit.
    pub(super) fn check(&self, bytes: u64, quota: Quota) -> Result<(), Error> {
        let Quota { bytes_max, .. } = quota;
        let held = self.size();
        match held.bytes.saturating_add(held.upload_bytes).saturating_add(bytes) {
            total if bytes > 0 && total > bytes_max => {
                Err(Error::Quota { what: "bytes", most: bytes_max })
            }
            _ => Ok(()),
        }
    }

    /// Puts an object under a name. `staged` bytes of it are counted already.
    pub(super) fn place(
        &mut self,
        name: &str,
        (info, bytes, labels): Stored,
        staged: u64,
        quota: Quota,
    ) -> Result<(), Error> {
        let old = self.objects.get(name).map(|(info, ..)| name.len() as u64 + info.bytes);
        if old.is_none() && self.objects.len() as u64 >= quota.objects_max {
            return Err(Error::Quota { what: "objects", most: quota.objects_max });
        }
        let more = name.len() as u64 + info.bytes - staged;
        self.check(more.saturating_sub(old.unwrap_or_default()), quota)?;
        self.objects.insert(name.to_owned(), (info, bytes, labels));
        Ok(())
    }
}

impl All {
    pub(super) fn next(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    pub(super) fn held(&mut self, at: &ContainerRef, now: Timestamp) -> &mut Held {
        self.containers.entry(at.clone()).or_insert_with(|| Held::new(now))
    }

    pub(super) fn staged(&mut self, upload: &UploadRef) -> Result<&mut Staged, Error> {
        let held = self.containers.get_mut(&upload.container).ok_or(Error::NoUpload)?;
        held.uploads.get_mut(&upload.id).ok_or(Error::NoUpload)
    }

    pub(super) fn found(&self, at: &ContainerRef, name: &str) -> Result<Option<Stored>, Error> {
        check_name(name)?;
        Ok(self.containers.get(at).and_then(|held| held.objects.get(name)).cloned())
    }

    pub(super) fn append(
        &mut self,
        upload: &UploadRef,
        piece: &[u8],
        quota: Quota,
        now: Timestamp,
    ) -> Result<u64, Error> {
        let held = self.containers.get(&upload.container).ok_or(Error::NoUpload)?;
        held.check(piece.len() as u64, quota)?;
        let staged = self.staged(upload)?;
        staged.bytes.extend_from_slice(piece);
        staged.upload.offset += piece.len() as u64;
        staged.upload.touched = now;
        Ok(staged.upload.offset)
    }

    pub(super) fn finish(
        &mut self,
        upload: &UploadRef,
        (name, labels): (&str, Labels),
        quota: Quota,
        now: Timestamp,
    ) -> Result<Info, Error> {
        check_name(name)?;
        let staged = self.staged(upload)?;
        if staged.busy {
            return Err(Error::Busy);
        }
        let bytes = Bytes::copy_from_slice(&staged.bytes);
        let info = Info { bytes: bytes.len() as u64, created: now, version: self.next() };
        let held = self.held(&upload.container, now);
        held.place(name, (info, bytes, labels), info.bytes, quota)?;
        held.uploads.remove(&upload.id);
        Ok(info)
    }

    pub(super) fn copy(
        &mut self,
        from: (&ContainerRef, &str),
        to: (&ContainerRef, &str),
        quota: Quota,
        now: Timestamp,
    ) -> Result<bool, Error> {
        check_name(to.1)?;
        let Some((info, bytes, labels)) = self.found(from.0, from.1)? else { return Ok(false) };
        let info = Info { created: now, version: self.next(), ..info };
        self.held(to.0, now).place(to.1, (info, bytes, labels), 0, quota)?;
        Ok(true)
    }

    pub(super) fn rename(
        &mut self,
        from: (&ContainerRef, &str),
        to: (&ContainerRef, &str),
        quota: Quota,
        now: Timestamp,
    ) -> Result<bool, Error> {
        check_name(to.1)?;
        let Some((info, bytes, labels)) = self.found(from.0, from.1)? else { return Ok(false) };
        if from == to {
            return Ok(true);
        }
        let version = self.next();
        let object = (Info { created: now, version, ..info }, bytes, labels);
        // What leaves makes room for what comes.
        let taken = self.held(from.0, now).objects.remove(from.1);
        let placed = self.held(to.0, now).place(to.1, object, 0, quota);
        if let (Err(_), Some(taken)) = (&placed, taken) {
            self.held(from.0, now).objects.insert(from.1.to_owned(), taken);
        }
        placed.map(|()| true)
    }
}
