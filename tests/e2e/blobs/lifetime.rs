//! What becomes of blobs when a node is killed, and in a backup.

use super::{files, granted, says};
use crate::rig::{Node, casemate, request};
use std::sync::{Arc, Mutex};

#[test]
fn a_backup_brings_blobs_back() {
    let dir = tempfile::tempdir().expect("a directory");
    let node = granted(Node::start());
    let sum = says(&node, "one", "write?container=photos&name=a&bytes=200000");
    let backup = dir.path().join("backup.tar");
    node.ok(&["backup", backup.to_str().expect("text"), "--include-root-key"]);
    says(&node, "one", "write?container=photos&name=a&bytes=1");
    drop(node);
    let home = dir.path().join("new");
    let output = casemate()
        .args(["restore", backup.to_str().expect("text"), "--home", home.to_str().expect("text")])
        .output()
        .expect("the binary runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let node = Node::start_on(&home, &[]);
    assert_eq!(says(&node, "two", "read?container=photos&name=a"), sum);
    says(&node, "one", "write?container=photos&name=b&bytes=100000");
    assert_eq!(says(&node, "two", "list?container=photos&page=9"), "0 a,b");
}

#[test]
fn what_was_acknowledged_is_there_after_a_kill_and_nothing_is_half() {
    let node = granted(Node::start());
    let token = node.ok(&["token", "create", "ci", "--invoke", "one"]);
    let token = token.split_whitespace().find(|word| word.starts_with("cmt_")).expect("a token");
    let expect = says(&node, "one", "write?container=photos&name=first&bytes=150000");
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let (to, token, acknowledged) =
                (node.gateway, token.to_owned(), Arc::clone(&acknowledged));
            std::thread::spawn(move || {
                // Until the node is gone, which ends the thread.
                for number in 0.. {
                    let name = format!("{writer}-{}", number % 50);
                    let path = format!("/one/write?container=photos&name={name}&bytes=150000");
                    let reply = request(to, "GET", &path, Some(&token), b"");
                    assert!(reply.text().starts_with("150000 bytes"), "{}", reply.text());
                    acknowledged.lock().expect("a lock").push(name);
                }
            })
        })
        .collect();
    while acknowledged.lock().expect("a lock").len() < 60 {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let dir = node.kill().expect("its directory");
    drop(writers.into_iter().map(std::thread::JoinHandle::join).collect::<Vec<_>>());
    let home = dir.path().join("home");
    let node = Node::start_on(&home, &[]);
    let listed = says(&node, "one", "list?container=photos&page=1000");
    let names: Vec<&str> = listed.trim_start_matches("0 ").split(',').collect();
    for name in acknowledged.lock().expect("a lock").iter() {
        assert!(names.contains(&name.as_str()), "{name} is lost");
    }
    for name in &names {
        let target = format!("read?container=photos&name={name}");
        assert_eq!(says(&node, "one", &target), expect, "{name}");
    }
    // The first change removes what the dead node could not.
    says(&node, "one", "delete?container=photos&name=first");
    // Writes that were about to end are given up after a day.
    let left = files(&home).len() + 1 - names.len();
    assert!(left <= 4, "{left} files are in the way");
}
