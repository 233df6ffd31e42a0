//! A node that obtains its certificate from a directory, through its own doors.

use super::client::leaf;
use super::{Desk, findings, until};
use crate::pebble::Pebble;
use crate::rig::{Node, casemate, example, request};

const NAME: &str = "one.example";

fn config(desk: &Desk, pebble: &Pebble, challenge: &str) -> String {
    let (directory, root) = (&pebble.directory, &pebble.root);
    desk.config(&format!(
        "[tls.acme]\ndirectory = {directory:?}\ndirectory_ca = {root:?}\ndomains = [{NAME:?}]\n\
         challenge = {challenge:?}\nterms_agreed = true\n"
    ))
}

/// A node whose directory is down at its start, and then answers.
fn obtains(challenge: &str) -> (Desk, Pebble, Node, String, Vec<u8>) {
    let desk = Desk::new();
    let mut pebble = Pebble::prepare(desk.dir.path());
    let config = config(&desk, &pebble, challenge);
    let node = Node::start_on(&desk.path("home"), &["--config", &config]);
    let tls = node.tls.expect("an HTTPS listener");
    until("the log says that it failed", || node.said().contains("E0628").then_some(()));
    let found = findings(&node).remove(0);
    assert_eq!(found["verdict"], "problem", "{found}");
    assert_eq!(request(node.admin, "GET", "/readyz", None, b"").status, 200);
    let stand_in = leaf(tls, NAME);
    (pebble.http_port, pebble.tls_port) = (node.gateway.port(), tls.port());
    pebble.start();
    let obtained = until("a certificate", || {
        node.signal("HUP");
        Some(leaf(tls, NAME)).filter(|leaf| *leaf != stand_in)
    });
    until("the doctor is content", || (findings(&node)[0]["verdict"] == "ok").then_some(()));
    (desk, pebble, node, config, obtained)
}

#[test]
fn a_node_obtains_its_certificate_by_http_01_and_a_backup_holds_it_sealed() {
    let (desk, mut pebble, mut node, config, obtained) = obtains("http-01");
    // A token that nobody asked for is the guest's path, or nobody's.
    let path = "/.well-known/acme-challenge/unknown";
    assert_eq!(request(node.gateway, "GET", path, None, b"").status, 308);
    let backup = desk.path("backup.tar").display().to_string();
    node.ok(&["backup", &backup]);
    let bytes = std::fs::read(&backup).expect("a backup");
    let holds = |words: &[u8]| bytes.windows(words.len()).any(|window| window == words);
    assert!(holds(b"tls/acme/") && holds(b".sealed"));
    assert!(!holds(b"PRIVATE KEY") && !holds(b"key_pkcs8"), "a plain key is in the backup");
    assert_eq!(node.stop(), Some(0));
    pebble.stop();
    let (key, home) = (desk.path("home/root.key"), desk.path("restored"));
    let key = key.to_str().expect("text");
    let output = casemate()
        .args(["restore", &backup, "--root-key-file", key, "--home"])
        .arg(&home)
        .output()
        .expect("the binary runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let node = Node::start_on(&home, &["--config", &config, "--root-key-file", key]);
    assert_eq!(leaf(node.tls.expect("HTTPS"), NAME), obtained);
    assert_eq!(findings(&node)[0]["verdict"], "ok");
}

#[test]
fn a_node_obtains_its_certificate_by_tls_alpn_01_and_serves_functions_with_it() {
    let (_desk, _pebble, node, _, obtained) = obtains("tls-alpn-01");
    let token = node.deploy(&example("hello"), "hello");
    let tls = node.tls.expect("HTTPS");
    let (shown, reply) = super::get(tls, NAME, None, "/hello/you", Some(&token));
    assert_eq!((shown, reply.status), (obtained, 200));
    assert!(!node.said().contains("PRIVATE KEY"));
}

#[test]
fn a_directory_whose_terms_nobody_agreed_to_is_not_asked() {
    let desk = Desk::new();
    let path = desk.config(&format!(
        "[tls.acme]\ndirectory = \"https://127.0.0.1:1/dir\"\ndomains = [{NAME:?}]\n"
    ));
    let said = Node::try_start_on(&desk.path("home"), &["--config", &path]);
    let said = said.map(|_| ()).expect_err("refused");
    assert!(said.contains("E0627") && said.contains("terms_agreed = true"), "{said}");
    assert!(!desk.path("home").exists());
}
