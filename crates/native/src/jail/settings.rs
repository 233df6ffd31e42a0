//! What a launcher is told at its start.

use serde::{Deserialize, Serialize};

/// Layers that an operator has accepted to do without, where the machine does not have them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Danger {
    /// No ceiling on memory and processes: no writable control groups.
    pub no_memory_limit: bool,
    /// No Landlock: the kernel has none.
    pub no_landlock: bool,
    /// No `/proc` in jails: the machine does not let one be mounted.
    pub no_proc: bool,
}

impl Danger {
    /// The flags in force, as they are written.
    #[must_use]
    pub fn flags(self) -> Vec<&'static str> {
        let table = [
            (self.no_memory_limit, "--danger-no-memory-limit"),
            (self.no_landlock, "--danger-no-landlock"),
            (self.no_proc, "--danger-no-proc"),
        ];
        table.into_iter().filter(|(on, _)| *on).map(|(_, flag)| flag).collect()
    }
}

/// How a launcher works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Names the control groups of this node, so that a later start finds what a crash has left:
    /// letters, digits and `-`, the same at each start of one node and at no other's.
    pub tag: String,
    /// The first of the user ids that jails run under, if the node runs as root.
    pub uid_first: u32,
    /// How many there are: as many jails can live at a time.
    pub uid_count: u32,
    /// What is done without.
    pub danger: Danger,
}

impl Settings {
    /// Settings with the usual user ids, for the node that this tag names.
    #[must_use]
    pub fn new(tag: String) -> Self {
        Self { tag, uid_first: 231_072, uid_count: 65_526, danger: Danger::default() }
    }
}
