//! The sections of the configuration file. Their defaults are those of the crates that they are
//! for.

use super::file;
use super::pick::Pick;
use model::unit::{Duration, Size};
use ports::child::ChildLimits;
use std::path::PathBuf;

/// `[gateway]`
#[derive(Debug, Clone)]
pub struct Gateway {
    /// Worker threads; 0 is one for each core.
    pub workers: usize,
    /// Open connections.
    pub connections: usize,
    /// Open connections from one address.
    pub connections_per_address: usize,
    /// How long a request's headers may take.
    pub head_timeout: Duration,
    /// How long a request's body may be silent.
    pub body_idle: Duration,
    /// How long a connection may be silent between requests.
    pub idle: Duration,
}

/// `[journal]`
#[derive(Debug, Clone)]
pub struct Journal {
    /// The ring, in bytes.
    pub size: Size,
    /// The ring, in time.
    pub age: Duration,
    /// What is kept for control-plane acts, beside the ring.
    pub control: Size,
}

/// `[wasm]`
#[derive(Debug, Clone)]
pub struct Wasm {
    /// Instances that may live at a time.
    pub instances: u32,
    /// Compiled code that is kept loaded.
    pub cache: Size,
}

/// `[compile]`
#[derive(Debug, Clone)]
pub struct Compile {
    /// Address space.
    pub memory: Size,
    /// CPU time.
    pub cpu: Duration,
    /// Wall time.
    pub wall: Duration,
    /// Output.
    pub output: Size,
}

impl Gateway {
    pub(super) fn pick(pick: &mut Pick, file: &file::Gateway) -> Self {
        let default = gateway::Config::default();
        Self {
            workers: pick.of("gateway.workers", default.workers, file.workers),
            connections: pick.of("gateway.connections", default.connections_max, file.connections),
            connections_per_address: pick.of(
                "gateway.connections_per_address",
                default.connections_per_address_max,
                file.connections_per_address,
            ),
            head_timeout: pick.of(
                "gateway.head_timeout",
                Duration { ms: default.head_timeout_ms },
                file.head_timeout,
            ),
            body_idle: pick.of(
                "gateway.body_idle",
                Duration { ms: default.body_idle_ms },
                file.body_idle,
            ),
            idle: pick.of("gateway.idle", Duration { ms: default.idle_ms }, file.idle),
        }
    }
}

impl Journal {
    pub(super) fn pick(pick: &mut Pick, file: &file::Journal) -> Self {
        let default = store_sqlite::journal::Config::new(PathBuf::new());
        let age = Duration::seconds(default.age_max.as_secs());
        let (size, control) = (default.bytes_max, default.control_bytes);
        Self {
            size: pick.of("journal.size", Size { bytes: size }, file.size),
            age: pick.of("journal.age", age, file.age),
            control: pick.of("journal.control", Size { bytes: control }, file.control),
        }
    }
}

impl Wasm {
    pub(super) fn pick(pick: &mut Pick, file: &file::Wasm) -> Self {
        let cache = Size { bytes: wasm::Config::CACHE_BYTES };
        Self {
            instances: pick.of("wasm.instances", wasm::Config::INSTANCES, file.instances),
            cache: pick.of("wasm.cache", cache, file.cache),
        }
    }
}

impl Compile {
    pub(super) fn pick(pick: &mut Pick, file: &file::Compile) -> Self {
        let ChildLimits { memory_bytes, cpu_s, wall_ms, output_bytes } =
            wasm::Config::COMPILE_LIMITS;
        Self {
            memory: pick.of("compile.memory", Size { bytes: memory_bytes }, file.memory),
            cpu: pick.of("compile.cpu", Duration::seconds(cpu_s), file.cpu),
            wall: pick.of("compile.wall", Duration { ms: wall_ms }, file.wall),
            output: pick.of("compile.output", Size { bytes: output_bytes }, file.output),
        }
    }
}
