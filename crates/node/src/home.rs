//! The home: one directory that holds everything.
//!
//! Invariant: it belongs to the user that runs the node, nobody else can look inside, and one
//! node at a time uses it.

use crate::settings::variable;
use model::{Code, Problem};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Chooses the home, and says what decided: the flag, `CASEMATE_HOME`, or the XDG data directory
/// (for root: `/var/lib/casemate`).
pub(crate) fn choose(flag: Option<&Path>) -> Result<(PathBuf, String), Problem> {
    let absolute = |path: &Path| std::path::absolute(path).map_err(|error| bad(path, error));
    if let Some(path) = flag {
        return Ok((absolute(path)?, "--home".to_owned()));
    }
    if let Some(path) = variable("CASEMATE_HOME") {
        return Ok((absolute(Path::new(&path))?, "CASEMATE_HOME".to_owned()));
    }
    if rustix::process::geteuid().is_root() {
        return Ok((PathBuf::from("/var/lib/casemate"), "default".to_owned()));
    }
    let data = variable("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let data = data.or_else(|| variable("HOME").map(|home| Path::new(&home).join(".local/share")));
    let data = data.ok_or_else(|| {
        Problem::new(Code::BadHome)
            .detail("neither HOME nor XDG_DATA_HOME is set")
            .hint("name a directory with `--home`")
    })?;
    Ok((data.join("casemate"), "default".to_owned()))
}

/// The file that a node locks for as long as it runs.
const LOCK: &str = "lock";
/// How often a lock that is held is tried again: a command that looks whether a node runs holds
/// it for a moment.
const LOCK_TRIES: u32 = 10;
/// How long to wait between two tries.
const LOCK_WAIT: Duration = Duration::from_millis(20);

/// Whether a node holds the lock of a home. The kernel lets go of it with the process.
pub(crate) fn is_locked(path: &Path) -> bool {
    let shared = File::open(path.join(LOCK)).map(|lock| lock.try_lock_shared());
    matches!(shared, Ok(Err(TryLockError::WouldBlock)))
}

/// A home that this process holds the lock of.
#[derive(Debug)]
pub(crate) struct Home {
    path: PathBuf,
    _lock: File,
}

impl Home {
    /// Makes the directory if it is not there, checks whose it is, and locks it.
    pub(crate) fn open(path: &Path) -> Result<Self, Problem> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(|error| bad(path, error))?;
        check_owner(path)?;
        let lock_path = path.join(LOCK);
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&lock_path);
        let lock = lock.map_err(|error| bad(&lock_path, error))?;
        let mut tries = 0;
        while let Err(error) = lock.try_lock() {
            match error {
                TryLockError::WouldBlock if tries < LOCK_TRIES => std::thread::sleep(LOCK_WAIT),
                TryLockError::WouldBlock => {
                    return Err(Problem::new(Code::HomeLocked).detail(path.display()));
                }
                TryLockError::Error(error) => return Err(bad(&lock_path, error)),
            }
            tries += 1;
        }
        write_once(&path.join(".gitignore"), b"*\n")?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// The directory.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A place in it.
    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

/// Refuses a directory that is somebody else's, or that others can look into.
pub(crate) fn check_owner(path: &Path) -> Result<(), Problem> {
    let meta = std::fs::metadata(path).map_err(|error| bad(path, error))?;
    if !meta.is_dir() {
        return Err(
            Problem::new(Code::BadHome).detail(format!("{} is no directory", path.display()))
        );
    }
    let foreign =
        |why: String| Problem::new(Code::HomeForeign).detail(format!("{}: {why}", path.display()));
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(foreign(format!("its owner is user {}", meta.uid())));
    }
    if meta.mode() & 0o077 != 0 {
        let problem = foreign(format!("its mode is {:o}", meta.mode() & 0o777));
        return Err(problem.hint(format!("chmod 700 {}", path.display())));
    }
    Ok(())
}

/// Writes a file that only its owner can read, unless it is there.
pub(crate) fn write_once(path: &Path, bytes: &[u8]) -> Result<(), Problem> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(mut file) => {
            file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|error| bad(path, error))
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(bad(path, error)),
    }
}

/// Replaces a file as a whole; readers see the old or the new one.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Problem> {
    let temporary = path.with_extension("new");
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    written.and_then(|()| std::fs::rename(&temporary, path)).map_err(|error| bad(path, error))
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it ends here: callers hand it over in `map_err`"
)]
pub(crate) fn bad(path: &Path, error: std::io::Error) -> Problem {
    let code = if error.kind() == std::io::ErrorKind::StorageFull {
        Code::DiskFull
    } else {
        Code::BadHome
    };
    Problem::new(code).detail(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_home_is_private_ignored_by_git_and_locked() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("home");
        let home = Home::open(&path).expect("made");
        assert_eq!(std::fs::metadata(&path).expect("there").mode() & 0o777, 0o700);
        assert_eq!(std::fs::read_to_string(path.join(".gitignore")).expect("there"), "*\n");
        assert_eq!(Home::open(&path).expect_err("locked").code, Code::HomeLocked);
        drop(home);
        Home::open(&path).expect("free again");
    }

    #[test]
    fn a_home_that_others_can_enter_is_refused() {
        let dir = tempfile::tempdir().expect("temp dir");
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755))
            .expect("chmod");
        assert_eq!(Home::open(dir.path()).expect_err("too open").code, Code::HomeForeign);
    }
}
