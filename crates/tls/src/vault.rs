//! Certificates, keys and accounts that this node made or obtained, sealed on the disk.
//!
//! A file appears under its name whole or not at all, readable by its owner only. What it holds
//! is sealed for its own name, so a file that was moved or changed is recognised.

use model::{Code, Problem};
use parking_lot::Mutex;
use ports::keyring::Sealer;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// What sealed files end in.
const ENDING: &str = "sealed";
/// What drafts of them end in.
const DRAFT: &str = "new";

/// A directory of sealed files.
#[derive(Clone)]
pub struct Vault {
    directory: PathBuf,
    sealer: Arc<dyn Sealer>,
    /// Held by whoever writes, so that nobody writes what was read before somebody else's write.
    turn: Arc<Mutex<()>>,
}

impl Vault {
    /// The files below `directory`.
    #[must_use]
    pub fn new(directory: PathBuf, sealer: Arc<dyn Sealer>) -> Self {
        Self { directory, sealer, turn: Arc::default() }
    }

    /// What was written under this name; `None` if nothing was. `name` may have directories.
    ///
    /// # Errors
    /// `E0612` if it cannot be read, was changed, or was sealed with another root key.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Zeroizing<String>>, Problem> {
        let path = self.path(name);
        let sealed = match std::fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            read => read.map_err(|error| bad(&path, &error))?,
        };
        let unreadable = |why: &dyn std::fmt::Display| bad(&path, why);
        let plain =
            self.sealer.unseal(&place(name), &sealed).map_err(|error| unreadable(&error))?;
        let text = String::from_utf8(plain).map_err(|_| unreadable(&"it holds no text"))?;
        Ok(Some(Zeroizing::new(text)))
    }

    /// Writes under this name, in place of what was there. When this returns, it is on the disk.
    ///
    /// # Errors
    /// `E0612` or `E0501`. What was there before stays then.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<(), Problem> {
        let _turn = self.turn.lock();
        self.put(name, text)
    }

    fn put(&self, name: &str, text: &str) -> Result<(), Problem> {
        let mut sealed = text.as_bytes().to_vec();
        self.sealer
            .seal(&place(name), &mut sealed, 0)
            .map_err(|error| Problem::new(Code::Internal).internal(error))?;
        let path = self.path(name);
        put(&path, &sealed).map_err(|error| failed(&path, &error))
    }

    /// Removes what was written under this name.
    pub(crate) fn remove(&self, name: &str) -> Result<(), Problem> {
        let _turn = self.turn.lock();
        let path = self.path(name);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(failed(&path, &error)),
            _ => Ok(()),
        }
    }

    /// Under which names something was written, in order.
    ///
    /// # Errors
    /// `E0612` if the directory cannot be read.
    pub fn names(&self) -> Result<Vec<String>, Problem> {
        let (mut names, mut open) = (Vec::new(), vec![self.directory.clone()]);
        while let Some(directory) = open.pop() {
            let entries = match std::fs::read_dir(&directory) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                entries => entries.map_err(|error| bad(&directory, &error))?,
            };
            for entry in entries {
                let path = entry.map_err(|error| bad(&directory, &error))?.path();
                if path.is_dir() {
                    open.push(path);
                } else if path.extension().is_some_and(|ending| ending == ENDING) {
                    let name = path.with_extension("");
                    let name = name.strip_prefix(&self.directory).unwrap_or(&name);
                    names.extend(name.to_str().map(str::to_owned));
                }
            }
        }
        names.sort();
        Ok(names)
    }

    /// Whether what was written under this name was sealed by `sealer`. Nothing if nothing was
    /// written.
    ///
    /// # Errors
    /// `E0612` if it cannot be read.
    pub fn is_sealed_by(&self, name: &str, sealer: &dyn Sealer) -> Result<Option<bool>, Problem> {
        let path = self.path(name);
        match std::fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            read => {
                let sealed = read.map_err(|error| bad(&path, &error))?;
                Ok(Some(sealer.unseal(&place(name), &sealed).map(Zeroizing::new).is_ok()))
            }
        }
    }

    /// Seals what was written under this name anew, unless `newest` sealed it. Says whether it did.
    ///
    /// # Errors
    /// `E0612` if it cannot be read or written, or nothing opens it; `E0501`. What was there stays
    /// then.
    pub fn rewrap(&self, name: &str, newest: &dyn Sealer) -> Result<bool, Problem> {
        let _turn = self.turn.lock();
        if self.is_sealed_by(name, newest)? != Some(false) {
            return Ok(false);
        }
        let Some(text) = self.read(name)? else { return Ok(false) };
        self.put(name, &text).map(|()| true)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(format!("{name}.{ENDING}"))
    }
}

/// What a file is sealed for.
fn place(name: &str) -> Vec<u8> {
    format!("tls/{name}").into_bytes()
}

