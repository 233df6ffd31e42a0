//! One invocation in a child, polled like any other.
//!
//! Whoever polls it also answers what its guest asks, and sends the request's body: no task is
//! spawned for it, and who drops it drops all of that.

use super::asks::Asks;
use super::desk::Desk;
use super::lane::{Entry, Lane};
use crate::flow::{Inflow, Intake, Outflow, Stream, Upload};
use crate::frame::Kind;
use crate::words::{self, Break};
use bytes::Bytes;
use http::response::Parts;
use http_body::{Body as _, Frame};
use model::Usage;
use parking_lot::Mutex;
use ports::Host;
use ports::executor::{Fault, FaultKind, RequestBody, Run, Running as Guest};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// An invocation in a child.
pub(crate) struct Running {
    lane: Arc<Lane>,
    /// Its number, or why it could not begin.
    id: Result<u32, Fault>,
    desk: Arc<Mutex<Desk>>,
    host: Arc<dyn Host>,
    upload: Option<Upload<RequestBody>>,
    reply: Inflow,
    asks: Asks,
    /// Bytes of the answer that have come, and that may still come.
    came: u64,
    room: u64,
    headers_max: usize,
}

impl Running {
    pub(crate) fn begin(lane: Arc<Lane>, run: Run) -> Self {
        let Run { unit, request, manner: _, labels, files, host } = run;
        let (head, body) = request.into_parts();
        let (desk, intake): (Arc<Mutex<Desk>>, Arc<Mutex<Intake>>) = Default::default();
        let entry = Entry {
            desk: Arc::clone(&desk),
            host: Arc::clone(&host),
            reply: Arc::clone(&intake),
            credit: Arc::default(),
        };
        let credit = Arc::clone(&entry.credit);
        let id = lane.open(entry);
        let number = *id.as_ref().unwrap_or(&0);
        let mut upload = None;
        if id.is_ok() {
            let has_body = !body.is_end_stream();
            let length = has_body.then(|| words::Length::of(&body));
            let words = words::Run::of(&unit, files, &head, &labels, length);
            if !lane.pipe.send_value(Kind::Run, number, &words) {
                let fault = Fault {
                    kind: FaultKind::Platform,
                    reason: "the request's head is too large".to_owned(),
                };
                desk.lock().cut(&fault);
            }
            let out = Outflow::new(Arc::clone(&lane.pipe), Stream::Run(number), credit);
            upload = has_body.then(|| Upload::new(body, Break::Request, out));
        }
        Self {
            reply: Inflow::new(Arc::clone(&lane.pipe), Stream::Run(number), intake),
            came: 0,
            room: unit.limits.response_body_bytes,
            headers_max: unit.limits.headers as usize,
            asks: Asks::default(),
            lane,
            id,
            desk,
            host,
            upload,
        }
    }

    /// Does what the invocation needs of this side.
    fn work(&mut self, cx: &mut Context<'_>) -> Result<(), Fault> {
        if let Err(fault) = &self.id {
            return Err(fault.clone());
        }
        let new = {
            let mut desk = self.desk.lock();
            desk.watch(cx);
            std::mem::take(&mut desk.new)
        };
        if let Some(upload) = &mut self.upload
            && upload.poll(cx).is_ready()
        {
            self.upload = None;
        }
        self.asks.poll(cx, new, (&self.lane, &self.desk, &self.host));
        Ok(())
    }
}

impl Guest for Running {
    fn poll_head(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Parts, Fault>> {
        let this = self.get_mut();
        this.work(cx)?;
        let Some(head) = this.desk.lock().head.take() else { return Poll::Pending };
        let head = head.map_err(told)?;
        // The child has looked at it. A child that lies does so here.
        if head.headers.len() > this.headers_max || !(200..600).contains(&head.status.as_u16()) {
            return Poll::Ready(Err(Fault {
                kind: FaultKind::BadResponse,
                reason: "an answer that the function's own process should have refused".to_owned(),
            }));
        }
        Poll::Ready(Ok(head))
    }

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        let this = self.get_mut();
        this.work(cx)?;
        let Some(frame) = ready!(this.reply.poll(cx)) else { return Poll::Ready(None) };
        let frame = frame.map_err(|why| match why {
            Break::Reply(fault) => told(fault),
            other => Fault { kind: FaultKind::Platform, reason: format!("{other:?}") },
        })?;
        let length = frame.data_ref().map_or(0, Bytes::len) as u64;
        match this.room.checked_sub(length) {
            Some(room) => (this.room, this.came) = (room, this.came + length),
            None => {
                return Poll::Ready(Some(Err(Fault {
                    kind: FaultKind::ResponseTooLarge,
                    reason: "the answer is larger than its limit".to_owned(),
                })));
            }
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn poll_done(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        let this = self.get_mut();
        this.work(cx)?;
        match &this.desk.lock().done {
            Some(done) => Poll::Ready(done.clone().map_err(told)),
            None => Poll::Pending,
        }
    }

    fn usage(&self) -> Usage {
        let usage = self.desk.lock().usage;
        // The child says what was used now and then; what came is known at any time.
        Usage { bytes_out: usage.bytes_out.max(self.came), ..usage }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(id) = self.id {
            self.lane.close(id, &self.desk);
        }
    }
}

/// What a fault of a child may say: a child that says that the platform failed is one that failed.
fn told(fault: Fault) -> Fault {
    match fault.kind {
        FaultKind::Platform => {
            Fault { reason: format!("the guests' process: {}", fault.reason), ..fault }
        }
        _ => fault,
    }
}
