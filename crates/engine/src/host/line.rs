//! A connection under way: whose it is now, and the bytes on their way through it.
//!
//! Invariant: no byte passes that is not counted in the open record of an invocation, and none goes
//! out that was not paid for. Between invocations a line stands still.

use super::Broker;
use super::record::{Passing, Place};
use super::secrets::Watch;
use crate::wiring::Engine;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};
use model::{Destination, FunctionRef};
use parking_lot::Mutex;
use ports::host::{Body, ConnectionId, HostError, Through};
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker, ready};

/// The connections of a node that are open.
#[derive(Default)]
pub(crate) struct Lines {
    next: AtomicU64,
    open: Mutex<HashMap<u64, Weak<Line>>>,
}

impl Lines {
    pub(super) fn add(&self, line: &Arc<Line>) -> ConnectionId {
        let id = self.next.fetch_add(1, Relaxed);
        line.id.store(id, Relaxed);
        self.open.lock().insert(id, Arc::downgrade(line));
        ConnectionId(id)
    }

    pub(super) fn find(&self, ConnectionId(id): ConnectionId) -> Option<Arc<Line>> {
        self.open.lock().get(&id).and_then(Weak::upgrade)
    }

    fn forget(&self, id: u64) {
        self.open.lock().remove(&id);
    }
}

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Out,
    In,
}

/// One connection.
pub(super) struct Line {
    engine: Arc<Engine>,
    /// [`NO_ID`] until it has one.
    id: AtomicU64,
    function: Arc<FunctionRef>,
    destination: Destination,
    through: Through,
    held: Mutex<Held>,
}

/// Before there is a connection, nobody can ask for it.
const NO_ID: u64 = u64::MAX;

/// Whose a connection is.
struct Held {
    /// Whose record it is in, and where. Nobody's before there is a connection.
    holder: Option<(Arc<Broker>, Place)>,
    /// Who waits for somebody to hold it, or to hear that it is cut: [`Way::Out`] and [`Way::In`].
    waiting: [Option<Waker>; 2],
    cut: Option<HostError>,
}

impl Line {
    pub(super) fn new(
        broker: &Arc<Broker>,
        function: Arc<FunctionRef>,
        destination: Destination,
        through: Through,
    ) -> Arc<Self> {
        let held = Mutex::new(Held { holder: None, waiting: [None, None], cut: None });
        let (engine, id) = (Arc::clone(&broker.engine), AtomicU64::new(NO_ID));
        Arc::new(Self { engine, id, function, destination, through, held })
    }

    pub(super) fn destination(&self) -> &Destination {
        &self.destination
    }

    pub(super) fn through(&self) -> Through {
        self.through
    }

    /// What it is called in the log.
    fn name(&self) -> String {
        let word = match self.through {
            Through::Tcp => "tcp",
            Through::Opaque => "opaque",
        };
        format!("{word} {}", self.destination)
    }

    pub(super) fn is_of(&self, function: &FunctionRef) -> bool {
        *self.function == *function
    }

    /// It is this invocation's from now on.
    pub(super) fn moves_to(&self, broker: Arc<Broker>, place: Place) {
        let mut held = self.held.lock();
        let before = held.holder.replace((broker, place));
        let waiting = std::mem::take(&mut held.waiting);
        drop(held);
        drop(before);
        waiting.into_iter().flatten().for_each(Waker::wake);
    }

    /// Nothing passes any more.
    pub(super) fn cut(&self, why: HostError) {
        let mut held = self.held.lock();
        held.cut.get_or_insert(why);
        let waiting = std::mem::take(&mut held.waiting);
        drop(held);
        waiting.into_iter().flatten().for_each(Waker::wake);
    }

    /// Lets bytes pass as soon as somebody answers for them.
    fn poll_pass(&self, way: Way, bytes: u64, cx: &mut Context<'_>) -> Poll<Result<(), HostError>> {
        let mut held = self.held.lock();
        if let Some(why) = &held.cut {
            return Poll::Ready(Err(why.clone()));
        }
        let passing = held
            .holder
            .as_ref()
            .map_or(Passing::Closed, |(broker, place)| broker.pass(*place, bytes, way == Way::Out));
        match passing {
            Passing::Passed => Poll::Ready(Ok(())),
            Passing::Closed => {
                held.wait(way, cx);
                Poll::Pending
            }
            Passing::Limited(limit) => {
                let holder = held.holder.clone();
                drop(held);
                if let Some((broker, place)) = holder {
                    broker.broke(place, &self.name(), limit);
                }
                let why = HostError::Limit(limit.into());
                self.cut(why.clone());
                Poll::Ready(Err(why))
            }
        }
    }

