//! Why a store of the home failed, and what is said about it outside.

use model::{Code, Problem};
use ports::registry::Error as RegistryError;
use std::path::PathBuf;

/// A failure of the registry's file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The act does not fit what is there.
    #[error(transparent)]
    Refused(#[from] Problem),
    /// The disk has no room. Nothing was changed.
    #[error("no room for the registry")]
    Full,
    /// The file was written by a newer version. Nothing was changed.
    #[error("{} has schema {found}, and this build knows {known}", .file.display())]
    SchemaNewer {
        /// The file.
        file: PathBuf,
        /// Its schema.
        found: u32,
        /// The newest schema that this build knows.
        known: u32,
    },
    /// A migration failed. The file is as it was before.
    #[error("{} could not be migrated from schema {from} to {to}", .file.display())]
    Migration {
        /// The file.
        file: PathBuf,
        /// Its schema.
        from: u32,
        /// The schema that the failing step makes.
        to: u32,
        /// Why.
        source: Box<Self>,
    },
    /// The file is damaged, or no registry of Casemate.
    #[error("{place} is damaged: {reason}")]
    Corrupt {
        /// The file or the row.
        place: String,
        /// What does not fit.
        reason: String,
    },
    /// A file or directory could not be made, read or written.
    #[error("{}", .path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// SQLite failed in another way.
    #[error("the registry's database failed")]
    Sqlite {
        /// Why.
        source: rusqlite::Error,
    },
    /// The notary did not extend the ledger. Nothing was changed.
    #[error("the ledger could not be extended: {0}")]
    Notary(String),
    /// The store was closed, or its writer ended.
    #[error("the registry is closed")]
    Closed,
}

impl Error {
    pub(crate) fn corrupt(place: impl Into<String>, reason: impl std::fmt::Display) -> Self {
        Self::Corrupt { place: place.into(), reason: reason.to_string() }
    }

    pub(crate) fn io(path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        if is_full(&source) { Self::Full } else { Self::Io { path: path.into(), source } }
    }

    /// The whole chain in one line, for logs.
    pub(crate) fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut next = std::error::Error::source(self);
        while let Some(error) = next {
            text = format!("{text}: {error}");
            next = error.source();
        }
        text
    }
}

/// Whether a write failed because the file system, or the user's share of it, has no room.
pub(crate) fn is_full(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

impl From<rusqlite::Error> for Error {
    fn from(source: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        // Sizing the shared-memory file is the one write whose lack of room SQLite reports as
        // an input/output error.
        let shm_size =
            source.sqlite_extended_error_code() == Some(rusqlite::ffi::SQLITE_IOERR_SHMSIZE);
        match source.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            _ if shm_size => Self::Full,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::corrupt("registry.db", source)
            }
            _ => Self::Sqlite { source },
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let code = match &error {
            Error::Refused(problem) => return problem.clone(),
            Error::Full => return Self::new(Code::DiskFull),
            Error::SchemaNewer { .. } => Code::SchemaNewer,
            Error::Migration { .. } => Code::MigrationFailed,
            Error::Corrupt { .. } => Code::StoreCorrupt,
            Error::Io { .. } | Error::Sqlite { .. } | Error::Notary(_) | Error::Closed => {
                Code::StoreFailed
            }
        };
        Self::new(code).internal(error.chain())
    }
}

impl From<Error> for RegistryError {
    fn from(error: Error) -> Self {
        match error {
            Error::Full => Self::Full,
            // What has a code of its own keeps it.
            Error::Refused(_) | Error::Corrupt { .. } => Self::Refused(error.into()),
            other => Self::Store(other.chain()),
        }
    }
}

impl From<Error> for ports::ledger::Error {
    fn from(error: Error) -> Self {
        Self::Store(error.chain())
    }
}
