//! One guest in the child: driven by a task of its own, on the thread of its lane.

use super::host::Beyond;
use super::lane::Lane;
use crate::flow::{Credit, Inflow, Intake, Outflow, Received, Stream};
use crate::frame::Kind;
use crate::words::{self, Break, End, Trailers};
use futures_util::future::{AbortRegistration, Abortable};
use http_body_util::{BodyExt as _, Empty};
use model::Usage;
use parking_lot::Mutex;
use ports::executor::{Executor, Fault, Manner, RequestBody, Run, Running};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// CPU time after which a guest that goes on says what it has used, in microseconds: the length of
/// an epoch. Whoever ends it at a limit of time then knows what it cost.
const REPORT_CPU_US: u64 = 5_000;

/// An invocation as the node ordered it.
pub(crate) struct Order {
    pub(crate) lane: Arc<Lane>,
    pub(crate) id: u32,
    pub(crate) parts: words::Parts,
    pub(crate) request: Option<(words::Length, Arc<Mutex<Intake>>)>,
    pub(crate) credit: Arc<Credit>,
}

/// Starts a guest; `registration` is how it is stopped.
pub(crate) fn start(order: Order, executor: Arc<dyn Executor>, registration: AbortRegistration) {
    tokio::spawn(Abortable::new(run(order, executor), registration));
}

async fn run(order: Order, executor: Arc<dyn Executor>) {
    let Order { lane, id, parts, request, credit } = order;
    let words::Parts { unit, request: head, labels, files } = parts;
    let pipe = Arc::clone(&lane.pipe);
    let body = request.map_or_else(nothing, |(length, intake)| {
        let inflow = Inflow::new(Arc::clone(&pipe), Stream::Run(id), intake);
        Received::new(inflow, length, Break::request).boxed_unsync()
    });
    let host = Arc::new(Beyond::new(Arc::clone(&lane), id));
    let request = head.map(|()| body);
    let running = executor.run(Run {
        unit: Arc::new(unit),
        request,
        manner: Manner::Request,
        labels,
        files,
        host,
    });
    let mut guest = Guest { lane, id, running, told: Usage::default() };
    let out = Outflow::new(pipe, Stream::Run(id), credit);
    let done = guest.answer(out).await;
    guest.tell_usage();
    guest.lane.pipe.send_value(Kind::Done, id, &done);
    guest.lane.close(id);
}

/// A guest, and what the node knows of it.
struct Guest {
    lane: Arc<Lane>,
    id: u32,
    running: Pin<Box<dyn Running>>,
    told: Usage,
}

impl Guest {
    /// Runs the guest to its end, and sends what it answers.
    async fn answer(&mut self, mut out: Outflow) -> Result<(), Fault> {
        let head = self.drive(|running, cx| running.poll_head(cx)).await;
        let said = head.as_ref().map(words::Head::of).map_err(Fault::clone);
        if said.is_err() {
            self.tell_usage();
        }
        self.lane.pipe.send_value(Kind::Head, self.id, &said);
        head?;
        loop {
            let end = match self.drive(|running, cx| running.poll_frame(cx)).await {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) => {
                        out.take(bytes);
                        poll_fn(|cx| out.poll_flush(cx)).await;
                        continue;
                    }
                    Err(other) => match other.into_trailers() {
                        Ok(trailers) => Ok(Some(Trailers::of(&trailers))),
                        Err(_) => continue,
                    },
                },
                None => Ok(None),
                Some(Err(fault)) => Err(fault),
            };
            self.tell_usage();
            match end {
                Ok(trailers) => out.end(&End::Whole(trailers)),
                Err(fault) => {
                    out.end(&End::Broken(Break::Reply(fault.clone())));
                    return Err(fault);
                }
            }
            break;
        }
        self.drive(|running, cx| running.poll_done(cx)).await
    }

    /// Polls the guest until it has what is wanted of it.
    async fn drive<T>(
        &mut self,
        mut poll: impl FnMut(Pin<&mut dyn Running>, &mut Context<'_>) -> Poll<T>,
    ) -> T {
        poll_fn(|cx| {
            let polled = poll(self.running.as_mut(), cx);
            if polled.is_pending() {
                let used = self.running.usage().cpu_us;
                if used.saturating_sub(self.told.cpu_us) >= REPORT_CPU_US {
                    self.tell_usage();
                }
            }
            polled
        })
        .await
    }

    /// Says what was used, if that is news.
    fn tell_usage(&mut self) {
        let usage = self.running.usage();
        if usage != self.told {
            self.told = usage;
            self.lane.pipe.send_value(Kind::Usage, self.id, &usage);
        }
    }
}

fn nothing() -> RequestBody {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}
