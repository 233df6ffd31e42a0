//! Tokens that are fetched with a secret.

use super::*;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

const FETCHING: &str = r#"{"http":["* https://crm.example/*"],"secret":{"psp":{"to":"https://crm.example","oauth2":{"token_url":"https://login.example/token","client_id":"shop"}}}}"#;

/// A server of tokens, and one that takes the newest of them only.
struct Servers {
    outside: std::sync::Arc<Scripted>,
    issued: std::sync::Arc<AtomicU32>,
    /// Tokens up to this one are not taken any more.
    revoked: std::sync::Arc<AtomicU32>,
}

fn token(number: u32) -> String {
    format!("tok_{number:04}_aV3ryL0ngRandomText")
}

fn servers(answer: impl Fn(u32) -> (u16, String) + Send + Sync + 'static) -> Servers {
    let (issued, revoked) = <(std::sync::Arc<AtomicU32>, std::sync::Arc<AtomicU32>)>::default();
    let (count, least) = (issued.clone(), revoked.clone());
    let outside = Scripted::answering(move |request| {
        let mut response = http::Response::new(Vec::new());
        let status = if request.uri().host() == Some("login.example") {
            let (status, body) = answer(count.fetch_add(1, Relaxed) + 1);
            *response.body_mut() = body.into_bytes();
            status
        } else {
            let said = request.headers().get("authorization");
            let said = said.and_then(|value| value.to_str().ok()).unwrap_or_default();
            *response.body_mut() = format!("you said {said}").into_bytes();
            let taken = (least.load(Relaxed) + 1..=count.load(Relaxed))
                .any(|number| said == format!("Bearer {}", token(number)));
            if taken { 200 } else { 401 }
        };
        *response.status_mut() = http::StatusCode::from_u16(status).expect("a status");
        Ok(response)
    });
    Servers { outside, issued, revoked }
}

