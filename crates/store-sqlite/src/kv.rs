//! Key-value stores: one SQLite file for each tenant, `kv/<tenant>.db` in the home.
//!
//! Values are sealed for their key and version, and what is in a store is chained to one sealed
//! head: cells to leaves, leaves to stores, stores to the head, the head to a number that the
//! registry keeps. What is read after a start is checked against that chain the first time that it
//! is touched; from then on, this process alone writes.
//!
//! Callers are asynchronous and never wait for the disk on their own thread: each tenant has a
//! thread that writes, and all share a few that read.
//!
//! Invariant: one process at a time; the home's lock holds that.

use crate::Error as StoreError;
use crate::store::{BACKUPS, connect, copy};
use file::{Source, path_of};
use model::{EnvironmentName, Labelled, Scope, StoreName, TenantName};
use parking_lot::RwLock;
use ports::keyvalue::{Ask, Error, KeyValue, Reply, Size, StoreRef};
use ports::{Future, KeyRing};
use readers::Readers;
pub use rewrap::{Step, Walk};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tenant::Tenant;
use ticker::Ticker;
use tokio::sync::Semaphore;
use writer::What;

mod cell;
mod check;
mod file;
mod held;
mod keys;
mod leaves;
mod readers;
mod rewrap;
mod shown;
mod span;
mod state;
mod stop;
mod tenant;
mod ticker;
mod work;
mod writer;

#[cfg(test)]
mod tests;

/// The directory in the home.
pub const DIRECTORY: &str = "kv";
/// What files of tenants end in.
const ENDING: &str = "db";
/// Bytes of changes that wait for the disk, of all tenants together. Further ones wait before they
/// queue.
const WAITING_BYTES_MAX: usize = 64 << 20;

/// Remembers, outside of `kv/`, how far each tenant's file had come. Both methods block.
pub trait Anchors: Send + Sync {
    /// The highest number that was ever raised to.
    ///
    /// # Errors
    /// The store failed; the tenant's file is not opened then.
    fn load(&self, tenant: &TenantName) -> Result<Option<u64>, StoreError>;

    /// Keeps a number, unless a higher one is kept.
    ///
    /// # Errors
    /// The store failed. It is tried again.
    fn raise(&self, tenant: &TenantName, counter: u64) -> Result<(), StoreError>;
}

/// All key-value stores of a home.
///
/// When it is dropped, what was queued is written and the files are closed.
pub struct Stores {
    area: &'static str,
    dir: PathBuf,
    backups: PathBuf,
    ring: Arc<dyn KeyRing>,
    anchors: Arc<dyn Anchors>,
    tenants: RwLock<HashMap<TenantName, Arc<Tenant>>>,
    readers: Option<Readers>,
    ticker: Ticker,
    memory: Arc<Semaphore>,
}

impl Stores {
    /// The stores of the home `home`. Files are opened when they are first asked for, and made when
    /// they are first written to.
    ///
    /// # Errors
    /// [`StoreError::Io`] if no thread could be started.
    pub fn open(
        home: &Path,
        ring: Arc<dyn KeyRing>,
        anchors: Arc<dyn Anchors>,
    ) -> Result<Self, StoreError> {
        Self::open_area(DIRECTORY, home, ring, anchors)
    }

    /// The same in another directory, with keys of its own.
    pub(crate) fn open_area(
        area: &'static str,
        home: &Path,
        ring: Arc<dyn KeyRing>,
        anchors: Arc<dyn Anchors>,
    ) -> Result<Self, StoreError> {
        let dir = home.join(area);
        let io = |error| StoreError::io(&dir, error);
        let readers = Readers::start().map_err(io)?;
        let ticker = Ticker::start(Arc::clone(&anchors)).map_err(io)?;
        Ok(Self {
            backups: home.join(BACKUPS),
            ring,
            anchors,
            tenants: RwLock::default(),
            readers: Some(readers),
            ticker,
            memory: Arc::new(Semaphore::new(WAITING_BYTES_MAX)),
            area,
            dir,
        })
    }

