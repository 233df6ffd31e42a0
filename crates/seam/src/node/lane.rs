//! One connection of a child: takes its frames apart and lays them on the desks that they are for.
//!
//! Invariant: a frame about an invocation or an ask that is over is dropped; one about an invocation
//! or an ask that never was ends the child.

use super::desk::{ASKS_MAX, AskUnderWay, Desk, NewAsk, gone};
use crate::flow::{Credit, Intake};
use crate::frame::{Frame, Kind, Violation};
use crate::pipe::{Ended, Pipe};
use crate::words;
use futures_util::future::AbortHandle;
use parking_lot::Mutex;
use ports::Host;
use ports::executor::Fault;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::net::UnixStream;

/// The node's end of a lane.
pub(crate) struct Lane {
    pub(crate) pipe: Arc<Pipe>,
    book: Mutex<Book>,
}

/// What is under way on a lane.
#[derive(Default)]
struct Book {
    /// The number of the last invocation.
    last: u32,
    runs: HashMap<u32, Entry>,
    /// Invocations that were given up and whose end the child has not confirmed, and at how many
    /// looks that was so.
    leaving: HashMap<u32, u8>,
    /// The largest number of an ask until now, and which invocation asks under way belong to.
    last_ask: u32,
    asks: HashMap<u32, u32>,
    /// Why nothing can be run any more.
    ended: Option<String>,
}

/// One invocation.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) desk: Arc<Mutex<Desk>>,
    pub(crate) host: Arc<dyn Host>,
    /// The answer's body.
    pub(crate) reply: Arc<Mutex<Intake>>,
    /// What may be sent of the request's body.
    pub(crate) credit: Arc<Credit>,
}

impl Lane {
    pub(crate) fn new() -> Self {
        Self { pipe: Arc::default(), book: Mutex::default() }
    }

    /// Opens an invocation, and gives its number.
    ///
    /// # Errors
    /// If the child is gone.
    pub(crate) fn open(&self, entry: Entry) -> Result<u32, Fault> {
        let mut book = self.book.lock();
        if let Some(reason) = &book.ended {
            return Err(gone(reason));
        }
        loop {
            book.last = book.last.wrapping_add(1);
            let id = book.last;
            // After four thousand million invocations, old numbers come again.
            if id != 0 && !book.runs.contains_key(&id) && !book.leaving.contains_key(&id) {
                book.runs.insert(id, entry);
                return Ok(id);
            }
        }
    }

    /// Forgets an invocation, and tells the child to do so unless it ended by itself.
    pub(crate) fn close(&self, id: u32, desk: &Mutex<Desk>) {
        let ended = desk.lock().done.is_some();
        let mut book = self.book.lock();
        book.runs.remove(&id);
        if !ended && book.ended.is_none() {
            book.leaving.insert(id, 0);
            self.pipe.send(Kind::Cancel, id, &[]);
        }
        let asks: Vec<u32> = desk.lock().asks.drain().map(|(ask, _)| ask).collect();
        for ask in asks {
            book.asks.remove(&ask);
        }
    }

    /// Forgets an ask that was answered.
    pub(crate) fn answered(&self, desk: &Mutex<Desk>, ask: u32) {
        desk.lock().asks.remove(&ask);
        self.book.lock().asks.remove(&ask);
    }

    /// Whether nothing can be run here any more.
    pub(crate) fn has_ended(&self) -> bool {
        self.book.lock().ended.is_some()
    }

