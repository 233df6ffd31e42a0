//! The home: whose it is, who may use it, and what is said when it cannot be used.
//!
//! A node that refuses to start leaves the home as it was.

mod backup;
mod disk;
mod handing;
mod key;
mod rewrap;
mod unused;

use crate::rig::{Node, casemate, example, request};
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// What a node says that must not start on this home, behind its exit code.
fn refused(home: &Path, arguments: &[&str]) -> String {
    let mut child = casemate()
        .args(["up", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--home"])
        .arg(home)
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut ready = String::new();
    let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
    stdout.read_line(&mut ready).expect("readable");
    if !ready.is_empty() {
        child.kill().expect("killable");
        panic!("the node started: {ready}");
    }
    let output = child.wait_with_output().expect("ends");
    format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr))
}

/// Every file below a directory with its content, apart from the lock.
fn contents(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for path in below(directory) {
        if path.is_file() && path.file_name().is_some_and(|name| name != "lock") {
            found.insert(path.clone(), fs::read(&path).expect("readable"));
        }
    }
    found
}

/// Everything below a directory.
fn below(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("readable") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            found.extend(below(&path));
        }
        found.push(path);
    }
    found
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).expect("there").mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("chmod");
}

fn must_be_root(why: &str) {
    assert!(rustix::process::geteuid().is_root(), "run this test as root: it {why}");
}

/// A home with one function, whose node has stopped, and the function's token.
fn used() -> (tempfile::TempDir, PathBuf, String) {
    let dir = tempfile::tempdir().expect("a directory");
    let home = dir.path().join("home");
    let mut node = Node::start_on(&home, &[]);
    let token = node.deploy(&example("hello"), "hello");
    assert_eq!(node.get("/hello/you", Some(&token)).status, 200);
    assert_eq!(node.stop(), Some(0));
    (dir, home, token)
}

/// The node starts, and the function of [`used`] answers.
fn assert_works(home: &Path, arguments: &[&str], token: &str) {
    let mut node = Node::start_on(home, arguments);
    assert_eq!(node.get("/hello/you", Some(token)).status, 200);
    node.ok(&["ledger", "verify"]);
    assert_eq!(node.stop(), Some(0));
}

#[test]
fn everything_in_it_is_for_its_owner_only() {
    let node = Node::start();
    let token = node.deploy(&example("hello"), "hello");
    assert_eq!(node.get("/hello/you", Some(&token)).status, 200);
    let backup = node.home().with_file_name("backup.tar");
    node.ok(&["backup", backup.to_str().expect("text"), "--include-root-key"]);
    assert_eq!(mode(&backup), 0o600);
    assert_eq!(mode(node.home()), 0o700);
    for path in below(node.home()) {
        let expected = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&path), expected, "{}", path.display());
    }
    assert_eq!(fs::read_to_string(node.home().join(".gitignore")).expect("there"), "*\n");
}

#[test]
fn a_second_node_on_it_is_refused_and_the_first_goes_on() {
    let node = Node::start();
    let token = node.deploy(&example("hello"), "hello");
    let before = fs::read(node.home().join("node.json")).expect("there");
    let said = refused(node.home(), &[]);
    assert!(said.contains("E0601") && said.contains("hint: "), "{said}");
    assert_eq!(fs::read(node.home().join("node.json")).expect("there"), before);
    assert_eq!(node.get("/hello/you", Some(&token)).status, 200);
    node.ok(&["functions"]);
}

#[test]
fn a_home_of_somebody_else_is_refused() {
    must_be_root("gives a directory to another user");
    let dir = tempfile::tempdir().expect("a directory");
    set_mode(dir.path(), 0o700);
    chown(dir.path(), Some(65_534), None).expect("chown");
    let said = refused(dir.path(), &[]);
    assert!(said.contains("E0602") && said.contains("65534"), "{said}");
    assert_eq!(below(dir.path()), Vec::<PathBuf>::new());
    let (_dir, home, _) = used();
    chown(&home, Some(65_534), None).expect("chown");
    let before = contents(&home);
    assert!(refused(&home, &[]).contains("E0602"));
    assert_eq!(contents(&home), before);
}

