//! A file on its way out, a chunk at a time: never more of it in memory than the client takes.

use super::chunks::Chunks;
use super::site::File;
use crate::stage::Seat;
use bytes::Bytes;
use model::Problem;
use model::listing::CHUNK_BYTES;
use std::future::Future;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Files of up to so many chunks are worth memory; larger ones would push the others out.
const KEPT_CHUNKS_MAX: usize = 4;

type Reading = Pin<Box<dyn Future<Output = Result<Bytes, Problem>> + Send>>;

/// A part of a file that is being sent.
pub(crate) struct FileBody {
    chunks: Arc<Chunks>,
    file: Arc<File>,
    /// What is left to send.
    left: Range<u64>,
    /// What was read ahead, cut to what is to be sent.
    first: Option<Bytes>,
    reading: Option<Reading>,
    /// Room on the node; given back when all is sent or nobody reads any more.
    _seat: Seat,
}

/// What a part of a file becomes.
pub(super) enum Content {
    /// It is all here.
    Whole(Bytes),
    /// It follows.
    Stream(FileBody),
}

/// Reads the beginning of a part, so that a damaged file can still be answered with an error.
///
/// # Errors
/// As [`Chunks::read`].
pub(super) async fn open(
    chunks: &Arc<Chunks>,
    file: &Arc<File>,
    part: Range<u64>,
    seat: Seat,
) -> Result<Content, Problem> {
    if part.is_empty() {
        return Ok(Content::Whole(Bytes::new()));
    }
    let mut body = FileBody {
        chunks: Arc::clone(chunks),
        file: Arc::clone(file),
        left: part,
        first: None,
        reading: None,
        _seat: seat,
    };
    let bytes = body.next_chunk().await?;
    let first = body.cut(&bytes);
    if body.left.is_empty() {
        return Ok(Content::Whole(first));
    }
    body.first = Some(first);
    Ok(Content::Stream(body))
}

impl FileBody {
    /// Bytes that are left to send.
    pub(crate) fn left(&self) -> u64 {
        let ahead = self.first.as_ref().map_or(0, Bytes::len) as u64;
        ahead + (self.left.end - self.left.start)
    }

    /// The next piece.
    pub(crate) fn poll_piece(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Problem>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        if self.left.is_empty() {
            return Poll::Ready(None);
        }
        let mut reading = match self.reading.take() {
            Some(reading) => reading,
            None => self.next_chunk(),
        };
        match reading.as_mut().poll(cx) {
            Poll::Pending => {
                self.reading = Some(reading);
                Poll::Pending
            }
            Poll::Ready(read) => Poll::Ready(Some(read.map(|bytes| self.cut(&bytes)))),
        }
    }

    fn next_chunk(&self) -> Reading {
        let index = self.left.start / CHUNK_BYTES;
        let length = CHUNK_BYTES.min(self.file.size - index * CHUNK_BYTES);
        let digest = usize::try_from(index).ok().and_then(|at| self.file.chunks.get(at)).copied();
        let keep = self.file.chunks.len() <= KEPT_CHUNKS_MAX;
        let chunks = Arc::clone(&self.chunks);
        Box::pin(async move {
            // A list whose sizes and chunks do not fit is not opened.
            let digest = digest.ok_or(model::Code::StoreCorrupt)?;
            chunks.read(digest, length, keep).await
        })
    }

    /// The part of a chunk that is to be sent; what is left begins behind it.
    fn cut(&mut self, chunk: &Bytes) -> Bytes {
        let base = self.left.start / CHUNK_BYTES * CHUNK_BYTES;
        let from = self.left.start - base;
        let to = (self.left.end - base).min(chunk.len() as u64);
        self.left.start = base + to;
        // Chunks are far below what a `usize` holds.
        let index = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(chunk.len());
        chunk.slice(index(from)..index(to))
    }
}
