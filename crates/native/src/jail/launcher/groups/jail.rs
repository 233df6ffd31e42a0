//! The control groups of one jail.

use super::super::super::plan::Ceilings;
use super::super::super::words::{Meters, Version};
use super::{Groups, Place, is_busy};
use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// How often processor time is shared out, in microseconds.
const PERIOD_US: u64 = 100_000;

/// The groups of one jail. Whoever drops it should have called [`Group::remove`].
#[derive(Debug, Default)]
pub(in super::super) struct Group {
    memory: Option<Place>,
    processes: Option<Place>,
    cpu: Option<Place>,
    usage: Option<Place>,
    freezer: Option<Place>,
}

/// How a process comes into the groups of a jail.
pub(in super::super) struct Doors {
    /// The group of version 2 that it is started in.
    pub(in super::super) start: Option<OwnedFd>,
    /// What it writes `0` to.
    pub(in super::super) join: Vec<OwnedFd>,
}

/// What a jail has used.
#[derive(Debug, Clone, Copy, Default)]
pub(in super::super) struct Used {
    pub(in super::super) cpu_us: u64,
    pub(in super::super) memory_peak_bytes: u64,
    pub(in super::super) out_of_memory: bool,
}

impl Group {
    /// Makes the groups, with their limits.
    pub(in super::super) fn make(groups: &Groups, name: &str, of: &Ceilings) -> io::Result<Self> {
        let below = |place: &Option<Place>| {
            place.as_ref().map(|place| Place {
                version: place.version,
                directory: place.directory.join(name),
            })
        };
        let group = Self {
            memory: below(&groups.memory),
            processes: below(&groups.processes),
            cpu: below(&groups.cpu),
            usage: below(&groups.usage),
            freezer: below(&groups.freezer),
        };
        let made = group.create().and_then(|()| group.limit(of, None));
        if let Err(error) = made {
            let _ = group.remove();
            return Err(error);
        }
        Ok(group)
    }

    fn create(&self) -> io::Result<()> {
        self.directories().iter().try_for_each(fs::create_dir)
    }

