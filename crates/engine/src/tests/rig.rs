//! An engine with everything around it in memory.

use super::hangups::Slow;
use crate::{Config, Engine, Inbound, Parts, Refusal, ReplyBody, RequestBody};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use model::act::Act;
use model::api::{DeployRequest, TokenRequest};
use model::wire::v1::{Entry, LogLine, Record};
use model::{Code, Digest, Grant, Manifest, Scope, TokenName};
use policy::Policies;
use ports::memory;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use testkit::clock::FakeClock;
use testkit::executor::{Scripted, Step};

pub(super) struct Rig {
    pub(super) engine: Arc<Engine>,
    pub(super) journal: Arc<memory::journal::Journal>,
    pub(super) executor: Arc<Scripted>,
    pub(super) artifacts: Arc<memory::artifacts::Artifacts>,
    pub(super) clock: Arc<FakeClock>,
    pub(super) queue: Arc<memory::Queue>,
    pub(super) counters: Arc<memory::Counters>,
    /// Whether the registry takes its time.
    pub(super) slow: Arc<AtomicBool>,
    /// What is outside.
    pub(super) outside: Arc<testkit::outbound::Scripted>,
    pub(super) operator: String,
}

/// What the component of every test function is.
pub(super) const COMPONENT: &[u8] = b"component";

pub(super) fn answer() -> Vec<Step> {
    vec![Step::Head(http::StatusCode::OK), Step::Frame(b"hello"), Step::End]
}

pub(super) async fn rig(
    script: impl Fn(&http::Request<()>) -> Vec<Step> + Send + Sync + 'static,
) -> Rig {
    rig_with(Config::default(), &[], script).await
}

pub(super) async fn rig_with(
    config: Config,
    policies: &[(String, String)],
    script: impl Fn(&http::Request<()>) -> Vec<Step> + Send + Sync + 'static,
) -> Rig {
    let outside = testkit::outbound::Scripted::new(|_| Ok((200, b"from outside".to_vec())));
    rig_to(outside, config, policies, script).await
}

pub(super) async fn rig_to(
    outside: Arc<testkit::outbound::Scripted>,
    config: Config,
    policies: &[(String, String)],
    script: impl Fn(&http::Request<()>) -> Vec<Step> + Send + Sync + 'static,
) -> Rig {
    let executor = Arc::new(Scripted::new(script));
    let runner = runner(&executor);
    rig_over(outside, config, policies, executor, runner).await
}

/// A rig whose functions `runner` runs.
pub(super) async fn rig_over(
    outside: Arc<testkit::outbound::Scripted>,
    config: Config,
    policies: &[(String, String)],
    executor: Arc<Scripted>,
    runner: Arc<dyn ports::Executor>,
) -> Rig {
    let ring = keys::FileRing::from_root([7; 32]).expect("a ring");
    let signer = ports::KeyRing::signer(
        &ring,
        ports::KeyRing::epoch(&ring),
        model::key::KeyPurpose::Ledger,
        &[],
    );
    let notary =
        audit::Notary::new("test".to_owned(), signer.expect("a signer")).expect("a notary");
    let ledger_key = notary.verifier_key().clone();
    let registry = Arc::new(memory::registry::Registry::new(Arc::new(notary), audit::digest));
    let journal = Arc::new(memory::journal::Journal::default());
    let artifacts = Arc::new(memory::artifacts::Artifacts::new(audit::digest));
    let clock = Arc::new(FakeClock::at(1_800_000_000_000_000));
    let (operator, minted) = identity::OperatorToken::mint().expect("random bytes");
    let queue = Arc::new(memory::Queue::default());
    let counters = Arc::new(memory::Counters::default());
    let slow = Arc::new(AtomicBool::new(false));
    let parts = Parts {
        registry: Arc::new(Slow { registry: Arc::clone(&registry), slow: Arc::clone(&slow) }),
        ledger: registry,
        ledger_key,
        journal: Arc::clone(&journal) as _,
        artifacts: Arc::clone(&artifacts) as _,
        keyvalue: Arc::new(memory::KeyValue::default()),
        blobs: Arc::new(memory::Blobs::default()),
        queue: Arc::clone(&queue) as _,
        outbound: Arc::new(testkit::outbound::Shared(Arc::clone(&outside))),
        executor: runner,
        operator,
        idempotency: Arc::new(memory::Forgetful),
        policies: Policies::new(policies).expect("policies"),
        clock: Arc::clone(&clock) as _,
        counters: Arc::clone(&counters) as _,
        digest: Box::new(|bytes| std::array::from_fn(|at| audit::digest(bytes).0[at])),
        keys: Arc::new(ring),
        elsewhere: Arc::new(ports::elsewhere::Nowhere),
        salts: Arc::new(memory::Salts::default()),
    };
    let engine = Engine::start(config, parts).await.expect("starts");
    engine
        .note("casemate", Act::Genesis { version: "0".to_owned() })
        .await
        .expect("the first entry");
    Rig {
        engine,
        journal,
        executor,
        artifacts,
        clock,
        queue,
        counters,
        slow,
        outside,
        operator: minted.token.expose().clone(),
    }
}

