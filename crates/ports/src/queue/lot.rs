//! Messages that are given out together, and settled together.

use super::{Claim, Message, Settled};

/// What a message is gathered with. It is given up when the message failed: what is tried again is
/// tried alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lot {
    /// What stands for it: messages of one function with one key are of one lot.
    pub key: [u8; 16],
    /// Most messages that are given out together.
    pub most: u16,
    /// Most bytes of their payloads together; one message is given whatever its length.
    pub bytes: u64,
    /// How long a message waits for others, in microseconds, from when it is due.
    pub window_us: i64,
}

/// The end of one of several leases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// The lease.
    pub claim: Claim,
    /// How the attempt ended.
    pub how: Settled,
    /// What comes of it.
    pub then: Vec<Message>,
}
