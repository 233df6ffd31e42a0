//! A store's data: the guest's view of the world, and the limits on what it takes of ours.
//!
//! Invariant: no directory, socket, argument or input is given to a guest, and no variable but those
//! of its manifest; standard output and standard error are log lines; outgoing HTTP, stores and
//! files are asked of the host.

use crate::blobstore;
use crate::files;
use crate::keyvalue;
use crate::lines::Stream;
use crate::meter::{Shared, thread_cpu_ns};
use crate::outgoing::Sent;
use crate::settings;
use crate::turns::Place;
use model::manifest::Config as Values;
use model::wire::v1::Level;
use ports::Clock;
use ports::keyvalue::VALUE_BYTES_MAX;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use wasmtime::component::ResourceTable;
use wasmtime::{Engine, ResourceLimiter, Store, StoreContextMut, UpdateDeadline};
use wasmtime_wasi::{HostWallClock, WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{
    Error as HttpError, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks,
    WasiHttpView,
};

/// Handles that a guest may hold open: streams, pollables, requests, header maps.
const HANDLES_MAX: usize = 4096;
/// What Wasmtime may keep of a guest's concurrent work: tasks, streams, futures, sets to wait on.
const TASKS_MAX: usize = 1024;
/// Bytes that a guest may hand over in one call: the largest value, and room for what goes with it.
const CALL_BYTES_MAX: usize = VALUE_BYTES_MAX + (64 << 10);
/// Random bytes in one call.
const RANDOM_BYTES_MAX: u64 = 64 << 10;
/// What a header field costs in memory beside its name and value.
const FIELD_BYTES: usize = 80;
/// Reply bytes that a guest may write in one go, and how many such writes it may be ahead of
/// the client: 192 KiB in all, since two hundred that stream at once must not fill the memory.
const BODY_CHUNK_BYTES: usize = 64 << 10;
const BODY_CHUNKS: usize = 2;
/// CPU time of one round of a worker's tasks, in nanoseconds, below which none of them did
/// anything: looking at sockets and timers costs a few microseconds, the smallest guest forty.
const IDLE_ROUND_NS: u64 = 25_000;

/// The guest used up its CPU time.
#[derive(Debug, thiserror::Error)]
#[error("the CPU time is used up")]
pub(crate) struct CpuUsedUp;

/// The data of one store.
pub(crate) struct State {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    table: ResourceTable,
    listings: keyvalue::Listings,
    values: blobstore::Values,
    memory: Memory,
    hooks: Hooks,
}

impl State {
    /// What `wasi:keyvalue` needs of it.
    pub(crate) fn keyvalue(&mut self) -> keyvalue::View<'_> {
        keyvalue::View {
            table: &mut self.table,
            listings: &mut self.listings,
            host: &self.hooks.shared.host,
            stores: &self.hooks.shared.unit.around.stores,
        }
    }

    /// What `wasi:blobstore` needs of it.
    pub(crate) fn blobstore(&mut self) -> blobstore::View<'_> {
        blobstore::View {
            table: &mut self.table,
            values: &self.values,
            host: &self.hooks.shared.host,
        }
    }

    /// Whom to ask for what the manifest has revealed of secrets, if this is one of them.
    pub(crate) fn reveals(&self, name: &str) -> Option<Arc<dyn ports::host::Host>> {
        let shared = &self.hooks.shared;
        shared.unit.revealed.iter().any(|known| known == name).then(|| Arc::clone(&shared.host))
    }

    /// What `wasi:filesystem` needs of it.
    pub(crate) fn files(&mut self) -> files::View<'_> {
        let Shared { files, host, .. } = &*self.hooks.shared;
        files::View { table: &mut self.table, files: files.as_ref(), host }
    }

    /// What the manifest gives the guest to read.
    pub(crate) fn values(&self) -> &Values {
        &self.hooks.shared.unit.config
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.hooks }
    }
}

