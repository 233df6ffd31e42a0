//! Bytes of an upload, from a request to the disk.

use super::fields::{Algorithm, Checksum, Fields};
use super::{Open, Whose, say};
use crate::invoke::Outcomes;
use crate::reply::ReplyBody;
use crate::stage::Permitted;
use crate::wiring::Engine;
use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use bytes::{Bytes, BytesMut};
use http::Response;
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty};
use model::manifest::UploadLimits;
use model::{Code, Problem};
use ports::blobs::{Error, body_of};
use ports::executor::RequestBody;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

/// Most bytes of one request with a checksum: they have to be held until it is known that they are
/// right, since what was added stays.
const CHECKED_BYTES_MAX: u64 = 8 << 20;

/// The bytes of one request.
pub(super) struct Chunk {
    body: RequestBody,
    offset: u64,
    /// Most bytes that may come.
    most: u64,
    checksum: Option<Checksum>,
}

fn too_large(most: u64) -> Problem {
    Problem::new(Code::UploadTooLarge).detail(format!("at most {most} bytes are taken here"))
}

impl Chunk {
    /// The body of a request that goes on at `offset` of an upload of `length` bytes.
    pub(super) fn of(
        permitted: &mut Permitted,
        fields: &Fields,
        offset: u64,
        length: u64,
    ) -> Outcomes<Self> {
        let (checksum, left) = (fields.checksum()?, length.saturating_sub(offset));
        let most = if checksum.is_some() { left.min(CHECKED_BYTES_MAX) } else { left };
        if fields.announced()?.is_some_and(|announced| announced > most) {
            return Err(too_large(most).into());
        }
        Ok(Self { body: take_body(permitted), offset, most, checksum })
    }

    /// The body of a request that says nothing about it.
    pub(super) fn plain(permitted: &mut Permitted, most: u64) -> Self {
        Self { body: take_body(permitted), offset: 0, most, checksum: None }
    }
}

fn take_body(permitted: &mut Permitted) -> RequestBody {
    let body = permitted.identified.throttled.received.request.body_mut();
    std::mem::replace(body, Empty::new().map_err(|never| match never {}).boxed_unsync())
}

impl Engine {
    /// `PATCH`.
    pub(super) async fn append(
        self: &Arc<Self>,
        mut permitted: Permitted,
        whose: &Whose,
        fields: &Fields,
        limits: UploadLimits,
    ) -> Outcomes<Response<ReplyBody>> {
        if !fields.carries_bytes()? {
            return Err(Code::UploadType.into());
        }
        let offset = fields.offset()?;
        let mut open = self.open_upload(whose, fields, &limits).await?;
        if offset != open.offset {
            return Err(say::failed(Error::Offset { held: open.offset }));
        }
        let chunk = Chunk::of(&mut permitted, fields, offset, open.note.length)?;
        open.offset = add(self, &open, chunk).await?;
        if open.offset < open.note.length {
            let expires = say::expires(self.parts.clock.wall(), &limits);
            return Ok(say::added(open.offset, expires));
        }
        self.deliver(permitted, &open).await
    }
}

/// Adds a chunk to an upload; gives where the upload is then.
pub(super) async fn add(engine: &Engine, open: &Open, chunk: Chunk) -> Outcomes<u64> {
    let Chunk { body, offset, most, checksum } = chunk;
    let over = Arc::new(AtomicBool::new(false));
    let limited = Limited { body, left: most, over: Arc::clone(&over) };
    let body = match checksum {
        Some(checksum) => body_of(checked(limited, &checksum, most).await?),
        None => limited.boxed_unsync(),
    };
    let (quota, now) = (engine.config.host.blobs, engine.parts.clock.wall());
    let added = engine.parts.blobs.append(&open.at, offset, body, quota, now).await;
    match added {
        Err(Error::Cut(_)) if over.load(Ordering::Relaxed) => Err(too_large(most).into()),
        added => added.map_err(say::failed),
    }
}

/// All bytes of a body, if they are those that the checksum is of.
async fn checked(mut body: Limited, checksum: &Checksum, most: u64) -> Outcomes<Bytes> {
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => bytes.extend_from_slice(frame.data_ref().unwrap_or(&Bytes::new())),
            Err(_) if body.over.load(Ordering::Relaxed) => return Err(too_large(most).into()),
            Err(error) => return Err(say::failed(error)),
        }
    }
    let algorithm = match checksum.algorithm {
        Algorithm::Sha1 => &SHA1_FOR_LEGACY_USE_ONLY,
        Algorithm::Sha256 => &SHA256,
    };
    if digest::digest(algorithm, &bytes).as_ref() != checksum.expected {
        return Err(Code::UploadChecksum.into());
    }
    Ok(bytes.freeze())
}

/// A body that ends with an error when more comes than may. Nothing of the piece with which it is
/// too long is passed on.
struct Limited {
    body: RequestBody,
    left: u64,
    over: Arc<AtomicBool>,
}

impl Body for Limited {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let polled = std::task::ready!(Pin::new(&mut self.body).poll_frame(cx));
        let Some(frame) = polled else { return Poll::Ready(None) };
        let frame = match frame {
            Ok(frame) => frame,
            Err(error) => return Poll::Ready(Some(Err(Error::Cut(error.to_string())))),
        };
        let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                Poll::Ready(Some(Ok(frame)))
            }
            None => {
                self.over.store(true, Ordering::Relaxed);
                Poll::Ready(Some(Err(Error::Cut("it is too long".to_owned()))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
}
