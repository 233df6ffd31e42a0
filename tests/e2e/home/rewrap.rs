//! What is stored moves to the newest epoch of the root key, and an epoch goes.

use super::below;
use super::key::{count, ok, on, said, set_secret, text};
use crate::rig::{Node, PATIENCE, guest};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

const MANIFEST: &str = r#"
manifest = 1
application = "state"

[[function]]
name = "one"
source = "stateful.wasm"
[[function.http]]
route = "* /one/{*rest}"
[function.allow]
keyvalue = { default = "read-write" }
secret.db = { reveal = true }

[[function]]
name = "files"
source = "blobs.wasm"
cpu = "60s"
timeout = "120s"
[[function.http]]
route = "* /files/{*rest}"
[function.allow]
blobs = { default = "read-write" }
"#;

/// What is counted by the epoch that seals it.
const KINDS: &[&str] = &[
    "secrets",
    "keys of callers",
    "queued calls",
    "values of key-value stores",
    "lists of key-value stores",
    "entries of blobs",
    "lists of blobs",
    "files of blobs",
    "segments of records",
];

fn kept(node: &Node, target: &str) -> String {
    node.ok(&["invoke", "one", "--path", &format!("/one/draft/{target}")])
}

fn blob(node: &Node, target: &str) -> String {
    node.ok(&["invoke", "files", "--path", &format!("/files/{target}")])
}

/// A node in its second epoch, which sealed something of every kind. What it says of the blob.
fn filled(home: &Path, arguments: &[&str]) -> (Node, String) {
    let node = Node::start_on(home, arguments);
    node.ok(&["key", "rotate"]);
    set_secret(&node, "db");
    let components = [("stateful.wasm", guest("stateful")), ("blobs.wasm", guest("blobs"))];
    let components = components.each_ref().map(|(name, path)| (*name, path.as_path()));
    ok(&node.deploy_manifest(MANIFEST, &components));
    node.ok(&["grant", "function:one", "keyvalue", "read-write default"]);
    node.ok(&["grant", "function:one", "secret-reveal", "db"]);
    node.ok(&["grant", "function:files", "blob", "read-write default"]);
    node.ok(&["token", "create", "caller", "--aws"]);
    for at in 0..20 {
        assert_eq!(kept(&node, &format!("set?store=default&key=k{at}&value={at}")), "set");
    }
    let sum = blob(&node, "write?container=default&name=a&bytes=200000");
    (node, sum)
}

/// Whether everything of [`filled`] is read.
fn is_whole(node: &Node, sum: &str) {
    for at in 0..20 {
        assert_eq!(kept(node, &format!("get?store=default&key=k{at}")), at.to_string());
    }
    assert_eq!(blob(node, "read?container=default&name=a"), sum);
    let secret = node.ok(&["invoke", "one", "--path", "/one/config-rc1/get?key=db"]);
    assert!(secret.contains("sk_live_51H8xQ2eZvKYlo2C"), "{secret}");
    node.ok(&["ledger", "verify"]);
}

/// How much an epoch seals, by kind.
fn sealed(node: &Node, epoch: u32) -> Vec<(&'static str, u64)> {
    let status = node.json(&["key", "status"]);
    KINDS.iter().map(|kind| (*kind, count(&status, epoch, kind))).collect()
}

fn epochs(node: &Node) -> Vec<Value> {
    let status = node.json(&["key", "status"]);
    status["items"].as_array().expect("a list").iter().map(|it| it["epoch"].clone()).collect()
}

fn code_of(node: &Node, arguments: &[&str], code: &str) {
    let (_, said) = node.fails(arguments);
    assert!(said.contains(code), "{arguments:?}: {said}");
}

