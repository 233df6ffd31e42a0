//! Drives an HTTP/2 connection from its preface to its last frame.

use super::farewell;
use super::frames::{Fault, Limits};
use super::pace::Pace;
use super::streams::Spawner;
use super::wire::Wire;
use crate::alarm::Alarm;
use crate::channel::Channel;
use crate::config::Config;
use crate::desk::Desk;
use crate::door::Invoke;
use crate::line::{Expiry, Line};
use crate::linger;
use crate::remains::Keep;
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::TokioTimer;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// Bytes of one answer that wait for a client before the guest has to wait.
const BUFFER_BYTES_MAX: usize = 64 * 1024;

/// How a connection ended.
enum End {
    /// hyper and the client are done with each other.
    Closed,
    /// The client does not take what is sent.
    Lost,
    /// From here, with a word.
    Said(Fault),
}

/// Serves a connection to its end.
pub(crate) async fn serve<E: Invoke, S: Channel>(desk: Arc<Desk<E>>, channel: S, line: Arc<Line>) {
    let pace = Arc::new(Pace::new(Arc::clone(&line)));
    let keep = Keep::new();
    let end = {
        let spawner = Spawner::new(Arc::clone(&pace));
        let builder = builder(&desk.config, spawner.clone());
        let limits = limits(&desk.config);
        let wire = Wire::new(channel, keep.clone(), Arc::clone(&pace), limits);
        let service = service_fn(|request| spawner.begin(&desk, request));
        let mut connection = pin!(builder.serve_connection(wire, service));
        let mut alarm = Alarm::new(line.opened());
        let mut told = false;
        poll_fn(|cx| {
            line.listen(cx.waker());
            if line.is_draining() && !told {
                told = true;
                connection.as_mut().graceful_shutdown();
            }
            let polled = connection.as_mut().poll(cx);
            if let Some(fault) = pace.fault() {
                return Poll::Ready(End::Said(fault));
            }
            if polled.is_ready() {
                return Poll::Ready(End::Closed);
            }
            let Some((deadline, expiry)) = pace.deadline() else { return Poll::Pending };
            alarm.poll(cx, deadline).map(|()| match expiry {
                Expiry::Idle => End::Said(Fault::NONE),
                Expiry::Slow => End::Said(Fault::SLOW),
                Expiry::Stalled => End::Lost,
            })
        })
        .await
    };
    let Some(rest) = keep.take() else { return };
    match end {
        End::Closed if rest.ended => drop(rest),
        End::Closed => linger::close(rest.channel).await,
        End::Lost => linger::reset(rest.channel),
        End::Said(fault) => {
            tracing::debug!(peer = %line.origin.peer, why = fault.why, "an HTTP/2 connection is ended");
            farewell::say(rest, fault).await;
        }
    }
}

fn limits(config: &Config) -> Limits {
    let http2 = &config.http2;
    Limits {
        frame_bytes: frame_bytes(config),
        // On the wire, blocks are compressed; uncompressed they are as large again at most.
        block_bytes: header_bytes(config).saturating_mul(2),
        continuations: http2.continuations,
        resets: http2.resets,
        control_frames: http2.control_frames,
    }
}

/// What RFC 9113 allows (section 6.5.2).
fn frame_bytes(config: &Config) -> u32 {
    config.http2.frame_bytes.clamp(16_384, 16_777_215)
}

fn header_bytes(config: &Config) -> u32 {
    u32::try_from(config.head_limits().bytes_max).unwrap_or(u32::MAX)
}

/// What hyper is told.
fn builder(config: &Config, spawner: Spawner) -> Builder<Spawner> {
    const WINDOW_MAX: u32 = (1 << 31) - 1;
    let http2 = &config.http2;
    let mut builder = Builder::new(spawner);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(http2.streams.max(1))
        .max_pending_accept_reset_streams(http2.pending_resets)
        .max_local_error_reset_streams(http2.error_resets)
        .initial_stream_window_size(http2.stream_window.clamp(1, WINDOW_MAX))
        .initial_connection_window_size(http2.connection_window.clamp(65_535, WINDOW_MAX))
        .max_frame_size(frame_bytes(config))
        .max_header_list_size(header_bytes(config))
        .max_send_buf_size(BUFFER_BYTES_MAX);
    if http2.ping_ms > 0 {
        builder.keep_alive_interval(Duration::from_millis(http2.ping_ms));
        builder.keep_alive_timeout(config.head_timeout());
    }
    builder
}