/// A store for one invocation, with every limit on.
///
/// # Errors
/// Wasmtime's, if memory is short.
pub(crate) fn store(
    engine: &Engine,
    shared: &Arc<Shared>,
    epoch: Duration,
    guest_clock: Option<&Arc<dyn Clock>>,
) -> wasmtime::Result<Store<State>> {
    let limits = shared.limits();
    let header_bytes = usize::try_from(limits.header_bytes).unwrap_or(usize::MAX);
    let fields = usize::try_from(limits.headers).unwrap_or(usize::MAX);
    let mut http = WasiHttpCtx::new();
    // Twice the limit: a little too much is then refused with the reason when it is sent.
    let room = header_bytes.saturating_add(fields.saturating_mul(FIELD_BYTES));
    http.set_field_size_limit(room.saturating_mul(2));
    let mut table = ResourceTable::new();
    table.set_max_capacity(HANDLES_MAX);
    // The builder's other defaults: closed input, no arguments or directories, every
    // address and name lookup denied, the host's clocks. The clocks are not made coarser: a guest
    // can time itself, and what it could learn from that the process seam has to withhold.
    let mut wasi = WasiCtx::builder();
    wasi.stdout(Stream::new(Arc::clone(shared), Level::Info))
        .stderr(Stream::new(Arc::clone(shared), Level::Error))
        .max_random_size(RANDOM_BYTES_MAX)
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false);
    for (name, value) in &shared.unit.around.environment {
        wasi.env(name, value);
    }
    if let Some(clock) = guest_clock {
        wasi.wall_clock(GuestClock(Arc::clone(clock)));
    }
    let wasi = wasi.build();
    let state = State {
        wasi,
        http,
        table,
        listings: keyvalue::Listings::default(),
        values: blobstore::Values::default(),
        memory: Memory { used_bytes: 0, last_growth_bytes: 0, shared: Arc::clone(shared) },
        hooks: Hooks { shared: Arc::clone(shared) },
    };
    let mut store = Store::try_new(engine, state)?;
    store.limiter(|state| &mut state.memory);
    store.set_hostcall_fuel(CALL_BYTES_MAX);
    store.set_max_component_handles(HANDLES_MAX);
    if let Some(table) = store.concurrent_resource_table() {
        table.set_max_capacity(TASKS_MAX);
    }
    let epoch_ns = u64::try_from(epoch.as_nanos()).unwrap_or(u64::MAX);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |store| on_tick(&store, epoch_ns));
    Ok(store)
}

/// A wall clock that a guest is given instead of the host's.
struct GuestClock(Arc<dyn Clock>);

impl HostWallClock for GuestClock {
    fn resolution(&self) -> Duration {
        Duration::from_micros(1)
    }

    fn now(&self) -> Duration {
        // Time before 1970 has no form in WASI.
        Duration::from_micros(u64::try_from(self.0.wall().0).unwrap_or_default())
    }
}

/// A tick passed while the guest was computing.
fn on_tick(store: &StoreContextMut<'_, State>, epoch_ns: u64) -> wasmtime::Result<UpdateDeadline> {
    let shared = &store.data().hooks.shared;
    let cpu_ns = shared.cpu_ns();
    if cpu_ns > shared.limits().cpu_ms.saturating_mul(1_000_000) {
        return Err(CpuUsedUp.into());
    }
    // A tick can pass right after a guest began. It has to let others run only if it computed
    // for about as long as one. One that has had turns before ends each with the tick: otherwise
    // a turn could last one and a half.
    if !shared.is_heavy() && shared.cpu_since_yield_ns(cpu_ns) < epoch_ns / 2 {
        return Ok(UpdateDeadline::Continue(1));
    }
    shared.yields(cpu_ns);
    Ok(UpdateDeadline::YieldCustom(1, Box::pin(next_turn(Arc::clone(shared), epoch_ns))))
}

/// Waits for this guest's next turn among the heavy ones of its thread.
async fn next_turn(shared: Arc<Shared>, epoch_ns: u64) {
    let place = shared.clockwork.turns().join();
    loop {
        std::future::poll_fn(|cx| place.poll_offered(cx)).await;
        others_first(&place, epoch_ns).await;
        if let Some(held) = place.take() {
            *shared.turn.lock() = Some(held);
            return;
        }
    }
}

