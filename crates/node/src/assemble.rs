//! From settings to a running engine.

use crate::clock::SystemClock;
use crate::home::{self, Home};
use crate::interpreters::Machine;
use crate::issuers::KeyFiles;
use crate::keyring;
use crate::native;
use crate::settings::{Isolation, Settings};
use audit::{Notary, VerifierKey};
use engine::{Engine, Parts};
use identity::OperatorToken;
use keys::FileRing;
use model::act::Act;
use model::key::KeyPurpose;
use model::{BootId, Code, Digest, Problem};
use policy::Policies;
use ports::child::ChildLimits;
use ports::{Clock, Journal, KeyRing};
use std::path::Path;
use std::sync::Arc;
use store_sqlite::journal::give_back_reserve;
#[cfg(not(feature = "danger-no-records"))]
use store_sqlite::journal::{Config as JournalConfig, SegmentJournal};
use store_sqlite::kv::Stores;
use store_sqlite::{Files, Store};
use wasm::WasmExecutor;

/// What a node is told about the time.
pub(crate) struct Surroundings {
    /// Tells the time.
    pub(crate) clock: Arc<dyn Clock>,
    /// The wall clock that guests see; the system's if none is given.
    pub(crate) guest_clock: Option<Arc<dyn Clock>>,
    /// Who answers outgoing requests; the world if nobody is given.
    pub(crate) outside: Option<Arc<dyn ports::Outbound>>,
}

impl Surroundings {
    /// As it is on this machine.
    pub(crate) fn real() -> Self {
        Self { clock: Arc::new(SystemClock), guest_clock: None, outside: None }
    }
}

/// Everything that a node keeps hold of.
pub(crate) struct Assembled {
    pub(crate) engine: Arc<Engine>,
    pub(crate) key_files: KeyFiles,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) stores: Arc<Stores>,
    pub(crate) queue: Arc<store_sqlite::Queue>,
    pub(crate) blobs: Arc<store_sqlite::Blobs>,
    pub(crate) salts: store_sqlite::Salts,
    pub(crate) store: Store,
    pub(crate) executor: Arc<WasmExecutor>,
    pub(crate) children: Arc<process::ChildProcesses>,
    pub(crate) certificates: Option<Arc<tls::Certificates>>,
    pub(crate) ring: Arc<FileRing>,
    pub(crate) boot: BootId,
}

/// Opens everything in `home` and puts it together. Blocks on the disk.
pub(crate) async fn assemble(
    settings: &Settings,
    home: &Home,
    surroundings: Surroundings,
) -> Result<Assembled, Problem> {
    let Surroundings { clock, guest_clock, outside } = surroundings;
    let trial = guest_clock.is_some();
    refuse_headless(home.path())?;
    crate::backup::sweep(home.path())?;
    let ring = Arc::new(keyring::open(settings, home, clock.wall())?);
    let notary = Arc::new(notary(&ring)?);
    let store = open_store(home, &notary)?;
    keyring::check(&store, &ring).await?;
    keyring::handing::load(&store, &ring).await?;
    let boot = BootId(fastrand::u64(..));
    let derived: Arc<dyn KeyRing> = Arc::clone(&ring) as _;
    let journal = open_journal(settings, home, &derived, &clock, boot)?;
    let certificates = crate::certificates::open(settings, &derived, &clock)?;
    let children = Arc::new(process::ChildProcesses::new(own_executable()?));
    let executor = executor(settings, home, &ring, &children, (&clock, guest_clock))?;
    let artifacts = Arc::new(Files::open(home.path()).map_err(Problem::from)?);
    let queue = Arc::new(store_sqlite::Queue::open(home.path(), Arc::clone(&derived))?);
    let elsewhere = Arc::new(crate::secrets::open(&settings.secrets, &clock)?);
    let stores = open_stores(home, &derived, &store)?;
    let blobs = open_blobs(home, &derived, &store)?;
    let salts = store_sqlite::Salts::open(home.path(), Arc::clone(&derived))?;
    let interpreters = Arc::new(Machine::of(settings, &clock));
    let runner = runner(settings, &executor, &children, trial)?;
    let runtimes = native::runtimes(settings, home, (&children, &artifacts), &interpreters, runner);
    let outbound = outside.map_or_else(|| outbound(settings), Ok)?;
    let sources = crate::sources::open(settings, &clock, ring.fingerprint())?;
    let parts = Parts {
        registry: Arc::new(store.clone()),
        ledger: Arc::new(store.clone()),
        ledger_key: notary.verifier_key().clone(),
        journal: Arc::clone(&journal),
        artifacts,
        queue: Arc::clone(&queue) as _,
        executor: Arc::new(runtimes),
        keyvalue: Arc::clone(&stores) as _,
        blobs: Arc::clone(&blobs) as _,
        outbound,
        operator: operator(home)?,
        idempotency: Arc::new(store.clone()),
        policies: policies(settings)?,
        clock,
        counters: Arc::new(store_sqlite::CounterFile::new(home.path())),
        digest: digester(&ring)?,
        keys: Arc::clone(&derived),
        elsewhere,
        salts: Arc::new(salts.clone()),
    };
    let key_files =
        KeyFiles::open(&settings.issuers, &|networks| door_for_keys(settings, networks))?;
    let config = engine::Config { sources, ..engine_config(settings, &key_files, interpreters) };
    let engine = Engine::start(config, parts).await?;
    first_entries(&engine, home, (&store, &ring)).await?;
    key_files.settle().await;
    Ok(Assembled {
        engine,
        key_files,
        journal,
        stores,
        queue,
        blobs,
        salts,
        store,
        executor,
        children,
        certificates,
        ring,
        boot,
    })
}

