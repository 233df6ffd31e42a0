//! One request: from hyper's hands to the engine, and back.

use crate::answer::{self, Answer, Ticket};
use crate::body;
use crate::desk::Desk;
use crate::door::{Inbound, Invoke, Opening, Refusal};
use crate::h2;
use crate::line::Line;
use crate::local;
use crate::violation::Violation;
use crate::websocket::{self, Accepted, Handover, Wish};
use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Extensions, HeaderMap, Request, Response, StatusCode, Uri, Version};
use http_body::Body;
use hyper::body::Incoming;
use model::{Code, Problem};
use std::convert::Infallible;
use std::sync::Arc;

/// Answers one request of a connection. One that becomes a WebSocket goes to the `handover`, if
/// there is one, and is not answered here.
pub(crate) async fn answer<E: Invoke>(
    desk: &Desk<E>,
    line: &Arc<Line>,
    request: Request<Incoming>,
    handover: Option<&Handover>,
) -> Result<Response<Answer<E::Body>>, Infallible> {
    let (mut parts, incoming) = request.into_parts();
    let mut ticket = Ticket::new(line, &parts, desk.log.as_ref());
    if let Some(violation) = violation(&mut parts, desk, line) {
        return Ok(refused(&violation.into(), ticket, line));
    }
    if let Some(response) = local::answer(desk, line, &parts) {
        return Ok(send(response, ticket, line, Answer::text));
    }
    let wish = handover.and_then(|_| websocket::wish(&parts, incoming.is_end_stream()));
    prepare(&mut parts);
    let method = parts.method.clone();
    let meter = ticket.entry().map(|entry| entry.meter());
    let request = Request::from_parts(parts, body::receive(incoming, line, meter));
    let mut inbound = line.origin.inbound(request, &desk.config.proxies);
    if let Some(entry) = ticket.entry() {
        entry.comes_from(inbound.peer);
        inbound.noted = Some(entry.noted());
    }
    let mut result = match (wish, handover) {
        (Some(wish), Some(handover)) => {
            // It is rare, and nobody else's connection has to be as large as this.
            match Box::pin(open(desk, line, inbound, &wish)).await {
                Ok(Opened::Accepted(accepted, headers)) => {
                    return hand_over(handover, accepted, ticket, &headers).await;
                }
                Ok(Opened::Answer(response)) => Ok(response),
                Err(refusal) => Err(refusal),
            }
        }
        _ => desk.engine.invoke(inbound).await,
    };
    // The body was refused while it was read. Whatever the guest made of the half that it saw is
    // not an answer to the request that the client meant.
    if let Some(violation) = line.violation() {
        result = Err(violation.into());
    }
    if let Ok(response) = &mut result
        && let Err(why) = answer::tidy(response, &method)
    {
        tracing::warn!(why, "an answer of the engine cannot be sent");
        result = Err(Problem::new(Code::BadResponse).internal(why).into());
    }
    Ok(match result {
        Ok(response) => send(response, ticket, line, Answer::reply),
        Err(refusal) => refused(&refusal, ticket, line),
    })
}

/// What became of a request for a WebSocket.
enum Opened<B> {
    Answer(Response<B>),
    Accepted(Accepted, HeaderMap),
}

/// Asks the engine for a WebSocket.
async fn open<E: Invoke>(
    desk: &Desk<E>,
    line: &Line,
    inbound: Inbound,
    wish: &Wish,
) -> Result<Opened<E::Body>, Refusal> {
    // Whoever does not get one gets nothing more: what follows may be meant to be frames.
    line.hang_up();
    match desk.engine.open(inbound, wish.flaw).await? {
        Opening::Answer(response) => Ok(Opened::Answer(response)),
        Opening::Accepted { headers, first, session } => {
            let wrong = |why| Refusal::from(Problem::new(Code::BadResponse).internal(why));
            let noted = headers.clone();
            let head = wish.answer(headers).map_err(wrong)?;
            Ok(Opened::Accepted(Accepted { head, first, session }, noted))
        }
    }
}

/// Leaves an accepted connection to its driver, who lets go of hyper and of this.
async fn hand_over<T>(
    handover: &Handover,
    accepted: Accepted,
    mut ticket: Ticket,
    headers: &HeaderMap,
) -> T {
    if let Some(entry) = ticket.entry() {
        entry.answered(StatusCode::SWITCHING_PROTOCOLS, headers);
        entry.complete();
    }
    drop(ticket);
    handover.put(accepted);
    std::future::pending().await
}

/// What is wrong with a request, or with the connection that it came over.
fn violation<E>(parts: &mut Parts, desk: &Desk<E>, line: &Line) -> Option<Violation> {
    // hyper was given a stand-in for what was refused.
    let refused = line.violation();
    if refused.is_some() || parts.version != Version::HTTP_2 {
        return refused;
    }
    h2::check(parts, desk.config.head_limits()).err()
}

/// Leaves path and query as the only form of a target.
fn prepare(parts: &mut Parts) {
    parts.extensions = Extensions::new();
    if parts.uri.authority().is_some() {
        let path = parts.uri.path_and_query().cloned();
        parts.uri = Uri::from(path.unwrap_or(PathAndQuery::from_static("/")));
    }
}

fn refused<B: Body<Data = Bytes> + Unpin>(
    refusal: &Refusal,
    ticket: Ticket,
    line: &Line,
) -> Response<Answer<B>> {
    send(answer::document(refusal), ticket, line, Answer::text)
}

fn send<T, B>(
    mut response: Response<T>,
    mut ticket: Ticket,
    line: &Line,
    wrap: impl FnOnce(T, Ticket) -> Answer<B>,
) -> Response<Answer<B>> {
    if let Some(entry) = ticket.entry() {
        entry.answered(response.status(), response.headers());
    }
    let headers = response.headers_mut();
    if line.origin.multiplexed {
        // HTTP/2 has GOAWAY for the one, and nothing for the other.
        headers.remove(header::CONNECTION);
        headers.remove(header::UPGRADE);
    } else if line.is_last_answer() {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response.map(|content| wrap(content, ticket))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_loses_its_authority_and_nothing_else() {
        for (target, left) in [
            ("http://a/b?c=%2F", "/b?c=%2F"),
            ("http://a", "/"),
            ("http://a:80/", "/"),
            ("/b//c?d", "/b//c?d"),
        ] {
            let request = Request::builder().uri(target).body(()).unwrap();
            let (mut parts, ()) = request.into_parts();
            prepare(&mut parts);
            assert_eq!(parts.uri.to_string(), left);
        }
    }
}