fn lasting(seconds: u32) -> impl Fn(u32) -> (u16, String) + Send + Sync {
    move |number| {
        let token = token(number);
        let body =
            format!(r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":{seconds}}}"#);
        (200, body)
    }
}

async fn node(servers: &Servers, policy: &str, steps: Vec<Step>) -> Rig {
    let policies = [("op.cedar".to_owned(), policy.to_owned())];
    let rig = rig_to(servers.outside.clone(), Config::default(), &policies, move |_| {
        [vec![Step::Head(http::StatusCode::OK)], steps.clone(), vec![Step::End]].concat()
    })
    .await;
    assert_eq!(put(&rig, "psp", VALUE, false).await, Ok(1));
    let spec = format!(
        r#"{{"name":"f","allow":{FETCHING},"http":[{{"route":"GET /f","auth":"public"}}]}}"#
    );
    rig.deploy_as("shop", &spec, true).await.expect("deployed");
    rig
}

fn ask() -> Step {
    read("https://crm.example/customers", &[])
}

#[tokio::test(start_paused = true)]
async fn a_token_is_fetched_once_and_used_until_shortly_before_its_end() {
    let servers = servers(lasting(3600));
    let rig = node(&servers, "", vec![ask(), ask()]).await;
    let told = told(&rig).await;
    assert_eq!(servers.issued.load(Relaxed), 1);
    let cover = "*".repeat(token(1).len());
    assert!(told.contains(&format!("you said Bearer {cover}")), "{told}");
    let fetched: Vec<_> = rig.outside.sent.lock().iter().map(|it| it.uri().to_string()).collect();
    assert_eq!(fetched[0], "https://login.example/token");
    super::told(&rig).await;
    assert_eq!(servers.issued.load(Relaxed), 1, "another invocation has it as well");
    rig.clock.forward(Duration::from_secs(3569));
    super::told(&rig).await;
    assert_eq!(servers.issued.load(Relaxed), 1);
    rig.clock.forward(Duration::from_secs(2));
    super::told(&rig).await;
    assert_eq!(servers.issued.load(Relaxed), 2);
    for text in [token(1), token(2), VALUE.to_owned()] {
        assert!(!written(&rig).contains(&text) && !told.contains(&text), "{told}");
    }
    let first = rig.records().remove(0).calls;
    let operations: Vec<_> = first.iter().map(|it| (&*it.operation, it.decision)).collect();
    use Decision::Allowed;
    assert!(operations.contains(&("secret.token", Allowed)), "{operations:?}");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_not_taken_any_more_is_fetched_anew_once() {
    let servers = servers(lasting(3600));
    let rig = node(&servers, "", vec![ask()]).await;
    told(&rig).await;
    servers.revoked.store(1, Relaxed);
    let again = told(&rig).await;
    assert!(again.contains("status: 200"), "{again}");
    assert_eq!(servers.issued.load(Relaxed), 2);
    // One that was just fetched and is not taken is no reason to fetch another.
    servers.revoked.store(u32::MAX - 1, Relaxed);
    let refused = told(&rig).await;
    assert!(refused.contains("status: 401"), "{refused}");
    assert_eq!(servers.issued.load(Relaxed), 3);
}

#[tokio::test(start_paused = true)]
async fn many_at_once_fetch_one_token() {
    let servers = servers(lasting(3600));
    let rig = node(&servers, "", vec![ask()]).await;
    let all = (0..20).map(|_| rig.call("/f", None));
    for told in futures(all).await {
        assert!(told.expect("answered").1.contains("status: 200"));
    }
    assert_eq!(servers.issued.load(Relaxed), 1);
}

async fn futures<F: Future>(all: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut all: Vec<_> = all.map(Box::pin).collect();
    let mut done: Vec<Option<F::Output>> = all.iter().map(|_| None).collect();
    std::future::poll_fn(|cx| {
        for (future, done) in all.iter_mut().zip(&mut done) {
            if done.is_none()
                && let std::task::Poll::Ready(output) = future.as_mut().poll(cx)
            {
                *done = Some(output);
            }
        }
        match done.iter().all(Option::is_some) {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
    done.into_iter().flatten().collect()
}

#[tokio::test(start_paused = true)]
async fn without_a_token_the_request_is_not_sent_and_nobody_asks_at_once_again() {
    let servers = servers(|_| (401, format!(r#"{{"error":"invalid_client","hint":"{VALUE}"}}"#)));
    let rig = node(&servers, "", vec![ask(), ask()]).await;
    let told = told(&rig).await;
    assert!(told.contains("Upstream(Protocol)"), "{told}");
    assert_eq!(servers.issued.load(Relaxed), 1);
    let hosts: Vec<_> =
        rig.outside.sent.lock().iter().map(|it| it.uri().host().map(ToOwned::to_owned)).collect();
    assert_eq!(hosts, [Some("login.example".to_owned())]);
    let line = rig.lines()[0].text.clone();
    assert!(line.contains("E1419") && line.contains("`invalid_client`"), "{line}");
    assert!(!written(&rig).contains(VALUE));
    rig.clock.forward(Duration::from_secs(2));
    super::told(&rig).await;
    assert_eq!(servers.issued.load(Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_fetched_only_with_a_grant_for_its_address() {
    let servers = servers(lasting(3600));
    let rig = node(&servers, "", vec![ask()]).await;
    let target = "psp for https://login.example/token";
    let grant = model::Grant::parse("function:f", "secret", target).expect("a grant");
    rig.engine.revoke(&Scope::default(), "operator", grant).await.expect("revoked");
    assert_eq!(told(&rig).await, "Denied");
    assert_eq!(servers.issued.load(Relaxed), 0);
    let line = rig.lines()[0].text.clone();
    assert!(line.contains("E0208") && line.contains("https://login.example/token"), "{line}");
}

#[tokio::test(start_paused = true)]
async fn an_operators_policy_about_requests_holds_for_those_that_fetch_tokens() {
    let forbid = r#"forbid(principal, action == Casemate::Action::"http", resource == Casemate::Host::"https://login.example:443");"#;
    let servers = servers(lasting(3600));
    let rig = node(&servers, forbid, vec![ask()]).await;
    assert_eq!(told(&rig).await, "Denied");
    assert_eq!(servers.issued.load(Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn a_rotated_secret_fetches_its_own_token() {
    let servers = servers(lasting(3600));
    let rig = node(&servers, "", vec![ask()]).await;
    told(&rig).await;
    put(&rig, "psp", "another_value_0123456789", true).await.expect("rotated");
    told(&rig).await;
    assert_eq!(servers.issued.load(Relaxed), 2);
}