/// What the settings say to the engine.
fn engine_config(
    settings: &Settings,
    key_files: &KeyFiles,
    interpreters: Arc<Machine>,
) -> engine::Config {
    engine::Config {
        interpreters: Some(interpreters),
        dangers: crate::jails::flags(&crate::jails::settings(settings, "node")).collect(),
        in_flight_max: settings.in_flight,
        in_flight_per_caller_max: settings.in_flight_per_caller,
        artifact_bytes_max: settings.artifact.bytes,
        grant_all: settings.dev,
        addresses: crate::settings::address_domain(settings.compat.as_ref()),
        files_bytes_max: usize::try_from(settings.assets.cache.bytes).unwrap_or(usize::MAX),
        issuers: Arc::clone(&key_files.issuers),
        client_certificates: settings
            .tls
            .as_ref()
            .is_some_and(|tls| tls.certificates.clients.is_some()),
        failures: settings.limit.failures,
        limit: settings.limit.route,
        host: engine::HostLimits {
            budget: settings.budget,
            outbound: settings.outbound.limits,
            connections: settings.outbound.connections,
            keyvalue_bytes_max: settings.keyvalue.bytes,
            blobs: settings.blobs,
        },
        data: settings.data.clone(),
        price: settings.price.clone(),
        caps: settings.caps.clone(),
        websockets: settings.websockets,
        queue: settings.queue.limits(),
        events: settings.events.limits(),
        ..engine::Config::default()
    }
}

fn open_stores(
    home: &Home,
    keyring: &Arc<dyn KeyRing>,
    store: &Store,
) -> Result<Arc<Stores>, Problem> {
    let stores = Stores::open(home.path(), Arc::clone(keyring), Arc::new(store.clone()));
    stores.map(Arc::new).map_err(Problem::from)
}

fn open_blobs(
    home: &Home,
    keyring: &Arc<dyn KeyRing>,
    store: &Store,
) -> Result<Arc<store_sqlite::Blobs>, Problem> {
    let anchors = Arc::new(store_sqlite::store::BlobAnchors(store.clone()));
    let blobs = store_sqlite::Blobs::open(home.path(), Arc::clone(keyring), anchors);
    blobs.map(Arc::new).map_err(Problem::from)
}

/// Refuses a home that was in use and whose registry is gone or empty. Taken for a new one, it
/// would begin a second ledger and forget every grant.
pub(crate) fn refuse_headless(home: &Path) -> Result<(), Problem> {
    let registry = home.join(store_sqlite::store::FILE);
    if std::fs::metadata(&registry).is_ok_and(|meta| meta.len() > 0) {
        return Ok(());
    }
    // Nothing is written there before the registry is.
    let components = home.join("artifacts/sha256");
    let used = home.join("journal").exists()
        || home.join(store_sqlite::kv::DIRECTORY).exists()
        || home.join(store_sqlite::blobs::DIRECTORY).exists()
        || std::fs::read_dir(components).is_ok_and(|mut entries| entries.next().is_some());
    if !used {
        return Ok(());
    }
    let detail = format!("{} is missing or empty, and the home was in use", registry.display());
    Err(Problem::new(Code::StoreCorrupt).detail(detail))
}

