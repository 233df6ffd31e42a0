//! The folder's own folders, and how files move between them.
//!
//! All of it is done below directories that were opened once, so whoever may write into the folder can
//! put nothing in the way: no link is followed, and what is read is a file with one name.

use ports::source::{Error, Fault};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{self, AtFlags, Dir, FileType, FlockOperation, Mode, OFlags, Stat};
use rustix::io::Errno;
use std::ffi::{CStr, CString};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Where files are that were handed over, where those are that do not fit, and the marks of those
/// that were taken.
pub(super) const DONE: &str = "done";
const FAILED: &str = "failed";
const TAKEN: &str = ".taken";
/// Held by the node that has the folder.
const LOCK: &str = "lock";
/// Most names that are looked at in one look.
const NAMES_MAX: usize = 10_000;

/// How a file looks from outside: as long as that is the same, nobody wrote to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    /// When it was written to, in seconds and nanoseconds.
    pub(super) modified: (i64, i64),
    bytes: i64,
    inode: u64,
}

/// A folder with its own folders.
pub(super) struct Place {
    path: PathBuf,
    folder: OwnedFd,
    done: OwnedFd,
    failed: OwnedFd,
    taken: OwnedFd,
    _lock: OwnedFd,
}

const AS_DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

impl Place {
    /// Opens the folder, makes what it needs in it, and keeps other nodes out.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let down = |error: Errno| Error::Down(format!("{}: {error}", path.display()));
        // The folder itself is the operator's, and may be a link.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = fs::open(path, flags, Mode::empty()).map_err(down)?;
        let own = |name: &str| {
            own_directory(&folder, name)
                .map_err(|what| Error::Refused(format!("{}: {what}", path.join(name).display())))
        };
        let (done, failed, taken) = (own(DONE)?, own(FAILED)?, own(TAKEN)?);
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let lock = fs::openat(&taken, LOCK, flags, Mode::RUSR | Mode::WUSR).map_err(down)?;
        match fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                let what = format!("{}: another node has this folder", path.display());
                return Err(Error::Refused(what));
            }
            Err(error) => return Err(down(error)),
        }
        Ok(Self { path: path.to_owned(), folder, done, failed, taken, _lock: lock })
    }

    fn down(&self, what: &str, error: Errno) -> Error {
        Error::Down(format!("{}: {what}: {error}", self.path.display()))
    }

    /// The numbers of files that were taken and not handed over, the oldest first.
    pub(super) fn taken(&self) -> Result<Vec<String>, Error> {
        let names = names(&self.taken).map_err(|error| self.down(TAKEN, error))?;
        let numbers = names.into_iter().filter_map(|name| name.into_string().ok());
        let mut numbers: Vec<String> = numbers.filter(|name| is_number(name)).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// The files in the folder, as they look now.
    pub(super) fn files(&self) -> Result<Vec<(CString, Look)>, Error> {
        let names = names(&self.folder).map_err(|error| self.down("it cannot be read", error))?;
        let visible = names.into_iter().filter(|name| !name.as_bytes().starts_with(b"."));
        let look = |name: CString| {
            // It may be gone by now.
            let stat = fs::statat(&self.folder, &name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
            is_file(&stat).then(|| (name, Look::of(&stat)))
        };
        Ok(visible.filter_map(look).take(NAMES_MAX).collect())
    }

    /// Takes a file under a number. `false` if it is not there any more.
    pub(super) fn take(&self, name: &CStr, number: &str) -> Result<bool, Error> {
        let failed = |error| self.down("a file cannot be taken", error);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        fs::openat(&self.taken, number, flags, Mode::RUSR | Mode::WUSR).map_err(failed)?;
        fs::mkdirat(&self.done, number, Mode::RWXU).map_err(failed)?;
        // The mark is on disk before what it stands for.
        fs::fsync(&self.taken).map_err(failed)?;
        let own = fs::openat(&self.done, number, AS_DIRECTORY, Mode::empty()).map_err(failed)?;
        match fs::renameat(&self.folder, name, &own, name) {
            Ok(()) => {}
            Err(Errno::NOENT) => {
                self.forget(number)?;
                return Ok(false);
            }
            Err(error) => {
                self.forget(number)?;
                return Err(failed(error));
            }
        }
        for directory in [&own, &self.done, &self.folder] {
            fs::fsync(directory).map_err(failed)?;
        }
        Ok(true)
    }

    /// The name of the file that was taken under a number, if it is where it was put.
    pub(super) fn name_of(&self, number: &str) -> Result<Option<CString>, Error> {
        let own = match fs::openat(&self.done, number, AS_DIRECTORY, Mode::empty()) {
            Ok(own) => own,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
            Err(error) => return Err(self.down(DONE, error)),
        };
        let names = names(&own).map_err(|error| self.down(DONE, error))?;
        Ok(names.into_iter().next())
    }

    /// How large a file is that was taken, or why it is none.
    pub(super) fn size(&self, number: &str, name: &CStr) -> Result<Result<u64, Fault>, Error> {
        Ok(self.file(number, name)?.map(|(_, bytes)| bytes))
    }

    /// The bytes of a file that was taken, or why there are none.
    pub(super) fn read(
        &self,
        number: &str,
        name: &CStr,
        most: u64,
    ) -> Result<Result<Vec<u8>, Fault>, Error> {
        let (file, bytes) = match self.file(number, name)? {
            Ok(found) => found,
            Err(fault) => return Ok(Err(fault)),
        };
        if bytes > most {
            return Ok(Err(Fault::TooLarge { bytes, most }));
        }
        let mut read = Vec::with_capacity(usize::try_from(bytes).unwrap_or(0));
        // It may have grown: whoever has it open still writes to it.
        let done = std::fs::File::from(file).take(most + 1).read_to_end(&mut read);
        done.map_err(|error| Error::Down(format!("{}: {error}", self.path.display())))?;
        let bytes = read.len() as u64;
        Ok(if bytes > most { Err(Fault::TooLarge { bytes, most }) } else { Ok(read) })
    }

    fn file(&self, number: &str, name: &CStr) -> Result<Result<(OwnedFd, u64), Fault>, Error> {
        const NONE: Fault = Fault::Form("it is no file, or one with another name elsewhere");
        let failed = |error| self.down("a file cannot be read", error);
        let own = fs::openat(&self.done, number, AS_DIRECTORY, Mode::empty()).map_err(failed)?;
        // What it is, is known when it is open; opening it waits for nobody.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match fs::openat(&own, name, flags, Mode::empty()) {
            Ok(file) => file,
            Err(Errno::LOOP | Errno::NXIO) => return Ok(Err(NONE)),
            Err(Errno::ACCESS) => return Ok(Err(Fault::Form("it may not be read"))),
            Err(error) => return Err(failed(error)),
        };
        let stat = fs::fstat(&file).map_err(failed)?;
        if !is_file(&stat) || stat.st_nlink != 1 {
            return Ok(Err(NONE));
        }
        Ok(Ok((file, u64::try_from(stat.st_size).unwrap_or(0))))
    }

    /// Puts what was taken under a number to what does not fit. It may be there already.
    pub(super) fn set_aside(&self, number: &str) -> Result<(), Error> {
        match fs::renameat(&self.done, number, &self.failed, number) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(self.down(FAILED, error)),
        }
    }

    /// Removes what was taken under a number.
    pub(super) fn remove(&self, number: &str) -> Result<(), Error> {
        let failed = |error| self.down("a file cannot be removed", error);
        if let Some(name) = self.name_of(number)? {
            let own = fs::openat(&self.done, number, AS_DIRECTORY, Mode::empty());
            let removed = own.and_then(|own| fs::unlinkat(&own, &name, AtFlags::empty()));
            removed.map_err(failed)?;
        }
        Ok(())
    }

    /// Removes the mark of a number, and its directory if that is empty.
    pub(super) fn forget(&self, number: &str) -> Result<(), Error> {
        match fs::unlinkat(&self.done, number, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT | Errno::NOTEMPTY | Errno::EXIST) => {}
            Err(error) => return Err(self.down(DONE, error)),
        }
        match fs::unlinkat(&self.taken, number, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(self.down(TAKEN, error)),
        }
    }
}

