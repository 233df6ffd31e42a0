//! Wasmtime's settings: one place, so that the compiler child and the node agree.
//!
//! Invariant: [`common`] is applied to every engine; whatever changes generated code stands there.

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
/// The fewest instances that are worth a start.
const INSTANCES_MIN: u32 = 8;

fn common() -> Config {
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
    config.concurrency_support(false);
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
pub(crate) fn compile_engine() -> wasmtime::Result<Engine> {
    let mut config = common();
    config.parallel_compilation(true);
    Engine::new(&config)
}

/// A digest over everything that compiled code depends on: Wasmtime's version, the settings and
/// the processor's features.
pub(crate) fn compatibility(engine: &Engine) -> [u8; 32] {
    let mut hasher = Blake3(blake3::Hasher::new());
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
pub(crate) fn run_engine(instances: u32, memory_bytes_max: u64) -> wasmtime::Result<RunEngine> {
    let pagemap_scan = PoolingAllocationConfig::is_pagemap_scan_available();
    let mut instances = instances.max(1);
    loop {
        let mut config = common();
        config.enable_compiler(false);
        let pool = pool(instances, memory_bytes_max, pagemap_scan);
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
        let first = compatibility(&compile_engine().expect("engine"));
        let second = compatibility(&compile_engine().expect("engine"));
        assert_eq!(first, second);
        let mut other = common();
        other.epoch_interruption(false);
        assert_ne!(first, compatibility(&Engine::new(&other).expect("engine")));
    }

    #[test]
    fn a_pool_that_does_not_fit_becomes_smaller() {
        // 2^20 instances would need 8 PiB.
        let engine = run_engine(1 << 20, 1 << 30).expect("some instances fit");
        assert!(engine.instances >= INSTANCES_MIN && engine.instances < 1 << 20);
    }
}
