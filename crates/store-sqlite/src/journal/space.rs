//! The watch over the disk's room, and the reserve for control-plane acts.
//!
//! The reserve is a file that holds a piece of the disk. When the disk is full it is given back
//! for the control plane, and tenants are refused until the piece can be taken again.

use super::core::Core;
use ports::journal::State;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

/// The reserve file's name in the journal's directory.
const RESERVE: &str = "reserve";

/// Gives the reserve of a journal that is not open back to the disk, for a node that could not
/// start otherwise. Says whether there was one. The journal takes it again when there is room.
#[must_use]
pub fn give_back_reserve(dir: &Path) -> bool {
    let given = std::fs::remove_file(dir.join(RESERVE)).is_ok();
    if given {
        tracing::warn!("the disk is full; the journal's reserve was given back to start at all");
    }
    given
}

/// The piece of the disk that is held back.
pub(super) struct Reserve {
    path: PathBuf,
    bytes: u64,
    held: bool,
}

impl Reserve {
    /// Takes over the reserve that is there, or makes one if there is room.
    pub(super) fn new(core: &Core) -> Self {
        let path = core.config.dir.join(RESERVE);
        let bytes = core.config.reserve_bytes;
        let held = core.disk.open(&path).and_then(|file| file.size()).is_ok_and(|it| it == bytes);
        let mut reserve = Self { path, bytes, held };
        reserve.hold(core);
        reserve
    }

    /// Whether it is held, or none is wanted.
    pub(super) fn is_held(&self) -> bool {
        self.held || self.bytes == 0
    }

    /// Whether it is held, after trying to.
    pub(super) fn hold(&mut self, core: &Core) -> bool {
        if self.is_held() {
            return true;
        }
        // As much again must be free, or the next write would be refused at once.
        let room =
            core.disk.space(&core.config.dir).is_ok_and(|it| it.free_bytes / 2 >= self.bytes);
        if !room {
            return false;
        }
        if matches!(core.disk.remove(&self.path), Err(error) if error.kind() != io::ErrorKind::NotFound)
        {
            return false;
        }
        self.held = core.disk.reserve(&self.path, self.bytes).is_ok();
        if !self.held {
            let _ = core.disk.remove(&self.path);
        }
        self.held
    }

    /// Gives it back to the disk. Says whether that made room.
    pub(super) fn release(&mut self, core: &Core) -> bool {
        if !self.held || self.bytes == 0 {
            return false;
        }
        self.held = core.disk.remove(&self.path).is_err();
        if !self.held {
            tracing::warn!(bytes = self.bytes, "the disk is full; the journal uses its reserve");
        }
        !self.held
    }
}

/// Free bytes, and how the journal is. Warns once when the disk becomes nearly full.
pub(super) fn look(core: &Core) -> (u64, State) {
    let stuck = core.streams.all().iter().any(|stream| stream.stuck.load(Ordering::Relaxed));
    let Ok(space) = core.disk.space(&core.config.dir) else { return (0, State::Refusing) };
    let share = (space.total_bytes / 20).clamp(256 << 20, 2 << 30);
    let low = space.free_bytes < core.config.low_water_bytes.unwrap_or(share);
    let warned = core.warned.swap(low, Ordering::Relaxed);
    if low && !warned {
        let free_bytes = space.free_bytes;
        tracing::warn!(free_bytes, dir = %core.config.dir.display(), "the disk is nearly full");
    }
    let state = match (stuck || core.is_full(), low) {
        (true, _) => State::Refusing,
        (false, true) => State::NearlyFull,
        (false, false) => State::Taking,
    };
    (space.free_bytes, state)
}
