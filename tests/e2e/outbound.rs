//! The way out through the real binary: both keys, named networks, records, the tree of calls.

use crate::outside::heads;
use crate::rig::{Node, guest};
use std::net::SocketAddr;
use std::sync::mpsc;

/// A server that answers every request with 204 and hands out its head.
fn server() -> (SocketAddr, mpsc::Receiver<String>) {
    heads(|_| b"HTTP/1.1 204 No Content\r\n\r\n".to_vec())
}

/// A node whose configuration names loopback, or does not.
struct Ward {
    node: Node,
    dir: tempfile::TempDir,
}

impl Ward {
    fn open(configuration: &str) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("casemate.conf");
        std::fs::write(&file, configuration).expect("written");
        let node = Node::start_with(&["--config", file.to_str().expect("text")]);
        Self { node, dir }
    }

    fn deploy(&self, functions: &str, grant: bool) {
        let manifest = format!("manifest = 1\napplication = \"m\"\n{functions}");
        std::fs::copy(guest("misbehave"), self.dir.path().join("m.wasm")).expect("copied");
        let file = self.dir.path().join("casemate.toml");
        std::fs::write(&file, manifest).expect("written");
        let mut words = vec!["deploy", file.to_str().expect("text")];
        words.extend(grant.then_some("--grant"));
        self.node.ok(&words);
    }

    /// What the guest said of its request to `url`, and the record.
    fn ask(&self, url: &str) -> (String, serde_json::Value) {
        self.get(&format!("/m/outbound?url={url}"))
    }

    /// What the guest said, and the record.
    fn get(&self, path: &str) -> (String, serde_json::Value) {
        let said = self.node.ok(&["invoke", "m", "--path", path]);
        let records: serde_json::Value = serde_json::from_str(&self.node.ok(&[
            "records",
            "--function",
            "m",
            "-n",
            "1",
            "--format",
            "json",
        ]))
        .expect("json");
        (said.trim().to_owned(), records["items"][0].clone())
    }
}

fn function(name: &str, allow: &str) -> String {
    format!("[[function]]\nname = \"{name}\"\nsource = \"m.wasm\"\n[function.allow]\n{allow}\n")
}

const NAMED: &str = "[outbound]\nnetworks = [\"127.0.0.0/8\"]\n";

#[test]
fn a_request_goes_out_when_both_keys_are_turned() {
    let (address, seen) = server();
    let ward = Ward::open(NAMED);
    let target = format!("GET http://{address}/v1/*");
    let url = format!("http://{address}/v1/pay?card=42");
    // Neither key, then the manifest's, then both.
    ward.deploy(&function("m", ""), false);
    let (said, record) = ward.ask(&url);
    assert_eq!(said, "refused ErrorCode::HttpRequestDenied");
    let lines = ward.node.lines_of(record["id"].as_str().expect("an id"));
    let hint = lines[0]["text"].as_str().expect("text");
    assert!(hint.contains("[function.allow]") && hint.contains("E0203"), "{hint}");
    ward.deploy(&function("m", &format!("http = [\"{target}\"]")), false);
    let (said, record) = ward.ask(&url);
    assert_eq!(said, "refused ErrorCode::HttpRequestDenied");
    let lines = ward.node.lines_of(record["id"].as_str().expect("an id"));
    let hint = lines[0]["text"].as_str().expect("text");
    let grant = format!("casemate grant function:m http \"GET http://{address}/v1/pay\"");
    assert!(hint.contains(&grant), "{hint}");
    ward.node.ok(&["grant", "function:m", "http", &target]);
    let (said, record) = ward.ask(&url);
    assert_eq!(said, "status 204");
    let head = seen.recv_timeout(crate::rig::PATIENCE).expect("a request");
    assert!(head.starts_with("GET /v1/pay?card=42 HTTP/1.1\r\n"), "{head}");
    assert!(!head.to_ascii_lowercase().contains("casemate-"), "{head}");
    let call = &record["calls"][0];
    assert_eq!((&call["operation"], &call["decision"]), (&"http".into(), &"allowed".into()));
    assert_eq!(call["resource"], format!("GET http://{address}/v1/pay"));
    assert!(!record.to_string().contains("card=42"), "queries stay out of records: {record}");
    // Another path is another matter, and so is what was revoked.
    assert_eq!(ward.ask(&format!("http://{address}/v2")).0, "refused ErrorCode::HttpRequestDenied");
    ward.node.ok(&["revoke", "function:m", "http", &target]);
    assert_eq!(ward.ask(&url).0, "refused ErrorCode::HttpRequestDenied");
    let asked = ward.node.ok(&["records", "--calls", "host=127.0.0.1", "--format", "json"]);
    let asked: serde_json::Value = serde_json::from_str(&asked).expect("json");
    assert_eq!(asked["items"].as_array().map(Vec::len), Some(5), "{asked}");
}

