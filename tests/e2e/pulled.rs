//! Sources through the real binary: a folder, and brokers of the test's own that go away, come back,
//! and say everything twice.

mod folder;
mod nats;
mod nats_server;
mod redis;

use crate::rig::{Node, PATIENCE, example};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A node with sources and one function that is called by them.
struct Pulling {
    node: Node,
    home: PathBuf,
    config: PathBuf,
    dir: TempDir,
}

impl Pulling {
    /// Starts with these sections, and deploys a function that names the source `in`.
    fn start(sections: impl FnOnce(&Path) -> String, more: &str) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let (home, config) = (dir.path().join("home"), dir.path().join("node.toml"));
        std::fs::write(&config, sections(dir.path())).expect("written");
        let node = Node::start_on(&home, &["--config", config.to_str().expect("text")]);
        let pulling = Self { node, home, config, dir };
        pulling.deploy(more);
        pulling
    }

    fn deploy(&self, more: &str) -> String {
        let manifest = format!(
            "manifest = 1\napplication = \"shop\"\n[[function]]\nname = \"f\"\nsource = \"a.wasm\"\n{more}\n[[function.from]]\nname = \"in\"\n"
        );
        let output = self.node.deploy_manifest(&manifest, &[("a.wasm", &example("echo"))]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        said + &String::from_utf8_lossy(&output.stdout)
    }

    fn grant(&self) {
        self.node.ok(&["grant", "trigger:in", "invoke", "f"]);
    }

    /// Ends the node as a power cut would, and starts it again.
    fn kill_and_start(self) -> Self {
        let Self { node, home, config, dir } = self;
        node.kill();
        let node = Node::start_on(&home, &["--config", config.to_str().expect("text")]);
        Self { node, home, config, dir }
    }

    /// How the source stands.
    fn stands(&self) -> Value {
        let page = self.node.json(&["source", "list"]);
        page["items"][0].clone()
    }

    /// Looks at the source until that holds of it.
    fn until(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let stands = self.stands();
            if holds(&stands) {
                return stands;
            }
            assert!(Instant::now() < deadline, "{what}: {stands}\n{}", self.node.said());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The records of the calls that the source caused and that ended well, once there are so many
    /// and nothing waits.
    fn ran(&self, count: usize) -> Vec<Value> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let queue = self.node.json(&["queue", "list"]);
            let waits = queue["items"].as_array().expect("a list").iter();
            let waits = waits.filter(|it| it["state"] != "dead").count();
            let page = self.node.json(&["records", "-n", "1000"]);
            let items = page["items"].as_array().or_else(|| page.as_array()).expect("a list");
            let mut own = items.clone();
            own.retain(|it| it["outcome"] == "ok" && it["caller"] == "trigger:in");
            // What a kill ended after its end is done again, under the same number.
            own.sort_by(|a, b| a["id"].as_str().cmp(&b["id"].as_str()));
            own.dedup_by(|a, b| a["id"] == b["id"]);
            if own.len() >= count && waits == 0 {
                return own;
            }
            assert!(Instant::now() < deadline, "{} of {count}: {page} {queue}", own.len());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// What `casemate doctor` says, whether it finds something wrong or not.
    fn doctor(&self) -> String {
        let output = self.node.run(&["--format", "json", "doctor"]);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Why dead letters are dead, once there are so many.
    fn dead(&self, count: usize) -> Vec<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let dead = self.node.json(&["queue", "list", "--dead"]);
            let items = dead["items"].as_array().expect("a list");
            if items.len() >= count {
                let errors = items.iter().filter_map(|it| it["error"].as_str());
                return errors.map(str::to_owned).collect();
            }
            assert!(Instant::now() < deadline, "{dead}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn number(stands: &Value, key: &str) -> u64 {
    stands[key].as_u64().unwrap_or_else(|| panic!("no {key}: {stands}"))
}

/// Gives the secret `broker` a value.
fn secret(pulling: &Pulling, value: &str) {
    let file = pulling.dir.path().join("secret");
    std::fs::write(&file, value).expect("written");
    let file = file.to_str().expect("text");
    if !pulling.node.run(&["secret", "set", "broker", "--file", file]).status.success() {
        pulling.node.ok(&["secret", "rotate", "broker", "--file", file]);
    }
}
