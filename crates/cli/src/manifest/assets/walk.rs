//! From a directory to the list of its files.

use super::{Place, Source, listed};
use crate::export::LOST;
use model::listing::{
    self, FILE_BYTES_MAX, FILES_MAX, Listing, PATH_BYTES_MAX, TOTAL_BYTES_MAX, VERSION,
};
use std::fs::{self, DirEntry};
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use unicode_normalization::UnicodeNormalization;

/// What a name may begin with a dot and still be taken: others look there by RFC 8615.
const WELL_KNOWN: &str = ".well-known";

/// What versions and caches are kept in, and what often holds secrets: no package needs them.
const NO_PART: [&str; 7] = [".git", ".hg", ".svn", ".DS_Store", ".env", ".dev.vars", ".casemate"];

/// What a directory is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::manifest) enum Purpose {
    /// To be answered to anybody.
    Assets {
        /// Whether names that begin with a dot are taken.
        dotfiles: bool,
    },
    /// To be run.
    Package,
}

/// What was found.
#[derive(Debug)]
pub(in crate::manifest) struct Found {
    pub(in crate::manifest) list: Listing,
    /// In the order of the list.
    pub(in crate::manifest) files: Vec<Source>,
    pub(in crate::manifest) left_out: usize,
}

/// Why a directory cannot be deployed. Every variant but the last two names a file of it.
#[derive(Debug, thiserror::Error)]
pub(in crate::manifest) enum Refusal {
    #[error("`{0}` is a link that leads out of the directory")]
    LeadsOut(String),
    #[error("`{0}` is a link that leads nowhere")]
    Broken(String),
    #[error("`{0}` is a link to a directory")]
    LinkedDirectory(String),
    #[error("`{0}` is no ordinary file")]
    Special(String),
    #[error("`{name}`: {why}")]
    Name { name: String, why: &'static str },
    #[error("`{0}` and another file have the same name in Unicode's normal form C")]
    SameName(String),
    #[error("`{name}`: {error}")]
    Io { name: String, error: io::Error },
    #[error("`{name}` is larger than {} MiB", FILE_BYTES_MAX >> 20)]
    TooLarge { name: String },
    #[error("it has more than {FILES_MAX} files")]
    TooMany,
    #[error("its files have more than {} GiB", TOTAL_BYTES_MAX >> 30)]
    TooMuch,
    #[error("it has no files")]
    Empty,
}

impl Refusal {
    /// What to do.
    pub(in crate::manifest) fn hint(&self, purpose: Purpose) -> &'static str {
        match self {
            Self::LeadsOut(_) | Self::LinkedDirectory(_) => "put a copy in the link's place",
            Self::Broken(_) | Self::Special(_) => "remove it from the directory",
            Self::Name { .. } | Self::SameName(_) => "rename it",
            Self::Io { .. } => "make it readable, or remove it from the directory",
            Self::TooLarge { .. } | Self::TooMany | Self::TooMuch
                if purpose == Purpose::Package =>
            {
                "take out what the function does not need, such as tests and caches"
            }
            Self::TooLarge { .. } | Self::TooMany | Self::TooMuch => {
                "serve it from a storage service, and link to it"
            }
            Self::Empty if purpose == Purpose::Package => {
                "build the files first, or correct `source`"
            }
            Self::Empty => "build the files first, or correct `directory`",
        }
    }
}

struct Walk {
    root: PathBuf,
    purpose: Purpose,
    open: Vec<(PathBuf, String)>,
    files: Vec<(listing::File, Source)>,
    total: u64,
    left_out: usize,
}

/// Walks a directory, given by its real path.
pub(in crate::manifest) fn walk(root: &Path, purpose: Purpose) -> Result<Found, Refusal> {
    let mut walk = Walk {
        root: root.to_owned(),
        purpose,
        open: vec![(root.to_owned(), String::new())],
        files: Vec::new(),
        total: 0,
        left_out: 0,
    };
    while let Some((directory, prefix)) = walk.open.pop() {
        let shown = if prefix.is_empty() { "." } else { &prefix };
        let failed = |error| Refusal::Io { name: shown.to_owned(), error };
        for entry in fs::read_dir(&directory).map_err(failed)? {
            walk.take(&entry.map_err(failed)?, &prefix)?;
        }
    }
    walk.files.sort_by(|(a, _), (b, _)| a.path.cmp(&b.path));
    let twice = walk.files.windows(2).find_map(|two| match two {
        [(a, _), (b, _)] if a.path == b.path => Some(a.path.clone()),
        _ => None,
    });
    if let Some(path) = twice {
        return Err(Refusal::SameName(path));
    }
    if walk.files.is_empty() {
        return Err(Refusal::Empty);
    }
    let (listed, files) = walk.files.into_iter().unzip();
    let list = Listing { v: VERSION, files: listed, root: None };
    Ok(Found { list, files, left_out: walk.left_out })
}

