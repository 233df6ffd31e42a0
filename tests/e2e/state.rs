//! Key-value stores and configuration through the real binary: asked for, granted, kept, recorded.

use crate::rig::{Node, example, guest};

/// One component as two functions with stores of their own, and one that they share.
const MANIFEST: &str = r#"
manifest = 1
application = "state"

[[function]]
name = "one"
source = "stateful.wasm"
config = { region = "eu" }
[[function.http]]
route = "* /one/{*rest}"
[function.allow]
keyvalue = { default = "read-write", carts = "read-write" }

[[function]]
name = "two"
source = "stateful.wasm"
[[function.http]]
route = "* /two/{*rest}"
[function.allow]
keyvalue = { default = "read-write", carts = "read" }
"#;

const GRANTS: &[(&str, &str)] = &[
    ("function:one", "read-write default"),
    ("function:one", "read-write carts"),
    ("function:two", "read-write default"),
    ("function:two", "read carts"),
];

fn says(node: &Node, function: &str, target: &str) -> String {
    node.ok(&["invoke", function, "--path", &format!("/{function}/{target}")])
}

/// A node with both functions and without grants.
fn deployed() -> Node {
    let node = Node::start();
    let output = node.deploy_manifest(MANIFEST, &[("stateful.wasm", &guest("stateful"))]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    node
}

fn grant(node: &Node) {
    for (who, target) in GRANTS {
        node.ok(&["grant", who, "keyvalue", target]);
    }
}

#[test]
fn a_store_is_denied_until_it_is_granted_and_then_kept_apart_or_shared() {
    let node = deployed();
    assert_eq!(says(&node, "one", "draft/get?store=default&key=a"), "access denied");
    let log = node.ok(&["logs", "--function", "one"]);
    assert!(log.contains(r#"casemate grant function:one keyvalue "read default""#), "{log}");
    grant(&node);
    for (function, target, expect) in [
        ("one", "draft/set?store=default&key=a&value=1", "set"),
        ("two", "draft2/get?store=default&key=a", "nothing"),
        ("one", "draft2/get?store=default&key=a", "1"),
        ("one", "draft2/set?store=carts&key=c&value=2", "set"),
        ("two", "draft/get?store=carts&key=c", "2"),
        ("two", "draft/set?store=carts&key=c&value=3", "access denied"),
        ("two", "cas/alone?store=carts&key=c&value=3", "access denied"),
        ("two", "draft/get?store=other&key=c", "access denied"),
        ("one", "cas/again?store=default&key=a&value=4", "lost, other, won"),
        ("one", "draft/increment?store=default&key=n&by=2", "2"),
        ("one", "draft/list?store=default", r#"[2] Some("a") Some("n")"#),
        ("one", "config-rc1/get?key=region", r#"Ok(Some("eu"))"#),
        ("two", "config-draft/all", "Ok([])"),
    ] {
        assert_eq!(says(&node, function, target), expect, "{function} {target}");
    }
}

#[test]
fn what_is_kept_outlives_the_node_and_is_in_the_record_without_its_key() {
    let node = deployed();
    grant(&node);
    assert_eq!(says(&node, "one", "draft/set?store=carts&key=s3cretkey&value=1"), "set");
    let dir = node.kill().expect("its directory");
    let node = Node::start_on(&dir.path().join("home"), &[]);
    assert_eq!(says(&node, "two", "draft2/get?store=carts&key=s3cretkey"), "1");
    // The record of the first call may have gone with the node.
    let records = node.records(1);
    let id = records[0]["id"].as_str().expect("an id");
    let record = node.record_of(id, "ok", true);
    let calls = record["calls"].as_array().expect("calls");
    let seen: Vec<_> = calls.iter().map(|call| (&call["operation"], &call["resource"])).collect();
    assert_eq!(calls.len(), 2, "{seen:?}");
    assert_eq!(
        (calls[1]["operation"].as_str(), calls[1]["resource"].as_str()),
        (Some("keyvalue.get"), Some("carts")),
    );
    assert!(!record.to_string().contains("s3cretkey"), "{record}");
}

#[test]
fn the_counter_example_counts_once_it_is_granted() {
    let node = Node::start();
    let manifest =
        std::fs::read_to_string(crate::rig::repository().join("examples/counter/casemate.toml"))
            .expect("a manifest");
    let output = node.deploy_manifest(&manifest, &[("counter.wasm", &example("counter"))]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let add = ["invoke", "counter", "-X", "POST", "--path", "/counter/visits"];
    assert!(!node.run(&add).status.success());
    node.ok(&["grant", "function:counter", "keyvalue", "read-write default"]);
    for sum in ["1", "2", "3"] {
        assert_eq!(node.ok(&add).trim(), sum);
    }
    assert_eq!(node.ok(&["invoke", "counter", "--path", "/counter/visits"]).trim(), "3");
    assert_eq!(node.ok(&["invoke", "counter", "--path", "/counter/other"]).trim(), "0");
}

/// Counts in a component of another language.
fn counts(name: &str, denied: &str) {
    let node = Node::start();
    let manifest = "manifest = 1\napplication = \"a\"\n[[function]]\nname = \"f\"\nsource = \"f.wasm\"\n\
         [[function.http]]\nroute = \"* /f/{*rest}\"\n\
         [function.allow]\nkeyvalue = { default = \"read-write\" }\n";
    let output = node.deploy_manifest(manifest, &[("f.wasm", &guest(name))]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(says(&node, "f", "count").trim(), denied);
    node.ok(&["grant", "function:f", "keyvalue", "read-write default"]);
    assert_eq!(says(&node, "f", "count").trim(), "1");
    assert_eq!(says(&node, "f", "count").trim(), "2");
}

#[test]
fn a_component_made_by_jco_counts() {
    counts("js", "access-denied");
}

#[test]
fn a_component_made_by_componentize_py_counts() {
    counts("python", "Error_AccessDenied");
}