/// The guests themselves, or guests beyond the process seam: what holds for the host has to hold
/// across it, too. `cargo xtask test` runs these tests both ways.
#[expect(clippy::disallowed_methods, reason = "how the tests are run is said in the environment")]
pub(super) fn beyond_the_seam() -> bool {
    std::env::var("CASEMATE_ISOLATION").as_deref() == Ok("tenant")
}

fn runner(executor: &Arc<Scripted>) -> Arc<dyn ports::Executor> {
    if !beyond_the_seam() {
        return Arc::clone(executor) as _;
    }
    let children = Arc::new(seam::tasks::Tasks::new(Arc::clone(executor) as _));
    let options = seam::Options::new(String::new());
    let runtime = tokio::runtime::Handle::current();
    Arc::new(seam::Tenants::new(Arc::clone(executor), children, options, runtime))
}

pub(super) fn manifest(application: &str, functions: &str, artifact: Digest) -> Manifest {
    let text =
        format!(r#"{{"manifest":1,"application":"{application}","function":[{functions}]}}"#);
    let mut manifest: Manifest = serde_json::from_str(&text).expect(&text);
    for function in &mut manifest.functions {
        function.digest = Some(artifact);
    }
    manifest
}

impl Rig {
    /// Deploys functions from the JSON of their specs.
    pub(super) async fn deploy(&self, functions: &str) -> Result<model::api::Deployed, Code> {
        self.deploy_as("shop", functions, false).await
    }

    pub(super) async fn deploy_as(
        &self,
        application: &str,
        functions: &str,
        grant: bool,
    ) -> Result<model::api::Deployed, Code> {
        let artifact = audit::digest(COMPONENT);
        self.engine.put_artifact(artifact, Bytes::from_static(COMPONENT)).await.expect("kept");
        let request = DeployRequest { manifest: manifest(application, functions, artifact), grant };
        self.engine
            .deploy(&Scope::default(), "operator", request, None)
            .await
            .map_err(|problem| problem.code)
    }

    pub(super) async fn token(&self, name: &str, invoke: &[&str]) -> String {
        let request = TokenRequest {
            name: TokenName::parse(name).expect(name),
            invoke: invoke.iter().map(|function| function.parse().expect(function)).collect(),
            expires_in: Some(model::unit::Duration::seconds(60)),
            aws: false,
            manage: false,
        };
        let created = self.engine.create_token(&Scope::default(), "operator", request).await;
        created.expect("made").token.expect("a token")
    }

    pub(super) async fn grant(&self, who: &str, action: &str, what: &str) {
        let grant = Grant::parse(who, action, what).expect(what);
        self.engine.grant(&Scope::default(), "operator", grant).await.expect("granted");
    }

    pub(super) async fn send(
        &self,
        request: http::Request<RequestBody>,
    ) -> Result<http::Response<ReplyBody>, Refusal> {
        self.engine.invoke(Inbound::plain(request, IpAddr::V4(Ipv4Addr::LOCALHOST))).await
    }

    /// Sends a GET; gives the status and the body, or the code of the refusal.
    pub(super) async fn call(
        &self,
        path: &str,
        token: Option<&str>,
    ) -> Result<(u16, String), Code> {
        let response = self.send(get(path, token)).await.map_err(|refusal| refusal.problem.code)?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.expect("a whole body").to_bytes();
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    }

    pub(super) fn records(&self) -> Vec<Record> {
        let entries = self.journal.entries().into_iter();
        entries
            .filter_map(|entry| if let Entry::End(record) = entry { Some(*record) } else { None })
            .collect()
    }

    pub(super) fn lines(&self) -> Vec<LogLine> {
        let entries = self.journal.entries().into_iter();
        entries
            .filter_map(|entry| if let Entry::Log(line) = entry { Some(line) } else { None })
            .collect()
    }
}

pub(super) fn get(path: &str, token: Option<&str>) -> http::Request<RequestBody> {
    with_body("GET", path, token, b"")
}

pub(super) fn with_body(
    method: &str,
    path: &str,
    token: Option<&str>,
    body: &'static [u8],
) -> http::Request<RequestBody> {
    let mut request = http::Request::builder().method(method).uri(path).header("host", "localhost");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    request
        .body(Full::new(Bytes::from_static(body)).map_err(|never| match never {}).boxed_unsync())
        .expect(path)
}
