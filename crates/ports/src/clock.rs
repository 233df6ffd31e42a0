//! Time as a parameter.

use model::Timestamp;
use std::time::Duration;

/// Where the time comes from.
pub trait Clock: Send + Sync {
    /// The wall clock, for what is written down. May jump.
    fn wall(&self) -> Timestamp;

    /// Time since some fixed point, for deadlines and durations. Never goes back.
    fn monotonic(&self) -> Duration;
}
