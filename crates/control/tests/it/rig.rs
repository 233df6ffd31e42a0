//! An admin API over memory versions of the ports.

use axum::body::Body;
use axum::http::{Request, Response, header};
use bytes::Bytes;
use casemate_control::{Control, Operations, Pending, Pieces, With};
use engine::{Engine, Parts};
use http_body_util::BodyExt as _;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use identity::OperatorToken;
use model::api::{
    Finding, KeyExportRequest, KeyExported, KeyImportRequest, KeyImported, KeyPublic, KeyRetired,
    KeyRewrap, KeyRotated, Keys, Node,
};
use model::{Problem, Scope, Secret, Timestamp};
use policy::Policies;
use ports::executor::{PrepareError, Program, Run, Running};
use ports::memory::{Artifacts, Forgetful, Journal, Queue, Registry};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use testkit::registry::PlainNotary;

/// The API and its operator.
pub(crate) struct Rig {
    router: axum::Router,
    token: String,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) media_type: String,
    pub(crate) body: Bytes,
}

impl Rig {
    pub(crate) async fn new() -> Self {
        let (operator, minted) = OperatorToken::mint().expect("random bytes");
        let registry = Arc::new(Registry::new(Arc::new(PlainNotary), engine::sha256));
        let parts = Parts {
            registry: Arc::clone(&registry) as _,
            ledger: registry,
            ledger_key: audit::VerifierKey::new("test", [7; 32]).expect("a key's name"),
            journal: Arc::new(Journal::default()),
            artifacts: Arc::new(Artifacts::new(engine::sha256)),
            executor: Arc::new(Nothing),
            keyvalue: Arc::new(ports::memory::KeyValue::default()),
            blobs: Arc::new(ports::memory::Blobs::default()),
            outbound: Arc::new(Nothing),
            elsewhere: Arc::new(ports::elsewhere::Nowhere),
            salts: Arc::new(ports::memory::Salts::default()),
            queue: Arc::new(Queue::default()),
            operator,
            idempotency: Arc::new(Forgetful),
            policies: Policies::new(&[]).expect("no policies"),
            clock: Arc::new(Nothing),
            counters: Arc::new(ports::memory::Counters::default()),
            digest: Box::new(|_| [0; 16]),
            keys: Arc::new(keys::FileRing::from_root([7; 32]).expect("a ring")),
        };
        let engine = Engine::start(engine::Config::default(), parts).await.expect("an engine");
        let control =
            Control { engine, operations: Arc::new(Nothing), artifact_bytes_max: 1 << 20 };
        Self { router: control.build().into_router(), token: minted.token.expose().clone() }
    }

    /// Sends a request as the operator.
    pub(crate) async fn operator(&self, method: &str, path: &str) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        self.send(Request::builder().header(header::AUTHORIZATION, bearer), method, path).await
    }

    /// Sends a request as nobody.
    pub(crate) async fn stranger(&self, method: &str, path: &str) -> Answer {
        self.send(Request::builder(), method, path).await
    }

    async fn send(&self, request: http::request::Builder, method: &str, path: &str) -> Answer {
        let request = request.method(method.to_uppercase().as_str()).uri(path).body(Body::empty());
        let service = TowerToHyperService::new(self.router.clone());
        let response: Response<Body> =
            service.call(request.expect("a request")).await.expect("never fails");
        let media_type = response.headers().get(header::CONTENT_TYPE);
        let media_type = media_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
        Answer {
            status: response.status().as_u16(),
            media_type: media_type.to_owned(),
            body: response.into_body().collect().await.expect("a body").to_bytes(),
        }
    }
}

impl Answer {
    /// The problem's code; empty if it is no problem.
    pub(crate) fn code(&self) -> String {
        let body = serde_json::from_slice::<model::problem::Body>(&self.body);
        body.map(|body| body.code).unwrap_or_default()
    }
}

/// Does nothing: these tests ask which operation answers, not what it does.
struct Nothing;

impl ports::Executor for Nothing {
    fn prepare(&self, _: Program, _: Bytes) -> ports::Future<'_, Result<(), PrepareError>> {
        Box::pin(async { Ok(()) })
    }

    fn ready(&self, _: Program) -> ports::Future<'_, Result<bool, PrepareError>> {
        Box::pin(async { Ok(true) })
    }

    fn run(&self, _: Run) -> Pin<Box<dyn Running>> {
        unreachable!("nothing is deployed")
    }
}

