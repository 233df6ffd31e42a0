//! A repository that says what is to run: check, fmt, diff, apply.

use crate::rig::{Node, casemate, example};
use std::path::Path;

/// An application of one function in a directory of its own.
fn application(root: &Path, name: &str, more: &str) {
    let directory = root.join(name);
    std::fs::create_dir_all(&directory).expect("made");
    std::fs::copy(example("hello"), directory.join("hello.wasm")).expect("copied");
    let text = format!(
        "manifest = 1\napplication = \"{name}\"\n\n[[function]]\nname = \"{name}-hello\"\n\
         source = \"hello.wasm\"\n{more}"
    );
    std::fs::write(directory.join("casemate.toml"), text).expect("written");
}

fn applications(node: &Node) -> Vec<String> {
    let list = node.json(&["functions"]);
    let items = list["items"].as_array().expect("a list");
    let mut names: Vec<String> =
        items.iter().map(|it| it["application"].as_str().expect("a name").to_owned()).collect();
    names.dedup();
    names
}

#[test]
fn applying_twice_changes_nothing_and_pruning_removes_what_is_not_there() {
    let node = Node::start();
    let dir = tempfile::tempdir().expect("a directory");
    let root = dir.path().to_str().expect("text");
    application(dir.path(), "shop", "");
    application(dir.path(), "mail", "");
    // What others made, and links, are not looked into.
    application(&dir.path().join("mail/node_modules"), "foreign", "");
    let dry = node.ok(&["apply", "-f", root, "--dry-run"]);
    assert!(dry.contains("would be deployed 2, removed 0, unchanged 0"), "{dry}");
    assert_eq!(applications(&node), Vec::<String>::new());
    assert!(node.ok(&["apply", "-f", root]).contains("deployed 2, removed 0, unchanged 0"));
    assert_eq!(applications(&node), ["mail", "shop"]);
    assert!(node.ok(&["apply", "-f", root]).contains("deployed 0, removed 0, unchanged 2"));
    application(dir.path(), "shop", "memory = \"64MiB\"\n");
    std::fs::remove_dir_all(dir.path().join("mail")).expect("removed");
    let kept = node.ok(&["apply", "-f", root]);
    assert!(kept.contains("memory: not set -> 64MiB"), "{kept}");
    assert_eq!(applications(&node), ["mail", "shop"], "nothing is removed unasked");
    let pruned = node.json(&["apply", "-f", root, "--prune"]);
    assert_eq!(pruned[0]["outcome"], "unchanged");
    assert_eq!(
        (&pruned[1]["application"], &pruned[1]["outcome"]),
        (&"mail".into(), &"removed".into())
    );
    assert_eq!(applications(&node), ["shop"]);
}

#[test]
fn nothing_is_deployed_or_removed_if_one_manifest_is_wrong() {
    let node = Node::start();
    let dir = tempfile::tempdir().expect("a directory");
    let root = dir.path().to_str().expect("text");
    application(dir.path(), "shop", "");
    node.ok(&["apply", "-f", root]);
    application(dir.path(), "again", "timout = \"3s\"\n");
    std::fs::remove_dir_all(dir.path().join("shop")).expect("removed");
    let (code, said) = node.fails(&["apply", "-f", root, "--prune"]);
    assert_eq!(code, 1);
    assert!(said.contains("E0103") && said.contains("did you mean `timeout`?"), "{said}");
    assert_eq!(applications(&node), ["shop"]);
    std::fs::remove_dir_all(dir.path().join("again")).expect("removed");
    let (_, said) = node.fails(&["apply", "-f", root, "--prune"]);
    assert!(said.contains("there is no `casemate.toml` below"), "{said}");
    assert_eq!(applications(&node), ["shop"], "an empty directory removes nothing");
    application(dir.path(), "one", "");
    std::fs::create_dir(dir.path().join("two")).expect("made");
    for file in ["casemate.toml", "hello.wasm"] {
        let (from, to) = (dir.path().join("one").join(file), dir.path().join("two").join(file));
        std::fs::copy(from, to).expect("copied");
    }
    let (_, said) = node.fails(&["apply", "-f", root]);
    assert!(said.contains("are both the application `one`"), "{said}");
}

#[test]
fn a_diff_says_what_a_deployment_would_change_and_changes_nothing() {
    let node = Node::start();
    let dir = tempfile::tempdir().expect("a directory");
    application(dir.path(), "shop", "");
    let path = dir.path().join("shop");
    let path = path.to_str().expect("text");
    let new = node.ok(&["diff", path]);
    assert!(new.contains("not deployed yet") && new.contains("+ function shop-hello"), "{new}");
    node.ok(&["deploy", path]);
    node.ok(&["diff", path, "--exit-code"]);
    application(
        dir.path(),
        "shop",
        "timeout = \"2s\"\n[[function.http]]\nroute = \"GET /x\"\n\n[[function]]\nname = \"more\"\nsource = \"hello.wasm\"\n",
    );
    let output = node.run(&["diff", path, "--exit-code"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for line in ["~ function shop-hello", "timeout: not set -> 2s", "+ function more"] {
        assert!(said.contains(line), "{line}: {said}");
    }
    let report = node.json(&["diff", path]);
    assert_eq!(
        (&report["deployment"], &report["changes"][0]["kind"]),
        (&1.into(), &"added".into())
    );
    assert_eq!(
        node.json(&["revisions", "shop-hello"])["revisions"].as_array().expect("a list").len(),
        1
    );
}

#[test]
fn a_manifest_is_checked_and_formatted_without_a_node() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("casemate.toml");
    let ugly = "manifest=1\napplication   =\"shop\"\n\n\n\n[[function]]\nname=\"a\"\nsource=\"not-built.wasm\"\n";
    std::fs::write(&file, ugly).expect("written");
    let run = |words: &[&str]| {
        let output = casemate().current_dir(dir.path()).args(words).output().expect("runs");
        let text = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        (output.status.code(), text)
    };
    let (code, said) = run(&["check"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("fine, `shop` with 1 function(s)"), "{said}");
    let (code, said) = run(&["fmt", "--check"]);
    assert!(code == Some(1) && said.contains("hint: casemate fmt"), "{said}");
    assert_eq!(std::fs::read_to_string(&file).expect("text"), ugly);
    assert_eq!(run(&["fmt"]).0, Some(0));
    assert_eq!(run(&["fmt", "--check"]).0, Some(0));
    let formatted = std::fs::read_to_string(&file).expect("text");
    assert!(formatted.starts_with("manifest = 1\napplication = \"shop\"\n\n[[function]]\n"));
    std::fs::write(&file, format!("{formatted}memory = \"64GiB\"\n")).expect("written");
    let (code, said) = run(&["check"]);
    assert!(code == Some(1) && said.contains("E0104") && said.contains("memory"), "{said}");
    let (code, said) = run(&["check", "nowhere"]);
    assert!(code == Some(1) && said.contains("E0118"), "{said}");
}

#[test]
fn a_sample_event_can_be_given_to_a_function() {
    let node = Node::start();
    node.deploy(&example("echo"), "echo");
    let sample = node.ok(&["events", "sample", "cloudevent"]);
    let echoed =
        node.ok(&["invoke", "echo", "--method", "POST", "--path", "/echo", "--data", &sample]);
    assert_eq!(echoed.trim_end(), sample.trim_end());
    let (code, said) = node.fails(&["events", "sample", "carrier-pigeon"]);
    assert!(code == 64 && said.contains("cloudevent"), "{said}");
}
