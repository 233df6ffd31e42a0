//! Key-value stores.
//!
//! A store is a map from text to bytes. Every cell has a version that grows with each change, so
//! that a writer can say "only if nobody changed it since".
//!
//! Invariant: a version is never used twice for one key, not even after the key was removed.

use crate::Future;
use bytes::Bytes;
use model::{Code, Labelled, Labels, Problem, Scope, StoreName};
use serde::{Deserialize, Serialize};

mod check;

pub use check::{number, number_text, page_end, too_much_to_read};

/// Longest key, in bytes.
pub const KEY_BYTES_MAX: usize = 1024;
/// Longest value, in bytes.
pub const VALUE_BYTES_MAX: usize = 1 << 20;
/// Most keys in one ask.
pub const BATCH_MAX: usize = 1000;
/// Most bytes of values in one ask or one answer.
pub const BATCH_BYTES_MAX: usize = 8 << 20;
/// Most keys in one page of a listing.
pub const PAGE_MAX: usize = 1000;

/// A value, and when it was written, counted in changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// The value.
    #[serde(with = "crate::octets")]
    pub value: Bytes,
    /// Its version.
    pub version: u64,
}

/// One change of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// Write, whatever is there.
    Set {
        /// The key.
        key: String,
        /// The value.
        #[serde(with = "crate::octets")]
        value: Bytes,
    },
    /// Remove, if it is there.
    Delete {
        /// The key.
        key: String,
    },
}

/// What is asked of a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// Whether the store may be used at all.
    Open,
    /// Read several keys. Answered by [`Reply::Cells`], in the same order.
    Get {
        /// The keys.
        keys: Vec<String>,
    },
    /// Whether a key is there. Answered by [`Reply::Found`].
    Exists {
        /// The key.
        key: String,
    },
    /// Change several keys, all or none. Answered by [`Reply::Done`].
    Write {
        /// The changes, in order.
        changes: Vec<Change>,
    },
    /// Add to a number. A key that is not there counts as 0. Answered by [`Reply::Number`].
    ///
    /// The number is kept as decimal text, `-12`, so a guest that reads the key sees what it would
    /// see in Redis, and can begin to count with a value that it wrote. See [`number`].
    Add {
        /// The key.
        key: String,
        /// What to add.
        delta: i64,
    },
    /// Write only if the version is still this one. Answered by [`Reply::Swapped`].
    Swap {
        /// The key.
        key: String,
        /// What the version must be; `None` if the key must not be there.
        version: Option<u64>,
        /// The new value.
        #[serde(with = "crate::octets")]
        value: Bytes,
    },
    /// List keys in the order of their bytes. Answered by [`Reply::Keys`].
    List {
        /// Only keys that begin like this.
        prefix: String,
        /// Only keys after this one.
        after: Option<String>,
        /// Most keys, 1 to [`PAGE_MAX`].
        limit: usize,
    },
}

/// What a store says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// It is done, on disk.
    Done,
    /// What was read.
    Cells(Vec<Option<Cell>>),
    /// Whether it is there.
    Found(bool),
    /// The sum.
    Number(i64),
    /// `Ok` holds the new version; `Err` what is there instead, if anything.
    Swapped(Result<u64, Option<Cell>>),
    /// A page of keys.
    Keys {
        /// The keys.
        keys: Vec<String>,
        /// Whether there are more after the last.
        more: bool,
    },
}

/// Which store.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StoreRef {
    /// Tenant and environment.
    pub scope: Scope,
    /// Its name there.
    pub name: StoreName,
}

/// How much a store holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Size {
    /// Keys.
    pub keys: u64,
    /// Bytes of keys and values, as they were given.
    pub bytes: u64,
}

/// Why a store did not do what it was asked. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The ask breaks a limit or makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// [`Ask::Add`] met a value that is no number, or the sum has no form.
    #[error("the value is no number that this can be added to")]
    NotANumber,
    /// The store would hold more than its quota.
    #[error("the quota of {bytes_max} bytes is used up")]
    Quota {
        /// The quota.
        bytes_max: u64,
    },
    /// The disk has no room.
    #[error("no room")]
    Full,
    /// A cell is not what was last written there: changed, moved, or brought back from before.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// The stores of the tenant are as they were earlier than the rest of the home knows.
    #[error("the stores of the tenant are from before: {0}")]
    RolledBack(String),
    /// The store failed.
    #[error("the store failed: {0}")]
    Failed(String),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let restore = "stop the node and restore a backup of the whole home into a new place: \
                       `casemate restore BACKUP --home NEW`";
        match error {
            Error::Full => Self::new(Code::DiskFull),
            Error::Damaged(what) => Self::new(Code::KeyValueDamaged).internal(what).hint(restore),
            Error::RolledBack(what) => {
                Self::new(Code::KeyValueRolledBack).internal(what).hint(restore)
            }
            Error::Invalid(_) | Error::NotANumber => Self::new(Code::KeyValueInvalid).detail(error),
            Error::Quota { .. } => Self::new(Code::KeyValueQuota).detail(error),
            Error::Failed(why) => Self::new(Code::StoreFailed).internal(why),
        }
    }
}

/// Stores by name. A store that nothing was written to is empty.
pub trait KeyValue: Send + Sync {
    /// Does one ask. A change is on disk when this returns.
    ///
    /// What is written is kept with the labels of the ask, in the place of those that the key had;
    /// what [`Ask::Add`] makes keeps those, too. The labels of what was read come with the reply:
    /// all of them, also those of a number that was added to. They count as bytes.
    ///
    /// `bytes_max` is the store's quota, for keys and values together as they were given: changes
    /// that make it larger than that are refused, and those that make it smaller never are.
    ///
    /// # Errors
    /// [`Error`]. Nothing was changed then.
    fn ask_labelled<'a>(
        &'a self,
        store: &'a StoreRef,
        ask: Labelled<Ask>,
        bytes_max: u64,
    ) -> Future<'a, Result<Labelled<Reply>, Error>>;

    /// The same for who knows of nothing sensitive, and does not ask for it.
    ///
    /// # Errors
    /// As [`KeyValue::ask_labelled`].
    fn ask<'a>(
        &'a self,
        store: &'a StoreRef,
        ask: Ask,
        bytes_max: u64,
    ) -> Future<'a, Result<Reply, Error>> {
        Box::pin(async move {
            let ask = Labelled { value: ask, labels: Labels::NONE };
            Ok(self.ask_labelled(store, ask, bytes_max).await?.value)
        })
    }

    /// How much a store holds.
    ///
    /// # Errors
    /// [`Error`] if the store failed or is damaged.
    fn size<'a>(&'a self, store: &'a StoreRef) -> Future<'a, Result<Size, Error>>;

    /// The stores of a tenant and environment, in order.
    ///
    /// # Errors
    /// [`Error`] if the store failed or is damaged.
    fn stores<'a>(&'a self, scope: &'a Scope) -> Future<'a, Result<Vec<(StoreName, Size)>, Error>>;

    /// Removes a store and everything in it. Says whether there was one.
    ///
    /// # Errors
    /// [`Error`] if the store failed or is damaged.
    fn remove<'a>(&'a self, store: &'a StoreRef) -> Future<'a, Result<bool, Error>>;
}
