//! The sections of the configuration file, with their defaults.

use super::file;
use super::pick::Pick;
use model::unit::{Duration, Size};

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
        Self {
            size: pick.of("journal.size", Size::mib(2048), file.size),
            age: pick.of("journal.age", Duration::seconds(7 * 86_400), file.age),
            control: pick.of("journal.control", Size::mib(64), file.control),
        }
    }
}

impl Wasm {
    pub(super) fn pick(pick: &mut Pick, file: &file::Wasm) -> Self {
        Self {
            instances: pick.of("wasm.instances", 1000, file.instances),
            cache: pick.of("wasm.cache", Size::mib(1024), file.cache),
            wasi03: pick.of("wasm.wasi03", false, file.wasi03),
        }
    }
}

impl Compile {
    pub(super) fn pick(pick: &mut Pick, file: &file::Compile) -> Self {
        Self {
            memory: pick.of("compile.memory", Size::mib(4096), file.memory),
            cpu: pick.of("compile.cpu", Duration::seconds(180), file.cpu),
            wall: pick.of("compile.wall", Duration::seconds(240), file.wall),
            output: pick.of("compile.output", Size::mib(512), file.output),
        }
    }
}