#[test]
fn a_home_that_others_can_enter_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    for open in [0o755, 0o710, 0o701, 0o770] {
        set_mode(dir.path(), open);
        let said = refused(dir.path(), &[]);
        assert!(said.contains("E0602") && said.contains("hint: chmod 700"), "{said}");
        assert_eq!(below(dir.path()), Vec::<PathBuf>::new());
    }
    let node = Node::start();
    set_mode(node.home(), 0o755);
    assert!(node.fails(&["functions"]).1.contains("E0602"));
}

#[test]
fn a_taken_address_leaves_nothing_behind() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let dir = tempfile::tempdir().expect("a directory");
    let home = dir.path().join("home");
    for (key, other) in [("--listen", "--admin"), ("--admin", "--listen")] {
        let output = casemate()
            .args(["up", key, &address, other, "127.0.0.1:0", "--home"])
            .arg(&home)
            .output()
            .expect("the binary runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("E0604") && said.contains(&address), "{said}");
        assert!(!home.exists());
    }
}

#[test]
fn what_a_dead_node_left_is_recognised() {
    let dir = tempfile::tempdir().expect("a directory");
    let home = dir.path().join("home");
    let node = Node::start_on(&home, &[]);
    let token = node.deploy(&example("hello"), "hello");
    node.kill();
    assert!(home.join("node.json").exists());
    let run = |arguments: &[&str]| {
        let output = casemate().arg("--home").arg(&home).args(arguments).output();
        String::from_utf8(output.expect("runs").stderr).expect("text")
    };
    let said = run(&["functions"]);
    assert!(said.contains("E0606") && said.contains("hint: start one with `casemate up"), "{said}");
    // Another program has the process number now, and listens at the old address.
    let impostor = TcpListener::bind("127.0.0.1:0").expect("a port");
    impostor.set_nonblocking(true).expect("an option");
    let stale = serde_json::json!({
        "gateway": "127.0.0.1:1", "admin": impostor.local_addr().expect("an address"),
        "pid": std::process::id(), "boot": 7,
    });
    fs::write(home.join("node.json"), stale.to_string()).expect("written");
    let said = run(&["functions"]);
    assert!(said.contains("E0606"), "{said}");
    assert!(impostor.accept().is_err(), "the operator's token was taken to somebody else");
    assert_works(&home, &[], &token);
}

#[test]
fn a_newer_schema_is_refused_and_left_alone() {
    let (_dir, home, token) = used();
    let set = |version: u32| {
        let database = rusqlite::Connection::open(home.join("registry.db")).expect("opens");
        database.pragma_update(None, "user_version", version).expect("set");
    };
    let own: u32 = rusqlite::Connection::open(home.join("registry.db"))
        .and_then(|database| database.pragma_query_value(None, "user_version", |row| row.get(0)))
        .expect("a version");
    set(99);
    let before = contents(&home);
    let said = refused(&home, &[]);
    assert!(said.contains("E0503") && said.contains("99") && said.contains("hint: "), "{said}");
    assert_eq!(contents(&home), before);
    set(own);
    assert_works(&home, &[], &token);
}

#[test]
fn the_root_key_must_be_there_and_right_and_private() {
    let (_dir, home, token) = used();
    let key = home.join("root.key");
    let own = fs::read(&key).expect("readable");
    let (_other, other_home, _) = used();
    let foreign = fs::read(other_home.join("root.key")).expect("readable");
    let before = contents(&home);
    let check = |code: &str| {
        let changed = contents(&home);
        let said = refused(&home, &[]);
        assert!(said.contains(code) && said.contains("hint: "), "{code}: {said}");
        assert!(said.starts_with("exit status: 78"), "{said}");
        assert_eq!(contents(&home), changed);
    };
    fs::remove_file(&key).expect("removed");
    check("E1101");
    for (text, code) in [(&own[..40], "E1102"), (&b""[..], "E1102"), (&foreign[..], "E1104")] {
        fs::write(&key, text).expect("written");
        set_mode(&key, 0o600);
        check(code);
    }
    fs::write(&key, &own).expect("written");
    for open in [0o644, 0o640, 0o604, 0o660] {
        set_mode(&key, open);
        check("E1103");
    }
    set_mode(&key, 0o600);
    assert_eq!(contents(&home), before);
    assert_works(&home, &[], &token);
}

