//! Contracts that call a function otherwise than by HTTP on a port: each from its deployment to its end, as
//! [`super::contracts`] has it.

use super::contracts::{Row, SERVER};
use super::stage::Package;

/// What OpenWhisk says of an action that fails: that it did, and not why.
const WHISK: Row = Row { fails: 502, event_fails: 502, ..SERVER };

#[test]
fn openwhisk_in_python() {
    let package = Package::of(&["openwhisk/__main__.py"]);
    let native = r#"
contract = "openwhisk"
interpreter = "python3.11"
"#;
    Row { native, ..WHISK }.holds(&package);
}

#[test]
fn openwhisk_in_node() {
    let package = Package::of(&["openwhisk/index.js"]);
    let native = r#"
contract = "openwhisk"
interpreter = "node"
handler = "main"
"#;
    Row { native, ..WHISK }.holds(&package);
}

#[test]
fn openwhisk_with_a_server_that_is_told_its_code() {
    let package = Package::of(&["openwhisk/__main__.py", "openwhisk/proxy.py"]);
    let native = r#"
contract = "openwhisk"
interpreter = "python3.11"
command = ["python3.11", "proxy.py"]
"#;
    Row { native, ..WHISK }.holds(&package);
}

#[test]
fn openwhisk_by_a_program_that_speaks_actionloop() {
    let package = Package::of(&["actionloop/exec"]);
    let native = r#"
contract = "actionloop"
"#;
    Row { native, ..WHISK }.holds(&package);
}

#[test]
fn fn_in_python_with_its_published_library() {
    let package = Package::of(&["fn/func.py"]).bring_python("fn/python");
    let native = r#"
contract = "fn"
interpreter = "python3.11"
command = ["python3.11", "func.py"]
"#;
    Row { native, fails: 502, event_fails: 502, ..SERVER }.holds(&package);
}

#[test]
fn fn_in_node_with_its_published_library() {
    let package = Package::of(&["fn/func.js"]).bring_node("fn/node");
    let native = r#"
contract = "fn"
interpreter = "node"
command = ["node", "func.js"]
"#;
    Row { native, fails: 502, event_fails: 502, ..SERVER }.holds(&package);
}

/// A process ends with its request.
const ONCE: Row = Row { stays: false, ..SERVER };

#[test]
fn ironfunctions_with_a_process_for_each_request() {
    let package = Package::of(&["stdio/iron.py"]);
    let native = r#"
contract = "ironfunctions"
interpreter = "python3.11"
command = ["python3.11", "iron.py"]
"#;
    Row { native, ..ONCE }.holds(&package);
}

#[test]
fn ironfunctions_with_http_on_standard_streams() {
    let package = Package::of(&["stdio/hot.py"]);
    let native = r#"
contract = "ironfunctions-http"
interpreter = "python3.11"
command = ["python3.11", "hot.py"]
"#;
    Row { native, ..SERVER }.holds(&package);
}

#[test]
fn openfaas_with_a_process_for_each_request() {
    let package = Package::of(&["stdio/classic.sh"]);
    let native = r#"
contract = "openfaas-classic"
command = ["./classic.sh"]
"#;
    Row { native, place: "/home/app", before: "/function/f", ..ONCE }.holds(&package);
}

#[test]
fn cgi_with_pythons_own_handler() {
    let package = Package::of(&["stdio/cgi_program.py"]);
    let native = r#"
contract = "cgi"
interpreter = "python3.11"
command = ["python3.11", "cgi_program.py"]
"#;
    Row { native, ..ONCE }.holds(&package);
}
