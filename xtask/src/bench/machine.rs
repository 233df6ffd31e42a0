//! The machine that numbers come from, and which program runs on which of its cores.

use crate::program::{text_of, works};
use anyhow::{Context as _, Result};
use std::fs::read_to_string;
use std::process::Command;
use std::time::Duration;

/// Who runs where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cores {
    /// For servers, as `taskset -c` takes it; any core if absent.
    pub(super) servers: Option<String>,
    /// For the load generator.
    pub(super) generator: Option<String>,
}

impl Cores {
    /// Gives the last core to the load generator and the others to servers, where that can be.
    pub(super) fn find(shared: bool) -> Self {
        let count = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        if count < 2 || !works("taskset", &["--version"]) {
            return Self { servers: None, generator: None };
        }
        Self::of(count, shared)
    }

    fn of(count: usize, shared: bool) -> Self {
        let servers = if count == 2 { "0".to_owned() } else { format!("0-{}", count - 2) };
        Self { servers: (!shared).then_some(servers), generator: Some((count - 1).to_string()) }
    }

    /// A command for `program` on some cores.
    pub(super) fn command(cores: Option<&str>, program: &std::path::Path) -> Command {
        let Some(cores) = cores else { return Command::new(program) };
        let mut command = Command::new("taskset");
        command.args(["-c", cores]).arg(program);
        command
    }

    /// Where things run, for the report.
    pub(super) fn describe(&self) -> String {
        let on = |cores: &Option<String>| match cores {
            Some(cores) => format!("pinned to core {cores}"),
            None => "not pinned".to_owned(),
        };
        format!("servers {}, load generator {}", on(&self.servers), on(&self.generator))
    }
}

/// Facts about the machine, each a name and a value.
pub(super) fn facts() -> Vec<(&'static str, String)> {
    let processors = read_to_string("/proc/cpuinfo").unwrap_or_default();
    let count = processors.lines().filter(|line| line.starts_with("processor")).count();
    let kernel = read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let memory = read_to_string("/proc/meminfo").unwrap_or_default();
    vec![
        ("processor", field(&processors, "model name").unwrap_or("unknown").to_owned()),
        ("cores", count.to_string()),
        ("memory", memory_of(&memory)),
        ("kernel", format!("Linux {}", kernel.trim())),
        (
            "compiler",
            text_of(Command::new("rustc").arg("-V")).unwrap_or_default().trim().to_owned(),
        ),
    ]
}

/// Now, to the minute.
pub(super) fn date() -> String {
    let date = text_of(Command::new("date").args(["-u", "+%Y-%m-%d %H:%M UTC"]));
    date.unwrap_or_default().trim().to_owned()
}

/// The machine's memory, coarse enough to be the same after another start.
fn memory_of(facts: &str) -> String {
    let kib =
        field(facts, "MemTotal").and_then(|size| size.strip_suffix(" kB")?.parse::<u64>().ok());
    kib.map_or_else(|| "unknown".to_owned(), |kib| format!("{} GiB", (kib + (1 << 19)) >> 20))
}

/// The value of the first `name: value` line.
pub(super) fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    lines.filter(|(key, _)| key.trim() == name).map(|(_, value)| value.trim()).next()
}

/// A size that the system knows of a process, such as `VmRSS`, in KiB.
pub(super) fn resident_kib(pid: u32, name: &str) -> Result<u64> {
    let status = read_to_string(format!("/proc/{pid}/status"))?;
    let value = field(&status, name).and_then(|value| value.strip_suffix(" kB"));
    let value = value.context("/proc says nothing of memory")?;
    value.trim().parse().context("a size that is no number")
}

/// The processor time that a process has taken, all its threads together.
pub(super) fn cpu_time(pid: u32) -> Result<Duration> {
    let mut nanoseconds = 0_u64;
    for task in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread may have ended meanwhile, with what little it took.
        let Ok(text) = read_to_string(task?.path().join("schedstat")) else { continue };
        let on_cpu = text.split(' ').next().and_then(|word| word.parse::<u64>().ok());
        nanoseconds += on_cpu.context("/proc says nothing of processor time")?;
    }
    Ok(Duration::from_nanos(nanoseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_core_is_the_load_generators() {
        let two = Cores::of(2, false);
        assert_eq!((two.servers.as_deref(), two.generator.as_deref()), (Some("0"), Some("1")));
        let four = Cores::of(4, false);
        assert_eq!((four.servers.as_deref(), four.generator.as_deref()), (Some("0-2"), Some("3")));
        assert_eq!(Cores::of(4, true).servers, None);
    }

    #[test]
    fn fields_of_proc_are_read() {
        assert_eq!(field("MemTotal:   12 kB\nMemFree: 3 kB\n", "MemTotal"), Some("12 kB"));
    }
}
