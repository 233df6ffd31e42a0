//! A node with native functions, run by root or by an ordinary user, and what it leaves behind.

use crate::rig::{BINARY, Node, PATIENCE, Reply};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// An ordinary user: nobody is this one.
const USER: u32 = 54_322;

/// Joins the control groups that the first arguments name, up to `--`, becomes the user, and runs
/// the rest.
const BECOME: &str = "\
user=$0
while [ \"$1\" != -- ]; do echo $$ > \"$1/cgroup.procs\"; shift; done
shift
exec setpriv --reuid=$user --regid=$user --clear-groups -- \"$@\"";

/// Who runs the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Root,
    /// A user to whom control groups were handed down.
    User,
}

/// A node, the directory that functions are deployed from, and its user's control groups.
pub(crate) struct Place {
    pub(crate) node: Node,
    dir: tempfile::TempDir,
    /// They go when the node is gone.
    _groups: Groups,
}

impl Place {
    /// A node on a new home.
    pub(crate) fn open(who: Who) -> Self {
        Self::open_beside(who, "", &[])
    }

    /// A node on a new home with this configuration, and files that it names.
    pub(crate) fn open_beside(who: Who, configuration: &str, files: &[(&str, &str)]) -> Self {
        assert!(is_root(), "these tests make control groups and users' homes: run them as root");
        let dir = tempfile::tempdir().expect("a directory");
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).expect("readable");
        let file = dir.path().join("casemate.conf");
        fs::write(&file, configuration).expect("written");
        for (name, text) in files {
            fs::write(dir.path().join(name), text).expect("written");
        }
        let above = dir.path().join("node");
        fs::create_dir(&above).expect("a directory");
        let groups = match who {
            Who::Root => Groups::default(),
            Who::User => {
                chown(&above, Some(USER), Some(USER)).expect("the user's own directory");
                Groups::hand_down()
            }
        };
        let node = start(who, &groups, &above.join("home"), &file);
        Self { node, dir, _groups: groups }
    }

    /// The directory that functions are deployed from.
    pub(crate) fn source(&self, path: &str) -> PathBuf {
        self.dir.path().join("source").join(path)
    }

    /// Writes a file to be deployed.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let file = self.source(path);
        fs::create_dir_all(file.parent().expect("below the source")).expect("a directory");
        fs::write(file, text).expect("written");
    }

    /// Deploys functions and grants what they ask for.
    pub(crate) fn deploy(&self, functions: &str) {
        self.deploy_with(functions, &["--grant"]);
    }

    /// Deploys functions.
    pub(crate) fn deploy_with(&self, functions: &str, more: &[&str]) {
        self.write("casemate.toml", &format!("manifest = 1\napplication = \"n\"\n{functions}"));
        let file = self.source("casemate.toml");
        let mut words = vec!["deploy", file.to_str().expect("text")];
        words.extend(more);
        self.node.ok(&words);
    }

    /// Sets a secret.
    pub(crate) fn secret(&self, name: &str, value: &str) {
        self.write(name, value);
        let file = self.source(name);
        self.node.ok(&["secret", "set", name, "--file", file.to_str().expect("text")]);
    }

    /// Calls a public route.
    pub(crate) fn get(&self, path: &str) -> Reply {
        self.node.get(path, None)
    }

    /// Calls a public route that must answer 200 with JSON, and waits for the invocation's end: its
    /// process is free then.
    pub(crate) fn json(&self, path: &str) -> Value {
        let reply = self.get(path);
        let record = self.node.ended(&reply);
        if reply.status != 200 {
            let log = self.log(&reply);
            panic!("{path}: {} {}\n{record}\n{log}", reply.status, reply.text());
        }
        serde_json::from_slice(&reply.body).unwrap_or_else(|_| panic!("{path}: {}", reply.text()))
    }

    /// What a function has printed in one invocation.
    pub(crate) fn log(&self, reply: &Reply) -> String {
        let id = reply.header("casemate-invocation").expect("an invocation");
        let lines = self.node.lines_of(id);
        lines.iter().map(|line| format!("{}\n", line["text"].as_str().unwrap_or(""))).collect()
    }

    /// What is there of this node's: processes, control groups, mounts.
    pub(crate) fn trace(&self) -> Trace {
        Trace::of(&self.node, self.dir.path())
    }
}

