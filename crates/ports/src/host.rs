//! The host interface: everything that a function can ask of the world.
//!
//! Executors know the world through this trait alone. A call is plain data, so that an executor can
//! live in another process; a body is carried beside it and read only as fast as somebody takes it,
//! so that whoever stands between the two has a window to hold and never a body. `engine`
//! implements it; nobody else decides anything.
//!
//! Only what works is here. Each later capability adds a variant.

pub mod connect;

pub use connect::{ConnectCall, ConnectionId, Through};

use crate::Future;
use crate::{blobs, keyvalue};
use bytes::Bytes;
use model::Labelled;
use model::wire::v1::Level;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

/// Bytes on their way through the host. Reading it is what moves them.
pub type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, HostError>;

/// A line for the function's log. Nothing comes back, and whether it is kept the guest is not told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Standard output or standard error.
    pub level: Level,
    /// The bytes, without the line's end. May be anything.
    #[serde(with = "crate::octets::vec")]
    pub bytes: Vec<u8>,
    /// Whether the line was longer than the executor passes on.
    pub cut: bool,
}

/// One ask, without what is carried beside it.
#[derive(Debug, Clone)]
pub enum HostCall {
    /// Send an HTTP request. Its body is carried beside it.
    Http(HttpCall),
    /// Read or write a key-value store.
    KeyValue {
        /// The store, as the guest calls it.
        store: String,
        /// What of it.
        ask: keyvalue::Ask,
    },
    /// Read or write blobs. What is written is carried beside it.
    Blob {
        /// The container, as the guest calls it.
        container: String,
        /// What of it.
        ask: blobs::Ask,
    },
    /// Read the value of a secret, by its name. Only those of [`crate::executor::Unit::revealed`]
    /// can be asked for.
    Reveal(String),
    /// Read a piece of a file that the function carries.
    File {
        /// The file's path, as the function's list says it.
        path: String,
        /// Which piece of it, from 0; see [`model::listing::CHUNK_BYTES`].
        piece: u32,
    },
    /// Connect to somewhere. What is sent is carried beside it. See [`connect`] for how its bodies
    /// behave and which refusals there are.
    Connect(ConnectCall),
    /// Have a connection of an earlier invocation of the same function go on with this one.
    Keep(ConnectionId),
}

/// The head of an outgoing HTTP request.
#[derive(Debug, Clone)]
pub struct HttpCall {
    /// The method.
    pub method: http::Method,
    /// Absolute: scheme, authority, path and query.
    pub uri: http::Uri,
    /// The fields, as the guest set them.
    pub headers: http::HeaderMap,
    /// Longest time to connect, if the guest says so. The host's own limits hold beside it.
    pub connect: Option<Duration>,
    /// Longest time from the request's end to the reply's head.
    pub first_byte: Option<Duration>,
    /// Longest silence within the reply's body.
    pub between_bytes: Option<Duration>,
}

/// An ask: a call, what it is known to contain, and its body.
pub struct Ask {
    /// What is asked.
    pub call: Labelled<HostCall>,
    /// What is sent with it.
    pub body: Option<Body>,
}

impl Ask {
    /// An ask without a body, of which nothing sensitive is known.
    #[must_use]
    pub const fn plain(call: HostCall) -> Self {
        Self { call: Labelled { value: call, labels: model::Labels::NONE }, body: None }
    }
}

/// What the host did.
#[derive(Debug, Clone)]
pub enum HostReply {
    /// The head of a reply over HTTP. Its body is carried beside it.
    Http(Box<http::response::Parts>),
    /// What a store said.
    KeyValue(keyvalue::Reply),
    /// What a container said. What is read comes beside it.
    Blob(blobs::Reply),
    /// The value of a secret.
    Secret(model::Secret<Vec<u8>>),
    /// A piece of a file.
    File(Bytes),
    /// There is a connection. What comes over it is carried beside it.
    Connected(ConnectionId),
    /// The connection goes on.
    Kept,
}

/// An answer: a reply, what it is known to contain, and its body.
pub struct Answer {
    /// What was done.
    pub reply: Labelled<HostReply>,
    /// What came with it.
    pub body: Option<Body>,
}

/// Why the host did not do it. An ordinary error for the guest, never a trap. What it says is fit
/// for guests: the reasons behind it are in the record and in the function's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// Nothing grants it, or something forbids it.
    #[error("denied")]
    Denied,
    /// A budget or a limit is used up.
    #[error("the limit of {0} is reached")]
    Limit(Cow<'static, str>),
    /// The ask makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// The other side of a connection, or the way to it, failed.
    #[error(transparent)]
    Upstream(#[from] crate::outbound::Failure),
    /// The platform failed.
    #[error("the platform failed")]
    Failed,
    /// It may go there only if the platform looks inside; see [`Through::Opaque`].
    #[error("the platform has to look inside")]
    NotOpaque,
}

/// Answers the asks of one invocation.
pub trait Host: Send + Sync {
    /// Takes a line for the log. Never waits.
    fn log(&self, line: Labelled<Line>);

    /// Decides, charges, does and records one ask. What the call carries, and what the reply
    /// brings, is labelled. Dropping the future gives the ask up; what was done stays done and
    /// recorded.
    fn call(self: Arc<Self>, ask: Ask) -> Future<'static, Result<Answer, HostError>>;
}
