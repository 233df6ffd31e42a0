//! One function of each contract, from its deployment to its end: called over HTTP, told an event,
//! made to fail, made to take too long, called again, and removed.
//!
//! Each prints `asked to WORD`, answers `{"did": WORD}`, throws at `fail` and sleeps at `slow`.

use super::stage::{Package, at, below, get, lines, outcome, tell, until};
use crate::rig::{Node, Reply};
use serde_json::json;

/// What differs between contracts.
pub(super) struct Row {
    /// Lines of `[function.native]`.
    pub(super) native: &'static str,
    /// Where its package is in the jail.
    pub(super) place: &'static str,
    /// What stands before the word in a path.
    pub(super) before: &'static str,
    /// The status of a request to a function that throws.
    pub(super) fails: u16,
    /// The status of an event to one that throws.
    pub(super) event_fails: u64,
    /// Whether it answers events with more than that it took them.
    pub(super) answers: bool,
    /// Whether it takes requests.
    pub(super) requests: bool,
    /// Whether a process has more than one invocation.
    pub(super) stays: bool,
    /// Header fields of its events.
    pub(super) headers: &'static [&'static str],
}

/// A server on a port, which answers an exception with 500.
pub(super) const SERVER: Row = Row {
    native: "",
    place: "/workspace",
    before: "",
    fails: 500,
    event_fails: 500,
    answers: true,
    requests: true,
    stays: true,
    headers: &["content-type: application/json"],
};

/// Who fails is told so in the event's answer; a gateway has 502 for it.
const LAMBDA: Row = Row { place: "/var/task", fails: 502, event_fails: 200, ..SERVER };

/// What is known of a reply that is not as it should be.
fn why(node: &Node, reply: &Reply) -> String {
    let record = node.ended(reply);
    let lines = lines(node, record["id"].as_str().expect("an id"));
    format!("{record}\n{lines:?}\n{}", node.said())
}

/// An event of some bucket's.
const CLOUD_EVENT: &[&str] = &[
    "content-type: application/json",
    "ce-specversion: 1.0",
    "ce-id: 1",
    "ce-source: //storage.googleapis.com/projects/_/buckets/b",
    "ce-type: google.cloud.storage.object.v1.finalized",
];

/// What a function does with one word.
const WORDS: [&str; 3] = ["hello", "fail", "slow"];

/// Longest time of an invocation.
const TIMEOUT: &str = "6s";

impl Row {
    /// Runs a function of this contract through everything.
    pub(super) fn holds(&self, package: &Package) {
        package.manifest(&format!(
            "timeout = \"{TIMEOUT}\"\nmemory = \"256MiB\"\n\
             http = [{{ route = \"* /{{*rest}}\", auth = \"public\" }}]\n\
             [function.native]\n{}\n",
            self.native
        ));
        let mut node = Node::start();
        package.deploy(&node);
        if self.requests {
            self.is_called(&node);
        }
        self.is_told(&node);
        self.fails(&node);
        self.takes_too_long(&node);
        self.ends(&mut node);
    }

    fn get(&self, node: &Node, word: &str) -> Reply {
        get(node, &format!("{}/{word}", self.before))
    }

    fn is_called(&self, node: &Node) {
        let reply = self.get(node, "hello");
        assert_eq!(reply.status, 200, "{reply:?}\n{}", why(node, &reply));
        let body: serde_json::Value = serde_json::from_slice(&reply.body).expect("JSON");
        assert_eq!(body, json!({ "did": "hello" }));
        let id = reply.header("casemate-invocation").expect("an id").to_owned();
        assert_eq!(outcome(node, &id), "ok");
        self.said_only(node, &id, "hello");
    }

