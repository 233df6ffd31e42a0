//! What the appenders, the readers and the writer share.

use super::config::Config;
use super::disk::Disk;
use super::signal::Signal;
use super::stream::Stream;
use model::key::{Epoch, KeyPurpose};
use model::{BootId, TenantName};
use parking_lot::{Mutex, RwLock};
use ports::journal::Error;
use ports::keyring::Sealer;
use ports::{Clock, KeyRing};
use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Most damages that are kept to be shown.
const DAMAGE_MAX: usize = 1000;

pub(super) struct Core {
    pub config: Config,
    pub disk: Arc<dyn Disk>,
    pub keyring: Arc<dyn KeyRing>,
    pub clock: Arc<dyn Clock>,
    pub boot: BootId,
    pub streams: Streams,
    pub signal: Signal,
    /// Whether the disk is full, so that tenants are refused.
    pub full: AtomicBool,
    /// Whether somebody was told that the disk is nearly full.
    pub warned: AtomicBool,
    /// Entries that were refused.
    pub dropped: AtomicU64,
    pub closed: AtomicBool,
    /// Whether the writer shall end segments that an older epoch of the root key seals.
    pub ending: AtomicBool,
    /// Held by whoever gives a segment's name to another file, or takes it away.
    pub names: Mutex<()>,
    damage: Mutex<Vec<Error>>,
}

impl Core {
    pub(super) fn new(
        config: Config,
        disk: Arc<dyn Disk>,
        keyring: Arc<dyn KeyRing>,
        clock: Arc<dyn Clock>,
        boot: BootId,
    ) -> Self {
        Self {
            streams: Streams::new(&config.dir),
            config,
            disk,
            keyring,
            clock,
            boot,
            signal: Signal::default(),
            full: AtomicBool::new(false),
            warned: AtomicBool::new(false),
            dropped: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            ending: AtomicBool::new(false),
            names: Mutex::new(()),
            damage: Mutex::new(Vec::new()),
        }
    }

    /// The sealer of a stream's blocks. Tenants have a key each.
    pub(super) fn sealer(&self, stream: &Stream, epoch: Epoch) -> Result<Arc<dyn Sealer>, Error> {
        let mut sealers = stream.sealers.lock();
        if let Some((_, sealer)) = sealers.iter().find(|(known, _)| *known == epoch) {
            return Ok(sealer.clone());
        }
        // Two parts, and `node` is no tenant: no tenant shares the control plane's key.
        let context = stream.tenant.as_ref().map(TenantName::as_str);
        let context = context.map_or(vec!["node", "control"], |tenant| vec![tenant]);
        let sealer = self
            .keyring
            .sealer(epoch, KeyPurpose::Journal, &context)
            .map_err(|error| Error::Failed(format!("no key for {}: {error}", stream.name)))?;
        sealers.push((epoch, sealer.clone()));
        Ok(sealer)
    }

    /// The size at which a segment of this stream is sealed: small enough that eviction, which
    /// takes whole segments, can hold every stream to its share.
    pub(super) fn segment_bytes(&self, stream: &Stream) -> u64 {
        let room = match stream.tenant {
            Some(_) => self.config.bytes_max / self.streams.tenants().max(1),
            None => self.config.control_bytes,
        };
        self.config.segment_bytes.min((room / 4).max(4096))
    }

    /// Says once that something is damaged, and keeps it to be shown.
    pub(super) fn note(&self, damage: Error) {
        let mut noted = self.damage.lock();
        if noted.len() < DAMAGE_MAX && !noted.contains(&damage) {
            tracing::error!(%damage, "the journal goes on without it");
            noted.push(damage);
        }
    }

    pub(super) fn damage(&self) -> Vec<Error> {
        self.damage.lock().clone()
    }

    pub(super) fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }
}

/// All streams, by tenant and by number.
pub(super) struct Streams {
    dir: std::path::PathBuf,
    control: Arc<Stream>,
    by_tenant: RwLock<HashMap<TenantName, Arc<Stream>>>,
    all: RwLock<Vec<Arc<Stream>>>,
}

impl Streams {
    fn new(dir: &Path) -> Self {
        let control = Arc::new(Stream::new(0, None, dir));
        Self {
            dir: dir.to_owned(),
            by_tenant: RwLock::default(),
            all: RwLock::new(vec![control.clone()]),
            control,
        }
    }

    pub(super) fn control(&self) -> &Arc<Stream> {
        &self.control
    }

    /// The stream of a tenant, if it has one.
    pub(super) fn find(&self, tenant: &TenantName) -> Option<Arc<Stream>> {
        self.by_tenant.read().get(tenant).cloned()
    }

    /// The stream of a tenant. Makes no file.
    pub(super) fn of(&self, tenant: &TenantName) -> Result<Arc<Stream>, Error> {
        if let Some(stream) = self.find(tenant) {
            return Ok(stream);
        }
        let mut by_tenant = self.by_tenant.write();
        if let Some(stream) = by_tenant.get(tenant) {
            return Ok(stream.clone());
        }
        let mut all = self.all.write();
        let number = u16::try_from(all.len()).map_err(|_| Error::Full)?;
        let stream = Arc::new(Stream::new(number, Some(tenant.clone()), &self.dir));
        all.push(stream.clone());
        by_tenant.insert(tenant.clone(), stream.clone());
        Ok(stream)
    }

    pub(super) fn numbered(&self, number: u16) -> Option<Arc<Stream>> {
        self.all.read().get(usize::from(number)).cloned()
    }

    /// All, the control plane's first.
    pub(super) fn all(&self) -> Vec<Arc<Stream>> {
        self.all.read().clone()
    }

    /// How many tenants have a stream.
    pub(super) fn tenants(&self) -> u64 {
        self.by_tenant.read().len() as u64
    }
}

/// The journal's error for a failure of the disk.
pub(super) fn failed(path: &Path, error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::Full,
        _ => Error::Failed(format!("{}: {error}", path.display())),
    }
}

/// The journal's error for bytes that do not fit: which segment, and where in it.
pub(super) fn damaged(stream: &str, first: u64, offset: u64, reason: &str) -> Error {
    let segment = super::segment::file_name(first);
    Error::Damaged { place: format!("{stream}/{segment} at {offset}"), reason: reason.to_owned() }
}
