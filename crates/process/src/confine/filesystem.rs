//! No file and no connection, by Landlock.

use super::Error;
use landlock::{
    ABI, Access as _, AccessFs, AccessNet, CompatLevel, Compatible as _, PathBeneath, PathFd,
    Ruleset, RulesetAttr as _, RulesetCreatedAttr as _, RulesetStatus, Scope,
};
use std::path::Path;

/// Denies everything that this kernel's Landlock knows, with no exception. Gives whether there
/// is a Landlock at all.
///
/// # Errors
/// If Landlock says that it is on, and a directory can be opened all the same.
pub(super) fn deny_all() -> Result<bool, Error> {
    deny(None)
}

/// The same, but this file can be read.
///
/// # Errors
/// As [`deny_all`].
pub(super) fn deny_all_but(file: &Path) -> Result<bool, Error> {
    deny(Some(file))
}

fn deny(but: Option<&Path>) -> Result<bool, Error> {
    let failed = |error: &dyn std::error::Error| Error::Layer {
        layer: "Landlock",
        reason: error.to_string(),
    };
    // Best effort: as much of the newest version as the kernel knows.
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(ABI::V7))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(ABI::V7)))
        .and_then(|rules| rules.scope(Scope::from_all(ABI::V7)))
        .and_then(Ruleset::create)
        .map_err(|error| failed(&error))?;
    // A file that is not there cannot be read anyway.
    if let Some(file) = but.and_then(|path| PathFd::new(path).ok()) {
        let rule = PathBeneath::new(file, AccessFs::ReadFile);
        ruleset = ruleset.add_rule(rule).map_err(|error| failed(&error))?;
    }
    let status = ruleset.restrict_self().map_err(|error| failed(&error))?;
    if status.ruleset == RulesetStatus::NotEnforced {
        return Ok(false);
    }
    match std::fs::read_dir("/") {
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Ok(true),
        Err(error) => Err(failed(&error)),
        Ok(_) => Err(Error::Layer {
            layer: "Landlock",
            reason: "it is on and `/` can be read".to_owned(),
        }),
    }
}