impl Look {
    #[allow(
        clippy::unnecessary_cast,
        clippy::cast_lossless,
        reason = "the fields' types differ from one processor to the other"
    )]
    fn of(stat: &Stat) -> Self {
        Self {
            modified: (stat.st_mtime as i64, stat.st_mtime_nsec as i64),
            bytes: stat.st_size as i64,
            inode: stat.st_ino as u64,
        }
    }
}

fn is_file(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
}

/// A number, as they are made here: 36 letters, digits and dashes.
fn is_number(name: &str) -> bool {
    name.len() == 36 && name.bytes().all(|it| it.is_ascii_hexdigit() || it == b'-')
}

/// A directory of ours: made if it is not there, and nobody else's.
fn own_directory(folder: &OwnedFd, name: &str) -> Result<OwnedFd, String> {
    let said = |error: Errno| error.to_string();
    match fs::mkdirat(folder, name, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(said(error)),
    }
    let opened = fs::openat(folder, name, AS_DIRECTORY, Mode::empty()).map_err(said)?;
    let stat = fs::fstat(&opened).map_err(said)?;
    if stat.st_uid != rustix::process::geteuid().as_raw() {
        return Err("it belongs to somebody else".to_owned());
    }
    Ok(opened)
}

/// The names in a directory, but for itself and the one above.
fn names(directory: impl AsFd) -> Result<Vec<CString>, Errno> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
            names.push(entry.file_name().to_owned());
        }
    }
    Ok(names)
}