    /// Whether nothing is under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.book.lock().runs.is_empty()
    }

    /// Looks at the invocations that were given up, and gives the number of looks that the oldest
    /// has lasted.
    pub(crate) fn grow_old(&self) -> u8 {
        let mut book = self.book.lock();
        let ages = book.leaving.values_mut().map(|age| {
            *age = age.saturating_add(1);
            *age
        });
        ages.max().unwrap_or(0)
    }

    /// Serves the connection until it ends, and says why it did.
    pub(crate) async fn serve(&self, stream: UnixStream) -> Ended {
        let ended = self.pipe.drive(stream, |frame| self.take(&frame)).await;
        self.end(&ended.to_string());
        ended
    }

    /// Ends everything that is under way.
    pub(crate) fn end(&self, reason: &str) {
        let reason = format!("the process that runs the tenant's functions is gone: {reason}");
        let mut book = self.book.lock();
        let runs = std::mem::take(&mut book.runs);
        book.asks.clear();
        let reason = book.ended.get_or_insert(reason).clone();
        drop(book);
        let fault = gone(&reason);
        for entry in runs.into_values() {
            entry.reply.lock().finish(Err(words::Break::Reply(fault.clone())));
            entry.desk.lock().cut(&fault);
        }
    }

    fn take(&self, frame: &Frame) -> Result<(), Violation> {
        match frame.kind {
            Kind::Run | Kind::Cancel | Kind::Answer => Err(Violation::Unexpected(frame.kind)),
            Kind::Ask => self.ask(frame),
            Kind::Dropped | Kind::CallData | Kind::CallEnd | Kind::CallCredit => {
                self.about_an_ask(frame)
            }
            Kind::Head
            | Kind::Done
            | Kind::Usage
            | Kind::Log
            | Kind::Data
            | Kind::End
            | Kind::Credit => {
                let mut book = self.book.lock();
                let (entry, last) = (book.runs.get(&frame.id).cloned(), book.last);
                if frame.kind == Kind::Done {
                    book.leaving.remove(&frame.id);
                }
                drop(book);
                match entry {
                    Some(entry) => about_a_run(&entry, frame),
                    None if frame.id <= last && frame.id > 0 => Ok(()),
                    None => Err(Violation::Unexpected(frame.kind)),
                }
            }
        }
    }

    fn ask(&self, frame: &Frame) -> Result<(), Violation> {
        let ask: words::Ask = frame.read()?;
        let mut book = self.book.lock();
        if frame.id <= book.last_ask || ask.run > book.last {
            return Err(Violation::Unexpected(frame.kind));
        }
        book.last_ask = frame.id;
        let run = ask.run;
        let Some(desk) = book.runs.get(&run).map(|entry| Arc::clone(&entry.desk)) else {
            return Ok(());
        };
        book.asks.insert(frame.id, run);
        drop(book);
        let mut desk = desk.lock();
        if desk.asks.len() >= ASKS_MAX {
            return Err(Violation::Asks);
        }
        let (stop, registration) = AbortHandle::new_pair();
        let body = ask.body.map(|_| Arc::default());
        let credit = Arc::<Credit>::default();
        let under_way = AskUnderWay { stop, body: body.clone(), credit: Arc::clone(&credit) };
        desk.asks.insert(frame.id, under_way);
        desk.new.push(NewAsk { id: frame.id, ask, body, credit, registration });
        desk.wake();
        Ok(())
    }

    fn about_an_ask(&self, frame: &Frame) -> Result<(), Violation> {
        let mut book = self.book.lock();
        if frame.id > book.last_ask {
            return Err(Violation::Unexpected(frame.kind));
        }
        let Some(run) = book.asks.get(&frame.id).copied() else { return Ok(()) };
        let Some(desk) = book.runs.get(&run).map(|entry| Arc::clone(&entry.desk)) else {
            return Ok(());
        };
        if frame.kind == Kind::Dropped {
            book.asks.remove(&frame.id);
        }
        drop(book);
        let mut desk = desk.lock();
        if frame.kind == Kind::Dropped {
            if let Some(ask) = desk.asks.remove(&frame.id) {
                ask.stop.abort();
                desk.new.retain(|new| new.id != frame.id);
                desk.wake();
            }
            return Ok(());
        }
        let Some(ask) = desk.asks.get(&frame.id) else { return Ok(()) };
        match (frame.kind, &ask.body) {
            (Kind::CallCredit, _) => ask.credit.give(frame.credit()?),
            (Kind::CallData, Some(body)) => body.lock().push(frame.payload.clone()),
            (Kind::CallEnd, Some(body)) => body.lock().finish_with(frame.read()?),
            _ => Err(Violation::Unexpected(frame.kind)),
        }
    }
}

fn about_a_run(entry: &Entry, frame: &Frame) -> Result<(), Violation> {
    let unreadable = |_| Violation::Unreadable(frame.kind);
    match frame.kind {
        Kind::Head => {
            let head: Result<words::Head, Fault> = frame.read()?;
            let head = match head {
                Ok(head) => Ok(head.parts().map_err(unreadable)?),
                Err(fault) => Err(fault),
            };
            let mut desk = entry.desk.lock();
            if std::mem::replace(&mut desk.headed, true) {
                return Err(Violation::Unexpected(frame.kind));
            }
            desk.head = Some(head);
            desk.wake();
        }
        Kind::Done => {
            let done: Result<(), Fault> = frame.read()?;
            let mut desk = entry.desk.lock();
            if !desk.headed || desk.done.is_some() {
                return Err(Violation::Unexpected(frame.kind));
            }
            desk.done = Some(done);
            desk.wake();
        }
        Kind::Usage => {
            let mut desk = entry.desk.lock();
            let said: model::Usage = frame.read()?;
            // It only grows: what was used cannot be taken back.
            desk.usage = model::Usage {
                cpu_us: said.cpu_us.max(desk.usage.cpu_us),
                memory_peak_bytes: said.memory_peak_bytes.max(desk.usage.memory_peak_bytes),
                bytes_in: said.bytes_in.max(desk.usage.bytes_in),
                bytes_out: said.bytes_out.max(desk.usage.bytes_out),
            };
        }
        Kind::Log => {
            let line: words::LogLine = frame.read()?;
            entry.host.log(line.line().map_err(unreadable)?);
        }
        Kind::Data => entry.reply.lock().push(frame.payload.clone())?,
        Kind::End => entry.reply.lock().finish_with(frame.read()?)?,
        Kind::Credit => entry.credit.give(frame.credit()?)?,
        _ => return Err(Violation::Unexpected(frame.kind)),
    }
    Ok(())
}
