//! Keys that are fetched, with a source that does what the test says and a clock that it moves.

use super::bell::EVERY;
use super::*;
use crate::settings::{Fetched, Place};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt, Full};
use identity::jwt::Algorithm;
use parking_lot::Mutex;
use ports::host::HostError;
use ports::outbound::{Error, Failure, Outgoing};
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::time::{advance, sleep};

/// What a source answers: a status, a field `cache-control`, and a body; or nothing.
type Said = Option<(u16, &'static str, String)>;

/// A source of keys.
#[derive(Clone, Default)]
struct Source(Arc<Inner>);

#[derive(Default)]
struct Inner {
    says: Mutex<Said>,
    asked: AtomicUsize,
    /// How long it takes to answer.
    takes: Mutex<Duration>,
}

impl std::ops::Deref for Source {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Outbound for Source {
    fn send(
        &self,
        _: Outgoing,
    ) -> ports::Future<'static, Result<Response<ports::host::Body>, Error>> {
        let source = self.clone();
        Box::pin(async move {
            source.asked.fetch_add(1, Ordering::SeqCst);
            let takes = *source.takes.lock();
            sleep(takes).await;
            let said = source.says.lock().clone();
            let down = Error { failure: Failure::Refused, detail: "it is down".to_owned() };
            let (status, cache, body) = said.ok_or(down)?;
            let body =
                Full::new(Bytes::from(body)).map_err(|never| -> HostError { match never {} });
            let response = Response::builder().status(status).header("cache-control", cache);
            Ok(response.body(body.boxed_unsync()).expect("a response"))
        })
    }

    fn connect(
        &self,
        _: ports::outbound::Connecting,
    ) -> ports::Future<'static, Result<ports::outbound::Connection, Error>> {
        unreachable!("keys are fetched by requests")
    }
}

