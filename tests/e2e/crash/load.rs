//! Clients that call until the node dies, and note what they were promised.

use super::Dice;
use super::admin::Admin;
use crate::line::Line;
use crate::rig::Node;
use serde_json::Value;
use std::net::SocketAddr;
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

/// What clients were promised in one life of the node.
#[derive(Default)]
pub(super) struct Notes {
    /// Invocations whose strict answers were received whole.
    pub(super) strict: Vec<String>,
    /// Invocations whose ordinary answers were received whole, and when.
    pub(super) ordinary: Vec<(String, Instant)>,
    /// Invocations whose answers had begun, and when.
    pub(super) streams: Vec<(String, Instant)>,
    /// Acts that were acknowledged, with the number of their ledger entry.
    pub(super) acts: Vec<(u64, Value)>,
}

/// The clients of one life.
pub(super) struct Load(Vec<JoinHandle<Notes>>);

/// Sends clients at a node.
pub(super) fn begin(node: &Node, token: &str, dice: &mut Dice) -> Load {
    let (to, own) = (node.gateway, |token: &str| token.to_owned());
    let mut clients = Vec::new();
    for _ in 0..2 {
        let token = own(token);
        clients.push(spawn(move || {
            let ordinary = answers(to, "/quick", &token);
            Notes { ordinary, ..Notes::default() }
        }));
        let token = own(token_of(&clients, token));
    }
    Load(clients)
}
