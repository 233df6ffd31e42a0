//! Calling a guest of WASI 0.3: its event loop runs inside the future that its caller polls.
//!
//! `Store::run_concurrent` is a future like any other. It is polled in place, by the connection's
//! task, and its own limits, Wasmtime's issues 11869 and 11870, do not matter here: nothing waits
//! for a time inside of it. The wall clock is outside, around every poll.
//!
//! Invariant: the store lives until the reply's body has ended and no task of the guest is left.

use super::RequestBody;
use super::request::{Counted, strip};
use crate::fault::BadAnswer;
use crate::meter::Shared;
use crate::state::State;
use http_body::Body as _;
use http_body_util::Empty;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, ready};
use wasmtime::Store;
use wasmtime::component::Accessor;
use wasmtime_wasi_http::WasiHttpView as _;
use wasmtime_wasi_http::p3::bindings::ServicePre;
use wasmtime_wasi_http::p3::{Request, Response};

/// Bytes of a reply that are kept for its reader once the guest has nothing more to do.
const GATHERED_BYTES: usize = 64 << 10;

/// Calls a guest of WASI 0.3.
///
/// # Errors
/// The guest trapped, passed a limit, or gave an answer that is none.
pub(super) async fn call(
    store: &mut Store<State>,
    pre: &ServicePre<State>,
    request: http::Request<RequestBody>,
    shared: &Arc<Shared>,
) -> wasmtime::Result<()> {
    let service = pre.instantiate_async(&mut *store).await?;
    let request = hand_over(request, store, shared);
    let concurrent = store.run_concurrent(async move |guest| {
        match service.handle(guest, request).await? {
            Ok(response) => respond(guest, response, shared)?,
            Err(code) => shared.exchange.lock().respond(Err(format!("{code:?}"))),
        }
        finish(guest, shared).await;
        Ok(())
    });
    concurrent.await?
}

/// Gives the guest its request: without the connection's fields, its body counted.
fn hand_over(
    mut request: http::Request<RequestBody>,
    store: &mut Store<State>,
    shared: &Arc<Shared>,
) -> Request {
    strip(request.headers_mut());
    let http = store.data_mut().http();
    let (parts, body) = request.into_parts();
    // The other half tells what the guest thinks of the body; nobody asks.
    if body.is_end_stream() {
        Request::from_http(http.hooks, http::Request::from_parts(parts, Empty::new())).0
    } else {
        let body = Counted::with_trailers(body, shared);
        Request::from_http(http.hooks, http::Request::from_parts(parts, body)).0
    }
}

fn respond(
    guest: &Accessor<State>,
    response: Response,
    shared: &Arc<Shared>,
) -> wasmtime::Result<()> {
    let response = guest
        .with(|store| response.into_http(store, std::future::ready(Ok(()))))
        // What it complains of is a `content-length` that is no number.
        .map_err(|error| BadAnswer(format!("{error:#}")))?;
    shared.exchange.lock().respond(Ok(response));
    Ok(())
}

/// Lets the guest run on until it has done all that it began and its reply has ended. What is left
/// of a short reply is gathered here, so that its guest ends at once and its end is known before its
/// head is sent.
async fn finish(guest: &Accessor<State>, shared: &Arc<Shared>) {
    poll_fn(|cx| {
        ready!(guest.poll_no_interesting_tasks(cx));
        let ended = shared.exchange.lock().gather(GATHERED_BYTES, cx);
        // Whoever takes the rest of a long reply polls this again right after.
        if ended { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}