    /// Whether it was cut. If not, whoever polls is woken when it is.
    fn poll_cut(&self, way: Way, cx: &mut Context<'_>) -> Option<HostError> {
        let mut held = self.held.lock();
        if held.cut.is_none() {
            held.wait(way, cx);
        }
        held.cut.clone()
    }

    /// What came back ended: well, or not.
    fn ends(&self, broke: bool) {
        if let Some((broker, place)) = self.held.lock().holder.clone() {
            broker.over(place, broke);
        }
    }
}

impl Held {
    fn wait(&mut self, way: Way, cx: &Context<'_>) {
        if let Some(place) = self.waiting.get_mut(way as usize)
            && !place.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()))
        {
            *place = Some(cx.waker().clone());
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.engine.lines.forget(*self.id.get_mut());
    }
}

/// What a guest sends.
pub(super) struct Sending {
    body: Body,
    /// What waits to be paid for.
    next: Option<Bytes>,
    /// Looks for placeholders of secrets, if the function has any.
    watch: Option<Watch>,
    line: Arc<Line>,
}

impl Sending {
    pub(super) fn new(body: Body, watch: Option<Watch>, line: Arc<Line>) -> Self {
        Self { body, next: None, watch, line }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, HostError>>> {
        loop {
            if let Some(data) = &self.next {
                ready!(self.line.poll_pass(Way::Out, data.len() as u64, cx))?;
                return Poll::Ready(self.next.take().map(|data| Ok(Frame::data(data))));
            }
            match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    let Ok(data) = frame.into_data() else { continue };
                    self.look(&data)?;
                    self.next = Some(data);
                }
                Poll::Ready(end) => return Poll::Ready(end),
                Poll::Pending => match self.line.poll_cut(Way::Out, cx) {
                    Some(why) => return Poll::Ready(Some(Err(why))),
                    None => return Poll::Pending,
                },
            }
        }
    }

    fn look(&mut self, data: &Bytes) -> Result<(), HostError> {
        let Some(watch) = &mut self.watch else { return Ok(()) };
        let holder = self.line.held.lock().holder.clone();
        holder.map_or(Ok(()), |(broker, _)| watch.pass(&broker, data))
    }
}

impl HttpBody for Sending {
    type Data = Bytes;
    type Error = HostError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HostError>>> {
        self.get_mut().poll_next(cx)
    }
}

/// What comes back.
pub(super) struct Receiving {
    /// Taken away when the connection broke off, which closes it.
    body: Option<Body>,
    /// What waits to be counted.
    next: Option<Bytes>,
    line: Arc<Line>,
    /// The other side has no more to say.
    over: bool,
}

impl Receiving {
    pub(super) fn new(body: Body, line: Arc<Line>) -> Self {
        Self { body: Some(body), next: None, line, over: false }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, HostError>>> {
        let Some(body) = self.body.as_mut().filter(|_| !self.over) else {
            return Poll::Ready(None);
        };
        loop {
            if let Some(data) = &self.next {
                ready!(self.line.poll_pass(Way::In, data.len() as u64, cx))?;
                return Poll::Ready(self.next.take().map(|data| Ok(Frame::data(data))));
            }
            match Pin::new(&mut *body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => self.next = frame.into_data().ok(),
                Poll::Ready(end) => return Poll::Ready(end),
                Poll::Pending => match self.line.poll_cut(Way::In, cx) {
                    Some(why) => return Poll::Ready(Some(Err(why))),
                    None => return Poll::Pending,
                },
            }
        }
    }
}

impl HttpBody for Receiving {
    type Data = Bytes;
    type Error = HostError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HostError>>> {
        let this = self.get_mut();
        let next = ready!(this.poll_next(cx));
        match &next {
            Some(Ok(_)) => {}
            Some(Err(_)) => {
                this.body = None;
                this.line.ends(true);
            }
            // The other direction may go on, so that the connection is not given up.
            None => this.over = true,
        }
        Poll::Ready(next)
    }

    fn is_end_stream(&self) -> bool {
        self.over || self.body.is_none()
    }
}

impl Drop for Receiving {
    fn drop(&mut self) {
        if self.body.is_some() {
            self.line.ends(false);
        }
    }
}
