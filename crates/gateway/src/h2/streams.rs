//! One request of an HTTP/2 connection: a task of its own on the connection's worker.
//!
//! hyper drives the request and the answer; dropping it resets the stream and stops the guest.
//! This happens when the client resets the stream, when the connection ends, and when the client
//! opens no window for an answer for too long.

use super::pace::{Pace, Running};
use crate::alarm::Alarm;
use crate::answer::Answer;
use crate::desk::Desk;
use crate::door::{BoxError, Invoke};
use crate::service;
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::rt::Executor;
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

/// Of an answer's piece, so many bytes may take as long as a client may be silent.
const PACE_BYTES: u64 = 16 * 1024;

/// Begins requests and their tasks. hyper calls the service, and then asks at once for a task.
#[derive(Clone)]
pub(crate) struct Spawner {
    pace: Arc<Pace>,
    next: Arc<Mutex<Option<Arc<Flow>>>>,
}

impl Spawner {
    pub(crate) fn new(pace: Arc<Pace>) -> Self {
        Self { pace, next: Arc::default() }
    }

    /// What hyper runs in the request's task.
    pub(crate) fn begin<E: Invoke>(
        &self,
        desk: &Arc<Desk<E>>,
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<Paced<E::Body>>, Infallible>> + Send + use<E> {
        let flow = Arc::new(Flow { pace: Arc::clone(&self.pace), until_ms: AtomicU64::new(0) });
        *self.next() = Some(Arc::clone(&flow));
        let desk = Arc::clone(desk);
        async move {
            let response = service::answer(&desk, &flow.pace.line, request, None).await?;
            let paced = |answer| Paced { answer, flow: Arc::clone(&flow) };
            Ok(response.map(paced))
        }
    }

    fn next(&self) -> std::sync::MutexGuard<'_, Option<Arc<Flow>>> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Spawner {
    fn execute(&self, stream: F) {
        let flow = self.next().take();
        tokio::spawn(run(stream, flow, self.pace.enter()));
    }
}

async fn run(stream: impl Future<Output = ()>, flow: Option<Arc<Flow>>, _running: Running) {
    let mut stream = pin!(stream);
    let mut alarm: Option<Alarm> = None;
    poll_fn(|cx| {
        if stream.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let Some(until) = flow.as_ref().and_then(|flow| flow.until()) else {
            return Poll::Pending;
        };
        alarm.get_or_insert_with(|| Alarm::new(until)).poll(cx, until)
    })
    .await;
}

/// Whether a piece of an answer waits for its client.
pub(crate) struct Flow {
    pace: Arc<Pace>,
    /// Until when it may, in milliseconds after the connection began; 0 if none waits.
    until_ms: AtomicU64,
}

impl Flow {
    fn until(&self) -> Option<tokio::time::Instant> {
        let until_ms = self.until_ms.load(Ordering::Relaxed);
        if until_ms == 0 { None } else { self.pace.line.after(until_ms, 0) }
    }

    /// A piece of so many bytes waits from now on.
    fn wait(&self, bytes: u64) {
        let line = &self.pace.line;
        let idle_ms = u64::try_from(line.body_idle().as_millis()).unwrap_or(u64::MAX);
        let wait_ms = idle_ms.saturating_mul(1 + bytes / PACE_BYTES);
        self.until_ms.store(line.now_ms().saturating_add(wait_ms), Ordering::Relaxed);
    }

    fn go(&self) {
        self.until_ms.store(0, Ordering::Relaxed);
    }
}

/// An answer's body that notes when hyper comes for more.
pub(crate) struct Paced<B> {
    answer: Answer<B>,
    flow: Arc<Flow>,
}

impl<B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin> Body for Paced<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        self.flow.go();
        let polled = Pin::new(&mut self.answer).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            self.flow.wait(frame.data_ref().map_or(0, |data| data.len() as u64));
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.answer.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.answer.size_hint()
    }
}
