//! What every version of key-value stores must do.
//!
//! [`conforms`] runs a list of cases; [`same`] feeds two versions one random history of asks and
//! compares each answer.
//!
//! Invariant: the suite uses the port only, so a failure is the version's own.

use anyhow::{Result, bail};
use bytes::Bytes;
use model::{Scope, StoreName};
use ports::KeyValue;
use ports::keyvalue::{Ask, Cell, Change, Error, Reply, StoreRef};

pub use differential::{histories, same};
pub use suite::conforms;

mod differential;
mod labels;
mod suite;

/// A quota that no test reaches.
pub const PLENTY: u64 = 1 << 40;

/// A store by its name, in the default scope.
///
/// # Panics
/// If the name is none.
#[must_use]
#[expect(clippy::panic, reason = "a test that misspells a name must not go on")]
pub fn store(name: &str) -> StoreRef {
    let name = StoreName::parse(name).unwrap_or_else(|error| panic!("{error}"));
    StoreRef { scope: Scope::default(), name }
}

/// A store of another tenant or environment.
///
/// # Panics
/// If a name is none.
#[must_use]
#[expect(clippy::panic, reason = "a test that misspells a name must not go on")]
pub fn store_of(tenant: &str, environment: &str, name: &str) -> StoreRef {
    let mut store = store(name);
    store.scope.tenant = tenant.parse().unwrap_or_else(|error| panic!("{error}"));
    store.scope.environment = environment.parse().unwrap_or_else(|error| panic!("{error}"));
    store
}

/// A change that writes.
#[must_use]
pub fn set(key: &str, value: &[u8]) -> Change {
    Change::Set { key: key.to_owned(), value: Bytes::copy_from_slice(value) }
}

/// A change that removes.
#[must_use]
pub fn delete(key: &str) -> Change {
    Change::Delete { key: key.to_owned() }
}

/// Writes without a quota.
///
/// # Errors
/// The store's.
pub async fn write(kv: &dyn KeyValue, at: &StoreRef, changes: &[Change]) -> Result<(), Error> {
    kv.ask(at, Ask::Write { changes: changes.to_vec() }, PLENTY).await.map(drop)
}

/// Reads one key.
///
/// # Errors
/// The store's, or an answer of another kind.
pub async fn cell(kv: &dyn KeyValue, at: &StoreRef, key: &str) -> Result<Option<Cell>> {
    match kv.ask(at, Ask::Get { keys: vec![key.to_owned()] }, PLENTY).await? {
        Reply::Cells(mut cells) if cells.len() == 1 => Ok(cells.remove(0)),
        other => bail!("{other:?}"),
    }
}

/// Reads the value of one key.
///
/// # Errors
/// As [`cell`].
pub async fn value(kv: &dyn KeyValue, at: &StoreRef, key: &str) -> Result<Option<Bytes>> {
    Ok(cell(kv, at, key).await?.map(|cell| cell.value))
}

/// Lists one page.
///
/// # Errors
/// The store's, or an answer of another kind.
pub async fn list(
    kv: &dyn KeyValue,
    at: &StoreRef,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<(Vec<String>, bool)> {
    let ask = Ask::List { prefix: prefix.to_owned(), after: after.map(str::to_owned), limit };
    match kv.ask(at, ask, PLENTY).await? {
        Reply::Keys { keys, more } => Ok((keys, more)),
        other => bail!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_memory_version_conforms() -> Result<()> {
        conforms(ports::memory::KeyValue::default).await
    }
}
