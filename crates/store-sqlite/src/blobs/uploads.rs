//! The beginning and the end of uploads.

use super::Blobs;
use super::pen::Pen;
use super::room::{Turn, rename};
use super::rows::{self, FileId, Held, ObjectRow, Totals, UploadRow};
use super::shared::{blocking, kept, of_index};
use bytes::Bytes;
use model::{Labelled, Labels, Scope, Timestamp};
use ports::blobs::{
    Collected, ContainerRef, Error, Info, PAGE_MAX, Quota, UPLOADS_MAX, Upload, UploadId,
    UploadRef, check_name,
};
use ports::keyvalue::Change;
use std::sync::Arc;

/// Rows of uploads that are read at once: each may have a chunk and a note in it.
const READ_AT_ONCE: usize = 64;

impl Turn {
    pub(super) async fn create(mut self, now: Timestamp) -> Result<bool, Error> {
        if self.totals().is_some() {
            return Ok(false);
        }
        self.commit(Labelled::plain(Vec::new()), Totals::new(now), Vec::new(), 0)
            .await
            .map(|()| true)
    }

    pub(super) async fn begin(mut self, note: Bytes, now: Timestamp) -> Result<UploadId, Error> {
        let mut totals = self.totals().unwrap_or(Totals::new(now));
        if totals.uploads >= UPLOADS_MAX {
            return Err(Error::Quota { what: "uploads", most: UPLOADS_MAX });
        }
        totals.uploads += 1;
        let mut id = UploadId([0; 16]);
        let drawn = aws_lc_rs::rand::fill(&mut id.0);
        drawn.map_err(|_| Error::Failed("no random bytes".to_owned()))?;
        let row = UploadRow::new(self.room.shared.ring.epoch(), note, now);
        let unwritten = || Error::Failed("a row could not be written".to_owned());
        let key = rows::key(rows::UPLOAD, &id.to_string());
        let change = Change::Set { key, value: row.write().ok_or_else(unwritten)? };
        self.commit(Labelled::plain(vec![change]), totals, Vec::new(), 0).await.map(|()| id)
    }

    /// Takes an upload away. Whoever calls has the right to it.
    async fn abort(mut self, id: UploadId) -> Result<Option<u64>, Error> {
        let Some(row) = self.room.shared.upload(&self.room.at, id).await? else { return Ok(None) };
        let mut totals = self.totals().ok_or(Error::NoUpload)?;
        totals.take_upload(row.head.offset);
        let key = rows::key(rows::UPLOAD, &id.to_string());
        let gone = Labelled::plain(vec![Change::Delete { key }]);
        self.commit(gone, totals, vec![id.into()], 0).await?;
        Ok(Some(row.head.offset))
    }

    /// Puts an upload, whose file is whole, under its name.
    async fn place(
        mut self,
        id: UploadId,
        (name, labels): (&str, Labels),
        object: ObjectRow,
        quota: Quota,
    ) -> Result<Info, Error> {
        let room = Arc::clone(&self.room);
        let old = room.shared.object(&room.at, name).await?;
        let mut totals = self.totals().ok_or(Error::NoUpload)?;
        totals.take_upload(object.bytes);
        if let Some(Held { row, .. }) = &old {
            totals.take_object(name, row);
        }
        totals.add_object(name, &object);
        self.check(&totals, quota)?;
        let (from, to) = (room.upload_path(object.file), room.object_path(object.file));
        blocking(move || rename(&from, &to)).await?;
        let unwritten = || Error::Failed("a row could not be written".to_owned());
        let value = rows::write(&object).ok_or_else(unwritten)?.into();
        let changes = vec![
            Change::Delete { key: rows::key(rows::UPLOAD, &id.to_string()) },
            Change::Set { key: rows::key(rows::OBJECT, name), value },
        ];
        // If it fails, the next who goes on with the upload looks for the file there, too.
        let doomed = old.map(|old| old.row.file).into_iter().collect();
        self.commit(Labelled { value: changes, labels }, totals, doomed, 0).await?;
        let held = room.shared.object(&room.at, name).await?;
        held.map(|held| held.info()).ok_or(Error::NoUpload)
    }
}

