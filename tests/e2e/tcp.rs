//! Connections of native functions: what is granted, listed, taken back and refused.

use crate::rig::{Node, example};

const MANIFEST: &str = r#"
manifest = 1
application = "shop"

[[function]]
name = "orders"
source = "hello.wasm"
[[function.http]]
route = "GET /orders"
[function.allow]
tcp = ["db.internal:5432"]
"#;

#[test]
fn destinations_are_granted_listed_and_taken_back_in_one_form() {
    let node = Node::start();
    node.deploy(&example("hello"), "orders");
    node.ok(&["grant", "function:orders", "tcp", "DB.internal:5432"]);
    node.ok(&["grant", "function:orders", "tcp", "[2001:DB8:0::7]:6379"]);
    let grants = node.ok(&["grants"]);
    assert!(
        grants.contains("db.internal:5432") && grants.contains("[2001:db8::7]:6379"),
        "{grants}"
    );
    node.ok(&["revoke", "function:orders", "tcp", "db.INTERNAL:5432"]);
    assert!(!node.ok(&["grants"]).contains("db.internal"));
    for (who, what) in
        [("public", "db:1"), ("function:orders", "*:5432"), ("function:orders", "db")]
    {
        let (_, said) = node.fails(&["grant", who, "tcp", what]);
        assert!(said.contains("E0205"), "{who} {what}: {said}");
    }
}

#[test]
fn a_component_that_asks_for_connections_is_refused_with_what_to_do() {
    let node = Node::start();
    let output = node.deploy_manifest(MANIFEST, &[("hello.wasm", &example("hello"))]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(said.contains("E0921") && said.contains("allow.http"), "{said}");
}
