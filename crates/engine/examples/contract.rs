//! What a data contract adds to a call, on one core, with a guest that only answers:
//! `cargo run --release -p casemate-engine --example contract`.

#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "it measures and prints")]

use bytes::Bytes;
use casemate_engine::{Config, Engine, Inbound, Parts};
use http_body_util::{BodyExt as _, Full};
use model::Scope;
use model::api::{DeployRequest, TokenRequest};
use policy::Policies;
use ports::memory;
use std::error::Error;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use testkit::clock::FakeClock;
use testkit::executor::{Scripted, Step};

const CALLS: u32 = 5_000;
const CONTRACT: &str = r#","data":{"in":[
    {"at":"body:/card/number","class":"pan","transform":"card","keep_first":6,"keep_last":4},
    {"at":"body:/name","class":"name","transform":"token"},
    {"at":"body:/email","class":"email","transform":"token"},
    {"at":"body:/phone","class":"phone","transform":"token"},
    {"at":"body:/address","class":"address","transform":"token"}]}"#;
const ORDER: &str = r#"{"card":{"number":"4111111111111111"},"name":"Ada Lovelace","email":"ada@example.com","phone":"+44 20 7946 0958","address":"12 St James's Square","items":["#;

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run())
}

async fn run() -> Result<(), Failure> {
    let engine = engine().await?;
    let token = deploy(&engine).await?;
    let items = r#"{"sku":"A-1002","count":2,"price":19.90},"#.repeat(43);
    let document = format!("{ORDER}{items}0]}}");
    println!("a document of {} bytes, in microseconds for a call:", document.len());
    let mut best = [Duration::MAX; 2];
    for _ in 0..5 {
        for (slot, path) in best.iter_mut().zip(["/plain", "/protected"]) {
            *slot = (*slot).min(measure(&engine, path, &token, &document).await?);
        }
    }
    let [plain, with] = best.map(|it| it.as_secs_f64() * 1e6);
    println!("without a contract {plain:.1}, with one {with:.1}: it adds {:.1}", with - plain);
    Ok(())
}

async fn measure(
    engine: &Arc<Engine>,
    path: &str,
    token: &str,
    document: &str,
) -> Result<Duration, Failure> {
    let began = Instant::now();
    for _ in 0..CALLS {
        let body = Full::new(Bytes::from(document.to_owned())).map_err(|never| match never {});
        let request = http::Request::post(path)
            .header("host", "localhost")
            .header("authorization", token)
            .header("content-type", "application/json")
            .body(body.boxed_unsync())?;
        let inbound = Inbound::plain(request, IpAddr::V4(Ipv4Addr::LOCALHOST));
        let response = engine.invoke(inbound).await.map_err(|refusal| refusal.problem)?;
        response.into_body().collect().await?;
    }
    Ok(began.elapsed() / CALLS)
}

async fn deploy(engine: &Arc<Engine>) -> Result<String, Failure> {
    let component = Bytes::from_static(b"component");
    let digest = audit::digest(&component);
    engine.put_artifact(digest, component).await?;
    let function = |name: &str, data: &str| {
        let route = format!(r#""http":[{{"route":"POST /{name}"}}]"#);
        format!(r#"{{"name":"{name}","digest":"{digest}",{route}{data}}}"#)
    };
    let both = [function("plain", ""), function("protected", CONTRACT)].join(",");
    let text = format!(r#"{{"manifest":1,"application":"a","function":[{both}]}}"#);
    let request = DeployRequest { manifest: serde_json::from_str(&text)?, grant: true };
    engine.deploy(&Scope::default(), "operator", request, None).await?;
    let request = TokenRequest {
        name: "t".parse()?,
        invoke: vec!["plain".parse()?, "protected".parse()?],
        expires_in: None,
        aws: false,
        manage: false,
    };
    let created = engine.create_token(&Scope::default(), "operator", request).await?;
    Ok(format!("Bearer {}", created.token.ok_or("no token")?))
}

async fn engine() -> Result<Arc<Engine>, Failure> {
    let ring = keys::FileRing::from_root([7; 32])?;
    let epoch = ports::KeyRing::epoch(&ring);
    let signer = ports::KeyRing::signer(&ring, epoch, model::key::KeyPurpose::Ledger, &[])?;
    let notary = audit::Notary::new("test".to_owned(), signer)?;
    let ledger_key = notary.verifier_key().clone();
    let registry = Arc::new(memory::registry::Registry::new(Arc::new(notary), audit::digest));
    let executor = Scripted::new(|_| {
        vec![Step::Head(http::StatusCode::OK), Step::Frame(b"thank you for your order"), Step::End]
    });
    let outside = testkit::outbound::Scripted::new(|_| Ok((200, Vec::new())));
    let (operator, _) = identity::OperatorToken::mint()?;
    let parts = Parts {
        registry: Arc::clone(&registry) as _,
        ledger: registry,
        ledger_key,
        journal: Arc::new(memory::journal::Journal::default()),
        artifacts: Arc::new(memory::artifacts::Artifacts::new(audit::digest)),
        keyvalue: Arc::new(memory::KeyValue::default()),
        blobs: Arc::new(memory::Blobs::default()),
        queue: Arc::new(memory::Queue::default()),
        outbound: Arc::new(testkit::outbound::Shared(outside)),
        executor: Arc::new(executor),
        operator,
        idempotency: Arc::new(memory::Forgetful),
        policies: Policies::new(&[])?,
        clock: Arc::new(FakeClock::at(1_800_000_000_000_000)),
        counters: Arc::new(memory::Counters::default()),
        digest: Box::new(|bytes| {
            let digest = audit::digest(bytes).0;
            std::array::from_fn(|at| digest[at])
        }),
        keys: Arc::new(ring),
        elsewhere: Arc::new(ports::elsewhere::Nowhere),
        salts: Arc::new(memory::Salts::default()),
    };
    Ok(Engine::start(Config::default(), parts).await?)
}
