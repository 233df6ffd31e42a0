//! What the executor needs to be told, and why it could not start.

use model::Secret;
use ports::Clock;
use ports::child::{ChildLimits, Children};
use ports::executor::Programs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Where compiled components come from.
#[derive(Clone)]
pub enum Origin {
    /// They are compiled here, and kept in a directory.
    Here(Workshop),
    /// Somebody else compiles them and hands them over. Such an executor compiles nothing.
    Elsewhere(Arc<dyn Programs>),
}

/// Where components are compiled and kept.
#[derive(Clone)]
pub struct Workshop {
    /// Where compiled components are kept. Only the node may write there; it is made with mode
    /// 0700 if it is missing.
    pub compiled_dir: PathBuf,
    /// Authenticates compiled components. Whoever knows it and can write to `compiled_dir` can
    /// run native code in the node.
    pub mac_key: Secret<[u8; 32]>,
    /// Runs the compiler.
    pub children: Arc<dyn Children>,
    /// What the compiler may use for one component.
    pub compile_limits: ChildLimits,
}

impl Workshop {
    /// What a compiler may use unless more is said: 4 GiB of address space, because it maps far
    /// more than it touches; three minutes of CPU, and four on the wall; 512 MiB of output.
    pub const COMPILE_LIMITS: ChildLimits = ChildLimits {
        memory_bytes: 4 << 30,
        cpu_s: 180,
        wall_ms: 240_000,
        output_bytes: 512 << 20,
    };

    /// With the usual limits.
    #[must_use]
    pub fn new(
        compiled_dir: PathBuf,
        mac_key: Secret<[u8; 32]>,
        children: Arc<dyn Children>,
    ) -> Self {
        Self { compiled_dir, mac_key, children, compile_limits: Self::COMPILE_LIMITS }
    }
}

/// What the executor needs to be told.
#[derive(Clone)]
pub struct Config {
    /// Where compiled components come from.
    pub origin: Origin,
    /// For how long things took, in the log.
    pub clock: Arc<dyn Clock>,
    /// The wall clock that guests see; the host's if absent. For trials only: it costs an
    /// allocation per invocation.
    pub guest_clock: Option<Arc<dyn Clock>>,
    /// Instances that can live at one time. Fewer if the address space has no room for them.
    pub instances: u32,
    /// Largest linear memory of any instance, in bytes: the ceiling of every function's limit.
    pub memory_bytes_max: u64,
    /// Whether components of WASI 0.3 are run too, by an engine of their own with as many instances
    /// and as large a cache again.
    pub wasi_03: bool,
    /// Length of an epoch, in milliseconds: how long a guest computes before it must let others.
    pub epoch_ms: u64,
    /// Bytes of compiled code that stay loaded; beyond, what was not called longest is unloaded.
    pub cache_bytes: u64,
}

impl Config {
    /// Instances that can live at one time, unless more is said.
    pub const INSTANCES: u32 = 1000;
    /// Bytes of compiled code that stay loaded, unless more is said.
    pub const CACHE_BYTES: u64 = 1 << 30;

    /// The defaults, with what has none.
    #[must_use]
    pub fn new(origin: Origin, clock: Arc<dyn Clock>) -> Self {
        Self {
            origin,
            clock,
            guest_clock: None,
            instances: Self::INSTANCES,
            memory_bytes_max: 1 << 30,
            wasi_03: false,
            epoch_ms: 5,
            cache_bytes: Self::CACHE_BYTES,
        }
    }

    pub(crate) fn epoch(&self) -> Duration {
        Duration::from_millis(self.epoch_ms.max(1))
    }
}

/// Why the executor could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The directory of compiled components cannot be used.
    #[error("the directory {path} of compiled components cannot be used")]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The engine could not be set up, even for a few instances.
    #[error("the WebAssembly engine could not be set up: {0}")]
    Engine(String),
    /// The ticker thread could not be started.
    #[error("the ticker thread could not be started")]
    Ticker(#[source] std::io::Error),
}
