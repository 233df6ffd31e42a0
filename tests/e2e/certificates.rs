//! HTTPS from outside: certificates in files, from a directory, and what is said when they are bad.

mod acme;
pub(crate) mod client;
mod clients;

use crate::rig::{Node, PATIENCE, casemate, example, request};
use client::{Authority, get, leaf};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A directory with the files of one certificate and a configuration that names them.
struct Desk {
    dir: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a directory") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn put(&self, (certificate, key): &(String, String)) {
        std::fs::write(self.path("a.pem"), certificate).expect("written");
        std::fs::write(self.path("a.key"), key).expect("written");
        set_mode(&self.path("a.key"), 0o600);
    }

    /// The path of a configuration with this text after `[tls]` and its listener.
    fn config(&self, rest: &str) -> String {
        let path = self.path("casemate.conf");
        let text = format!("[tls]\nlisten = \"127.0.0.1:0\"\n{rest}");
        std::fs::write(&path, text).expect("written");
        path.display().to_string()
    }

    fn config_of_files(&self) -> String {
        let (certificate, key) = (self.path("a.pem"), self.path("a.key"));
        self.config(&format!("[[tls.certificate]]\ncertificate = {certificate:?}\nkey = {key:?}\n"))
    }
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("chmod");
}

/// What `casemate doctor` finds about certificates.
fn findings(node: &Node) -> Vec<Value> {
    // It fails where it finds a problem, and prints all the same.
    let output = node.run(&["--format", "json", "doctor"]);
    let all: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let items = all["items"].as_array().or_else(|| all.as_array()).expect("a list").clone();
    items.into_iter().filter(|one| one["check"] == "certificate").collect()
}

fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begin.elapsed() < PATIENCE, "never: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn https_answers_with_the_operators_certificate_and_plain_http_leads_there() {
    let (desk, ca) = (Desk::new(), Authority::new());
    let own = ca.issue(&["a.example"]);
    desk.put(&own);
    let node = Node::start_with(&["--config", &desk.config_of_files()]);
    let tls = node.tls.expect("an HTTPS listener");
    let token = node.deploy(&example("hello"), "hello");
    let (shown, reply) = get(tls, "a.example", Some(&ca.pem), "/hello/you", Some(&token));
    assert_eq!((shown, reply.status), (client::der(&own.0), 200));
    assert_eq!(get(tls, "a.example", Some(&ca.pem), "/hello/you", None).1.status, 401);
    let plain = request(node.gateway, "GET", "/hello/you?x", Some(&token), b"");
    assert_eq!(plain.status, 308);
    let there = format!("https://localhost:{}/hello/you?x", tls.port());
    assert_eq!(plain.header("location"), Some(there.as_str()));
    assert_eq!(findings(&node)[0]["verdict"], "ok");
    // Who does not speak TLS, or does not trust the certificate, is counted.
    assert_eq!(request(tls, "GET", "/", None, b"").status, 400);
    let stranger = Authority::new();
    let _ = client::knock(tls, &stranger.pem, None, b"GET / HTTP/1.1\r\n\r\n");
    until("both are counted", || {
        let said = node.ok(&["doctor"]);
        let both = ["1 no TLS spoken", "1 the client refused our certificate"];
        both.iter().all(|reason| said.contains(reason)).then_some(())
    });
}

#[test]
fn a_certificate_that_cannot_be_used_is_refused_before_a_home_is_made() {
    let (desk, ca) = (Desk::new(), Authority::new());
    let config = desk.config_of_files();
    let refused = |code: &str, word: &str| {
        let home = desk.path("home");
        let output = casemate()
            .args(["up", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--config", &config])
            .arg("--home")
            .arg(&home)
            .output()
            .expect("the binary runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains("hint: "), "{said}");
        assert!(said.contains(code) && said.contains(word), "{code} {word}: {said}");
        assert!(!home.exists(), "{code}");
    };
    refused("E0620", "a.pem");
    let (good, other) = (ca.issue(&["a.example"]), ca.issue(&["a.example"]));
    desk.put(&(good.0.clone(), other.1));
    refused("E0623", "a.key");
    desk.put(&ca.issue_until(&["a.example"], 2021));
    refused("E0624", "expired at 2021");
    desk.put(&good);
    set_mode(&desk.path("a.key"), 0o644);
    refused("E0622", "chmod 600");
}

#[test]
fn a_bad_reload_is_loud_and_the_old_certificate_stays() {
    let (desk, ca) = (Desk::new(), Authority::new());
    let (first, second) = (ca.issue(&["a.example"]), ca.issue(&["a.example"]));
    desk.put(&first);
    let mut node = Node::start_with(&["--config", &desk.config_of_files()]);
    let tls = node.tls.expect("an HTTPS listener");
    desk.put(&(second.0.clone(), first.1.clone()));
    until("the log says so", || node.said().contains("E0623").then_some(()));
    assert!(node.said().contains("the old one stays in use"), "{}", node.said());
    assert_eq!(leaf(tls, "a.example"), client::der(&first.0));
    let found = findings(&node).remove(0);
    assert_eq!(found["verdict"], "warning");
    assert!(found["found"].as_str().is_some_and(|text| text.contains("E0623")), "{found}");
    assert_eq!(request(node.admin, "GET", "/readyz", None, b"").status, 200);
    desk.put(&second);
    node.signal("HUP");
    until("the new one", || (leaf(tls, "a.example") == client::der(&second.0)).then_some(()));
    assert_eq!(findings(&node)[0]["verdict"], "ok");
    assert!(!node.said().contains("PRIVATE KEY"));
    assert_eq!(node.stop(), Some(0));
}

#[test]
fn a_node_without_certificates_survives_sighup() {
    let mut node = Node::start();
    node.signal("HUP");
    until("it says so", || node.said().contains("no certificates to read again").then_some(()));
    assert_eq!(request(node.admin, "GET", "/readyz", None, b"").status, 200);
    assert_eq!(node.stop(), Some(0));
}

#[test]
fn a_certificate_that_expires_soon_is_named_by_the_doctor() {
    let (desk, ca) = (Desk::new(), Authority::new());
    desk.put(&ca.issue_for_days(&["a.example"], 10));
    let node = Node::start_with(&["--config", &desk.config_of_files()]);
    let found = findings(&node).remove(0);
    assert_eq!(found["verdict"], "warning");
    assert!(found["hint"].as_str().is_some_and(|hint| hint.contains("renew")), "{found}");
}

#[test]
fn a_self_signed_certificate_is_made_by_a_flag_and_survives_a_restart() {
    let dir = tempfile::tempdir().expect("a directory");
    let home = dir.path().join("home");
    let flags = ["--tls-self-signed", "--tls-listen", "127.0.0.1:0"];
    let mut node = Node::start_on(&home, &flags);
    let token = node.deploy(&example("hello"), "hello");
    let first = leaf(node.tls.expect("HTTPS"), "localhost");
    // For trying: plain HTTP goes on.
    assert_eq!(node.get("/hello/you", Some(&token)).status, 200);
    assert_eq!(node.stop(), Some(0));
    let node = Node::start_on(&home, &flags);
    assert_eq!(leaf(node.tls.expect("HTTPS"), "localhost"), first);
    let (_, reply) = get(node.tls.expect("HTTPS"), "localhost", None, "/hello/you", Some(&token));
    assert_eq!(reply.status, 200);
}
