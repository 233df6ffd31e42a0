//! What all containers share: the index, the keys, and where files lie.

use super::rows::{self, Held, ObjectRow, Totals, UploadRow};
use crate::kv::Stores;
use model::{Labelled, Labels, StoreName};
use parking_lot::RwLock;
use ports::blobs::{Container, ContainerRef, Error, Page, UploadId, check_name};
use ports::keyvalue::{self, Ask, Cell, Change, Reply};
use ports::{KeyRing, KeyValue};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(super) struct Shared {
    pub(super) index: Stores,
    pub(super) ring: Arc<dyn KeyRing>,
    dir: PathBuf,
    /// Who removes files holds it to read; who wants all of them to stay, to write.
    pub(super) leaving: RwLock<()>,
}

impl Shared {
    pub(super) fn new(index: Stores, ring: Arc<dyn KeyRing>, dir: PathBuf) -> Self {
        Self { index, ring, dir, leaving: RwLock::default() }
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Asks the index of a container.
    pub(super) async fn ask(&self, at: &ContainerRef, ask: Ask) -> Result<Reply, Error> {
        self.index.ask(at, ask, u64::MAX).await.map_err(of_index)
    }

    /// Changes the index of a container, all or nothing.
    pub(super) async fn write(
        &self,
        at: &ContainerRef,
        changes: Labelled<Vec<Change>>,
    ) -> Result<(), Error> {
        let Labelled { value: changes, labels } = changes;
        let ask = Labelled { value: Ask::Write { changes }, labels };
        self.index.ask_labelled(at, ask, u64::MAX).await.map(drop).map_err(of_index)
    }

    /// Rows of the index.
    pub(super) async fn rows(
        &self,
        at: &ContainerRef,
        keys: Vec<String>,
    ) -> Result<Vec<Option<Cell>>, Error> {
        match self.ask(at, Ask::Get { keys }).await? {
            Reply::Cells(cells) => Ok(cells),
            other => Err(Error::Failed(format!("the index said {other:?}"))),
        }
    }

    async fn row(&self, at: &ContainerRef, key: String) -> Result<Option<Cell>, Error> {
        Ok(self.rows(at, vec![key]).await?.pop().flatten())
    }

    pub(super) async fn totals(&self, at: &ContainerRef) -> Result<Option<Container>, Error> {
        Ok(self.load_totals(at).await?.map(Totals::shown))
    }

    pub(super) async fn load_totals(&self, at: &ContainerRef) -> Result<Option<Totals>, Error> {
        let row = self.row(at, rows::CONTAINER.to_owned()).await?;
        row.map(|cell| rows::read(&cell.value).ok_or_else(|| unknown(at))).transpose()
    }

    pub(super) async fn object(
        &self,
        at: &ContainerRef,
        name: &str,
    ) -> Result<Option<Held>, Error> {
        check_name(name)?;
        let ask = Ask::Get { keys: vec![rows::key(rows::OBJECT, name)] };
        let found = self.index.ask_labelled(at, Labelled::plain(ask), u64::MAX).await;
        let Labelled { value, labels } = found.map_err(of_index)?;
        let Reply::Cells(mut cells) = value else {
            return Err(Error::Failed("the index said something else".to_owned()));
        };
        let cell = cells.pop().flatten();
        cell.map(|cell| held(at, &cell, labels)).transpose()
    }

    /// An upload, if what it says to be in its file is there.
    pub(super) async fn upload(
        &self,
        at: &ContainerRef,
        id: UploadId,
    ) -> Result<Option<UploadRow>, Error> {
        let row = self.row(at, rows::key(rows::UPLOAD, &id.to_string())).await?;
        row.map(|cell| UploadRow::read(&cell.value).ok_or_else(|| unknown(at))).transpose()
    }

    pub(super) async fn list(
        &self,
        at: &ContainerRef,
        of: char,
        (prefix, after): (&str, Option<&str>),
        limit: usize,
    ) -> Result<Page, Error> {
        let prefix = rows::key(of, prefix);
        let after = after.map(|after| rows::key(of, after));
        match self.ask(at, Ask::List { prefix, after, limit }).await? {
            Reply::Keys { mut keys, more } => {
                for key in &mut keys {
                    key.remove(0);
                }
                Ok(Page { names: keys, more })
            }
            other => Err(Error::Failed(format!("the index said {other:?}"))),
        }
    }
}

/// Where the files of a container lie. Names have no character that means something in a path.
pub(super) fn directory(root: &Path, at: &ContainerRef) -> PathBuf {
    let scope = root.join(at.scope.tenant.as_str()).join(at.scope.environment.as_str());
    match &at.name {
        StoreName::Own(function) => scope.join("own").join(function.as_str()),
        StoreName::Shared(name) => scope.join("shared").join(name.as_str()),
    }
}

pub(super) fn held(at: &ContainerRef, cell: &Cell, labels: Labels) -> Result<Held, Error> {
    let row: ObjectRow = rows::read(&cell.value).ok_or_else(|| unknown(at))?;
    Ok(Held { row, version: cell.version, labels })
}

/// The container, for errors.
pub(super) fn what(at: &ContainerRef) -> String {
    format!("the container `{}` of {}/{}", at.name, at.scope.tenant, at.scope.environment)
}

/// What is authentic and cannot be read was written by a later version.
fn unknown(at: &ContainerRef) -> Error {
    Error::Failed(format!("{}: a row of a form that is not known", what(at)))
}

pub(super) fn of_index(error: keyvalue::Error) -> Error {
    match error {
        keyvalue::Error::Full => Error::Full,
        keyvalue::Error::Damaged(what) => Error::Damaged(format!("its index, {what}")),
        keyvalue::Error::RolledBack(what) => Error::RolledBack(what),
        other => Error::Failed(other.to_string()),
    }
}

pub(super) fn of_io(path: &Path, error: std::io::Error) -> Error {
    match crate::Error::io(path, error) {
        crate::Error::Full => Error::Full,
        other => Error::Failed(other.chain()),
    }
}

/// Does something to its end, also if nobody waits for it any more.
pub(super) async fn kept<T: Send + 'static>(
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::spawn(work).await;
    done.unwrap_or_else(|_| Err(Error::Failed("the work ended early".to_owned())))
}

/// Does something that waits for the disk.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(Error::Failed("the work ended early".to_owned())))
}
