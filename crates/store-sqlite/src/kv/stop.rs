//! Why work on a tenant's file ends early.

use ports::keyvalue::Error;

/// Ends an ask, or a whole group of them.
#[derive(Debug)]
pub(super) enum Stop {
    /// This ask is refused, and nothing was done for it.
    Refused(Error),
    /// The transaction cannot go on.
    Fatal(Error),
}

impl Stop {
    pub(super) fn damaged(what: impl Into<String>) -> Self {
        Self::Refused(Error::Damaged(what.into()))
    }

    /// The ring does not have an epoch that something is sealed with.
    #[expect(clippy::needless_pass_by_value, reason = "it is given by `map_err`")]
    pub(super) fn unkept(error: ports::keyring::Error) -> Self {
        Self::Refused(Error::Failed(error.to_string()))
    }

    /// What is said to whoever asked.
    pub(super) fn error(self) -> Error {
        match self {
            Self::Refused(error) | Self::Fatal(error) => error,
        }
    }
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        Self::Fatal(of_sqlite(error))
    }
}

impl From<ports::keyring::Error> for Stop {
    fn from(error: ports::keyring::Error) -> Self {
        Self::Fatal(Error::Failed(error.to_string()))
    }
}

pub(super) fn of_sqlite(error: rusqlite::Error) -> Error {
    match crate::Error::from(error) {
        crate::Error::Corrupt { reason, .. } => Error::Damaged(format!("its file: {reason}")),
        other => of_store(&other),
    }
}

pub(super) fn of_store(error: &crate::Error) -> Error {
    match error {
        crate::Error::Full => Error::Full,
        crate::Error::Corrupt { .. } => Error::Damaged(error.to_string()),
        other => Error::Failed(other.chain()),
    }
}
