//! What the Runtime API and the Extensions API answer, to the letter.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};

/// An answer of the server's.
pub(super) type Reply = Response<Full<Bytes>>;

/// What was asked and is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    status: StatusCode,
    kind: &'static str,
    message: String,
}

impl Wrong {
    fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, message: message.into() }
    }

    /// An id that was not given out, or whose invocation is over.
    pub(super) fn request_id() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "InvalidRequestID", "Invalid request ID")
    }

    /// A mode of answers that does not exist.
    pub(super) fn response_mode() -> Self {
        let kind = "InvalidFunctionResponseMode";
        Self::new(StatusCode::BAD_REQUEST, kind, "Invalid function response mode")
    }

    /// An answer that is too long.
    pub(super) fn too_large(most: u64) -> Self {
        let message = format!("Exceeded maximum allowed payload size ({most} bytes).");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", message)
    }

    /// An answer that broke off.
    pub(super) fn truncated() -> Self {
        let message = "HTTP request detected as truncated";
        Self::new(StatusCode::BAD_REQUEST, "TruncatedHTTPRequest", message)
    }

    /// A call that does not fit what came before.
    pub(super) fn state(from: &str, to: &str) -> Self {
        let message = format!(
            "State transition from {from} to {to} failed for runtime. Error: State transition is not allowed"
        );
        Self::new(StatusCode::FORBIDDEN, "InvalidStateTransition", message)
    }

    /// A call of an extension that does not fit what came before.
    pub(super) fn extension_state(from: &str, to: &str, id: &str) -> Self {
        let message = format!(
            "State transition from {from} to {to} failed for extension {id}. Error: State transition is not allowed"
        );
        Self::extension("Extension.InvalidExtensionState", message)
    }

    /// Anything else about extensions.
    pub(super) fn extension(kind: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, kind, message)
    }

    /// As it is sent.
    pub(super) fn reply(&self) -> Reply {
        json(self.status, &json!({ "errorMessage": self.message, "errorType": self.kind }))
    }
}

/// JSON under a status.
pub(super) fn json(status: StatusCode, body: &Value) -> Reply {
    let mut reply = Response::new(Full::from(body.to_string()));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    reply
}

/// What was sent is taken.
pub(super) fn accepted() -> Reply {
    json(StatusCode::ACCEPTED, &json!({ "status": "OK" }))
}

/// Plain text under a status.
pub(super) fn text(status: StatusCode, text: &'static str) -> Reply {
    let mut reply = Response::new(Full::from(text));
    *reply.status_mut() = status;
    reply
}
