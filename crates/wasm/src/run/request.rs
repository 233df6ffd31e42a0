//! The request on its way to the guest.

use crate::meter::Shared;
use bytes::Bytes;
use http::{HeaderMap, Request, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::Empty;
use ports::executor::RequestBody;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, ready};
use wasmtime::component::Resource;
use wasmtime_wasi_http::p2::bindings::http::types::Scheme;
use wasmtime_wasi_http::p2::types::HostIncomingRequest;
use wasmtime_wasi_http::{Error, WasiHttpCtxView};

/// Fields that belong to a connection (RFC 9110, section 7.6.1) and mean nothing to a guest.
const OF_THE_CONNECTION: [header::HeaderName; 9] = [
    header::CONNECTION,
    header::HeaderName::from_static("keep-alive"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::HeaderName::from_static("proxy-connection"),
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Gives the guest its request: without the connection's fields, its body counted.
///
/// # Errors
/// Wasmtime's, if the request has no authority.
pub(crate) fn hand_over(
    mut request: Request<RequestBody>,
    mut http: WasiHttpCtxView<'_>,
    shared: &Arc<Shared>,
) -> wasmtime::Result<Resource<HostIncomingRequest>> {
    strip(request.headers_mut());
    let scheme = match request.uri().scheme_str() {
        Some("https") => Scheme::Https,
        _ => Scheme::Http,
    };
    let (parts, body) = request.into_parts();
    if body.is_end_stream() {
        // An empty body needs no box.
        http.new_incoming_request(scheme, Request::from_parts(parts, Empty::<Bytes>::new()))
    } else {
        let body = Counted { body, shared: Arc::clone(shared), trailers: false };
        http.new_incoming_request(scheme, Request::from_parts(parts, body))
    }
}

pub(super) fn strip(headers: &mut HeaderMap) {
    for name in &OF_THE_CONNECTION {
        headers.remove(name);
    }
}

/// A request's body that counts what is taken from it and remembers how it broke.
pub(crate) struct Counted {
    body: RequestBody,
    shared: Arc<Shared>,
    /// Whether trailers are passed on.
    trailers: bool,
}

impl Counted {
    /// A body that passes trailers on.
    pub(super) fn with_trailers(body: RequestBody, shared: &Arc<Shared>) -> Self {
        Self { body, shared: Arc::clone(shared), trailers: true }
    }
}

impl Body for Counted {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = self.get_mut();
        loop {
            return Poll::Ready(match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    let bytes = match frame.into_data() {
                        Ok(bytes) => bytes,
                        Err(frame) if this.trailers => return Poll::Ready(Some(Ok(frame))),
                        Err(_) => continue,
                    };
                    // The guest's stream takes an empty frame for a reason to stop asking.
                    if bytes.is_empty() {
                        continue;
                    }
                    this.shared.bytes_in.fetch_add(bytes.len() as u64, Relaxed);
                    Some(Ok(Frame::data(bytes)))
                }
                Some(Err(error)) => {
                    this.shared.body_broke(error);
                    Some(Err(Error::ConnectionTerminated))
                }
                None => None,
            });
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
