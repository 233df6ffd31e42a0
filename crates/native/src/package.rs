//! Packages: the files of native functions, laid out once in directories that jails see read-only.
//!
//! A package is a list of files by its digest, and layers are one, too; so is the root of an image. Its directory is named after
//! that digest, is made beside itself and renamed, and belongs to whom the node runs as. All of it may
//! be read by everybody, since a jail has a user of its own; nobody gets there from outside, because
//! the home above it is its owner's alone and mounting looks paths up with the launcher's rights.
//!
//! Invariant: what a jail is given is what the list says, to the byte: it was written in this life of
//! the node from pieces that were checked, or was checked in this life as a whole.

mod check;
mod furnish;
mod write;

use model::listing::{self, Listing};
use model::{Code, Digest, Problem};
use parking_lot::Mutex;
use ports::Artifacts;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::runtime::Handle;
use tokio::sync::OnceCell;

/// What a directory's name has in it that is not whole yet, or not wanted any more.
const ASIDE: &str = ".tmp-";

/// Why a package has no directory.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Its list or a piece of a file is not there, or damaged.
    #[error(transparent)]
    Artifact(#[from] ports::artifacts::Error),
    /// Its list cannot be laid out.
    #[error("the list of the package's files: {0}")]
    List(#[from] listing::Error),
    /// It is an image in which a jail's own files have no place.
    #[error("the image: {0}")]
    Image(String),
    /// The disk did not take it.
    #[error("{}: {source}", .path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The node is being shut down.
    #[error("the work was given up")]
    GivenUp,
}

impl Error {
    /// What to say to who deploys, if the image is at fault.
    pub(crate) fn of_the_image(&self) -> Option<Problem> {
        match self {
            Self::Image(why) => Some(Problem::new(Code::ImageUnfit).detail(why)),
            _ => None,
        }
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Io { path: path.to_owned(), source }
}

/// The directory of packages.
pub struct Packages {
    place: Arc<Place>,
    /// Those that were asked for, and whether they were found whole in this life of the node.
    known: Mutex<BTreeMap<Digest, Arc<OnceCell<PathBuf>>>>,
    runtime: Handle,
}

/// Where packages lie, and where their pieces come from.
struct Place {
    directory: PathBuf,
    artifacts: Arc<dyn Artifacts>,
    /// Names of what is not whole yet.
    aside: AtomicU64,
}

impl Packages {
    /// Opens the directory of packages, and makes it if it is not there. What an earlier life of the
    /// node left unfinished goes. Work is done on threads of `runtime`.
    ///
    /// # Errors
    /// The directory cannot be made, read or written.
    pub fn open(
        directory: PathBuf,
        artifacts: Arc<dyn Artifacts>,
        runtime: Handle,
    ) -> Result<Self, Error> {
        fs::create_dir_all(&directory).map_err(at(&directory))?;
        for entry in fs::read_dir(&directory).map_err(at(&directory))? {
            let path = entry.map_err(at(&directory))?.path();
            if digest_of(&path).is_none() {
                remove(&path)?;
            }
        }
        let place = Place { directory, artifacts, aside: AtomicU64::new(0) };
        Ok(Self { place: Arc::new(place), known: Mutex::default(), runtime })
    }

    /// The directory of a package, given by the digest of its list. The first time in a life of the
    /// node all of it is checked, and laid out anew if anything differs. Callers that come meanwhile
    /// wait for the same work, which goes on if they do not.
    ///
    /// # Errors
    /// [`Error`] says why there is none. Asking again tries again.
    pub async fn lay_out(&self, list: Digest) -> Result<PathBuf, Error> {
        let cell = Arc::clone(self.known.lock().entry(list).or_default());
        if let Some(path) = cell.get() {
            return Ok(path.clone());
        }
        let (place, runtime) = (Arc::clone(&self.place), self.runtime.clone());
        let work = self.runtime.spawn(async move {
            let lay = || async {
                let handle = runtime.clone();
                let laid = runtime.spawn_blocking(move || place.lay_out(list, &handle)).await;
                laid.map_err(|_| Error::GivenUp)?
            };
            cell.get_or_try_init(lay).await.cloned()
        });
        work.await.map_err(|_| Error::GivenUp)?
    }

    /// Removes the directories of all packages but these, and says how many went. What a jail has
    /// mounted it has to give up before.
    pub fn keep_only(&self, lists: &BTreeSet<Digest>) -> usize {
        // Held, so that nobody is given a directory that goes.
        let mut known = self.known.lock();
        known.retain(|digest, _| lists.contains(digest));
        let Ok(entries) = fs::read_dir(&self.place.directory) else { return 0 };
        let paths = entries.flatten().map(|entry| entry.path());
        let unwanted = paths.filter(|path| digest_of(path).is_some_and(|it| !lists.contains(&it)));
        let removed = unwanted.filter(|path| match self.place.put_aside(path) {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(%error, "a package that nobody needs could not be removed");
                false
            }
        });
        removed.count()
    }
}

impl Place {
    /// Blocks on the disk.
    fn lay_out(&self, digest: Digest, runtime: &Handle) -> Result<PathBuf, Error> {
        let list = Listing::parse(&runtime.block_on(self.artifacts.read(digest))?)?;
        let list = if list.root.is_some() {
            furnish::furnished(list, crate::jail::FILES.into_iter().chain(crate::door::FILES))?
        } else {
            list.check_package()?;
            list
        };
        let target = self.directory.join(digest.hex());
        match check::differs(&target, &list) {
            Ok(None) => return Ok(target),
            Ok(Some(what)) => {
                tracing::warn!(%digest, %what, "a package was changed on the disk, and is laid out anew");
                self.put_aside(&target)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                tracing::warn!(%digest, %error, "a package cannot be read, and is laid out anew");
                self.put_aside(&target)?;
            }
        }
        let aside = self.aside(digest);
        let read = |piece| runtime.block_on(self.artifacts.read(piece)).map_err(Error::from);
        let written = write::write(&aside, &list, read)
            .and_then(|()| fs::rename(&aside, &target).map_err(at(&target)));
        if let Err(error) = written {
            // What was half done takes room that may be what was missing.
            let _left_for_the_next_start = remove(&aside);
            return Err(error);
        }
        Ok(target)
    }

    /// A name that nobody has.
    fn aside(&self, digest: Digest) -> PathBuf {
        let number = self.aside.fetch_add(1, Ordering::Relaxed);
        self.directory.join(format!("{}{ASIDE}{number}", digest.hex()))
    }

    /// Takes a directory away under another name first, so that it is there whole or not at all.
    fn put_aside(&self, path: &Path) -> Result<(), Error> {
        let digest = digest_of(path).unwrap_or(Digest([0; 32]));
        let aside = self.aside(digest);
        fs::rename(path, &aside).map_err(at(path))?;
        remove(&aside)
    }
}

/// The package that a directory is of; none for what is not whole.
fn digest_of(path: &Path) -> Option<Digest> {
    format!("sha256:{}", path.file_name()?.to_str()?).parse().ok()
}

/// Removes a directory and all in it, or a file. One that is not there is no error.
fn remove(path: &Path) -> Result<(), Error> {
    let gone = |result: io::Result<()>| match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result.map_err(at(path)),
    };
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => gone(fs::remove_dir_all(path)),
        Ok(_) => gone(fs::remove_file(path)),
        Err(error) => gone(Err(error)),
    }
}

#[cfg(test)]
mod tests;
