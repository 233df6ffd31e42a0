//! Answers the asks of one invocation, as long as somebody polls it.

use super::desk::{Desk, NewAsk};
use super::lane::Lane;
use crate::flow::{Credit, Inflow, Intake, Outflow, Received, Stream, Upload};
use crate::frame::Kind;
use crate::words::{self, Break};
use futures_util::future::{Abortable, BoxFuture};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use http_body_util::BodyExt as _;
use parking_lot::Mutex;
use ports::Host;
use ports::host::{self, HostError};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The asks of one invocation that are being answered.
#[derive(Default)]
pub(crate) struct Asks(FuturesUnordered<BoxFuture<'static, ()>>);

impl Asks {
    /// Begins with those that have come, and goes on with all.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        new: Vec<NewAsk>,
        (lane, desk, host): (&Arc<Lane>, &Arc<Mutex<Desk>>, &Arc<dyn Host>),
    ) {
        for NewAsk { id, ask, body, credit, registration } in new {
            let (lane, desk, host) = (Arc::clone(lane), Arc::clone(desk), Arc::clone(host));
            let answering = answer(Arc::clone(&lane), host, id, ask, body, credit);
            let answered = Abortable::new(answering, registration);
            self.0.push(Box::pin(async move {
                // One that was given up is forgotten already.
                if answered.await.is_ok() {
                    lane.answered(&desk, id);
                }
            }));
        }
        while let Poll::Ready(Some(())) = self.0.poll_next_unpin(cx) {}
    }
}

/// Answers one ask, and sends the answer's body to its end.
async fn answer(
    lane: Arc<Lane>,
    host: Arc<dyn Host>,
    id: u32,
    ask: words::Ask,
    body: Option<Arc<Mutex<Intake>>>,
    credit: Arc<Credit>,
) {
    let length = ask.body;
    let answer = match ask.call() {
        Ok(call) => {
            let body = length.zip(body);
            let body = body.map(|(length, intake)| received(&lane, id, length, intake));
            host.call(host::Ask { call, body }).await
        }
        Err(words::Malformed) => Err(HostError::Invalid("the request cannot be read".to_owned())),
    };
    let (said, body) = match answer {
        Ok(host::Answer { reply, body }) => {
            let length = body.as_ref().map(words::Length::of);
            match words::Answer::of(reply, length) {
                Some(said) => (Ok(said), body),
                None => (Err(HostError::Failed), None),
            }
        }
        Err(error) => (Err(error), None),
    };
    if !lane.pipe.send_value(Kind::Answer, id, &said) {
        let refused: Result<words::Answer, HostError> =
            Err(HostError::Limit("an answer's size".into()));
        lane.pipe.send_value(Kind::Answer, id, &refused);
        return;
    }
    if let Some(body) = body {
        let out = Outflow::new(Arc::clone(&lane.pipe), Stream::Call(id), credit);
        let mut upload = Upload::new(body, Break::Host, out);
        poll_fn(|cx| upload.poll(cx)).await;
    }
}

/// The body of an ask, as the host reads it.
fn received(lane: &Lane, id: u32, length: words::Length, intake: Arc<Mutex<Intake>>) -> host::Body {
    let inflow = Inflow::new(Arc::clone(&lane.pipe), Stream::Call(id), intake);
    Received::new(inflow, length, Break::host).boxed_unsync()
}
