//! The package of a native function, and its layers: directories and zip files become lists.
//!
//! Invariant: nothing outside the manifest's directory is read, and nothing is left out or taken
//! otherwise in silence.

pub(super) use archive::zip::Archive;

use archive::zip;

use super::assets::walk::{self, Purpose};
use super::assets::{Place, Source, pieces};
use super::component::Content;
use super::document::Document;
use super::reading::check_named;
use super::resolve::{self, Refusal, inside};
use super::{Component, Directory, image};
use model::listing::{File, Listing, VERSION};
use model::manifest::{Contract, FunctionSpec, Runtime};
use model::{Code, Digest, FunctionName, Manifest, Problem};
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Gives every native function the digest of its package, and that of its layers.
///
/// # Errors
/// E0104 for a source that is not there, E0190 to E0193 for one that cannot be deployed, with the
/// place in the manifest.
pub(super) fn fill_in_all(
    document: &Document<'_>,
    manifest: &mut Manifest,
    only: Option<&FunctionName>,
    root: &Path,
) -> Result<Vec<Directory>, Problem> {
    let mut directories: BTreeMap<Digest, Directory> = BTreeMap::new();
    for (index, function) in manifest.functions.iter_mut().enumerate() {
        let meant = only.is_none_or(|name| function.name == *name);
        if function.runtime != Runtime::Native || !meant {
            continue;
        }
        let found = fill_in(document, function, index, root)?;
        directories.extend(found.into_iter().map(|found| (found.list.digest, found)));
    }
    Ok(directories.into_values().collect())
}

fn fill_in(
    document: &Document<'_>,
    function: &mut FunctionSpec,
    index: usize,
    root: &Path,
) -> Result<Vec<Directory>, Problem> {
    let Some(native) = &mut function.native else {
        // What is wrong with that, the check of the manifest says.
        return Ok(Vec::new());
    };
    if let Some(path) = native.image.clone() {
        return image::fill_in(document, function, index, (root, &path)).map(|found| vec![found]);
    }
    let most = native.contract.package_bytes_max();
    let contract = native.contract;
    let layers = std::mem::take(&mut native.layers);
    let mut found = Vec::new();
    if let Some(source) = function.source.take() {
        let part = Part::read(root, &source, most)
            .map_err(|refusal| refused(document, function, index, ("source", &source), refusal))?;
        let directory = directory(document, index, part)?;
        resolve::check_announced(document, function, index, directory.list.digest)?;
        function.digest = Some(directory.list.digest);
        found.push(directory);
    } else {
        check_named(document, function, index)?;
    }
    let mut over: Option<Part> = None;
    for layer in &layers {
        let part = Part::read(root, layer, most)
            .map_err(|refusal| refused(document, function, index, ("native", layer), refusal))?;
        over = Some(match over {
            Some(below) => below.with(part),
            None => part,
        });
    }
    if let (Some(part), Some(native)) = (over, &mut function.native) {
        let directory = directory(document, index, part)?;
        if native.layers_digest.is_some_and(|announced| announced != directory.list.digest) {
            let why =
                format!("the layers of `{}` hash to {}", function.name, directory.list.digest);
            return Err(document.at(
                Code::ManifestValue,
                document.function_key(index, "native"),
                why,
            ));
        }
        native.layers_digest = Some(directory.list.digest);
        found.push(directory);
    }
    check_total(&found, contract).map_err(|why| {
        let place = document.function_key(index, "source");
        let problem = document.at(Code::PackageTooLarge, place, why);
        problem.hint("take out what the function does not need, such as tests and caches")
    })?;
    Ok(found)
}

fn check_total(found: &[Directory], contract: Contract) -> Result<(), String> {
    let most = contract.package_bytes_max();
    let total = found.iter().fold(0u64, |sum, directory| sum.saturating_add(directory.bytes));
    if total <= most {
        return Ok(());
    }
    Err(format!(
        "{total} bytes unpacked, layers among them, and `{}` takes {most}",
        contract.word()
    ))
}

/// Why a directory or a zip file is no part of a package.
enum Unfit {
    /// It is not there, or not where it may be.
    Place(Refusal),
    /// Something in the directory.
    Directory(walk::Refusal),
    /// The zip file.
    Zip(zip::Refusal),
    /// It is something else.
    Neither,
}

/// What one directory or zip file holds.
struct Part {
    files: BTreeMap<String, (File, Source)>,
    ignored: usize,
}

impl Part {
    fn read(root: &Path, source: &str, most: u64) -> Result<Self, Unfit> {
        let path = match inside(root, source).map_err(Unfit::Place)? {
            Content::File(path) => path,
            Content::Embedded(_) | Content::Made(_) => return Err(Unfit::Neither),
        };
        if path.is_dir() {
            let found = walk::walk(&path, Purpose::Package).map_err(Unfit::Directory)?;
            let files = found.list.files.into_iter().zip(found.files);
            let files = files.map(|both| (both.0.path.clone(), both)).collect();
            return Ok(Self { files, ignored: found.left_out });
        }
        let archive = Archive::read(bytes(path)?, most).map_err(Unfit::Zip)?;
        Ok(Self { files: unpacked(archive)?, ignored: 0 })
    }

