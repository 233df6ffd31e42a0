//! Wasmtime's settings: one place, so that the compiler child and the node agree.
//!
//! There are two engines, one for each version of WASI: [0017](../../../docs/decisions) says why.
//!
//! Invariant: [`common`] is applied to every engine; whatever changes generated code stands there.
//! Invariant: code that was compiled for one engine is never mapped into the other.

use model::manifest::Wasi;
use std::hash::{Hash as _, Hasher};
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig,
    Strategy, WasmBacktraceDetails,
};

/// Core instances in one component. `componentize-py` makes some thirty.
pub(crate) const CORE_INSTANCES: u32 = 128;
/// Linear memories in one component.
pub(crate) const MEMORIES: u32 = 8;
/// Tables in one component.
pub(crate) const TABLES: u32 = 64;
/// Elements of one table. Large C# and Python components have ten thousand and more.
const TABLE_ELEMENTS: usize = 65_536;
/// Stack that a guest may use; beyond it traps.
const STACK_BYTES: usize = 512 << 10;
/// Stack of a fiber: the guest's, and room for the host functions that it calls.
const FIBER_BYTES: usize = 2 << 20;
/// Dirty memory that a free slot keeps when only dirty pages have to be reset.
const KEEP_SCANNED: usize = 4 << 20;
/// The same where the kernel cannot say which pages are dirty: all of it is then overwritten
/// every time, so more would cost more than it saves.
const KEEP_UNSCANNED: usize = 64 << 10;
/// Fibers of one instance of WASI 0.3, on the average: each of its tasks that waits may hold one.
const FIBERS_03: u32 = 4;
/// The fewest instances that are worth a start.
const INSTANCES_MIN: u32 = 8;

fn common(wasi: Wasi) -> Config {
    let mut config = Config::new();
    config.strategy(Strategy::Cranelift);
    config.cranelift_opt_level(OptLevel::Speed);
    config.epoch_interruption(true);
    config.memory_init_cow(true);
    config.max_wasm_stack(STACK_BYTES);
    config.async_stack_size(FIBER_BYTES);
    // Few proposals: each one is code that a hostile component can reach.
    config.wasm_memory64(false);
    config.wasm_tail_call(false);
    config.wasm_relaxed_simd(false);
    config.wasm_custom_page_sizes(false);
    config.wasm_wide_arithmetic(false);
    config.wasm_stack_switching(false);
    config.shared_memory(false);
    config.concurrency_support(wasi == Wasi::V03);
    if wasi == Wasi::V03 {
        config.wasm_component_model_async(true);
        // What Wasmtime calls very incomplete, and no toolchain needs.
        config.wasm_component_model_more_async_builtins(false);
        config.wasm_component_model_async_stackful(false);
        config.wasm_component_model_threading(false);
        config.wasm_component_model_error_context(false);
    }
    // Backtraces name functions; offsets, DWARF and unwinding for debuggers would only make
    // files larger and loading slower. `Environment` would let a variable switch DWARF on.
    config.generate_address_map(false);
    config.native_unwind_info(false);
    config.wasm_backtrace_details(WasmBacktraceDetails::Disable);
    config
}

/// The engine of the compiler child: makes code for [`run_engine`], reserves no address space.
///
/// # Errors
/// Wasmtime's, if it does not know this processor.
pub(crate) fn compile_engine(wasi: Wasi) -> wasmtime::Result<Engine> {
    let mut config = common(wasi);
    config.parallel_compilation(true);
    Engine::new(&config)
}

/// A digest over everything that compiled code depends on: Wasmtime's version, the settings, the
/// processor's features, and which engine it is for.
pub(crate) fn compatibility(engine: &Engine, wasi: Wasi) -> [u8; 32] {
    let mut hasher = Blake3(blake3::Hasher::new());
    if wasi == Wasi::V03 {
        // The settings differ too; this does not depend on Wasmtime's noticing.
        hasher.write(b"WASI 0.3\0");
    }
    engine.precompile_compatibility_hash().hash(&mut hasher);
    *hasher.0.finalize().as_bytes()
}

struct Blake3(blake3::Hasher);

impl Hasher for Blake3 {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
    fn finish(&self) -> u64 {
        let hash = self.0.finalize();
        let bytes = hash.as_bytes();
        u64::from_le_bytes([
            bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7],
        ])
    }
}

