//! Sources of messages: what the node pulls from, for functions that are called with what comes.
//!
//! [`open`] makes a [`ports::Source`] of what the operator's configuration says. `redis.rs` reads
//! streams of Redis, `nats.rs` streams of NATS JetStream, `folder.rs` takes files out of a folder;
//! `form.rs` makes events of all of them. Each is behind a feature of its name.
//!
//! Invariant: a message is settled with the other side only when the engine says that it lies in the
//! queue.
//! Invariant: whoever may write there decides neither over the node's memory nor over its files: what
//! is too large is skipped unread, and no link is followed.
#![forbid(unsafe_code)]

mod config;
#[cfg(any(feature = "redis", feature = "nats"))]
mod dial;
#[cfg(feature = "folder")]
mod folder;
mod form;
#[cfg(all(feature = "redis", feature = "nats", any(test, fuzzing)))]
pub mod fuzz;
#[cfg(any(feature = "redis", feature = "nats"))]
mod line;
#[cfg(feature = "nats")]
mod nats;
#[cfg(feature = "redis")]
mod redis;
#[cfg(any(feature = "redis", feature = "nats"))]
mod tls;

pub use config::{Begin, FileShape, Folder, Kind, Nats, Redis};
pub use form::Shape;

use model::Problem;
use ports::{Clock, Outbound};
use std::path::PathBuf;
use std::sync::Arc;

/// What sources have of their node.
pub struct Surroundings {
    /// The way out, with the networks that the operator named for this source.
    pub outbound: Arc<dyn Outbound>,
    /// Files of authorities that are trusted beside the system's.
    pub authorities: Vec<PathBuf>,
    /// Whether the system's authorities are trusted.
    pub system_authorities: bool,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}

/// Makes a source of its configuration. Nothing is connected or looked at before it is opened.
///
/// # Errors
/// E0603: this build has no sources of the kind.
pub fn open(kind: Kind, around: Surroundings) -> Result<Arc<dyn ports::Source>, Problem> {
    match kind {
        #[cfg(feature = "redis")]
        Kind::Redis(config) => Ok(Arc::new(redis::Stream::new(config, around))),
        #[cfg(feature = "nats")]
        Kind::Nats(config) => Ok(Arc::new(nats::Stream::new(config, around))),
        #[cfg(feature = "folder")]
        Kind::Folder(config) => Ok(Arc::new(folder::Watched::new(config, around.clock))),
        #[cfg(not(all(feature = "redis", feature = "nats", feature = "folder")))]
        other => {
            let what = format!("this build has no sources of the kind `{}`", other.word());
            drop(around);
            Err(Problem::new(model::Code::BadConfig).detail(what))
        }
    }
}
