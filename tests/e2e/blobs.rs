//! Containers of blobs through the real binary: asked for, granted, kept, checked, recorded.

use crate::issuers::{Issuer, node as node_with_issuer};
use crate::rig::{Node, guest, request};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};

mod lifetime;

/// One component as two functions with containers of their own, and one that they share.
const MANIFEST: &str = r#"
manifest = 1
application = "blobs"

[[function]]
name = "one"
source = "blobs.wasm"
cpu = "60s"
timeout = "120s"
[[function.http]]
route = "* /one/{*rest}"
[function.allow]
blobs = { default = "read-write", photos = "read-write" }

[[function]]
name = "two"
source = "blobs.wasm"
[[function.http]]
route = "* /two/{*rest}"
[function.allow]
blobs = { default = "read-write", photos = "read" }
"#;

const GRANTS: &[(&str, &str)] = &[
    ("function:one", "read-write default"),
    ("function:one", "read-write photos"),
    ("function:two", "read-write default"),
    ("function:two", "read photos"),
];

fn says(node: &Node, function: &str, target: &str) -> String {
    node.ok(&["invoke", function, "--path", &format!("/{function}/{target}")])
}

fn deploy(node: &Node, manifest: &str) {
    let output = node.deploy_manifest(manifest, &[("blobs.wasm", &guest("blobs"))]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn grant(node: &Node) {
    for (who, target) in GRANTS {
        node.ok(&["grant", who, "blob", target]);
    }
}

/// A node with both functions and all grants.
fn granted(node: Node) -> Node {
    deploy(&node, MANIFEST);
    grant(&node);
    node
}

/// The files of objects below a home, in no order.
fn files(home: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![home.join("blobs")];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).into_iter().flatten() {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => open.push(path),
                false if path.iter().any(|part| part == "objects") => found.push(path),
                false => {}
            }
        }
    }
    found
}