/// An engine that runs code, and how it was set up.
pub(crate) struct RunEngine {
    /// The engine. It has no compiler.
    pub(crate) engine: Engine,
    /// Instances that fit.
    pub(crate) instances: u32,
    /// Whether only dirty pages are reset.
    pub(crate) pagemap_scan: bool,
}

/// The engine of the node. Has no compiler, so that nothing can be compiled outside the child.
///
/// Reserves address space for `instances`; if that fails, for half as many, and so on, since a
/// container may bound the address space.
///
/// # Errors
/// Wasmtime's, if not even a few instances fit.
pub(crate) fn run_engine(
    wasi: Wasi,
    instances: u32,
    memory_bytes_max: u64,
) -> wasmtime::Result<RunEngine> {
    let pagemap_scan = PoolingAllocationConfig::is_pagemap_scan_available();
    let mut instances = instances.max(1);
    loop {
        let mut config = common(wasi);
        config.enable_compiler(false);
        let mut pool = pool(instances, memory_bytes_max, pagemap_scan);
        if wasi == Wasi::V03 {
            pool.total_stacks(instances.saturating_mul(FIBERS_03));
        }
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
        match Engine::new(&config) {
            Ok(engine) => return Ok(RunEngine { engine, instances, pagemap_scan }),
            Err(error) if instances / 2 < INSTANCES_MIN => return Err(error),
            Err(error) => {
                tracing::debug!(instances, error = format!("{error:#}"), "the pool does not fit");
                instances /= 2;
            }
        }
    }
}

fn pool(instances: u32, memory_bytes_max: u64, pagemap_scan: bool) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances);
    pool.total_core_instances(instances.saturating_mul(CORE_INSTANCES));
    pool.max_core_instances_per_component(CORE_INSTANCES);
    pool.total_memories(instances.saturating_mul(2));
    pool.max_memories_per_component(MEMORIES);
    pool.max_memories_per_module(MEMORIES);
    pool.total_tables(instances.saturating_mul(4));
    pool.max_tables_per_component(TABLES);
    pool.max_tables_per_module(TABLES);
    pool.table_elements(TABLE_ELEMENTS);
    // One fiber per invocation.
    pool.total_stacks(instances);
    pool.max_component_instance_size(4 << 20);
    pool.max_core_instance_size(4 << 20);
    // A 32-bit memory ends at 4 GiB, which is also what Wasmtime reserves for it.
    pool.max_memory_size(usize::try_from(memory_bytes_max.min(4 << 30)).unwrap_or(usize::MAX));
    pool.pagemap_scan(Enabled::Auto);
    let keep = if pagemap_scan { KEEP_SCANNED } else { KEEP_UNSCANNED };
    pool.linear_memory_keep_resident(keep);
    pool.table_keep_resident(KEEP_UNSCANNED);
    pool
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compatibility_is_the_same_for_equal_settings_and_differs_for_others() {
        let of = |wasi| compatibility(&compile_engine(wasi).expect("engine"), wasi);
        assert_eq!(of(Wasi::V02), of(Wasi::V02));
        assert_ne!(of(Wasi::V02), of(Wasi::V03));
        let mut other = common(Wasi::V02);
        other.epoch_interruption(false);
        let other = compatibility(&Engine::new(&other).expect("engine"), Wasi::V02);
        assert_ne!(of(Wasi::V02), other);
    }

    #[test]
    fn code_of_one_engine_is_refused_by_the_other() {
        let component = wat::parse_str("(component)").expect("text");
        for (from, to) in [(Wasi::V02, Wasi::V03), (Wasi::V03, Wasi::V02)] {
            let code = compile_engine(from).expect("engine").precompile_component(&component);
            let mut file = crate::compiled::sealed::create().expect("file");
            std::io::Write::write_all(&mut file, &code.expect("code")).expect("write");
            let sealed = crate::compiled::SealedFile::seal(file).expect("seal");
            let map = |wasi| {
                let engine = run_engine(wasi, INSTANCES_MIN, 1 << 20).expect("engine").engine;
                crate::compiled::code::map_trusted(&engine, &sealed).map(|_| ())
            };
            map(from).expect("its own");
            assert!(map(to).is_err(), "{from} in {to}");
        }
    }

    #[test]
    fn a_pool_that_does_not_fit_becomes_smaller() {
        // 2^20 instances would need 8 PiB.
        let engine = run_engine(Wasi::V02, 1 << 20, 1 << 30).expect("some instances fit");
        assert!(engine.instances >= INSTANCES_MIN && engine.instances < 1 << 20);
    }
}
