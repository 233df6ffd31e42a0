//! A manifest as it is written, before anything was built: for the commands that build.
//!
//! Invariant: no `source` leads out of the manifest's directory, neither as it is written nor by a
//! symbolic link.

use super::resolve::{Refusal, inside};
use super::spin::Given;
use super::written::Written;
use super::{FILE_NAME, manifest_in, reading, unreadable};
use model::manifest::FunctionSpec;
use model::{Code, FunctionName, Manifest, Problem};
use std::path::{Path, PathBuf};

/// A manifest and where it lies.
#[derive(Debug)]
pub(crate) struct Outline {
    /// The manifest's file, as the user named it.
    pub(crate) file: PathBuf,
    /// The directory that it lies in, where build commands run. Absolute.
    pub(crate) directory: PathBuf,
    /// All that it says.
    pub(crate) manifest: Manifest,
}

/// The directory of a project, absolute; it has a manifest, which may be broken.
///
/// # Errors
/// E0118 if it has none.
pub(crate) fn project(path: &Path) -> Result<PathBuf, Problem> {
    let file = file_of(path)?;
    directory_of(&file)
}

fn file_of(path: &Path) -> Result<PathBuf, Problem> {
    let in_directory = || manifest_in(path).unwrap_or_else(|| path.join(FILE_NAME));
    let file = if path.is_dir() { in_directory() } else { path.to_owned() };
    if file.exists() {
        return Ok(file);
    }
    Err(Problem::new(Code::ManifestUnreadable)
        .detail(format!("there is no `{}`", file.display()))
        .hint("name the directory that has one, or begin with `casemate new hello -t http-rust`"))
}

fn directory_of(file: &Path) -> Result<PathBuf, Problem> {
    let parent = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    parent.canonicalize().map_err(|error| unreadable(file, &error))
}

/// Reads the manifest of a directory, or the one that is named.
///
/// # Errors
/// E0118, E0103 or E0104 with the line.
pub(crate) fn outline(path: &Path) -> Result<Outline, Problem> {
    let file = file_of(path)?;
    let directory = directory_of(&file)?;
    let written = Written::read(&file, Given::Later)?;
    let (document, manifest) = reading::read(&file.display().to_string(), &written.text)
        .map_err(|problem| written.placed(problem))?;
    for (index, function) in manifest.functions.iter().enumerate() {
        let Some(source) = &function.source else { continue };
        if let Err(refusal @ Refusal::Outside) = inside(&directory, source) {
            let refused = super::resolve::refused(&document, function, index, source, &refusal);
            return Err(written.placed(refused));
        }
    }
    Ok(Outline { file, directory, manifest })
}

impl Outline {
    /// The functions that are meant: all, or the one of this name.
    ///
    /// # Errors
    /// E0114 if there is none of that name.
    pub(crate) fn chosen(
        &self,
        only: Option<&FunctionName>,
    ) -> Result<Vec<&FunctionSpec>, Problem> {
        let all = self.manifest.functions.iter();
        let chosen: Vec<_> =
            all.filter(|function| only.is_none_or(|name| function.name == *name)).collect();
        match only {
            Some(name) if chosen.is_empty() => {
                let names = self.manifest.functions.iter().map(|f| f.name.as_str());
                let names = names.collect::<Vec<_>>().join(", ");
                Err(Problem::new(Code::NoSuchFunction)
                    .detail(format!("`{}` has no function `{name}`", self.file.display()))
                    .hint(format!("it has {names}")))
            }
            _ => Ok(chosen),
        }
    }
}
