//! The ledger: whatever was changed in it is found, and named.

use crate::line::Line;
use crate::rig::{Node, casemate, example};
use rusqlite::Connection;
use rusqlite::types::Value as Cell;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// Acts beyond a whole tile, so that tiles of both kinds and of two levels are there.
const ACTS: usize = 260;

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

/// Copies a home whose node has stopped.
fn copy(from: &Path, to: &Path) {
    let status = std::process::Command::new("cp").arg("-a").args([from, to]).status();
    assert!(status.expect("cp runs").success());
}

/// Runs `ledger verify` where no node runs.
fn verify(arguments: &[&str]) -> Result<String, String> {
    let output = casemate().args(["ledger", "verify"]).args(arguments).output().expect("runs");
    let of = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    if output.status.success() { Ok(of(output.stdout)) } else { Err(of(output.stderr)) }
}

/// What is wrong with the ledger of a home.
fn finding(home: &Path, arguments: &[&str]) -> String {
    let mut all = vec!["--home", text(home)];
    all.extend(arguments);
    verify(&all).expect_err("something was changed")
}

/// A home with a ledger of more than 256 entries, whose node has stopped.
fn busy(dir: &Path) -> PathBuf {
    let home = dir.join("home");
    let mut node = Node::start_on(&home, &[]);
    node.deploy(&example("hello"), "hello");
    let operator = node.operator();
    let mut admin = Line::open(node.admin).expect("it listens");
    let grant = json!({ "who": "public", "action": "invoke", "function": "hello" }).to_string();
    for act in 0..ACTS {
        let path = if act % 2 == 0 { "grants" } else { "grants/revoke" };
        let path = format!("/v1/tenants/default/environments/main/{path}");
        let reply = admin.ask("POST", &path, &operator, &grant).expect("an answer");
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    assert_eq!(node.stop(), Some(0));
    home
}

/// Changes one byte of a column.
fn tamper(home: &Path, column: &str, table: &str, row: &str) {
    let database = Connection::open(home.join("registry.db")).expect("opens");
    let select = format!("SELECT {column} FROM {table} WHERE {row}");
    let flip = |mut bytes: Vec<u8>| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        bytes
    };
    let changed = match database.query_row(&select, [], |row| row.get(0)).expect("a row") {
        Cell::Blob(bytes) => Cell::Blob(flip(bytes)),
        Cell::Text(text) => Cell::Text(String::from_utf8(flip(text.into_bytes())).expect("ASCII")),
        other => panic!("{other:?}"),
    };
    let update = format!("UPDATE {table} SET {column} = ?1 WHERE {row}");
    assert_eq!(database.execute(&update, [changed]).expect("changed"), 1);
}

#[test]
fn one_changed_byte_is_found_and_named() {
    let dir = tempfile::tempdir().expect("a directory");
    let home = busy(dir.path());
    let verified = verify(&["--home", text(&home)]).expect("all is well");
    assert!(verified.starts_with("verified 263 entries"), "{verified}");
    let database = home.join("registry.db");
    let sound = fs::read(&database).expect("readable");
    let mut cases = Vec::new();
    for leaf in [0, 1, 2, 100, 255, 256, 262] {
        cases.push((
            "bytes",
            "ledger_leaf",
            format!("seq = {leaf}"),
            "E1201",
            format!("entry {leaf} "),
        ));
    }
    for (level, number) in [(0, 0), (0, 1), (1, 0)] {
        let row = format!("level = {level} AND number = {number}");
        cases.push(("hashes", "ledger_tile", row, "E1202", format!("tile {level}/{number} ")));
    }
    for size in [1, 2, 128, 256, 257, 263] {
        let named = format!("checkpoint over {size} entries");
        cases.push(("note", "ledger_checkpoint", format!("size = {size}"), "E1203", named));
    }
    for (column, table, row, code, named) in cases {
        tamper(&home, column, table, &row);
        let said = finding(&home, &[]);
        assert!(said.contains(code) && said.contains(&named), "{table} {row}: {said}");
        fs::write(&database, &sound).expect("written");
    }
    for (table, row, code, named) in [
        ("ledger_leaf", "seq = 100", "E1201", "entry 100 "),
        ("ledger_tile", "level = 0 AND number = 0", "E1202", "tile 0/0 is missing"),
        ("ledger_checkpoint", "size = 200", "E1203", "over 200 entries is missing"),
    ] {
        let delete = format!("DELETE FROM {table} WHERE {row}");
        Connection::open(&database).expect("opens").execute(&delete, []).expect("deleted");
        let said = finding(&home, &[]);
        assert!(said.contains(code) && said.contains(named), "{table} {row}: {said}");
        fs::write(&database, &sound).expect("written");
    }
    verify(&["--home", text(&home)]).expect("all is well again");
}

#[test]
fn a_node_that_runs_on_a_changed_ledger_says_so() {
    let dir = tempfile::tempdir().expect("a directory");
    let home = dir.path().join("home");
    let mut node = Node::start_on(&home, &[]);
    let token = node.deploy(&example("hello"), "hello");
    assert_eq!(node.stop(), Some(0));
    tamper(&home, "bytes", "ledger_leaf", "seq = 1");
    let node = Node::start_on(&home, &[]);
    assert_eq!(node.get("/hello/you", Some(&token)).status, 200);
    let said = node.fails(&["ledger", "verify"]).1;
    assert!(said.contains("E1201") && said.contains("entry 1 "), "{said}");
    let doctor = String::from_utf8(node.run(&["doctor"]).stdout).expect("text");
    let line = doctor.lines().find(|line| line.contains("ledger")).expect("a finding");
    assert!(line.starts_with("problem") && line.contains("entry 1 "), "{line}");
}

