//! One invocation between take-off and landing.
//!
//! Invariant: the record is closed exactly once: by the end of the guest, by a fault, by the wall
//! clock, or by the drop of a flight that nobody polls any more.

mod unseen;
mod whole;

pub(crate) use unseen::{Keeps, Seen};

use super::body::ReplyBody;
use super::close::{Ending, code_number};
use crate::caps::{Ticket, spent};
use crate::function::Function;
use crate::host::{Broker, Kept, Outward};
use crate::invoke::Refusal;
use crate::stage::Seat;
use crate::wiring::Engine;
use bytes::{Bytes, BytesMut};
use http::{HeaderValue, header};
use http_body::Frame;
use model::wire::v1::{Entry, Outcome, Record, Start, Trigger};
use model::{Code, Cost};
use ports::executor::{Fault, FaultKind, Running};
use ports::journal::Mark;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::Sleep;

/// What a flight starts with.
pub(crate) struct Boarding {
    pub(crate) engine: Arc<Engine>,
    pub(crate) running: Pin<Box<dyn Running>>,
    pub(crate) function: Arc<Function>,
    pub(crate) broker: Arc<Broker>,
    pub(crate) start: Start,
    pub(crate) began: Duration,
    pub(crate) policy: u64,
    /// What is counted of it, if anything has a cap.
    pub(crate) ticket: Option<Ticket>,
    /// Room on the node; given back with the rest.
    pub(crate) _seat: Seat,
}

/// An invocation under way.
pub(crate) struct Flight {
    /// Gone once the record is closed: dropping it frees the instance.
    aboard: Option<Boarding>,
    /// Made when the guest first has to be waited for; begun anew with every frame.
    wall: Option<Pin<Box<Sleep>>>,
    /// The status of the guest's head; 0 before it.
    status: u16,
    /// The head is on its way to the caller. Until then a failure can still become the answer.
    departed: bool,
    /// What of the body is still to come, if the guest's head says how long it is.
    left: Option<u64>,
    /// Looks for sensitive values in the reply, if any may be around.
    outward: Option<Box<Outward>>,
    /// Somebody gets the reply, though nobody waits for it.
    kept: bool,
}

/// The record is closed, with this ending.
pub(crate) struct Closed(pub(crate) Ending, Option<Mark>);

impl Flight {
    pub(crate) fn new(boarding: Boarding) -> Self {
        let aboard = Some(boarding);
        let (wall, left, outward) = (None, None, None);
        Self { aboard, wall, status: 0, departed: false, left, outward, kept: false }
    }

    /// Runs the guest to its response head and hands out the reply.
    pub(crate) async fn answer(mut self) -> Result<http::Response<ReplyBody>, Refusal> {
        let mut head = match poll_fn(|cx| self.poll_head(cx)).await {
            Ok(head) => head,
            Err(closed) => return Err(closed.0.problem().into()),
        };
        let strict = self.aboard.as_ref().is_some_and(|aboard| aboard.function.strict());
        let masked = self.outward.as_ref().map(|outward| Arc::clone(&outward.masked));
        let whole = self.outward.as_ref().is_some_and(|outward| outward.is_whole());
        let body = match (strict, whole) {
            (true, _) => self.whole_and_durable(&head).await?,
            (false, true) => self.whole_and_revealed(&head).await?,
            (false, false) => self.read_ahead().await?,
        };
        if let Some(masked) = masked {
            crate::data::say_masked(&mut head, &masked);
        }
        Ok(http::Response::from_parts(head, body))
    }

    /// Whether no body follows the head: in an answer to HEAD, or one that has none.
    fn is_only_head(&self) -> bool {
        let aboard = self.aboard.as_ref();
        let method = aboard.and_then(|aboard| aboard.start.trigger.method());
        method == Some("HEAD") || matches!(self.status, 204 | 304)
    }

    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<http::response::Parts, Closed>> {
        let polled = self.poll_with(cx, |running, cx| running.poll_head(cx));
        polled.map(|head| {
            let mut head = head?;
            self.status = head.status.as_u16();
            let length = head.headers.get(header::CONTENT_LENGTH);
            self.left = length.and_then(|length| length.to_str().ok()?.parse().ok());
            let has_body = !self.is_only_head();
            let seen = |trigger: &Trigger| self.kept || !is_thrown_away(trigger);
            let outward = self.aboard.as_ref().filter(|it| seen(&it.start.trigger));
            let outward = outward.map(|it| it.broker.outward(&mut head, has_body));
            match outward.transpose() {
                Ok(outward) => self.outward = outward.flatten().map(Box::new),
                Err(kept) => return Err(self.keep_back(kept)),
            }
            if self.outward.as_ref().is_some_and(|outward| outward.is_whole()) {
                self.left = None;
            }
            if let Some(aboard) = &self.aboard
                && let Ok(value) =
                    HeaderValue::from_maybe_shared(Bytes::from(aboard.start.id.to_string()))
            {
                head.headers.insert("casemate-invocation", value);
            }
            Ok(head)
        })
    }