    fn directories(&self) -> Vec<&Path> {
        let all = [&self.memory, &self.processes, &self.cpu, &self.usage, &self.freezer];
        let mut all: Vec<&Path> =
            all.into_iter().flatten().map(|place| place.directory.as_path()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Sets the limits; `before` are those that hold now.
    pub(in super::super) fn limit(
        &self,
        of: &Ceilings,
        before: Option<&Ceilings>,
    ) -> io::Result<()> {
        if let Some(place) = &self.memory {
            let grows = before.is_some_and(|before| before.memory_bytes < of.memory_bytes);
            limit_memory(place, of.memory_bytes, grows)?;
        }
        if let Some(place) = &self.processes {
            write(place, "pids.max", of.processes)?;
        }
        if let Some(place) = &self.cpu {
            let quota = (u64::from(of.cpu_milli) * PERIOD_US / 1000).max(1000);
            match place.version {
                Version::One => {
                    write(place, "cpu.cfs_period_us", PERIOD_US)?;
                    write(place, "cpu.cfs_quota_us", quota)?;
                }
                Version::Two => write(place, "cpu.max", format!("{quota} {PERIOD_US}"))?,
            }
        }
        Ok(())
    }

    /// How a process comes in. By version 1 it does so itself, since the kernel has to stop the
    /// whole machine for a moment to move another one. By version 2 it is started there.
    pub(in super::super) fn doors(&self) -> io::Result<Doors> {
        let all = [&self.memory, &self.processes, &self.cpu, &self.usage, &self.freezer];
        let second = all.into_iter().flatten().find(|place| place.version == Version::Two);
        if let Some(place) = second {
            let start = Some(File::open(&place.directory)?.into());
            return Ok(Doors { start, join: Vec::new() });
        }
        let open = |directory: &&Path| {
            let file = File::options().write(true).open(directory.join("tasks"))?;
            Ok(OwnedFd::from(file))
        };
        let join = self.directories().iter().map(open).collect::<io::Result<_>>()?;
        Ok(Doors { start: None, join })
    }

    /// The files that the node watches it by.
    pub(in super::super) fn meters(&self) -> (Meters, Vec<OwnedFd>) {
        let mut files = Vec::new();
        let mut open = |place: &Option<Place>, names: [&str; 2], write: bool| {
            let place = place.as_ref()?;
            let name = match place.version {
                Version::One => names[0],
                Version::Two => names[1],
            };
            let path = place.directory.join(name);
            let file = File::options().read(!write).write(write).open(path).ok()?;
            files.push(OwnedFd::from(file));
            Some(place.version)
        };
        let meters = Meters {
            freezer: open(&self.freezer, ["freezer.state", "cgroup.freeze"], true),
            cpu: open(&self.usage, ["cpuacct.usage", "cpu.stat"], false),
            peak: open(&self.memory, ["memory.max_usage_in_bytes", "memory.peak"], false).is_some(),
        };
        (meters, files)
    }

    /// Lets it go on, so that it can be ended.
    pub(in super::super) fn thaw(&self) {
        if let Some(place) = &self.freezer {
            let _ = match place.version {
                Version::One => write(place, "freezer.state", "THAWED"),
                Version::Two => write(place, "cgroup.freeze", 0),
            };
        }
    }

    /// What it has used by now.
    pub(in super::super) fn used(&self) -> Used {
        let mut used = Used::default();
        if let Some(place) = &self.usage {
            used.cpu_us = match place.version {
                Version::One => number(place, "cpuacct.usage") / 1000,
                Version::Two => field(&read(place, "cpu.stat"), "usage_usec"),
            };
        }
        if let Some(place) = &self.memory {
            (used.memory_peak_bytes, used.out_of_memory) = match place.version {
                Version::One => (
                    number(place, "memory.max_usage_in_bytes"),
                    field(&read(place, "memory.oom_control"), "oom_kill") > 0,
                ),
                Version::Two => (
                    number(place, "memory.peak"),
                    field(&read(place, "memory.events"), "oom_kill") > 0,
                ),
            };
        }
        used
    }

    /// Removes them. An error says that something is in them still.
    pub(in super::super) fn remove(&self) -> io::Result<()> {
        for directory in self.directories() {
            match fs::remove_dir(directory) {
                Err(error) if is_busy(&error) => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Memory, with what is swapped out: none is, unless the machine does not count it.
fn limit_memory(place: &Place, bytes: u64, grows: bool) -> io::Result<()> {
    if place.version == Version::Two {
        write(place, "memory.max", bytes)?;
        let _ = write(place, "memory.swap.max", 0);
        return write(place, "memory.oom.group", 1);
    }
    // The sum may never be the smaller of the two.
    let (memory, sum) = ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes");
    let counted = place.directory.join(sum).exists();
    if counted && grows {
        write(place, sum, bytes)?;
    }
    write(place, memory, bytes)?;
    if counted && !grows {
        write(place, sum, bytes)?;
    }
    Ok(())
}

fn file(place: &Place, name: &str) -> PathBuf {
    place.directory.join(name)
}

fn write(place: &Place, name: &str, value: impl std::fmt::Display) -> io::Result<()> {
    fs::write(file(place, name), format!("{value}"))
}

fn read(place: &Place, name: &str) -> String {
    fs::read_to_string(file(place, name)).unwrap_or_default()
}

fn number(place: &Place, name: &str) -> u64 {
    read(place, name).trim().parse().unwrap_or(0)
}

/// The number behind a word.
fn field(text: &str, word: &str) -> u64 {
    let find = |line: &str| line.strip_prefix(word)?.trim().parse().ok();
    text.lines().find_map(find).unwrap_or(0)
}
