//! Components: what is none, what does not fit, what is made to hurt the compiler, and compiled
//! forms that somebody changed.

use super::{check_refused, files, state};
use crate::rig::{Node, example, guest, request};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

#[test]
fn what_is_no_component_is_refused_and_leaves_nothing() {
    let node = Node::start();
    let dir = tempfile::tempdir().expect("a directory");
    let whole = fs::read(guest("misbehave")).expect("a guest");
    let table: &[(&str, &[u8], &str, &str)] = &[
        ("text", b"hello\n", "E0101", "does not begin as WebAssembly does"),
        ("empty", b"", "E0101", "the file is empty"),
        ("wat", b"(component)", "E0101", "WebAssembly text"),
        ("core", b"\0asm\x01\0\0\0", "E0101", "a core module"),
        ("magic", b"\0asm", "E0101", ""),
        ("version", b"\0asm\xff\0\xff\0", "E0101", ""),
        ("nothing", b"\0asm\x0d\0\x01\0", "E0108", ""),
        ("garbage", b"\0asm\x0d\0\x01\0\xff\xff\xff\xff", "E0109", ""),
        ("cut", &whole[..5000], "E0109", ""),
        ("elf", b"\x7fELF\x02\x01\x01\0", "E0101", ""),
    ];
    let before = state(&node);
    for (name, bytes, code, part) in table {
        let path = dir.path().join(format!("{name}.wasm"));
        fs::write(&path, bytes).expect("written");
        check_refused(
            &node,
            &node.run(&["deploy", text(&path)]),
            code,
            &[part, &format!("`{name}`")],
        );
        assert_eq!(state(&node), before, "{name}");
    }
    for (name, code, parts) in [
        ("nohandler", "E0108", &["acme:tool/adder@1.0.0"][..]),
        ("unoffered", "E0102", &["wasi:messaging/producer@0.2.0-draft", "acme:secret/vault@1.0.0"]),
    ] {
        check_refused(&node, &node.run(&["deploy", text(&guest(name))]), code, parts);
        assert_eq!(state(&node), before, "{name}");
    }
    assert_eq!(node.get("/text/x", None).status, 401);
    node.ok(&["ledger", "verify"]);
    let token = node.deploy(&example("hello"), "hello");
    assert_eq!(node.get("/hello/you", Some(&token)).status, 200);
}

/// A node with these limits of the compiler.
fn limited(limits: &str) -> (Node, tempfile::TempDir) {
    let dir = tempfile::tempdir().expect("a directory");
    let config = dir.path().join("node.toml");
    fs::write(&config, format!("[compile]\n{limits}\n")).expect("written");
    (Node::start_with(&["--config", text(&config)]), dir)
}

#[test]
fn a_compile_bomb_is_refused_while_others_are_answered() {
    let (node, _dir) = limited("cpu = \"4s\"\nwall = \"60s\"\nmemory = \"2GiB\"");
    let token = node.deploy(&example("hello"), "hello");
    let before = state(&node);
    let over = AtomicBool::new(false);
    let (output, answers) = std::thread::scope(|scope| {
        let deploy = scope.spawn(|| {
            let output = node.run(&["deploy", text(&guest("bomb"))]);
            over.store(true, Ordering::Release);
            output
        });
        let mut answers = 0;
        while !over.load(Ordering::Acquire) {
            assert_eq!(node.get("/hello/you", Some(&token)).status, 200);
            answers += 1;
        }
        (deploy.join().expect("deployed"), answers)
    });
    check_refused(&node, &output, "E0110", &["`bomb`", "the compiler's limit of"]);
    assert!(answers > 10, "{answers} answers while the compiler worked");
    assert_eq!(state(&node), before);
    // The compiler is free for the next one.
    node.deploy(&example("echo"), "echo");
}

#[test]
fn each_limit_of_the_compiler_holds() {
    for (limits, component, what) in [
        ("memory = \"192MiB\"", "bomb", "memory"),
        ("output = \"64KiB\"", "misbehave", "output size"),
        ("wall = \"1ms\"", "misbehave", "wall time"),
    ] {
        let (node, _dir) = limited(limits);
        let before = state(&node);
        check_refused(&node, &node.run(&["deploy", text(&guest(component))]), "E0110", &[what]);
        assert_eq!(state(&node), before, "{limits}");
    }
}

