//! A node with one native function, whose package is put together of the tests' programs and of
//! published libraries.

use crate::rig::{Node, PATIENCE, Reply, repository, request};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What of a virtual environment is no library of the function's.
const TOOLS: [&str; 5] = ["pip", "setuptools", "pkg_resources", "_distutils_hack", "__pycache__"];

/// A directory that `casemate deploy` takes.
pub(super) struct Package(tempfile::TempDir);

impl Package {
    /// One with these files of `tests/native`.
    pub(super) fn of(files: &[&str]) -> Self {
        let package = Self(tempfile::tempdir().expect("a directory"));
        fs::create_dir(package.source()).expect("a directory");
        for file in files {
            let from = repository().join("tests/native").join(file);
            let name = from.file_name().expect("a name");
            // A copy is a program if the original is one.
            fs::copy(&from, package.source().join(name)).expect(file);
        }
        package
    }

    fn source(&self) -> PathBuf {
        self.0.path().join("source")
    }

    /// Brings the libraries of a virtual environment below `target/tools`, as
    /// `pip install --target` would.
    pub(super) fn bring_python(self, tool: &str) -> Self {
        let library = installed(tool).join("lib");
        let version = fs::read_dir(library).expect("a library").flatten().next();
        let packages = version.expect("a version").path().join("site-packages");
        for entry in fs::read_dir(packages).expect("packages").flatten() {
            let name = entry.file_name().into_string().expect("text");
            if !TOOLS.iter().any(|tool| name.starts_with(tool)) {
                copy(&entry.path(), &self.source().join(name));
            }
        }
        self
    }

    /// Brings `node_modules` of a directory below `target/tools`.
    pub(super) fn bring_node(self, tool: &str) -> Self {
        copy(&installed(tool).join("node_modules"), &self.source().join("node_modules"));
        self
    }

    /// Writes its manifest with one function `f`.
    pub(super) fn manifest(&self, function: &str) {
        let text = format!(
            "manifest = 1\napplication = \"app\"\n[[function]]\nname = \"f\"\n\
             runtime = \"native\"\nsource = \"source\"\n{function}"
        );
        fs::write(self.0.path().join("casemate.toml"), text).expect("written");
    }

    pub(super) fn deploy(&self, node: &Node) {
        node.ok(&["deploy", "--grant", self.path()]);
    }

    /// Deploys it, and grants nothing that it asks for.
    pub(super) fn deploy_without_grants(&self, node: &Node) {
        node.ok(&["deploy", self.path()]);
    }

    fn path(&self) -> &str {
        self.0.path().to_str().expect("text")
    }
}

/// Something that `cargo xtask test` installs.
fn installed(tool: &str) -> PathBuf {
    let path = repository().join("target/tools").join(tool);
    assert!(path.exists(), "{} is missing: `cargo xtask test` makes it", path.display());
    path
}

/// Copies a file, or a directory with all in it. Links are left out: they are programs of tools.
fn copy(from: &Path, to: &Path) {
    let kind = fs::symlink_metadata(from).expect("there").file_type();
    if kind.is_file() {
        fs::copy(from, to).expect("copied");
    }
    if kind.is_dir() && !from.ends_with("__pycache__") {
        fs::create_dir_all(to).expect("a directory");
        for entry in fs::read_dir(from).expect("readable").flatten() {
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    }
}

/// What a function answered to an event.
pub(super) struct Answered {
    pub(super) status: u64,
    pub(super) body: Value,
    pub(super) invocation: String,
}

/// Sends an event, as `casemate invoke` does.
pub(super) fn tell(node: &Node, event: &str, headers: &[&str]) -> Answered {
    let mut words = vec!["--format", "json", "invoke", "f", "--data", event];
    for header in headers {
        words.extend(["-H", header]);
    }
    let output = node.run(&words);
    // An answer of the platform's own is an error of the command's.
    let said = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    let text = String::from_utf8_lossy(&said);
    let answer: Value =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let body = answer["body"].as_str().map(serde_json::from_str);
    Answered {
        status: answer["status"].as_u64().expect("a status"),
        body: body.and_then(Result::ok).unwrap_or_else(|| answer.clone()),
        invocation: answer["invocation"].as_str().expect("an id").to_owned(),
    }
}

/// Calls over HTTP.
pub(super) fn get(node: &Node, path: &str) -> Reply {
    request(node.gateway, "GET", path, None, b"")
}

/// How an invocation ended, by its record.
pub(super) fn outcome(node: &Node, id: &str) -> String {
    let record = node.record_of(id, "running", false);
    record["outcome"].as_str().expect("an outcome").to_owned()
}

/// What an invocation said, line by line.
pub(super) fn lines(node: &Node, id: &str) -> Vec<String> {
    let lines = node.lines_of(id);
    lines.iter().map(|line| line["text"].as_str().expect("text").to_owned()).collect()
}

/// The processes below a process.
pub(super) fn below(pid: u32) -> BTreeSet<u32> {
    let mut all = BTreeSet::new();
    let mut next = vec![pid];
    while let Some(parent) = next.pop() {
        let tasks = fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten();
        for task in tasks {
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            let children = children.split_whitespace().filter_map(|child| child.parse().ok());
            next.extend(children.filter(|child| all.insert(*child)));
        }
    }
    all
}

/// The processes of a node that run in this directory of a jail.
pub(super) fn at(node: &Node, place: &str) -> BTreeSet<u32> {
    let mut all = below(node.pid());
    all.retain(|pid| {
        fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|path| path.starts_with(place))
    });
    all
}

/// Waits until something holds.
pub(super) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
