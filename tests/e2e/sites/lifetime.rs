//! What becomes of files with deployments, rollbacks, damage, backups, and in numbers.

use super::{Application, artifacts, ask, numbers};
use crate::rig::Node;

#[test]
fn files_go_back_and_away_with_their_functions() {
    let node = Node::start();
    let shop = Application::shop();
    shop.deploy(&node);
    let before = ask(&node, "GET", "/", &[]);
    let kept = artifacts(node.home()).len();
    shop.write("index.html", b"second");
    shop.write("new.txt", b"new");
    shop.deploy(&node);
    assert_eq!(ask(&node, "GET", "/", &[]).text(), "second");
    assert_eq!(ask(&node, "GET", "/new.txt", &[]).text(), "new");
    // Two files and the list: the rest was there.
    assert_eq!(artifacts(node.home()).len(), kept + 3);

    let back = node.json(&["rollback", "shop"]);
    let site = |list: &serde_json::Value| {
        let all = list.as_array().expect("a list").clone();
        all.into_iter().find(|one| one["name"] == "site").expect("the site")
    };
    assert_eq!(site(&back["functions"])["revision"], 1);
    let after = ask(&node, "GET", "/", &[]);
    assert_eq!((after.text(), after.header("etag")), (before.text(), before.header("etag")));
    assert_eq!(ask(&node, "GET", "/new.txt", &[]).status, 404);

    let shown = site(&node.json(&["functions"])["items"]);
    assert_eq!(shown["files"]["count"], 8, "{shown}");
    assert_eq!(shown["urls"][0], format!("http://{}/", node.gateway), "{shown}");
    assert!(node.ok(&["functions"]).contains("8 files, "));
    let revisions = node.json(&["revisions", "site"]);
    assert_eq!(revisions["revisions"].as_array().map(Vec::len), Some(2), "{revisions}");
    let ledger = node.ok(&["--format", "json", "ledger", "show"]);
    let list = shown["artifact"].as_str().expect("a digest");
    assert!(ledger.contains(list), "the list's digest is in the ledger");

    node.ok(&["remove", "shop"]);
    assert_eq!(ask(&node, "GET", "/", &[]).status, 401);
}

#[test]
fn an_unchanged_directory_is_the_same_revision() {
    let node = Node::start();
    let shop = Application::shop();
    shop.deploy(&node);
    let kept = artifacts(node.home()).len();
    let again = node.json(&["deploy", "--grant", shop.path()]);
    assert_eq!(again["unchanged"], true, "{again}");
    assert_eq!(artifacts(node.home()).len(), kept);
}

#[test]
fn a_file_that_was_changed_on_the_disk_is_not_served() {
    let home = tempfile::tempdir().expect("a directory");
    let home = home.path().join("home");
    let mut node = Node::start_on(&home, &[]);
    let shop = Application::shop();
    shop.deploy(&node);
    node.stop();
    let all = artifacts(&home);
    let with = |start: &[u8]| {
        let found =
            all.iter().find(|path| std::fs::read(path).expect("readable").starts_with(start));
        found.expect("kept").clone()
    };
    let page = with(b"<!doctype html><title>shop");
    let last = with(&numbers(700_000)[524_288..524_320]);
    std::fs::write(&page, "<script>evil()</script>").expect("written");
    std::fs::write(&last, "shorter").expect("written");

    let node = Node::start_on(&home, &[]);
    let reply = ask(&node, "GET", "/", &[]);
    assert_eq!((reply.status, reply.code().as_str()), (500, "E0502"));
    assert!(!reply.text().contains("evil"), "{}", reply.text());
    // What is damaged behind the beginning breaks the answer off.
    let reply = ask(&node, "GET", "/data.bin", &[]);
    assert_eq!(reply.header("content-length"), Some("700000"));
    assert!(reply.body.len() <= 524_288 && numbers(700_000).starts_with(&reply.body));
    assert_eq!(ask(&node, "GET", "/about", &[]).text(), "about", "others are served");
    assert!(node.said().contains("a deployed file cannot be answered"));

    // Deploying again mends it.
    shop.deploy(&node);
    assert_eq!(ask(&node, "GET", "/data.bin", &[]).body, numbers(700_000));
    assert_eq!(ask(&node, "GET", "/", &[]).status, 200);
}

#[test]
fn ten_thousand_files_are_one_deployment_and_one_backup() {
    let node = Node::start();
    let manifest = "manifest = 1\napplication = \"many\"\n[[assets]]\ndirectory = \"public\"\nauth = \"public\"\n";
    let many = Application::new(manifest, &[]);
    for at in 0..10_000 {
        many.write(&format!("{:02}/{at}.txt", at % 100), format!("file {at}").as_bytes());
    }
    many.deploy(&node);
    for at in [0, 4711, 9999] {
        let reply = ask(&node, "GET", &format!("/{:02}/{at}.txt", at % 100), &[]);
        assert_eq!((reply.status, reply.text()), (200, format!("file {at}")));
    }
    let functions = node.json(&["functions"]);
    assert_eq!(functions["items"][0]["name"], "many-assets");
    assert_eq!(functions["items"][0]["files"]["count"], 10_000);
    let ledger = node.ok(&["--format", "json", "ledger", "show"]);
    assert!(ledger.len() < 20_000, "the ledger names the list, not the files");

    let dir = tempfile::tempdir().expect("a directory");
    let backup = dir.path().join("all.casemate");
    let backup = backup.to_str().expect("text");
    node.ok(&["backup", backup]);
    let (root_key, home) = (node.home().join("root.key"), dir.path().join("home"));
    let output = crate::rig::casemate()
        .args(["--home", home.to_str().expect("text"), "restore", backup, "--root-key-file"])
        .arg(&root_key)
        .output()
        .expect("runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let again = Node::start_on(&home, &["--root-key-file", root_key.to_str().expect("text")]);
    assert_eq!(ask(&again, "GET", "/11/4711.txt", &[]).text(), "file 4711");
}
