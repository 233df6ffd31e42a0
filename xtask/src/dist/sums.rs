//! Checksums of every file, and a signature of the checksums.
//!
//! The signature is OpenSSH's (`ssh-keygen -Y`): who has SSH can check it, and who has a key can
//! make one.

use super::release::sha256;
use crate::program::run;
use anyhow::{Context as _, Result};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The checksums' file.
const FILE: &str = "SHA256SUMS";
/// What a signature is for, so that one made for something else is not taken.
const NAMESPACE: &str = "casemate-release";

/// Writes the checksums in the form of `sha256sum`.
pub(super) fn write(out: &Path, names: &[String]) -> Result<()> {
    let mut text = String::new();
    for name in names {
        let bytes = fs::read(out.join(name)).with_context(|| name.clone())?;
        let _ = writeln!(text, "{}  {name}", sha256(&bytes));
    }
    fs::write(out.join(FILE), text).context(FILE)
}

/// Signs the checksums; the signature is `SHA256SUMS.sig`.
pub(super) fn sign(out: &Path, key: &Path) -> Result<()> {
    // An older signature would make ssh-keygen ask.
    let _absent = fs::remove_file(out.join(format!("{FILE}.sig")));
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-Y", "sign", "-n", NAMESPACE, "-f"]).arg(key).arg(out.join(FILE));
    run(&mut command)
}
