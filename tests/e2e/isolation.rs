//! Functions of a tenant in a process of their own, through the real binary.

use crate::rig::{Node, PATIENCE, example, guest};
use std::path::PathBuf;
use std::time::{Duration, Instant};

const TENANT: &str = "[wasm]\nisolation = \"tenant\"\n";

/// A node whose configuration says so.
struct Ward {
    node: Node,
    _dir: tempfile::TempDir,
}

impl Ward {
    fn open() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("casemate.conf");
        std::fs::write(&file, TENANT).expect("written");
        let node = Node::start_with(&["--config", file.to_str().expect("text")]);
        Self { node, _dir: dir }
    }

    /// The processes that run guests, which are children of the node's.
    fn children(&self) -> Vec<u32> {
        let all = std::fs::read_dir("/proc").expect("processes").flatten();
        let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let ours = |pid: &u32| {
            let parent = field(*pid, "PPid").and_then(|value| value.parse::<u32>().ok());
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let guests = line.split(|byte| *byte == 0).any(|word| word == b"__guests");
            parent == Some(self.node.pid()) && guests
        };
        pids.filter(ours).collect()
    }

    fn until(&self, count: usize) -> Vec<u32> {
        let begin = Instant::now();
        loop {
            let children = self.children();
            if children.len() == count {
                return children;
            }
            assert!(begin.elapsed() < PATIENCE, "{children:?}, not {count}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// What `/proc/PID/status` says.
fn field(pid: u32, name: &str) -> Option<String> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with(&format!("{name}:")))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).expect("a number"));
    let signal = rustix::process::Signal::KILL;
    rustix::process::kill_process(pid.expect("a process"), signal).expect("killed");
}

#[test]
fn each_tenant_has_a_process_that_holds_nothing() {
    let ward = Ward::open();
    ward.node.deploy(&example("hello"), "hello");
    let hello = example("hello");
    let hello: &str = hello.to_str().expect("text");
    ward.node.ok(&["--tenant", "other", "deploy", hello, "--name", "hello"]);
    assert!(ward.children().is_empty(), "nobody has called");
    assert!(ward.node.ok(&["invoke", "hello"]).starts_with("Hello"));
    let first = ward.until(1)[0];
    assert!(ward.node.ok(&["--tenant", "other", "invoke", "hello"]).starts_with("Hello"));
    let both = ward.until(2);
    assert!(both.contains(&first));
    for pid in both {
        assert_eq!(field(pid, "Seccomp").as_deref(), Some("2"));
        assert_eq!(field(pid, "NoNewPrivs").as_deref(), Some("1"));
        assert_eq!(field(pid, "CapEff").as_deref(), Some("0000000000000000"));
        let environment = std::fs::read(format!("/proc/{pid}/environ")).expect("readable");
        assert!(environment.is_empty());
        let files = open_files(pid);
        let home = ward.node.home().to_str().expect("text").to_owned();
        assert!(files.iter().all(|file| !file.starts_with(&home)), "{files:?}");
        let network = std::fs::read_link(format!("/proc/{pid}/ns/net")).expect("a link");
        let own = std::fs::read_link("/proc/self/ns/net").expect("a link");
        assert_ne!(network, own, "a network of its own");
    }
    let found = ward.node.ok(&["doctor"]);
    assert!(found.contains("guests' child") && !found.contains("it could"), "{found}");
}

fn open_files(pid: u32) -> Vec<String> {
    let all = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("descriptors").flatten();
    let links = all.filter_map(|entry| std::fs::read_link(entry.path()).ok());
    links.map(|path: PathBuf| path.display().to_string()).collect()
}

#[test]
fn a_process_that_dies_takes_its_calls_with_it_and_nothing_else() {
    let ward = Ward::open();
    ward.node.deploy(&example("hello"), "hello");
    ward.node.deploy(&guest("misbehave"), "m");
    let token = ward.node.ok(&["token", "create", "t", "--invoke", "hello", "m"]);
    let token = token.trim().to_owned();
    std::thread::scope(|scope| {
        let hanging = scope.spawn(|| ward.node.get("/m/hang", Some(&token)));
        let child = ward.until(1)[0];
        // It runs, and another beside it.
        std::thread::sleep(Duration::from_secs(1));
        assert_eq!(ward.node.get("/hello/", Some(&token)).status, 200);
        kill(child);
        let answer = hanging.join().expect("answered");
        assert_eq!(answer.status, 500, "{}", answer.text());
        assert!(!answer.text().contains("process"), "strangers are not told: {}", answer.text());
        let record = ward.node.ended(&answer);
        assert_eq!(record["outcome"], "platform");
        assert!(record["reason"].as_str().expect("a reason").contains("E0430"), "{record}");
    });
    let begin = Instant::now();
    while ward.node.get("/hello/", Some(&token)).status != 200 {
        assert!(begin.elapsed() < PATIENCE, "no other process was started");
    }
    ward.until(1);
}

#[test]
fn children_end_with_their_node() {
    let mut ward = Ward::open();
    ward.node.deploy(&example("hello"), "hello");
    ward.node.ok(&["invoke", "hello"]);
    let child = ward.until(1)[0];
    assert_eq!(ward.node.stop(), Some(0));
    let begin = Instant::now();
    while field(child, "State").is_some_and(|state| !state.starts_with('Z')) {
        assert!(begin.elapsed() < PATIENCE, "it lives on");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_word_that_is_none_is_refused_with_those_that_are() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("casemate.conf");
    std::fs::write(&file, "[wasm]\nisolation = \"vm\"\n").expect("written");
    let home = dir.path().join("home");
    let arguments = ["--config", file.to_str().expect("text")];
    let said = Node::try_start_on(&home, &arguments).err().expect("refused");
    assert!(
        said.contains("E0603") && said.contains("`node`") && said.contains("`tenant`"),
        "{said}"
    );
}
