//! What the gateway asks of the floor below: to answer one request.

use bytes::Bytes;
use engine::{Cut, Engine, Message, ReplyBody, Socket, SocketLimits};
use http::{HeaderMap, Response};
use http_body::Body;
use std::pin::Pin;
use std::sync::Arc;

pub use engine::{Inbound, Refusal};

/// Any error, as hyper takes it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What comes of an event of a WebSocket.
pub type Told<'a, T> = Pin<Box<dyn Future<Output = Result<T, Refusal>> + Send + 'a>>;

/// What became of a request for a WebSocket.
pub enum Opening<B> {
    /// An ordinary answer.
    Answer(Response<B>),
    /// The connection is accepted.
    Accepted {
        /// What the client is told beside that.
        headers: HeaderMap,
        /// What is sent at once.
        first: Option<Message>,
        /// Who hears what happens on it.
        session: Box<dyn Session>,
    },
}

/// Hears what happens on one WebSocket.
pub trait Session: Send + Sync + 'static {
    /// What holds for it.
    fn limits(&self) -> SocketLimits;

    /// Hears a message of the client; says what to answer, if anything.
    fn receive(&self, message: Message) -> Told<'_, Option<Message>>;

    /// Hears that the connection is over, and with which code.
    fn disconnect(&self, code: u16) -> Told<'_, ()>;
}

/// Answers requests.
pub trait Invoke: Send + Sync + 'static {
    /// The answer's body. Polling it may run the guest; dropping it stops the guest.
    type Body: Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static;

    /// Answers one request. Runs in the connection's task, on a worker's single-threaded runtime;
    /// dropped when the client goes away.
    fn invoke(
        self: &Arc<Self>,
        inbound: Inbound,
    ) -> impl Future<Output = Result<Response<Self::Body>, Refusal>> + Send;

    /// Answers a request that asks for a WebSocket. `flaw` says what is wrong with its handshake.
    fn open(
        self: &Arc<Self>,
        inbound: Inbound,
        flaw: Option<&'static str>,
    ) -> impl Future<Output = Result<Opening<Self::Body>, Refusal>> + Send {
        let _ = flaw;
        async move { self.invoke(inbound).await.map(Opening::Answer) }
    }

    /// The time of a drain is over: what is under way is dropped after this.
    fn out_of_time(&self) {}
}

impl Invoke for Engine {
    type Body = ReplyBody;

    async fn invoke(self: &Arc<Self>, inbound: Inbound) -> Result<Response<ReplyBody>, Refusal> {
        Self::invoke(self, inbound).await
    }

    async fn open(
        self: &Arc<Self>,
        inbound: Inbound,
        flaw: Option<&'static str>,
    ) -> Result<Opening<ReplyBody>, Refusal> {
        Ok(match Self::open(self, inbound, flaw).await? {
            engine::Opening::Answer(response) => Opening::Answer(response),
            engine::Opening::Accepted { headers, first, socket } => {
                Opening::Accepted { headers, first, session: socket }
            }
        })
    }

    fn out_of_time(&self) {
        self.cut(Cut::Grace);
    }
}

impl Session for Socket {
    fn limits(&self) -> SocketLimits {
        Self::limits(self)
    }

    fn receive(&self, message: Message) -> Told<'_, Option<Message>> {
        Box::pin(Self::receive(self, message))
    }

    fn disconnect(&self, code: u16) -> Told<'_, ()> {
        Box::pin(Self::disconnect(self, code))
    }
}