#[test]
fn a_container_is_denied_until_it_is_granted_and_then_kept_apart_or_shared() {
    let node = Node::start();
    deploy(&node, MANIFEST);
    assert_eq!(says(&node, "one", "read?container=default&name=a"), "access denied");
    let log = node.ok(&["logs", "--function", "one"]);
    assert!(log.contains(r#"casemate grant function:one blob "read default""#), "{log}");
    grant(&node);
    let sum = says(&node, "one", "write?container=photos&name=a&bytes=200000");
    assert!(sum.starts_with("200000 bytes "), "{sum}");
    for (function, target, expect) in [
        ("one", "read?container=photos&name=a", sum.as_str()),
        ("two", "read?container=photos&name=a", &sum),
        ("two", "sync?container=photos&name=a", &sum),
        ("two", "info?container=photos&name=a", "photos a 200000 true"),
        ("two", "read?container=default&name=a", "there is no such object"),
        ("two", "write?container=photos&name=a&bytes=1", "access denied"),
        ("two", "delete?container=photos&name=a", "access denied"),
        ("two", "clear?container=photos", "access denied"),
        ("two", "remove?container=photos", "access denied"),
        ("two", "create?container=photos", "access denied"),
        ("two", "move?container=photos&name=a&to=default&as=b", "access denied"),
        ("two", "copy?container=default&name=a&to=photos&as=b", "access denied"),
        ("two", "read?container=other&name=a", "access denied"),
        ("two", "exists?container=default", "false"),
        ("two", "copy?container=photos&name=a&to=default&as=b", "copied"),
        ("two", "read?container=default&name=b", &sum),
        ("two", "exists?container=default", "true"),
        ("one", "has?container=default&name=b", "false"),
        ("one", "move?container=photos&name=a&to=photos&as=c", "moved"),
        ("one", "list?container=photos&page=10", "0 c"),
        ("one", "move?container=photos&name=c&to=default&as=d", "moved"),
        ("one", "read?container=default&name=d", &sum),
        ("one", "has?container=photos&name=c", "false"),
        ("one", "remove?container=default", "removed"),
        ("one", "exists?container=default", "false"),
        ("two", "read?container=default&name=b", &sum),
    ] {
        assert_eq!(says(&node, function, target), expect, "{function} {target}");
    }
}

#[test]
fn objects_are_read_in_parts_listed_in_pages_and_removed() {
    let node = granted(Node::start());
    for name in ["a", "b", "c", "d", "e"] {
        says(&node, "one", &format!("write?container=default&name={name}&bytes=70000"));
    }
    let empty = says(&node, "one", "write?container=default&name=empty&bytes=0");
    for (target, expect) in [
        ("read?container=default&name=a&start=65536&end=65536", "1 bytes"),
        ("read?container=default&name=a&start=65000&end=66000", "1001 bytes"),
        ("read?container=default&name=a&start=69999&end=80000", "1 bytes"),
        ("read?container=default&name=a&start=90000&end=99999", "0 bytes"),
        ("read?container=default&name=a&start=2&end=1", "it would begin at 2 and end at 1"),
        ("read?container=default&name=empty", &empty),
        ("list?container=default&page=2", "0 a,b;c,d;e,empty"),
        ("list?container=default&page=9&skip=4", "4 e,empty"),
        ("list?container=default&page=9&skip=100", "6 "),
        ("delete?container=default&name=nothing", "deleted"),
        ("delete-many?container=default&names=a,b,nothing", "deleted"),
        ("list?container=default&page=9", "0 c,d,e,empty"),
        ("clear?container=default", "cleared"),
        ("list?container=default&page=9", "0 "),
    ] {
        let said = says(&node, "one", target);
        assert!(said.starts_with(expect), "{target}: {said}");
    }
    assert_eq!(files(node.home()), Vec::<PathBuf>::new());
}

#[test]
fn a_value_is_written_whole_or_not_at_all() {
    let node = granted(Node::start());
    let first = says(&node, "one", "write?container=default&name=a&bytes=100");
    for (target, expect) in [
        ("unfinished?container=default&name=a&bytes=300000", "300000 bytes"),
        ("nowhere?container=default", "the value was given to no container"),
        ("early?container=default&name=b&bytes=10000", "10000 bytes"),
        ("early?container=default&name=c&bytes=2000000", "the value is given to no container yet"),
        ("write?container=default&name=&bytes=1", "a name is empty"),
        ("open-many?container=default&name=a&count=60", "60 are open"),
        ("open-many?container=default&name=a&count=70", "64 values are under way"),
    ] {
        let said = says(&node, "one", target);
        assert!(said.starts_with(expect), "{target}: {said}");
    }
    assert_eq!(says(&node, "one", "read?container=default&name=a"), first);
    assert_eq!(says(&node, "one", "list?container=default&page=9"), "0 a,b");
}

#[test]
fn objects_outlive_a_node_that_is_killed_and_their_names_are_in_no_record() {
    let node = granted(Node::start());
    let sum = says(&node, "one", "write?container=photos&name=s3cretname&bytes=300000");
    let dir = node.kill().expect("its directory");
    let node = Node::start_on(&dir.path().join("home"), &[]);
    assert_eq!(says(&node, "two", "read?container=photos&name=s3cretname"), sum);
    // The record of the first call may have gone with the node.
    let records = node.records(1);
    let id = records[0]["id"].as_str().expect("an id");
    let record = node.record_of(id, "ok", true);
    let calls = record["calls"].as_array().expect("calls");
    let seen: Vec<_> = calls
        .iter()
        .map(|call| (call["operation"].as_str(), call["resource"].as_str(), &call["bytes"]))
        .collect();
    assert_eq!(
        seen,
        [
            (Some("blob.open"), Some("photos"), &json!(0)),
            (Some("blob.read"), Some("photos"), &json!(300_000)),
        ]
    );
    assert!(!record.to_string().contains("s3cretname"), "{record}");
    let found = node.json(&["records", "--calls", "store=photos"]);
    assert!(found["items"].as_array().is_some_and(|items| !items.is_empty()), "{found}");
}

#[test]
fn a_full_container_refuses_more_and_keeps_what_it_has() {
    let dir = tempfile::tempdir().expect("a directory");
    let config = dir.path().join("node.toml");
    fs::write(&config, "[blobs]\nsize = \"256KiB\"\nobjects = 2\n").expect("written");
    let node = granted(Node::start_with(&["--config", config.to_str().expect("text")]));
    let sum = says(&node, "one", "write?container=default&name=a&bytes=200000");
    for (target, expect) in [
        ("write?container=default&name=b&bytes=100000", "the limit of the container's size"),
        ("write?container=default&name=a&bytes=200000", "the limit of the container's size"),
        ("copy?container=default&name=a&to=default&as=c", "the limit of the container's size"),
        ("write?container=default&name=b&bytes=10", "10 bytes"),
        ("write?container=default&name=c&bytes=10", "the limit of objects in the container"),
        ("list?container=default&page=9", "0 a,b"),
    ] {
        let said = says(&node, "one", target);
        assert!(said.starts_with(expect), "{target}: {said}");
    }
    assert_eq!(says(&node, "one", "read?container=default&name=a"), sum);
    says(&node, "one", "delete?container=default&name=a");
    let again = says(&node, "one", "write?container=default&name=c&bytes=200000");
    assert_eq!(again, sum, "what was refused takes room");
}

#[test]
fn a_flipped_byte_and_swapped_files_are_found_and_others_go_on() {
    let node = granted(Node::start());
    let read = |name: &str| says(&node, "one", &format!("read?container=default&name={name}"));
    for name in ["a", "b"] {
        says(&node, "one", &format!("write?container=default&name={name}&bytes=200000"));
    }
    let (a, b) = (read("a"), read("b"));
    let files = files(node.home());
    assert_eq!(files.len(), 2);
    let bytes = fs::read(&files[0]).expect("readable");
    let mut changed = bytes.clone();
    changed[100_000] ^= 1;
    fs::write(&files[0], changed).expect("written");
    let failed = [read("a"), read("b")];
    assert_eq!(failed.iter().filter(|said| said.contains("the platform failed")).count(), 1);
    let log = node.ok(&["logs", "--function", "one"]);
    assert!(log.contains("its bytes were changed"), "{log}");
    fs::write(&files[0], &bytes).expect("written");
    assert_eq!((read("a"), read("b")), (a.clone(), b.clone()));
    let swap = || {
        let aside = node.home().join("aside");
        fs::rename(&files[0], &aside).expect("moved");
        fs::rename(&files[1], &files[0]).expect("moved");
        fs::rename(&aside, &files[1]).expect("moved");
    };
    swap();
    for name in ["a", "b"] {
        assert!(read(name).contains("the platform failed"), "{name}");
    }
    swap();
    assert_eq!((read("a"), read("b")), (a, b));
}

#[test]
fn callers_reach_their_own_objects_and_nobody_elses() {
    let (dir, issuer) = (tempfile::tempdir().expect("a directory"), Issuer::new());
    let node = node_with_issuer(dir.path(), &issuer, "");
    let manifest = r#"
manifest = 1
application = "album"
[[function]]
name = "album"
source = "blobs.wasm"
[[function.http]]
route = "* /album/{*rest}"
auth = "jwt:shop"
[function.allow]
blobs = { "photos/{sub}/*" = "read-write" }
"#;
    deploy(&node, manifest);
    node.ok(&["grant", "function:album", "blob", "read-write photos/{sub}/*"]);
    node.ok(&["grant", "jwt:shop", "invoke", "album"]);
    let says = |who: &str, target: &str| {
        let token = issuer.token(who, &json!({}));
        let path = format!("/album/{target}");
        request(node.gateway, "GET", &path, Some(&token), b"").text()
    };
    let sum = says("ann", "write?container=photos&name=ann/1&bytes=10");
    assert!(sum.starts_with("10 bytes"), "{sum}");
    assert!(says("bob", "write?container=photos&name=bob/1&bytes=10").starts_with("10 bytes"));
    for (who, target, expect) in [
        ("ann", "read?container=photos&name=ann/1", sum.as_str()),
        ("ann", "read?container=photos&name=bob/1", "access denied"),
        ("ann", "has?container=photos&name=bob/1", "access denied"),
        ("ann", "write?container=photos&name=bob/2&bytes=1", "access denied"),
        ("ann", "delete-many?container=photos&names=ann/1,bob/1", "access denied"),
        ("ann", "copy?container=photos&name=bob/1&to=photos&as=ann/2", "access denied"),
        ("ann", "copy?container=photos&name=ann/1&to=photos&as=bob/2", "access denied"),
        ("ann", "clear?container=photos", "access denied"),
        ("ann", "remove?container=photos", "access denied"),
        ("ann", "list?container=photos&page=9", "0 ann/1"),
        ("bob", "list?container=photos&page=9", "0 bob/1"),
        ("an", "list?container=photos&page=9", "0 "),
        ("ann", "copy?container=photos&name=ann/1&to=photos&as=ann/2", "copied"),
        ("ann", "list?container=photos&page=9", "0 ann/1,ann/2"),
    ] {
        assert_eq!(says(who, target), expect, "{who} {target}");
    }
}

/// Most memory that a process ever had, in KiB.
fn peak_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[test]
fn a_large_object_is_never_in_memory_as_a_whole() {
    let node = granted(Node::start());
    says(&node, "one", "write?container=default&name=a&bytes=100000");
    let before = peak_kib(node.pid());
    let sum = says(&node, "one", "write?container=default&name=large&bytes=100000000");
    assert!(sum.starts_with("100000000 bytes"), "{sum}");
    assert_eq!(says(&node, "one", "read?container=default&name=large"), sum);
    assert_eq!(says(&node, "one", "copy?container=default&name=large&to=photos&as=b"), "copied");
    let more = peak_kib(node.pid()) - before;
    assert!(more < 48 << 10, "{more} KiB for 100 MB");
    let said = says(&node, "one", "sync?container=default&name=large");
    assert!(said.contains("read it as a stream"), "{said}");
}

#[test]
fn bodies_of_requests_and_replies_pass_through_a_container() {
    let node = granted(Node::start());
    let token = node.ok(&["token", "create", "ci", "--invoke", "one"]);
    let token = token.split_whitespace().find(|word| word.starts_with("cmt_")).expect("a token");
    let body: Vec<u8> = (0..500_000_u32).map(|at| ((at * 7) >> 3) as u8).collect();
    let put = "/one/take?container=photos&name=a";
    let reply = request(node.gateway, "POST", put, Some(token), &body);
    assert_eq!(reply.text(), "500000 bytes");
    let reply =
        request(node.gateway, "GET", "/one/serve?container=photos&name=a", Some(token), b"");
    assert_eq!(reply.body, body);
}
