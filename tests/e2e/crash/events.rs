//! Events on their way through the queue while the node is killed: none is lost, each is accepted
//! once, and the end of each call is told once; also where calls are done in batches.
//!
//! `CASEMATE_EVENTS=50000 CASEMATE_KILLS=10` has more of both.

use super::admin::Admin;
use super::{Dice, seed};
use crate::line::Line;
use crate::rig::{Node, example};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

const EVENTS: usize = 2_000;
const KILLS: usize = 3;
/// Events that are published together.
const TOGETHER: usize = 100;
/// How long nothing may come to its end before the test gives up.
const SILENCE: Duration = Duration::from_secs(120);

/// A call that the kills end takes one attempt each time, so there are more of them than kills.
const MANIFEST: &str = r#"
manifest = 1
application = "shop"

[[function]]
name = "work"
source = "hello.wasm"
[[function.on]]
name = "paid"
type = "paid"
[function.async]
retries = 100
on_success = { invoke = "told" }

[[function]]
name = "told"
source = "hello.wasm"
[function.async]
retries = 100
"#;

/// What a number in the environment says, or what is usual.
fn number(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// What publishers were told.
#[derive(Default)]
struct Published {
    /// Batches that were acknowledged.
    batches: AtomicUsize,
    /// Events that were said to be new, and such that were seen before.
    new: AtomicUsize,
    seen: AtomicUsize,
}

/// Publishes a batch on a new connection. `None` if no answer came.
fn publish(to: SocketAddr, token: &str, batch: usize, size: usize) -> Option<(usize, usize)> {
    let one = |at: usize| {
        let id = (batch * TOGETHER + at).to_string();
        json!({ "specversion": "1.0", "id": id, "source": "/erp", "type": "paid", "data": { "n": at } })
    };
    let body = Value::from((0..size).map(one).collect::<Vec<_>>()).to_string();
    let head = format!(
        "POST /.casemate/events/shop HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
         content-type: application/cloudevents-batch+json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut line = Line::open(to).ok()?;
    line.push((head + &body).as_bytes()).ok()?;
    let head = line.head().ok()?;
    let reply = line.rest(head).ok()?;
    assert_eq!(reply.status, 202, "{}", reply.text());
    let said: Value = serde_json::from_slice(&reply.body).expect("JSON");
    let count = |key: &str| usize::try_from(said[key].as_u64().expect("a number")).expect("small");
    Some((count("accepted"), count("duplicates")))
}

/// Publishes all events, each batch until it is acknowledged.
fn publish_all(at: &Mutex<SocketAddr>, token: &str, events: usize, published: &Published) {
    for batch in 0..events.div_ceil(TOGETHER) {
        let size = TOGETHER.min(events - batch * TOGETHER);
        loop {
            let to = *at.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((new, seen)) = publish(to, token, batch, size) {
                assert_eq!(new + seen, size, "a batch is taken as a whole");
                published.new.fetch_add(new, Ordering::SeqCst);
                published.seen.fetch_add(seen, Ordering::SeqCst);
                break;
            }
            sleep(Duration::from_millis(20));
        }
        published.batches.fetch_add(1, Ordering::SeqCst);
    }
}

fn begin(home: &std::path::Path, application: &std::path::Path, manifest: &str) -> (Node, String) {
    fs::create_dir(application).expect("a directory");
    fs::write(application.join("casemate.toml"), manifest).expect("written");
    fs::copy(example("hello"), application.join("hello.wasm")).expect("copied");
    let node = Node::start_on(home, &[]);
    node.ok(&["deploy", application.to_str().expect("text"), "--grant"]);
    let token = node.ok(&["token", "create", "erp"]).trim().to_owned();
    node.ok(&["grant", "token:erp", "publish", "shop"]);
    (node, token)
}

/// Waits until nothing is in the queue but dead letters, and gives their number.
fn worked_off(node: &Node) -> usize {
    let mut admin = Admin::of(node);
    let (mut last, mut since) = (usize::MAX, Instant::now());
    loop {
        let left = admin.queued();
        let dead = left.iter().filter(|it| it["state"] == "dead").count();
        if dead == left.len() {
            return dead;
        }
        // A page is full as long as there is a backlog, so its first is what moves.
        let first = left.first().and_then(|it| it["invocation"].as_str()).unwrap_or_default();
        let now = first
            .bytes()
            .fold(left.len(), |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
        if now != last {
            (last, since) = (now, Instant::now());
        }
        assert!(since.elapsed() < SILENCE, "{} are left, and nothing goes on: {first}", left.len());
        sleep(Duration::from_millis(100));
    }
}

#[test]
fn no_event_is_lost_in_kills_and_every_end_is_told_once() {
    let batches = trial(MANIFEST);
    assert_eq!(batches, 0);
}

#[test]
fn no_event_of_a_batch_is_lost_in_kills_and_every_end_is_told_once() {
    // What a kill ends is tried again, each message alone.
    let batches = trial(&MANIFEST.replace("type = \"paid\"", "type = \"paid\"\nbatch = 20"));
    assert!(batches > 0, "nothing was done together");
}

#[expect(clippy::print_stdout, reason = "what a trial found is read in its output")]
/// Publishes, kills, looks at what is left, and says how many calls were about several events.
fn trial(manifest: &str) -> usize {
    let seed = seed();
    println!("CASEMATE_SEED={seed} repeats this trial");
    let (events, kills) = (number("CASEMATE_EVENTS", EVENTS), number("CASEMATE_KILLS", KILLS));
    let dir = tempfile::tempdir().expect("a directory");
    let home = dir.path().join("home");
    let (mut node, token) = begin(&home, &dir.path().join("application"), manifest);
    let at = Arc::new(Mutex::new(node.gateway));
    let published = Arc::new(Published::default());
    let publisher = std::thread::spawn({
        let (at, published) = (Arc::clone(&at), Arc::clone(&published));
        move || publish_all(&at, &token, events, &published)
    });
    let mut dice = Dice(seed);
    let batches = events.div_ceil(TOGETHER);
    for kill in 1..=kills {
        let enough = batches * kill / (kills + 1);
        loop {
            let is_over = publisher.is_finished();
            if published.batches.load(Ordering::SeqCst) >= enough {
                break;
            }
            assert!(!is_over, "the publisher failed");
            sleep(Duration::from_millis(5));
        }
        sleep(Duration::from_millis(dice.below(500)));
        node.kill();
        node = Node::start_on(&home, &[]);
        *at.lock().unwrap_or_else(PoisonError::into_inner) = node.gateway;
    }
    publisher.join().expect("every batch was taken");
    let dead = worked_off(&node);
    let records = Admin::of(&node).records();
    let is_batch = |it: &Value| it["trigger"].as_str().is_some_and(|it| it.starts_with("batch of"));
    let of = |function: &str, outcome: &str| -> Vec<&Value> {
        let own = records
            .iter()
            .filter(|it| it["function"] == function && it["outcome"] == outcome && !is_batch(it));
        own.collect()
    };
    let ids = |records: &[&Value]| -> BTreeSet<String> {
        records.iter().filter_map(|it| it["id"].as_str().map(str::to_owned)).collect()
    };
    let (work, told) = (of("work", "ok"), of("told", "ok"));
    let (work_ids, told_ids) = (ids(&work), ids(&told));
    let mut of_parent: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for record in &told {
        let text = |key: &str| record[key].as_str().expect("text");
        of_parent.entry(text("parent")).or_default().insert(text("id"));
    }
    println!(
        "{events} events, {kills} kills: {} done, {dead} dead letters, {} run twice to their end, \
         {} cut off, {} ends told, {} of them run twice, {} events sent again",
        work_ids.len(),
        work.len() - work_ids.len(),
        of("work", "interrupted").len() + of("told", "interrupted").len(),
        told_ids.len(),
        told.len() - told_ids.len(),
        published.seen.load(Ordering::SeqCst),
    );
    assert_eq!((work_ids.len(), dead), (events, 0), "an event is lost, or was accepted twice");
    assert_eq!(of_parent.len(), events, "an end is told to nobody");
    assert!(of_parent.values().all(|ids| ids.len() == 1), "an end is told twice");
    assert!(of_parent.keys().all(|id| work_ids.contains(*id)));
    assert!(published.new.load(Ordering::SeqCst) <= events);
    let several = |it: &&Value| {
        is_batch(it) && !it["trigger"].as_str().is_some_and(|it| it.starts_with("batch of 1,"))
    };
    records.iter().filter(several).count()
}
