//! What the engine is told at its start.

use crate::publish::Events;
use crate::source::Source;
use crate::websocket::WebSockets;
use identity::jwt::Issuers;
use model::limit::Ceiling;
use model::manifest::RateLimit;
use model::{Budget, Scope};
use ports::outbound;
use ports::queue::Quota;
use std::sync::Arc;

/// Settings of the engine.
#[derive(Debug, Clone)]
pub struct Config {
    /// Invocations under way on this node; above, callers get 503 and `Retry-After`.
    pub in_flight_max: usize,
    /// Invocations under way for one caller: a token, or an address where there is none.
    pub in_flight_per_caller_max: usize,
    /// The largest limits that a manifest may ask for.
    pub ceiling: Ceiling,
    /// Most bytes of one component.
    pub artifact_bytes_max: u64,
    /// Most bytes of files that are kept in memory.
    pub files_bytes_max: usize,
    /// Whose functions answer requests that name no host of their own.
    pub scope: Scope,
    /// The domain below which addresses of functions are. Whose routes are for it makes no difference.
    pub addresses: String,
    /// Grant whatever a manifest asks for, as `up --dev` does.
    pub grant_all: bool,
    /// The issuers whose tokens are taken.
    pub issuers: Arc<Issuers>,
    /// Whether the node verifies client certificates.
    pub client_certificates: bool,
    /// Credentials that are not valid, from one address and for one token.
    pub failures: RateLimit,
    /// The limit of routes that name none.
    pub limit: Option<RateLimit>,
    /// What functions may use of the host.
    pub host: HostLimits,
    /// What a unit of cost is worth, if the operator says so.
    pub price: Option<model::api::Price>,
    /// What may be used at most in so long, whatever manifests say.
    pub caps: Vec<model::cap::CapRule>,
    /// Most WebSockets at a time.
    pub websockets: WebSockets,
    /// What may wait in the queue, and how it is worked off.
    pub queue: QueueLimits,
    /// What is looked for where data leaves functions, whatever manifests say.
    pub data: crate::data::DataDefaults,
    /// What holds for events.
    pub events: Events,
    /// What is pulled from.
    pub sources: Vec<Arc<Source>>,
    /// The operator's flags by which native functions do without a layer of their jails.
    pub dangers: Vec<String>,
    /// What interprets native functions, on a node that looks for it.
    pub interpreters: Option<Arc<dyn ports::Interpreters>>,
}

/// What may wait in the queue, and how it is worked off.
#[derive(Debug, Clone, Copy)]
pub struct QueueLimits {
    /// What one function may have in the queue, dead letters among it.
    pub quota: Quota,
    /// Most bytes of one call's body; a function's `request_body` may be less.
    pub body_bytes_max: u64,
    /// How often a call is tried before it is a dead letter.
    pub attempts: u32,
}

impl Default for QueueLimits {
    fn default() -> Self {
        Self {
            quota: Quota { messages: 100_000, bytes: 1 << 30 },
            body_bytes_max: 1 << 20,
            attempts: 3,
        }
    }
}

/// What functions may use of the host.
#[derive(Debug, Clone, Copy)]
pub struct HostLimits {
    /// What a request and everything that it causes may spend together.
    pub budget: Budget,
    /// What one outgoing request may use.
    pub outbound: outbound::Limits,
    /// What one connection may use.
    pub connections: outbound::ConnectLimits,
    /// Most bytes of one key-value store.
    pub keyvalue_bytes_max: u64,
    /// What one container of blobs may hold.
    pub blobs: ports::blobs::Quota,
}

impl Default for HostLimits {
    fn default() -> Self {
        Self {
            budget: Budget::default(),
            outbound: outbound::Limits::DEFAULT,
            connections: outbound::ConnectLimits::DEFAULT,
            keyvalue_bytes_max: 1 << 30,
            blobs: ports::blobs::Quota { bytes_max: 10 << 30, objects_max: 1_000_000 },
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            in_flight_max: 2048,
            in_flight_per_caller_max: 1024,
            ceiling: Ceiling::DEFAULT,
            artifact_bytes_max: 256 << 20,
            files_bytes_max: 64 << 20,
            scope: Scope::default(),
            addresses: "localhost".to_owned(),
            grant_all: false,
            issuers: Arc::default(),
            client_certificates: false,
            failures: crate::guard::FAILURES,
            limit: None,
            host: HostLimits::default(),
            price: None,
            caps: Vec::new(),
            websockets: WebSockets::default(),
            queue: QueueLimits::default(),
            events: Events::default(),
            sources: Vec::new(),
            interpreters: None,
            dangers: Vec::new(),
            data: crate::data::DataDefaults::default(),
        }
    }
}
