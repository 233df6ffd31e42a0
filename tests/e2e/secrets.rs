//! Secrets through the real binary: set, used by a function that never sees them, and nowhere to be
//! found afterwards.

use crate::keeper::Keeper;
use crate::outside::heads;
use crate::rig::{Node, PATIENCE, guest};
use std::io::Write;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::mpsc;

const VALUE: &str = "sk_live_51H8xQ2eZvKYlo2C";

/// A server that sends back the head of every request and hands it out.
fn server() -> (SocketAddr, mpsc::Receiver<String>) {
    heads(|head| {
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", head.len());
        [answer.as_bytes(), head].concat()
    })
}

fn put(node: &Node, verb: &str, value: &str) -> std::process::Output {
    let mut child = crate::rig::casemate()
        .args(["secret", verb, "psp", "--home"])
        .arg(node.home())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    child.stdin.take().expect("a pipe").write_all(value.as_bytes()).expect("written");
    child.wait_with_output().expect("ends")
}

#[test]
fn a_secret_is_used_and_never_seen() {
    let (address, seen) = server();
    let dir = tempfile::tempdir().expect("a directory");
    let configuration = dir.path().join("casemate.conf");
    std::fs::write(&configuration, "[outbound]\nnetworks = [\"127.0.0.0/8\"]\n").expect("written");
    let mut node = Node::start_with(&["--config", configuration.to_str().expect("text")]);
    std::fs::copy(guest("misbehave"), dir.path().join("m.wasm")).expect("copied");
    let manifest = dir.path().join("casemate.toml");
    let text = format!(
        "manifest = 1\napplication = \"m\"\n[[function]]\nname = \"m\"\nsource = \"m.wasm\"\n\
         [function.allow]\nhttp = [\"GET http://{address}/*\"]\n\
         secret.psp = {{ to = \"http://{address}/v1\", bearer = true }}\n"
    );
    std::fs::write(&manifest, text).expect("written");
    let file = manifest.to_str().expect("text").to_owned();

    let (_, said) = node.fails(&["deploy", &file, "--grant"]);
    assert!(said.contains("E0523") && said.contains("casemate secret set psp"), "{said}");
    let weak = put(&node, "set", "hunter2\n");
    let said = String::from_utf8_lossy(&weak.stderr).into_owned();
    assert!(weak.status.success() && said.contains("cut off") && said.contains("plain"), "{said}");
    let taken = put(&node, "set", VALUE);
    assert!(String::from_utf8_lossy(&taken.stderr).contains("E0521"));
    let rotated = put(&node, "rotate", VALUE);
    assert!(String::from_utf8_lossy(&rotated.stdout).contains("version 2"));
    node.ok(&["deploy", &file, "--grant"]);
    let listed = node.json(&["secret", "list"]);
    assert_eq!(listed["items"][0]["used_by"][0], "m", "{listed}");

    let path = format!("/m/outbound?url=http://{address}/v1/pay");
    let said = node.ok(&["invoke", "m", "--path", &path]);
    assert!(said.contains("status 200"), "{said}");
    let head = seen.recv_timeout(PATIENCE).expect("a request");
    assert!(head.to_ascii_lowercase().contains("authorization: bearer"), "{head}");
    assert!(head.contains(VALUE), "{head}");
    let path = format!("/m/outbound?url=http://{address}/v2");
    node.ok(&["invoke", "m", "--path", &path]);
    let head = seen.recv_timeout(PATIENCE).expect("a request");
    assert!(!head.contains(VALUE), "another path: {head}");

    node.ok(&["secret", "remove", "psp"]);
    let path = format!("/m/outbound?url=http://{address}/v1/pay");
    let said = node.ok(&["invoke", "m", "--path", &path]);
    assert!(said.contains("HttpRequestDenied"), "{said}");
    let everything = format!(
        "{}{}{}{}",
        node.ok(&["records", "--format", "json"]),
        node.ok(&["logs", "--format", "json"]),
        node.ok(&["ledger", "show", "--format", "json"]),
        node.ok(&["secret", "list", "--format", "json"]),
    );
    assert!(everything.contains("secret-rotate") && everything.contains("secret.use"));
    assert!(!everything.contains(VALUE) && !everything.contains("hunter2"), "{everything}");
    let home = node.home().to_owned();
    assert_eq!(node.stop(), Some(0));
    let registry = std::fs::read(home.join("registry.db")).expect("the registry");
    let holds = |text: &str| registry.windows(text.len()).any(|bytes| bytes == text.as_bytes());
    assert!(!holds(VALUE) && !holds("hunter2"), "a value lies in the registry as it is");
}

#[test]
fn a_secret_is_read_only_with_a_grant_of_its_own() {
    let keeper = Keeper::open("");
    assert!(keeper.put("set", "db", VALUE).status.success());
    let file = keeper.manifest_of("stateful", "secret.db = { reveal = true }");
    let (node, path) = (&keeper.node, "/m/config-rc1/get?key=db");
    node.ok(&["deploy", &file]);
    let said = node.ok(&["invoke", "m", "--path", path]);
    assert!(said.contains("denied") && !said.contains(VALUE), "{said}");
    // To use it is not to read it.
    node.ok(&["grant", "function:m", "secret", "db for https://db.example"]);
    assert!(node.ok(&["invoke", "m", "--path", path]).contains("denied"));
    node.ok(&["grant", "function:m", "secret-reveal", "db"]);
    for path in [path, "/m/config-draft/get?key=db"] {
        let said = node.ok(&["invoke", "m", "--path", path]);
        assert!(said.contains(&format!("Ok(Some({VALUE:?}))")), "{said}");
    }
    let all = node.ok(&["invoke", "m", "--path", "/m/config-rc1/all"]);
    assert!(!all.contains(VALUE), "only who asks for it by its name reads it: {all}");
    node.ok(&["revoke", "function:m", "secret-reveal", "db"]);
    assert!(node.ok(&["invoke", "m", "--path", path]).contains("denied"));
    let everything = keeper.everything();
    let read = everything.matches(r#""operation":"secret.reveal""#).count();
    assert!(read == 5 || everything.matches("secret.reveal").count() >= 5, "each is recorded");
    assert!(everything.contains("E1420") && !everything.contains(VALUE), "{everything}");
}
