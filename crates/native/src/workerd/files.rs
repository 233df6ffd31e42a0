//! What a Worker's jail has beside its package: our own module, and the configuration.

use crate::loader::DIRECTORY;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What the runtime is started with: the configuration's place, and that what it embeds is looked up
/// from the jail's root.
pub(crate) const ARGUMENTS: &[&str] = &["serve", "-I", "/", "/var/runtime/worker.capnp"];

const CONFIG: &str = "worker.capnp";
const ENTRY: &str = "worker.mjs";

/// What our own module imports in the place of the Worker's.
const MAIN: &str = "CASEMATE_MAIN";

/// The files with their places in the jail: the configuration that `config` writes, which is told where
/// our own module lies, and that module.
pub(crate) fn files(main: &str, config: impl FnOnce(&str) -> String) -> Vec<(PathBuf, Vec<u8>)> {
    let place = |name: &str| Path::new(DIRECTORY).join(name);
    let entry = place(ENTRY);
    let text = config(&entry.display().to_string());
    // A name of a module has nothing in it that could end a text of JavaScript's.
    let module = include_str!("entry.mjs").replace(MAIN, &format!("./{main}"));
    vec![(place(CONFIG), text.into_bytes()), (entry, module.into_bytes())]
}

/// The paths of all files below a directory, as a list of its package has them.
///
/// # Errors
/// It cannot be read, or has a name that is no text.
pub(crate) fn paths(package: &Path) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    let mut open = vec![(package.to_owned(), String::new())];
    while let Some((directory, prefix)) = open.pop() {
        for entry in fs::read_dir(&directory)? {
            let entry = entry?;
            let name = entry.file_name().into_string().map_err(|_| {
                io::Error::new(io::ErrorKind::InvalidData, "a file's name is no text")
            })?;
            let path = format!("{prefix}{name}");
            if entry.file_type()?.is_dir() {
                open.push((entry.path(), format!("{path}/")));
            } else {
                found.push(path);
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}
