//! WASI 0.3 through the real binary: twice opted in, on an engine of its own, within the same limits.

use crate::rig::{Node, Reply, connect, guest, parse, raw, request};
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

/// One component of 0.3 as functions with limits of their own, and one of 0.2 beside.
const MANIFEST: &str = r#"
manifest = 1
application = "guests"

[[function]]
name = "m"
wasi = "0.3"
source = "misbehave03.wasm"
timeout = "60s"
cpu = "300ms"
[[function.http]]
route = "* /m/{*rest}"

[[function]]
name = "short"
wasi = "0.3"
source = "misbehave03.wasm"
timeout = "500ms"
[[function.http]]
route = "* /short/{*rest}"

[[function]]
name = "tight"
wasi = "0.3"
source = "misbehave03.wasm"
timeout = "60s"
memory = "8MiB"
response_body = "1MiB"
log = "8KiB"
[[function.http]]
route = "* /tight/{*rest}"

[[function]]
name = "old"
source = "misbehave.wasm"
[[function.http]]
route = "* /old/{*rest}"
"#;

/// What no stranger may read: the guests' sources have it.
const SECRET: &str = "sk_live_SECRET0123456789";

/// A home whose node's configuration says this.
struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a directory") }
    }

    fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    /// Starts the node with a configuration.
    fn start(&self, config: &str) -> Node {
        let path = self.dir.path().join("casemate.conf");
        std::fs::write(&path, config).expect("written");
        Node::start_on(&self.home(), &["--config", path.to_str().expect("text")])
    }

    fn start_allowing(&self) -> Node {
        self.start("[wasm]\nwasi03 = true\n")
    }
}

/// A node with all of the functions, and a token for them.
struct Ward {
    node: Node,
    token: String,
    _place: Place,
}

impl Ward {
    fn open() -> Self {
        let place = Place::new();
        let node = place.start_allowing();
        let components =
            [("misbehave03.wasm", guest("misbehave03")), ("misbehave.wasm", guest("misbehave"))];
        let components: Vec<(&str, &Path)> =
            components.iter().map(|(name, path)| (*name, path.as_path())).collect();
        let deployed = node.deploy_manifest(MANIFEST, &components);
        assert!(deployed.status.success(), "{}", String::from_utf8_lossy(&deployed.stderr));
        let all = ["token", "create", "t", "--invoke", "m", "short", "tight", "old"];
        let token = node.ok(&all).trim().to_owned();
        Self { node, token, _place: place }
    }

    fn get(&self, path: &str) -> Reply {
        self.node.get(path, Some(&self.token))
    }

    fn call(&self, path: &str) -> (Reply, Value) {
        let reply = self.get(path);
        let record = self.node.ended(&reply);
        (reply, record)
    }

    /// Both engines answer, each from a fresh instance.
    fn is_well(&self, after: &str) {
        for path in ["/m/state", "/old/state"] {
            let reply = self.get(path);
            assert_eq!((reply.status, reply.text().as_str()), (200, "1"), "{path} after {after}");
        }
    }
}

/// A manifest of one function.
fn one(wasi: &str) -> String {
    format!(
        "manifest = 1\napplication = \"one\"\n\n[[function]]\nname = \"one\"\n{wasi}\
         source = \"it.wasm\"\n[[function.http]]\nroute = \"* /one/{{*rest}}\"\n"
    )
}

