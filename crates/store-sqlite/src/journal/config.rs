//! What an operator may choose about the journal.

use std::path::PathBuf;
use std::time::Duration;

/// Where the journal lives and how much it may take.
#[derive(Debug, Clone)]
pub struct Config {
    /// The directory, made if it is missing.
    pub dir: PathBuf,
    /// Bytes that all tenants together may take. Default 2 GiB.
    pub bytes_max: u64,
    /// How long tenants' entries are kept. Default 7 days.
    pub age_max: Duration,
    /// Bytes kept for control-plane acts and boots, beside [`Config::bytes_max`]. Default 64 MiB.
    pub control_bytes: u64,
    /// Size at which a segment is sealed and the next begun; smaller where many tenants share
    /// little room. Default 16 MiB.
    pub segment_bytes: u64,
    /// How long a group gathers before it is written, in milliseconds, unless somebody waits for
    /// it. The time that the disk takes is subtracted. Default 20 ms.
    pub group_ms: u64,
    /// Bytes that may wait in memory for each stream. Default 8 MiB.
    pub buffer_bytes: usize,
    /// Invocations that may be open at once in each stream. Default 262,144.
    pub open_max: usize,
    /// Disk space held back for control-plane acts when the disk is full. Default 8 MiB.
    pub reserve_bytes: u64,
    /// Free bytes under which the disk counts as nearly full. Default: 5 % of the file system,
    /// at least 256 MiB and at most 2 GiB.
    pub low_water_bytes: Option<u64>,
    /// How often a refusing journal tries again, in milliseconds. Default 1000 ms.
    pub retry_ms: u64,
}

impl Config {
    /// The defaults, in `dir`.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            bytes_max: 2 << 30,
            age_max: Duration::from_hours(7 * 24),
            control_bytes: 64 << 20,
            segment_bytes: 16 << 20,
            group_ms: 20,
            buffer_bytes: 8 << 20,
            open_max: 1 << 18,
            reserve_bytes: 8 << 20,
            low_water_bytes: None,
            retry_ms: 1000,
        }
    }
}
