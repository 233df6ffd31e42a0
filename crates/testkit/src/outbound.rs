//! A way out that leads to a test.

use bytes::Bytes;
use http_body_util::BodyExt as _;
use parking_lot::Mutex;
use ports::Future;
use ports::host::{Body, HostError};
use ports::outbound::{Connecting, Connection, Error, Failure, Outbound, Outgoing};
use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

/// What a test answers a request with, or how it fails.
type Answers =
    dyn Fn(&http::Request<Bytes>) -> Result<http::Response<Vec<u8>>, Failure> + Send + Sync;

/// Replies come in frames of so many bytes.
const FRAME_BYTES: usize = 7;

/// Reads every request to its end, remembers it, and answers what a test says.
pub struct Scripted {
    answers: Box<Answers>,
    /// What was sent until now.
    pub sent: std::sync::Arc<Mutex<Vec<http::Request<Bytes>>>>,
    /// Where was connected to until now.
    pub connected: Mutex<Vec<model::Destination>>,
}

impl Scripted {
    /// A way out that answers with a status and a body.
    pub fn new(
        answers: impl Fn(&http::Request<Bytes>) -> Result<(u16, Vec<u8>), Failure>
        + Send
        + Sync
        + 'static,
    ) -> std::sync::Arc<Self> {
        Self::answering(move |request| {
            let (status, body) = answers(request)?;
            let mut response = http::Response::new(body);
            *response.status_mut() =
                http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::IM_A_TEAPOT);
            Ok(response)
        })
    }

    /// A way out that answers like this.
    pub fn answering(
        answers: impl Fn(&http::Request<Bytes>) -> Result<http::Response<Vec<u8>>, Failure>
        + Send
        + Sync
        + 'static,
    ) -> std::sync::Arc<Self> {
        std::sync::Arc::new(Self {
            answers: Box::new(answers),
            sent: std::sync::Arc::default(),
            connected: Mutex::default(),
        })
    }

    fn answer(&self, request: http::Request<Bytes>) -> Result<http::Response<Body>, Error> {
        let answer = (self.answers)(&request);
        self.sent.lock().push(request);
        let failed = |failure| Error { failure, detail: "a test said so".to_owned() };
        let frames = |body: Vec<u8>| {
            Frames(body.chunks(FRAME_BYTES).map(Bytes::copy_from_slice).collect()).boxed_unsync()
        };
        Ok(answer.map_err(failed)?.map(frames))
    }
}

/// A body in several frames.
struct Frames(VecDeque<Bytes>);

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = HostError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, HostError>>> {
        Poll::Ready(self.0.pop_front().map(|bytes| Ok(http_body::Frame::data(bytes))))
    }
}

/// [`Scripted`] as a port: reading a body takes time, so it has to be held.
pub struct Shared(pub std::sync::Arc<Scripted>);

impl Outbound for Shared {
    fn send(&self, outgoing: Outgoing) -> Future<'static, Result<http::Response<Body>, Error>> {
        let scripted = std::sync::Arc::clone(&self.0);
        Box::pin(async move {
            let (head, body) = outgoing.request.into_parts();
            let broke = |error: HostError| Error {
                failure: Failure::RequestBody,
                detail: error.to_string(),
            };
            let body = body.collect().await.map_err(broke)?.to_bytes();
            scripted.answer(http::Request::from_parts(head, body))
        })
    }

    /// What is sent comes back. Nobody listens at `refused`, and `silent` says nothing.
    fn connect(&self, connecting: Connecting) -> Future<'static, Result<Connection, Error>> {
        let Connecting { destination, sent, .. } = connecting;
        let host = destination.host().to_string();
        self.0.connected.lock().push(destination);
        let received = match host.as_str() {
            "refused" => {
                let detail = "a test said so".to_owned();
                let refused = Error { failure: Failure::Refused, detail };
                return Box::pin(std::future::ready(Err(refused)));
            }
            "silent" => Silent.boxed_unsync(),
            _ => sent,
        };
        let address = ([192, 0, 2, 9], 1).into();
        Box::pin(std::future::ready(Ok(Connection { address, received })))
    }
}

/// A body that never comes.
struct Silent;

impl http_body::Body for Silent {
    type Data = Bytes;
    type Error = HostError;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, HostError>>> {
        Poll::Pending
    }
}