/// Lets everything else on this thread run until it has had as long as a heavy guest's turn, or
/// until nothing else wants to run.
async fn others_first(place: &Place, turn_ns: u64) {
    let mut before = thread_cpu_ns();
    loop {
        // Tokio wakes a task that yields only after it has looked at sockets and timers. Without
        // this, loopers that wake each other would keep the runtime from seeing new requests.
        tokio::task::yield_now().await;
        let now = thread_cpu_ns();
        let idle = now.saturating_sub(before) < IDLE_ROUND_NS;
        if idle || place.others_had_ns(now) >= turn_ns {
            return;
        }
        before = now;
    }
}

/// Counts linear memories and tables of one store together.
struct Memory {
    used_bytes: u64,
    last_growth_bytes: u64,
    shared: Arc<Shared>,
}

impl Memory {
    fn grow(&mut self, growth_bytes: u64) -> bool {
        let wanted = self.used_bytes.saturating_add(growth_bytes);
        if wanted > self.shared.limits().memory_bytes {
            self.shared.memory_refused.store(true, Relaxed);
            return false;
        }
        self.used_bytes = wanted;
        self.last_growth_bytes = growth_bytes;
        self.shared.memory_peak_bytes.fetch_max(wanted, Relaxed);
        true
    }

    fn take_back(&mut self) {
        self.used_bytes -= std::mem::take(&mut self.last_growth_bytes);
    }
}

/// Growth in bytes, or `None` if it passes the maximum that the component itself declares.
fn growth(current: usize, desired: usize, maximum: Option<usize>, unit: u64) -> Option<u64> {
    let beyond = maximum.is_some_and(|maximum| desired > maximum);
    (!beyond).then(|| (desired.saturating_sub(current) as u64).saturating_mul(unit))
}

impl ResourceLimiter for Memory {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.last_growth_bytes = 0;
        Ok(growth(current, desired, maximum, 1).is_some_and(|bytes| self.grow(bytes)))
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.take_back();
        Ok(())
    }

    /// A table's element is a pointer in Wasmtime.
    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.last_growth_bytes = 0;
        let bytes = growth(current, desired, maximum, size_of::<usize>() as u64);
        Ok(bytes.is_some_and(|bytes| self.grow(bytes)))
    }

    fn table_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.take_back();
        Ok(())
    }

    fn instances(&self) -> usize {
        settings::CORE_INSTANCES as usize
    }

    fn tables(&self) -> usize {
        settings::TABLES as usize
    }

    fn memories(&self) -> usize {
        settings::MEMORIES as usize
    }
}

/// What WASI's HTTP asks of its embedder.
struct Hooks {
    shared: Arc<Shared>,
}

impl WasiHttpHooks for Hooks {
    /// Nothing is forbidden here: a forbidden field of a reply is named when the reply is
    /// checked, and requests were stripped before they came.
    fn is_forbidden_header(&mut self, _: &http::HeaderName) -> bool {
        false
    }

    fn forbidden_header_filter(&mut self) -> wasmtime_wasi_http::ForbiddenHeaderFilter {
        Arc::new(|_| false)
    }

    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), HttpError>> + Send>,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        Box::new(crate::outgoing::send(Arc::clone(&self.shared.host), request, options))
    }

    fn p2_outgoing_body_buffer_chunks(&mut self) -> usize {
        BODY_CHUNKS
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        BODY_CHUNK_BYTES
    }

    fn p3_outgoing_body_chunk_size(&mut self) -> usize {
        BODY_CHUNK_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_counts_bytes_and_leaves_declared_maxima_to_wasmtime() {
        assert_eq!(growth(1, 3, None, 8), Some(16));
        assert_eq!(growth(1, 3, Some(3), 8), Some(16));
        assert_eq!(growth(1, 4, Some(3), 8), None);
    }
}
