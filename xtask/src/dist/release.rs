//! What is released: the version, the machine, the time, and the binary itself.

use crate::place;
use crate::program::text_of;
use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};
use std::process::Command;

/// One release for one kind of machine.
pub(super) struct Release {
    /// Such as `0.1.0`.
    pub(super) version: String,
    /// The kernel's name of the machine: `x86_64` or `aarch64`.
    pub(super) machine: &'static str,
    /// Debian's and Go's name of it: `amd64` or `arm64`.
    pub(super) architecture: &'static str,
    /// The commit's time in seconds since 1970; every time in every file.
    pub(super) epoch: u64,
    /// The binary.
    pub(super) binary: Vec<u8>,
}

impl Release {
    /// A release of these bytes. The machine is read from the ELF header.
    ///
    /// # Errors
    /// The bytes are no Linux program that is known, or the commit's time is not to be had.
    pub(super) fn new(binary: Vec<u8>) -> Result<Self> {
        if binary.get(..4) != Some(b"\x7fELF") {
            bail!("the binary is no ELF file");
        }
        // e_machine, a little-endian u16 at 18 (System V ABI, chapter 4).
        let (machine, architecture) = match binary.get(18..20) {
            Some([0x3e, 0]) => ("x86_64", "amd64"),
            Some([0xb7, 0]) => ("aarch64", "arm64"),
            other => bail!("machine {other:?} is not known"),
        };
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Ok(Self { version, machine, architecture, epoch: epoch()?, binary })
    }

    /// What Debian expects the package's file to be called.
    pub(super) fn deb_name(&self) -> String {
        format!("casemate_{}_{}.deb", self.version, self.architecture)
    }
}

/// `SOURCE_DATE_EPOCH` (reproducible-builds.org), else the commit's time.
fn epoch() -> Result<u64> {
    if let Ok(text) = std::env::var("SOURCE_DATE_EPOCH") {
        return text.trim().parse().context("SOURCE_DATE_EPOCH is no number");
    }
    let mut git = Command::new("git");
    git.current_dir(place::root()).args(["log", "-1", "--format=%ct"]);
    text_of(&mut git)?.trim().parse().context("git gives no time")
}

/// A SHA-256 in hex.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hex_of(&Sha256::digest(bytes))
}

/// Bytes in hex.
pub(super) fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// One file of the repository.
///
/// # Errors
/// It is not there.
pub(super) fn own(path: &str) -> Result<Vec<u8>> {
    std::fs::read(place::root().join(path)).with_context(|| path.to_owned())
}