/// Stops the node, changes the compiled forms of its two components, and starts it again.
fn meanwhile(mut node: Node, change: impl FnOnce(&[PathBuf])) -> Node {
    assert_eq!(node.stop(), Some(0));
    let compiled = files(&node.home().join("compiled"), ".cwasm");
    assert_eq!(compiled.len(), 2, "{compiled:?}");
    change(&compiled);
    Node::start_on(node.home(), &[])
}

/// A node on a home that outlives it.
fn lasting() -> (Node, tempfile::TempDir) {
    let dir = tempfile::tempdir().expect("a directory");
    (Node::start_on(&dir.path().join("home"), &[]), dir)
}

#[test]
fn a_changed_or_swapped_compiled_form_is_noticed_and_not_used() {
    let (node, _dir) = lasting();
    let hello = node.deploy(&example("hello"), "hello");
    let echo = node.deploy(&example("echo"), "echo");
    let check = |node: &Node, noticed: usize, what: &str| {
        let reply = node.get("/hello/you", Some(&hello));
        assert_eq!(
            (reply.status, reply.text().trim()),
            (200, "Hello from Casemate, you"),
            "{what}"
        );
        let reply = request(node.gateway, "POST", "/echo/x", Some(&echo), b"abc");
        assert_eq!((reply.status, reply.text().as_str()), (200, "abc"), "{what}");
        let said = node.said();
        assert_eq!(said.matches("E0409").count(), noticed, "{what}: {said}");
        assert_eq!(said.matches("compiling a component again").count(), noticed, "{what}: {said}");
    };
    let node = meanwhile(node, |_| {});
    check(&node, 0, "untouched");
    let node = meanwhile(node, |compiled| {
        for path in compiled {
            let mut bytes = fs::read(path).expect("read");
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(path, bytes).expect("written");
        }
    });
    check(&node, 2, "a changed byte");
    let node = meanwhile(node, |compiled| {
        let aside = compiled[0].with_extension("aside");
        fs::rename(&compiled[0], &aside).expect("renamed");
        fs::rename(&compiled[1], &compiled[0]).expect("renamed");
        fs::rename(aside, &compiled[1]).expect("renamed");
    });
    check(&node, 2, "swapped");
    let node = meanwhile(node, |compiled| {
        fs::write(&compiled[0], b"").expect("written");
        let bytes = fs::read(&compiled[1]).expect("read");
        fs::write(&compiled[1], &bytes[..bytes.len() - 1]).expect("written");
    });
    check(&node, 2, "cut");
    let node = meanwhile(node, |_| {});
    check(&node, 0, "and then all is well");
}

#[test]
fn a_damaged_component_is_not_run_and_can_be_deployed_again() {
    let (node, _dir) = lasting();
    let hello = node.deploy(&example("hello"), "hello");
    node.deploy(&example("echo"), "echo");
    let digest = node.json(&["functions"])["items"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|function| function["name"] == "hello")
        .and_then(|function| {
            function["artifact"].as_str()?.strip_prefix("sha256:").map(str::to_owned)
        })
        .expect("a digest");
    let artifacts = node.home().join("artifacts");
    let node = meanwhile(node, |compiled| {
        for path in compiled {
            fs::remove_file(path).expect("removed");
        }
        let path = &files(&artifacts, &digest)[0];
        let mut bytes = fs::read(path).expect("read");
        bytes[100] ^= 1;
        fs::write(path, bytes).expect("written");
    });
    let reply = node.get("/hello/you", Some(&hello));
    assert_eq!((reply.status, reply.code().as_str()), (500, "E0502"), "{}", reply.text());
    assert!(
        !reply.text().contains("sha256") && !reply.text().contains("upload"),
        "{}",
        reply.text()
    );
    let record = node.ended(&reply);
    assert_eq!(
        (record["outcome"].as_str(), record["status"].as_u64()),
        (Some("platform"), Some(500))
    );
    assert!(record["reason"].as_str().is_some_and(|why| why.contains(&digest)), "{record}");
    node.ok(&["deploy", text(&example("hello")), "--name", "hello"]);
    assert_eq!(node.get("/hello/you", Some(&hello)).status, 200);
}