impl Walk {
    fn take(&mut self, entry: &DirEntry, prefix: &str) -> Result<(), Refusal> {
        let name = entry.file_name();
        let shown = format!("{prefix}{}", name.to_string_lossy().escape_debug());
        let failed = |error| Refusal::Io { name: shown.clone(), error };
        let Some(name) = name.to_str() else {
            return Err(Refusal::Name { name: shown, why: "the name is no UTF-8" });
        };
        if self.leaves_out(name, entry, prefix).map_err(failed)? {
            self.left_out += 1;
            return Ok(());
        }
        // Some systems take names apart into letters and accents; links to them do not.
        let path = format!("{prefix}{}", name.nfc());
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_symlink() {
            let real = self.follow(&entry.path(), &shown)?;
            return self.add(real, path, shown);
        }
        if kind.is_dir() {
            let below = format!("{path}/");
            if below.len() > PATH_BYTES_MAX {
                return Err(Refusal::Name { name: shown, why: "a path has 1 to 1024 bytes" });
            }
            self.open.push((entry.path(), below));
            return Ok(());
        }
        if !kind.is_file() {
            return Err(Refusal::Special(shown));
        }
        self.add(entry.path(), path, shown)
    }

    fn leaves_out(&self, name: &str, entry: &DirEntry, prefix: &str) -> io::Result<bool> {
        if self.leaves_out_name(name) {
            return Ok(true);
        }
        if self.purpose != Purpose::Package {
            return Ok(false);
        }
        // The manifest is what the package is deployed by.
        let manifest = prefix.is_empty() && name == super::MANIFEST;
        let stale = name.ends_with(".pyc") && goes_stale(&entry.path())?;
        Ok(manifest || stale || is_export(entry)?)
    }

    fn leaves_out_name(&self, name: &str) -> bool {
        match self.purpose {
            Purpose::Assets { dotfiles } => {
                name.starts_with('.') && name != WELL_KNOWN && !dotfiles
            }
            Purpose::Package => {
                NO_PART.contains(&name)
                    || name.starts_with(".env.")
                    || name.starts_with(".dev.vars.")
            }
        }
    }

    /// Where a link leads: to a file of the same directory, or it is refused.
    fn follow(&self, link: &Path, shown: &str) -> Result<PathBuf, Refusal> {
        let real = link.canonicalize().map_err(|_| Refusal::Broken(shown.to_owned()))?;
        if !real.starts_with(&self.root) {
            return Err(Refusal::LeadsOut(shown.to_owned()));
        }
        // What is left out by its name does not come in by another.
        let below = real.strip_prefix(&self.root).unwrap_or(&real);
        let hidden = below
            .components()
            .any(|part| part.as_os_str().to_str().is_some_and(|part| self.leaves_out_name(part)));
        if hidden {
            return Err(Refusal::LeadsOut(shown.to_owned()));
        }
        if real.is_dir() {
            return Err(Refusal::LinkedDirectory(shown.to_owned()));
        }
        if real.is_file() { Ok(real) } else { Err(Refusal::Special(shown.to_owned())) }
    }

    fn add(&mut self, real: PathBuf, path: String, shown: String) -> Result<(), Refusal> {
        if let Err(why) = listing::check_path(&path) {
            return Err(Refusal::Name { name: shown, why });
        }
        if self.files.len() == FILES_MAX {
            return Err(Refusal::TooMany);
        }
        let executable = self.purpose == Purpose::Package && may_be_executed(&real);
        let read = listed(&real).map_err(|error| Refusal::Io { name: shown.clone(), error });
        let (size, chunks) = read?;
        if size > FILE_BYTES_MAX {
            return Err(Refusal::TooLarge { name: shown });
        }
        self.total += size;
        if self.total > TOTAL_BYTES_MAX {
            return Err(Refusal::TooMuch);
        }
        let source = Source { place: Place::File(real), chunks: chunks.clone() };
        self.files.push((listing::File { path, size, chunks, executable }, source));
        Ok(())
    }
}

fn may_be_executed(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|meta| meta.permissions().mode() & 0o111 != 0)
}

/// Whether it is the directory of an export: a copy of the package for another platform.
fn is_export(entry: &DirEntry) -> io::Result<bool> {
    Ok(entry.file_type()?.is_dir() && entry.path().join(LOST).is_file())
}

/// Whether compiled Python is only good as long as its source's time is what it was: no file of a
/// package keeps its time. What is bound to its source's content, or to nothing, stays good.
fn goes_stale(file: &Path) -> io::Result<bool> {
    let mut head = Vec::new();
    fs::File::open(file)?.take(8).read_to_end(&mut head)?;
    Ok(head.get(4).is_none_or(|flags| flags & 1 == 0))
}
