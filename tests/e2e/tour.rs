//! The first fifteen minutes: what the README shows, done by the real binary.

use crate::rig::{Node, example, repository, request};

#[test]
fn a_function_is_deployed_called_recorded_rolled_back_and_removed() {
    let mut node = Node::start();
    let token = node.deploy(&example("hello"), "hello");
    assert_eq!(node.get("/hello/you", None).code(), "E0801");
    let reply = node.get("/hello/you", Some(&token));
    assert_eq!((reply.status, reply.text().trim()), (200, "Hello from Casemate, you"));
    let id = reply.header("casemate-invocation").expect("an id").to_owned();
    let record = node.json(&["record", &id]);
    assert_eq!(
        (record["outcome"].as_str(), record["caller"].as_str()),
        (Some("ok"), Some("token:t-hello"))
    );
    assert!(record["cpu_us"].as_u64().is_some_and(|us| us > 0), "{record}");
    assert!(record["memory_peak_bytes"].as_u64().is_some_and(|bytes| bytes >= 65_536), "{record}");
    node.ok(&["deploy", example("echo").to_str().expect("text"), "--name", "hello"]);
    assert_eq!(request(node.gateway, "POST", "/hello/x", Some(&token), b"abc").text(), "abc");
    node.ok(&["rollback", "hello"]);
    assert_eq!(node.get("/hello/you", Some(&token)).text().trim(), "Hello from Casemate, you");
    node.ok(&["remove", "hello"]);
    assert_eq!(node.get("/hello/you", Some(&token)).status, 404);
    node.ok(&["ledger", "verify"]);
    assert_eq!(node.stop(), Some(0));
}

#[test]
fn the_examples_deploy_as_one_application_and_answer() {
    let node = Node::start();
    node.ok(&["deploy", repository().join("examples").to_str().expect("text")]);
    let functions = node.json(&["functions"]);
    let names =
        functions["items"].as_array().or_else(|| functions.as_array()).expect("a list").len();
    assert_eq!(names, 5);
    let counted = node.ok(&["invoke", "words", "--path", "/words", "--data", "to be or not to be"]);
    assert!(counted.contains("\"words\":6"), "{counted}");
    let denied = node.ok(&["invoke", "outbound", "--path", "/outbound"]);
    assert!(denied.contains("denied"), "{denied}");
    let log = node.ok(&["logs", "--function", "outbound"]);
    assert!(log.contains("below `[function.allow]` of the manifest"), "{log}");
}
