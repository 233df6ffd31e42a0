//! Who runs the tests: root, an ordinary user with control groups of its own, and one without.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// An ordinary user: nobody is this one.
const USER: u32 = 54_321;

/// Root, and a user with control groups.
pub(crate) const BOTH: &[Mode] = &[Mode::Root, Mode::User];
/// And one without.
pub(crate) const EVERYBODY: &[Mode] = &[Mode::Root, Mode::User, Mode::Bare];

/// Who runs a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The machine's root.
    Root,
    /// A user to whom control groups were handed down.
    User,
    /// A user who has none.
    Bare,
}

impl Mode {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::User => "user",
            Self::Bare => "bare",
        }
    }
}

/// Who can run tests here.
pub(crate) fn possible() -> Vec<Mode> {
    if rustix::process::geteuid().is_root() {
        vec![Mode::Root, Mode::User, Mode::Bare]
    } else {
        vec![Mode::Bare]
    }
}

/// Runs tests in a process of that user's, and gives how many were good and how many not.
#[expect(clippy::disallowed_methods, reason = "a test starts what it tests")]
pub(crate) fn run(mode: Mode, tests: &[&str]) -> (usize, usize) {
    // Where everybody can read and run it.
    let home = tempfile::tempdir().expect("a directory");
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).expect("readable");
    let executable = home.path().join("jail-tests");
    fs::copy(std::env::current_exe().expect("this executable"), &executable).expect("a copy");
    let work = home.path().join("work");
    fs::create_dir(&work).expect("a directory");
    let groups = if mode == Mode::User { hand_down() } else { Vec::new() };
    let mut command = Command::new(&executable);
    command.arg("__run").arg(mode.name()).args(tests).env("TMPDIR", &work);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    if mode != Mode::Root && rustix::process::geteuid().is_root() {
        chown(&work, Some(USER), Some(USER)).expect("the user's own directory");
        command.uid(USER).gid(USER);
    }
    let mut child = command.spawn().expect("a process");
    for group in &groups {
        fs::write(group.join("cgroup.procs"), child.id().to_string()).expect("joined");
    }
    let mut stdin = child.stdin.take().expect("standard input");
    stdin.write_all(b"go\n").expect("told to go");
    let (mut good, mut bad) = (0, 0);
    for line in BufReader::new(child.stdout.take().expect("standard output")).lines() {
        let line = line.expect("text");
        println!("{line}");
        good += usize::from(line.ends_with(" ... ok"));
        bad += usize::from(line.ends_with(" ... FAILED"));
    }
    let _ = child.wait();
    groups.iter().for_each(|group| remove(group));
    (good, bad)
}

static CURRENT: OnceLock<Mode> = OnceLock::new();

/// Who runs the tests of this process.
pub(crate) fn current() -> Mode {
    *CURRENT.get().expect("a process that runs tests")
}

/// For what is measured, and not in a process of its own.
pub(crate) fn be_root() {
    CURRENT.set(Mode::Root).expect("said once");
}

/// In the process that runs tests: waits until it may.
pub(crate) fn begin(mode: &str) {
    let mode = EVERYBODY.iter().find(|one| one.name() == mode).expect("a mode");
    CURRENT.set(*mode).expect("said once");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).expect("told to go");
}

/// Makes control groups that belong to the user, of every controller that there is.
fn hand_down() -> Vec<PathBuf> {
    let own = fs::read_to_string("/proc/self/cgroup").expect("control groups");
    let mut made = Vec::new();
    for controller in ["memory", "pids", "cpu", "cpuacct", "freezer"] {
        let tree = Path::new("/sys/fs/cgroup").join(controller);
        let path = own.lines().find_map(|line| {
            let (names, path) = line.split_once(':')?.1.split_once(':')?;
            names.split(',').any(|name| name == controller).then_some(path)
        });
        let Some(path) = path.filter(|_| tree.exists()) else { continue };
        let group = tree.join(&path[1..]).join(format!("jail-tests-{}", std::process::id()));
        fs::create_dir_all(&group).expect("a control group");
        chown(&group, Some(USER), Some(USER)).expect("the user's own");
        for name in ["cgroup.procs", "tasks"] {
            chown(group.join(name), Some(USER), Some(USER)).expect("the user's own");
        }
        made.push(group);
    }
    assert!(!made.is_empty(), "these tests hand control groups of version 1 down");
    made
}

fn remove(group: &Path) {
    for _ in 0..100 {
        if fs::remove_dir(group).is_ok() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("{} is not empty", group.display());
}
