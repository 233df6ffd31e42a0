//! Small requests of the platform's own: probes, and what a platform tells a server of its life.

use super::Inner;
use super::body::Upload;
use super::fault::{bad, fault, whole};
use super::said::Occasion;
use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderName};
use http::{HeaderValue, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use ports::executor::{Fault, FaultKind, Manner};

/// What is read of an answer, in bytes: enough for a reason.
const ANSWER_BYTES: usize = 1 << 10;

impl Inner {
    /// Asks the server over a connection of its own, and gives the status with the beginning of
    /// what it answered.
    ///
    /// # Errors
    /// There is no connection, or no answer.
    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        told: bool,
    ) -> Result<(StatusCode, Bytes), Fault> {
        let request = self.own_request(method, path, told)?;
        self.ask_this(request).await
    }

    /// Sends a request of the platform's own, as [`Inner::ask`] does.
    pub(super) async fn ask_this(
        &self,
        request: Request<Upload>,
    ) -> Result<(StatusCode, Bytes), Fault> {
        let path = request.uri().path().to_owned();
        let mut link = self.links.connect().await.map_err(|error| self.unreachable(&error))?;
        let response = link.send(request).await.map_err(|error| {
            fault(FaultKind::NoResponse, format!("{path}: {}", whole(error.error())))
        })?;
        let (parts, body) = response.into_parts();
        Ok((parts.status, beginning(body).await))
    }

    /// `told` says whether it carries what the platform says with each call.
    pub(super) fn own_request(
        &self,
        method: Method,
        path: &str,
        told: bool,
    ) -> Result<Request<Upload>, Fault> {
        let (upload, _) = Upload::whole(Vec::new());
        let mut request = Request::new(upload);
        let invalid = |what: String| bad(format!("{path}: {what}"));
        *request.uri_mut() = path.parse().map_err(|error| invalid(format!("{error}")))?;
        let uri = request.uri().clone();
        let headers = request.headers_mut();
        if told {
            // No invocation is in hand: the process's own id stands for its request's.
            let (id, now) = (self.with.instance.as_str(), self.with.clock.wall());
            let occasion =
                Occasion { facts: &self.facts, id, manner: Manner::Event, now, uri: &uri };
            occasion.say(self.row.said, headers);
            if let Ok(path) = HeaderValue::from_str(path)
                && headers.contains_key("x-fc-control-path")
            {
                headers.insert(HeaderName::from_static("x-fc-control-path"), path);
            }
        }
        let host = format!("127.0.0.1:{}", self.facts.port);
        headers.insert(HOST, HeaderValue::from_str(&host).map_err(|e| invalid(e.to_string()))?);
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        if method == Method::POST {
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        *request.method_mut() = method;
        Ok(request)
    }
}

/// The beginning of a body, as far as it comes.
async fn beginning(mut body: Incoming) -> Bytes {
    let mut begun = Vec::new();
    while begun.len() < ANSWER_BYTES {
        let Some(Ok(frame)) = body.frame().await else { break };
        if let Some(bytes) = frame.data_ref() {
            begun.extend_from_slice(bytes);
        }
    }
    begun.truncate(ANSWER_BYTES);
    begun.into()
}
