//! From what the user names (a directory, a `casemate.toml`, a `.wasm` file) to what is deployed.
//!
//! Invariant: nothing outside the manifest's own directory tree is read, and nothing is sent
//! before all of it was found and digested.

mod assets;
mod bare;
pub(crate) mod changes;
mod component;
mod document;
mod files;
mod format;
#[cfg(test)]
mod fuzz;
mod image;
mod keys;
mod mend;
mod outline;
mod package;
mod reading;
mod resolve;
mod spin;
mod wrap;
mod written;

pub(crate) use assets::Directory;
pub(crate) use bare::{Bare, Target, Wanted};
pub(crate) use component::Component;
pub(crate) use format::formatted;
pub(crate) use keys::schema;
pub(crate) use outline::{Outline, outline, project};
pub(crate) use resolve::embedded;

use component::Content;
use model::{Code, FunctionName, Manifest, Problem};
use spin::Given;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use written::Written;

/// The manifest's file name.
pub(crate) const FILE_NAME: &str = "casemate.toml";
/// Largest manifest: ten thousand functions, with room.
const MANIFEST_BYTES_MAX: u64 = 16 << 20;

/// What is to be deployed.
#[derive(Debug)]
pub(crate) struct Plan {
    /// With the digest of every component, and without this machine's paths.
    pub(crate) manifest: Manifest,
    /// Each component once.
    pub(crate) components: Vec<Component>,
    /// The directories of files.
    pub(crate) directories: Vec<Directory>,
}

/// What the user named.
enum Named {
    /// A manifest.
    Manifest(PathBuf),
    /// A component without one.
    Component(PathBuf),
}

/// Reads what `path` names. `bare` holds the options that only a bare component takes.
///
/// # Errors
/// E0118, E0103 or E0104 for a manifest, E0105 for a file whose name makes no function name, and
/// an error of usage if options of bare components come with a manifest.
pub(crate) fn read(path: &Path, bare: &Bare) -> anyhow::Result<Plan> {
    match named(path)? {
        Named::Component(file) => bare.plan(&file),
        Named::Manifest(file) => {
            if let Some(option) = bare.first_option() {
                return Err(crate::voice::usage(format!(
                    "`{option}` goes with a `.wasm` file; for `{}` write it into the manifest",
                    file.display()
                )));
            }
            let written = Written::read(&file, Given::These(&bare.variables))?;
            if !written.translated && !bare.variables.is_empty() {
                return Err(crate::voice::usage(format!(
                    "`--variable` goes with a `{}`; for `{}` write `config` into the manifest",
                    spin::FILE_NAME,
                    file.display()
                )));
            }
            Ok(resolve::from_file(&file, &written, None)?)
        }
    }
}

/// Reads a manifest whose components need not be built, checks all that can be known without a
/// node, and says which file it was.
///
/// # Errors
/// As [`read`], but for `source` files, and what [`Manifest::check`] says; each with the line and
/// with what to write instead.
pub(crate) fn checked(path: &Path) -> anyhow::Result<(String, Manifest)> {
    let file = file_of(path)?;
    let name = file.display().to_string();
    let written = Written::read(&file, Given::Later)?;
    let checked = reading::checked(&name, &written.text);
    Ok((name, checked.map_err(|problem| written.placed(problem))?))
}

/// Whether a text is a manifest that could be deployed, as far as that can be known without its
/// components.
///
/// # Errors
/// What [`checked`] says of a file with this text.
pub(crate) fn accepted(file: &str, text: &str) -> Result<Manifest, Problem> {
    reading::attempt(file, text).map_err(|failure| failure.fault.problem)
}

/// The file that `path` names, and its text.
///
/// # Errors
/// E0118 if it cannot be read, and an error of usage if it is a component.
pub(crate) fn raw(path: &Path) -> anyhow::Result<(PathBuf, String)> {
    let file = file_of(path)?;
    let text = text(&file)?;
    if spin::is_one(&text) {
        let shown = file.display();
        return Err(crate::voice::usage(format!("`{shown}` is Spin's, and this is about ours")));
    }
    Ok((file, text))
}

fn file_of(path: &Path) -> anyhow::Result<PathBuf> {
    match named(path)? {
        Named::Manifest(file) => Ok(file),
        Named::Component(file) => Err(crate::voice::usage(format!(
            "`{}` is a component, and this is about manifests",
            file.display()
        ))),
    }
}

/// Replaces a file whole: whoever reads it sees the old text or the new one.
///
/// # Errors
/// The directory cannot be written.
pub(crate) fn replace(file: &Path, text: &str) -> std::io::Result<()> {
    let target = file.canonicalize()?;
    let mut beside = target.clone().into_os_string();
    beside.push(".new");
    std::fs::write(&beside, text)?;
    std::fs::set_permissions(&beside, std::fs::metadata(&target)?.permissions())?;
    std::fs::rename(&beside, &target)
}

/// Reads a manifest as if it had these functions only: all, or the one of this name.
///
/// # Errors
/// As [`read`], for a manifest.
pub(crate) fn read_only(file: &Path, only: Option<&FunctionName>) -> Result<Plan, Problem> {
    resolve::from_file(file, &Written::read(file, Given::Later)?, only)
}

fn named(path: &Path) -> Result<Named, Problem> {
    if path.is_dir() {
        if let Some(file) = manifest_in(path) {
            return Ok(Named::Manifest(file));
        }
        return Err(Problem::new(Code::ManifestUnreadable)
            .detail(format!("there is no `{FILE_NAME}` in `{}`", path.display()))
            .hint("name the directory that has one, or a `.wasm` file"));
    }
    let is_wasm = path.extension().is_some_and(|extension| extension == "wasm");
    if is_wasm || begins_like_wasm(path)? {
        return Ok(Named::Component(path.to_owned()));
    }
    Ok(Named::Manifest(path.to_owned()))
}

/// The manifest of a directory: ours, or else that of another platform.
fn manifest_in(directory: &Path) -> Option<PathBuf> {
    let names = [FILE_NAME, spin::FILE_NAME];
    names.into_iter().map(|name| directory.join(name)).find(|file| file.exists())
}

fn begins_like_wasm(path: &Path) -> Result<bool, Problem> {
    let mut start = Vec::new();
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    file.take(4).read_to_end(&mut start).map_err(|error| unreadable(path, &error))?;
    Ok(start == b"\0asm")
}

fn text(path: &Path) -> Result<String, Problem> {
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    let mut bytes = Vec::new();
    file.take(MANIFEST_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(path, &error))?;
    if bytes.len() as u64 > MANIFEST_BYTES_MAX {
        return Err(Problem::new(Code::ManifestUnreadable)
            .detail(format!("`{}` is larger than 16MiB", path.display())));
    }
    String::from_utf8(bytes).map_err(|_| {
        Problem::new(Code::ManifestUnreadable).detail(format!("`{}` is not text", path.display()))
    })
}

fn unreadable(path: &Path, error: &std::io::Error) -> Problem {
    Problem::new(Code::ManifestUnreadable).detail(format!("`{}`: {error}", path.display()))
}

#[cfg(test)]
mod tests;
