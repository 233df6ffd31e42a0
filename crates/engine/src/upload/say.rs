//! Answers in the words of tus 1.0.0.

use super::{Open, refusal};
use crate::invoke::Refusal;
use crate::reply::ReplyBody;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue, LOCATION};
use http::{Method, Response, StatusCode, Uri};
use model::manifest::UploadLimits;
use model::{Code, Problem, Timestamp};
use ports::blobs::{Error, UploadId};

const VERSION: HeaderValue = HeaderValue::from_static("1.0.0");
const RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const LENGTH: HeaderName = HeaderName::from_static("upload-length");
const METADATA: HeaderName = HeaderName::from_static("upload-metadata");
const EXPIRES: HeaderName = HeaderName::from_static("upload-expires");

fn empty(status: StatusCode) -> Response<ReplyBody> {
    let mut response = Response::new(ReplyBody::whole(Bytes::new()));
    *response.status_mut() = status;
    mark(response.headers_mut());
    response
}

/// Says that tus is spoken, and that nothing of it is to be kept.
fn mark(headers: &mut HeaderMap) {
    headers.insert(RESUMABLE, VERSION);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

/// What is spoken.
pub(super) fn abilities(limits: &UploadLimits) -> Response<ReplyBody> {
    let mut response = empty(StatusCode::NO_CONTENT);
    let headers = response.headers_mut();
    let extensions = "creation,creation-with-upload,termination,expiration,checksum";
    headers.insert("tus-version", VERSION);
    headers.insert("tus-extension", HeaderValue::from_static(extensions));
    headers.insert("tus-checksum-algorithm", HeaderValue::from_static("sha1,sha256"));
    headers.insert("tus-max-size", HeaderValue::from(limits.bytes_max()));
    response
}

/// An upload was begun.
pub(super) fn created(
    uri: &Uri,
    (id, offset): (UploadId, u64),
    expires: Timestamp,
) -> Response<ReplyBody> {
    let mut response = empty(StatusCode::CREATED);
    place(response.headers_mut(), uri, id);
    progress(response.headers_mut(), offset, expires);
    response
}

/// Where an upload is from now on: the address that it was begun at, and its id.
pub(super) fn place(headers: &mut HeaderMap, uri: &Uri, id: UploadId) {
    let location = format!("{}?{}={id}", uri.path(), super::fields::PARAMETER);
    if let Ok(location) = HeaderValue::from_maybe_shared(Bytes::from(location)) {
        headers.insert(LOCATION, location);
    }
}

/// Bytes were added.
pub(super) fn added(offset: u64, expires: Timestamp) -> Response<ReplyBody> {
    let mut response = empty(StatusCode::NO_CONTENT);
    progress(response.headers_mut(), offset, expires);
    response
}

fn progress(headers: &mut HeaderMap, offset: u64, expires: Timestamp) {
    headers.insert(OFFSET, HeaderValue::from(offset));
    if let Ok(expires) = HeaderValue::from_maybe_shared(Bytes::from(date(expires))) {
        headers.insert(EXPIRES, expires);
    }
}

/// How far an upload is.
pub(super) fn status(open: &Open, limits: &UploadLimits) -> Response<ReplyBody> {
    let mut response = empty(StatusCode::OK);
    let headers = response.headers_mut();
    progress(headers, open.offset, expires(open.touched, limits));
    headers.insert(LENGTH, HeaderValue::from(open.note.length));
    if !open.note.metadata.is_empty()
        && let Ok(metadata) = HeaderValue::from_str(&open.note.metadata)
    {
        headers.insert(METADATA, metadata);
    }
    response
}

/// An upload was complete a while ago.
pub(super) fn done(length: u64) -> Response<ReplyBody> {
    let mut response = empty(StatusCode::OK);
    response.headers_mut().insert(OFFSET, HeaderValue::from(length));
    response.headers_mut().insert(LENGTH, HeaderValue::from(length));
    response
}

/// An upload was given up.
pub(super) fn gone() -> Response<ReplyBody> {
    empty(StatusCode::NO_CONTENT)
}

/// The function's answer to the request that completed an upload.
pub(super) fn complete(response: &mut Response<ReplyBody>, length: u64) {
    let headers = response.headers_mut();
    headers.insert(RESUMABLE, VERSION);
    headers.insert(OFFSET, HeaderValue::from(length));
}

/// When an upload that is not complete is given up.
pub(super) fn expires(touched: Timestamp, limits: &UploadLimits) -> Timestamp {
    touched.plus_us(i64::try_from(limits.expires().as_micros()).unwrap_or(i64::MAX))
}

/// A date as HTTP has it (RFC 9110, section 5.6.7).
fn date(time: Timestamp) -> String {
    let time = jiff::Timestamp::from_microsecond(time.0).unwrap_or(jiff::Timestamp::MAX);
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

pub(super) fn other_version() -> Refusal {
    let mut headers = HeaderMap::new();
    headers.insert("tus-version", VERSION);
    refusal(Code::UploadVersion, "1.0.0 is spoken", headers)
}

pub(super) fn wrong_method(names_upload: bool) -> Refusal {
    let allow = if names_upload {
        vec![Method::HEAD, Method::PATCH, Method::DELETE, Method::OPTIONS]
    } else {
        vec![Method::POST, Method::OPTIONS]
    };
    Refusal { allow, ..Code::MethodNotAllowed.into() }
}

/// What the store of blobs said.
pub(super) fn failed(error: Error) -> Refusal {
    match error {
        Error::Busy => Refusal { retry_after_s: Some(1), ..Code::UploadBusy.into() },
        Error::Offset { held } => {
            let mut headers = HeaderMap::new();
            headers.insert(OFFSET, HeaderValue::from(held));
            refusal(Code::UploadConflict, format_args!("it is at byte {held}"), headers)
        }
        other => Problem::from(other).into(),
    }
}

/// The same refusal, in an answer that says that tus is spoken.
pub(super) fn marked(mut refusal: Refusal) -> Refusal {
    mark(refusal.headers.get_or_insert_default());
    refusal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_written_as_http_has_it() {
        assert_eq!(date(Timestamp(784_111_777_000_000)), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert!(date(Timestamp(i64::MAX)).ends_with(" GMT"));
    }
}
