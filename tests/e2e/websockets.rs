//! WebSockets through the real binary: messages, who may open one, what ends one, and what
//! clients try that are no friends.

pub(crate) mod client;
mod endings;
mod frames;
mod handshakes;

use client::{Client, Wish};

use crate::rig::{Node, example, guest};
use serde_json::Value;
use std::time::Instant;

/// An echo with small limits, and the guest that reports what it sees.
const MANIFEST: &str = r#"
manifest = 1
application = "talk"

[[function]]
name = "echo"
source = "echo.wasm"

[[function.http]]
route = "GET /echo"
websocket = true

[[function.http]]
route = "GET /small"
websocket = { idle = "2s", message = "1KiB" }

[[function.http]]
route = "GET /brief"
websocket = { lifetime = "1s" }

[[function.http]]
route = "GET /few"
websocket = true
limit = { rate = "2/1h" }

[[function.http]]
route = "GET /friends"
websocket = true
cors = { origins = ["https://friend.example"] }

[[function.http]]
route = "* /plain"

[[function]]
name = "terse"
source = "echo.wasm"
response_body = "10B"

[[function.http]]
route = "GET /terse"
websocket = true

[[function]]
name = "m"
source = "m.wasm"

[[function.http]]
route = "GET /m/{way}"
websocket = true
"#;

/// A node with the functions of the manifest, lines of configuration, and a token for all.
struct Hall {
    node: Node,
    token: String,
    _dir: tempfile::TempDir,
}

impl Hall {
    fn open() -> Self {
        Self::with("", &[])
    }

    fn with(config: &str, arguments: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("node.toml");
        std::fs::write(&file, config).expect("written");
        let mut all = vec!["--config", file.to_str().expect("text")];
        all.extend(arguments);
        let node = Node::start_with(&all);
        let parts = [("echo.wasm", example("echo")), ("m.wasm", guest("misbehave"))];
        let parts: Vec<_> = parts.iter().map(|(name, path)| (*name, path.as_path())).collect();
        let output = node.deploy_manifest(MANIFEST, &parts);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let token = node.ok(&[
            "token", "create", "friend", "--invoke", "echo", "--invoke", "terse", "--invoke", "m",
        ]);
        Self { node, token: token.trim().to_owned(), _dir: dir }
    }

    /// What a good client asks for.
    fn wish(&self, path: &str) -> Wish {
        Wish::new(path).with("authorization", &format!("Bearer {}", self.token))
    }

    fn connect(&self, path: &str) -> Client {
        self.wish(path).open(self.node.gateway)
    }

    /// What caused the newest invocations, once one of them is this.
    fn triggers(&self, until: &str) -> Vec<String> {
        let deadline = Instant::now() + crate::rig::PATIENCE;
        loop {
            let records = self.node.records(0);
            let word = |record: &Value| record["trigger"].as_str().expect("a word").to_owned();
            let triggers: Vec<String> = records.iter().map(word).collect();
            if triggers.iter().any(|trigger| trigger == until) {
                return triggers;
            }
            assert!(Instant::now() < deadline, "no {until}: {triggers:?}");
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }
}

#[test]
fn messages_come_back_in_order_and_every_event_is_recorded() {
    let hall = Hall::open();
    let mut client = hall.connect("/echo");
    for round in 0..3 {
        client.send_text(&format!("text {round} \u{e4}"));
        client.send_binary(&[round, 0, 255]);
    }
    for round in 0..3 {
        assert_eq!(client.text(), format!("text {round} \u{e4}"));
        assert_eq!(client.binary(), [round, 0, 255]);
    }
    client.leave(1000);
    assert_eq!(client.goodbye(), Some(1000));
    let triggers = hall.triggers("websocket disconnect GET /echo");
    let count = |word: &str| triggers.iter().filter(|trigger| *trigger == word).count();
    assert_eq!(count("websocket connect GET /echo"), 1);
    assert_eq!(count("websocket message GET /echo"), 6);
}

#[test]
fn a_function_learns_what_happened_and_nobody_can_say_it_for_the_platform() {
    let hall = Hall::open();
    let wish = hall.wish("/m/request?a=b");
    let wish = wish.with("casemate-websocket", "disconnect").with("casemate_websocket_id", "1");
    let wish = wish.with("casemate-websocket-code", "1").with("cookie", "a=b");
    let mut client = wish.open(hall.node.gateway);
    let first = client.text();
    assert!(first.contains("method Method::Get\n"), "{first}");
    assert!(first.contains("path /m/request?a=b\n"), "{first}");
    assert!(first.contains("header casemate-websocket: connect\n"), "{first}");
    assert!(first.contains("header cookie: a=b\n"), "{first}");
    let id = |text: &str| {
        let ids: Vec<_> =
            text.lines().filter_map(|line| line.split_once("casemate-websocket-id: ")).collect();
        assert_eq!(ids.len(), 1, "{text}");
        ids[0].1.to_owned()
    };
    for field in ["disconnect", "casemate_", "websocket-code", "sec-websocket-key", "upgrade"] {
        assert!(!first.contains(field), "{field}: {first}");
    }
    client.send_text("hello");
    let second = client.text();
    for line in [
        "method Method::Post\n",
        "path /m/request?a=b\n",
        "header casemate-websocket: message\n",
        "header casemate-caller: token:friend\n",
        "header content-type: text/plain; charset=utf-8\n",
        "header content-length: 5\n",
        "header x-forwarded-for: 127.0.0.1\n",
        "header host: localhost\n",
    ] {
        assert!(second.contains(line), "{line}: {second}");
    }
    assert_eq!(id(&first), id(&second));
    assert!(!second.contains("authorization"), "{second}");
    client.send_binary(b"x");
    assert!(client.text().contains("header content-type: application/octet-stream\n"));
}

#[test]
fn a_large_reply_arrives_as_one_message() {
    let hall = Hall::open();
    let mut client = hall.connect("/m/big?bytes=3000000");
    assert_eq!(client.text().len(), 3_000_000);
    client.send_text("again");
    assert_eq!(client.text().len(), 3_000_000);
}

#[test]
fn it_speaks_over_tls() {
    let flags = ["--tls-self-signed", "--tls-listen", "127.0.0.1:0"];
    let hall = Hall::with("", &flags);
    let mut client = hall.wish("/echo").open_tls(hall.node.tls.expect("HTTPS"));
    client.send_text("secret");
    assert_eq!(client.text(), "secret");
    client.leave(1000);
    assert_eq!(client.goodbye(), Some(1000));
}
