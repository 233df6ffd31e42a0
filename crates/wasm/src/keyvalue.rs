//! `wasi:keyvalue`: what guests ask of stores, in the host's words, and its answers in theirs.
//!
//! Nothing is decided here. The two drafts differ in little, and what they share is in this file.
//!
//! Invariant: no value is kept between two calls, so what a guest holds open costs its name and its
//! key, and no more of those than the port takes.

mod draft;
mod draft2;
mod places;
mod spin;

use crate::state::State;
use bytes::Bytes;
use model::SharedStoreName;
use places::Places;
use ports::host::{self, Host, HostCall, HostError, HostReply};
use ports::keyvalue::{Ask, Cell, Change, PAGE_MAX, Reply};
use std::collections::BTreeMap;
use std::sync::Arc;
use wasmtime::component::{HasData, Linker, Resource, ResourceTable, ResourceTableError};

/// A store that a guest opened.
#[expect(unreachable_pub, reason = "what Wasmtime generates gives it another name")]
pub struct Bucket {
    store: Arc<str>,
}

/// What of an invocation `wasi:keyvalue` needs.
pub(crate) struct View<'a> {
    pub(crate) table: &'a mut ResourceTable,
    pub(crate) listings: &'a mut Listings,
    pub(crate) host: &'a Arc<dyn Host>,
    /// The function's own words for stores.
    pub(crate) stores: &'a BTreeMap<String, SharedStoreName>,
}

/// The positions in listings that an invocation can go on from.
pub(crate) type Listings = Places;

/// Why a guest does not get what it asked for.
#[expect(unreachable_pub, reason = "what Wasmtime generates gives it another name")]
pub enum Refused {
    /// Nothing grants it.
    Denied,
    /// In words that are fit for guests.
    Other(String),
    /// It used up a limit that no guest survives.
    Ends(wasmtime::Error),
}

impl From<HostError> for Refused {
    fn from(error: HostError) -> Self {
        match error {
            HostError::Denied => Self::Denied,
            other => Self::Other(other.to_string()),
        }
    }
}

impl From<ResourceTableError> for Refused {
    fn from(error: ResourceTableError) -> Self {
        Self::Ends(error.into())
    }
}

/// How Wasmtime finds a [`View`].
struct Has;

impl HasData for Has {
    type Data<'a> = View<'a>;
}

/// Lets guests import both drafts, and Spin's own interface.
///
/// # Errors
/// Wasmtime's, if a name is defined twice.
pub(crate) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    draft::link(linker)?;
    draft2::link(linker)?;
    spin::link(linker)
}

impl View<'_> {
    /// The store behind a handle.
    fn store(&self, bucket: &Resource<Bucket>) -> Result<Arc<str>, Refused> {
        Ok(Arc::clone(&self.table.get(bucket)?.store))
    }

    async fn ask(&mut self, store: &str, ask: Ask) -> Result<Reply, Refused> {
        let call = HostCall::KeyValue { store: store.to_owned(), ask };
        let answer = Arc::clone(self.host).call(host::Ask::plain(call)).await?;
        match answer.reply.value {
            HostReply::KeyValue(reply) => Ok(reply),
            _ => Err(HostError::Failed.into()),
        }
    }

    async fn ask_of(&mut self, bucket: &Resource<Bucket>, ask: Ask) -> Result<Reply, Refused> {
        let store = self.store(bucket)?;
        self.ask(&store, ask).await
    }

    async fn open(&mut self, identifier: String) -> Result<Resource<Bucket>, Refused> {
        // The function's own word for a store, if it has one.
        let meant = self.stores.get(&identifier).map(|store| store.as_str());
        let store: Arc<str> = meant.map_or_else(|| identifier.into(), Into::into);
        self.ask(&store, Ask::Open).await?;
        Ok(self.table.push(Bucket { store })?)
    }

    async fn get(&mut self, store: &str, key: String) -> Result<Option<Cell>, Refused> {
        Ok(self.cells(store, vec![key]).await?.pop().flatten())
    }

    async fn cells(
        &mut self,
        store: &str,
        keys: Vec<String>,
    ) -> Result<Vec<Option<Cell>>, Refused> {
        let count = keys.len();
        match self.ask(store, Ask::Get { keys }).await? {
            Reply::Cells(cells) if cells.len() == count => Ok(cells),
            _ => Err(unexpected()),
        }
    }

    async fn exists(&mut self, bucket: &Resource<Bucket>, key: String) -> Result<bool, Refused> {
        match self.ask_of(bucket, Ask::Exists { key }).await? {
            Reply::Found(found) => Ok(found),
            _ => Err(unexpected()),
        }
    }

    /// Changes all or nothing, although the drafts would allow less.
    async fn write(
        &mut self,
        bucket: &Resource<Bucket>,
        changes: impl IntoIterator<Item = Change>,
    ) -> Result<(), Refused> {
        let changes = changes.into_iter().collect();
        match self.ask_of(bucket, Ask::Write { changes }).await? {
            Reply::Done => Ok(()),
            _ => Err(unexpected()),
        }
    }

    async fn add(
        &mut self,
        bucket: &Resource<Bucket>,
        key: String,
        delta: i64,
    ) -> Result<i64, Refused> {
        match self.ask_of(bucket, Ask::Add { key, delta }).await? {
            Reply::Number(sum) => Ok(sum),
            _ => Err(unexpected()),
        }
    }

    /// A page of keys, and the last of them if there are more.
    async fn list(
        &mut self,
        store: &str,
        after: Option<String>,
    ) -> Result<(Vec<String>, Option<String>), Refused> {
        let ask = Ask::List { prefix: String::new(), after, limit: PAGE_MAX };
        match self.ask(store, ask).await? {
            Reply::Keys { keys, more } => {
                let last = keys.last().filter(|_| more).cloned();
                Ok((keys, last))
            }
            _ => Err(unexpected()),
        }
    }
}

/// The host answered something else than was asked.
fn unexpected() -> Refused {
    HostError::Failed.into()
}

fn set((key, value): (String, Vec<u8>)) -> Change {
    Change::Set { key, value: Bytes::from(value) }
}

fn delete(key: String) -> Change {
    Change::Delete { key }
}

/// A value as a guest takes it. Copies only if the host keeps it too.
fn value(cell: Cell) -> Vec<u8> {
    cell.value.into()
}
