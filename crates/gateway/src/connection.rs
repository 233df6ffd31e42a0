//! Drives one connection from its first byte to its last.

use crate::alarm::Alarm;
use crate::berth::Berth;
use crate::channel::Channel;
use crate::config::Config;
use crate::desk::Desk;
use crate::door::Invoke;
use crate::line::{Expiry, Line};
use crate::linger;
use crate::remains::{Keep, Remains};
use crate::service;
use crate::strict::Wire;
use crate::violation::Violation;
use crate::websocket::{self, Handover, Live};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use tokio::time::Instant;

/// Bytes of an answer that wait for a client before the guest has to wait, and bytes that hyper
/// holds of a request.
const BUFFER_BYTES_MAX: usize = 64 * 1024;
/// hyper's own number of header fields, which it keeps on the stack.
const HYPER_HEADERS: usize = 100;

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// As HTTP has it, or by an error of the socket.
    Closed,
    /// Between two requests.
    Idle,
    /// The client was gone, or does not take its answer.
    Lost,
    /// The answer broke off, and the client must notice.
    Broken,
}

/// What hyper is told. Head limits and timeouts are the wire's and the driver's.
pub(crate) fn builder(config: &Config) -> Builder {
    let limits = config.head_limits();
    let mut builder = Builder::new();
    builder.keep_alive(true).pipeline_flush(false).half_close(false).header_read_timeout(None);
    builder.max_buf_size(BUFFER_BYTES_MAX.max(limits.bytes_max + 8 * 1024));
    if limits.headers_max > HYPER_HEADERS {
        builder.max_headers(limits.headers_max);
    }
    builder
}

/// Serves a connection to its end, whatever it becomes.
pub(crate) async fn host<E: Invoke, S: Channel>(
    desk: Arc<Desk<E>>,
    builder: Builder,
    channel: S,
    line: Arc<Line>,
    berth: Berth,
) {
    if let Some(live) = serve(desk, builder, channel, line).await {
        // A task of its own, since this one is as large as hyper.
        tokio::spawn(websocket::run(live, berth));
    }
}

/// Speaks HTTP to the connection's end, or until it becomes a WebSocket.
async fn serve<E: Invoke, S: Channel>(
    desk: Arc<Desk<E>>,
    builder: Builder,
    channel: S,
    line: Arc<Line>,
) -> Option<Live<S>> {
    let keep = Keep::new();
    let handover = Handover::default();
    let end = {
        let limits = desk.config.head_limits();
        let wire = Wire::new(channel, keep.clone(), Arc::clone(&line), limits);
        let service = service_fn(|request| service::answer(&desk, &line, request, Some(&handover)));
        let mut connection = pin!(builder.serve_connection(wire, service));
        let mut alarm = Alarm::new(Instant::now() + desk.config.head_timeout());
        poll_fn(|cx| {
            line.listen(cx.waker());
            loop {
                if let Poll::Ready(result) = connection.as_mut().poll(cx) {
                    let broken = result.is_err() && line.is_broken();
                    return Poll::Ready(if broken { End::Broken } else { End::Closed });
                }
                if line.is_gone() || handover.is_full() {
                    return Poll::Ready(End::Lost);
                }
                let Some((deadline, expiry)) = line.deadline() else { return Poll::Pending };
                if alarm.poll(cx, deadline).is_pending() {
                    return Poll::Pending;
                }
                match expiry {
                    Expiry::Idle => return Poll::Ready(End::Idle),
                    Expiry::Stalled => return Poll::Ready(End::Lost),
                    // hyper is asked again, and the wire gives it the stand-in.
                    Expiry::Slow => line.refuse(Violation::SLOW),
                }
            }
        })
        .await
    };
    let remains = keep.take()?;
    if let Some(accepted) = handover.take() {
        let Remains { channel, ahead, .. } = remains;
        return Some(Live { channel, ahead, accepted, line });
    }
    match end {
        End::Closed if !remains.ended => linger::close(remains.channel).await,
        // A reset is the only way to say that a body without a length is not complete, and the
        // quickest to let go of who is gone.
        End::Broken | End::Lost => linger::reset(remains.channel),
        End::Closed => drop(remains.channel),
        End::Idle => linger::leave(remains.channel).await,
    }
    None
}

/// Does what comes before a connection's first request, as long as its line allows.
pub(crate) async fn in_time<T>(line: &Line, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut alarm = Alarm::new(line.opened());
    poll_fn(|cx| {
        line.listen(cx.waker());
        if let Poll::Ready(done) = work.as_mut().poll(cx) {
            return Poll::Ready(Some(done));
        }
        match line.deadline() {
            Some((deadline, _)) => alarm.poll(cx, deadline).map(|()| None),
            None => Poll::Pending,
        }
    })
    .await
}
