//! A directory of files, found and digested: what is uploaded of it, and its list.
//!
//! Invariant: nothing outside the directory is read, whatever links lie in it; and nothing is
//! left out or renamed in silence, but names that begin with a dot, which are counted.

pub(super) mod walk;

use super::component::Content;
use super::document::Document;
use super::package::Archive;
use super::resolve::{Refusal, inside};
use super::{Component, component};
use archive::image::Image;
use aws_lc_rs::digest::{SHA256, digest};
use model::listing::{self, CHUNK_BYTES, Listing};
use model::manifest::AssetsSpec;
use model::{Code, Digest, Problem};
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use walk::Purpose;

/// What the manifest's own file is called: a directory that has it is no directory of assets.
const MANIFEST: &str = super::FILE_NAME;

/// A directory that is to be deployed.
#[derive(Debug)]
pub(crate) struct Directory {
    /// The list of its files.
    pub(crate) list: Component,
    /// Its files.
    pub(crate) files: Vec<Source>,
    /// Bytes of all of them.
    pub(crate) bytes: u64,
    /// Files and directories that were left out because their names begin with a dot.
    pub(crate) left_out: usize,
    /// Files and directories that were left out because no package needs them.
    pub(crate) ignored: usize,
}

/// One file.
#[derive(Debug)]
pub(crate) struct Source {
    pub(super) place: Place,
    /// The digests of its pieces.
    pub(crate) chunks: Vec<Digest>,
}

/// Where a file is.
#[derive(Debug)]
pub(super) enum Place {
    /// On the disk.
    File(PathBuf),
    /// In a zip file, under this number.
    Packed(Arc<Archive>, usize),
    /// In an image that was unpacked, under this number.
    Unpacked(Arc<Image>, usize),
}

impl Place {
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        match self {
            Self::File(path) => Ok(Box::new(File::open(path)?)),
            Self::Packed(archive, entry) => archive.open(*entry),
            Self::Unpacked(image, file) => image.open(*file),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Packed(archive, entry) => f.write_str(archive.name(*entry)),
            Self::Unpacked(image, file) => f.write_str(image.name(*file)),
        }
    }
}

impl Source {
    /// Its pieces once more, each as it was listed.
    ///
    /// # Errors
    /// E0125 if it cannot be read any more, or changed.
    pub(crate) fn each(
        &self,
        mut take: impl FnMut(&Digest, &[u8]) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let refuse = |why: &dyn fmt::Display| {
            let detail = format!("`{}`: {why}", self.place);
            Problem::new(Code::AssetRefused).detail(detail).hint("deploy again")
        };
        let mut file = self.place.open().map_err(|error| refuse(&error))?;
        for expected in &self.chunks {
            let bytes = piece(&mut file).map_err(|error| refuse(&error))?;
            if sha256(&bytes) != *expected {
                return Err(refuse(&"it changed while it was deployed").into());
            }
            take(expected, &bytes)?;
        }
        Ok(())
    }
}

/// Walks the directory of an `[[assets]]` and gives it the digest of its list.
///
/// # Errors
/// E0104 for a directory that is not there, E0125 for a file that cannot be deployed, E0126 for a
/// rule that names a file that is not there. Each names the place in the manifest.
pub(super) fn fill_in(
    document: &Document<'_>,
    assets: &mut AssetsSpec,
    index: usize,
    root: &Path,
) -> Result<Option<Directory>, Problem> {
    let at = |code, key, what: String| document.at(code, document.key("assets", index, key), what);
    let Some(name) = assets.directory.take() else {
        if assets.digest.is_some() {
            return Ok(None);
        }
        return Err(at(Code::ManifestValue, "route", "the assets name no `directory`".to_owned()));
    };
    let shown = name.escape_debug().to_string();
    let refused =
        |code, why: String| at(code, "directory", format!("directory = \"{shown}\": {why}"));
    let path = match inside(root, &name) {
        Ok(Content::File(path)) if path.is_dir() => path,
        Ok(_) => return Err(refused(Code::ManifestValue, "it is no directory".to_owned())),
        Err(Refusal::Missing) => {
            let problem = refused(Code::ManifestValue, "there is no such directory".to_owned());
            return Err(problem.hint("build the files first, or correct `directory`"));
        }
        Err(Refusal::Outside) => {
            let why = "it lies outside the manifest's directory".to_owned();
            return Err(refused(Code::ManifestValue, why));
        }
        Err(Refusal::File(error)) => return Err(refused(Code::ManifestValue, error.to_string())),
        Err(Refusal::Module(why)) => return Err(refused(Code::ManifestValue, why)),
    };
    if path.join(MANIFEST).exists() {
        let why = format!("it holds the `{MANIFEST}` itself, and all of it would be readable");
        let problem = refused(Code::AssetRefused, why);
        return Err(problem.hint("put the files into a directory of their own, such as `public`"));
    }
    let purpose = Purpose::Assets { dotfiles: assets.dotfiles };
    let found = walk::walk(&path, purpose).map_err(|refusal| {
        let problem = refused(Code::AssetRefused, refusal.to_string());
        problem.hint(refusal.hint(purpose))
    })?;
    check_rules(assets, &found.list).map_err(|(key, why)| at(Code::AssetRule, key, why))?;
    let bytes = found.list.bytes();
    let list = Component::digested(Content::Made(bytes.into()));
    let list =
        list.map_err(|error: component::Error| refused(Code::AssetRefused, error.to_string()))?;
    if assets.digest.is_some_and(|announced| announced != list.digest) {
        let why = format!("its list hashes to {}", list.digest);
        return Err(at(Code::ManifestValue, "digest", why));
    }
    assets.digest = Some(list.digest);
    let (files, left_out) = (found.files, found.left_out);
    Ok(Some(Directory { list, files, bytes: found.list.total(), left_out, ignored: 0 }))
}

/// Rules that name files name ones that are there.
fn check_rules(assets: &AssetsSpec, list: &Listing) -> Result<(), (&'static str, String)> {
    for (key, path) in [("fallback", &assets.fallback), ("not_found", &assets.not_found)] {
        let Some(path) = path else { continue };
        let wanted = path.strip_prefix('/').unwrap_or(path);
        if list.files.binary_search_by(|file| file.path.as_str().cmp(wanted)).is_err() {
            let path = path.escape_debug();
            return Err((key, format!("{key} = \"{path}\": the directory has no such file")));
        }
    }
    Ok(())
}

/// The next piece of a file; empty at its end.
fn piece(file: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(CHUNK_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn sha256(bytes: &[u8]) -> Digest {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, bytes).as_ref());
    Digest(out)
}

/// Reads a file's pieces for the first time.
pub(super) fn listed(path: &Path) -> io::Result<(u64, Vec<Digest>)> {
    pieces(&mut File::open(path)?)
}

/// Reads pieces to the end, or to more than a file may have.
pub(super) fn pieces(mut file: &mut dyn Read) -> io::Result<(u64, Vec<Digest>)> {
    let (mut size, mut chunks) = (0, Vec::new());
    loop {
        let bytes = piece(&mut file)?;
        if bytes.is_empty() || size > listing::FILE_BYTES_MAX {
            return Ok((size, chunks));
        }
        size += bytes.len() as u64;
        chunks.push(sha256(&bytes));
    }
}

#[cfg(test)]
mod tests;
