//! The embedded stores: one SQLite file, artifacts by digest, and the journal's segments.
//!
//! Everything lies in one directory, the home: `registry.db` holds what is deployed, granted and
//! issued together with its ledger, `queue.db` the calls that run later, `artifacts/` the
//! components, `kv/` and `blobs/` what functions keep, `salts.db` the salts of subjects whose values
//! can be erased, `counters` what was used today, and `backups/` the copies that are made before an
//! upgrade.
//!
//! Invariant: an act and its ledger leaf are written in one transaction, and are durable before
//! the caller hears of them.
#![forbid(unsafe_code)]

pub mod blobs;
pub mod counters;
pub mod epochs;
pub mod error;
pub mod files;
pub mod journal;
pub mod kv;
pub mod queue;
pub mod salts;
pub mod store;

pub use blobs::Blobs;
pub use counters::CounterFile;
pub use error::Error;
pub use files::Files;
pub use kv::Stores;
pub use queue::Queue;
pub use salts::Salts;
pub use store::Store;
