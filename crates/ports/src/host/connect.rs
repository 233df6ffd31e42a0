//! Connections as asks: bytes both ways, with what is sent as [`Ask::body`] and what comes back as
//! [`Answer::body`].
//!
//! **Bodies.** Bytes pass as they come and only as fast as somebody takes them; both directions go
//! by themselves, so one that stands still does not hold the other. The end of the sent body shuts
//! down the sending half, and no more: what comes back goes on. The end of what comes back is the
//! other side's end, and sending goes on. Whoever wants no more of either drops the answer's body,
//! which closes the connection, whatever of the sent body is left. An error of the sent body, a
//! budget that is used up, and silence both ways for too long break the connection off: the
//! answer's body ends with the error.
//!
//! **A refusal takes nothing.** The sent body is not polled before the connection is there. A caller
//! that has bytes which it needs back if it is refused hands over a body that waits until the answer
//! is there, such as the receiving half of a channel.
//!
//! **What may be passed without looking inside.** [`Through::Opaque`] is answered with
//! [`HostError::NotOpaque`] wherever the platform has to look inside: where not both manifest and
//! grants cover every method and every path of the host, where a policy of the operator speaks of
//! requests, or where a secret is put into requests to that host. Nothing of it is recorded, counted
//! or charged. The caller then ends TLS itself and asks for each request by itself
//! ([`HostCall::Http`]), which is decided, and denied, by its method and path. So there is no
//! question to be asked before.
//!
//! **Connections outlive invocations.** A connection belongs to the invocation that asked for it.
//! When that has ended, the connection stands still: nothing moves in either direction, and what has
//! come is not lost. [`HostCall::Keep`], asked of the host of a later invocation of the same
//! function, has it go on at that invocation's cost and in its record, if it would be permitted now;
//! if it would not, the connection is closed. Whoever holds connections asks that once for each of
//! them when an invocation begins, or when one moves.
//!
//! [`Ask::body`]: super::Ask::body
//! [`Answer::body`]: super::Answer::body
//! [`HostCall::Http`]: super::HostCall::Http
//! [`HostCall::Keep`]: super::HostCall::Keep
//! [`HostError::NotOpaque`]: super::HostError::NotOpaque

/// A connection that a function wants. Only native functions make such.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectCall {
    /// A name, or an address; one of IPv6 with or without brackets.
    pub host: String,
    /// The port. Not 0.
    pub port: u16,
    /// As what.
    pub through: Through,
}

/// As what a connection is allowed, and what the platform sees of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Through {
    /// A destination of `allow.tcp`, in whatever protocol.
    Tcp,
    /// TLS that the function speaks with the host itself, so that nobody looks inside. Whoever asks
    /// has made sure that the name in the ClientHello is [`ConnectCall::host`].
    Opaque,
}

/// A connection's number. No two connections of a node have the same, ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);
