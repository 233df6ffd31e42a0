//! What every version of blobs must do.
//!
//! Invariant: the suite uses the port only, so a failure is the version's own.

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::BodyExt;
use model::Timestamp;
use ports::Blobs;
use ports::blobs::{Body, ContainerRef, Error, Info, Quota, Range, UploadRef, body_of, read_all};
use std::pin::Pin;
use std::task::{Context as Poller, Poll};

pub use crate::keyvalue::{store as container, store_of as container_of};
pub use suite::conforms;

mod suite;
mod uploads;

/// A quota that no test reaches.
pub const PLENTY: Quota = Quota { bytes_max: 1 << 40, objects_max: 1 << 40 };

/// A time, in seconds.
#[must_use]
pub const fn at_second(second: i64) -> Timestamp {
    Timestamp(second * 1_000_000)
}

/// Writes an object without a quota.
///
/// # Errors
/// The version's.
pub async fn put(
    blobs: &dyn Blobs,
    at: &ContainerRef,
    name: &str,
    bytes: &[u8],
) -> Result<Info, Error> {
    let body = body_of(Bytes::copy_from_slice(bytes));
    ports::blobs::put(blobs, at, name, body, PLENTY, at_second(1)).await
}

/// Reads some bytes of an object; `None` if there is none.
///
/// # Errors
/// The version's.
pub async fn part(
    blobs: &dyn Blobs,
    at: &ContainerRef,
    name: &str,
    range: Range,
) -> Result<Option<Vec<u8>>, Error> {
    match blobs.get(at, name, range).await? {
        Some(object) => read_all(object.body, 1 << 30).await.map(Some),
        None => Ok(None),
    }
}

/// Reads an object; `None` if there is none.
///
/// # Errors
/// The version's.
pub async fn read(
    blobs: &dyn Blobs,
    at: &ContainerRef,
    name: &str,
) -> Result<Option<Vec<u8>>, Error> {
    part(blobs, at, name, Range::ALL).await
}

/// Begins an upload.
///
/// # Errors
/// The version's.
pub async fn begin(blobs: &dyn Blobs, at: &ContainerRef) -> Result<UploadRef, Error> {
    let id = blobs.begin(at, Bytes::new(), at_second(1)).await?;
    Ok(UploadRef { container: at.clone(), id })
}

/// Appends to an upload, without a quota.
///
/// # Errors
/// The version's.
pub async fn append(
    blobs: &dyn Blobs,
    upload: &UploadRef,
    offset: u64,
    bytes: &[u8],
) -> Result<u64, Error> {
    let body = body_of(Bytes::copy_from_slice(bytes));
    blobs.append(upload, offset, body, PLENTY, at_second(2)).await
}

/// How far an upload is.
///
/// # Errors
/// The version's, or there is none.
pub async fn offset(blobs: &dyn Blobs, upload: &UploadRef) -> Result<u64> {
    Ok(blobs.status(upload).await?.context("no such upload")?.offset)
}

/// A body that brings these pieces and then breaks.
#[must_use]
pub fn breaking(pieces: &[&[u8]]) -> Body {
    let mut frames: Vec<_> = pieces
        .iter()
        .map(|piece| Ok(http_body::Frame::data(Bytes::copy_from_slice(piece))))
        .collect();
    frames.push(Err(Error::Cut("the line broke".to_owned())));
    Frames(frames.into_iter()).boxed_unsync()
}

/// A body that never brings anything.
#[must_use]
pub fn silent() -> Body {
    Silent.boxed_unsync()
}

struct Frames(std::vec::IntoIter<Result<http_body::Frame<Bytes>, Error>>);

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = Error;
    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Poller<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Error>>> {
        Poll::Ready(self.0.next())
    }
}

struct Silent;

impl http_body::Body for Silent {
    type Data = Bytes;
    type Error = Error;
    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Poller<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Error>>> {
        Poll::Pending
    }
}

/// Bytes that differ from place to place.
#[must_use]
pub fn pattern(count: usize) -> Vec<u8> {
    (0..count).map(|at| (at.wrapping_mul(31) ^ (at >> 8).wrapping_mul(7)) as u8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_memory_version_conforms() -> Result<()> {
        conforms(ports::memory::Blobs::default).await
    }
}
