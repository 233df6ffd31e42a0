//! Whole objects by the stages of an upload.

use super::{Blobs, Body, ContainerRef, Error, Info, Quota, UploadRef};
use bytes::Bytes;
use http_body_util::BodyExt;
use model::{Labels, Timestamp};

/// Writes an object from a body that is all there will be. If that ends early, nothing is written
/// and the upload is given up; it is left to [`Blobs::collect`] if the future is dropped.
///
/// # Errors
/// [`Error`].
pub async fn put(
    blobs: &dyn Blobs,
    at: &ContainerRef,
    name: &str,
    body: Body,
    quota: Quota,
    now: Timestamp,
) -> Result<Info, Error> {
    put_labelled(blobs, at, (name, || Labels::NONE), body, quota, now).await
}

/// The same for what is known to contain something: what, is asked when all of it is there.
///
/// # Errors
/// [`Error`].
pub async fn put_labelled(
    blobs: &dyn Blobs,
    at: &ContainerRef,
    (name, labels): (&str, impl FnOnce() -> Labels),
    body: Body,
    quota: Quota,
    now: Timestamp,
) -> Result<Info, Error> {
    super::check_name(name)?;
    let id = blobs.begin(at, Bytes::new(), now).await?;
    let upload = UploadRef { container: at.clone(), id };
    let done = match blobs.append(&upload, 0, body, quota, now).await {
        Ok(_) => blobs.finish_labelled(&upload, (name, labels()), quota, now).await,
        Err(error) => Err(error),
    };
    if done.is_err() {
        // What cannot be given up now is collected later.
        let _ = blobs.abort(&upload).await;
    }
    done
}

/// A body of bytes that are there already.
#[must_use]
pub fn body_of(bytes: impl Into<Bytes>) -> Body {
    let body = http_body_util::Full::new(bytes.into());
    body.map_err(|never| match never {}).boxed_unsync()
}

/// Reads a body to its end, if it has at most `bytes_max`.
///
/// # Errors
/// The body's, or [`Error::Invalid`] if it is longer.
pub async fn read_all(mut body: Body, bytes_max: usize) -> Result<Vec<u8>, Error> {
    let mut all = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(piece) = frame?.into_data() else { continue };
        if all.len() + piece.len() > bytes_max {
            return Err(Error::Invalid(format!("it has more than {bytes_max} bytes")));
        }
        all.extend_from_slice(&piece);
    }
    Ok(all)
}
