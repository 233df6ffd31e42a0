//! Memory versions of the ports, for tests.

pub mod artifacts;
pub mod blobs;
pub mod counters;
pub mod idempotency;
pub mod journal;
pub mod keyvalue;
pub mod queue;
pub mod registry;
pub mod salts;

pub use artifacts::Artifacts;
pub use blobs::Blobs;
pub use counters::Counters;
pub use idempotency::Forgetful;
pub use journal::Journal;
pub use keyvalue::KeyValue;
pub use queue::Queue;
pub use registry::Registry;
pub use salts::Salts;
