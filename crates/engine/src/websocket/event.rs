//! One open WebSocket, and what happens on it.

use super::kept::Kept;
use super::rooms::Room;
use super::{mark, name_event, speaks};
use crate::content;
use crate::invoke::{Outcomes, Refusal};
use crate::reply::ReplyBody;
use crate::wiring::Engine;
use bytes::{Bytes, BytesMut};
use http::header::{HeaderName, HeaderValue};
use http::response::Parts;
use http::{HeaderMap, Method, Response};
use http_body_util::BodyExt;
use model::manifest::WebSocketLimits;
use model::wire::v1::{Caller, SocketEvent};
use model::{Code, InvocationId, Problem};
use std::sync::Arc;
use std::time::Duration;

/// With which code a connection was closed (RFC 6455, section 7.4).
const CODE: HeaderName = HeaderName::from_static("casemate-websocket-code");
const TEXT: &str = "text/plain; charset=utf-8";
const BINARY: &str = "application/octet-stream";

/// What became of a request for a WebSocket.
pub enum Opening {
    /// An ordinary answer: the route speaks none, or the function does not want this one.
    Answer(Response<ReplyBody>),
    /// The function takes the connection.
    Accepted {
        /// What it says to the client beside that.
        headers: HeaderMap,
        /// What it sends at once.
        first: Option<Message>,
        /// What happens from now on.
        socket: Box<Socket>,
    },
}

/// A message, of either side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Valid UTF-8.
    Text(Bytes),
    /// Anything.
    Binary(Bytes),
}

/// What holds for one WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SocketLimits {
    /// How long nothing may arrive.
    pub idle: Duration,
    /// How long it lasts.
    pub lifetime: Duration,
    /// Most bytes of one message of the client.
    pub message_bytes: usize,
    /// How long an event may take that nobody waits for any more.
    pub wall: Duration,
}

impl SocketLimits {
    pub(super) fn new(limits: WebSocketLimits, wall_ms: u64) -> Self {
        Self {
            idle: limits.idle(),
            lifetime: limits.lifetime(),
            message_bytes: limits.message_bytes(),
            wall: Duration::from_millis(wall_ms),
        }
    }
}

/// An open WebSocket as the engine knows it.
pub struct Socket {
    engine: Arc<Engine>,
    id: InvocationId,
    kept: Kept,
    caller: Caller,
    limits: SocketLimits,
    _room: Room,
}

impl Socket {
    pub(super) fn new(
        engine: Arc<Engine>,
        id: InvocationId,
        kept: Kept,
        caller: Caller,
        limits: SocketLimits,
        room: Room,
    ) -> Self {
        Self { engine, id, kept, caller, limits, _room: room }
    }

    /// What holds for it.
    #[must_use]
    pub fn limits(&self) -> SocketLimits {
        self.limits
    }

    /// Gives the function a message of the client; the function's answer, if it has one.
    ///
    /// # Errors
    /// As [`Engine::invoke`]; a status of the function that is not 2xx; an answer that is no
    /// message.
    pub async fn receive(&self, message: Message) -> Outcomes<Option<Message>> {
        let (kind, body) = match message {
            Message::Text(bytes) => (TEXT, bytes),
            Message::Binary(bytes) => (BINARY, bytes),
        };
        let response = self.run(SocketEvent::Message, Some(kind), body, None).await?;
        let status = response.status();
        if !status.is_success() {
            let code = match status.as_u16() {
                401 | 403 => Code::Denied,
                429 | 503 => Code::FunctionBusy,
                _ => Code::GuestError,
            };
            let why = format!("the function answered {} to a message", status.as_u16());
            return Err(Problem::new(code).internal(why).into());
        }
        Ok(whole(response).await?.1)
    }

    /// Tells the function that the connection is over, and with which code.
    ///
    /// # Errors
    /// As [`Engine::invoke`].
    pub async fn disconnect(&self, code: u16) -> Outcomes<()> {
        let response = self.run(SocketEvent::Disconnect, None, Bytes::new(), Some(code)).await?;
        whole(response).await.map(drop)
    }

    async fn run(
        &self,
        event: SocketEvent,
        kind: Option<&'static str>,
        body: Bytes,
        code: Option<u16>,
    ) -> Outcomes<Response<ReplyBody>> {
        let engine = &self.engine;
        let received = engine.receive(self.kept.request(kind, body));
        let id = received.id;
        // The route is found by its own method.
        let throttled = engine.throttle(received)?;
        engine.look_for_key(&throttled).await;
        let mut identified = engine.identify(throttled)?;
        if speaks(&identified).is_none() || identified.caller != self.caller {
            let why = "the WebSocket's route speaks none any more";
            return Err(Problem::new(Code::NotFound).internal(why).into());
        }
        name_event(&mut identified, event);
        let request = &mut identified.throttled.received.request;
        *request.method_mut() = Method::POST;
        mark(request.headers_mut(), event, self.id);
        if let Some(code) = code {
            request.headers_mut().insert(CODE, HeaderValue::from(code));
        }
        let permitted = engine.permit(identified)?;
        let funded = engine.fund(permitted).await?;
        engine.execute(funded).await.map_err(|refusal| refusal.of(id))
    }
}

/// A reply to its end, as one message; none if it is empty.
pub(super) async fn whole(response: Response<ReplyBody>) -> Outcomes<(Parts, Option<Message>)> {
    let (head, mut body) = response.into_parts();
    let mut bytes = BytesMut::new();
    let mut first = Bytes::new();
    while let Some(frame) = body.frame().await {
        let broken = |_| Refusal::from(Problem::new(Code::GuestError).internal("it broke off"));
        let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
        // Most replies are one frame, and are not copied.
        if first.is_empty() && bytes.is_empty() {
            first = data;
        } else {
            bytes.extend_from_slice(&std::mem::take(&mut first));
            bytes.extend_from_slice(&data);
        }
    }
    let bytes = if bytes.is_empty() { first } else { bytes.freeze() };
    if bytes.is_empty() {
        return Ok((head, None));
    }
    if !is_text(&head.headers) {
        return Ok((head, Some(Message::Binary(bytes))));
    }
    if std::str::from_utf8(&bytes).is_err() {
        let why = "the answer's content-type is a text's, and its body is no UTF-8";
        return Err(Problem::new(Code::BadResponse).internal(why).into());
    }
    Ok((head, Some(Message::Text(bytes))))
}

/// Whether a reply is a text: `text/*` and JSON are.
fn is_text(headers: &HeaderMap) -> bool {
    let kind = content::kind_of(headers);
    kind.starts_with("text/") || content::is_json(&kind)
}
