//! Components that other languages' tools made. Each takes a while to compile.

use crate::rig::{Node, guest, request};

fn check(name: &str, language: &str) {
    let node = Node::start();
    let token = node.deploy(&guest(name), name);
    let path = format!("/{name}/x");
    assert_eq!(node.get(&path, None).status, 401);
    for _ in 0..2 {
        let reply = node.get(&path, Some(&token));
        assert_eq!((reply.status, reply.text()), (200, format!("hello from {language}\n")));
        assert_eq!(node.ended(&reply)["outcome"], "ok");
    }
    let reply = request(node.gateway, "POST", &path, Some(&token), b"abc");
    assert_eq!(reply.text(), format!("hello from {language}, 3 bytes\n"));
}

#[test]
fn a_component_made_by_jco_deploys_and_answers() {
    check("js", "JavaScript");
}

#[test]
fn a_component_made_by_componentize_py_deploys_and_answers() {
    check("python", "Python");
}
