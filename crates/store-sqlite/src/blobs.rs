//! Blobs: an index for each tenant, `blobs/<tenant>.db`, and a file for each object below
//! `blobs/<tenant>/`.
//!
//! The index is a file of key-value stores, one for each container, so what it says is sealed, and
//! an entry that was changed, swapped, removed or put back from before is found as a value would
//! be. An entry names its object's file and length. The file is sealed in chunks, with a key of
//! its own, so it is of use under no other entry.
//!
//! Invariant: a file is named by an entry, by an upload, or by a list of files that are to go, at
//! every moment, so a crash leaves nothing that nobody knows.
//! Invariant: one process at a time; the home's lock holds that.

use crate::Error as StoreError;
use crate::kv::{self, Anchors, Stores};
use bytes::Bytes;
use model::{Labels, Scope, StoreName, Timestamp};
use parking_lot::RwLock;
use ports::blobs::{
    Body, Collected, Container, ContainerRef, Error, Info, Object, Page, Quota, Range, Upload,
    UploadId, UploadRef, check_names, check_note, check_page,
};
use ports::{Future, KeyRing};
pub use rewrap::{FileCount, Moved};
use room::{Room, Turn};
use shared::Shared;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

mod append;
mod change;
mod chunks;
mod pen;
mod reading;
mod rewrap;
mod room;
mod rows;
mod shared;
mod snapshot;
mod uploads;

/// The directory in the home.
pub const DIRECTORY: &str = "blobs";

/// All blobs of a home.
pub struct Blobs {
    shared: Arc<Shared>,
    rooms: RwLock<HashMap<ContainerRef, Arc<Room>>>,
    home: PathBuf,
}

impl Blobs {
    /// The blobs of the home `home`. Files are opened when they are first asked for, and made when
    /// they are first written to.
    ///
    /// # Errors
    /// [`StoreError::Io`] if no thread could be started.
    pub fn open(
        home: &Path,
        ring: Arc<dyn KeyRing>,
        anchors: Arc<dyn Anchors>,
    ) -> Result<Self, StoreError> {
        let index = Stores::open_area(DIRECTORY, home, Arc::clone(&ring), anchors)?;
        let shared = Arc::new(Shared::new(index, ring, home.join(DIRECTORY)));
        Ok(Self { shared, rooms: RwLock::default(), home: home.to_owned() })
    }

    /// Takes a consistent copy of every index, and links to the files that it names, below
    /// `target`, which is in the same file system. Gives their paths in a home and there. Blocks.
    ///
    /// Uploads that are not finished are not part of it. For a backup, the registry is copied
    /// first.
    ///
    /// # Errors
    /// [`StoreError`]; copies that were made remain.
    pub fn snapshot(&self, target: &Path) -> Result<Vec<(String, PathBuf)>, StoreError> {
        let _nothing_goes = self.shared.leaving.write();
        snapshot::take(&self.home, target)
    }

    /// What is known here of a container.
    fn room(&self, at: &ContainerRef) -> Arc<Room> {
        if let Some(room) = self.rooms.read().get(at) {
            return Arc::clone(room);
        }
        let make = || Arc::new(Room::new(Arc::clone(&self.shared), at.clone()));
        Arc::clone(self.rooms.write().entry(at.clone()).or_insert_with(make))
    }

    /// The right to change a container.
    async fn turn(&self, at: &ContainerRef) -> Result<Turn, Error> {
        loop {
            let room = self.room(at);
            match room.turn().await? {
                Some(turn) => return Ok(turn),
                // It was removed meanwhile: whoever comes next begins anew.
                None => self.forget(at, &room),
            }
        }
    }

    fn forget(&self, at: &ContainerRef, room: &Arc<Room>) {
        let mut rooms = self.rooms.write();
        if rooms.get(at).is_some_and(|held| Arc::ptr_eq(held, room)) {
            rooms.remove(at);
        }
    }

    async fn remove_container(&self, at: &ContainerRef) -> Result<bool, Error> {
        let turn = self.turn(at).await;
        let there = match turn {
            // What is damaged can be removed, too.
            Err(Error::Damaged(_)) => self.room(at).remove_damaged().await,
            turn => shared::kept(turn?.remove()).await,
        };
        self.forget(at, &self.room(at));
        there
    }
}

