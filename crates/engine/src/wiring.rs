//! The engine and what it is made of.

use crate::assets::Chunks;
use crate::backlog::Backlog;
use crate::caps::Caps;
use crate::catalog::Catalog;
use crate::config::Config;
use crate::cut::Cut;
use crate::guard::Guard;
use crate::host::{Gathered, Lines, Tokens};
use crate::rate::Rates;
use crate::schedule::Timers;
use crate::slots::{NodeGauge, Tally};
use crate::source::Standing;
use crate::sweep::InUse;
use crate::upload::Receipts;
use crate::websocket::Rooms;
use arc_swap::ArcSwap;
use identity::certificate::Certificates;
use identity::{Credentials, OperatorToken};
use model::{Code, Problem};
use policy::Policies;
use ports::elsewhere::Elsewhere;
use ports::idempotency::{Idempotency, Kept};
use ports::{
    Artifacts, Blobs, Clock, Counters, Executor, Journal, KeyRing, KeyValue, Ledger, Outbound,
    Queue, Registry, Salts,
};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use tokio::runtime::Handle;

/// Digests the arguments of host calls with a key, so that records can be compared and not guessed.
pub type Digester = Box<dyn Fn(&[u8]) -> [u8; 16] + Send + Sync>;

/// What the engine is built from. `node` fills it with adapters, tests with memory versions.
pub struct Parts {
    /// What is deployed, granted and issued.
    pub registry: Arc<dyn Registry>,
    /// The log of control-plane acts.
    pub ledger: Arc<dyn Ledger>,
    /// The ledger's name and public key.
    pub ledger_key: audit::VerifierKey,
    /// The flight recorder.
    pub journal: Arc<dyn Journal>,
    /// Key-value stores.
    pub keyvalue: Arc<dyn KeyValue>,
    /// Blobs.
    pub blobs: Arc<dyn Blobs>,
    /// Calls that run later.
    pub queue: Arc<dyn Queue>,
    /// The way out.
    pub outbound: Arc<dyn Outbound>,
    /// Components.
    pub artifacts: Arc<dyn Artifacts>,
    /// Runs functions.
    pub executor: Arc<dyn Executor>,
    /// The one credential of the admin API.
    pub operator: OperatorToken,
    /// Answers to writes that may be sent twice.
    pub idempotency: Arc<dyn Idempotency>,
    /// Decides.
    pub policies: Arc<Policies>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Keeps what was used today.
    pub counters: Arc<dyn Counters>,
    /// Digests arguments.
    pub digest: Digester,
    /// Seals secrets.
    pub keys: Arc<dyn KeyRing>,
    /// Secrets that the operator keeps elsewhere.
    pub elsewhere: Arc<dyn Elsewhere>,
    /// Salts of subjects whose values can be erased.
    pub salts: Arc<dyn Salts>,
}

/// The engine of a node.
pub struct Engine {
    pub(crate) config: Config,
    pub(crate) parts: Arc<Parts>,
    pub(crate) catalog: ArcSwap<Catalog>,
    pub(crate) gauge: Arc<NodeGauge>,
    pub(crate) callers: Arc<Tally>,
    /// Files of applications.
    pub(crate) chunks: Arc<Chunks>,
    /// What callers owe to the limits of routes.
    pub(crate) rates: Rates,
    /// What is used of what may be used.
    pub(crate) caps: Caps,
    /// What slows guessing.
    pub(crate) guard: Guard,
    /// Signatures that were used.
    pub(crate) signatures: identity::sigv4::Seen,
    /// WebSockets that are open.
    pub(crate) sockets: Rooms,
    /// Names that client certificates have.
    pub(crate) certificates: Certificates,
    /// What the workers of the queue have in hand.
    pub(crate) backlog: Backlog,
    /// What follows the schedules.
    pub(crate) timers: Timers,
    /// What is pulled from.
    pub(crate) sources: Box<[Arc<Standing>]>,
    /// Uploads that were delivered a while ago.
    pub(crate) receipts: Receipts,
    /// One act at a time, so that the catalog follows the registry in order.
    pub(crate) acts: tokio::sync::Mutex<()>,
    draining: AtomicBool,
    cut: OnceLock<Cut>,
    pub(crate) in_use: InUse,
    /// Bodies that are signed or changed.
    pub(crate) gathered: Gathered,
    /// The rules by which sensitive values are found, once somebody wants to find some.
    pub(crate) detector: OnceLock<Result<Arc<protect::detect::Detector>, Problem>>,
    /// Tokens that were fetched with secrets.
    pub(crate) tokens: Tokens,
    /// Connections of functions.
    pub(crate) lines: Lines,
    /// For what is seen through, whatever becomes of who asked for it.
    pub(crate) me: Weak<Self>,
    /// The node's own runtime: that of a listener may end with it.
    pub(crate) runtime: Handle,
}

