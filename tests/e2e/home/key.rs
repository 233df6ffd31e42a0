//! The root key: rotated while a node works and while none does, copied, put back, sealed.

use super::{assert_works, contents, mode, refused, set_mode, used};
use crate::rig::{Node, casemate, example, guest};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

const MANIFEST: &str = r#"
manifest = 1
application = "state"

[[function]]
name = "one"
source = "stateful.wasm"
[[function.http]]
route = "* /one/{*rest}"
[function.allow]
keyvalue = { default = "read-write" }
"#;

pub(super) fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

/// Runs a command on a home whose node does not run.
pub(super) fn on(home: &Path, arguments: &[&str]) -> Output {
    casemate().arg("--home").arg(home).args(arguments).output().expect("the binary runs")
}

pub(super) fn ok(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(super) fn said(output: &Output) -> String {
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Every file of a home but those that SQLite makes to read a registry, and that hold nothing.
fn files(home: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let side = |path: &Path| text(path).ends_with("-shm") || text(path).ends_with("-wal");
    let mut files = contents(home);
    files.retain(|path, bytes| !side(path) || (text(path).ends_with("-wal") && !bytes.is_empty()));
    files
}

pub(super) fn set_secret(node: &Node, name: &str) {
    let mut child = casemate()
        .args(["secret", "set", name, "--home"])
        .arg(node.home())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("starts");
    child.stdin.take().expect("a pipe").write_all(b"sk_live_51H8xQ2eZvKYlo2C").expect("written");
    assert!(child.wait().expect("ends").success());
}

fn kept(node: &Node, target: &str) -> String {
    node.ok(&["invoke", "one", "--path", &format!("/one/draft/{target}")])
}

/// How many things of a kind are sealed with an epoch.
pub(super) fn count(keys: &Value, epoch: u32, kind: &str) -> u64 {
    let items = keys["items"].as_array().expect("a list");
    let item = items.iter().find(|item| item["epoch"] == epoch).expect("the epoch");
    let things = item["things"].as_array().expect("a list");
    let found = things.iter().find(|things| things["kind"] == kind);
    found.map_or(0, |things| things["count"].as_u64().expect("a number"))
}

fn passphrase(dir: &Path, name: &str, text: &str) -> PathBuf {
    let path = dir.join(name);
    fs::write(&path, format!("{text}\n")).expect("written");
    set_mode(&path, 0o600);
    path
}

/// What the first epoch sealed is read after a rotation, a power cut and another start; what comes
/// after it is sealed with the second.
#[test]
fn a_rotation_of_a_running_node_keeps_what_is_there_and_seals_what_comes_anew() {
    let dir = tempfile::tempdir().expect("a directory");
    let home = dir.path().join("home");
    let config = dir.path().join("casemate.conf");
    fs::write(&config, "[queue]\nworkers = 0\n").expect("written");
    let node = Node::start_on(&home, &["--config", text(&config)]);
    let deployed = node.deploy_manifest(MANIFEST, &[("stateful.wasm", &guest("stateful"))]);
    ok(&deployed);
    node.ok(&["grant", "function:one", "keyvalue", "read-write default"]);
    assert_eq!(kept(&node, "set?store=default&key=before&value=1"), "set");
    set_secret(&node, "before");
    node.ok(&[
        "invoke",
        "one",
        "--async",
        "--path",
        "/one/draft/set?store=default&key=late&value=3",
    ]);
    let first = node.json(&["key", "status"]);
    assert_eq!((&first["newest"], &first["founding"]), (&1.into(), &1.into()), "{first}");
    for kind in ["secrets", "queued calls"] {
        assert_eq!(count(&first, 1, kind), 1, "{kind}: {first}");
    }
    assert!(count(&first, 1, "values of key-value stores") > 0, "{first}");
    assert!(count(&first, 1, "segments of records") > 0, "{first}");
    let old = fs::read(home.join("root.key")).expect("readable");

    let rotated = node.json(&["key", "rotate"]);
    assert_eq!(rotated["epoch"], 2, "{rotated}");
    assert!(rotated["leaf"].is_u64(), "{rotated}");
    set_secret(&node, "after");
    assert_eq!(kept(&node, "get?store=default&key=before"), "1");
    assert_eq!(kept(&node, "set?store=default&key=after&value=2"), "set");
    let second = node.json(&["key", "status"]);
    assert_eq!((&second["newest"], &second["founding"]), (&2.into(), &1.into()), "{second}");
    assert_eq!((count(&second, 1, "secrets"), count(&second, 2, "secrets")), (1, 1), "{second}");
    assert_eq!(second["items"][1]["fingerprint"], rotated["fingerprint"]);
    assert_eq!(second["items"][0]["fingerprint"], first["items"][0]["fingerprint"]);
    assert!(node.ok(&["ledger", "show"]).contains("key rotate to epoch 2"));
    node.ok(&["ledger", "verify"]);
    assert_eq!(mode(&home.join("root.key")), 0o600);
    node.kill();

    let mut node = Node::start_on(&home, &[]);
    assert_eq!(kept(&node, "get?store=default&key=before"), "1");
    assert_eq!(kept(&node, "get?store=default&key=after"), "2");
    let deadline = std::time::Instant::now() + crate::rig::PATIENCE;
    while kept(&node, "get?store=default&key=late") != "3" {
        assert!(std::time::Instant::now() < deadline, "the queued call was lost");
    }
    node.ok(&["ledger", "verify"]);
    assert_eq!(node.json(&["key", "status"])["newest"], 2);
    let entries = node.ok(&["ledger", "show"]);
    assert_eq!(entries.matches("key rotate").count(), 1, "{entries}");
    assert_eq!(node.stop(), Some(0));

    // The file from before the rotation is put back.
    let new = fs::read(home.join("root.key")).expect("readable");
    fs::write(home.join("root.key"), &old).expect("written");
    let before = files(&home);
    let refusal = refused(&home, &[]);
    assert!(refusal.contains("E0824") && refusal.contains("hint: "), "{refusal}");
    assert!(said(&on(&home, &["key", "rotate"])).contains("E0824"));
    assert!(files(&home) == before, "something was overwritten");
    fs::write(home.join("root.key"), &new).expect("written");
    let node = Node::start_on(&home, &[]);
    assert_eq!(kept(&node, "get?store=default&key=after"), "2");
}

#[test]
fn of_those_who_rotate_at_once_one_wins_and_the_others_are_told() {
    let (_dir, home, token) = used();
    let rotate_from = |from: &'static str| -> Vec<Output> {
        std::thread::scope(|scope| {
            let one = || on(&home, &["key", "rotate", "--from", from]);
            let all: Vec<_> = (0..4).map(|_| scope.spawn(one)).collect();
            all.into_iter().map(|one| one.join().expect("ends")).collect()
        })
    };
    let one_won = |outputs: &[Output], codes: &[&str]| {
        let (won, lost): (Vec<_>, Vec<_>) = outputs.iter().partition(|it| it.status.success());
        assert_eq!(won.len(), 1, "{outputs:?}");
        for output in lost {
            let said = said(output);
            assert!(codes.iter().any(|code| said.contains(code)), "{said}");
        }
    };
    let node = Node::start_on(&home, &[]);
    one_won(&rotate_from("1"), &["E0825"]);
    assert_eq!(node.json(&["key", "status"])["newest"], 2);
    assert!(said(&on(&home, &["key", "rotate", "--from", "1"])).contains("E0825"));
    assert!(said(&on(&home, &["key", "rotate", "--from", "9"])).contains("E0825"));
    node.kill();
    // The home's lock is another way to be told so.
    one_won(&rotate_from("2"), &["E0825", "E0601"]);
    let status: Value =
        serde_json::from_str(&ok(&on(&home, &["--format", "json", "key", "status"])))
            .expect("JSON");
    assert_eq!(status["newest"], 3);
    assert_works(&home, &[], &token);
    let node = Node::start_on(&home, &[]);
    let entries = node.ok(&["ledger", "show"]);
    assert!(entries.contains("key rotate to epoch 3"), "{entries}");
    assert_eq!(entries.matches("key rotate").count(), 2, "{entries}");
}

#[test]
fn a_sealed_copy_opens_another_home_and_nothing_else_does() {
    let dir = tempfile::tempdir().expect("a directory");
    let (own, other) = (
        passphrase(dir.path(), "own", "correct horse battery"),
        passphrase(dir.path(), "other", "something else entirely"),
    );
    let (older, copy) = (dir.path().join("older.key"), dir.path().join("copy.key"));
    let node = Node::start();
    let token = node.deploy(&example("hello"), "hello");
    node.ok(&["key", "backup", text(&older), "--passphrase-file", text(&own)]);
    node.ok(&["key", "rotate"]);
    node.deploy(&example("hello"), "again");
    node.ok(&["key", "backup", text(&copy), "--passphrase-file", text(&own)]);
    assert_eq!(mode(&copy), 0o600);
    let root = fs::read_to_string(node.home().join("root.key")).expect("readable");
    let sealed = fs::read_to_string(&copy).expect("readable");
    for key in root.lines().filter_map(|line| line.strip_prefix("key ")) {
        assert!(!sealed.contains(key), "a root stands in a sealed copy");
    }
    let (code, _) = node.fails(&["key", "backup", text(&dir.path().join("plain"))]);
    assert_eq!(code, 64, "a copy that is not sealed has to be asked for");
    let (_, taken) = node.fails(&["key", "backup", text(&copy), "--plain"]);
    assert!(taken.contains("exists already"), "{taken}");
    let entries = node.ok(&["ledger", "show"]);
    assert!(entries.contains("key backup up to epoch 2, sealed"), "{entries}");
    let backup = dir.path().join("backup.tar");
    node.ok(&["backup", text(&backup)]);
    node.kill();

    let home = dir.path().join("restored");
    let unpacked = on(&home, &["restore", text(&backup)]);
    ok(&unpacked);
    let hint = format!("casemate key restore FILE --home {}", home.display());
    assert!(String::from_utf8_lossy(&unpacked.stderr).contains(&hint), "{unpacked:?}");
    assert!(refused(&home, &[]).contains("E1101"));
    let restore = |file: &Path, arguments: &[&str]| {
        on(&home, &[&["key", "restore", text(file)], arguments].concat())
    };
    let before = files(&home);
    let (_foreign, foreign, _) = used();
    for (file, arguments, code) in [
        (&copy, &[][..], "E0821"),
        (&copy, &["--passphrase-file", text(&other)][..], "E0822"),
        (&older, &["--passphrase-file", text(&own)][..], "E0824"),
        (&foreign.join("root.key"), &[][..], "E1104"),
        (&backup, &[][..], "E11"),
        (&dir.path().join("missing"), &[][..], "E1101"),
    ] {
        let said = said(&restore(file, arguments));
        assert!(said.contains(code), "{code}: {said}");
        assert!(files(&home) == before, "{code}");
    }
    ok(&restore(&copy, &["--passphrase-file", text(&own)]));
    assert_eq!(mode(&home.join("root.key")), 0o600);
    assert_eq!(fs::read_to_string(home.join("root.key")).expect("readable"), root);
    assert_works(&home, &[], &token);
    let again = ok(&restore(&copy, &["--passphrase-file", text(&own)]));
    assert!(again.contains("nothing to restore"), "{again}");
    // Another root key is never overwritten.
    let held = fs::read(foreign.join("root.key")).expect("readable");
    let into =
        |home: &Path| on(home, &["key", "restore", text(&copy), "--passphrase-file", text(&own)]);
    assert!(said(&into(&foreign)).contains("E1104"));
    let elsewhere = dir.path().join("elsewhere.key");
    fs::write(&elsewhere, &held).expect("written");
    set_mode(&elsewhere, 0o600);
    let said = said(&restore(
        &copy,
        &["--passphrase-file", text(&own), "--root-key-file", text(&elsewhere)],
    ));
    assert!(said.contains("E0826"), "{said}");
    assert_eq!(fs::read(&elsewhere).expect("readable"), held);
}

#[test]
fn a_sealed_root_key_starts_a_node_with_its_passphrase_only_and_stays_sealed() {
    let dir = tempfile::tempdir().expect("a directory");
    let home = dir.path().join("home");
    let own = passphrase(dir.path(), "own", "correct horse battery");
    let other = passphrase(dir.path(), "other", "something else entirely");
    let short = passphrase(dir.path(), "short", "hunter2");
    let with = |file: &Path| ["--root-key-passphrase-file".to_owned(), text(file).to_owned()];
    let init = |file: &Path| {
        let [flag, file] = with(file);
        on(&home, &["key", "init", &flag, &file])
    };
    assert!(said(&init(&short)).contains("E0823"));
    let made = ok(&init(&own));
    assert!(made.contains("sealed with a passphrase"), "{made}");
    assert!(said(&init(&own)).contains("E0826"));
    let file = fs::read_to_string(home.join("root.key")).expect("readable");
    assert!(file.contains("argon2id ") && !file.contains("\nkey "), "{file}");

    let refuses = |arguments: &[&str], code: &str| {
        let before = files(&home);
        let refusal = refused(&home, arguments);
        assert!(refusal.contains(code) && refusal.contains("hint: "), "{code}: {refusal}");
        assert!(refusal.starts_with("exit status: 78"), "{refusal}");
        assert!(files(&home) == before, "{code}");
    };
    refuses(&[], "E0821");
    let [flag, wrong] = with(&other);
    refuses(&[&flag, &wrong], "E0822");
    let [flag, right] = with(&own);
    set_mode(&own, 0o644);
    refuses(&[&flag, &right], "E0823");
    set_mode(&own, 0o600);

    let mut node = Node::start_on(&home, &[&flag, &right]);
    let token = node.deploy(&example("hello"), "hello");
    node.ok(&["key", "rotate"]);
    let status = node.json(&["key", "status"]);
    assert_eq!(status["sealed"]["memory_kib"], 65536, "{status}");
    assert_eq!(node.stop(), Some(0));
    let file = fs::read_to_string(home.join("root.key")).expect("readable");
    assert!(file.contains("epoch 2 ") && !file.contains("\nkey "), "{file}");
    refuses(&[], "E0821");
    assert_works(&home, &[&flag, &right], &token);
    // What works without a node takes the passphrase from the environment.
    assert!(said(&on(&home, &["ledger", "verify"])).contains("E0821"));
    let mut verify = casemate();
    verify.env("CASEMATE_ROOT_KEY_PASSPHRASE_FILE", &own).arg("--home").arg(&home);
    ok(&verify.args(["ledger", "verify"]).output().expect("the binary runs"));
    // Another passphrase is what a copy is for.
    let copy = dir.path().join("copy.key");
    ok(&on(&home, &["key", "backup", text(&copy), "--plain", &flag, &right]));
    fs::remove_file(home.join("root.key")).expect("removed");
    assert!(said(&init(&own)).contains("E1104"), "a new root key opens nothing in the home");
    let [flag, other] = with(&other);
    ok(&on(&home, &["key", "restore", text(&copy), &flag, &other]));
    refuses(&[&flag, &right], "E0822");
    assert_works(&home, &[&flag, &other], &token);
}

/// A node that died between the file and the registry knows the epoch at its next start, and the
/// draft of one that died before is nothing to it.
#[test]
fn a_rotation_that_was_cut_off_is_finished_or_never_was() {
    let (_dir, home, token) = used();
    let file = home.join("root.key");
    let old = fs::read(&file).expect("readable");
    fs::write(home.join(".root.key.next"), &old[..old.len() / 2]).expect("written");
    set_mode(&home.join(".root.key.next"), 0o600);
    assert_works(&home, &[], &token);
    ok(&on(&home, &["key", "rotate"]));
    assert!(!home.join(".root.key.next").exists());
    // The registry does not know of it yet, and nothing was sealed with it: both files are right.
    let new = fs::read(&file).expect("readable");
    fs::write(&file, &old).expect("written");
    assert_works(&home, &[], &token);
    fs::write(&file, &new).expect("written");
    assert_works(&home, &[], &token);
    fs::write(&file, &old).expect("written");
    assert!(refused(&home, &[]).contains("E0824"));
}
