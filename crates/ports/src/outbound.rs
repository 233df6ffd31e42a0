//! The way out: the one door through which an address is dialled that a guest or a tenant chose.
//!
//! Who may send what where was decided before. The door's own work is to find out where a name
//! leads, to refuse what no function may reach, and to connect to exactly what was checked.

use crate::Future;
use crate::host::Body;
use model::{Destination, FunctionRef};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// A request on its way out, already permitted.
pub struct Outgoing {
    /// On whose behalf. Connections are shared within one function and never between two.
    pub function: Arc<FunctionRef>,
    /// The request, with an absolute URI.
    pub request: http::Request<Body>,
    /// What it may use.
    pub limits: Limits,
}

/// What one request may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Time to find the address and to connect, the handshake of TLS included.
    pub connect: Duration,
    /// Time from the sent request to the reply's head.
    pub first_byte: Duration,
    /// Longest silence within the reply's body.
    pub between_bytes: Duration,
    /// Bytes of the reply's body.
    pub response_bytes: u64,
}

impl Limits {
    /// What holds where nothing else is said.
    pub const DEFAULT: Self = Self {
        connect: Duration::from_secs(10),
        first_byte: Duration::from_secs(60),
        between_bytes: Duration::from_secs(60),
        response_bytes: 64 << 20,
    };
}

/// A connection on its way out, already permitted.
pub struct Connecting {
    /// On whose behalf.
    pub function: Arc<FunctionRef>,
    /// Where it goes.
    pub destination: Destination,
    /// What is sent. Its end shuts down the sending half; its error breaks the connection off, and
    /// is what [`Connection::received`] ends with. It is not polled before there is a connection.
    pub sent: Body,
    /// What it may use.
    pub limits: ConnectLimits,
}

/// What one connection may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectLimits {
    /// Time to find the address and to connect.
    pub connect: Duration,
    /// Longest silence, both ways at once.
    pub idle: Duration,
    /// Bytes that may come back.
    pub received_bytes: u64,
}

impl ConnectLimits {
    /// What holds where nothing else is said.
    pub const DEFAULT: Self = Self {
        connect: Duration::from_secs(10),
        idle: Duration::from_secs(600),
        received_bytes: 4 << 30,
    };
}

/// A connection.
pub struct Connection {
    /// The address that was dialled, for the function's log.
    pub address: SocketAddr,
    /// What comes back, read from the connection as it is taken. Its end is the other side's end,
    /// and sending goes on; dropping it closes the connection.
    pub received: Body,
}

/// Why no reply came, or why it broke off. The kinds are those that `wasi:http` tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The request cannot be sent as it is.
    #[error("the request is not one that can be sent")]
    Request,
    /// The name was not found.
    #[error("the name was not found")]
    Name,
    /// The name was not found in time.
    #[error("the name was not found in time")]
    NameTimeout,
    /// The address is one that no function may reach.
    #[error("the address is not one that functions may reach")]
    Address,
    /// Nobody listens there, or the network is down.
    #[error("the connection was refused")]
    Refused,
    /// Nobody answered in time.
    #[error("nobody answered in time")]
    ConnectTimeout,
    /// TLS failed: the versions or the messages.
    #[error("the handshake of TLS failed")]
    Tls,
    /// The server's certificate is not valid for the name.
    #[error("the server's certificate is not valid")]
    Certificate,
    /// The function has too many connections at once.
    #[error("too many connections at once")]
    Connections,
    /// The reply's head did not come in time.
    #[error("no reply in time")]
    ReplyTimeout,
    /// The reply's body stopped coming.
    #[error("the reply stopped coming")]
    Silence,
    /// The reply's body is larger than it may be.
    #[error("the reply is larger than it may be")]
    TooLarge,
    /// The other side broke the protocol.
    #[error("the other side broke the protocol")]
    Protocol,
    /// The connection broke.
    #[error("the connection broke")]
    Cut,
    /// Functions call each other in a circle, or too deep.
    #[error("calls between functions go too deep")]
    Loop,
    /// The request's own body broke off.
    #[error("the request's body broke off")]
    RequestBody,
}

/// What went wrong on the way out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{failure}: {detail}")]
pub struct Error {
    /// What the guest is told.
    pub failure: Failure,
    /// More, for the record and the function's log: the address, what was said.
    pub detail: String,
}

/// Sends requests out, and connects.
pub trait Outbound: Send + Sync {
    /// Sends one request and waits for the reply's head. The reply's body is read from the
    /// connection as it is taken. No redirect is followed: who follows one asks again.
    fn send(&self, outgoing: Outgoing) -> Future<'static, Result<http::Response<Body>, Error>>;

    /// Connects, and waits until there is a connection. Bytes are neither looked at nor changed.
    fn connect(&self, connecting: Connecting) -> Future<'static, Result<Connection, Error>>;
}