/// The way out. Its connections live on the node's own runtime.
fn outbound(settings: &Settings) -> Result<Arc<dyn ports::Outbound>, Problem> {
    let here = tokio::runtime::Handle::current();
    Ok(Arc::new(egress::Egress::open(&settings.outbound.door, here)?))
}

/// The way to the keys of one issuer: as functions go out, but to its own networks only.
fn door_for_keys(
    settings: &Settings,
    networks: &[ipnet::IpNet],
) -> Result<Arc<dyn ports::Outbound>, Problem> {
    let own = ["127.0.0.0/8", "::1/128"].into_iter().filter_map(|text| text.parse().ok());
    let own = own.filter(|_| settings.dev);
    let networks = networks.iter().copied().chain(own).collect();
    let config = egress::Config { networks, ..settings.outbound.door.clone() };
    Ok(Arc::new(egress::Egress::open(&config, tokio::runtime::Handle::current())?))
}

/// Opens the registry. On a disk so full that not even its side files find room, the journal's
/// reserve makes some: a node that died there must be able to come back.
fn open_store(home: &Home, notary: &Arc<Notary>) -> Result<Store, Problem> {
    let open = || Store::open(home.path(), Arc::clone(notary) as _);
    let opened = match open() {
        Err(store_sqlite::Error::Full) if give_back_reserve(&home.join("journal")) => open(),
        opened => opened,
    };
    opened.map_err(Problem::from)
}

/// The ledger's notary; its name is the root key's, so that two homes never share one. A rotation
/// does not change it: whoever kept the verifier's key goes on with it.
pub(crate) fn notary(ring: &FileRing) -> Result<Notary, Problem> {
    let signer = ring.signer(ring.founding(), KeyPurpose::Ledger, &[]).map_err(key_problem)?;
    Notary::new(format!("casemate/{}", ring.fingerprint()), signer)
        .map_err(|error| Problem::new(Code::Internal).internal(error))
}

/// Digests what is compared and not kept. Marks that say what came already are made with it, and
/// are kept for longer than an epoch may be the newest.
fn digester(ring: &FileRing) -> Result<keys::Digester, Problem> {
    let key = ring.hash_key(ring.founding(), KeyPurpose::Digest, &[]).map_err(key_problem)?;
    Ok(keys::digester(key))
}

/// The key that the ledger of a home is signed with.
pub(crate) fn ledger_key(ring: &FileRing) -> Result<VerifierKey, Problem> {
    Ok(notary(ring)?.verifier_key().clone())
}

#[cfg(feature = "danger-no-records")]
fn open_journal(
    _: &Settings,
    _: &Home,
    _: &Arc<dyn KeyRing>,
    _: &Arc<dyn Clock>,
    _: BootId,
) -> Result<Arc<dyn Journal>, Problem> {
    Ok(Arc::new(crate::unrecorded::Unrecorded))
}

#[cfg(not(feature = "danger-no-records"))]
fn open_journal(
    settings: &Settings,
    home: &Home,
    keyring: &Arc<dyn KeyRing>,
    clock: &Arc<dyn Clock>,
    boot: BootId,
) -> Result<Arc<dyn Journal>, Problem> {
    let mut config = JournalConfig::new(home.join("journal"));
    config.bytes_max = settings.journal.size.bytes;
    config.age_max = settings.journal.age.std();
    config.control_bytes = settings.journal.control.bytes;
    match SegmentJournal::open(config, Arc::clone(keyring), Arc::clone(clock), boot) {
        Ok(journal) => Ok(Arc::new(journal)),
        Err(error) => Err(Problem::new(Code::StoreFailed).detail("the journal").internal(error)),
    }
}

