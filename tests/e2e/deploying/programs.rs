//! The admin API as programs call it that are not ours: wrong bodies, digests, keys and sizes.

use super::state;
use crate::rig::{Node, Reply, example, parse};
use serde_json::{Value, json};
use std::path::Path;

const MAIN: &str = "/v1/tenants/default/environments/main";

fn ask(node: &Node, method: &str, path: &str, headers: &str, body: &[u8]) -> Reply {
    let (token, length) = (node.operator(), body.len());
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         authorization: Bearer {token}\r\ncontent-length: {length}\r\n{headers}\r\n"
    );
    parse(&crate::rig::exchange(node.admin, &[head.as_bytes(), body].concat()))
}

fn digest(component: &Path) -> String {
    let bytes = std::fs::read(component).expect("a component");
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes);
    format!("sha256:{}", hex::encode(digest))
}

fn request(name: &str, digest: &str) -> Value {
    let route = format!("* /{name}/{{*rest}}");
    let function = json!({"name": name, "digest": digest, "http": [{"route": route}]});
    json!({"manifest": {"manifest": 1, "application": name, "function": [function]}})
}

#[test]
fn requests_that_do_not_fit_the_api_change_nothing() {
    let node = Node::start();
    let before = state(&node);
    let absent = format!("sha256:{}", "0".repeat(64));
    let deep = "[".repeat(100_000);
    let good = request("f", &absent).to_string();
    let mut extra = request("f", &absent);
    extra["manifest"]["secret"] = json!("x");
    for (method, path, body, code) in [
        ("PUT", "applications/f", "", "E0608"),
        ("PUT", "applications/f", "{", "E0608"),
        ("PUT", "applications/f", "[]", "E0608"),
        ("PUT", "applications/f", deep.as_str(), "E0608"),
        ("PUT", "applications/f", extra.to_string().as_str(), "E0608"),
        ("PUT", "applications/g", good.as_str(), "E0608"),
        ("PUT", "applications/f", request("../x", &absent).to_string().as_str(), "E0608"),
        ("PUT", "applications/f", request("f", "sha256:zz").to_string().as_str(), "E0608"),
        ("PUT", "applications/f", good.as_str(), "E0116"),
        ("PUT", "applications/..%2f..%2fx", good.as_str(), "E0105"),
        ("PUT", "applications/admin", good.as_str(), "E0105"),
        ("DELETE", "applications/%2e%2e", "", "E0105"),
        ("PUT", "artifacts/..%2f..%2fx", "x", "E0608"),
        ("PUT", "artifacts/sha256:00", "x", "E0608"),
        ("PUT", &format!("artifacts/{absent}"), "x", "E0112"),
        ("GET", "records/nonsense", "", "E0608"),
        ("GET", "records?before=nonsense", "", "E0608"),
        ("GET", "records?limit=-1", "", "E0608"),
        ("GET", "records?nonsense=1", "", "E0608"),
        ("GET", "logs?level=loud", "", "E0608"),
        ("GET", "logs?after=nonsense", "", "E0608"),
        ("POST", "tokens", r#"{"name":"../x"}"#, "E0608"),
        ("POST", "grants", r#"{"who":"public"}"#, "E0608"),
        ("BREW", "functions", "", "E0610"),
        ("GET", "nothing", "", "E0610"),
    ] {
        let reply = ask(&node, method, &format!("{MAIN}/{path}"), "", body.as_bytes());
        assert_eq!(reply.code(), code, "{method} {path}: {} {}", reply.status, reply.text());
        assert_eq!(reply.header("content-type"), Some("application/problem+json"), "{path}");
        assert!((400..500).contains(&reply.status), "{path}: {}", reply.status);
    }
    for scope in [
        "/v1/tenants/..%2f/environments/main",
        "/v1/tenants/default/environments/A",
        "/v1/tenants/system/environments/main",
    ] {
        assert_eq!(
            ask(&node, "GET", &format!("{scope}/functions"), "", b"").code(),
            "E0105",
            "{scope}"
        );
    }
    assert_eq!(state(&node), before);
    assert!(!node.said().contains("panicked"), "{}", node.said());
}

#[test]
fn a_component_that_is_too_large_is_refused_before_it_is_sent() {
    let dir = tempfile::tempdir().expect("a directory");
    let config = dir.path().join("node.toml");
    std::fs::write(&config, "artifact = \"10KiB\"\n").expect("written");
    let node = Node::start_with(&["--config", config.to_str().expect("text")]);
    let before = state(&node);
    // The larger one does not fit into what lies between the command and the node.
    let large = dir.path().join("large.wasm");
    std::fs::write(&large, vec![0; 20 << 20]).expect("written");
    for path in [example("hello"), large] {
        let output = node.run(&["deploy", path.to_str().expect("text")]);
        super::check_refused(&node, &output, "E0111", &["at most 10240 bytes"]);
        assert_eq!(state(&node), before);
    }
    // Who does not say how much it will be is stopped where it is too much.
    let (token, digest) = (node.operator(), digest(&example("hello")));
    let head = format!(
        "PUT {MAIN}/artifacts/{digest} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\
         authorization: Bearer {token}\r\ntransfer-encoding: chunked\r\n\r\n4000\r\n"
    );
    let bytes = [head.as_bytes(), &[0; 0x4000], b"\r\n0\r\n\r\n"].concat();
    assert_eq!(parse(&crate::rig::exchange(node.admin, &bytes)).code(), "E0111");
    // The same for a function's request.
    let node = Node::start();
    node.deploy(&example("echo"), "echo");
    let body = dir.path().join("large.wasm");
    let output = node.run(&["invoke", "echo", "--data", &format!("@{}", body.display())]);
    super::check_refused(&node, &output, "E0703", &["20971520 bytes"]);
}

#[test]
fn a_write_that_is_repeated_is_done_once_in_its_own_environment() {
    let node = Node::start();
    let (component, name) = (example("hello"), digest(&example("hello")));
    let bytes = std::fs::read(&component).expect("a component");
    assert_eq!(ask(&node, "PUT", &format!("{MAIN}/artifacts/{name}"), "", &bytes).status, 201);
    let body = request("hello", &name).to_string();
    let put = |scope: &str, headers: &str, body: &str| {
        ask(&node, "PUT", &format!("{scope}/applications/hello"), headers, body.as_bytes())
    };
    let key = "idempotency-key: deploy-42\r\n";
    let first = put(MAIN, key, &body);
    assert_eq!((first.status, first.header("etag")), (200, Some("\"1\"")));
    let again = put(MAIN, key, &body);
    assert_eq!((again.status, again.header("idempotent-replayed")), (200, Some("true")));
    assert_eq!(again.body, first.body);
    assert_eq!(put(MAIN, key, &body.replace("* /hello", "GET /hello")).code(), "E0609");
    // The key is another one in another environment.
    let staging = put("/v1/tenants/default/environments/staging", key, &body);
    assert_eq!(
        (staging.status, staging.header("idempotent-replayed")),
        (200, None),
        "{}",
        staging.text()
    );
    assert_eq!(node.json(&["--env", "staging", "functions"])["items"][0]["name"], "hello");
    // Whoever looked at an older deployment is told.
    let changed = body.replace("* /hello", "GET /hello");
    assert_eq!(put(MAIN, "if-match: \"7\"\r\n", &changed).code(), "E0117");
    assert_eq!(put(MAIN, "if-match: \"1\"\r\n", &changed).header("etag"), Some("\"2\""));
    assert_eq!(put(MAIN, "if-match: \"1\"\r\n", &body).code(), "E0117");
}