    /// Reads and checks everything that a tenant keeps, also what was checked before. Empty if all
    /// is well; otherwise what is wrong, of each store the first thing.
    ///
    /// # Errors
    /// [`Error`] if the check could not run, or the file as a whole is damaged or from before.
    pub async fn verify(&self, tenant: &TenantName) -> Result<Vec<String>, Error> {
        let tenant = self.tenant(tenant)?;
        tenant.open().await?;
        let names: Vec<_> = tenant.board.stores.read().keys().cloned().collect();
        let mut found = Vec::new();
        for name in names {
            found.extend(tenant.audit(&name).await?);
        }
        found.sort();
        Ok(found)
    }

    /// Every store of a tenant.
    pub(crate) async fn names(
        &self,
        tenant: &TenantName,
    ) -> Result<Vec<(EnvironmentName, StoreName)>, Error> {
        let tenant = self.tenant(tenant)?;
        tenant.open().await?;
        let mut names: Vec<_> = tenant.board.stores.read().keys().cloned().collect();
        names.sort();
        Ok(names)
    }

    /// Does a step of the walk that moves a tenant's file to the newest epoch.
    ///
    /// # Errors
    /// [`Error`] if the file failed, or is damaged as a whole; what was done by steps before stays
    /// done.
    pub async fn rewrap(&self, tenant: &TenantName, walk: Walk) -> Result<Step, Error> {
        let tenant = self.tenant(tenant)?;
        tenant.open().await?;
        tenant.rewrap(walk).await
    }

    fn tenant(&self, name: &TenantName) -> Result<Arc<Tenant>, Error> {
        if let Some(tenant) = self.tenants.read().get(name) {
            return Ok(Arc::clone(tenant));
        }
        let mut tenants = self.tenants.write();
        if let Some(tenant) = tenants.get(name) {
            return Ok(Arc::clone(tenant));
        }
        let source = Source {
            area: self.area,
            tenant: name.clone(),
            path: path_of(&self.dir, name).into(),
            backups: self.backups.clone(),
            ring: Arc::clone(&self.ring),
            board: Arc::default(),
            #[cfg(test)]
            pages_max: std::sync::atomic::AtomicU32::default(),
        };
        let started = Tenant::start(source, Arc::clone(&self.anchors));
        let tenant = Arc::new(started.map_err(|error| Error::Failed(error.to_string()))?);
        self.ticker.watch(name.clone(), Arc::clone(&tenant.board));
        tenants.insert(name.clone(), Arc::clone(&tenant));
        Ok(tenant)
    }

    async fn answer(
        &self,
        store: &StoreRef,
        ask: Labelled<Ask>,
        bytes_max: u64,
    ) -> Result<Labelled<Reply>, Error> {
        let Labelled { value: ask, labels } = ask;
        ask.check()?;
        let tenant = self.tenant(&store.scope.tenant)?;
        match ask {
            Ask::Open => tenant.open().await.map(|()| Labelled::plain(Reply::Done)),
            Ask::Get { .. } | Ask::Exists { .. } | Ask::List { .. } => {
                let closed = || Error::Failed("the stores are closed".to_owned());
                let readers = self.readers.as_ref().ok_or_else(closed)?;
                tenant.read(name_of(store), ask, readers).await
            }
            Ask::Write { .. } | Ask::Add { .. } | Ask::Swap { .. } => {
                let what = What::Ask(ask, labels, bytes_max);
                tenant.write(name_of(store), what, &self.memory).await
            }
        }
    }
}

fn name_of(store: &StoreRef) -> (EnvironmentName, StoreName) {
    (store.scope.environment.clone(), store.name.clone())
}

