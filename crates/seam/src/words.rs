//! What the two sides say to each other, in forms that can be written down.
//!
//! Most of it is the ports' own plain data. What is not, such as the heads of HTTP messages, has a
//! form here, and is checked anew when it is read.

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use model::listing::Listing;
use model::manifest::Config;
use model::wire::v1::Level;
use model::{FunctionRef, Labelled, Labels, Limits, Secret};
use ports::executor::{BodyError, Fault, Program, Surroundings, Unit};
use ports::host::{HostCall, HostError, HostReply, HttpCall, Line};
use ports::{blobs, keyvalue};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// Header fields: names and values, in order.
type Fields = Vec<(String, Octets)>;

/// Bytes that are written as one piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Octets(pub(crate) Vec<u8>);

impl Serialize for Octets {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Octets {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&[u8]>::deserialize(deserializer).map(|bytes| Self(bytes.to_vec()))
    }
}

/// What is known of a body before it comes: its length in bytes, or nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Length(Option<u64>);

impl Length {
    pub(crate) fn of(body: &impl http_body::Body) -> Self {
        Self(if body.is_end_stream() { Some(0) } else { body.size_hint().exact() })
    }

    /// The same, for who reads it.
    pub(crate) fn hint(self) -> http_body::SizeHint {
        self.0.map_or_else(http_body::SizeHint::new, http_body::SizeHint::with_exact)
    }

    /// Whether there is nothing to come.
    pub(crate) fn is_zero(self) -> bool {
        self.0 == Some(0)
    }
}

/// What was read is not what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// An invocation.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    function: FunctionRef,
    revision: u32,
    program: Program,
    limits: Limits,
    config: Config,
    revealed: Vec<String>,
    around: Arc<Surroundings>,
    /// Sent with each call of a function that carries files: a child keeps nothing between two.
    files: Option<Arc<Listing>>,
    method: String,
    uri: String,
    headers: Fields,
    labels: Labels,
    /// Whether a body follows, and what is known of its length.
    pub(crate) body: Option<Length>,
}

impl Run {
    pub(crate) fn of(
        unit: &Unit,
        files: Option<Arc<Listing>>,
        head: &http::request::Parts,
        labels: &Labels,
        body: Option<Length>,
    ) -> Self {
        Self {
            function: (*unit.function).clone(),
            revision: unit.revision,
            program: unit.program,
            limits: unit.limits.clone(),
            config: unit.config.clone(),
            revealed: unit.revealed.clone(),
            around: Arc::clone(&unit.around),
            files,
            method: head.method.as_str().to_owned(),
            uri: head.uri.to_string(),
            headers: fields(&head.headers),
            labels: labels.clone(),
            body,
        }
    }

    /// What is run, its request without the body.
    pub(crate) fn parts(self) -> Result<Parts, Malformed> {
        let mut request = http::Request::new(());
        *request.method_mut() = method(&self.method)?;
        *request.uri_mut() = uri(&self.uri)?;
        *request.headers_mut() = header_map(self.headers)?;
        let unit = Unit {
            function: Arc::new(self.function),
            revision: self.revision,
            program: self.program,
            limits: self.limits,
            config: self.config,
            revealed: self.revealed,
            around: self.around,
        };
        Ok(Parts { unit, request, labels: self.labels, files: self.files })
    }
}

/// An invocation as the child runs it.
pub(crate) struct Parts {
    pub(crate) unit: Unit,
    pub(crate) request: http::Request<()>,
    pub(crate) labels: Labels,
    pub(crate) files: Option<Arc<Listing>>,
}

/// The head of an answer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Head {
    status: u16,
    headers: Fields,
}

impl Head {
    pub(crate) fn of(parts: &http::response::Parts) -> Self {
        Self { status: parts.status.as_u16(), headers: fields(&parts.headers) }
    }

    pub(crate) fn parts(self) -> Result<http::response::Parts, Malformed> {
        let mut response = http::Response::new(());
        *response.status_mut() = StatusCode::from_u16(self.status).map_err(|_| Malformed)?;
        *response.headers_mut() = header_map(self.headers)?;
        Ok(response.into_parts().0)
    }
}

/// A line of the log.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LogLine {
    line: Line,
    labels: Labels,
}

impl LogLine {
    pub(crate) fn of(line: Labelled<Line>) -> Self {
        Self { line: line.value, labels: line.labels }
    }

    /// The line, if it is one that a guest can write: none in the platform's name.
    pub(crate) fn line(self) -> Result<Labelled<Line>, Malformed> {
        match self.line.level {
            Level::Info | Level::Error => Ok(Labelled { value: self.line, labels: self.labels }),
            Level::Platform => Err(Malformed),
        }
    }
}

/// An ask of a guest.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Ask {
    /// The number of the invocation.
    pub(crate) run: u32,
    call: Call,
    labels: Labels,
    /// Whether a body follows, and what is known of its length.
    pub(crate) body: Option<Length>,
}

#[derive(Debug, Serialize, Deserialize)]
enum Call {
    Http {
        method: String,
        uri: String,
        headers: Fields,
        connect: Option<Duration>,
        first_byte: Option<Duration>,
        between_bytes: Option<Duration>,
    },
    KeyValue {
        store: String,
        ask: keyvalue::Ask,
    },
    Blob {
        container: String,
        ask: blobs::Ask,
    },
    Reveal(String),
    File {
        path: String,
        piece: u32,
    },
}

