//! Traits for all that lies outside the engine: storage, keys, time, executors, child processes.
//!
//! Adapters on the floor above implement them; `engine` uses them and nothing else, so that a
//! test can put a memory version in the place of a disk, and a cluster a database in the place
//! of a file. The memory versions are behind the feature `memory`, which release builds leave off.
//!
//! Invariant: no trait here names a database, a runtime or a file format.
#![forbid(unsafe_code)]

pub mod artifacts;
pub mod blobs;
pub mod child;
pub mod clock;
pub mod counters;
pub mod elsewhere;
pub mod executor;
pub mod host;
pub mod idempotency;
pub mod interpreters;
pub mod journal;
pub mod keyring;
pub mod keyvalue;
pub mod ledger;
pub mod lines;
mod octets;
pub mod outbound;
pub mod queue;
pub mod registry;
pub mod salts;
pub mod source;

#[cfg(feature = "memory")]
pub mod memory;

pub use artifacts::Artifacts;
pub use blobs::Blobs;
pub use clock::Clock;
pub use counters::Counters;
pub use executor::Executor;
pub use host::Host;
pub use interpreters::Interpreters;
pub use journal::Journal;
pub use keyring::KeyRing;
pub use keyvalue::KeyValue;
pub use ledger::Ledger;
pub use outbound::Outbound;
pub use queue::Queue;
pub use registry::Registry;
pub use salts::Salts;
pub use source::Source;

/// A boxed future: what an asynchronous method of a port returns.
pub type Future<'a, T> = std::pin::Pin<Box<dyn std::future::Future<Output = T> + Send + 'a>>;
