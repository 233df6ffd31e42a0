//! Handlers of platforms whose runtimes are servers of their own, which ours stand for here: each from its
//! deployment to its end, as [`super::contracts`] has it.

use super::contracts::{Row, SERVER};
use super::stage::Package;

#[test]
fn kubeless_in_python() {
    let package = Package::of(&["kubeless/greet.py"]);
    let native = r#"
contract = "kubeless"
interpreter = "python3.11"
handler = "greet.handler"
"#;
    Row { native, place: "/kubeless", ..SERVER }.holds(&package);
}

#[test]
fn kubeless_in_node() {
    let package = Package::of(&["shims/node/greet.js"]);
    let native = r#"
contract = "kubeless"
interpreter = "node"
handler = "greet.handler"
"#;
    Row { native, place: "/kubeless", ..SERVER }.holds(&package);
}

#[test]
fn openfaas_in_python_by_its_template() {
    let package = Package::of(&["shims/python/handler.py"]);
    let native = r#"
contract = "openfaas"
interpreter = "python3.11"
"#;
    Row { native, place: "/home/app", before: "/function/f", ..SERVER }.holds(&package);
}

#[test]
fn openfaas_in_python_by_its_classic_template() {
    let package = Package::of(&["shims/python/classic.py"]);
    let native = r#"
contract = "openfaas"
interpreter = "python3.11"
handler = "classic.handle"
"#;
    Row { native, place: "/home/app", requests: false, ..SERVER }.holds(&package);
}

#[test]
fn openfaas_in_node_by_its_template() {
    let package = Package::of(&["shims/node/handler.js"]);
    let native = r#"
contract = "openfaas"
interpreter = "node"
"#;
    Row { native, place: "/home/app", ..SERVER }.holds(&package);
}

#[test]
fn function_compute_with_an_event_function_in_python() {
    let package = Package::of(&["shims/python/index.py"]);
    let native = r#"
contract = "alibaba"
interpreter = "python3.11"
handler = "index.handler"
"#;
    Row { native, place: "/code", fails: 502, event_fails: 200, ..SERVER }.holds(&package);
}

#[test]
fn function_compute_with_an_event_function_in_node() {
    let package = Package::of(&["shims/node/index.js"]);
    let native = r#"
contract = "alibaba"
interpreter = "node"
handler = "index.handler"
"#;
    Row { native, place: "/code", fails: 502, event_fails: 200, ..SERVER }.holds(&package);
}

#[test]
fn azure_in_python_with_its_published_library() {
    let package = Package::of(&["shims/azure/function_app.py"]).bring_python("azure/python");
    let native = r#"
contract = "azure"
interpreter = "python3.11"
handler = "order"
"#;
    Row { native, before: "/api", ..SERVER }.holds(&package);
}

#[test]
fn azure_in_python_with_a_queue() {
    let package = Package::of(&["shims/azure/function_app.py"]).bring_python("azure/python");
    let native = r#"
contract = "azure"
interpreter = "python3.11"
handler = "note"
"#;
    Row { native, requests: false, answers: false, ..SERVER }.holds(&package);
}

#[test]
fn azure_in_node_with_its_published_library() {
    let package =
        Package::of(&["shims/azure/index.js", "shims/azure/package.json"]).bring_node("azure/node");
    let native = r#"
contract = "azure"
interpreter = "node"
handler = "order"
"#;
    Row { native, before: "/api", ..SERVER }.holds(&package);
}

#[test]
fn azure_in_node_with_a_queue() {
    let package =
        Package::of(&["shims/azure/index.js", "shims/azure/package.json"]).bring_node("azure/node");
    let native = r#"
contract = "azure"
interpreter = "node"
handler = "note"
"#;
    Row { native, requests: false, ..SERVER }.holds(&package);
}
