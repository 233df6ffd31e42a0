//! A disk that runs full, and what goes on then.

use super::{below, must_be_root};
use crate::rig::{Node, PATIENCE, example, guest, request};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A small file system. Unmounted when dropped.
struct Disk {
    dir: tempfile::TempDir,
}

impl Disk {
    fn mount(megabytes: u32) -> Self {
        must_be_root("mounts a small file system to fill it");
        let dir = tempfile::tempdir().expect("a directory");
        let output = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={megabytes}m,mode=0700"), "tmpfs"])
            .arg(dir.path())
            .output()
            .expect("mount runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "this test must be allowed to mount a tmpfs: {said}");
        Self { dir }
    }

    fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    fn filler(&self) -> PathBuf {
        self.dir.path().join("filler")
    }

    /// Takes every byte that is free.
    fn fill(&self) {
        let mut file =
            OpenOptions::new().create(true).append(true).open(self.filler()).expect("opens");
        for size in [1 << 20, 1 << 12, 1] {
            while file.write_all(&vec![0x5a; size]).is_ok() {}
        }
    }

    /// Gives a little of it back.
    fn leave(&self, bytes: u64) {
        let file = OpenOptions::new().write(true).open(self.filler()).expect("opens");
        file.set_len(file.metadata().expect("there").len() - bytes).expect("shortened");
    }

    fn free(&self) {
        fs::remove_file(self.filler()).expect("removed");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ended = Command::new("umount").arg("-l").arg(self.dir.path()).status();
    }
}

const STRICT: &str = r#"
manifest = 1
application = "strict"

[[function]]
name = "strict"
source = "hello.wasm"
record = "strict"
[[function.http]]
route = "GET /strict"
"#;

/// Asks again until the answer has this status.
fn until(node: &Node, path: &str, token: &str, status: u16) -> crate::rig::Reply {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let reply = node.get(path, Some(token));
        if reply.status == status {
            return reply;
        }
        assert!(Instant::now() < deadline, "{path} still answers {}", reply.status);
        sleep(Duration::from_millis(50));
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

/// What `doctor` finds about the journal: a verdict and words.
fn journal(node: &Node) -> (String, String) {
    let output = node.run(&["--format", "json", "doctor"]);
    let page: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let findings = page["items"].as_array().or_else(|| page.as_array()).expect("a list").clone();
    let found = findings.iter().find(|finding| finding["check"] == "journal").expect("there");
    let word = |key: &str| found[key].as_str().unwrap_or_default().to_owned();
    (word("verdict"), word("hint"))
}

fn files_beside_the_journal(home: &Path) -> Vec<PathBuf> {
    let mut files = below(home);
    files.retain(|path| path.is_file() && !path.starts_with(home.join("journal")));
    files
}

/// A component that was uploaded and belongs to no deployment yet is kept for the next try.
fn is_component(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.to_string_lossy().contains("/artifacts/") && name.len() == 64
}

#[test]
fn a_full_disk_is_survived_without_a_restart() {
    let disk = Disk::mount(32);
    let config = disk.dir.path().join("casemate.conf");
    fs::write(&config, "[journal]\nsize = \"2MiB\"\ncontrol = \"1MiB\"\n").expect("written");
    let mut node = Node::start_on(&disk.home(), &["--config", text(&config)]);
    let token = node.deploy(&example("hello"), "hello");
    assert!(node.deploy_manifest(STRICT, &[("hello.wasm", &example("hello"))]).status.success());
    let strict = node.ok(&["token", "create", "strict", "--invoke", "strict"]).trim().to_owned();
    assert_eq!(node.get("/strict", Some(&strict)).status, 200);
    let leaked = node.ok(&["token", "create", "leaked", "--invoke", "hello"]).trim().to_owned();
    // So small a disk counts as nearly full from the start.
    assert_eq!(journal(&node).0, "warning");
    let before = node.json(&["ledger", "show"]);
    let files = files_beside_the_journal(&disk.home());
    disk.fill();
    // The journal may still have some room of its own; then it has not.
    let refusal = until(&node, "/strict", &strict, 503);
    assert_eq!(refusal.code(), "E0505");
    assert_eq!(node.get("/hello/you", Some(&token)).status, 200);
    let said = node.fails(&["deploy", text(&example("echo")), "--name", "hello"]).1;
    assert!(said.contains("E0501") && said.contains("hint: "), "{said}");
    let copy = disk.dir.path().with_extension("tar");
    let said = node.fails(&["backup", text(&copy)]).1;
    assert!(said.contains("E0501") && !copy.exists(), "{said}");
    // Room for the component, and not for its compiled form.
    disk.leave(160 << 10);
    let said = node.fails(&["deploy", text(&guest("misbehave")), "--name", "hello"]).1;
    assert!(said.contains("E0501"), "{said}");
    assert_eq!(node.json(&["ledger", "show"]), before);
    let left = files_beside_the_journal(&disk.home());
    let new: Vec<_> = left.iter().filter(|file| !files.contains(file)).collect();
    assert!(new.iter().all(|file| is_component(file)), "{new:?}");
    assert_eq!(node.get("/hello/you", Some(&token)).text(), "Hello from Casemate, you\n");
    disk.fill();
    until(&node, "/strict", &strict, 503);
    // A right can be taken away all the same: there is a reserve for that.
    assert_eq!(node.get("/hello/you", Some(&leaked)).status, 200);
    node.ok(&["token", "revoke", "leaked"]);
    assert_eq!(node.get("/hello/you", Some(&leaked)).code(), "E0801");
    assert_eq!(node.get("/strict", Some(&strict)).code(), "E0505", "traffic has no part in it");
    let (verdict, hint) = journal(&node);
    assert!(verdict == "problem" && hint.contains("E0505"), "{verdict} {hint}");
    assert_eq!(request(node.admin, "GET", "/healthz", None, b"").status, 200);
    node.ok(&["ledger", "verify"]);
    disk.free();
    until(&node, "/strict", &strict, 200);
    let reply = until(&node, "/hello/you", &token, 200);
    assert_eq!(node.ended(&reply)["outcome"], "ok");
    assert_eq!(journal(&node).0, "warning");
    node.ok(&["deploy", text(&example("echo")), "--name", "hello"]);
    assert_eq!(request(node.gateway, "POST", "/hello/x", Some(&token), b"abc").text(), "abc");
    node.ok(&["ledger", "verify"]);
    assert_eq!(node.stop(), Some(0));
}

#[test]
fn a_node_starts_on_a_full_disk_and_recovers() {
    let disk = Disk::mount(32);
    let mut node = Node::start_on(&disk.home(), &[]);
    let token = node.deploy(&example("hello"), "hello");
    assert_eq!(node.stop(), Some(0));
    disk.fill();
    let mut node = Node::start_on(&disk.home(), &[]);
    assert_eq!(node.get("/hello/you", Some(&token)).status, 200);
    disk.free();
    let reply = until(&node, "/hello/you", &token, 200);
    assert_eq!(node.ended(&reply)["outcome"], "ok");
    assert_eq!(node.stop(), Some(0));
}