    fn is_told(&self, node: &Node) {
        let answer = tell(node, r#"{"do":"event"}"#, self.headers);
        let said = || format!("{:?}\n{}", lines(node, &answer.invocation), node.said());
        assert!(answer.status < 300, "{}: {}\n{}", answer.status, answer.body, said());
        if self.answers {
            assert_eq!(answer.body, json!({ "did": "event" }));
        }
        assert_eq!(outcome(node, &answer.invocation), "ok");
        self.said_only(node, &answer.invocation, "event");
    }

    fn fails(&self, node: &Node) {
        if self.requests {
            let reply = self.get(node, "fail");
            assert_eq!(reply.status, self.fails, "{reply:?}");
            assert_eq!(node.ended(&reply)["outcome"], "guest_error");
        }
        let answer = tell(node, r#"{"do":"fail"}"#, self.headers);
        assert_eq!(answer.status, self.event_fails, "{}", answer.body);
        assert_eq!(outcome(node, &answer.invocation), "guest_error");
        self.said_only(node, &answer.invocation, "fail");
    }

    /// Who takes too long is killed, and a process that knows nothing of it takes the next call.
    fn takes_too_long(&self, node: &Node) {
        let before = at(node, self.place);
        assert_eq!(before.is_empty(), !self.stays, "in {}: {before:?}", self.place);
        let answer = tell(node, r#"{"do":"slow"}"#, self.headers);
        assert_eq!(answer.status, 504, "{}", answer.body);
        assert_eq!(outcome(node, &answer.invocation), "timeout");
        self.said_only(node, &answer.invocation, "slow");
        until("it lives on", || {
            let now = at(node, self.place);
            if self.stays { now.is_disjoint(&before) } else { now.is_empty() }
        });
        self.is_told(node);
        assert!(at(node, self.place).is_disjoint(&before));
    }

    /// With its application goes its process, and with the node all that it had started.
    fn ends(&self, node: &mut Node) {
        assert_eq!(at(node, self.place).is_empty(), !self.stays, "in {}", self.place);
        node.ok(&["remove", "app"]);
        until("it outlives its application", || at(node, self.place).is_empty());
        let all = below(node.pid());
        assert!(!all.is_empty(), "the launcher is there");
        assert_eq!(node.stop(), Some(0));
        let lives = |pid: &u32| std::path::Path::new(&format!("/proc/{pid}")).exists();
        until("it outlives its node", || !all.iter().any(lives));
    }

    /// What an invocation printed is in its log, and nothing of others.
    fn said_only(&self, node: &Node, id: &str, word: &str) {
        let own = |line: &String| line.contains(&format!("asked to {word}"));
        until("its line is missing", || lines(node, id).iter().any(own));
        let lines = lines(node, id);
        let others = WORDS.iter().filter(|other| **other != word);
        for other in others {
            let other = format!("asked to {other}");
            assert!(!lines.iter().any(|line| line.contains(&other)), "{lines:?}");
        }
    }
}

#[test]
fn lambda_in_python_by_our_loader() {
    let package = Package::of(&["lambda/app.py"]);
    let native = r#"
contract = "lambda"
interpreter = "python3.11"
handler = "app.handler"
"#;
    Row { native, ..LAMBDA }.holds(&package);
}

#[test]
fn lambda_in_python_by_awslambdaric() {
    let package = Package::of(&["lambda/app.py"]).bring_python("awslambdaric");
    let native = r#"
contract = "lambda"
interpreter = "python3.11"
handler = "app.handler"
"#;
    Row { native, ..LAMBDA }.holds(&package);
}

#[test]
fn lambda_in_node_by_our_loader() {
    let package = Package::of(&["lambda/app.js"]);
    let native = r#"
contract = "lambda"
interpreter = "node"
handler = "app.handler"
"#;
    Row { native, ..LAMBDA }.holds(&package);
}

#[test]
fn lambda_in_node_by_aws_lambda_ric() {
    let package = Package::of(&["lambda/app.js"]).bring_node("aws-lambda-ric");
    let native = r#"
contract = "lambda"
interpreter = "node"
handler = "app.handler"
"#;
    Row { native, ..LAMBDA }.holds(&package);
}

#[test]
fn lambda_by_a_bootstrap_that_is_a_shell_script() {
    let package = Package::of(&["provided/bootstrap"]);
    let native = r#"
contract = "lambda"
"#;
    Row { native, ..LAMBDA }.holds(&package);
}

#[test]
fn lambda_web_with_express() {
    let package = Package::of(&["express/index.js"]).bring_node("servers/node");
    let native = r#"
contract = "lambda-web"
interpreter = "node"
"#;
    Row { native, place: "/var/task", ..SERVER }.holds(&package);
}

#[test]
fn http_with_pythons_own_server() {
    let package = Package::of(&["plain/server.py"]);
    let native = r#"
contract = "http"
interpreter = "python3"
command = ["python3", "server.py"]
"#;
    Row { native, ..SERVER }.holds(&package);
}

#[test]
fn http_with_phps_own_server() {
    let package = Package::of(&["php/index.php"]);
    let native = r#"
contract = "http"
interpreter = "php"
command = ["php", "-S", "127.0.0.1:8080", "index.php"]
"#;
    Row { native, ..SERVER }.holds(&package);
}

#[test]
fn cloud_run_with_flask() {
    let package = Package::of(&["flask/web.py"]).bring_python("servers/python");
    let native = r#"
contract = "cloud-run"
interpreter = "python3.11"
command = ["python3", "web.py"]
"#;
    Row { native, ..SERVER }.holds(&package);
}

#[test]
fn knative_with_express_and_a_probe() {
    let package = Package::of(&["express/index.js"]).bring_node("servers/node");
    let native = r#"
contract = "knative"
interpreter = "node"
command = ["node", "index.js"]
server = { probe = "/healthz" }
"#;
    Row { native, ..SERVER }.holds(&package);
}

#[test]
fn openfaas_with_flask() {
    let package = Package::of(&["flask/web.py"]).bring_python("servers/python");
    let native = r#"
contract = "openfaas"
interpreter = "python3.11"
command = ["python3", "web.py"]
"#;
    Row { native, place: "/home/app", before: "/function/f", ..SERVER }.holds(&package);
}

#[test]
fn function_compute_with_flask_and_a_hook() {
    let package = Package::of(&["flask/web.py"]).bring_python("servers/python");
    let native = r#"
contract = "alibaba"
interpreter = "python3.11"
command = ["python3", "web.py"]
server = { hooks = ["initialize"] }
"#;
    Row { native, place: "/code", ..SERVER }.holds(&package);
}

#[test]
fn azure_with_calls_as_json() {
    let package = Package::of(&["azure/handler.py"]);
    let native = r#"
contract = "azure"
interpreter = "python3.11"
command = ["python3", "handler.py"]
handler = "Order"
"#;
    Row { native, ..SERVER }.holds(&package);
}

#[test]
fn azure_with_requests_as_they_are() {
    let package = Package::of(&["azure/handler.py"]);
    let native = r#"
contract = "azure"
interpreter = "python3.11"
command = ["python3", "handler.py"]
handler = "Order"
server = { forward = true }
"#;
    Row { native, ..SERVER }.holds(&package);
}

#[test]
fn functions_framework_in_python() {
    let package = Package::of(&["framework/main.py"]).bring_python("servers/python");
    let native = r#"
contract = "functions-framework"
interpreter = "python3.11"
handler = "main.py:asked"
"#;
    Row { native, ..SERVER }.holds(&package);
}

#[test]
fn functions_framework_in_python_with_cloud_events() {
    let package = Package::of(&["framework/main.py"]).bring_python("servers/python");
    let native = r#"
contract = "functions-framework"
interpreter = "python3.11"
handler = "main.py:told"
server = { signature = "cloudevent" }
"#;
    Row { native, requests: false, answers: false, headers: CLOUD_EVENT, ..SERVER }.holds(&package);
}

#[test]
fn functions_framework_in_node() {
    let package = Package::of(&["framework/functions.js"]).bring_node("servers/node");
    let native = r#"
contract = "functions-framework"
interpreter = "node"
handler = "functions.js:asked"
"#;
    Row { native, ..SERVER }.holds(&package);
}

#[test]
fn functions_framework_in_node_with_cloud_events() {
    let package = Package::of(&["framework/functions.js"]).bring_node("servers/node");
    let native = r#"
contract = "functions-framework"
interpreter = "node"
handler = "functions.js:told"
server = { signature = "cloudevent" }
"#;
    Row { native, requests: false, answers: false, headers: CLOUD_EVENT, ..SERVER }.holds(&package);
}

#[test]
fn kubeless_with_its_server_in_the_package() {
    let package = Package::of(&["kubeless/kubeless.py", "kubeless/greet.py"]);
    let native = r#"
contract = "kubeless"
interpreter = "python3.11"
command = ["python3", "kubeless.py"]
handler = "greet.handler"
"#;
    Row { native, place: "/kubeless", ..SERVER }.holds(&package);
}
