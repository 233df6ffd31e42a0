//! Bodies on both sides: reading a request's within its limits, and making an answer.
//!
//! Invariant: all bodies that are being read have at most [`HELD_MIB`] together.

use crate::fault::Fault;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use serde_json::Value;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Most bytes of requests that are held at a time, in MiB.
const HELD_MIB: usize = 256;
/// Longest silence of a client that sends.
const SILENCE: Duration = Duration::from_secs(30);

/// What is sent back.
pub(crate) type Answer = Response<UnsyncBoxBody<Bytes, Broken>>;

/// The answer broke off after its head was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the answer broke off")
    }
}

impl std::error::Error for Broken {}

/// Room for bodies.
#[derive(Debug)]
pub(crate) struct Room(Semaphore);

impl Default for Room {
    fn default() -> Self {
        Self(Semaphore::new(HELD_MIB))
    }
}

/// A request's body, with the room that it takes.
pub(crate) struct Held<'a> {
    pub(crate) bytes: Bytes,
    _room: Option<SemaphorePermit<'a>>,
}

impl Room {
    /// Reads a body of at most so many bytes.
    ///
    /// # Errors
    /// It is larger, slower, or broke off.
    pub(crate) async fn read(
        &self,
        headers: &HeaderMap,
        mut body: Incoming,
        most: u64,
        operation: &str,
    ) -> Result<Held<'_>, Fault> {
        let announced = headers.get(header::CONTENT_LENGTH);
        let announced = announced.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        let need = announced.unwrap_or(most);
        if need > most {
            return Err(Fault::too_large(most, operation));
        }
        let mib = u32::try_from(need.div_ceil(1 << 20)).unwrap_or(u32::MAX);
        let room = self.0.acquire_many(mib).await.ok();
        let mut bytes = BytesMut::new();
        loop {
            let frame = tokio::time::timeout(SILENCE, body.frame()).await;
            let frame = frame.map_err(|_| Fault::content("The request was not sent in time"))?;
            let Some(frame) = frame else { break };
            let frame = frame.map_err(|_| Fault::content("The request's body broke off"))?;
            let Ok(data) = frame.into_data() else { continue };
            if (bytes.len() + data.len()) as u64 > need {
                return Err(Fault::too_large(most, operation));
            }
            bytes.extend_from_slice(&data);
        }
        Ok(Held { bytes: bytes.freeze(), _room: room })
    }
}

/// All of an answer's body.
pub(crate) fn whole(bytes: Bytes) -> UnsyncBoxBody<Bytes, Broken> {
    Full::new(bytes).map_err(|never: Infallible| match never {}).boxed_unsync()
}

/// An answer of these bytes, under this id.
pub(crate) fn answer(status: u16, bytes: Bytes, id: &str) -> Answer {
    let mut answer = Response::new(whole(bytes));
    *answer.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    put(answer.headers_mut(), "x-amzn-requestid", id);
    answer
}

/// An answer of this JSON.
pub(crate) fn json(status: u16, body: &Value, id: &str) -> Answer {
    let mut answer = answer(status, Bytes::from(body.to_string()), id);
    let json = HeaderValue::from_static("application/json");
    answer.headers_mut().insert(header::CONTENT_TYPE, json);
    answer
}

/// Puts a field into an answer; nothing if it is no value of a field.
pub(crate) fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
