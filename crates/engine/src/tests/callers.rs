//! The ways in which callers say who they are, and what routes make of them.

use super::rig::{Rig, answer, get, rig, rig_with};
use crate::{Config, Inbound};
use http_body_util::BodyExt;
use model::wire::v1::Outcome;
use model::{Code, Grant, Scope};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use testkit::executor::Step;

const DOOR: &str = r#"{"name":"door","http":[
    {"route":"GET /mtls","auth":"mtls"},
    {"route":"GET /either","auth":["token","mtls"]},
    {"route":"GET /office","auth":"mtls","require":{"network":["10.0.0.0/8"]}},
    {"route":"GET /token"}]}"#;

fn certificate(name: &str) -> Arc<[u8]> {
    let mut params = rcgen::CertificateParams::default();
    params.subject_alt_names = vec![rcgen::SanType::URI(name.try_into().expect(name))];
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2100, 1, 1);
    let key = rcgen::KeyPair::generate().expect("a key");
    params.self_signed(&key).expect("a certificate").der().to_vec().into()
}

impl Rig {
    /// Sends a GET with a certificate from 10.0.0.1; gives what the guest saw, or the refusal.
    async fn knock(
        &self,
        path: &str,
        certificate: &Arc<[u8]>,
        token: Option<&str>,
    ) -> Result<String, Code> {
        let peer = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
        let inbound = Inbound {
            certificate: Some(Arc::clone(certificate)),
            ..Inbound::plain(get(path, token), peer)
        };
        let answered = self.engine.invoke(inbound).await;
        let response = answered.map_err(|refusal| refusal.problem.code)?;
        let seen = response.into_body().collect().await.expect("a body").to_bytes();
        Ok(String::from_utf8_lossy(&seen).into_owned())
    }
}

/// A node that verifies client certificates.
fn taking() -> Config {
    Config { client_certificates: true, ..Config::default() }
}

fn headers(_: &http::Request<()>) -> Vec<Step> {
    vec![Step::Head(http::StatusCode::OK), Step::Headers, Step::End]
}

#[tokio::test(start_paused = true)]
async fn a_client_certificate_is_a_caller_where_the_route_takes_one() {
    let rig = rig_with(taking(), &[], headers).await;
    rig.deploy(DOOR).await.expect("deployed");
    let alice = certificate("spiffe://a.example/alice");
    assert_eq!(rig.knock("/mtls", &alice, None).await, Err(Code::NotFound), "nothing is granted");
    rig.grant("mtls:spiffe://a.example/alice", "invoke", "door").await;
    let seen = rig.knock("/mtls", &alice, None).await.expect("granted");
    assert!(seen.contains("casemate-caller: mtls:spiffe://a.example/alice"), "{seen}");
    let bob = certificate("spiffe://a.example/bob");
    assert_eq!(rig.knock("/mtls", &bob, None).await, Err(Code::NotFound));
    rig.grant("mtls:*", "invoke", "door").await;
    assert!(rig.knock("/mtls", &bob, None).await.is_ok());
    assert!(rig.knock("/office", &bob, None).await.is_ok());
    let denied = rig.records().into_iter().find(|record| record.outcome == Outcome::Denied);
    let caller = denied.expect("a denial").start.caller.to_string();
    assert_eq!(caller, "mtls:spiffe://a.example/alice");
}

