//! Answers the asks of one invocation, as long as somebody polls it.

use super::desk::{Desk, NewAsk};
use super::lane::Lane;
use crate::flow::{Credit, Inflow, Intake, Outflow, Stream, Upload};
use crate::frame::Kind;
use crate::words::{self, Break};
use bytes::Bytes;
use futures_util::future::{Abortable, BoxFuture};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use http_body::{Body, Frame};
use http_body_util::BodyExt as _;
use parking_lot::Mutex;
use ports::Host;
use ports::host::{self, HostError};
use std::future::poll_fn;
use std::pin::Pin;
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
    let answer = match ask.call() {
        Ok(call) => {
            let body = body.map(|intake| received(&lane, id, intake));
            host.call(host::Ask { call, body }).await
        }
        Err(words::Malformed) => Err(HostError::Invalid("the request cannot be read".to_owned())),
    };
    let (said, body) = match answer {
        Ok(host::Answer { reply, body }) => (Ok(words::Answer::of(reply, body.is_some())), body),
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
fn received(lane: &Lane, id: u32, intake: Arc<Mutex<Intake>>) -> host::Body {
    Received(Inflow::new(Arc::clone(&lane.pipe), Stream::Call(id), intake)).boxed_unsync()
}

struct Received(Inflow);

impl Body for Received {
    type Data = Bytes;
    type Error = HostError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HostError>>> {
        self.0.poll(cx).map_err(|why| match why {
            Break::Host(error) => error,
            Break::Request(_) | Break::Reply(_) => HostError::Failed,
        })
    }
}
