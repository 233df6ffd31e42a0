//! Calls that run later: who may leave them, what happens to them, and what their records say.

mod batches;
mod order;
mod peek;
mod told;

use super::rig::{Rig, answer, get, rig, rig_with, with_body};
use crate::{Config, QueueLimits, RequestBody};
use http::HeaderValue;
use http_body_util::BodyExt;
use model::wire::v1::{Outcome, Trigger};
use model::{Code, Grant, InvocationId, Scope};
use ports::Queue as _;
use ports::executor::FaultKind;
use ports::queue::{ListQuery, Purge, Quota, State};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use testkit::executor::Step;

const F: &str =
    r#"{"name":"f","timeout":"2s","request_body":"1KiB","http":[{"route":"* /f/{*rest}"}]}"#;

/// An engine with a function that a token may call, now and later.
async fn open(
    script: impl Fn(&http::Request<()>) -> Vec<Step> + Send + Sync + 'static,
) -> (Rig, String) {
    let rig = rig(script).await;
    rig.deploy(F).await.expect("deployed");
    let token = rig.token("ci", &["f"]).await;
    rig.grant("token:ci", "invoke-async", "f").await;
    (rig, token)
}

fn later(mut request: http::Request<RequestBody>) -> http::Request<RequestBody> {
    request.headers_mut().insert("prefer", HeaderValue::from_static("wait=5, Respond-Async;x=1"));
    request
}

impl Rig {
    /// Sends a call that is to run later, and gives its id.
    async fn leave(&self, token: &str) -> InvocationId {
        let response = self.send(later(get("/f/x", Some(token)))).await.expect("accepted");
        assert_eq!(response.status(), 202);
        response.headers()["casemate-invocation"].to_str().expect("text").parse().expect("an id")
    }

    /// Lets workers work until nothing is due any more.
    async fn work(&self) {
        let stop = tokio::time::sleep(Duration::from_millis(500));
        Arc::clone(&self.engine).work(4, stop).await;
    }

    async fn outcome(&self, id: InvocationId) -> String {
        self.engine.record(&Scope::default(), id).await.expect("a record").outcome
    }

