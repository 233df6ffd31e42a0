//! Asking the host of the invocation in hand, for as long as there is one.

use super::told;
use crate::seat::{InHand, Risen, Seat};
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt as _;
use model::wire::v1::Level;
use model::{Code, Labelled, Problem};
use ports::host::{Ask, Body, HostError, HostReply, Line};
use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Asks. What comes back breaks off when the process has no invocation in hand any more: whose bytes
/// would they be?
///
/// # Errors
/// The problem that the process is told; a refusal by the policies has the code `denied`.
pub(super) async fn ask(
    seat: &Seat,
    ask: Ask,
    denied: Code,
    what: &str,
) -> Result<(HostReply, Body), Problem> {
    let InHand { host, risen, .. } = seat.in_hand().ok_or_else(told::nobody)?;
    let answer = tokio::select! {
        answer = host.call(ask) => answer,
        _ = risen.clone() => return Err(told::nobody()),
    };
    let answer = answer.map_err(|error| told::of(&error, denied, what))?;
    let body = match answer.body {
        Some(body) => Seated { body: Some(body), risen }.boxed_unsync(),
        None => told::nothing(),
    };
    Ok((answer.reply.value, body))
}

/// Says something in the function's log that cannot be said to the process: a handshake has no words.
pub(super) fn note(seat: &Seat, text: String) {
    let Some(host) = seat.host() else { return };
    let line = Line { level: Level::Platform, bytes: text.into_bytes(), cut: false };
    host.log(Labelled::plain(line));
}

/// A body that comes as long as somebody is spoken for.
struct Seated {
    /// `None` once it broke off.
    body: Option<Body>,
    risen: Risen,
}

impl HttpBody for Seated {
    type Data = Bytes;
    type Error = HostError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HostError>>> {
        let this = &mut *self;
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        if Pin::new(&mut this.risen).poll(cx).is_ready() {
            this.body = None;
            return Poll::Ready(Some(Err(HostError::Failed)));
        }
        Pin::new(body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(HttpBody::size_hint).unwrap_or_default()
    }
}