    /// Runs the guest to its next frame, without sensitive values in it.
    pub(crate) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Closed>>> {
        loop {
            if let Some(outward) = &mut self.outward {
                match outward.late() {
                    Some(Ok(late)) => return Poll::Ready(Some(Ok(late))),
                    Some(Err(kept)) => return Poll::Ready(Some(Err(self.keep_back(kept)))),
                    None if outward.over => return Poll::Ready(None),
                    None => {}
                }
            }
            let next = ready!(self.poll_guest(cx));
            let Some(outward) = &mut self.outward else { return Poll::Ready(next) };
            match outward.pass(next) {
                Ok(Some(next)) => return Poll::Ready(next),
                Ok(None) => {}
                Err(kept) => return Poll::Ready(Some(Err(self.keep_back(kept)))),
            }
        }
    }

    /// The reply may not leave, or not go on.
    fn keep_back(&mut self, Kept { code, why }: Kept) -> Closed {
        self.close(Ending::new(Outcome::GuestError, code, why))
    }

    fn poll_guest(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Closed>>> {
        let polled = self.poll_with(cx, |running, cx| match running.poll_frame(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(None) => Poll::Ready(Ok(None)),
            Poll::Ready(Some(frame)) => Poll::Ready(frame.map(Some)),
        });
        match polled {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(closed)) => Poll::Ready(Some(Err(closed))),
            Poll::Ready(Ok(frame)) => {
                // What limits a stream is silence, not length.
                self.wall = None;
                if let Some(data) = frame.as_ref().and_then(Frame::data_ref) {
                    self.left = self.left.map(|left| left.saturating_sub(data.len() as u64));
                }
                Poll::Ready(frame.map(Ok))
            }
        }
    }