impl ports::Outbound for Nothing {
    fn send(
        &self,
        _: ports::outbound::Outgoing,
    ) -> ports::Future<'static, Result<Response<ports::host::Body>, ports::outbound::Error>> {
        let failure = ports::outbound::Failure::Refused;
        Box::pin(async move { Err(ports::outbound::Error { failure, detail: String::new() }) })
    }

    fn connect(
        &self,
        _: ports::outbound::Connecting,
    ) -> ports::Future<'static, Result<ports::outbound::Connection, ports::outbound::Error>> {
        let failure = ports::outbound::Failure::Refused;
        Box::pin(async move { Err(ports::outbound::Error { failure, detail: String::new() }) })
    }
}

impl ports::Clock for Nothing {
    fn wall(&self) -> Timestamp {
        Timestamp(1_700_000_000_000_000)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(1)
    }
}

impl Operations for Nothing {
    fn describe(&self) -> Node {
        Node {
            version: String::new(),
            gateway: String::new(),
            started: Timestamp(0),
            layers: Vec::new(),
            dangers: Vec::new(),
            handshakes_failed: Default::default(),
        }
    }

    fn doctor(&self) -> Pending<'_, Vec<Finding>> {
        Box::pin(async { Vec::new() })
    }

    fn backup(&self, _: With) -> Pending<'_, Result<Pieces, Problem>> {
        Box::pin(async { Ok(Box::pin(futures_util::stream::empty()) as Pieces) })
    }

    fn keys(&self) -> Pending<'_, Result<Keys, Problem>> {
        let (items, uncounted) = (Vec::new(), Vec::new());
        let keys = Keys {
            sealed: None,
            newest: 1,
            founding: 1,
            items,
            uncounted,
            rewrap: None,
            handed: Vec::new(),
        };
        Box::pin(async { Ok(keys) })
    }

    fn rotate_key<'a>(&'a self, _: &'a str, from: u32) -> Pending<'a, Result<KeyRotated, Problem>> {
        let rotated = KeyRotated { epoch: from + 1, fingerprint: String::new(), leaf: None };
        Box::pin(async { Ok(rotated) })
    }

    fn rewrap_keys<'a>(&'a self, _: &'a str) -> Pending<'a, Result<KeyRewrap, Problem>> {
        let began = Timestamp(0);
        let rewrap = KeyRewrap { epoch: 1, running: true, began, ended: None, moved: 0, left: 0 };
        Box::pin(async { Ok(rewrap) })
    }

    fn rewrap(&self) -> Option<KeyRewrap> {
        None
    }

    fn retire_key<'a>(
        &'a self,
        _: &'a str,
        epoch: u32,
    ) -> Pending<'a, Result<KeyRetired, Problem>> {
        Box::pin(async move { Ok(KeyRetired { epoch, fingerprint: String::new(), leaf: 0 }) })
    }

    fn public_key(&self, scope: &Scope) -> Result<KeyPublic, Problem> {
        Ok(KeyPublic { key: scope.to_string(), fingerprint: String::new() })
    }

    fn export_keys<'a>(
        &'a self,
        _: &'a str,
        _: &'a Scope,
        request: KeyExportRequest,
    ) -> Pending<'a, Result<KeyExported, Problem>> {
        Box::pin(async move { Ok(KeyExported { leaf: 0, file: request.to }) })
    }

    fn import_keys<'a>(
        &'a self,
        _: &'a str,
        _: &'a Scope,
        _: KeyImportRequest,
    ) -> Pending<'a, Result<KeyImported, Problem>> {
        Box::pin(async move { Ok(KeyImported { leaf: None, keys: Vec::new() }) })
    }

    fn copy_key<'a>(
        &'a self,
        _: &'a str,
        passphrase: Option<Secret<Vec<u8>>>,
    ) -> Pending<'a, Result<Secret<Vec<u8>>, Problem>> {
        let text = if passphrase.is_some() { "sealed" } else { "plain" };
        Box::pin(async { Ok(Secret::new(text.as_bytes().to_vec())) })
    }
}