#[test]
fn history_that_was_rewritten_is_found_by_a_checkpoint_kept_elsewhere() {
    let dir = tempfile::tempdir().expect("a directory");
    let (home, other) = (dir.path().join("home"), dir.path().join("other"));
    let (export, kept) = (dir.path().join("export"), dir.path().join("kept"));
    let mut node = Node::start_on(&home, &[]);
    node.deploy(&example("hello"), "hello");
    assert_eq!(node.stop(), Some(0));
    copy(&home, &other);
    let mut node = Node::start_on(&home, &[]);
    node.ok(&["grant", "public", "invoke", "hello"]);
    node.ok(&["ledger", "export", text(&export)]);
    fs::copy(export.join("checkpoint"), &kept).expect("copied");
    node.ok(&["revoke", "public", "invoke", "hello"]);
    node.ok(&["ledger", "verify", "--since", text(&kept)]);
    assert_eq!(node.stop(), Some(0));
    let since = ["--since", text(&kept)];
    // With the last act taken away, all that is left fits together.
    verify(&["--home", text(&other)]).expect("it agrees with itself");
    let said = finding(&other, &since);
    assert!(said.contains("E1204") && said.contains("is over 4 entries"), "{said}");
    // So it does with another act in its place, signed with the true key.
    let node = Node::start_on(&other, &[]);
    node.ok(&["token", "create", "forged", "--invoke", "hello"]);
    node.ok(&["ledger", "verify"]);
    let said = node.fails(&["ledger", "verify", "--since", text(&kept)]).1;
    assert!(said.contains("E1204") && said.contains("first 4 entries"), "{said}");
    // Another node's ledger, and a file that is no checkpoint.
    let third = Node::start();
    let said = third.fails(&["ledger", "verify", "--since", text(&kept)]).1;
    assert!(said.contains("E1204"), "{said}");
    fs::write(&kept, "nonsense\n").expect("written");
    assert!(finding(&home, &since).contains("E1204"));
}

#[test]
fn an_export_verifies_anywhere_until_a_byte_of_it_is_changed() {
    let dir = tempfile::tempdir().expect("a directory");
    let home = busy(dir.path());
    let export = dir.path().join("export");
    let ran = casemate()
        .args(["ledger", "export", text(&export), "--home", text(&home)])
        .output()
        .expect("runs");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let key = fs::read_to_string(export.join("verifier-key")).expect("readable");
    let kept = export.join("checkpoint");
    let good = [text(&export), "--key", key.trim(), "--since", text(&kept)];
    let verified = verify(&good).expect("all is well");
    assert!(verified.contains("continues the kept checkpoint over 263 entries"), "{verified}");
    for (file, code) in [
        ("checkpoint", "E1203"),
        ("checkpoints/001", "E1203"),
        ("checkpoints/128", "E1203"),
        ("tile/0/000", "E1202"),
        ("tile/0/001.p/7", "E1202"),
        ("tile/1/000.p/1", "E1202"),
        ("tile/entries/000", "E1201"),
        ("tile/entries/001.p/7", "E1201"),
    ] {
        let path = export.join(file);
        let sound = fs::read(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
        let mut changed = sound.clone();
        changed[sound.len() / 2] ^= 1;
        fs::write(&path, changed).expect("written");
        let said = verify(&[text(&export)]).expect_err("changed");
        assert!(said.contains(code), "{file}: {said}");
        fs::remove_file(&path).expect("removed");
        let said = verify(&[text(&export)]).expect_err("removed");
        assert!(said.contains("error[E120"), "{file}: {said}");
        fs::write(&path, sound).expect("written");
    }
    fs::write(export.join("tile/0/999"), "more").expect("written");
    assert!(verify(&[text(&export)]).expect_err("added").contains("E1202"));
}

#[test]
fn a_record_names_the_revision_and_the_policies_that_decided() {
    let node = Node::start();
    let token = node.deploy(&example("hello"), "hello");
    let call = || node.ended(&node.get("/hello/you", Some(&token)));
    let first = call();
    let digest = |function: &Value| function["digest"].clone();
    assert_eq!(first["digest"], digest(&node.json(&["functions"])["items"][0]));
    assert_eq!(first["revision"], 1);
    // The ledger holds what that digest is.
    let entries = node.json(&["ledger", "show"]);
    let deployed = entries["items"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|entry| entry["act"]["kind"] == "deploy");
    let listed = &deployed.expect("an entry")["act"]["functions"]["first"][0];
    assert_eq!((digest(listed), &listed["revision"]), (first["digest"].clone(), &json!(1)));
    assert_eq!(call()["policy"], first["policy"], "nothing has changed");
    node.ok(&["grant", "public", "invoke", "hello"]);
    let second = call();
    assert_ne!(second["policy"], first["policy"]);
    node.ok(&["revoke", "public", "invoke", "hello"]);
    assert_eq!(call()["policy"], first["policy"], "the same policies again");
    node.ok(&["deploy", text(&example("echo")), "--name", "hello"]);
    let third = call();
    assert_eq!(third["revision"], 2);
    assert_ne!(third["digest"], first["digest"]);
    node.ok(&["rollback", "hello"]);
    assert_eq!(call()["digest"], first["digest"]);
}
