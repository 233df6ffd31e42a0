//! What processes take of the machine's memory.

use anyhow::Result;
use std::path::{Path, PathBuf};

/// Proportional set sizes of all interpreters below a process that wait for a function, in KiB.
pub(super) fn pss_of_waiting(ancestor: u32) -> Result<Vec<u64>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir("/proc")?.flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        if !descends(pid, ancestor) {
            continue;
        }
        let words = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        // What a pool starts is told to rehearse; what was started for a function is not.
        if words.split(|byte| *byte == 0).any(|word| word == b"rehearse") {
            all.extend(pss(&entry.path()));
        }
    }
    Ok(all)
}

fn pss(process: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(process.join("smaps_rollup")).ok()?;
    let line = text.lines().find(|line| line.starts_with("Pss:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn descends(pid: u32, ancestor: u32) -> bool {
    let mut at = pid;
    for _ in 0..16 {
        let status = std::fs::read_to_string(format!("/proc/{at}/status")).unwrap_or_default();
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
        match parent.and_then(|text| text.trim().parse().ok()) {
            Some(parent) if parent == ancestor => return true,
            Some(0) | None => return false,
            Some(parent) => at = parent,
        }
    }
    false
}

/// The packages of a virtual environment.
pub(super) fn site_packages(environment: &Path) -> Option<PathBuf> {
    let lib = std::fs::read_dir(environment.join("lib")).ok()?;
    let mut found = lib.flatten().map(|entry| entry.path().join("site-packages"));
    found.find(|path| path.join("boto3").is_dir())
}