impl KeyValue for Stores {
    fn ask_labelled<'a>(
        &'a self,
        store: &'a StoreRef,
        ask: Labelled<Ask>,
        bytes_max: u64,
    ) -> Future<'a, Result<Labelled<Reply>, Error>> {
        Box::pin(self.answer(store, ask, bytes_max))
    }

    fn size<'a>(&'a self, store: &'a StoreRef) -> Future<'a, Result<Size, Error>> {
        Box::pin(async move {
            let tenant = self.tenant(&store.scope.tenant)?;
            tenant.open().await?;
            let shown = tenant.board.store(&name_of(store));
            Ok(shown.map(|shown| *shown.size.lock()).unwrap_or_default())
        })
    }

    fn stores<'a>(&'a self, scope: &'a Scope) -> Future<'a, Result<Vec<(StoreName, Size)>, Error>> {
        Box::pin(async move {
            let tenant = self.tenant(&scope.tenant)?;
            tenant.open().await?;
            let stores = tenant.board.stores.read();
            let own = stores.iter().filter(|(name, _)| name.0 == scope.environment);
            let mut own: Vec<_> =
                own.map(|(name, shown)| (name.1.clone(), *shown.size.lock())).collect();
            own.sort_by(|one, two| one.0.cmp(&two.0));
            Ok(own)
        })
    }

    fn remove<'a>(&'a self, store: &'a StoreRef) -> Future<'a, Result<bool, Error>> {
        Box::pin(async move {
            let tenant = self.tenant(&store.scope.tenant)?;
            let done = tenant.write(name_of(store), What::Remove, &self.memory).await?;
            Ok(done.value == Reply::Found(true))
        })
    }
}

impl Drop for Stores {
    fn drop(&mut self) {
        // Writers close last, so that SQLite folds its logs into the files.
        drop(self.readers.take());
        for (_, tenant) in self.tenants.get_mut().drain() {
            // Asks borrow the stores, so nobody else has it.
            if let Some(tenant) = Arc::into_inner(tenant) {
                tenant.close();
            }
        }
        self.ticker.stop();
    }
}

/// The tenants whose stores lie in the home `home`, in order.
///
/// # Errors
/// [`StoreError::Io`].
pub fn tenants(home: &Path) -> Result<Vec<TenantName>, StoreError> {
    tenants_in(DIRECTORY, home)
}

/// The file of a tenant.
pub(crate) fn file_of(home: &Path, area: &str, tenant: &TenantName) -> PathBuf {
    path_of(&home.join(area), tenant)
}

pub(crate) fn tenants_in(area: &str, home: &Path) -> Result<Vec<TenantName>, StoreError> {
    let dir = home.join(area);
    let entries = match std::fs::read_dir(&dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|error| StoreError::io(&dir, error))?,
    };
    let mut tenants = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| StoreError::io(&dir, error))?.path();
        let is_file = path.extension().is_some_and(|ending| ending == ENDING);
        let name = path.file_stem().and_then(std::ffi::OsStr::to_str).filter(|_| is_file);
        tenants.extend(name.and_then(|name| TenantName::parse(name).ok()));
    }
    tenants.sort();
    Ok(tenants)
}

/// Writes a consistent copy of each tenant's file below `target`, whether or not a node is using
/// them, and gives their paths there and in a home. Blocks.
///
/// For a backup, the registry is copied first: files that are newer than it are accepted, and
/// older ones are not.
///
/// # Errors
/// [`StoreError`]; copies that were made remain.
pub fn copy_all(home: &Path, target: &Path) -> Result<Vec<(String, PathBuf)>, StoreError> {
    copy_area(DIRECTORY, home, target)
}

pub(crate) fn copy_area(
    area: &str,
    home: &Path,
    target: &Path,
) -> Result<Vec<(String, PathBuf)>, StoreError> {
    let mut copies = Vec::new();
    for tenant in tenants_in(area, home)? {
        let connection = connect::reader(&path_of(&home.join(area), &tenant))?;
        let file = target.join(format!("{area}-{tenant}.{ENDING}"));
        copy::copy(&connection, &file)?;
        copies.push((format!("{area}/{tenant}.{ENDING}"), file));
    }
    Ok(copies)
}
