//! The files that a function carries, found and digested.
//!
//! Invariant: nothing outside the manifest's directory is read, whatever patterns and links say.

use super::assets::{Place, Source, listed};
use super::component::Content;
use super::document::Document;
use super::resolve::{Refusal, inside};
use super::{Component, Directory};
use globset::{GlobBuilder, GlobMatcher};
use ignore::WalkBuilder;
use model::listing::{
    FILE_BYTES_MAX, FILES_MAX, File, Listing, TOTAL_BYTES_MAX, VERSION, check_path,
};
use model::manifest::{FilesSpec, Included, Placed};
use model::{Code, FunctionName, Problem};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Characters that make a text a pattern.
const SPECIAL: [char; 3] = ['*', '?', '['];

/// Finds the files of a function and gives it the digest of their list.
///
/// # Errors
/// E0125 for a file that cannot be carried, or if there is none, with the place in the manifest.
pub(super) fn fill_in(
    document: &Document<'_>,
    function: &FunctionName,
    place: Option<&Range<usize>>,
    spec: &mut FilesSpec,
    root: &Path,
) -> Result<Option<Directory>, Problem> {
    let include = std::mem::take(&mut spec.include);
    let exclude = std::mem::take(&mut spec.exclude);
    if include.is_empty() && spec.digest.is_some() {
        return Ok(None);
    }
    let refused = |why: String| {
        let why = format!("`files` of function `{function}`: {why}");
        document.at(Code::AssetRefused, place.cloned(), why)
    };
    let found = Gathering::of(root, &exclude)
        .and_then(|mut gathering| {
            include.iter().try_for_each(|one| gathering.take(one))?;
            gathering.listed()
        })
        .map_err(&refused)?;
    let (list, files) = found;
    let bytes = list.total();
    let list = Component::digested(Content::Made(list.bytes().into()))
        .map_err(|error| refused(error.to_string()))?;
    if spec.digest.is_some_and(|announced| announced != list.digest) {
        return Err(refused(format!("their list hashes to {}", list.digest)));
    }
    spec.digest = Some(list.digest);
    Ok(Some(Directory { list, files, bytes, left_out: 0, ignored: 0 }))
}

/// What was found so far: by the path that the function sees, where the file is.
struct Gathering<'a> {
    root: &'a Path,
    exclude: Vec<GlobMatcher>,
    found: BTreeMap<String, PathBuf>,
}

impl<'a> Gathering<'a> {
    fn of(root: &'a Path, exclude: &[String]) -> Result<Self, String> {
        let exclude =
            exclude.iter().map(|pattern| matcher(pattern, false)).collect::<Result<_, _>>();
        Ok(Self { root, exclude: exclude?, found: BTreeMap::new() })
    }

    fn take(&mut self, one: &Included) -> Result<(), String> {
        match one {
            Included::Placed(Placed { source, destination }) => self.place(source, destination),
            Included::Pattern(pattern) => {
                let plain = pattern.strip_prefix("./").unwrap_or(pattern);
                if !plain.contains(SPECIAL) || self.root.join(plain).exists() {
                    return self.place(plain, plain);
                }
                let matcher = matcher(plain, true)?;
                let before = self.found.len();
                for (path, file) in self.walk(self.root)? {
                    if matcher.is_match(&path) {
                        self.add(&path, &path, file);
                    }
                }
                if self.found.len() == before {
                    return Err(format!("`{}` fits no file", pattern.escape_debug()));
                }
                Ok(())
            }
        }
    }

    /// A file or a directory, seen at `destination`.
    fn place(&mut self, source: &str, destination: &str) -> Result<(), String> {
        let shown = source.escape_debug().to_string();
        let path = match inside(self.root, source) {
            Ok(Content::File(path)) => path,
            Err(Refusal::Outside) => {
                return Err(format!("`{shown}` lies outside the manifest's directory"));
            }
            _ => return Err(format!("there is no `{shown}`")),
        };
        let below = destination.trim_matches('/');
        if !path.is_dir() {
            let name = self.below_root(&path)?;
            self.add(&name, below, path);
            return Ok(());
        }
        for (name, file) in self.walk(&path)? {
            let seen = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
            let from_root = self.below_root(&file)?;
            self.add(&from_root, &seen, file);
        }
        Ok(())
    }

    fn add(&mut self, from_root: &str, seen: &str, file: PathBuf) {
        if !self.exclude.iter().any(|pattern| pattern.is_match(from_root)) {
            self.found.insert(seen.to_owned(), file);
        }
    }

    fn below_root(&self, path: &Path) -> Result<String, String> {
        let below = path.strip_prefix(self.root).unwrap_or(path);
        let text = below.to_str();
        text.map(str::to_owned).ok_or_else(|| format!("`{}` is no UTF-8", below.display()))
    }

    /// Every file below a directory. Links are not followed, and are no files.
    fn walk(&self, directory: &Path) -> Result<Vec<(String, PathBuf)>, String> {
        let mut files = Vec::new();
        for entry in WalkBuilder::new(directory).standard_filters(false).follow_links(false).build()
        {
            let entry = entry.map_err(|error| error.to_string())?;
            if !entry.file_type().is_some_and(|kind| kind.is_file()) {
                continue;
            }
            let path = entry.into_path();
            let below = path.strip_prefix(directory).unwrap_or(&path);
            let Some(name) = below.to_str() else {
                return Err(format!("`{}` is no UTF-8", below.display()));
            };
            files.push((name.to_owned(), path.clone()));
            if files.len() > FILES_MAX * 4 {
                let shown = directory.strip_prefix(self.root).unwrap_or(directory).display();
                return Err(format!("there are too many files below `./{shown}`"));
            }
        }
        Ok(files)
    }

    fn listed(self) -> Result<(Listing, Vec<Source>), String> {
        if self.found.is_empty() {
            return Err("there are no files".to_owned());
        }
        if self.found.len() > FILES_MAX {
            return Err(format!("there are more than {FILES_MAX} files"));
        }
        let (mut files, mut sources, mut total) = (Vec::new(), Vec::new(), 0u64);
        for (path, file) in self.found {
            let shown = path.escape_debug().to_string();
            check_path(&path).map_err(|why| format!("`{shown}`: {why}"))?;
            let (size, chunks) = listed(&file).map_err(|error| format!("`{shown}`: {error}"))?;
            total = total.saturating_add(size);
            if size > FILE_BYTES_MAX || total > TOTAL_BYTES_MAX {
                return Err(format!("`{shown}` is too large, or all together are"));
            }
            sources.push(Source { place: Place::File(file), chunks: chunks.clone() });
            files.push(File { path, size, chunks, executable: false });
        }
        Ok((Listing { v: VERSION, files, root: None }, sources))
    }
}

/// A pattern. With `apart`, `*` stays within one part of a path.
fn matcher(pattern: &str, apart: bool) -> Result<GlobMatcher, String> {
    let pattern = pattern.strip_prefix("./").unwrap_or(pattern);
    let built = GlobBuilder::new(pattern).literal_separator(apart).build();
    built.map(|glob| glob.compile_matcher()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
