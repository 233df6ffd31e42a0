//! Drives one connection from its first byte to its last.

use crate::alarm::Alarm;
use crate::config::Config;
use crate::door::Invoke;
use crate::line::{Expiry, Line};
use crate::linger;
use crate::service;
use crate::strict::Wire;
use crate::violation::Violation;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::net::TcpStream;
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

/// Serves a connection to its end.
pub(crate) async fn serve<E: Invoke>(
    engine: Arc<E>,
    builder: Builder,
    config: Arc<Config>,
    socket: TcpStream,
    line: Arc<Line>,
) {
    let end = {
        let wire = Wire::new(socket, Arc::clone(&line), config.head_limits());
        let service = service_fn(|request| service::answer(&engine, &line, request));
        let mut connection = pin!(builder.serve_connection(wire, service));
        let mut alarm = Alarm::new(Instant::now() + Duration::from_millis(config.head_timeout_ms));
        poll_fn(|cx| {
            line.listen(cx.waker());
            loop {
                if let Poll::Ready(result) = connection.as_mut().poll(cx) {
                    let broken = result.is_err() && line.is_broken();
                    return Poll::Ready(if broken { End::Broken } else { End::Closed });
                }
                if line.is_gone() {
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
    let Some(remains) = line.take_remains() else { return };
    match end {
        End::Closed if !remains.ended => linger::close(remains.socket).await,
        // A reset is the only way to say that a body without a length is not complete, and the
        // quickest to let go of who is gone.
        End::Broken | End::Lost => reset(remains.socket),
        End::Closed | End::Idle => drop(remains.socket),
    }
}

fn reset(socket: TcpStream) {
    if let Err(error) = socket.set_zero_linger() {
        tracing::trace!(%error, "a connection could not be reset");
    }
    drop(socket);
}
