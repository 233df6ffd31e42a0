//! Certificates, keys and accounts that this node made or obtained, sealed on the disk.
//!
//! A file appears under its name whole or not at all, readable by its owner only. What it holds
//! is sealed for its own name, so a file that was moved or changed is recognised.

use model::{Code, Problem};
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
pub(crate) struct Vault {
    directory: PathBuf,
    sealer: Arc<dyn Sealer>,
}

impl Vault {
    pub(crate) fn new(directory: PathBuf, sealer: Arc<dyn Sealer>) -> Self {
        Self { directory, sealer }
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
        let mut sealed = text.as_bytes().to_vec();
        self.sealer
            .seal(&place(name), &mut sealed, 0)
            .map_err(|error| Problem::new(Code::Internal).internal(error))?;
        let path = self.path(name);
        put(&path, &sealed).map_err(|error| failed(&path, &error))
    }

    /// Removes what was written under this name.
    pub(crate) fn remove(&self, name: &str) -> Result<(), Problem> {
        let path = self.path(name);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(failed(&path, &error)),
            _ => Ok(()),
        }
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
}
