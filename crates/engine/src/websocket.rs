//! WebSockets: the door holds the connection, and each event on it is an invocation.
//!
//! A connection holds no instance, no slot and no permit. What it keeps is how its client showed
//! who it is; each event is a request with the same credential, and goes through every stage
//! again, against what is deployed, granted and issued by then.
//!
//! Invariant: no event runs with an identity or a permit of an earlier one.

mod event;
mod kept;
mod origin;
mod rooms;

pub use event::{Message, Opening, Socket, SocketLimits};
pub(crate) use rooms::Rooms;
pub use rooms::WebSockets;

use crate::crossing::Crossed;
use crate::invoke::{Inbound, Outcomes, Refusal};
use crate::stage::{Identified, Permitted};
use crate::wiring::Engine;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use kept::Kept;
use model::manifest::WebSocketLimits;
use model::wire::v1::{SocketEvent, Trigger};
use model::{Code, InvocationId, Problem};
use std::sync::Arc;

/// What happened.
const EVENT: HeaderName = HeaderName::from_static("casemate-websocket");
/// On which connection: the id of the invocation that opened it.
const ID: HeaderName = HeaderName::from_static("casemate-websocket-id");
/// The part of a handshake that is between the client and the door.
const HANDSHAKE: [HeaderName; 3] =
    [header::SEC_WEBSOCKET_KEY, header::SEC_WEBSOCKET_VERSION, header::SEC_WEBSOCKET_EXTENSIONS];

impl Engine {
    /// Answers a request that asks for a WebSocket, as far as the door found it to be in order:
    /// `flaw` says what is wrong with it. On a route that speaks no WebSocket it is an ordinary
    /// request.
    ///
    /// # Errors
    /// As [`Engine::invoke`]; E0714 to E0717.
    pub async fn open(
        self: &Arc<Self>,
        inbound: Inbound,
        flaw: Option<&'static str>,
    ) -> Outcomes<Opening> {
        let page = self.crossed(&inbound.request);
        let received = self.receive(inbound);
        let kept = Kept::of(&received, self.config.issuers.headers());
        let throttled = self.throttle(received)?;
        self.look_for_key(&throttled).await;
        let mut outcome = match self.identify(throttled) {
            Ok(mut identified) => match speaks(&identified) {
                Some(limits) => {
                    name_event(&mut identified, SocketEvent::Connect);
                    let permitted = self.permit(identified)?;
                    self.is_read(&permitted)?;
                    return self.connect(permitted, kept, limits, flaw, page.as_ref()).await;
                }
                None => match self.permit(identified) {
                    Ok(permitted) => self.answer(permitted).await,
                    Err(refusal) => Err(refusal),
                },
            },
            Err(refusal) => Err(refusal),
        };
        if let Some(page) = page {
            page.stamp(&mut outcome);
        }
        outcome.map(Opening::Answer)
    }

    /// Asks the function whether it takes the connection.
    async fn connect(
        self: &Arc<Self>,
        mut permitted: Permitted,
        kept: Kept,
        limits: WebSocketLimits,
        flaw: Option<&'static str>,
        page: Option<&Crossed>,
    ) -> Outcomes<Opening> {
        if let Some(flaw) = flaw {
            return Err(not_spoken(Problem::new(Code::BadHandshake).detail(flaw)));
        }
        let identified = &mut permitted.identified;
        let received = &mut identified.throttled.received;
        if !page.is_some_and(Crossed::is_admitted) {
            origin::check(received.request.headers())?;
        }
        let room = self.sockets.take(received.peer, identified.function.reference())?;
        let id = received.id;
        let headers = received.request.headers_mut();
        for name in HANDSHAKE {
            headers.remove(name);
        }
        mark(headers, SocketEvent::Connect, id);
        let kept = kept.without(headers);
        let caller = identified.caller.clone();
        let wall_ms = identified.function.unit.limits.wall_ms;
        let funded = self.fund(permitted).await?;
        let response = self.execute(funded).await.map_err(|refusal| refusal.of(id))?;
        if !response.status().is_success() {
            return Ok(Opening::Answer(response));
        }
        let (head, first) = event::whole(response).await.map_err(|refusal| refusal.of(id))?;
        let limits = SocketLimits::new(limits, wall_ms);
        let socket = Socket::new(Arc::clone(self), id, kept, caller, limits, room);
        Ok(Opening::Accepted { headers: head.headers, first, socket: Box::new(socket) })
    }

    /// Refuses an ordinary request for a route that speaks WebSocket.
    pub(crate) fn is_ordinary(&self, permitted: &Permitted) -> Outcomes<()> {
        match speaks(&permitted.identified) {
            None => Ok(()),
            Some(_) => Err(not_spoken(Code::WebSocketOnly.into())),
        }
    }
}

/// What holds for the connections of the route, if it speaks WebSocket.
fn speaks(identified: &Identified) -> Option<WebSocketLimits> {
    let endpoint = identified.endpoint.as_ref().filter(|it| it.function.shelf.is_none())?;
    endpoint.http.websocket?.limits()
}

/// Says what the request is, for policies and records.
fn name_event(identified: &mut Identified, event: SocketEvent) {
    if let Trigger::Http { route, .. } = &identified.trigger {
        identified.trigger = Trigger::WebSocket { event, route: Arc::clone(route) };
    }
}

/// Says what the request is, for the guest.
fn mark(headers: &mut HeaderMap, event: SocketEvent, id: InvocationId) {
    headers.insert(EVENT, HeaderValue::from_static(event.word()));
    if let Ok(value) = HeaderValue::from_maybe_shared(bytes::Bytes::from(id.to_string())) {
        headers.insert(ID, value);
    }
}

/// A refusal that says what is spoken here (RFC 9110, section 15.5.22; RFC 6455, section 4.4).
fn not_spoken(problem: Problem) -> Refusal {
    let fields = [
        (header::CONNECTION, HeaderValue::from_static("upgrade")),
        (header::UPGRADE, HeaderValue::from_static("websocket")),
        (header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13")),
    ];
    Refusal { headers: Some(Box::new(fields.into_iter().collect())), ..problem.into() }
}
