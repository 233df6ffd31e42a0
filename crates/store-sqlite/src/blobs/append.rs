//! Takes the bytes of an upload from a body.
//!
//! Invariant: of a body, only one chunk and one piece are in memory.

use super::Blobs;
use super::pen::Pen;
use super::room::{Room, Using};
use super::rows::{self, FileId, UploadRow};
use super::shared::{blocking, kept};
use bytes::Bytes;
use http_body_util::BodyExt;
use model::{Labelled, Timestamp};
use ports::blobs::{Body, Error, Quota, UploadId, UploadRef};
use ports::keyvalue::Change;
use std::sync::Arc;

/// Bytes after which what came is put on disk, also if more follow.
const NOTED_BYTES: u64 = 32 << 20;

/// An append that is under way.
struct Appending {
    room: Arc<Room>,
    id: UploadId,
    row: UploadRow,
    quota: Quota,
    now: Timestamp,
    using: Arc<Using>,
    /// Bytes that are set aside and in no row.
    reserved: u64,
}

impl Drop for Appending {
    fn drop(&mut self) {
        self.room.give_back(self.reserved);
    }
}

impl Blobs {
    pub(super) async fn append_body(
        &self,
        upload: &UploadRef,
        offset: u64,
        body: Body,
        quota: Quota,
        now: Timestamp,
    ) -> Result<u64, Error> {
        // Once it has the turn, the totals are there.
        let room = Arc::clone(&self.turn(&upload.container).await?.room);
        let using = room.uses(upload.id)?;
        let row = self.shared.upload(&upload.container, upload.id).await?.ok_or(Error::NoUpload)?;
        if row.head.offset != offset {
            return Err(Error::Offset { held: row.head.offset });
        }
        let pen = {
            let (room, row, using) = (Arc::clone(&room), row.clone(), Arc::clone(&using));
            let file = FileId::from(upload.id);
            blocking(move || Pen::open(&room, file, &row, using))
        };
        let pen = pen.await?.ok_or(Error::NoUpload)?;
        let id = upload.id;
        let appending = Appending { room, id, row, quota, now, using, reserved: 0 };
        appending.run(pen, body).await
    }
}

impl Appending {
    /// Takes all that the body brings, and notes it, however the body ends.
    async fn run(mut self, mut pen: Pen, mut body: Body) -> Result<u64, Error> {
        let ended = loop {
            let piece = match body.frame().await {
                None => break Ok(()),
                Some(Err(Error::Cut(why))) => break Err(Error::Cut(why)),
                Some(Err(other)) => break Err(Error::Cut(other.to_string())),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(piece) => piece,
                    Err(_) => continue,
                },
            };
            let bytes = piece.len() as u64;
            if let Err(over) = self.room.reserve(bytes, self.quota) {
                break Err(over);
            }
            self.reserved += bytes;
            pen = take(pen, piece).await?;
            if self.reserved >= NOTED_BYTES {
                pen = self.note(pen).await?;
            }
        };
        let pen = self.note(pen).await?;
        ended.map(|()| pen.offset())
    }

    /// Puts on disk what came, and then how much that is.
    async fn note(&mut self, mut pen: Pen) -> Result<Pen, Error> {
        if pen.offset() == self.row.head.offset {
            return Ok(pen);
        }
        if pen.dirty {
            pen = blocking(move || pen.sync().map(|()| pen)).await?;
        }
        let mut row = self.row.clone();
        row.head.offset = pen.offset();
        row.head.touched = self.now;
        row.tail = pen.tail();
        let added = std::mem::take(&mut self.reserved);
        let (room, id, using) = (Arc::clone(&self.room), self.id, Arc::clone(&self.using));
        self.row = row.clone();
        let done = kept(async move {
            let done = note_row(&room, id, &row, added).await;
            if done.is_err() {
                room.give_back(added);
            }
            drop(using);
            done
        });
        done.await.map(|()| pen)
    }
}

async fn note_row(
    room: &Arc<Room>,
    id: UploadId,
    row: &UploadRow,
    added: u64,
) -> Result<(), Error> {
    let mut turn = room.turn().await?.ok_or(Error::NoUpload)?;
    let mut totals = turn.totals().ok_or(Error::NoUpload)?;
    totals.upload_bytes = totals.upload_bytes.saturating_add(added);
    let unwritten = || Error::Failed("a row could not be written".to_owned());
    let key = rows::key(rows::UPLOAD, &id.to_string());
    let change = Change::Set { key, value: row.write().ok_or_else(unwritten)? };
    turn.commit(Labelled::plain(vec![change]), totals, Vec::new(), added).await
}

/// Takes a piece, and writes the chunks that it fills.
async fn take(mut pen: Pen, mut piece: Bytes) -> Result<Pen, Error> {
    loop {
        pen.fill(&mut piece);
        if piece.is_empty() {
            return Ok(pen);
        }
        pen = blocking(move || pen.write().map(|()| pen)).await?;
    }
}
