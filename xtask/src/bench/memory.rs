//! What a node's resident memory is made of: guests' linear memories, files, and the rest.
//!
//! The node reserves 4 GiB and more of address space for each linear memory, of which the guest has
//! only the beginning: writable mappings one after the other, then nothing that may be touched. So a
//! linear memory is a run of writable mappings right before an inaccessible one of a gibibyte or
//! more. Nothing else of the node looks like that: an allocator's arena reserves 64 MiB, a stack's
//! guard is some pages.

use anyhow::{Context as _, Result};
use std::fs::read_to_string;

/// The least that stands behind a linear memory, in bytes.
const RESERVED_MIN: u64 = 1 << 30;

/// What is resident, in KiB.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Resident {
    /// Everything.
    pub(super) all: u64,
    /// Of it, linear memories of guests.
    pub(super) guests: u64,
    /// Of the rest, files that are mapped: the program itself, libraries, compiled components.
    pub(super) files: u64,
}

impl Resident {
    /// Looks at a process.
    pub(super) fn of(pid: u32) -> Result<Self> {
        let text = read_to_string(format!("/proc/{pid}/smaps"))?;
        Ok(Self::sum(&mappings(&text).context("/proc/PID/smaps is not understood")?))
    }

    /// What is resident and neither a guest's nor a file's.
    pub(super) fn allocated(self) -> u64 {
        self.all.saturating_sub(self.guests + self.files)
    }

    fn sum(mappings: &[Mapping]) -> Self {
        let mut sum = Self::default();
        // Writable mappings that touch each other, so far.
        let (mut run, mut end) = (Vec::new(), 0);
        for mapping in mappings {
            if mapping.begin != end {
                sum.take(&mut run, false);
            }
            end = mapping.end;
            if mapping.writable {
                run.push(*mapping);
                continue;
            }
            let reserved = !mapping.readable && mapping.end - mapping.begin >= RESERVED_MIN;
            sum.take(&mut run, reserved);
            sum.take(&mut vec![*mapping], false);
        }
        sum.take(&mut run, false);
        sum
    }

    fn take(&mut self, run: &mut Vec<Mapping>, guest: bool) {
        for mapping in run.drain(..) {
            self.all += mapping.resident;
            match (guest, mapping.file) {
                (true, _) => self.guests += mapping.resident,
                (false, true) => self.files += mapping.resident,
                (false, false) => {}
            }
        }
    }
}

/// One mapping.
#[derive(Debug, Clone, Copy)]
struct Mapping {
    begin: u64,
    end: u64,
    readable: bool,
    writable: bool,
    file: bool,
    /// In KiB.
    resident: u64,
}

/// The mappings of `/proc/PID/smaps`, in order.
fn mappings(text: &str) -> Option<Vec<Mapping>> {
    let mut all: Vec<Mapping> = Vec::new();
    for line in text.lines() {
        if let Some(mapping) = head(line) {
            all.push(mapping);
        } else if let Some(size) = line.strip_prefix("Rss:") {
            all.last_mut()?.resident = size.trim().strip_suffix(" kB")?.parse().ok()?;
        }
    }
    (!all.is_empty()).then_some(all)
}

/// `BEGIN-END PERMISSIONS OFFSET DEVICE INODE [PATH]`.
fn head(line: &str) -> Option<Mapping> {
    let mut words = line.split_ascii_whitespace();
    let (begin, end) = words.next()?.split_once('-')?;
    let permissions = words.next()?.as_bytes();
    let file = words.nth(2)? != "0";
    let (begin, end) = (u64::from_str_radix(begin, 16).ok()?, u64::from_str_radix(end, 16).ok()?);
    let has = |at: usize, letter: u8| permissions.get(at) == Some(&letter);
    let (readable, writable) = (has(0, b'r'), has(1, b'w'));
    Some(Mapping { begin, end, readable, writable, file, resident: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_memories_are_told_from_the_rest() {
        let text = "\
5572fd473000-5572ffead000 r-xp 00000000 08:01 77 /usr/bin/casemate
Size:              43240 kB
Rss:               25952 kB
775808000000-77580834b000 rw-p 00000000 00:00 0
Rss:                3288 kB
77580834b000-77580c000000 ---p 00000000 00:00 0
Rss:                   0 kB
77592c000000-77592c100000 rw-p 00000000 00:00 0
Rss:                  20 kB
77592c100000-77592c104000 rw-p 00000000 00:01 9 /memfd:casemate (deleted)
Rss:                  16 kB
77592c104000-77592c110000 rw-p 00000000 00:00 0
Rss:                   4 kB
77592c110000-775a2e000000 ---p 00000000 00:00 0
Rss:                   0 kB
7fff00000000-7fff00010000 rw-p 00000000 00:00 0 [stack]
Rss:                 100 kB
";
        let resident = Resident::sum(&mappings(text).expect("mappings"));
        assert_eq!(resident, Resident { all: 29_380, guests: 40, files: 25_952 });
        assert_eq!(resident.allocated(), 3_388);
    }

    #[test]
    fn what_is_no_list_of_mappings_is_refused() {
        assert!(mappings("").is_none() && mappings("Rss: 3 kB\n").is_none());
        assert!(mappings("1000-2000 rw-p 0 00:00 0\nRss: many kB\n").is_none());
    }
}
