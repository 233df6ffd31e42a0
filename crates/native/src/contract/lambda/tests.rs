//! A conversation as a runtime sees it, byte by byte, and as real runtimes have it.

mod answers;
mod beside;
mod node;
mod process;
mod published;
mod python;
mod rig;
mod words;

pub(super) use rig::unit;