#[test]
fn the_root_key_can_be_kept_elsewhere() {
    let dir = tempfile::tempdir().expect("a directory");
    let (home, key) = (dir.path().join("home"), dir.path().join("key"));
    let elsewhere = ["--root-key-file", key.to_str().expect("text")];
    let mut node = Node::start_on(&home, &elsewhere);
    let token = node.deploy(&example("hello"), "hello");
    assert_eq!(node.stop(), Some(0));
    assert!(!home.join("root.key").exists());
    assert_eq!(mode(&key), 0o600);
    let said = refused(&home, &[]);
    assert!(said.contains("E1101") && said.contains("--root-key-file"), "{said}");
    assert!(!home.join("root.key").exists());
    assert_works(&home, &elsewhere, &token);
}

#[test]
fn a_deleted_operator_token_is_made_anew() {
    let (_dir, home, token) = used();
    let file = home.join("operator.token");
    let old = fs::read_to_string(&file).expect("readable");
    fs::remove_file(&file).expect("removed");
    let node = Node::start_on(&home, &[]);
    assert_ne!(node.operator(), old.trim());
    assert_eq!(mode(&file), 0o600);
    node.ok(&["functions"]);
    assert_eq!(request(node.admin, "GET", "/v1/node", Some(old.trim()), b"").code(), "E0804");
    assert_eq!(node.get("/hello/you", Some(&token)).status, 200);
    // It opens the admin listener only.
    let operator = node.operator();
    assert_eq!(node.get("/hello/you", Some(&operator)).code(), "E0801");
    drop(node);
    fs::write(&file, "nonsense\n").expect("written");
    let said = refused(&home, &[]);
    assert!(said.contains("operator.token") && said.contains("hint: remove the file"), "{said}");
}

#[test]
fn a_damaged_registry_is_named_and_nothing_else_is_touched() {
    let (_dir, home, token) = used();
    let file = home.join("registry.db");
    let whole = fs::read(&file).expect("readable");
    let mut header = whole.clone();
    header[..16].copy_from_slice(b"not a database!!");
    let mut pages = whole.clone();
    pages[4096..].fill(0xa5);
    let text = b"something else entirely\n".to_vec();
    for damaged in [header, pages, text, whole[..whole.len() / 2].to_vec(), Vec::new()] {
        fs::write(&file, &damaged).expect("written");
        let before = contents(&home);
        let said = refused(&home, &[]);
        assert!(said.contains("E0502") && said.contains("registry.db"), "{said}");
        assert!(said.contains("hint: Restore the last backup"), "{said}");
        assert_eq!(contents(&home).get(&file), Some(&damaged));
        let untouched = |mut all: BTreeMap<PathBuf, Vec<u8>>| {
            all.retain(|path, _| !path.to_string_lossy().contains("registry.db"));
            all
        };
        assert_eq!(untouched(contents(&home)), untouched(before));
    }
    fs::remove_file(&file).expect("removed");
    let said = refused(&home, &[]);
    assert!(said.contains("E0502") && said.contains("missing"), "{said}");
    assert!(!file.exists());
    fs::write(&file, &whole).expect("written");
    set_mode(&file, 0o600);
    assert_works(&home, &[], &token);
}

#[test]
fn doctor_names_a_damaged_segment_of_the_journal() {
    let (_dir, home, token) = used();
    let segment = "journal/t-default/0000000000000000.seg";
    let mut bytes = fs::read(home.join(segment)).expect("readable");
    let block = 128;
    bytes[block + 60] ^= 1;
    fs::write(home.join(segment), &bytes).expect("written");
    let node = Node::start_on(&home, &[]);
    let (code, _) = node.fails(&["doctor"]);
    let output = node.run(&["doctor"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("t-default/0000000000000000.seg at 128"), "{said}");
    assert_eq!(code, 1, "{said}");
    assert_eq!(node.get("/hello/you", Some(&token)).status, 200);
}

#[test]
fn what_a_crash_left_half_made_is_swept_away() {
    let (_dir, home, token) = used();
    let leftovers = [
        home.join("backups/making-0123456789abcdef/backup.tar"),
        home.join("artifacts/sha256/ab/.partial-1"),
    ];
    for leftover in &leftovers {
        fs::create_dir_all(leftover.parent().expect("a directory")).expect("made");
        fs::write(leftover, "half").expect("written");
    }
    let kept = home.join("backups/registry-v1-20260101T000000Z.db");
    fs::write(&kept, "a copy from before a migration").expect("written");
    assert_works(&home, &[], &token);
    assert!(leftovers.iter().all(|leftover| !leftover.exists()));
    assert!(kept.exists());
}