impl ports::Blobs for Blobs {
    fn create<'a>(
        &'a self,
        at: &'a ContainerRef,
        now: Timestamp,
    ) -> Future<'a, Result<bool, Error>> {
        Box::pin(async move {
            let turn = self.turn(at).await?;
            shared::kept(turn.create(now)).await
        })
    }

    fn container<'a>(
        &'a self,
        at: &'a ContainerRef,
    ) -> Future<'a, Result<Option<Container>, Error>> {
        Box::pin(async move { self.shared.totals(at).await })
    }

    fn containers<'a>(
        &'a self,
        scope: &'a Scope,
    ) -> Future<'a, Result<Vec<(StoreName, Container)>, Error>> {
        Box::pin(async move {
            let mut found = Vec::new();
            let all = self.shared.index.names(&scope.tenant).await.map_err(shared::of_index)?;
            for (_, name) in all.into_iter().filter(|(own, _)| *own == scope.environment) {
                let at = ContainerRef { scope: scope.clone(), name };
                found.extend(self.shared.totals(&at).await?.map(|totals| (at.name, totals)));
            }
            found.sort_by(|one, two| one.0.cmp(&two.0));
            Ok(found)
        })
    }

    fn remove<'a>(&'a self, at: &'a ContainerRef) -> Future<'a, Result<bool, Error>> {
        Box::pin(self.remove_container(at))
    }

    fn info<'a>(
        &'a self,
        at: &'a ContainerRef,
        name: &'a str,
    ) -> Future<'a, Result<Option<Info>, Error>> {
        Box::pin(async move { Ok(self.shared.object(at, name).await?.map(|held| held.info())) })
    }

    fn get<'a>(
        &'a self,
        at: &'a ContainerRef,
        name: &'a str,
        range: Range,
    ) -> Future<'a, Result<Option<Object>, Error>> {
        Box::pin(reading::open(&self.shared, at, name, range))
    }

    fn list<'a>(
        &'a self,
        at: &'a ContainerRef,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> Future<'a, Result<Page, Error>> {
        Box::pin(async move {
            check_page(prefix, after, limit)?;
            self.shared.list(at, rows::OBJECT, (prefix, after), limit).await
        })
    }

    fn delete<'a>(
        &'a self,
        at: &'a ContainerRef,
        names: &'a [String],
    ) -> Future<'a, Result<(), Error>> {
        Box::pin(async move {
            check_names(names)?;
            let turn = self.turn(at).await?;
            shared::kept(turn.delete(names.to_vec())).await.map(drop)
        })
    }

    fn clear<'a>(&'a self, at: &'a ContainerRef) -> Future<'a, Result<(), Error>> {
        Box::pin(async move {
            loop {
                let page =
                    self.shared.list(at, rows::OBJECT, ("", None), ports::blobs::BATCH_MAX).await?;
                if page.names.is_empty() {
                    return Ok(());
                }
                let turn = self.turn(at).await?;
                shared::kept(turn.delete(page.names)).await?;
            }
        })
    }

    fn copy<'a>(
        &'a self,
        from: (&'a ContainerRef, &'a str),
        to: (&'a ContainerRef, &'a str),
        quota: Quota,
        now: Timestamp,
    ) -> Future<'a, Result<bool, Error>> {
        Box::pin(self.copy_object(from, to, quota, now))
    }

    fn rename<'a>(
        &'a self,
        from: (&'a ContainerRef, &'a str),
        to: (&'a ContainerRef, &'a str),
        quota: Quota,
        now: Timestamp,
    ) -> Future<'a, Result<bool, Error>> {
        Box::pin(self.rename_object(from, to, quota, now))
    }

    fn begin<'a>(
        &'a self,
        at: &'a ContainerRef,
        note: Bytes,
        now: Timestamp,
    ) -> Future<'a, Result<UploadId, Error>> {
        Box::pin(async move {
            check_note(&note)?;
            let turn = self.turn(at).await?;
            shared::kept(turn.begin(note, now)).await
        })
    }

    fn append<'a>(
        &'a self,
        upload: &'a UploadRef,
        offset: u64,
        body: Body,
        quota: Quota,
        now: Timestamp,
    ) -> Future<'a, Result<u64, Error>> {
        Box::pin(self.append_body(upload, offset, body, quota, now))
    }

    fn status<'a>(&'a self, upload: &'a UploadRef) -> Future<'a, Result<Option<Upload>, Error>> {
        Box::pin(async move {
            Ok(self.shared.upload(&upload.container, upload.id).await?.map(|row| row.shown()))
        })
    }

    fn finish_labelled<'a>(
        &'a self,
        upload: &'a UploadRef,
        named: (&'a str, Labels),
        quota: Quota,
        now: Timestamp,
    ) -> Future<'a, Result<Info, Error>> {
        Box::pin(self.finish_upload(upload, named, quota, now))
    }

    fn abort<'a>(&'a self, upload: &'a UploadRef) -> Future<'a, Result<bool, Error>> {
        Box::pin(self.abort_upload(upload))
    }

    fn uploads<'a>(
        &'a self,
        at: &'a ContainerRef,
        after: Option<UploadId>,
        limit: usize,
    ) -> Future<'a, Result<Vec<(UploadId, Upload)>, Error>> {
        Box::pin(async move {
            check_page("", None, limit)?;
            self.list_uploads(at, after, limit).await
        })
    }

    fn collect(&self, before: Timestamp) -> Future<'_, Result<Collected, Error>> {
        Box::pin(self.collect_stale(before))
    }
}

/// The tenants whose blobs lie in the home `home`, in order.
///
/// # Errors
/// [`StoreError::Io`].
pub fn tenants(home: &Path) -> Result<Vec<model::TenantName>, StoreError> {
    kv::tenants_in(DIRECTORY, home)
}

/// Whether a path of a home is one that [`Blobs::snapshot`] gives.
#[must_use]
pub fn belongs(path: &str) -> bool {
    snapshot::belongs(path)
}
