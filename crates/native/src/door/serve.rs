//! How HTTP is spoken with a process.

use http::Response;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use ports::host::Body;
use std::convert::Infallible;
use std::time::Duration;

/// Longest time from one request to the next. A process is frozen between invocations, and should find
/// its connections again; what it keeps open without using it costs a place of its own.
const IDLE: Duration = Duration::from_mins(15);
/// Most fields of a request.
const FIELDS_MAX: usize = 256;
/// Most bytes of a request's head.
const HEAD_BYTES_MAX: u32 = 64 << 10;
/// Most requests on one connection of HTTP/2 at a time.
const STREAMS_MAX: u32 = 64;

/// What HTTP answers with.
pub(super) type Answered = Result<Response<Body>, Infallible>;

/// HTTP/1.1 with its limits.
pub(super) fn one() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .max_headers(FIELDS_MAX)
        .max_buf_size(HEAD_BYTES_MAX as usize)
        // Who ends its side has given its request up.
        .half_close(false)
        // The reply is somebody else's, and so is its date.
        .auto_date_header(false);
    builder
}

/// HTTP/2 with its limits.
pub(super) fn two() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEAD_BYTES_MAX)
        .auto_date_header(false);
    builder
}
