//! Backups, made while the node works, and what becomes of them.

use super::{assert_works, below, mode, refused, used};
use crate::line::Line;
use crate::rig::{Node, casemate, example};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, spawn};

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

fn restore(backup: &Path, home: &Path, arguments: &[&str]) -> Output {
    let mut command = casemate();
    command.args(["restore", text(backup), "--home", text(home)]).args(arguments);
    command.output().expect("the binary runs")
}

/// Restores what must be restored.
fn restored(backup: &Path, home: &Path) {
    let output = restore(backup, home, &[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// What is said about a backup that cannot be restored, and that nothing came of it.
fn refuses(backup: &Path) -> String {
    let dir = tempfile::tempdir().expect("a directory");
    let output = restore(backup, &dir.path().join("home"), &[]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(below(dir.path()), Vec::<PathBuf>::new());
    String::from_utf8(output.stderr).expect("text")
}

/// Calls a function again and again until it is told to stop; gives how often it was answered.
fn caller(node: &Node, path: &'static str, token: &str, stop: &Arc<AtomicBool>) -> JoinHandle<u32> {
    let (to, token, stop) = (node.gateway, token.to_owned(), Arc::clone(stop));
    spawn(move || {
        let mut line = Line::open(to).expect("it listens");
        let mut answers = 0;
        while !stop.load(Ordering::Relaxed) {
            let reply = line.ask("GET", path, &token, "").expect("an answer");
            assert_eq!(reply.status, 200);
            answers += 1;
        }
        answers
    })
}

/// Each node listens elsewhere.
fn without_urls(mut list: Value) -> Value {
    for item in list["items"].as_array_mut().into_iter().flatten() {
        if let Some(function) = item.as_object_mut() {
            function.remove("urls");
        }
    }
    list
}

#[test]
fn a_backup_under_load_brings_everything_back() {
    let dir = tempfile::tempdir().expect("a directory");
    let node = Node::start();
    let token = node.deploy(&example("hello"), "hello");
    node.deploy(&example("words"), "words");
    node.ok(&["deploy", text(&example("echo")), "--name", "hello"]);
    node.ok(&["rollback", "hello"]);
    let ledger = dir.path().join("ledger");
    node.ok(&["ledger", "export", text(&ledger)]);
    let stop = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..2).map(|_| caller(&node, "/hello/you", &token, &stop)).collect();
    node.records(20);
    node.ok(&["grant", "public", "invoke", "words"]);
    let before = node.json(&["records", "-n", "20"]);
    let backup = dir.path().join("backup.tar");
    node.ok(&["backup", text(&backup), "--include-root-key"]);
    stop.store(true, Ordering::Relaxed);
    assert!(callers.into_iter().all(|caller| caller.join().expect("no failure") > 0));
    let seen = |node: &Node| {
        ["functions", "grants", "token list", "revisions hello"]
            .map(|command| node.json(&command.split(' ').collect::<Vec<_>>()))
            .map(without_urls)
    };
    let home = dir.path().join("new/home");
    restored(&backup, &home);
    assert_eq!(mode(&home), 0o700);
    let mut again = Node::start_on(&home, &[]);
    assert_eq!(seen(&again), seen(&node));
    let reply = again.get("/hello/you", Some(&token));
    assert_eq!((reply.status, reply.text().as_str()), (200, "Hello from Casemate, you\n"));
    for record in before["items"].as_array().expect("a list") {
        let id = record["id"].as_str().expect("an id");
        assert_eq!(again.json(&["record", id]), *record);
    }
    let kept = ledger.join("checkpoint");
    let verified = again.json(&["ledger", "verify", "--since", text(&kept)]);
    assert_eq!(verified["verified"], true);
    let entries = again.json(&["ledger", "show"]);
    let newest = entries["items"].as_array().and_then(|items| items.last()).expect("an entry");
    assert_eq!(newest["act"]["kind"], "restored");
    assert_ne!(again.operator(), node.operator(), "the operator's token is the home's own");
    assert_eq!(again.stop(), Some(0));
    // It is said once.
    let again = Node::start_on(&home, &[]);
    assert_eq!(again.json(&["ledger", "show"])["items"], entries["items"]);
}

#[test]
fn key_value_files_are_part_of_a_backup() {
    let dir = tempfile::tempdir().expect("a directory");
    let (_used, home, token) = used();
    let kv = home.join("kv");
    fs::create_dir(&kv).expect("made");
    // Any database will do: it is copied as one, and opened when a function asks for it.
    fs::copy(home.join("registry.db"), kv.join("acme.db")).expect("copied");
    fs::write(kv.join("acme.db.old"), "not ours").expect("written");
    let node = Node::start_on(&home, &[]);
    let backup = dir.path().join("backup.tar");
    node.ok(&["backup", text(&backup), "--include-root-key"]);
    drop(node);
    let new = dir.path().join("new");
    restored(&backup, &new);
    assert_eq!(below(&new.join("kv")), [new.join("kv/acme.db")]);
    assert_eq!((mode(&new.join("kv")), mode(&new.join("kv/acme.db"))), (0o700, 0o600));
    let bytes = fs::read(new.join("kv/acme.db")).expect("readable");
    assert!(bytes.starts_with(b"SQLite format 3\0"));
    assert_works(&new, &[], &token);
}

#[test]
fn a_backup_without_the_root_key_needs_it_from_elsewhere() {
    let dir = tempfile::tempdir().expect("a directory");
    let (_used, home, token) = used();
    let node = Node::start_on(&home, &[]);
    let backup = dir.path().join("backup.tar");
    node.ok(&["backup", text(&backup)]);
    drop(node);
    let key = fs::read_to_string(home.join("root.key")).expect("readable");
    let key = key.lines().find_map(|line| line.strip_prefix("key ")).expect("a key");
    let bytes = fs::read(&backup).expect("readable");
    assert!(!bytes.windows(key.len()).any(|window| window == key.as_bytes()));
    let new = dir.path().join("new");
    restored(&backup, &new);
    assert!(!new.join("root.key").exists());
    assert!(refused(&new, &[]).contains("E1101"));
    let (_other, foreign, _) = used();
    let foreign = foreign.join("root.key");
    assert!(refused(&new, &["--root-key-file", text(&foreign)]).contains("E1104"));
    assert_works(&new, &["--root-key-file", text(&home.join("root.key"))], &token);
    // Nor is it restored at all beside a key that is none.
    fs::write(&foreign, "nonsense").expect("written");
    let third = dir.path().join("third");
    let output = restore(&backup, &third, &["--root-key-file", text(&foreign)]);
    assert_eq!(output.status.code(), Some(78));
    assert!(!third.exists());
}

#[test]
fn a_cut_changed_or_foreign_backup_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let (_used, home, _) = used();
    let good = dir.path().join("good.tar");
    Node::start_on(&home, &[]).ok(&["backup", text(&good), "--include-root-key"]);
    let bytes = fs::read(&good).expect("readable");
    let bad = dir.path().join("bad.tar");
    let check = |bytes: &[u8], what: &str| {
        fs::write(&bad, bytes).expect("written");
        let said = refuses(&bad);
        assert!(said.contains("E0507") && said.contains("hint: "), "{what}: {said}");
    };
    for cut in [0, 1, 511, 512, 700, bytes.len() / 3, bytes.len() / 2, bytes.len() - 2_000] {
        check(&bytes[..cut], &format!("cut at {cut}"));
    }
    // One byte of each file, and one of each file's name.
    let mut archive = tar::Archive::new(bytes.as_slice());
    let entries = archive.entries().expect("a tar").skip(1);
    let places: Vec<(String, u64, u64)> = entries
        .map(|entry| {
            let entry = entry.expect("an entry");
            let name = entry.path().expect("a path").display().to_string();
            (name, entry.raw_header_position(), entry.raw_file_position() + entry.size() / 2)
        })
        .collect();
    assert!(places.len() >= 4, "{places:?}");
    for (name, header, content) in places {
        for at in [header, content] {
            let mut changed = bytes.clone();
            changed[usize::try_from(at).expect("small")] ^= 1;
            check(&changed, &format!("{name} changed at {at}"));
        }
    }
    check(b"#!/bin/sh\necho hello\n", "a script");
    check(&vec![0; 4096], "nothing but zeros");
    check(&fs::read(home.join("registry.db")).expect("readable"), "a database");
    check(&archive_of(&[("something.txt", b"else")], &json!({})), "somebody else's tar");
}

#[test]
fn a_backup_goes_into_an_empty_place_only() {
    let dir = tempfile::tempdir().expect("a directory");
    let (_used, home, token) = used();
    let backup = dir.path().join("backup.tar");
    let node = Node::start_on(&home, &[]);
    node.ok(&["backup", text(&backup), "--include-root-key"]);
    let said = node.fails(&["backup", text(&backup)]).1;
    assert!(said.contains("--force"), "{said}");
    // Over a home, running or not, over a directory with something in it, over a file.
    let full = dir.path().join("full");
    fs::create_dir(&full).expect("made");
    fs::write(full.join("letter"), "dear").expect("written");
    for place in [&home, &full, &full.join("letter")] {
        let output = restore(&backup, place, &[]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("E0508"), "{said}");
    }
    assert_eq!(below(&full), [full.join("letter")]);
    assert_eq!(node.get("/hello/you", Some(&token)).status, 200);
    drop(node);
    let empty = dir.path().join("empty");
    fs::create_dir(&empty).expect("made");
    restored(&backup, &empty);
    assert_works(&empty, &[], &token);
}

/// A tar with these files, whatever their names, behind a list of contents if it is an object
/// with members.
fn archive_of(files: &[(&str, &[u8])], contents: &Value) -> Vec<u8> {
    let list = contents.to_string();
    let named = contents.get("format").map(|_| ("casemate-backup.json", list.as_bytes()));
    let mut bytes = Vec::new();
    for (name, content) in named.iter().chain(files) {
        let mut header = tar::Header::new_gnu();
        // Written directly: the builder refuses the paths that a hostile tar would have.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(tar::EntryType::Regular);
        header.set_size(content.len() as u64);
        header.set_mode(0o600);
        header.set_cksum();
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(content);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

fn listed(name: &str, content: &[u8]) -> Value {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, content);
    let sha256 = format!("sha256:{}", hex::encode(digest));
    json!({
        "format": 1, "version": "0.1.0", "created": 1,
        "files": [{ "path": name, "bytes": content.len(), "sha256": sha256 }],
    })
}

#[test]
fn a_hostile_backup_writes_nothing_outside_its_place() {
    let dir = tempfile::tempdir().expect("a directory");
    let bad = dir.path().join("bad.tar");
    let content = b"evil";
    let escapes = [
        "../evil",
        "/tmp/casemate-evil",
        "artifacts/../../evil",
        "artifacts/sha256/../../../evil",
        "./evil",
        "node.json",
        "lock",
        "operator.token",
        "restored",
        "backups/evil",
        "kv/evil",
        "kv/Evil.db",
        "kv/below/evil.db",
        "kv/acme.db-wal",
    ];
    for name in escapes {
        fs::write(&bad, archive_of(&[(name, content)], &listed(name, content))).expect("written");
        let said = refuses(&bad);
        assert!(
            said.contains("E0507") && said.contains("has no place in a home"),
            "{name}: {said}"
        );
        assert!(!Path::new("/tmp/casemate-evil").exists());
    }
    // A link under a name that is listed, and a file through it.
    let name = "artifacts/link";
    let mut link = archive_of(&[(name, b"")], &listed(name, b""));
    let at = link.windows(name.len()).rposition(|window| window == name.as_bytes()).expect("there");
    let mut header = tar::Header::new_gnu();
    header.as_mut_bytes().copy_from_slice(&link[at..at + 512]);
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_link_name("/tmp").expect("short");
    header.set_cksum();
    link[at..at + 512].copy_from_slice(header.as_bytes());
    fs::write(&bad, link).expect("written");
    assert!(refuses(&bad).contains("E0507"));
    // A file that is there twice, and one that is not listed.
    let twice = archive_of(&[(name, content), (name, content)], &listed(name, content));
    fs::write(&bad, twice).expect("written");
    assert!(refuses(&bad).contains("is not in its list"));
}