/// One function of the application, with a public route below its name.
pub(crate) fn function(name: &str, more: &str, native: &str) -> String {
    format!(
        "[[function]]\nname = \"{name}\"\nruntime = \"native\"\nsource = \"app\"\n{more}\n\
         http = [{{ route = \"* /{name}/{{*rest}}\", auth = \"public\" }}]\n\
         [function.native]\n{native}\n"
    )
}

/// What `[function.native]` says of a Python function of AWS Lambda's contract.
pub(crate) fn handler(name: &str) -> String {
    format!("contract = \"lambda\"\ninterpreter = \"python3\"\nhandler = \"{name}\"\n")
}

/// What `[function.native]` says of a Python server on a port.
pub(crate) fn server(file: &str) -> String {
    let command = format!("command = [\"python3\", \"{file}\"]");
    format!("contract = \"http\"\ninterpreter = \"python3\"\n{command}\n")
}

/// Waits until something is so.
pub(crate) fn until(what: &str, mut is: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is() {
        assert!(Instant::now() < deadline, "it is not so after a minute: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").expect("a status");
    status.lines().any(|line| line.starts_with("Uid:\t0\t0\t"))
}

fn start(who: Who, groups: &Groups, home: &Path, configuration: &Path) -> Node {
    let mut command = match who {
        Who::Root => Command::new(BINARY),
        Who::User => {
            let mut command = Command::new("/bin/sh");
            command.args(["-c", BECOME, &USER.to_string()]).args(&groups.0);
            command.arg("--").arg(BINARY);
            command
        }
    };
    command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", "/nonexistent");
    let configuration = configuration.to_str().expect("text");
    let mut node = Node::try_start_as(command, home, &["--config", configuration])
        .unwrap_or_else(|said| panic!("the node did not start: {said}"));
    node.user = (who == Who::User).then_some(USER);
    node
}

/// Control groups of version 1 that belong to the user.
#[derive(Debug, Default)]
struct Groups(Vec<PathBuf>);

impl Groups {
    fn hand_down() -> Self {
        let own = fs::read_to_string("/proc/self/cgroup").expect("control groups");
        let mut made = Vec::new();
        for controller in ["memory", "pids", "cpu", "cpuacct", "freezer"] {
            let path = own.lines().find_map(|line| {
                let (names, path) = line.split_once(':')?.1.split_once(':')?;
                names.split(',').any(|name| name == controller).then_some(path)
            });
            let tree = Path::new("/sys/fs/cgroup").join(controller);
            let Some(path) = path.filter(|_| tree.exists()) else { continue };
            let name = format!("casemate-e2e-{:016x}", fastrand());
            let group = tree.join(&path[1..]).join(name);
            fs::create_dir_all(&group).expect("a control group");
            for file in ["", "cgroup.procs", "tasks"] {
                chown(group.join(file), Some(USER), Some(USER)).expect("the user's own");
            }
            made.push(group);
        }
        assert!(!made.is_empty(), "these tests hand control groups of version 1 down");
        Self(made)
    }
}

/// Something that is said once.
fn fastrand() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(0)
}

