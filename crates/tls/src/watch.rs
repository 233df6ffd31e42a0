//! Notices that files changed, by their stamps.
//!
//! A change is only acted on when it has lain still for one look: tools that renew certificates
//! write the certificate and its key one after the other.

use crate::files::{Stamp, stamp};
use std::path::{Path, PathBuf};

/// After how many looks a set of files that could not be used is tried again unchanged: a
/// certificate may have become valid, or a file readable, without being written.
const AGAIN_LOOKS: u32 = 30;

/// Files that are used together.
#[derive(Debug)]
pub(crate) struct Watched {
    paths: Vec<PathBuf>,
    used: Vec<Stamp>,
    last: Vec<Stamp>,
    failed: bool,
    looks: u32,
}

impl Watched {
    /// Watches files that were just read.
    pub(crate) fn new<'a>(paths: impl Iterator<Item = &'a Path>) -> Self {
        let paths: Vec<PathBuf> = paths.map(Path::to_owned).collect();
        let used: Vec<Stamp> = paths.iter().map(|path| stamp(path)).collect();
        Self { last: used.clone(), used, paths, failed: false, looks: 0 }
    }

    /// Whether the files should be read again now.
    pub(crate) fn look(&mut self) -> bool {
        let now: Vec<Stamp> = self.paths.iter().map(|path| stamp(path)).collect();
        let still = now == self.last;
        self.last = now;
        self.looks = self.looks.saturating_add(1);
        let again = self.failed && self.looks >= AGAIN_LOOKS;
        still && (self.last != self.used || again)
    }

    /// Says that the files were read again, and whether they could be used.
    pub(crate) fn done(&mut self, used: bool) {
        // Stamps from before the reading: what is written meanwhile is a change again.
        self.used.clone_from(&self.last);
        self.failed = !used;
        self.looks = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_counts_when_it_has_lain_still_and_once() {
        let dir = tempfile::tempdir().expect("temp dir");
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        std::fs::write(&a, "1").expect("written");
        std::fs::write(&b, "1").expect("written");
        let mut watched = Watched::new([a.as_path(), b.as_path()].into_iter());
        assert!(!watched.look());
        std::fs::write(&a, "22").expect("written");
        assert!(!watched.look());
        std::fs::write(&b, "22").expect("written");
        assert!(!watched.look());
        assert!(watched.look());
        watched.done(true);
        assert!(!watched.look());
        std::fs::remove_file(&b).expect("removed");
        assert!(!watched.look());
        assert!(watched.look());
    }

    #[test]
    fn what_could_not_be_used_is_tried_again_later() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("a");
        let mut watched = Watched::new(std::iter::once(path.as_path()));
        watched.done(false);
        let looks = (1..100).find(|_| watched.look());
        assert_eq!(looks, Some(30));
        watched.done(true);
        assert!((1..100).all(|_| !watched.look()));
    }
}
