//! One invocation, from the request to the guest's end, polled in place.
//!
//! No task is spawned and no channel made for it: [`Invocation`] owns the guest's future, and the
//! guest's future owns the store. The reply's head and the reading end of its body lie in the
//! [`Exchange`], where the guest's host functions put them.
//!
//! Invariant: when the guest ends, its store goes at once; what it had written of its body and
//! whether it finished it is settled before.

mod drive;
mod exchange;
mod request;
mod response;
mod service;

pub(crate) use exchange::Exchange;

use crate::fault::fault;
use crate::meter::Shared;
use crate::state::CpuUsedUp;
use bytes::Bytes;
use exchange::{End, Next};
use http_body::Frame;
use model::Usage;
use ports::executor::{BodyError, Fault, FaultKind, RequestBody, Running};
use response::Body;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, ready};

pub(crate) use drive::drive;

/// The guest at work: ends when it ended, and its store with it.
pub(crate) type Guest = Pin<Box<dyn Future<Output = Result<(), Fault>> + Send>>;

/// A running invocation.
pub(crate) struct Invocation {
    guest: Option<Guest>,
    /// How the guest ended, or why it was stopped.
    outcome: Result<(), Fault>,
    body: Body,
    shared: Arc<Shared>,
}

impl Invocation {
    /// `answers_head` says whether the request's method is HEAD.
    pub(crate) fn new(guest: Guest, answers_head: bool, shared: Arc<Shared>) -> Self {
        Self { guest: Some(guest), outcome: Ok(()), body: Body::new(answers_head), shared }
    }

    /// Runs the guest until it waits for something or ends.
    fn poll_guest(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(guest) = &mut self.guest else { return Poll::Ready(()) };
        self.shared.poll_begins();
        let polled = guest.as_mut().poll(cx);
        self.shared.poll_ends();
        if let Some(error) = self.shared.body_error() {
            let _ = self.stop(request_broke(error));
            return Poll::Ready(());
        }
        if polled.is_pending() && self.shared.is_over_cpu_limit() {
            // The ticker sees to this, inside of the guest. What a guest has the host do between
            // two of its own steps is seen here.
            let used_up = wasmtime::Error::from(CpuUsedUp);
            let _ = self.stop(fault(FaultKind::Cpu, used_up.to_string()));
            return Poll::Ready(());
        }
        self.outcome = ready!(polled);
        self.guest = None;
        self.shared.finish_lines();
        Poll::Ready(())
    }

    /// Ends the guest, if it still runs, because of `fault`.
    fn stop(&mut self, fault: Fault) -> Fault {
        self.guest = None;
        self.shared.finish_lines();
        self.outcome = Err(fault.clone());
        fault
    }

    /// Whether the invocation was ended because its request's body broke off.
    fn request_broke(&self) -> bool {
        matches!(&self.outcome, Err(Fault { kind: FaultKind::RequestBody(_), .. }))
    }

    /// Why there is no more of an answer that has not reached its end.
    fn cut(&mut self) -> Fault {
        match &self.outcome {
            Err(fault) => fault.clone(),
            // A guest of WASI 0.3 can give back the very body that it got.
            Ok(()) if let Some(error) = self.shared.body_error() => self.stop(request_broke(error)),
            Ok(()) => self.stop(fault(
                FaultKind::BadResponse,
                "the function ended without finishing its answer's body",
            )),
        }
    }

    fn no_response(&mut self) -> Fault {
        match &self.outcome {
            Err(fault) => fault.clone(),
            Ok(()) if self.shared.memory_refused.load(Relaxed) => self.stop(fault(
                FaultKind::Memory,
                "the function gave no answer after it was refused memory",
            )),
            Ok(()) => self.stop(fault(FaultKind::NoResponse, "the function gave no answer")),
        }
    }
}

fn request_broke(error: BodyError) -> Fault {
    fault(FaultKind::RequestBody(error), error.to_string())
}

impl Running for Invocation {
    fn poll_head(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<http::response::Parts, Fault>> {
        let this = self.get_mut();
        let guest_ended = this.poll_guest(cx).is_ready();
        let (head, cut) = {
            let mut exchange = this.shared.exchange.lock();
            (exchange.take_head(), exchange.end() == Some(End::Cut))
        };
        if this.request_broke() {
            return Poll::Ready(Err(this.cut()));
        }
        match head {
            // Nothing was sent yet, so a broken answer can still become an honest error.
            Some(Ok(_)) if cut => Poll::Ready(Err(this.cut())),
            Some(Ok(parts)) => {
                let limits = &this.shared.unit.limits;
                let good = response::check(&parts, limits)
                    .and_then(|length| this.body.expect(length, parts.status, limits));
                Poll::Ready(match good {
                    Ok(()) => Ok(parts),
                    Err(fault) => Err(this.stop(fault)),
                })
            }
            Some(Err(code)) => Poll::Ready(Err(this.stop(fault(FaultKind::GuestError, code)))),
            None if guest_ended => Poll::Ready(Err(this.no_response())),
            None => Poll::Pending,
        }
    }

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        let this = self.get_mut();
        loop {
            let next = this.shared.exchange.lock().poll_body(cx);
            match next {
                Poll::Ready(Next::Bytes(bytes)) => {
                    let counted = this.body.count(bytes.len(), &this.shared);
                    return Poll::Ready(Some(match counted {
                        Ok(()) => Ok(Frame::data(bytes)),
                        Err(fault) => Err(this.stop(fault)),
                    }));
                }
                Poll::Ready(Next::End(End::Finished)) => {
                    return Poll::Ready(match this.body.complete() {
                        Ok(()) => None,
                        Err(fault) => Some(Err(this.stop(fault))),
                    });
                }
                Poll::Ready(Next::End(End::Cut)) => return Poll::Ready(Some(Err(this.cut()))),
                Poll::Pending => {}
            }
            // Once the guest has ended, its body is settled and never pending again.
            ready!(this.poll_guest(cx));
            if this.request_broke() {
                return Poll::Ready(Some(Err(this.cut())));
            }
        }
    }

    fn poll_done(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        let this = self.get_mut();
        ready!(this.poll_guest(cx));
        Poll::Ready(this.outcome.clone())
    }

    fn usage(&self) -> Usage {
        self.shared.usage()
    }
}

impl Drop for Invocation {
    fn drop(&mut self) {
        // The store goes first: until then the guest's streams could still write.
        self.guest = None;
        self.shared.finish_lines();
    }
}
