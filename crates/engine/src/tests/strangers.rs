//! Who may call, and what the others learn.

use super::rig::{answer, get, rig, rig_with};
use crate::Config;
use http_body_util::BodyExt;
use model::Code;
use model::wire::v1::Outcome;
use std::time::Duration;
use testkit::executor::Step;

const HELLO: &str = r#"{"name":"hello","http":[{"route":"GET /hello/{name}"}]}"#;

#[tokio::test(start_paused = true)]
async fn strangers_cannot_tell_private_from_unknown() {
    let rig = rig(|_| answer()).await;
    rig.deploy(HELLO).await.expect("deployed");
    for path in ["/hello/x", "/unknown", "/"] {
        assert_eq!(rig.call(path, None).await, Err(Code::CredentialRequired), "{path}");
    }
    let refused = rig.send(get("/hello/x", None)).await.err().expect("refused");
    let unknown = rig.send(get("/unknown", None)).await.err().expect("refused");
    assert_eq!(refused.problem.public_body(None), unknown.problem.public_body(None));
    assert_eq!(refused.invocation, unknown.invocation);
}

#[tokio::test(start_paused = true)]
async fn a_valid_token_without_a_grant_sees_nothing_and_leaves_a_record() {
    let rig = rig(|_| answer()).await;
    rig.deploy(HELLO).await.expect("deployed");
    let token = rig.token("other", &[]).await;
    assert_eq!(rig.call("/hello/x", Some(&token)).await, Err(Code::NotFound));
    assert_eq!(rig.call("/unknown", Some(&token)).await, Err(Code::NotFound));
    let refused = rig.send(get("/hello/x", Some(&token))).await.err().expect("refused");
    assert_eq!(refused.invocation, None, "an id would tell that there is something");
    let records = rig.records();
    assert_eq!(records.len(), 2, "{records:?}");
    assert_eq!((records[0].outcome, records[0].status), (Outcome::Denied, 404));
}

#[tokio::test(start_paused = true)]
async fn a_granted_token_calls_until_it_expires_or_is_revoked() {
    let rig = rig(|_| answer()).await;
    rig.deploy(HELLO).await.expect("deployed");
    let (first, second) =
        (rig.token("first", &["hello"]).await, rig.token("second", &["hello"]).await);
    assert_eq!(rig.call("/hello/x", Some(&first)).await, Ok((200, "hello".to_owned())));
    rig.engine
        .revoke_token(&model::Scope::default(), "operator", &"first".parse().expect("name"))
        .await
        .expect("revoked");
    assert_eq!(rig.call("/hello/x", Some(&first)).await, Err(Code::CredentialRequired));
    assert_eq!(rig.call("/hello/x", Some(&second)).await, Ok((200, "hello".to_owned())));
    rig.clock.forward(Duration::from_secs(60));
    assert_eq!(rig.call("/hello/x", Some(&second)).await, Err(Code::CredentialRequired));
}

#[tokio::test(start_paused = true)]
async fn the_operators_token_opens_nothing_on_the_public_side() {
    let rig = rig(|_| answer()).await;
    rig.deploy(HELLO).await.expect("deployed");
    assert_eq!(rig.call("/hello/x", Some(&rig.operator)).await, Err(Code::CredentialRequired));
    rig.grant("public", "invoke", "hello").await;
    assert_eq!(rig.call("/hello/x", Some(&rig.operator)).await, Err(Code::CredentialRequired));
}

#[tokio::test(start_paused = true)]
async fn public_is_a_grant_and_can_be_taken_back() {
    let rig = rig(|_| answer()).await;
    rig.deploy(HELLO).await.expect("deployed");
    rig.grant("public", "invoke", "hello").await;
    assert_eq!(rig.call("/hello/x", None).await, Ok((200, "hello".to_owned())));
    let grant = model::Grant::parse("public", "invoke", "hello").expect("grant");
    rig.engine.revoke(&model::Scope::default(), "operator", grant).await.expect("revoked");
    assert_eq!(rig.call("/hello/x", None).await, Err(Code::CredentialRequired));
}

#[tokio::test(start_paused = true)]
async fn the_platforms_credential_never_reaches_the_guest() {
    let rig = rig(|_| vec![Step::Head(http::StatusCode::OK), Step::Headers, Step::End]).await;
    rig.deploy(HELLO).await.expect("deployed");
    let token = rig.token("ci", &["hello"]).await;
    let (_, seen) = rig.call("/hello/x", Some(&token)).await.expect("answered");
    assert!(!seen.contains("authorization") && !seen.contains("cmt_"), "{seen}");
    assert!(seen.contains("casemate-caller: token:ci"), "{seen}");
}

#[tokio::test(start_paused = true)]
async fn a_credential_of_the_guests_own_stays() {
    let rig = rig(|_| vec![Step::Head(http::StatusCode::OK), Step::Headers, Step::End]).await;
    rig.deploy(HELLO).await.expect("deployed");
    rig.grant("public", "invoke", "hello").await;
    let mut request = get("/hello/x", None);
    request.headers_mut().insert("authorization", http::HeaderValue::from_static("Basic dTpw"));
    let response = rig.send(request).await.expect("public");
    let seen = response.into_body().collect().await.expect("a body").to_bytes();
    assert!(String::from_utf8_lossy(&seen).contains("authorization: Basic dTpw"));
}

#[tokio::test(start_paused = true)]
async fn other_methods_are_named_only_to_those_who_may_call() {
    let rig = rig(|_| answer()).await;
    rig.deploy(HELLO).await.expect("deployed");
    let token = rig.token("ci", &["hello"]).await;
    let post = |token: Option<&str>| super::rig::with_body("POST", "/hello/x", token, b"");
    let refused = rig.send(post(Some(&token))).await.err().expect("refused");
    assert_eq!(refused.problem.code, Code::MethodNotAllowed);
    assert_eq!(refused.allow, [http::Method::GET, http::Method::HEAD]);
    let refused = rig.send(post(None)).await.err().expect("refused");
    assert_eq!(refused.problem.code, Code::CredentialRequired);
}

#[tokio::test(start_paused = true)]
async fn an_operators_policy_beats_a_grant() {
    let forbid = r#"forbid (principal, action == Casemate::Action::"invoke", resource) when { context.method == "GET" };"#;
    let policies = [("freeze.cedar".to_owned(), forbid.to_owned())];
    let rig = rig_with(Config::default(), &policies, |_| answer()).await;
    rig.deploy(HELLO).await.expect("deployed");
    rig.grant("public", "invoke", "hello").await;
    let token = rig.token("ci", &["hello"]).await;
    assert_eq!(rig.call("/hello/x", None).await, Err(Code::CredentialRequired));
    assert_eq!(rig.call("/hello/x", Some(&token)).await, Err(Code::NotFound));
}