    /// Laid over this: files of the same name are the other's.
    fn with(mut self, over: Self) -> Self {
        self.files.extend(over.files);
        self.ignored += over.ignored;
        self
    }
}

/// All of a zip file; nothing of something else.
fn bytes(path: PathBuf) -> Result<Arc<[u8]>, Unfit> {
    let failed = |error: std::io::Error| Unfit::Place(Refusal::File(error.into()));
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    let mut limited = file.take(zip::ARCHIVE_BYTES_MAX + 1);
    limited.by_ref().take(2).read_to_end(&mut bytes).map_err(failed)?;
    if bytes != b"PK" {
        return Err(Unfit::Neither);
    }
    limited.read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > zip::ARCHIVE_BYTES_MAX {
        let most = zip::ARCHIVE_BYTES_MAX >> 20;
        return Err(Unfit::Zip(zip::Refusal::TooLarge(format!("it is larger than {most} MiB"))));
    }
    Ok(bytes.into())
}

/// Unpacks every file of an archive once, to know its pieces.
fn unpacked(archive: Archive) -> Result<BTreeMap<String, (File, Source)>, Unfit> {
    let archive = Arc::new(archive);
    let mut files = BTreeMap::new();
    for (at, entry) in archive.entries().iter().enumerate() {
        let name = entry.name.clone();
        let damaged = |_| {
            let name = name.escape_debug().to_string();
            let why = "it is damaged: what is unpacked is not what was packed";
            Unfit::Zip(zip::Refusal::Damaged { name, why })
        };
        let mut start = Vec::new();
        archive.open(at).and_then(|file| file.take(4).read_to_end(&mut start)).map_err(damaged)?;
        let (size, chunks) =
            archive.open(at).and_then(|mut file| pieces(&mut *file)).map_err(damaged)?;
        // Where the archive says nothing, as those made on Windows do, the file does.
        let program = start.starts_with(b"\x7fELF") || start.starts_with(b"#!");
        let executable = entry.executable.unwrap_or(program);
        let source =
            Source { place: Place::Packed(Arc::clone(&archive), at), chunks: chunks.clone() };
        files.insert(name.clone(), (File { path: name, size, chunks, executable }, source));
    }
    if files.is_empty() {
        return Err(Unfit::Zip(zip::Refusal::Unreadable("it has no files")));
    }
    Ok(files)
}

fn directory(document: &Document<'_>, index: usize, part: Part) -> Result<Directory, Problem> {
    let refused = |why: String| {
        document.at(Code::PackageRefused, document.function_key(index, "source"), why)
    };
    let (listed, files): (Vec<File>, Vec<Source>) = part.files.into_values().unzip();
    let list = Listing { v: VERSION, files: listed, root: None };
    list.check().and_then(|()| list.check_package()).map_err(|error| refused(error.to_string()))?;
    let bytes = list.total();
    let list = Component::digested(Content::Made(list.bytes().into()));
    let list = list.map_err(|error| refused(error.to_string()))?;
    Ok(Directory { list, files, bytes, left_out: 0, ignored: part.ignored })
}

fn refused(
    document: &Document<'_>,
    function: &FunctionSpec,
    index: usize,
    (key, source): (&str, &str),
    unfit: Unfit,
) -> Problem {
    let at = |code, why: String| {
        let source = source.escape_debug();
        let word = if key == "native" { "layers: " } else { "source = " };
        let place = document.function_key(index, key);
        document.at(code, place, format!("{word}\"{source}\": {why}"))
    };
    match unfit {
        Unfit::Place(refusal) if key == "source" => {
            resolve::refused(document, function, index, source, &refusal)
        }
        Unfit::Place(Refusal::Missing) => at(Code::ManifestValue, "there is none such".to_owned()),
        Unfit::Place(Refusal::Outside) => {
            at(Code::ManifestValue, "it lies outside the manifest's directory".to_owned())
        }
        Unfit::Place(Refusal::File(error)) => at(Code::ManifestValue, error.to_string()),
        Unfit::Place(Refusal::Module(_)) | Unfit::Neither => {
            at(Code::ManifestValue, "it is neither a directory nor a zip file".to_owned())
                .hint("name the directory that holds the function's files, or a zip of them")
        }
        Unfit::Directory(refusal) => {
            let code = match refusal {
                walk::Refusal::TooLarge { .. }
                | walk::Refusal::TooMany
                | walk::Refusal::TooMuch => Code::PackageTooLarge,
                _ => Code::PackageRefused,
            };
            at(code, refusal.to_string()).hint(refusal.hint(Purpose::Package))
        }
        Unfit::Zip(refusal) => {
            let (code, hint) = match refusal {
                zip::Refusal::Entry { .. } => {
                    (Code::ZipEntry, "make the zip anew without it; `zip -r` takes files for links")
                }
                zip::Refusal::TooLarge(_) => {
                    (Code::PackageTooLarge, "take out what the function does not need")
                }
                zip::Refusal::Unreadable(_) | zip::Refusal::Damaged { .. } => {
                    (Code::ZipUnreadable, "make it anew: `zip -r package.zip .` in its directory")
                }
            };
            at(code, refusal.to_string()).hint(hint)
        }
    }
}

#[cfg(test)]
mod tests;