impl Engine {
    /// Reads the registry and becomes ready to serve it. Acts are seen through on the runtime that
    /// this is called in.
    ///
    /// # Errors
    /// What the registry says, or a policy that does not fit.
    pub async fn start(config: Config, parts: Parts) -> Result<Arc<Self>, Problem> {
        let states = parts.registry.load().await.map_err(Problem::from)?;
        let catalog = Catalog::new(states, &parts.policies)?;
        warn_of_strangers(&catalog, &config);
        let engine = Arc::new_cyclic(|me| Self {
            gauge: Arc::new(NodeGauge::new(config.in_flight_max)),
            callers: Arc::new(Tally::new(config.in_flight_per_caller_max)),
            chunks: Arc::new(Chunks::new(Arc::clone(&parts.artifacts), config.files_bytes_max)),
            rates: Rates::new(),
            caps: Caps::new(config.caps.clone(), config.price.clone()),
            guard: Guard::new(config.failures),
            signatures: identity::sigv4::Seen::default(),
            sockets: Rooms::new(config.websockets),
            certificates: Certificates::default(),
            backlog: Backlog::default(),
            timers: Timers::default(),
            sources: Standing::all(&config.sources),
            receipts: Receipts::default(),
            config,
            parts: Arc::new(parts),
            catalog: ArcSwap::from_pointee(catalog),
            acts: tokio::sync::Mutex::new(()),
            draining: AtomicBool::new(false),
            cut: OnceLock::new(),
            in_use: InUse::default(),
            gathered: Gathered::default(),
            detector: OnceLock::new(),
            tokens: Tokens::default(),
            lines: Lines::default(),
            me: Weak::clone(me),
            runtime: Handle::current(),
        });
        engine.resume_caps().await?;
        Ok(engine)
    }

    /// Makes every active component runnable, one after the other. A component that cannot be
    /// made so is reported and tried again when it is called.
    pub async fn warm(&self) {
        let catalog = self.catalog.load_full();
        for readiness in catalog.components() {
            if let Err(problem) = self.make_ready(readiness).await {
                tracing::warn!(%problem, internal = problem.internal, "a component is not runnable");
            }
        }
        self.open_shelves().await;
        self.parts.executor.expect(&self.catalog.load().native_units());
    }

    /// Refuses new invocations from now on.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether new invocations are refused.
    #[must_use]
    pub fn draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Says that what is under way is about to be dropped, and why; the first reason counts.
    pub fn cut(&self, cut: Cut) {
        let _the_first_counts = self.cut.set(cut);
    }

    /// Why what is under way is dropped, if the node does it.
    pub(crate) fn cut_by(&self) -> Option<Cut> {
        self.cut.get().copied()
    }

    /// Whether these `authorization` values are the operator's.
    pub fn is_operator<'a>(&self, authorization: impl IntoIterator<Item = &'a [u8]>) -> bool {
        self.parts.operator.verify(&Credentials::from_authorization(authorization))
    }

    /// The answer that was kept for a write, if it was done already.
    ///
    /// # Errors
    /// The store failed.
    pub async fn recall(&self, key: &str) -> Result<Option<Kept>, Problem> {
        let recalled = self.parts.idempotency.recall(key, self.parts.clock.wall()).await;
        recalled.map_err(|why| Problem::new(Code::StoreFailed).internal(why))
    }

    /// Keeps the answer to a write.
    ///
    /// # Errors
    /// The store failed.
    pub async fn keep(&self, key: &str, answer: Kept) -> Result<(), Problem> {
        let kept = self.parts.idempotency.keep(key, answer, self.parts.clock.wall()).await;
        kept.map_err(|why| Problem::new(Code::StoreFailed).internal(why))
    }

    pub(crate) fn not_draining(&self) -> Result<(), Problem> {
        if self.draining() { Err(Code::Draining.into()) } else { Ok(()) }
    }
}

/// A node that no longer knows an issuer keeps the routes that take its tokens, and says so.
fn warn_of_strangers(catalog: &Catalog, config: &Config) {
    let functions = catalog.views().flat_map(|(_, view)| view.functions.values());
    for function in functions {
        for issuer in function.row.spec.http.iter().flat_map(|http| http.auth.issuers()) {
            if config.issuers.config(issuer).is_none() {
                let function = function.reference();
                tracing::warn!(%function, %issuer, "a route takes tokens of an issuer that the configuration does not name; none will be valid");
            }
        }
        let certificates = function.row.spec.http.iter().any(|http| http.auth.takes_certificates());
        if certificates && !config.client_certificates {
            let function = function.reference();
            tracing::warn!(%function, "a route takes client certificates, and the configuration names no authority of them; nobody will have one");
        }
    }
}
