//! Clients that call until the node dies, and note what they were promised.

use super::Dice;
use super::admin::Admin;
use crate::line::Line;
use crate::rig::Node;
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
    /// Invocations whose answers had begun and had not ended, and when.
    pub(super) streams: Vec<(String, Instant)>,
    /// Acts that were acknowledged, with the number of their ledger entry.
    pub(super) acts: Vec<(u64, String)>,
}

/// The clients of one life.
pub(super) struct Load(Vec<JoinHandle<Notes>>);

/// Sends clients at a node.
pub(super) fn begin(node: &Node, token: &str, life: usize, dice: &mut Dice) -> Load {
    let to = node.gateway;
    let mut admin = Admin::of(node);
    let granted = admin.is_granted();
    let mut clients = Vec::new();
    for _ in 0..2 {
        let own = token.to_owned();
        clients.push(spawn(move || Notes {
            ordinary: answers(to, "/quick", &own),
            ..Notes::default()
        }));
        let own = token.to_owned();
        clients.push(spawn(move || {
            let strict = answers(to, "/strict", &own).into_iter().map(|(id, _)| id).collect();
            Notes { strict, ..Notes::default() }
        }));
    }
    let own = token.to_owned();
    clients.push(spawn(move || Notes { streams: stream(to, &own), ..Notes::default() }));
    let mut own = Dice(dice.below(u64::MAX));
    clients.push(spawn(move || Notes {
        acts: act(&mut admin, granted, life, &mut own),
        ..Notes::default()
    }));
    Load(clients)
}

impl Load {
    /// Waits for the clients, whose node is dead.
    pub(super) fn end(self) -> Notes {
        let mut all = Notes::default();
        for client in self.0 {
            let one = client.join().expect("a client found nothing wrong");
            all.strict.extend(one.strict);
            all.ordinary.extend(one.ordinary);
            all.streams.extend(one.streams);
            all.acts.extend(one.acts);
        }
        all
    }
}

/// Asks again and again.
fn answers(to: SocketAddr, path: &str, token: &str) -> Vec<(String, Instant)> {
    let mut seen = Vec::new();
    let Ok(mut line) = Line::open(to) else { return seen };
    while let Ok(reply) = line.ask("GET", path, token, "") {
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        let id = reply.header("casemate-invocation").expect("an id");
        seen.push((id.to_owned(), Instant::now()));
    }
    seen
}

/// Begins one answer that has no end.
fn stream(to: SocketAddr, token: &str) -> Vec<(String, Instant)> {
    let Ok(mut line) = Line::open(to) else { return Vec::new() };
    let path = "/slow/slow-stream?n=1000000&ms=10";
    if line.send("GET", path, token, "").is_err() {
        return Vec::new();
    }
    let Ok(head) = line.head() else { return Vec::new() };
    assert_eq!(head.status, 200, "{}", head.head);
    let begun = Instant::now();
    while let Ok(chunk) = line.chunk() {
        assert!(chunk.is_some(), "the stream ended");
    }
    vec![(head.header("casemate-invocation").expect("an id").to_owned(), begun)]
}

/// Grants, revokes and deploys, now and then.
fn act(admin: &mut Admin, mut granted: bool, life: usize, dice: &mut Dice) -> Vec<(u64, String)> {
    let mut acknowledged = Vec::new();
    for number in 0.. {
        sleep(Duration::from_millis(5 + dice.below(60)));
        let done = if dice.below(3) == 0 {
            // A timeout that no deployment had before.
            admin.deploy(5_000 + life * 20 + number % 20)
        } else {
            granted = !granted;
            admin.toggle(granted)
        };
        let Ok(done) = done else { break };
        acknowledged.push(done);
    }
    acknowledged
}