#[test]
fn loopback_is_closed_unless_it_is_named() {
    let (address, seen) = server();
    let ward = Ward::open("");
    let port = address.port();
    let hosts = ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"];
    let targets: Vec<String> =
        hosts.iter().map(|host| format!("\"GET http://{host}:{port}/*\"")).collect();
    ward.deploy(&function("m", &format!("http = [{}]", targets.join(", "))), true);
    for host in hosts {
        let (said, record) = ward.ask(&format!("http://{host}:{port}/x"));
        assert_eq!(said, "refused ErrorCode::DestinationIpProhibited", "{host}");
        assert_eq!(record["calls"][0]["decision"], "failed", "{record}");
    }
    assert!(seen.try_recv().is_err(), "somebody was called");
}

#[test]
fn a_guest_of_wasi_03_goes_out_by_the_same_door() {
    let (address, seen) = server();
    let ward = Ward::open(&format!("{NAMED}[wasm]\nwasi03 = true\n"));
    let target = format!("GET http://{address}/");
    std::fs::copy(guest("misbehave03"), ward.dir.path().join("m3.wasm")).expect("copied");
    let spec = function("m", &format!("http = [\"{target}\"]"));
    let spec = spec.replace("source = \"m.wasm\"", "source = \"m3.wasm\"\nwasi = \"0.3\"");
    ward.deploy(&spec, false);
    let path = format!("/m/outbound?port={}", address.port());
    assert_eq!(ward.get(&path).0, "refused ErrorCode::HttpRequestDenied");
    ward.node.ok(&["grant", "function:m", "http", &target]);
    let (said, record) = ward.get(&path);
    assert_eq!((said.as_str(), &record["calls"][0]["decision"]), ("status 204", &"allowed".into()));
    assert!(seen.recv_timeout(crate::rig::PATIENCE).expect("a request").starts_with("GET / "));
}

#[test]
fn a_function_calls_another_and_the_record_shows_the_tree() {
    let ward = Ward::open("");
    let both = function("m", "invoke = [\"back\"]") + &function("back", "");
    ward.deploy(&both, true);
    let (said, record) = ward.ask("http://back.fn.casemate.internal/back/status?code=201");
    assert_eq!(said, "status 201", "{record}");
    let id = record["id"].as_str().expect("an id");
    let tree = ward.node.ok(&["record", id]);
    assert!(tree.contains("caused") && tree.contains("└─ back@1"), "{tree}");
    let (said, _) = ward.ask("http://nobody.fn.casemate.internal/");
    assert_eq!(said, "refused ErrorCode::HttpRequestDenied");
    let costs = ward.node.ok(&["cost", "--by", "caller", "--csv"]);
    assert!(costs.contains("function:m,1,"), "{costs}");
    let costs = ward.node.ok(&["cost", "--by", "application"]);
    assert!(
        costs.contains("APPLICATION") && costs.lines().any(|line| line.starts_with("m ")),
        "{costs}"
    );
}

#[test]
fn a_denied_target_cannot_put_anything_into_a_shell() {
    let ward = Ward::open("");
    ward.deploy(&function("m", "http = [\"GET http://x.example/*\"]"), false);
    // `http://x.example/$(id)';id` as the guest decodes it.
    let (_, record) = ward.ask("http://x.example/%24(id)%27;id");
    let lines = ward.node.lines_of(record["id"].as_str().expect("an id"));
    let text = lines[0]["text"].as_str().expect("text");
    let (_, command) = text.split_once("casemate grant").expect("a command");
    let script = format!("printf '%s\\n'{command}");
    let output = std::process::Command::new("sh").args(["-c", &script]).output().expect("sh runs");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && !printed.contains("uid="), "{command}: {printed}");
}
