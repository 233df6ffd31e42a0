//! One connection to the node: takes its frames apart and gives them to guests.
//!
//! The node is believed. What it says that makes no sense ends the lane, and with it the child.

use super::guest::{self, Order};
use crate::flow::{Credit, Intake};
use crate::frame::{Frame, Kind, Violation};
use crate::pipe::Pipe;
use crate::words;
use futures_util::future::AbortHandle;
use parking_lot::Mutex;
use ports::executor::{Executor, Fault, FaultKind};
use ports::host::HostError;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::net::UnixStream;
use tokio::sync::oneshot;

/// The child's end of a lane.
pub(crate) struct Lane {
    pub(crate) pipe: Arc<Pipe>,
    book: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    runs: HashMap<u32, Guest>,
    /// The number of the last ask.
    last_ask: u32,
    asks: HashMap<u32, Ask>,
}

/// A guest at work.
struct Guest {
    stop: AbortHandle,
    request: Option<Arc<Mutex<Intake>>>,
    credit: Arc<Credit>,
}

/// An ask that waits for its answer, or whose answer's body is being read.
struct Ask {
    answer: Option<oneshot::Sender<Result<words::Answer, HostError>>>,
    body: Arc<Mutex<Intake>>,
    credit: Arc<Credit>,
}

/// What the one who asks holds.
pub(crate) struct Asked {
    pub(crate) id: u32,
    pub(crate) answer: oneshot::Receiver<Result<words::Answer, HostError>>,
    /// The answer's body, if one follows.
    pub(crate) body: Arc<Mutex<Intake>>,
    /// What may be sent of the ask's body.
    pub(crate) credit: Arc<Credit>,
}

impl Lane {
    /// Serves a lane until the node hangs up. Then its guests are dropped.
    pub(crate) async fn serve(stream: UnixStream, executor: Arc<dyn Executor>) {
        let lane = Arc::new(Self { pipe: Arc::default(), book: Mutex::default() });
        let ended = lane.pipe.drive(stream, |frame| lane.take(&frame, &executor)).await;
        tracing::debug!(%ended, "a lane ended");
        let book = std::mem::take(&mut *lane.book.lock());
        for guest in book.runs.into_values() {
            guest.stop.abort();
        }
    }

    /// Opens an ask.
    pub(crate) fn open_ask(&self) -> Asked {
        let (sender, answer) = oneshot::channel();
        let (body, credit): (Arc<Mutex<Intake>>, Arc<Credit>) = Default::default();
        let mut book = self.book.lock();
        book.last_ask += 1;
        let id = book.last_ask;
        let ask =
            Ask { answer: Some(sender), body: Arc::clone(&body), credit: Arc::clone(&credit) };
        book.asks.insert(id, ask);
        Asked { id, answer, body, credit }
    }

    /// Forgets an ask.
    pub(crate) fn close_ask(&self, id: u32) {
        self.book.lock().asks.remove(&id);
    }

    /// Forgets a guest that ended.
    pub(crate) fn close(&self, id: u32) {
        self.book.lock().runs.remove(&id);
    }

    fn take(
        self: &Arc<Self>,
        frame: &Frame,
        executor: &Arc<dyn Executor>,
    ) -> Result<(), Violation> {
        match frame.kind {
            Kind::Run => self.run(frame, executor),
            Kind::Cancel => {
                let guest = self.book.lock().runs.remove(&frame.id);
                // One that has ended said so itself.
                if let Some(guest) = guest {
                    guest.stop.abort();
                    let given_up: Result<(), Fault> = Err(Fault {
                        kind: FaultKind::Platform,
                        reason: "it was given up".to_owned(),
                    });
                    self.pipe.send_value(Kind::Done, frame.id, &given_up);
                }
                Ok(())
            }
            Kind::Data | Kind::End | Kind::Credit => {
                let book = self.book.lock();
                let Some(guest) = book.runs.get(&frame.id) else { return Ok(()) };
                match (frame.kind, &guest.request) {
                    (Kind::Credit, _) => guest.credit.give(frame.credit()?),
                    (Kind::Data, Some(body)) => body.lock().push(frame.payload.clone()),
                    (Kind::End, Some(body)) => body.lock().finish_with(frame.read()?),
                    _ => Err(Violation::Unexpected(frame.kind)),
                }
            }
            Kind::Answer | Kind::CallData | Kind::CallEnd | Kind::CallCredit => {
                let mut book = self.book.lock();
                let Some(ask) = book.asks.get_mut(&frame.id) else { return Ok(()) };
                match frame.kind {
                    Kind::Answer => {
                        let answer = frame.read()?;
                        // Whoever gave the ask up needs no answer.
                        let _ = ask.answer.take().map(|sender| sender.send(answer));
                        Ok(())
                    }
                    Kind::CallCredit => ask.credit.give(frame.credit()?),
                    Kind::CallData => ask.body.lock().push(frame.payload.clone()),
                    _ => ask.body.lock().finish_with(frame.read()?),
                }
            }
            _ => Err(Violation::Unexpected(frame.kind)),
        }
    }

    fn run(self: &Arc<Self>, frame: &Frame, executor: &Arc<dyn Executor>) -> Result<(), Violation> {
        let run: words::Run = frame.read()?;
        let (length, request) = (run.body, run.body.map(|_| Arc::<Mutex<Intake>>::default()));
        let credit = Arc::<Credit>::default();
        let parts = run.parts().map_err(|words::Malformed| Violation::Unreadable(frame.kind))?;
        let (stop, registration) = AbortHandle::new_pair();
        let order = Order {
            lane: Arc::clone(self),
            id: frame.id,
            parts,
            request: length.zip(request.clone()),
            credit: Arc::clone(&credit),
        };
        self.book.lock().runs.insert(frame.id, Guest { stop, request, credit });
        guest::start(order, Arc::clone(executor), registration);
        Ok(())
    }
}
