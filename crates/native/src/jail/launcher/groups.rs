//! Control groups: found per controller, made per jail below the node's own, and removed.
//!
//! Invariant: nothing is made outside the node's own group, so what holds the node holds its jails.

mod find;
mod jail;

pub(super) use jail::Group;

use super::super::words::Version;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What the groups of a launcher are called, before its tag.
const PREFIX: &str = "casemate-";

/// Where a controller's groups are made.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    version: Version,
    /// The launcher's own group.
    directory: PathBuf,
}

/// Where the groups of this launcher's jails are made. What a machine does not have is missing.
#[derive(Debug, Default)]
pub(super) struct Groups {
    memory: Option<Place>,
    processes: Option<Place>,
    cpu: Option<Place>,
    usage: Option<Place>,
    freezer: Option<Place>,
}

impl Groups {
    /// Finds what can be used, and takes away what an earlier launcher of this tag has left.
    pub(super) fn find(tag: &str) -> Self {
        let name = format!("{PREFIX}{tag}");
        if let Some(own) = find::second(&name) {
            let place = Place { version: Version::Two, directory: own.directory };
            let has = |controller: &str| {
                own.controllers.iter().any(|one| one == controller).then(|| place.clone())
            };
            return Self {
                memory: has("memory"),
                processes: has("pids"),
                cpu: has("cpu"),
                usage: Some(place.clone()),
                freezer: Some(place),
            };
        }
        // First the one that lets go on what is frozen: it could not be ended in the others.
        let place = |controller| {
            let directory = find::first(controller, &name)?;
            Some(Place { version: Version::One, directory })
        };
        let freezer = place("freezer");
        Self {
            memory: place("memory"),
            processes: place("pids"),
            cpu: place("cpu"),
            usage: place("cpuacct"),
            freezer,
        }
    }

    fn all(&self) -> impl Iterator<Item = &Place> {
        [&self.memory, &self.processes, &self.cpu, &self.usage, &self.freezer].into_iter().flatten()
    }

    /// All directories, each once.
    fn directories(&self) -> Vec<&Path> {
        let mut all: Vec<&Path> = self.all().map(|place| place.directory.as_path()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Removes the launcher's own groups, and what is left in them.
    pub(super) fn remove(&self) {
        for directory in self.directories() {
            sweep(directory);
        }
    }

    /// Lets every jail go on, so that it can end.
    pub(super) fn thaw_all(&self) {
        let Some(freezer) = &self.freezer else { return };
        for entry in fs::read_dir(&freezer.directory).into_iter().flatten().flatten() {
            thaw(&entry.path());
        }
    }

    /// What holds memory, processes, processor time, and what freezes.
    pub(super) fn versions(&self) -> [Option<Version>; 4] {
        let version = |place: &Option<Place>| place.as_ref().map(|place| place.version);
        [&self.memory, &self.processes, &self.cpu, &self.freezer].map(version)
    }
}

/// Ends whatever runs in a group and those below it, and removes them.
fn sweep(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            sweep(&entry.path());
        }
    }
    for _ in 0..50 {
        if !matches!(fs::remove_dir(directory), Err(error) if is_busy(&error)) {
            return;
        }
        thaw(directory);
        for pid in numbers(&directory.join("cgroup.procs")) {
            if let Some(pid) = rustix::process::Pid::from_raw(pid) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

fn thaw(group: &Path) {
    // Of the two, one is there.
    let _ = fs::write(group.join("freezer.state"), "THAWED");
    let _ = fs::write(group.join("cgroup.freeze"), "0");
}

fn is_busy(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EBUSY)
}

/// The numbers in a file, one per line.
fn numbers(file: &Path) -> Vec<i32> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).collect()
}