fn put(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let draft = path.with_extension(DRAFT);
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&draft, path)?;
    File::open(directory)?.sync_all()
}

fn bad(path: &Path, why: &dyn std::fmt::Display) -> Problem {
    Problem::new(Code::BadHome).detail(format!("{}: {why}", path.display()))
}

fn failed(path: &Path, error: &std::io::Error) -> Problem {
    if error.kind() == ErrorKind::StorageFull {
        return Problem::new(Code::DiskFull).detail(path.display());
    }
    bad(path, error)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use ports::keyring::Error;
    use std::os::unix::fs::MetadataExt;

    /// Seals by writing the place in front: enough to see that places are told apart.
    pub(crate) struct Plain;

    impl Sealer for Plain {
        fn seal(&self, place: &[u8], buffer: &mut Vec<u8>, from: usize) -> Result<(), Error> {
            buffer.splice(from..from, place.iter().copied());
            Ok(())
        }

        fn unseal(&self, place: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Error> {
            sealed.strip_prefix(place).map(<[u8]>::to_vec).ok_or(Error::NotAuthentic)
        }
    }

    #[test]
    fn gives_back_what_was_written_for_the_same_name_and_its_owner() {
        let dir = tempfile::tempdir().expect("temp dir");
        let vault = Vault::new(dir.path().join("tls"), Arc::new(Plain));
        assert!(vault.read("acme/a").expect("readable").is_none());
        vault.write("acme/a", "one").expect("written");
        vault.write("acme/a", "two").expect("written again");
        assert_eq!(vault.read("acme/a").expect("readable").as_deref(), Some(&"two".to_owned()));
        let path = dir.path().join("tls/acme/a.sealed");
        assert_eq!(std::fs::metadata(&path).expect("there").mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(dir.path().join("tls/acme")).expect("a directory").count(), 1);
        std::fs::rename(&path, dir.path().join("tls/acme/b.sealed")).expect("moved");
        assert_eq!(vault.read("acme/b").expect_err("moved").code, Code::BadHome);
        vault.remove("acme/b").expect("removed");
        vault.remove("acme/b").expect("gone already");
    }

    /// As [`Plain`], with a key's name in front, and opens what any of its keys sealed.
    struct Keyed(&'static [&'static str]);

    impl Sealer for Keyed {
        fn seal(&self, place: &[u8], buffer: &mut Vec<u8>, from: usize) -> Result<(), Error> {
            buffer.splice(from..from, [self.0[0].as_bytes(), place].concat());
            Ok(())
        }

        fn unseal(&self, place: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Error> {
            let open = |key: &&str| sealed.strip_prefix(&*[key.as_bytes(), place].concat());
            self.0.iter().find_map(open).map(<[u8]>::to_vec).ok_or(Error::NotAuthentic)
        }
    }

    #[test]
    fn what_an_older_key_sealed_is_sealed_anew_and_says_the_same() {
        let dir = tempfile::tempdir().expect("temp dir");
        let at = dir.path().join("tls");
        assert_eq!(Vault::new(at.clone(), Arc::new(Plain)).names().expect("none"), [""; 0]);
        let vault = Vault::new(at.clone(), Arc::new(Keyed(&["old"])));
        for name in ["account", "acme/a", "acme/b"] {
            vault.write(name, name).expect("written");
        }
        let vault = Vault::new(at.clone(), Arc::new(Keyed(&["new", "old"])));
        vault.write("acme/b", "b, anew").expect("written");
        std::fs::write(at.join("acme/c.sealed"), b"nobody's").expect("written");
        std::fs::write(at.join("acme/.new"), b"a draft").expect("written");
        assert_eq!(vault.names().expect("listed"), ["account", "acme/a", "acme/b", "acme/c"]);
        let newest = Keyed(&["new"]);
        let is_new = |name: &str| vault.is_sealed_by(name, &newest).expect("readable");
        assert_eq!(
            (is_new("acme/a"), is_new("acme/b"), is_new("no")),
            (Some(false), Some(true), None)
        );
        let moved = |name: &str| vault.rewrap(name, &newest);
        assert!(moved("account").expect("moved") && moved("acme/a").expect("moved"));
        assert!(!moved("acme/a").expect("already") && !moved("acme/b").expect("already"));
        assert!(!moved("gone").expect("nothing to move"));
        assert!(moved("acme/c").is_err(), "what nothing opens stays as it is");
        assert_eq!(std::fs::read(at.join("acme/c.sealed")).expect("there"), b"nobody's");
        let vault = Vault::new(at, Arc::new(Keyed(&["new"])));
        for (name, text) in [("account", "account"), ("acme/a", "acme/a"), ("acme/b", "b, anew")] {
            assert_eq!(
                vault.read(name).expect("readable").as_deref().map(String::as_str),
                Some(text)
            );
        }
    }
}