/// A key, and tokens by it.
struct Signer {
    id: &'static str,
    pair: EcdsaKeyPair,
}

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Signer {
    fn new(id: &'static str) -> Self {
        let kind = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(kind, &SystemRandom::new()).expect("a key");
        Self { id, pair: EcdsaKeyPair::from_pkcs8(kind, pkcs8.as_ref()).expect("a key") }
    }

    fn set(&self) -> String {
        let (x, y) = self.pair.public_key().as_ref()[1..].split_at(32);
        let (x, y, id) = (b64(x), b64(y), self.id);
        format!(r#"{{"keys":[{{"kty":"EC","crv":"P-256","kid":"{id}","x":"{x}","y":"{y}"}}]}}"#)
    }

    fn token(&self) -> String {
        let header =
            format!(r#"{{"alg":"ES256","kid":"{}","jku":"https://evil.example"}}"#, self.id);
        let claims = r#"{"iss":"https://idp.example","aud":"a","sub":"s","exp":2000000000}"#;
        let message = format!("{}.{}", b64(header), b64(claims));
        let signature = self.pair.sign(&SystemRandom::new(), message.as_bytes()).expect("signed");
        format!("{message}.{}", b64(signature))
    }
}

/// An issuer whose keys come from the source.
struct Stage {
    source: Source,
    files: KeyFiles,
}

impl Stage {
    async fn open(source: Source) -> Self {
        let config = IssuerConfig {
            name: IssuerName::parse("shop").expect("a name"),
            issuer: "https://idp.example".to_owned(),
            audience: vec!["a".to_owned()],
            algorithms: vec![Algorithm::Es256],
            leeway: Duration::ZERO,
            header: "authorization".to_owned(),
            subject_claim: "sub".to_owned(),
            pass: Vec::new(),
        };
        let keys = Keys::Fetched(Fetched {
            place: Place::Set("https://idp.example/jwks".parse().expect("an address")),
            networks: Vec::new(),
            stale: Duration::from_secs(3600),
            dev: false,
        });
        let door = source.clone();
        let doors = |_: &[ipnet::IpNet]| Ok(Arc::new(door.clone()) as Arc<dyn Outbound>);
        let files = KeyFiles::open(&[Issuer { config, keys }], &doors).expect("good");
        files.settle().await;
        Self { source, files }
    }

    /// Whether a token is valid, with the steps of a request.
    async fn takes(&self, token: &str) -> bool {
        let issuers = &self.files.issuers;
        if let Some(asking) = issuers.lacks_key(token).and_then(|issuer| issuers.ask(issuer)) {
            asking.await;
        }
        issuers.verify(token, model::Timestamp(1_800_000_000_000_000)).is_ok()
    }

    fn asked(&self) -> usize {
        self.source.asked.load(Ordering::SeqCst)
    }

    fn verdict(&self) -> (String, String) {
        let finding = self.files.fetched().findings().next().expect("one");
        (finding.verdict, finding.found)
    }
}

fn saying(status: u16, cache: &'static str, body: impl Into<String>) -> Source {
    let source = Source::default();
    *source.says.lock() = Some((status, cache, body.into()));
    source
}

/// Lets everything run that can.
async fn pass(time: Duration) {
    sleep(time + Duration::from_millis(1)).await;
}

#[tokio::test(start_paused = true)]
async fn known_keys_ask_nobody_and_are_asked_for_again_when_they_are_old() {
    let (old, new) = (Signer::new("1"), Signer::new("2"));
    let stage = Stage::open(saying(200, "max-age=600", old.set())).await;
    for _ in 0..100 {
        assert!(stage.takes(&old.token()).await);
    }
    assert_eq!(stage.asked(), 1);
    assert_eq!(stage.verdict().0, "ok");
    *stage.source.says.lock() = Some((200, "max-age=1", new.set()));
    pass(Duration::from_secs(599)).await;
    assert_eq!(stage.asked(), 1);
    pass(Duration::from_secs(1)).await;
    assert_eq!(stage.asked(), 2);
    // One that was taken back is valid no more, and an age that is too short is a minute.
    assert!(stage.takes(&new.token()).await && !stage.takes(&old.token()).await);
    let asked = stage.asked();
    pass(Duration::from_secs(58)).await;
    assert!(stage.asked() <= asked + 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_by_a_new_key_is_valid_at_once() {
    let (old, new) = (Signer::new("1"), Signer::new("2"));
    let stage = Stage::open(saying(200, "max-age=86400", old.set())).await;
    pass(EVERY).await;
    *stage.source.says.lock() = Some((200, "", new.set()));
    assert!(stage.takes(&new.token()).await);
    assert_eq!(stage.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_unknown_keys_asks_once_in_ten_seconds() {
    let known = Signer::new("1");
    let stage = Stage::open(saying(200, "max-age=86400", known.set())).await;
    let stranger = Signer::new("never").token();
    for second in 1..=100 {
        for _ in 0..20 {
            assert!(!stage.takes(&stranger).await);
        }
        assert!(stage.takes(&known.token()).await);
        advance(Duration::from_secs(1)).await;
        assert!(stage.asked() <= 2 + second / 10, "{} after {second} s", stage.asked());
    }
    assert!(stage.asked() >= 9, "{}", stage.asked());
    // A token that could not be valid anyway asks nobody.
    let asked = stage.asked();
    pass(EVERY).await;
    let none = format!("{}.{}.", b64(r#"{"alg":"none","kid":"x"}"#), b64("{}"));
    let other =
        stranger.replace(stranger.split('.').nth(1).expect("claims"), &b64(r#"{"iss":"x"}"#));
    for token in [none.as_str(), &other, "a.b.c", ""] {
        assert!(!stage.takes(token).await);
    }
    assert_eq!(stage.asked(), asked);
}

#[tokio::test(start_paused = true)]
async fn many_who_wait_cause_one_attempt_and_wait_no_longer_than_their_patience() {
    let (old, new) = (Signer::new("1"), Signer::new("2"));
    let stage = Stage::open(saying(200, "max-age=86400", old.set())).await;
    pass(EVERY).await;
    *stage.source.says.lock() = Some((200, "", new.set()));
    *stage.source.takes.lock() = Duration::from_secs(1);
    let token = new.token();
    let all = futures_util::future::join_all((0..50).map(|_| stage.takes(&token))).await;
    assert!(all.into_iter().all(|valid| valid));
    assert_eq!(stage.asked(), 2);
    pass(EVERY).await;
    *stage.source.takes.lock() = Duration::from_secs(60);
    let began = tokio::time::Instant::now();
    assert!(!stage.takes(&Signer::new("3").token()).await);
    assert_eq!(began.elapsed().as_secs(), bell::PATIENCE.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_down_at_the_start_is_asked_until_it_answers() {
    let signer = Signer::new("1");
    let stage = Stage::open(Source::default()).await;
    assert!(!stage.takes(&signer.token()).await);
    let (verdict, found) = stage.verdict();
    assert_eq!(verdict, "problem");
    assert!(found.contains("it is down"), "{found}");
    pass(Duration::from_secs(60)).await;
    assert!((3..8).contains(&stage.asked()), "{}", stage.asked());
    *stage.source.says.lock() = Some((200, "", signer.set()));
    pass(Duration::from_secs(300)).await;
    assert!(stage.takes(&signer.token()).await);
    assert_eq!(stage.verdict().0, "ok");
}

#[tokio::test(start_paused = true)]
async fn old_keys_stay_for_their_time_and_no_longer() {
    let signer = Signer::new("1");
    let stage = Stage::open(saying(200, "max-age=600", signer.set())).await;
    let wrong: [Said; 7] = [
        None,
        Some((500, "", String::new())),
        Some((302, "", signer.set())),
        Some((200, "", "<html>".to_owned())),
        Some((200, "", "-----BEGIN PUBLIC KEY-----".to_owned())),
        Some((200, "", r#"{"keys":[]}"#.to_owned())),
        Some((200, "", format!("{{\"keys\":[],\"x\":\"{}\"}}", "x".repeat(2 << 20)))),
    ];
    for said in wrong.into_iter().cycle().take(11) {
        *stage.source.says.lock() = said;
        pass(Duration::from_secs(300)).await;
        assert!(stage.takes(&signer.token()).await);
    }
    assert_eq!(stage.verdict().0, "warning");
    // An hour after they came, also for a token that was valid a moment ago.
    pass(Duration::from_secs(300)).await;
    assert!(!stage.takes(&signer.token()).await);
    assert_eq!(stage.verdict().0, "problem");
}