    /// Most answers are one frame long. If the end follows at once, the reply is whole, its
    /// length is known, and the record closes before it is sent.
    async fn read_ahead(mut self) -> Result<ReplyBody, Refusal> {
        let first = match poll_fn(|cx| Poll::Ready(self.poll_frame(cx))).await {
            Poll::Pending => return Ok(self.depart(None)),
            Poll::Ready(None) => Bytes::new(),
            Poll::Ready(Some(Err(closed))) => return Err(closed.0.problem().into()),
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                Ok(bytes) => bytes,
                Err(_trailers) => Bytes::new(),
            },
        };
        match poll_fn(|cx| Poll::Ready(self.poll_frame(cx))).await {
            Poll::Pending => Ok(self.depart(Some(first))),
            Poll::Ready(None) => {
                self.departed = true;
                poll_fn(|cx| {
                    self.poll_landing(cx);
                    Poll::Ready(())
                })
                .await;
                Box::new(self).finish_later();
                Ok(ReplyBody::whole(first))
            }
            Poll::Ready(Some(Ok(frame))) => {
                let mut both = BytesMut::from(first);
                if let Ok(more) = frame.into_data() {
                    both.extend_from_slice(&more);
                }
                Ok(self.depart(Some(both.freeze())))
            }
            Poll::Ready(Some(Err(closed))) => Err(closed.0.problem().into()),
        }
    }

    /// The head goes out, with what is there of the body.
    fn depart(mut self, first: Option<Bytes>) -> ReplyBody {
        self.departed = true;
        // From here on another silence counts.
        self.wall = None;
        ReplyBody::stream(first, self)
    }

    /// The body has ended: closes the record, now or, if the guest still works, later.
    pub(crate) fn land(mut self: Box<Self>, cx: &mut Context<'_>) {
        self.poll_landing(cx);
        self.finish_later();
    }

    fn poll_landing(&mut self, cx: &mut Context<'_>) {
        let _closed_or_not_yet = self.poll_done(cx);
    }

    /// A guest that works on after its answer is driven by a task of its own, under the same
    /// wall clock, so that the connection can take its next request.
    fn finish_later(mut self: Box<Self>) {
        if self.aboard.is_some() {
            tokio::spawn(async move {
                let _closed = poll_fn(|cx| self.poll_done(cx)).await;
            });
        }
    }

    /// Runs the guest to its end when the caller has all of the answer, and nobody asks for more.
    async fn run_out(mut self) {
        while let Some(Ok(_)) = poll_fn(|cx| self.poll_frame(cx)).await {}
        Box::new(self).finish_later();
    }

    /// Runs the guest to its end and closes the record.
    fn poll_done(&mut self, cx: &mut Context<'_>) -> Poll<Closed> {
        match self.poll_with(cx, |running, cx| running.poll_done(cx)) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(())) => Poll::Ready(self.close(Ending::OK)),
            Poll::Ready(Err(closed)) => Poll::Ready(closed),
        }
    }

    /// Polls the guest under the wall clock; a fault or the clock closes the record.
    fn poll_with<T>(
        &mut self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(Pin<&mut dyn Running>, &mut Context<'_>) -> Poll<Result<T, Fault>>,
    ) -> Poll<Result<T, Closed>> {
        let Some(aboard) = &mut self.aboard else {
            let ending = Ending::new(Outcome::Platform, Code::Internal, "polled after its end");
            return Poll::Ready(Err(Closed(ending, None)));
        };
        match poll(aboard.running.as_mut(), cx) {
            Poll::Ready(Ok(value)) => Poll::Ready(Ok(value)),
            Poll::Ready(Err(fault)) => {
                if fault.kind == FaultKind::Platform {
                    aboard.function.readiness.doubt();
                }
                Poll::Ready(Err(self.close(fault.into())))
            }
            Poll::Pending => {
                let limits = &aboard.function.unit.limits;
                let wall_ms = if self.departed { limits.stream_idle_ms } else { limits.wall_ms };
                let wall = Duration::from_millis(wall_ms);
                let sleep = self.wall.get_or_insert_with(|| Box::pin(tokio::time::sleep(wall)));
                if sleep.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                let reason = format!("no answer, or silence, for {wall_ms} ms");
                Poll::Ready(Err(self.close(Ending::new(
                    Outcome::Timeout,
                    Code::WallTimeout,
                    reason,
                ))))
            }
        }
    }

    /// Writes the record's end, frees the instance and gives the slot back.
    fn close(&mut self, ending: Ending) -> Closed {
        let Some(aboard) = self.aboard.take() else { return Closed(ending, None) };
        let parts = &aboard.engine.parts;
        if let Some(reason) = &ending.reason {
            let code = ending.code.map(|code| format!("{code} ")).unwrap_or_default();
            aboard.broker.platform_line(format!("{code}{}: {reason}", ending.outcome.word()));
        }
        let asked = aboard.broker.settle();
        let usage = aboard.running.usage();
        aboard.broker.spent_cpu(usage.cpu_us);
        let calls =
            u32::try_from(asked.calls.len()).unwrap_or(u32::MAX).saturating_add(asked.omitted);
        let wall_us = parts.clock.monotonic().saturating_sub(aboard.began).as_micros();
        let wall_us = u64::try_from(wall_us).unwrap_or(u64::MAX);
        let status = match ending.code {
            Some(code) if !self.departed => code.status(),
            // The caller went away before it saw anything.
            None if !self.departed && ending.outcome != Outcome::Ok => 0,
            _ => self.status,
        };
        let cost = Cost::of(&usage, wall_us, calls, asked.moved_bytes);
        let end = parts.clock.wall();
        if let Some(ticket) = &aboard.ticket {
            for near in ticket.charge(&spent(&usage, wall_us, calls, asked.moved_bytes, cost), end)
            {
                tracing::warn!("{near}");
                aboard.broker.platform_line(near);
            }
        }
        let observed = aboard.ticket.as_ref().and_then(|ticket| ticket.observed.clone());
        let record = Record {
            policy: aboard.policy,
            end_us: end,
            outcome: ending.outcome,
            status,
            code: ending.code.and_then(code_number),
            reason: both(ending.reason.clone(), observed)
                .map(|reason| aboard.broker.masked_text(reason)),
            cost,
            usage,
            calls: asked.calls,
            calls_omitted: asked.omitted,
            log_lines: asked.log_lines,
            log_dropped: asked.log_dropped,
            labels: aboard.broker.labels(),
            start: aboard.start,
        };
        let mark = match parts.journal.append(Entry::End(Box::new(record))) {
            Ok(mark) => Some(mark),
            Err(error) => {
                tracing::debug!(%error, "the end of an invocation is not recorded");
                None
            }
        };
        Closed(ending, mark)
    }
}

/// Whether nobody gets the reply.
const fn is_thrown_away(trigger: &Trigger) -> bool {
    matches!(trigger, Trigger::Queue { .. } | Trigger::Schedule { .. } | Trigger::Batch { .. })
}

/// How it ended, and the cap that would have refused it.
fn both(reason: Option<String>, observed: Option<String>) -> Option<String> {
    match (reason, observed) {
        (Some(reason), Some(observed)) => Some(format!("{reason}; {observed}")),
        (reason, observed) => reason.or(observed),
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        // A connection drops a body as soon as it has sent as much as the head announced.
        if self.departed
            && self.left == Some(0)
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
            && let Some(aboard) = self.aboard.take()
        {
            let (wall, status) = (self.wall.take(), self.status);
            let rest = Self {
                aboard: Some(aboard),
                wall,
                status,
                departed: true,
                left: None,
                outward: None,
                kept: false,
            };
            runtime.spawn(rest.run_out());
        }
        let Some(aboard) = &self.aboard else { return };
        // The caller has all that it asked for when the head has been sent.
        let ending = if self.departed && self.is_only_head() {
            Ending::OK
        } else {
            Ending::gone(aboard.engine.cut_by())
        };
        self.close(ending);
    }
}
