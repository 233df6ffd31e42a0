//! Events that were published: each is put with the calls that it causes, and once.

use super::Message;
use model::{Scope, Timestamp};

/// Events of one environment that were seen and are remembered; those before are forgotten.
pub const SEEN_MAX: u64 = 1_000_000;

/// An event with the calls that it causes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// The same for the same event of the same publisher, and for no other.
    pub mark: [u8; 16],
    /// What is to run.
    pub messages: Vec<Message>,
}

/// Events that are put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// Where.
    pub scope: Scope,
    /// The events.
    pub posts: Vec<Post>,
    /// The time.
    pub now: Timestamp,
    /// Until when the events are remembered.
    pub until: Timestamp,
}
