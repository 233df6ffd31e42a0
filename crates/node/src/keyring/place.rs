//! The root key of a home, for commands that work without a node.
//!
//! Invariant: a file in a home, or of a home, is changed only while no node runs on it: the home's
//! lock holds that.

use super::things::Counted;
use super::{compare, describe, passphrase};
use crate::clock::SystemClock;
use crate::home::{self, Home};
use keys::{FileRing, Passphrase, RootKeyFile, Taken};
use model::api::{KeyRotated, Keys};
use model::key::Epoch;
use model::{Code, Problem, Secret};
use ports::{Clock as _, KeyRing as _};
use std::path::{Path, PathBuf};
use store_sqlite::{blobs, epochs};

/// Which root key is meant, and what opens it.
#[derive(Debug, Clone, Default)]
pub struct KeyPlace {
    /// The home, if it is not the usual one.
    pub home: Option<PathBuf>,
    /// The root key file, if it is not in the home.
    pub file: Option<PathBuf>,
    /// The file with the passphrase, if the root key is or shall be sealed.
    pub passphrase_file: Option<PathBuf>,
}

/// What became of a copy that was put back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Put {
    /// Where.
    pub file: PathBuf,
    /// Whether the file was written; it was there already otherwise.
    pub written: bool,
    /// Its newest epoch.
    pub newest: u32,
    /// Says which root it began with.
    pub fingerprint: String,
}

impl KeyPlace {
    fn home(&self) -> Result<PathBuf, Problem> {
        Ok(home::choose(self.home.as_deref())?.0)
    }

    /// The root key file.
    ///
    /// # Errors
    /// `E0612` if it cannot be said where the home is.
    pub fn file(&self) -> Result<PathBuf, Problem> {
        match &self.file {
            Some(file) => Ok(file.clone()),
            None => Ok(self.home()?.join("root.key")),
        }
    }

    fn passphrase(&self) -> Result<Option<Passphrase>, Problem> {
        passphrase(self.passphrase_file.as_deref())
    }

    fn open(&self) -> Result<FileRing, Problem> {
        let file = self.file()?;
        RootKeyFile::open(&file, self.passphrase()?.as_ref()).map_err(|error| {
            match error.problem() {
                problem if problem.code == Code::RootKeyMissing => problem.hint(
                    "name the home with `--home DIR`, or the key with `--root-key-file FILE`",
                ),
                problem => problem,
            }
        })
    }

    /// Keeps nodes away, if there is a home. One is made if the key is to lie in it.
    fn lock(&self) -> Result<Option<Home>, Problem> {
        let home = self.home()?;
        let wanted = self.file.is_none() || home.join(store_sqlite::store::FILE).exists();
        wanted.then(|| Home::open(&home)).transpose()
    }

    /// Makes a root key file, sealed if there is a passphrase. Gives its fingerprint.
    ///
    /// # Errors
    /// `E0826` if there is one, `E1104` if the home was made with one; `E0601` if a node runs.
    pub fn init(&self) -> Result<Keys, Problem> {
        let passphrase = self.passphrase()?;
        let _lock = self.file.is_none().then(|| self.lock()).transpose()?;
        if self.file.is_none() && epochs::known(&self.home()?)?.founding.is_some() {
            let problem = Problem::new(Code::RootKeyWrong)
                .detail("the home was made with a root key, and a new one opens nothing in it");
            return Err(problem.hint("put a copy back with `casemate key restore FILE`"));
        }
        let ring = RootKeyFile::create(&self.file()?, SystemClock.wall(), passphrase.as_ref())?;
        Ok(describe(ring.made(), ring.sealed(), Counted::default()))
    }

    /// What can be said of a root key, and of what is sealed with it in the home. Needs no
    /// passphrase.
    ///
    /// # Errors
    /// The file or the home cannot be read.
    pub fn status(&self) -> Result<Keys, Problem> {
        let (made, cost) = RootKeyFile::look(&self.file()?)?;
        let home = self.home()?;
        let count = epochs::count(&home)?;
        // Which epoch they have is sealed, and only a node unseals it.
        let uncounted = [
            (epochs::FILES, !blobs::tenants(&home)?.is_empty()),
            (epochs::CERTIFICATES, home.join("tls").exists()),
        ];
        let uncounted = uncounted.into_iter().filter(|(_, there)| *there);
        let uncounted = uncounted.map(|(kind, _)| kind.to_owned()).collect();
        Ok(describe(made, cost, Counted { count, uncounted }))
    }

    /// Adds an epoch to a root key that no node uses. The next start writes the ledger's entry.
    ///
    /// # Errors
    /// `E0601` if a node runs; `E0825` if the newest epoch is not `from`; `E0824` or `E1104` if the
    /// file is not the home's.
    pub fn rotate(&self, from: Epoch) -> Result<KeyRotated, Problem> {
        let file = self.file()?;
        if !file.exists() {
            return Err(Problem::new(Code::RootKeyMissing).detail(file.display()));
        }
        let _lock = self.lock()?;
        let ring = self.open()?;
        compare(&ring, &epochs::known(&self.home()?)?)?;
        let rotation = RootKeyFile::rotate(&file, &ring, from, SystemClock.wall())?;
        let made = rotation.made().clone();
        Ok(KeyRotated { epoch: made.epoch.0, fingerprint: made.fingerprint, leaf: None })
    }

    /// The text of a copy of the root key, sealed with the passphrase in a file, or not sealed.
    ///
    /// # Errors
    /// The root key or the passphrase cannot be used.
    pub fn copy(&self, sealed_with: Option<&Path>) -> Result<Secret<Vec<u8>>, Problem> {
        let passphrase = sealed_with.map(Passphrase::read).transpose()?;
        Ok(RootKeyFile::copy(&self.open()?, passphrase.as_ref())?)
    }

    /// Puts a copy of the root key back.
    ///
    /// # Errors
    /// `E0601` if a node runs; `E1104` or `E0824` if the copy is not of the home's root key, or is
    /// older; `E0826` if another root key is there.
    pub fn restore(&self, copy: &Path, sealed_with: Option<&Path>) -> Result<Put, Problem> {
        let of_copy = sealed_with.map(Passphrase::read).transpose()?;
        let ring = RootKeyFile::open(copy, of_copy.as_ref())?;
        let _lock = self.lock()?;
        // A key that lies elsewhere may be for a home that is not here yet.
        compare(&ring, &epochs::known(&self.home()?)?)?;
        let file = self.file()?;
        let taken = RootKeyFile::put_back(&file, &ring, self.passphrase()?.as_ref())?;
        Ok(Put {
            file,
            written: taken != Taken::There,
            newest: ring.epoch().0,
            fingerprint: ring.fingerprint().to_owned(),
        })
    }
}