fn executor(
    settings: &Settings,
    home: &Home,
    ring: &FileRing,
    children: &Arc<process::ChildProcesses>,
    (clock, guest_clock): (&Arc<dyn Clock>, Option<Arc<dyn Clock>>),
) -> Result<Arc<WasmExecutor>, Problem> {
    let mac_key =
        ring.hash_key(ring.epoch(), KeyPurpose::Artifact, &["wasm"]).map_err(key_problem)?;
    let children = Arc::clone(children) as Arc<dyn ports::child::Children>;
    let mut workshop = wasm::Workshop::new(home.join("compiled"), mac_key, children);
    workshop.compile_limits = ChildLimits {
        memory_bytes: settings.compile.memory.bytes,
        cpu_s: settings.compile.cpu.ms.div_ceil(1000),
        wall_ms: settings.compile.wall.ms,
        output_bytes: settings.compile.output.bytes,
    };
    let mut config = wasm::Config::new(wasm::Origin::Here(workshop), Arc::clone(clock));
    config.guest_clock = guest_clock;
    config.instances = settings.wasm.instances;
    config.cache_bytes = settings.wasm.cache.bytes;
    config.wasi_03 = settings.wasm.wasi03;
    WasmExecutor::new(config).map_err(|error| Problem::new(Code::Internal).internal(error))
}

/// What runs functions: the executor itself, or children by tenant. A trial's clock is its own, and
/// stays with it.
fn runner(
    settings: &Settings,
    executor: &Arc<WasmExecutor>,
    children: &Arc<process::ChildProcesses>,
    trial: bool,
) -> Result<Arc<dyn ports::Executor>, Problem> {
    if trial || settings.wasm.isolation == Isolation::Node {
        return Ok(Arc::clone(executor) as _);
    }
    let tenants = crate::guests::tenants(settings, Arc::clone(executor), Arc::clone(children))?;
    Ok(Arc::new(tenants))
}

/// The operator's token: made once, kept in a file that only the owner of the home can read.
fn operator(home: &Home) -> Result<OperatorToken, Problem> {
    let path = home.join("operator.token");
    let minted =
        identity::token::mint().map_err(|error| Problem::new(Code::Internal).internal(error))?;
    home::write_once(&path, format!("{}\n", minted.token.expose()).as_bytes())?;
    let text = std::fs::read_to_string(&path).map_err(|error| home::bad(&path, error))?;
    OperatorToken::from_text(text.trim()).ok_or_else(|| {
        let detail = format!("{} holds no token", path.display());
        Problem::new(Code::BadHome)
            .detail(detail)
            .hint("remove the file; the next start makes a new one")
    })
}

fn policies(settings: &Settings) -> Result<Arc<Policies>, Problem> {
    let read = |path: &std::path::PathBuf| {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Problem::new(Code::BadPolicy).detail(format!("{}: {error}", path.display()))
        })?;
        Ok((path.display().to_string(), text))
    };
    let files: Vec<(String, String)> =
        settings.policies.iter().map(read).collect::<Result<_, Problem>>()?;
    Policies::new(&files).map_err(Problem::from)
}

/// The first entry of a new ledger, and those that say that a home was restored and that its root
/// key was rotated.
async fn first_entries(
    engine: &Engine,
    home: &Home,
    (store, ring): (&Store, &FileRing),
) -> Result<(), Problem> {
    if engine.ledger_head().await?.size == 0 {
        engine
            .note("casemate", Act::Genesis { version: env!("CARGO_PKG_VERSION").to_owned() })
            .await?;
    }
    let marker = home.join(crate::restore::MARKER);
    if let Some(backup) = read_digest(&marker) {
        engine.note("casemate", Act::Restored { backup }).await?;
        std::fs::remove_file(&marker).map_err(|error| home::bad(&marker, error))?;
    }
    keyring::note(engine, store, ring).await
}

fn read_digest(path: &Path) -> Option<Digest> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

fn own_executable() -> Result<std::path::PathBuf, Problem> {
    // On Linux this is the program itself, even after its file was replaced by an upgrade.
    let own = Path::new("/proc/self/exe");
    if own.exists() {
        return Ok(own.to_owned());
    }
    std::env::current_exe().map_err(|error| Problem::new(Code::Internal).internal(error))
}

fn key_problem(error: ports::keyring::Error) -> Problem {
    Problem::new(Code::Internal).internal(error)
}
