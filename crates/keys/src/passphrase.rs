//! Passphrases, and what they seal: the roots in a file, under a key that Argon2id (RFC 9106) makes
//! of a passphrase.
//!
//! Invariant: a passphrase is kept no longer than it takes to make the key; the key is kept as long
//! as the roots that it seals, since a rotation seals them again.

use crate::file::Error;
use crate::seal::SivSealer;
use argon2::{Algorithm, Argon2, Params, Version};
use model::Secret;
use rustix::fs::{FileType, Mode, OFlags};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use zeroize::{Zeroize, Zeroizing};

/// Fewest bytes of a passphrase. It is tried against a file that was stolen, at leisure.
const BYTES_MIN: usize = 12;
/// Most bytes of a passphrase.
const BYTES_MAX: usize = 1024;
/// Bytes of a salt.
pub(crate) const SALT_BYTES: usize = 16;

/// What seals root keys, as people know it.
#[derive(Debug, Clone)]
pub struct Passphrase(Secret<Vec<u8>>);

impl Passphrase {
    /// Takes a passphrase. One line end after it is cut off.
    ///
    /// # Errors
    /// [`Error::Passphrase`] if it is too short or too long.
    pub fn new(mut bytes: Vec<u8>) -> Result<Self, Error> {
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
        }
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
        let bytes = Secret::new(bytes);
        match bytes.expose().len() {
            ..BYTES_MIN => Err(unfit(format!("it has fewer than {BYTES_MIN} characters"))),
            BYTES_MIN..=BYTES_MAX => Ok(Self(bytes)),
            _ => Err(unfit(format!("it has more than {BYTES_MAX} bytes"))),
        }
    }

    /// The passphrase itself, to hand it to a node.
    #[must_use]
    pub const fn bytes(&self) -> &Secret<Vec<u8>> {
        &self.0
    }

    /// Reads the passphrase in a file, which nobody else may be able to read.
    ///
    /// # Errors
    /// [`Error::Passphrase`] if the file or what is in it cannot be used.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let wrong = |why: String| unfit(format!("{}: {why}", path.display()));
        // Without NONBLOCK, opening a pipe would wait for a writer.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = rustix::fs::open(path, flags, Mode::empty());
        let file = file.map_err(|errno| wrong(std::io::Error::from(errno).to_string()))?;
        let stat = rustix::fs::fstat(&file);
        let stat = stat.map_err(|errno| wrong(std::io::Error::from(errno).to_string()))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(wrong("it is not a regular file".to_owned()));
        }
        let own = rustix::process::geteuid().as_raw();
        // Root's credentials for a service are of root's, and readable by the service's group.
        let foreign = if stat.st_uid == own { 0o077 } else { 0o007 };
        if (stat.st_uid != own && stat.st_uid != 0) || stat.st_mode & foreign != 0 {
            return Err(wrong("others can read it".to_owned()));
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(BYTES_MAX + 3));
        let read = File::from(file).take(BYTES_MAX as u64 + 3).read_to_end(&mut bytes);
        read.map_err(|error| wrong(error.to_string()))?;
        Self::new(std::mem::take(&mut *bytes)).map_err(|error| match error {
            Error::Passphrase { reason } => wrong(reason),
            other => other,
        })
    }
}

fn unfit(reason: String) -> Error {
    Error::Passphrase { reason }
}

/// What one try of a passphrase costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// KiB of memory.
    pub memory: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes that can be computed side by side.
    pub lanes: u32,
}

impl Cost {
    /// The second recommended option of RFC 9106, section 4. The first takes 2 GiB, which a node's
    /// machine may not have when it starts.
    pub(crate) const USUAL: Self = Self { memory: 64 << 10, passes: 3, lanes: 4 };

    /// What a file may ask of whoever opens it, so that one that was changed cannot take all memory
    /// or all time.
    pub(crate) const fn is_bearable(self) -> bool {
        let Self { memory, passes, lanes } = self;
        lanes >= 1
            && lanes <= 16
            && passes >= 1
            && passes <= 64
            && memory >= 8 * lanes
            && memory <= 1 << 20
    }
}

/// What a file is sealed with.
#[derive(Clone)]
pub(crate) struct Seal {
    cost: Cost,
    salt: [u8; SALT_BYTES],
    sealer: Arc<SivSealer>,
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Seal").field("cost", &self.cost).finish_non_exhaustive()
    }
}

impl Seal {
    /// Makes the key of a passphrase for a new file. It takes as long as a try is to take.
    pub(crate) fn new(passphrase: &Passphrase) -> Result<Self, Error> {
        let mut salt = [0; SALT_BYTES];
        aws_lc_rs::rand::fill(&mut salt).map_err(|_| Error::Random)?;
        Self::with(passphrase, Cost::USUAL, salt)
    }

    /// Makes the key of a passphrase for a file that says how.
    pub(crate) fn with(
        passphrase: &Passphrase,
        cost: Cost,
        salt: [u8; SALT_BYTES],
    ) -> Result<Self, Error> {
        let mut key = [0; 32];
        let params = Params::new(cost.memory, cost.passes, cost.lanes, Some(key.len()));
        let params = params.map_err(|_| Error::Derivation)?;
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.0.expose(), &salt, &mut key)
            .map_err(|_| Error::Derivation)?;
        let secret = Secret::new(key);
        key.zeroize();
        let sealer = SivSealer::new(&secret).map_err(|_| Error::Derivation)?;
        Ok(Self { cost, salt, sealer: Arc::new(sealer) })
    }

    pub(crate) const fn cost(&self) -> Cost {
        self.cost
    }

    pub(crate) const fn salt(&self) -> &[u8; SALT_BYTES] {
        &self.salt
    }

    pub(crate) fn sealer(&self) -> &SivSealer {
        &self.sealer
    }
}
