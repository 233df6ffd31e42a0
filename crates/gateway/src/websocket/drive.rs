//! Drives one WebSocket from its answer 101 to its end: message, invocation, reply, and again.

use super::close::Farewell;
use super::peer::{Event, Peer};
use super::tap::Tap;
use super::{Accepted, Live};
use crate::berth::Berth;
use crate::channel::Channel;
use crate::control::Load;
use crate::door::{Refusal, Session};
use crate::line::Line;
use crate::linger;
use engine::Message;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use tokio::io::AsyncWriteExt;

/// Serves a connection that was accepted, to its end.
pub(crate) async fn run<S: Channel>(live: Live<S>, berth: Berth) {
    let Live { channel, ahead, accepted: Accepted { head, first, session }, line } = live;
    let mut tap = Tap::new(channel, Arc::clone(&line));
    let greeted = tokio::time::timeout(line.body_idle(), greet(&mut tap, &head)).await;
    drop(head);
    let farewell = if matches!(greeted, Ok(Ok(()))) {
        let mut peer = Peer::new(tap, ahead, Arc::clone(&line), session.limits()).await;
        let farewell = converse(&mut peer, &*session, &line, first).await;
        let channel = peer.part(farewell.clone()).await;
        match farewell {
            Farewell::Lost => linger::reset(channel),
            Farewell::Ours(..) | Farewell::Theirs(_) => linger::close(channel).await,
        }
        farewell
    } else {
        linger::reset(tap.into_channel());
        Farewell::Lost
    };
    tracing::debug!(peer = %line.origin.peer, ?farewell, "a WebSocket is closed");
    tell(&*session, &line, farewell.code()).await;
    drop(berth);
}

async fn greet<S: Channel>(tap: &mut Tap<S>, head: &[u8]) -> std::io::Result<()> {
    tap.write_all(head).await?;
    tap.flush().await
}

/// Tells the function that it is over: once, and if it hears it.
async fn tell(session: &dyn Session, line: &Line, code: u16) {
    let _busy = Busy::enter(&line.load);
    match tokio::time::timeout(session.limits().wall, session.disconnect(code)).await {
        Ok(Ok(())) => {}
        Ok(Err(refusal)) => {
            tracing::debug!(problem = %refusal.problem, "a function did not hear of a disconnect");
        }
        Err(_slow) => tracing::debug!("a function took too long over a disconnect"),
    }
}

/// Message, reply, and again, until there is a reason to end.
async fn converse<S: Channel>(
    peer: &mut Peer<S>,
    session: &dyn Session,
    line: &Line,
    first: Option<Message>,
) -> Farewell {
    let mut reply = first;
    loop {
        if let Some(reply) = reply.take()
            && !peer.is_gone()
            && let Err(farewell) = peer.send(reply).await
        {
            return farewell;
        }
        let message = match peer.next().await {
            Event::Message(message) => message,
            Event::Over(farewell) => return farewell,
        };
        let _busy = Busy::enter(&line.load);
        match ask(peer, session, message).await {
            Ok(answer) => reply = answer,
            Err(farewell) => return farewell,
        }
    }
}

/// One message and what the function says to it.
async fn ask<S: Channel>(
    peer: &mut Peer<S>,
    session: &dyn Session,
    message: Message,
) -> Result<Option<Message>, Farewell> {
    let mut running = session.receive(message);
    let result = poll_fn(|cx| match running.as_mut().poll(cx) {
        Poll::Ready(result) => Poll::Ready(Ok(result)),
        Poll::Pending => peer.poll_beside(cx).map(Err),
    })
    .await?;
    result.map_err(|refusal| refused(&refusal))
}

fn refused(refusal: &Refusal) -> Farewell {
    let (problem, internal) = (&refusal.problem, refusal.problem.internal.as_deref());
    tracing::debug!(%problem, internal, "a message of a WebSocket was not answered");
    Farewell::refused(refusal)
}

/// An event that is with the engine, counted as requests are.
struct Busy<'a>(&'a Load);

impl<'a> Busy<'a> {
    fn enter(load: &'a Load) -> Self {
        load.in_flight.fetch_add(1, Ordering::Relaxed);
        Self(load)
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}
