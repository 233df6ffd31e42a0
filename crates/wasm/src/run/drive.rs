//! The whole life of a guest: a store, a fresh instance, one call, and the store's end.

use super::{RequestBody, service};
use crate::cache::Linked;
use crate::fault::{ended, fault};
use crate::meter::Shared;
use crate::runtime::Runtime;
use crate::state::{self, State};
use ports::executor::{Fault, FaultKind};
use std::sync::Arc;
use std::task::Poll;
use wasmtime::Store;
use wasmtime_wasi_http::WasiHttpView as _;
use wasmtime_wasi_http::p2::bindings::ProxyPre;

/// Runs a guest from its beginning to its end.
pub(crate) async fn drive(
    runtime: Arc<Runtime>,
    request: http::Request<RequestBody>,
    shared: Arc<Shared>,
) -> Result<(), Fault> {
    let digest = shared.unit.program.artifact;
    let loaded = match runtime.cache.find(&digest, runtime.now()) {
        Some(loaded) => loaded,
        None => runtime.find_or_load(digest).await.map_err(|error| error.fault())?,
    };
    let platform = |error: wasmtime::Error| fault(FaultKind::Platform, format!("{error:#}"));
    let mut store =
        state::store(&runtime.engine, &shared, runtime.epoch, runtime.guest_clock.as_ref())
            .map_err(platform)?;
    let called = match &loaded.linked {
        Linked::V02(pre) => proxy(&mut store, pre, request, &shared).await,
        Linked::V03(pre) => service::call(&mut store, pre, request, &shared).await,
    };
    let settled = std::pin::pin!(tokio::task::unconstrained(std::future::poll_fn(|cx| {
        let mut exchange = shared.exchange.lock();
        if exchange.has_responded() {
            exchange.settle(cx);
        }
        Poll::Ready(())
    })));
    settled.await;
    drop(store);
    called.or_else(|error| ended(&error, &shared))
}

/// Calls a guest of WASI 0.2.
async fn proxy(
    store: &mut Store<State>,
    pre: &ProxyPre<State>,
    request: http::Request<RequestBody>,
    shared: &Arc<Shared>,
) -> wasmtime::Result<()> {
    let request = super::request::hand_over(request, store.data_mut().http(), shared)?;
    let reply = Arc::clone(shared);
    let outparam = store.data_mut().http().new_response_outparam_from_callback(move |result| {
        let result = result.map_err(|code| format!("{code:?}"));
        reply.exchange.lock().respond(result);
    })?;
    let proxy = pre.instantiate_async(&mut *store).await?;
    proxy.wasi_http_incoming_handler().call_handle(store, request, outparam).await
}