#[test]
fn everything_moves_to_the_newest_epoch_and_the_one_before_goes() {
    let dir = tempfile::tempdir().expect("a directory");
    let home = dir.path().join("home");
    let config = dir.path().join("casemate.conf");
    fs::write(&config, "[queue]\nworkers = 0\n").expect("written");
    let (mut node, sum) = filled(&home, &["--config", text(&config)]);
    let late = "/one/draft/set?store=default&key=late&value=3";
    node.ok(&["invoke", "one", "--async", "--path", late]);
    for (kind, count) in sealed(&node, 2) {
        assert!(count > 0, "{kind}");
    }
    for (epoch, code) in [("1", "E0829"), ("2", "E0829"), ("9", "E0336")] {
        code_of(&node, &["key", "retire", epoch], code);
    }
    node.ok(&["key", "rotate"]);
    code_of(&node, &["key", "retire", "2"], "E0828");
    let copy = dir.path().join("copy.key");
    node.ok(&["key", "backup", text(&copy), "--plain"]);
    let backup = dir.path().join("backup.tar");
    node.ok(&["backup", text(&backup)]);

    let moved = node.json(&["key", "rewrap", "--wait"]);
    assert_eq!((&moved["running"], &moved["left"]), (&false.into(), &0.into()), "{moved}");
    assert!(moved["moved"].as_u64() > Some(25), "{moved}");
    for (kind, count) in sealed(&node, 2) {
        assert_eq!(count, 0, "{kind}");
    }
    for (kind, count) in sealed(&node, 3) {
        assert!(count > 0, "{kind}");
    }
    is_whole(&node, &sum);
    let status = node.ok(&["key", "status"]);
    assert!(status.contains("rewrap to epoch 3 is done"), "{status}");
    let fingerprint = node.json(&["key", "status"])["items"][1]["fingerprint"].clone();
    let retired = node.json(&["key", "retire", "2"]);
    assert_eq!(retired["fingerprint"], fingerprint);
    assert_eq!(epochs(&node), [1, 3]);
    code_of(&node, &["key", "retire", "2"], "E0336");
    is_whole(&node, &sum);
    let entries = node.ok(&["ledger", "show"]);
    for entry in [
        "key rewrap to epoch 3, begun",
        "1 secret(s), 0 key(s)",
        "0 secret(s), 1 key(s)",
        ", 0 left",
        "key retire epoch 2",
    ] {
        assert!(entries.contains(entry), "{entry}: {entries}");
    }
    let records = node.records(25).len();
    assert_eq!(node.stop(), Some(0));

    let file = fs::read_to_string(home.join("root.key")).expect("readable");
    assert!(!file.contains("epoch 2 ") && file.contains("epoch 3 "), "{file}");
    let node = Node::start_on(&home, &[]);
    is_whole(&node, &sum);
    let deadline = Instant::now() + PATIENCE;
    while kept(&node, "get?store=default&key=late") != "3" {
        assert!(Instant::now() < deadline, "the queued call was lost");
    }
    assert!(node.records(records).len() >= records);
    let doctor = node.ok(&["doctor"]);
    assert!(doctor.contains("every block verifies"), "{doctor}");
    assert_eq!(epochs(&node), [1, 3]);
    node.kill();

    // A backup from before is of no use without the epoch, and goes with the copy that has it.
    let restored = dir.path().join("restored");
    ok(&on(&restored, &["restore", text(&backup)]));
    let restore = |key: &Path| on(&restored, &["key", "restore", text(key)]);
    assert!(said(&restore(&home.join("root.key"))).contains("E0824"));
    ok(&restore(&copy));
    is_whole(&Node::start_on(&restored, &[]), &sum);
}

#[test]
fn of_those_who_begin_at_once_one_moves_things_and_the_others_are_told() {
    let dir = tempfile::tempdir().expect("a directory");
    let home = dir.path().join("home");
    let (node, sum) = filled(&home, &[]);
    node.ok(&["key", "rotate"]);
    let outputs: Vec<_> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..4).map(|_| scope.spawn(|| on(&home, &["key", "rewrap"]))).collect();
        all.into_iter().map(|one| one.join().expect("ends")).collect()
    });
    let (won, lost): (Vec<_>, Vec<_>) = outputs.iter().partition(|it| it.status.success());
    assert!(!won.is_empty(), "{outputs:?}");
    for output in lost {
        assert!(said(output).contains("E0337"), "{output:?}");
    }
    // Who waits does so for another's, too.
    node.ok(&["key", "rewrap", "--wait"]);
    let entries = node.ok(&["ledger", "show"]);
    assert_eq!(entries.matches(", begun").count(), entries.matches(", finished: ").count());
    is_whole(&node, &sum);
    drop(node);
    assert!(said(&on(&home, &["key", "rewrap"])).contains("E06"), "no node runs");
    assert!(said(&on(&home, &["key", "retire", "2"])).contains("E06"), "no node runs");
}

#[test]
fn a_node_that_died_while_things_moved_goes_on_at_its_next_start() {
    let dir = tempfile::tempdir().expect("a directory");
    let home = dir.path().join("home");
    let (node, sum) = filled(&home, &[]);
    let write = |name| format!("write?container=default&name=b{name}&bytes=4000000");
    let large: Vec<String> = (0..8).map(|name| blob(&node, &write(name))).collect();
    assert!(large.iter().all(|said| said.starts_with("4000000 bytes ")), "{large:?}");
    node.ok(&["key", "rotate"]);
    node.ok(&["key", "rewrap"]);
    node.kill();
    for pause in [0, 50, 150, 400] {
        let node = Node::start_on(&home, &[]);
        std::thread::sleep(Duration::from_millis(pause));
        node.kill();
    }
    // Nobody asks for it again.
    let node = Node::start_on(&home, &[]);
    let deadline = Instant::now() + PATIENCE;
    while !node.ok(&["ledger", "show"]).contains("key rewrap to epoch 3, finished") {
        assert!(Instant::now() < deadline, "{}", node.ok(&["key", "status"]));
        std::thread::sleep(Duration::from_millis(100));
    }
    let left: u64 = sealed(&node, 2).into_iter().map(|(_, count)| count).sum();
    assert_eq!(left, 0, "{:?}", sealed(&node, 2));
    is_whole(&node, &sum);
    let read = |node: &Node, name| blob(node, &format!("read?container=default&name=b{name}"));
    assert!((0..8).map(|name| read(&node, name)).eq(large.iter().cloned()), "{large:?}");
    // Whoever changes the container does away with what a death left.
    blob(&node, "write?container=default&name=last&bytes=1");
    let files = below(&home.join("blobs")).into_iter().filter(|path| {
        path.is_file() && path.iter().any(|part| part == "objects" || part == "uploads")
    });
    assert_eq!(files.count(), 10);
    let drafts = below(&home.join("journal"));
    assert!(!drafts.iter().any(|path| text(path).ends_with(".new")), "{drafts:?}");
    node.ok(&["key", "retire", "2"]);
    node.kill();
    let node = Node::start_on(&home, &[]);
    is_whole(&node, &sum);
    assert_eq!(read(&node, 3), large[3]);
    assert_eq!(epochs(&node), [1, 3]);
}
