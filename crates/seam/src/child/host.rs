//! The host that guests see: whatever they ask for, the node is asked.

use super::lane::{Asked, Lane};
use crate::flow::{Inflow, Outflow, Received, Stream, Upload};
use crate::frame::Kind;
use crate::words::{self, Break};
use bytes::Bytes;
use futures_util::future::{AbortHandle, Abortable};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use model::Labelled;
use ports::host::{Answer, Ask, HostError, Line};
use ports::{Future, Host};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The host beyond the seam, for one invocation.
pub(crate) struct Beyond {
    lane: Arc<Lane>,
    run: u32,
}

impl Beyond {
    pub(crate) fn new(lane: Arc<Lane>, run: u32) -> Self {
        Self { lane, run }
    }
}

impl Host for Beyond {
    fn log(&self, line: Labelled<Line>) {
        // Executors cut lines far below what fits.
        self.lane.pipe.send_value(Kind::Log, self.run, &words::LogLine::of(line));
    }

    fn call(self: Arc<Self>, ask: Ask) -> Future<'static, Result<Answer, HostError>> {
        Box::pin(call(Arc::clone(&self.lane), self.run, ask))
    }
}

async fn call(lane: Arc<Lane>, run: u32, ask: Ask) -> Result<Answer, HostError> {
    let Ask { call, body } = ask;
    let said = words::Ask::of(run, call, body.as_ref().map(words::Length::of));
    let said = said.ok_or(HostError::Denied)?;
    let Asked { id, answer, body: intake, credit } = lane.open_ask();
    let mut open = Open { lane: Arc::clone(&lane), id, upload: None, ended: false };
    if !lane.pipe.send_value(Kind::Ask, id, &said) {
        open.ended = true;
        return Err(HostError::Limit("an ask's size".into()));
    }
    if let Some(body) = body {
        let out = Outflow::new(Arc::clone(&lane.pipe), Stream::Call(id), credit);
        let mut upload = Upload::new(body, Break::Host, out);
        let (stop, registration) = AbortHandle::new_pair();
        let sent = poll_fn(move |cx| upload.poll(cx));
        tokio::spawn(Abortable::new(sent, registration));
        open.upload = Some(stop);
    }
    // Without an answer, the lane is gone, and the guest will be.
    let answer = answer.await.map_err(|_| HostError::Failed)?;
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            open.ended = true;
            return Err(error);
        }
    };
    let body = if let Some(length) = answer.body {
        let inflow = Inflow::new(Arc::clone(&lane.pipe), Stream::Call(id), intake);
        Some(Held { body: Received::new(inflow, length, Break::host), open }.boxed_unsync())
    } else {
        open.ended = true;
        None
    };
    let reply = answer.reply().map_err(|words::Malformed| HostError::Failed)?;
    Ok(Answer { reply, body })
}

/// An ask that is under way. Dropping it gives it up.
struct Open {
    lane: Arc<Lane>,
    id: u32,
    /// Stops the sending of the ask's body.
    upload: Option<AbortHandle>,
    /// The node has forgotten it, too.
    ended: bool,
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(upload) = &self.upload {
            upload.abort();
        }
        self.lane.close_ask(self.id);
        if !self.ended {
            self.lane.pipe.send(Kind::Dropped, self.id, &[]);
        }
    }
}

/// The body of an answer, as the guest reads it. Dropping it gives the rest up.
struct Held {
    body: Received<HostError>,
    open: Open,
}

impl Body for Held {
    type Data = Bytes;
    type Error = HostError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HostError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if self.body.is_over() {
            self.open.ended = true;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
