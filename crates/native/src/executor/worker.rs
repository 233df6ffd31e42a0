//! The files of a Worker's jail: which modules its package has, and which variables it reads.

use crate::workerd::{self, Bindings, Config};
use model::manifest::WorkerSpec;
use model::manifest::worker::modules;
use model::{Code, Problem};
use ports::executor::Unit;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The files with their places in the jail. `environment` is all of its process's, and `revealed` are
/// the names of secrets that the Worker reads.
///
/// # Errors
/// The package cannot be read, or is none of a Worker's.
pub(super) fn files<'a>(
    spec: &WorkerSpec,
    unit: &Unit,
    (revealed, environment): (impl Iterator<Item = &'a str>, &BTreeMap<String, String>),
    package: &Path,
    place: &Path,
) -> Result<Vec<(PathBuf, Vec<u8>)>, Problem> {
    let unread = |error| Problem::new(Code::Internal).internal(format!("a package: {error}"));
    let paths = workerd::paths(package).map_err(unread)?;
    let modules = modules(spec, paths.iter().map(String::as_str))?;
    let names = own(unit, revealed.collect(), environment);
    let is_json = |name: &&String| spec.json.contains(name);
    let json = environment.iter().filter(|(name, _)| is_json(name));
    let taken: BTreeSet<&String> = spec.bindings().chain(&spec.json).collect();
    let bindings = Bindings {
        variables: names.iter().filter(|name| !taken.contains(name)).map(String::as_str).collect(),
        json: json.map(|(name, value)| (name.as_str(), value.as_str())).collect(),
    };
    let place = place.display().to_string();
    Ok(workerd::files(spec.main(), |entry| {
        Config { spec, modules: &modules, bindings, place: &place, entry }.text()
    }))
}

/// The names of the environment that are the function's own, and none of its jail's.
fn own(
    unit: &Unit,
    revealed: Vec<&str>,
    environment: &BTreeMap<String, String>,
) -> BTreeSet<String> {
    let config = unit.config.iter().map(|(name, _)| name.as_str());
    let said = unit.around.environment.iter().map(|(name, _)| name.as_str());
    let mut all = BTreeSet::new();
    for name in config.chain(said).chain(revealed) {
        let Some(value) = environment.get(name) else { continue };
        all.insert(name.to_owned());
        // Secrets have a second name, unless something else has it.
        let capitals = name.to_uppercase().replace('-', "_");
        if environment.get(&capitals) == Some(value) {
            all.insert(capitals);
        }
    }
    all
}