#[tokio::test(start_paused = true)]
async fn whoever_has_a_certificate_learns_the_same_everywhere() {
    let rig = rig_with(taking(), &[], |_| answer()).await;
    rig.deploy(DOOR).await.expect("deployed");
    let alice = certificate("spiffe://a.example/alice");
    for path in ["/mtls", "/either", "/office", "/token", "/unknown"] {
        assert_eq!(rig.knock(path, &alice, None).await, Err(Code::NotFound), "{path}");
        assert_eq!(rig.call(path, None).await, Err(Code::CredentialRequired), "{path}");
    }
    // One that names nobody is none.
    let nobody: Arc<[u8]> = b"nonsense".as_slice().into();
    for path in ["/mtls", "/either", "/token", "/unknown"] {
        let refused = rig.knock(path, &nobody, None).await;
        assert_eq!(refused, Err(Code::CredentialRequired), "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_shown_counts_before_a_certificate_and_never_weakens_to_it() {
    let rig = rig_with(taking(), &[], headers).await;
    rig.deploy(DOOR).await.expect("deployed");
    rig.grant("mtls:*", "invoke", "door").await;
    let (alice, token) =
        (certificate("spiffe://a.example/alice"), rig.token("ci", &["door"]).await);
    let seen = rig.knock("/either", &alice, Some(&token)).await.expect("granted");
    assert!(seen.contains("casemate-caller: token:ci"), "{seen}");
    let seen = rig.knock("/either", &alice, None).await.expect("granted");
    assert!(seen.contains("casemate-caller: mtls:"), "{seen}");
    let forged = token.replace("cmt_", "cmt_x");
    let refused = rig.knock("/either", &alice, Some(&forged)).await;
    assert_eq!(refused, Err(Code::CredentialRequired));
    // A token is not what this route is for.
    assert_eq!(rig.knock("/mtls", &alice, Some(&token)).await, Err(Code::NotFound));
}

#[tokio::test(start_paused = true)]
async fn a_public_grant_opens_no_route_that_asks_who_calls() {
    let rig = rig_with(taking(), &[], |_| answer()).await;
    let mixed = r#"{"name":"mixed","http":[
        {"route":"GET /open","auth":"public"},{"route":"GET /closed","auth":"token"},
        {"route":"GET /cert","auth":"mtls"}]}"#;
    let silent = r#"{"name":"silent","http":[{"route":"GET /silent"}]}"#;
    rig.deploy(&format!("{mixed},{silent}")).await.expect("deployed");
    rig.grant("public", "invoke", "mixed").await;
    rig.grant("public", "invoke", "silent").await;
    assert!(rig.call("/open", None).await.is_ok());
    assert!(
        rig.call("/silent", None).await.is_ok(),
        "a route that says nothing leaves it to grants"
    );
    for path in ["/closed", "/cert"] {
        assert_eq!(rig.call(path, None).await, Err(Code::CredentialRequired), "{path}");
    }
    let token = rig.token("ci", &[]).await;
    assert!(rig.call("/closed", Some(&token)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_routes_limit_is_for_each_caller_and_says_when_to_come_again() {
    let rig = rig_with(taking(), &[], |_| answer()).await;
    let limited = r#"{"name":"f","http":[
        {"route":"GET /caller","limit":{"rate":"60/1m","burst":2}},
        {"route":"GET /address","limit":{"rate":"60/1m","burst":2,"by":"address"}}]}"#;
    rig.deploy(limited).await.expect("deployed");
    let (one, two) = (rig.token("one", &["f"]).await, rig.token("two", &["f"]).await);
    for (path, other) in [("/caller", Ok(())), ("/address", Err(Code::RateLimited))] {
        for _ in 0..2 {
            assert!(rig.call(path, Some(&one)).await.is_ok(), "{path}");
        }
        let refused = rig.send(get(path, Some(&one))).await.err().expect("limited");
        assert_eq!(refused.problem.code, Code::RateLimited, "{path}");
        assert_eq!(refused.retry_after_s, Some(1), "{path}");
        assert_eq!(rig.call(path, Some(&two)).await.map(|_| ()), other, "{path}");
        // Those who may not call do not learn of the limit.
        assert_eq!(rig.call(path, None).await, Err(Code::CredentialRequired), "{path}");
        rig.clock.forward(std::time::Duration::from_secs(1));
        assert!(rig.call(path, Some(&one)).await.is_ok(), "{path}");
    }
    assert_eq!(rig.records().len(), 7, "a call that was limited leaves no record");
}

#[tokio::test(start_paused = true)]
async fn where_no_certificate_is_verified_nothing_is_deployed_or_granted_for_one() {
    let rig = rig(|_| answer()).await;
    assert_eq!(rig.deploy(DOOR).await.err(), Some(Code::NoClientAuthority));
    assert!(rig.engine.functions(&Scope::default()).is_empty());
    rig.deploy(r#"{"name":"door","http":[{"route":"GET /token"}]}"#).await.expect("deployed");
    for who in ["mtls:*", "mtls:dns:a.example"] {
        let grant = Grant::parse(who, "invoke", "door").expect(who);
        let refused = rig.engine.grant(&Scope::default(), "operator", grant).await;
        assert_eq!(refused.expect_err(who).code, Code::NoClientAuthority);
    }
}
