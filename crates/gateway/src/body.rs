//! A request's body on its way from hyper to the engine.
//!
//! Invariant: the clock runs only while somebody waits for the client, so that a guest that reads
//! slowly is never taken for a client that sends slowly.

use crate::line::Line;
use crate::reserved;
use bytes::Bytes;
use engine::{BodyError, RequestBody};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use tokio::time::{Instant, Sleep};

/// hyper does not read more than a bufferful of a body that was dropped. If more than this is
/// left, the connection is certain to end, and the answer says so.
const LEFT_BYTES_MAX: u64 = 64 * 1024;

/// The body as the engine takes it. A request without one costs nothing here.
pub(crate) fn receive(
    incoming: Incoming,
    line: &Arc<Line>,
    meter: Option<Arc<AtomicU64>>,
) -> RequestBody {
    if incoming.is_end_stream() {
        return Empty::new().map_err(|never| match never {}).boxed_unsync();
    }
    let line = Arc::clone(line);
    Upload { incoming, line, meter, silence: None, waiting: false, over: false }.boxed_unsync()
}

struct Upload {
    incoming: Incoming,
    line: Arc<Line>,
    /// Counts bytes for the access log.
    meter: Option<Arc<AtomicU64>>,
    /// Made when the first frame has to be waited for.
    silence: Option<Pin<Box<Sleep>>>,
    /// The clock runs.
    waiting: bool,
    over: bool,
}

impl Upload {
    /// Ready when the client has been silent for too long.
    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let idle = self.line.body_idle();
        let silence = self.silence.get_or_insert_with(|| Box::pin(tokio::time::sleep(idle)));
        if !self.waiting {
            self.waiting = true;
            silence.as_mut().reset(Instant::now() + idle);
        }
        silence.as_mut().poll(cx)
    }

    fn fail(&mut self, error: BodyError) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.over = true;
        self.line.leave_body();
        self.line.hang_up();
        Poll::Ready(Some(Err(error)))
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.over {
            return Poll::Ready(None);
        }
        match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(mut frame))) => {
                self.waiting = false;
                if let (Some(meter), Some(data)) = (&self.meter, frame.data_ref()) {
                    meter.fetch_add(data.len() as u64, Ordering::Relaxed);
                }
                if let Some(trailers) = frame.trailers_mut() {
                    reserved::strip_trailers(trailers);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(_cut))) => self.fail(BodyError::Cut),
            Poll::Ready(None) => {
                self.over = true;
                Poll::Ready(None)
            }
            Poll::Pending => match self.poll_silence(cx) {
                Poll::Ready(()) => self.fail(BodyError::Slow),
                Poll::Pending => Poll::Pending,
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.over || self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if self.is_end_stream() {
            return;
        }
        self.line.leave_body();
        if self.incoming.size_hint().lower() > LEFT_BYTES_MAX {
            self.line.hang_up();
        }
    }
}