impl Blobs {
    pub(super) async fn finish_upload(
        &self,
        upload: &UploadRef,
        (name, labels): (&str, Labels),
        quota: Quota,
        now: Timestamp,
    ) -> Result<Info, Error> {
        check_name(name)?;
        let room = Arc::clone(&self.turn(&upload.container).await?.room);
        let using = room.uses(upload.id)?;
        let (id, name) = (upload.id, name.to_owned());
        kept(async move {
            let row = room.shared.upload(&room.at, id).await?.ok_or(Error::NoUpload)?;
            let file = FileId::from(id);
            let object =
                ObjectRow { file, epoch: row.head.epoch, bytes: row.head.offset, created: now };
            let pen = {
                let (room, using) = (Arc::clone(&room), Arc::clone(&using));
                blocking(move || {
                    let pen = Pen::open(&room, file, &row, using)?.ok_or(Error::NoUpload)?;
                    pen.end()
                })
            };
            pen.await?;
            let turn = room.turn().await?.ok_or(Error::NoUpload)?;
            let done = turn.place(id, (&name, labels), object, quota).await;
            drop(using);
            done
        })
        .await
    }

    pub(super) async fn abort_upload(&self, upload: &UploadRef) -> Result<bool, Error> {
        Ok(self.take_away(&upload.container, upload.id).await?.is_some())
    }

    async fn take_away(&self, at: &ContainerRef, id: UploadId) -> Result<Option<u64>, Error> {
        let turn = self.turn(at).await?;
        let using = turn.room.uses(id)?;
        kept(async move {
            let done = turn.abort(id).await;
            drop(using);
            done
        })
        .await
    }

    pub(super) async fn list_uploads(
        &self,
        at: &ContainerRef,
        after: Option<UploadId>,
        limit: usize,
    ) -> Result<Vec<(UploadId, Upload)>, Error> {
        let after = after.map(|id| id.to_string());
        let page = self.shared.list(at, rows::UPLOAD, ("", after.as_deref()), limit).await?;
        let mut found = Vec::with_capacity(page.names.len());
        for names in page.names.chunks(READ_AT_ONCE) {
            let keys = names.iter().map(|name| rows::key(rows::UPLOAD, name)).collect();
            let cells = self.shared.rows(at, keys).await?;
            for (name, cell) in names.iter().zip(cells) {
                let row = cell.and_then(|cell| UploadRow::read(&cell.value));
                if let (Ok(id), Some(row)) = (name.parse(), row) {
                    found.push((id, row.shown()));
                }
            }
        }
        Ok(found)
    }

    pub(super) async fn collect_stale(&self, before: Timestamp) -> Result<Collected, Error> {
        let mut collected = Collected::default();
        let mut failed = None;
        for at in self.all_containers().await? {
            if let Err(error) = self.collect_in(&at, before, &mut collected).await {
                failed = Some(error);
            }
        }
        failed.map_or(Ok(collected), Err)
    }

    async fn all_containers(&self) -> Result<Vec<ContainerRef>, Error> {
        let home = self.home.clone();
        let tenants = blocking(move || {
            super::tenants(&home).map_err(|error| Error::Failed(error.to_string()))
        });
        let mut all = Vec::new();
        for tenant in tenants.await? {
            // A tenant whose index is damaged keeps nobody else's uploads.
            let Ok(names) = self.shared.index.names(&tenant).await.map_err(of_index) else {
                continue;
            };
            all.extend(names.into_iter().map(|(environment, name)| ContainerRef {
                scope: Scope { tenant: tenant.clone(), environment },
                name,
            }));
        }
        Ok(all)
    }

    async fn collect_in(
        &self,
        at: &ContainerRef,
        before: Timestamp,
        collected: &mut Collected,
    ) -> Result<(), Error> {
        let mut after = None;
        loop {
            let page = self.list_uploads(at, after, PAGE_MAX).await?;
            for (id, upload) in &page {
                if upload.touched >= before {
                    continue;
                }
                match self.take_away(at, *id).await {
                    Ok(Some(bytes)) => {
                        collected.uploads += 1;
                        collected.bytes += bytes;
                    }
                    Ok(None) | Err(Error::Busy) => {}
                    Err(error) => return Err(error),
                }
            }
            match page.last() {
                Some((id, _)) if page.len() == PAGE_MAX => after = Some(*id),
                _ => return Ok(()),
            }
        }
    }
}