    async fn state(&self, id: InvocationId) -> Option<(State, u32)> {
        let found = self.queue.find(&Scope::default(), id).await.expect("a queue");
        found.map(|status| (status.state, status.attempts))
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_is_accepted_waits_runs_and_leaves_a_record_under_the_id_that_was_given() {
    let (rig, token) =
        open(|_| vec![Step::Head(http::StatusCode::OK), Step::Headers, Step::End]).await;
    let response = rig.send(later(get("/f/x?q=1", Some(&token)))).await.expect("accepted");
    assert_eq!(response.headers()["preference-applied"], "respond-async");
    let id: InvocationId =
        response.headers()["casemate-invocation"].to_str().expect("text").parse().expect("an id");
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    assert_eq!(body, format!("{{\"invocation\":\"{id}\"}}"));
    assert_eq!(rig.outcome(id).await, "queued");
    assert_eq!(rig.records().len(), 0, "nothing ran");
    rig.work().await;
    assert_eq!((rig.outcome(id).await.as_str(), rig.state(id).await), ("ok", None));
    let record = &rig.records()[0];
    assert_eq!((record.start.id, record.start.caller.to_string()), (id, "token:ci".to_owned()));
    assert!(matches!(&record.start.trigger, Trigger::Queue { attempt: 1, route, .. }
        if &**route == "* /f/{*rest}"));
}

#[tokio::test(start_paused = true)]
async fn a_function_sees_the_call_as_it_was_and_who_made_it() {
    let seen = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    let (rig, token) = open(move |request| {
        let mut lines = vec![format!("{} {}", request.method(), request.uri())];
        lines.extend(request.headers().iter().map(|(name, value)| format!("{name}: {value:?}")));
        kept.lock().push(lines.join("\n"));
        vec![Step::Head(http::StatusCode::OK), Step::Echo, Step::End]
    })
    .await;
    let request = later(with_body("PUT", "/f/x?q=1", Some(&token), b"the body"));
    rig.send(request).await.expect("accepted");
    rig.work().await;
    let seen = seen.lock().join("\n");
    assert!(seen.starts_with("PUT /f/x?q=1\n"), "{seen}");
    assert!(seen.contains("casemate-caller: \"token:ci\""), "{seen}");
    assert!(!seen.contains("authorization") && !seen.contains("prefer"), "{seen}");
    assert!(seen.contains("content-length: \"8\""), "{seen}");
    assert_eq!(rig.records()[0].usage.bytes_in, 8);
}

#[tokio::test(start_paused = true)]
async fn without_the_grant_the_preference_is_ignored_and_the_public_never_has_it() {
    let rig = rig(|_| answer()).await;
    rig.deploy(F).await.expect("deployed");
    let token = rig.token("ci", &["f"]).await;
    let response = rig.send(later(get("/f/x", Some(&token)))).await.expect("answered");
    assert_eq!(response.status(), 200);
    assert!(!response.headers().contains_key("preference-applied"));
    rig.grant("public", "invoke", "f").await;
    assert_eq!(rig.send(later(get("/f/x", None))).await.expect("answered").status(), 200);
    assert!(Grant::parse("public", "invoke-async", "f").is_err());
    // And the grant alone, without the one to invoke, opens nothing.
    let alone = rig.token("alone", &[]).await;
    rig.grant("token:alone", "invoke-async", "f").await;
    let revoked = Grant::parse("public", "invoke", "f").expect("a grant");
    rig.engine.revoke(&Scope::default(), "operator", revoked).await.expect("revoked");
    let refused = rig.send(later(get("/f/x", Some(&alone)))).await.err().expect("refused");
    assert_eq!(refused.problem.code, Code::NotFound);
}

#[tokio::test(start_paused = true)]
async fn a_policy_of_the_operator_forbids_what_was_granted() {
    let forbid = r#"forbid(principal, action == Casemate::Action::"invoke-async", resource);"#;
    let policies = [("op.cedar".to_owned(), forbid.to_owned())];
    let rig = rig_with(Config::default(), &policies, |_| answer()).await;
    rig.deploy(F).await.expect("deployed");
    let token = rig.token("ci", &["f"]).await;
    rig.grant("token:ci", "invoke-async", "f").await;
    assert_eq!(rig.send(later(get("/f/x", Some(&token)))).await.expect("now").status(), 200);
    let function = testkit::queue::function("f");
    let refused =
        rig.engine.submit(&function, get("/", None)).await.expect_err("the operator, too");
    assert_eq!(refused.problem.code, Code::Denied);
}

#[tokio::test(start_paused = true)]
async fn a_grant_that_is_revoked_meanwhile_denies_the_call_and_nothing_runs() {
    for action in ["invoke", "invoke-async"] {
        let (rig, token) = open(|_| answer()).await;
        let id = rig.leave(&token).await;
        let grant = Grant::parse("token:ci", action, "f").expect("a grant");
        rig.engine.revoke(&Scope::default(), "operator", grant).await.expect("revoked");
        rig.work().await;
        assert_eq!(rig.outcome(id).await, "denied", "{action}");
        assert_eq!(rig.state(id).await, Some((State::Dead, 1)));
        assert_eq!(rig.records()[0].outcome, Outcome::Denied);
        // Granted again, it can be tried again.
        rig.grant("token:ci", action, "f").await;
        rig.engine.requeue(&Scope::default(), id).await.expect("a dead letter");
        rig.work().await;
        assert_eq!(rig.outcome(id).await, "ok", "{action}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_tried_again_after_a_wait_and_says_so() {
    let attempts = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&attempts);
    let (rig, token) = open(move |_| match counted.fetch_add(1, Ordering::Relaxed) {
        0 => vec![Step::Fail(FaultKind::Trapped)],
        1 => vec![Step::Head(http::StatusCode::SERVICE_UNAVAILABLE), Step::End],
        _ => answer(),
    })
    .await;
    let id = rig.leave(&token).await;
    rig.work().await;
    assert_eq!(attempts.load(Ordering::Relaxed), 1, "it is not tried again at once");
    let record = rig.engine.record(&Scope::default(), id).await.expect("a record");
    assert_eq!(record.outcome, "queued", "whatever the first attempt's record says");
    assert!(record.reason.is_some_and(|why| why.starts_with("attempt 1: E0")));
    for (wait_s, count) in [(2, 2), (8, 3)] {
        rig.clock.forward(Duration::from_secs(wait_s));
        rig.work().await;
        assert_eq!(attempts.load(Ordering::Relaxed), count);
    }
    assert_eq!((rig.outcome(id).await.as_str(), rig.state(id).await), ("ok", None));
    let records = rig.records();
    let attempts: Vec<_> = records
        .iter()
        .map(|record| match record.start.trigger {
            Trigger::Queue { attempt, .. } => (attempt, record.outcome, record.status),
            _ => panic!("{record:?}"),
        })
        .collect();
    let expect = [(1, Outcome::Trapped, 502), (2, Outcome::Ok, 503), (3, Outcome::Ok, 200)];
    assert_eq!(attempts, expect);
    assert!(records.iter().all(|record| record.start.id == id));
}

#[tokio::test(start_paused = true)]
async fn what_always_fails_becomes_a_dead_letter_that_can_be_tried_again_or_removed() {
    let (rig, token) = open(|_| vec![Step::Fail(FaultKind::GuestError)]).await;
    let id = rig.leave(&token).await;
    for _ in 0..5 {
        rig.work().await;
        rig.clock.forward(Duration::from_secs(60));
    }
    assert_eq!(rig.state(id).await, Some((State::Dead, 3)));
    assert_eq!(rig.records().len(), 3, "three attempts");
    assert_eq!(rig.outcome(id).await, "guest_error");
    let query = ListQuery { dead: true, limit: 10, ..ListQuery::default() };
    let listed = rig.engine.queued(query).await.expect("a list");
    assert_eq!((listed.len(), listed[0].state.as_str(), listed[0].attempts), (1, "dead", 3));
    let error = listed[0].error.as_deref().unwrap_or_default();
    assert!(!error.contains("sk_live_SECRET"), "what a guest says is not kept in the clear");
    rig.engine.requeue(&Scope::default(), id).await.expect("again");
    rig.work().await;
    assert_eq!(rig.state(id).await, Some((State::Waiting, 1)));
    rig.engine.requeue(&Scope::default(), id).await.expect_err("it is no dead letter");
    for _ in 0..3 {
        rig.clock.forward(Duration::from_secs(60));
        rig.work().await;
    }
    let g = Some("g".parse().expect("a name"));
    assert_eq!(rig.engine.redrive(&Scope::default(), g).await, Ok(0), "another function's");
    assert_eq!(rig.engine.redrive(&Scope::default(), None).await, Ok(1));
    assert_eq!(rig.state(id).await, Some((State::Waiting, 0)));
    for _ in 0..3 {
        rig.work().await;
        rig.clock.forward(Duration::from_secs(60));
    }
    assert_eq!(rig.engine.purge(&Scope::default(), Purge::All).await, Ok(1));
    assert_eq!(rig.state(id).await, None);
}

#[tokio::test(start_paused = true)]
async fn what_is_too_large_or_too_much_is_refused_at_once() {
    let quota = Quota { messages: 2, bytes: 1 << 20 };
    let queue = QueueLimits { quota, ..QueueLimits::default() };
    let rig = rig_with(Config { queue, ..Config::default() }, &[], |_| answer()).await;
    rig.deploy(F).await.expect("deployed");
    let function = testkit::queue::function("f");
    static LARGE: [u8; 1025] = [b'a'; 1025];
    let refused = rig.engine.submit(&function, with_body("POST", "/", None, &LARGE)).await;
    assert_eq!(refused.expect_err("too large").problem.code, Code::QueuedTooLarge);
    for _ in 0..2 {
        rig.engine.submit(&function, get("/", None)).await.expect("accepted");
    }
    let refused = rig.engine.submit(&function, get("/", None)).await.expect_err("full");
    assert_eq!(refused.problem.code, Code::QueueFull);
    let nowhere = testkit::queue::function("g");
    let refused = rig.engine.submit(&nowhere, get("/", None)).await.expect_err("no such function");
    assert_eq!(refused.problem.code, Code::NoSuchFunction);
}

#[tokio::test(start_paused = true)]
async fn workers_stop_when_they_are_told_and_finish_what_they_have() {
    let (rig, token) = open(|_| {
        let mut steps = vec![Step::Yield; 50];
        steps.extend(answer());
        steps
    })
    .await;
    let id = rig.leave(&token).await;
    let working = Arc::clone(&rig.engine).work(4, tokio::task::yield_now());
    working.await;
    // Whether it was taken before the stop or not: it is done or it waits, and nothing hangs.
    assert!(matches!(rig.state(id).await, None | Some((State::Waiting, 0))));
    rig.work().await;
    assert_eq!(rig.outcome(id).await, "ok");
    rig.engine.drain();
    assert_eq!(
        rig.send(later(get("/f/x", Some(&token)))).await.err().map(|it| it.problem.code),
        Some(Code::Draining)
    );
}

#[tokio::test(start_paused = true)]
async fn a_long_run_keeps_its_lease_and_a_run_that_is_cut_off_comes_back() {
    let (rig, token) = open(|_| vec![Step::Hang]).await;
    rig.deploy(&F.replace("2s", "300s")).await.expect("a patient function");
    let id = rig.leave(&token).await;
    let engine = Arc::clone(&rig.engine);
    let working = tokio::spawn(engine.work(4, std::future::pending()));
    for _ in 0..12 {
        tokio::time::sleep(Duration::from_secs(20)).await;
        rig.clock.forward(Duration::from_secs(20));
    }
    assert_eq!(rig.executor.alive.load(Ordering::Relaxed), 1, "it runs once");
    assert_eq!(rig.state(id).await, Some((State::Leased, 1)));
    assert_eq!(rig.outcome(id).await, "running");
    working.abort();
    let _ended = working.await;
    assert_eq!(rig.executor.alive.load(Ordering::Relaxed), 0, "the node stopped");
    rig.clock.forward(Duration::from_secs(61));
    let engine = Arc::clone(&rig.engine);
    let working = tokio::spawn(engine.work(4, std::future::pending()));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(rig.state(id).await, Some((State::Leased, 2)), "the lease ran out");
    working.abort();
}
