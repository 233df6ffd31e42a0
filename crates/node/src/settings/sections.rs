//! The sections of the configuration file. Their defaults are those of the crates that they are
//! for.

use super::file;
use super::isolation::Isolation;
use super::pick::Pick;
use model::Problem;
use model::unit::{Duration, Size};
use ports::child::ChildLimits;
use std::path::PathBuf;

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
    /// Whether functions built for WASI 0.3 run here. Experimental; they get an engine of their own
    /// with as many instances and as large a cache again.
    pub wasi03: bool,
    /// In which processes functions run.
    pub isolation: Isolation,
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
    pub(super) fn pick(pick: &mut Pick, file: &file::Wasm) -> Result<Self, Problem> {
        let cache = Size { bytes: wasm::Config::CACHE_BYTES };
        Ok(Self {
            instances: pick.of("wasm.instances", wasm::Config::INSTANCES, file.instances),
            cache: pick.of("wasm.cache", cache, file.cache),
            wasi03: pick.of("wasm.wasi03", false, file.wasi03),
            isolation: Isolation::pick(pick, file.isolation)?,
        })
    }
}

impl Compile {
    pub(super) fn pick(pick: &mut Pick, file: &file::Compile) -> Self {
        let ChildLimits { memory_bytes, cpu_s, wall_ms, output_bytes } =
            wasm::Workshop::COMPILE_LIMITS;
        Self {
            memory: pick.of("compile.memory", Size { bytes: memory_bytes }, file.memory),
            cpu: pick.of("compile.cpu", Duration::seconds(cpu_s), file.cpu),
            wall: pick.of("compile.wall", Duration { ms: wall_ms }, file.wall),
            output: pick.of("compile.output", Size { bytes: output_bytes }, file.output),
        }
    }
}