impl Ask {
    /// An ask in words. `None` if there is no word for it: components make no connections, so what
    /// claims to be one cannot ask for any.
    pub(crate) fn of(run: u32, call: Labelled<HostCall>, body: Option<Length>) -> Option<Self> {
        let Labelled { value, labels } = call;
        let call = match value {
            HostCall::Connect(_) | HostCall::Keep(_) => return None,
            HostCall::Http(call) => Call::Http {
                method: call.method.as_str().to_owned(),
                uri: call.uri.to_string(),
                headers: fields(&call.headers),
                connect: call.connect,
                first_byte: call.first_byte,
                between_bytes: call.between_bytes,
            },
            HostCall::KeyValue { store, ask } => Call::KeyValue { store, ask },
            HostCall::Blob { container, ask } => Call::Blob { container, ask },
            HostCall::Reveal(name) => Call::Reveal(name),
            HostCall::File { path, piece } => Call::File { path, piece },
        };
        Some(Self { run, call, labels, body })
    }

    pub(crate) fn call(self) -> Result<Labelled<HostCall>, Malformed> {
        let value = match self.call {
            Call::Http { method: word, uri: text, headers, connect, first_byte, between_bytes } => {
                HostCall::Http(HttpCall {
                    method: method(&word)?,
                    uri: uri(&text)?,
                    headers: header_map(headers)?,
                    connect,
                    first_byte,
                    between_bytes,
                })
            }
            Call::KeyValue { store, ask } => HostCall::KeyValue { store, ask },
            Call::Blob { container, ask } => HostCall::Blob { container, ask },
            Call::Reveal(name) => HostCall::Reveal(name),
            Call::File { path, piece } => HostCall::File { path, piece },
        };
        Ok(Labelled { value, labels: self.labels })
    }
}

/// What the host answered.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Answer {
    reply: Reply,
    labels: Labels,
    /// Whether a body follows, and what is known of its length.
    pub(crate) body: Option<Length>,
}

#[derive(Debug, Serialize, Deserialize)]
enum Reply {
    Http(Head),
    KeyValue(keyvalue::Reply),
    Blob(blobs::Reply),
    Secret(Octets),
    File(Octets),
}

impl Answer {
    /// An answer in words. `None` if there is no word for it, because there is none for its ask.
    pub(crate) fn of(reply: Labelled<HostReply>, body: Option<Length>) -> Option<Self> {
        let Labelled { value, labels } = reply;
        let reply = match value {
            HostReply::Connected(_) | HostReply::Kept => return None,
            HostReply::Http(parts) => Reply::Http(Head::of(&parts)),
            HostReply::KeyValue(reply) => Reply::KeyValue(reply),
            HostReply::Blob(reply) => Reply::Blob(reply),
            HostReply::Secret(value) => Reply::Secret(Octets(value.expose().clone())),
            HostReply::File(bytes) => Reply::File(Octets(bytes.to_vec())),
        };
        Some(Self { reply, labels, body })
    }

    pub(crate) fn reply(self) -> Result<Labelled<HostReply>, Malformed> {
        let value = match self.reply {
            Reply::Http(head) => HostReply::Http(Box::new(head.parts()?)),
            Reply::KeyValue(reply) => HostReply::KeyValue(reply),
            Reply::Blob(reply) => HostReply::Blob(reply),
            Reply::Secret(value) => HostReply::Secret(Secret::new(value.0)),
            Reply::File(bytes) => HostReply::File(bytes.0.into()),
        };
        Ok(Labelled { value, labels: self.labels })
    }
}

/// How a body ended.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum End {
    /// It is whole.
    Whole(Option<Trailers>),
    /// It broke off.
    Broken(Break),
}

/// The fields after a body.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Trailers(Fields);

impl Trailers {
    pub(crate) fn of(trailers: &HeaderMap) -> Self {
        Self(fields(trailers))
    }

    pub(crate) fn map(self) -> Result<HeaderMap, Malformed> {
        header_map(self.0)
    }
}

/// Why a body broke off, by whose body it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Break {
    /// A request to a function.
    Request(BodyError),
    /// An answer of a function.
    Reply(Fault),
    /// A body of an ask, or of its answer.
    Host(HostError),
}

impl Break {
    /// For who reads a body of the host's.
    pub(crate) fn host(self) -> HostError {
        match self {
            Self::Host(error) => error,
            Self::Request(_) | Self::Reply(_) => HostError::Failed,
        }
    }

    /// For who reads a request.
    pub(crate) fn request(self) -> BodyError {
        match self {
            Self::Request(error) => error,
            Self::Reply(_) | Self::Host(_) => BodyError::Cut,
        }
    }
}

fn fields(headers: &HeaderMap) -> Fields {
    let one = |(name, value): (&HeaderName, &HeaderValue)| {
        (name.as_str().to_owned(), Octets(value.as_bytes().to_vec()))
    };
    headers.iter().map(one).collect()
}

fn header_map(fields: Fields) -> Result<HeaderMap, Malformed> {
    let mut map = HeaderMap::try_with_capacity(fields.len()).map_err(|_| Malformed)?;
    for (name, value) in fields {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| Malformed)?;
        let value = HeaderValue::from_maybe_shared(bytes::Bytes::from(value.0));
        let added = map.try_append(name, value.map_err(|_| Malformed)?);
        added.map_err(|_| Malformed)?;
    }
    Ok(map)
}

fn method(text: &str) -> Result<Method, Malformed> {
    Method::from_bytes(text.as_bytes()).map_err(|_| Malformed)
}

fn uri(text: &str) -> Result<Uri, Malformed> {
    text.parse().map_err(|_| Malformed)
}