impl Drop for Groups {
    fn drop(&mut self) {
        for group in &self.0 {
            // What is in it has been killed, and goes in its own time.
            for _ in 0..200 {
                if fs::remove_dir(group).is_ok() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }
}

/// Where everything of a node's would be found.
pub(crate) struct Trace {
    tag: String,
    packages: String,
    launchers: Vec<u32>,
}

impl Trace {
    fn of(node: &Node, dir: &Path) -> Self {
        let find = || -> Vec<u32> {
            let all = children(node.pid()).into_iter();
            all.filter(|pid| words(*pid).iter().any(|word| word == "__jails")).collect()
        };
        until("there is a launcher", || !find().is_empty());
        let launchers = find();
        let tag = launchers.iter().find_map(|pid| {
            let settings: Value = serde_json::from_str(words(*pid).last()?).ok()?;
            settings["tag"].as_str().map(str::to_owned)
        });
        let tag = tag.expect("a launcher with a tag");
        // However the file system is mounted of which it is a part.
        let packages = dir.file_name().expect("a name").display().to_string();
        Self { tag, packages, launchers }
    }

    /// The launcher's first process.
    pub(crate) fn launcher(&self) -> u32 {
        self.launchers[0]
    }

    /// Processes below the launcher, but for the launcher's own second.
    pub(crate) fn jailed(&self) -> Vec<u32> {
        let second: Vec<u32> = self.launchers.iter().flat_map(|pid| children(*pid)).collect();
        let mut found: Vec<u32> = second.iter().flat_map(|pid| children(*pid)).collect();
        let mut at = 0;
        while let Some(pid) = found.get(at) {
            found.extend(children(*pid));
            at += 1;
        }
        found
    }

    /// The jails that were given a function: one process of each.
    pub(crate) fn serving(&self) -> Vec<u32> {
        let mounts = |pid| fs::read_to_string(format!("/proc/{pid}/mountinfo")).unwrap_or_default();
        let second: Vec<u32> = self.launchers.iter().flat_map(|pid| children(*pid)).collect();
        let first = second.iter().flat_map(|pid| children(*pid));
        let package = format!("{}/node/home/packages/", self.packages);
        first.filter(|pid| mounts(*pid).contains(&package)).collect()
    }

    /// Control groups by the node's tag.
    pub(crate) fn groups(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        walk(Path::new("/sys/fs/cgroup"), &mut |path| {
            if path.to_string_lossy().contains(&self.tag) {
                found.push(path.to_owned());
            }
        });
        found
    }

    /// Everything that there is of the node's, in words; empty if nothing is.
    pub(crate) fn left(&self) -> Vec<String> {
        let mut left: Vec<String> =
            self.groups().iter().map(|group| group.display().to_string()).collect();
        let mounts = fs::read_to_string("/proc/self/mountinfo").expect("mounts");
        left.extend(mounts.lines().filter(|line| line.contains(&self.packages)).map(str::to_owned));
        for pid in processes() {
            let told = words(pid).iter().any(|word| word.contains(&self.tag));
            // Who has a mount of the node's files among its own is a jail of the node's.
            let mounts = fs::read_to_string(format!("/proc/{pid}/mountinfo")).unwrap_or_default();
            if told || mounts.contains(&self.packages) {
                left.push(format!("{pid}: {}", words(pid).join(" ")));
            }
        }
        left
    }

    /// Waits until nothing is left.
    pub(crate) fn is_gone(&self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = self.left();
            if left.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "left: {left:#?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn walk(path: &Path, seen: &mut impl FnMut(&Path)) {
    let Ok(entries) = fs::read_dir(path) else { return };
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            seen(&entry.path());
            walk(&entry.path(), seen);
        }
    }
}

fn processes() -> Vec<u32> {
    let all = fs::read_dir("/proc").expect("processes").flatten();
    all.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// The words that a process was started with.
pub(crate) fn words(pid: u32) -> Vec<String> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words = bytes.split(|byte| *byte == 0).filter(|word| !word.is_empty());
    words.map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}

/// The children of a process.
pub(crate) fn children(pid: u32) -> Vec<u32> {
    let parent = |pid: &u32| -> Option<u32> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
    };
    processes().into_iter().filter(|child| parent(child) == Some(pid)).collect()
}