fn refused(node: &Node, wasi: &str, component: &str) -> String {
    let output = node.deploy_manifest(&one(wasi), &[("it.wasm", &guest(component))]);
    assert!(!output.status.success(), "{component} with {wasi:?} was taken");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn both_the_node_and_the_manifest_have_to_say_so_and_each_refusal_says_what_to_do() {
    const ASK: &str = "wasi = \"0.3\"\n";
    let place = Place::new();
    let mut node = place.start("");
    for wasi in ["", ASK] {
        let said = refused(&node, wasi, "misbehave03");
        assert!(said.contains("E0170") && said.contains("wasi03 = true"), "{said}");
    }
    assert_eq!(node.stop(), Some(0));
    let node = place.start_allowing();
    let said = refused(&node, "", "misbehave03");
    assert!(said.contains("E0171") && said.contains("wasi = \"0.3\""), "{said}");
    let said = refused(&node, ASK, "misbehave");
    assert!(said.contains("E0172") && said.contains("take `wasi = \"0.3\"` out"), "{said}");
    let said = refused(&node, "wasi = \"0.4\"\n", "misbehave");
    assert!(said.contains("0.4") && said.contains("0.3"), "{said}");
    assert!(node.json(&["functions"])["items"].as_array().is_none_or(Vec::is_empty));
    let file = guest("misbehave03");
    let bare = |more: &[&str]| {
        let file = file.to_str().expect("text");
        node.run(&[&["deploy", file, "--name", "bare"], more].concat())
    };
    let output = bare(&[]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("E0171") && said.contains("`--wasi 0.3`"), "{said}");
    let more = ["--wasi", "0.3", "--allow", "https://a.example", "--keyvalue", "carts=read"];
    let output = bare(&more);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for asked in ["http '* https://a.example/*'", "keyvalue 'read carts'"] {
        assert!(said.contains(&format!("casemate grant function:bare {asked}")), "{said}");
    }
    node.ok(&["remove", "bare"]);
    let taken = node.deploy_manifest(&one(ASK), &[("it.wasm", &guest("misbehave03"))]);
    assert!(taken.status.success(), "{}", String::from_utf8_lossy(&taken.stderr));
    assert!(node.ok(&["doctor"]).contains("WASI 0.3 on"));
}

#[test]
fn a_function_of_03_rests_while_its_node_forbids_it_and_goes_on_after() {
    let place = Place::new();
    let mut node = place.start_allowing();
    let components = [("it.wasm", guest("misbehave03"))];
    let components: Vec<(&str, &Path)> =
        components.iter().map(|(name, path)| (*name, path.as_path())).collect();
    let deployed = node.deploy_manifest(&one("wasi = \"0.3\"\n"), &components);
    assert!(deployed.status.success());
    let token = node.ok(&["token", "create", "t", "--invoke", "one"]).trim().to_owned();
    let hello = "hello from WASI 0.3\n";
    assert_eq!(node.get("/one/hello", Some(&token)).text(), hello);
    assert_eq!(node.stop(), Some(0));
    let mut node = place.start("");
    let reply = node.get("/one/hello", Some(&token));
    assert_eq!((reply.status, reply.code().as_str()), (503, "E0420"), "{reply:?}");
    assert_eq!(node.ended(&reply)["outcome"], "platform");
    assert_eq!(node.stop(), Some(0));
    let node = place.start_allowing();
    assert_eq!(node.get("/one/hello", Some(&token)).text(), hello);
}

#[test]
fn a_guest_of_03_answers_streams_logs_and_sees_nothing_of_the_host() {
    let ward = Ward::open();
    let (reply, record) = ward.call("/m/hello");
    assert_eq!((reply.status, reply.text().as_str()), (200, "hello from WASI 0.3\n"));
    assert_eq!(record["outcome"], "ok");
    assert!(record["usage"]["cpu_us"].as_u64().or(record["cpu_us"].as_u64()) > Some(0), "{record}");
    assert_eq!(ward.node.get("/m/hello", None).status, 401);
    assert_eq!(ward.get("/m/env").text(), "");
    assert_eq!(ward.get("/m/drop-response").text(), "a second one\n");
    assert_eq!(ward.get("/m/slow-stream?n=3&ms=20").text(), "chunk 0\nchunk 1\nchunk 2\n");
    assert_eq!(ward.get("/m/trailers").text(), "a body\n");
    let body: Vec<u8> = (0..300_000_u32).map(|n| (n % 251) as u8).collect();
    for path in ["/m/echo", "/m/pipe"] {
        let reply = request(ward.node.gateway, "POST", path, Some(&ward.token), &body);
        assert_eq!(reply.status, 200, "{path}");
        assert!(reply.body == body, "{path}: {} bytes", reply.body.len());
        assert_eq!(ward.node.ended(&reply)["outcome"], "ok", "{path}");
    }
    let (reply, record) = ward.call("/m/log");
    assert_eq!(reply.text(), "logged\n");
    let id = record["id"].as_str().or(reply.header("casemate-invocation")).expect("an id");
    let lines: Vec<String> = ward
        .node
        .lines_of(id)
        .iter()
        .map(|line| format!("{} {}", line["level"], line["text"]).replace('"', ""))
        .collect();
    let expect = ["info a line", "error a line, to standard error", "info no end"];
    for line in expect {
        assert!(lines.iter().any(|found| found == line), "{line} in {lines:?}");
    }
    ward.is_well("good calls");
}

#[test]
fn trailers_of_a_request_reach_a_guest_of_03() {
    let ward = Ward::open();
    let bytes = format!(
        "POST /m/read-all HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nauthorization: Bearer \
         {}\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-late: 1\r\ncasemate-x: 1\r\n\r\n",
        ward.token
    );
    let reply = raw(ward.node.gateway, bytes.as_bytes());
    assert_eq!(reply.text(), "read 5 bytes until trailers x-late\n");
}

#[test]
fn outgoing_requests_are_denied_recorded_and_explained_as_in_02() {
    let ward = Ward::open();
    let (reply, record) = ward.call("/m/outbound");
    assert_eq!(reply.text(), "refused ErrorCode::HttpRequestDenied\n");
    let (_, old) = ward.call("/old/outbound");
    assert_eq!(record["calls"][0]["decision"], old["calls"][0]["decision"], "{record} {old}");
    let explained = |record: &Value, name: &str| {
        let lines = ward.node.lines_of(record["id"].as_str().expect("an id"));
        let text = lines.iter().map(|line| line["text"].to_string()).collect::<String>();
        assert!(text.contains("E0203") && text.contains("[function.allow]"), "{name}: {text}");
        text.replace(&format!("function:{name}"), "function:NAME")
    };
    assert_eq!(explained(&record, "m"), explained(&old, "old"));
}

/// Path, status, code and outcome of every way that ends without an answer of the guest's.
const FAILURES: &[(&str, u16, &str, &str)] = &[
    ("/m/loop", 504, "E0402", "cpu"),
    ("/m/loop-in-host", 504, "E0402", "cpu"),
    ("/m/loop-yielding", 504, "E0402", "cpu"),
    ("/m/alloc", 507, "E0404", "memory"),
    ("/tight/alloc", 507, "E0404", "memory"),
    ("/m/subtasks", 502, "E0411", "guest_error"),
    ("/m/spawn", 502, "E0411", "guest_error"),
    ("/m/streams", 502, "E0411", "guest_error"),
    ("/m/futures", 502, "E0411", "guest_error"),
    ("/m/fields", 502, "E0411", "guest_error"),
    ("/short/hang", 504, "E0403", "timeout"),
    ("/short/never", 504, "E0403", "timeout"),
    ("/m/error-code", 502, "E0410", "guest_error"),
    ("/m/exit", 502, "E0405", "guest_error"),
    ("/m/trap", 502, "E0401", "trapped"),
    ("/m/twice", 502, "E0401", "trapped"),
];

#[test]
fn whatever_a_guest_of_03_does_the_caller_learns_the_code_and_the_next_call_is_well() {
    let ward = Ward::open();
    for (path, status, code, outcome) in FAILURES {
        let (reply, record) = ward.call(path);
        assert_eq!((reply.status, reply.code().as_str()), (*status, *code), "{path}: {record}");
        assert_eq!(record["outcome"], *outcome, "{path}: {record}");
        assert!(!reply.text().contains(SECRET), "{path}: {}", reply.text());
        ward.is_well(path);
    }
}

#[test]
fn a_body_that_breaks_off_never_looks_whole() {
    let ward = Ward::open();
    for path in [
        "/m/short-body",
        "/m/long-body",
        "/m/body-aborted",
        "/m/trap-mid-body",
        "/short/body-kept",
        "/tight/stream-forever",
    ] {
        let head = format!(
            "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nauthorization: Bearer \
             {}\r\n\r\n",
            ward.token
        );
        let bytes = crate::rig::exchange(ward.node.gateway, head.as_bytes());
        let reply = parse(&bytes);
        let whole = reply.status == 200 && bytes.ends_with(b"\r\n0\r\n\r\n");
        assert!(!whole, "{path}: {}", String::from_utf8_lossy(&bytes[..bytes.len().min(400)]));
        assert!(reply.body.len() <= 1 << 20, "{path}");
        assert!(!reply.text().contains(SECRET), "{path}");
        assert_ne!(ward.node.ended(&reply)["outcome"], "ok", "{path}");
    }
    ward.is_well("broken bodies");
}

#[test]
fn what_a_guest_does_after_its_answer_is_limited_too() {
    let ward = Ward::open();
    for (path, outcome) in
        [("/m/after?ms=20", "ok"), ("/m/after-loop", "cpu"), ("/m/after-trap", "trapped")]
    {
        let (reply, record) = ward.call(path);
        assert_eq!((reply.status, reply.text().as_str()), (200, "answered\n"), "{path}");
        assert_eq!(record["outcome"], outcome, "{path}: {record}");
        ward.is_well(path);
    }
}

#[test]
fn a_flood_of_log_is_cut_at_its_limit() {
    let ward = Ward::open();
    let (reply, record) = ward.call("/tight/log-flood?bytes=200000");
    assert_eq!(reply.text(), "flooded\n");
    assert!(record["log_dropped"].as_u64() > Some(1000), "{record}");
}

#[test]
fn a_client_that_leaves_stops_its_guest() {
    let ward = Ward::open();
    let mut stream = connect(ward.node.gateway);
    let head = format!(
        "GET /m/stream-forever HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\r\n",
        ward.token
    );
    stream.write_all(head.as_bytes()).expect("sent");
    let mut some = vec![0; 4096];
    let count = stream.read(&mut some).expect("a part");
    let reply = parse(&some[..count]);
    drop(stream);
    let record = ward.node.ended(&reply);
    assert_eq!(record["outcome"], "interrupted", "{record}");
    ward.is_well("a client that left");
}

#[test]
fn a_component_made_by_componentize_qjs_deploys_and_answers() {
    let place = Place::new();
    let node = place.start_allowing();
    let deployed =
        node.deploy_manifest(&one("wasi = \"0.3\"\n"), &[("it.wasm", &guest("quickjs"))]);
    assert!(deployed.status.success(), "{}", String::from_utf8_lossy(&deployed.stderr));
    let token = node.ok(&["token", "create", "t", "--invoke", "one"]).trim().to_owned();
    for _ in 0..2 {
        let reply = node.get("/one/x", Some(&token));
        assert_eq!((reply.status, reply.text().as_str()), (200, "hello from QuickJS\n"));
        assert_eq!(node.ended(&reply)["outcome"], "ok");
    }
    let reply = request(node.gateway, "POST", "/one/x", Some(&token), b"abc");
    assert_eq!(reply.text(), "hello from QuickJS, 3 bytes\n");
}
