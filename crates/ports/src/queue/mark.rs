//! How far each schedule was followed: kept beside the messages, so that a time is marked as seen
//! to and its message put in one step.

use super::Message;
use model::{InvocationId, Scope, Timestamp, TriggerName};

/// A trigger, fully named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TriggerRef {
    /// Where it lives.
    pub scope: Scope,
    /// Its name there.
    pub name: TriggerName,
}

impl std::fmt::Display for TriggerRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.scope, self.name)
    }
}

/// How far a schedule was followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The schedule.
    pub trigger: TriggerRef,
    /// What its times depend on, as a number: with another one it begins anew.
    pub rhythm: u64,
    /// Its times up to this one were seen to.
    pub until: Timestamp,
    /// Whether the operator paused it.
    pub paused: bool,
    /// The last time that a message was put for, and the message.
    pub last: Option<(Timestamp, InvocationId)>,
}

/// What is done to a mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Marking {
    /// Makes one, or begins anew with another rhythm. What was there of the same rhythm stays.
    Begin {
        /// What the times depend on.
        rhythm: u64,
        /// The times up to this one are none of it.
        until: Timestamp,
    },
    /// No time is seen to from now on.
    Pause,
    /// Times after this one are seen to again.
    Resume {
        /// Which.
        until: Timestamp,
    },
    /// Nothing is known of it any more.
    Forget,
}

/// A time of a schedule that is seen to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tick {
    /// The schedule.
    pub trigger: TriggerRef,
    /// The rhythm that the time is of.
    pub rhythm: u64,
    /// The time.
    pub planned: Timestamp,
    /// What is to run; nothing, if the time only passes. One that is in the queue stays as it is.
    pub message: Option<Message>,
}
