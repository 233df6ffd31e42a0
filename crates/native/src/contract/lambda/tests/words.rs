//! What the Runtime API lets a process say, and what it refuses.

use super::rig::{LONG, event, pending, rig, with};
use crate::contract::Conversation as _;
use ports::executor::FaultKind;

fn state() -> (u16, String) {
    (403, "InvalidStateTransition".to_owned())
}

fn unknown() -> (u16, String) {
    (400, "InvalidRequestID".to_owned())
}

#[tokio::test]
async fn only_ids_that_were_given_out_are_answered_and_only_once() {
    let rig = rig().await;
    let (mut line, mut other) = (rig.line().await, rig.line().await);
    assert_eq!(line.respond("id-1", "{}").await.error(), unknown());
    let answer = rig.begin(event("id-1", "{}"));
    // It is known here, but no runtime has it.
    tokio::task::yield_now().await;
    assert_eq!(other.respond("id-1", "{}").await.error(), unknown());
    line.next().await;
    assert_eq!(other.respond("id-2", "{}").await.error(), unknown());
    assert_eq!(other.fail("..", "{}").await.status, 400);
    assert_eq!(other.respond("id-1", "1").await.status, 202);
    assert_eq!(line.respond("id-1", "2").await.error(), state());
    assert_eq!(line.fail("id-1", "{}").await.error(), state());
    assert_eq!(answer.await.expect("no panic").expect("an answer").text(), "1");
    let message = other.respond("id-2", "").await.json();
    assert_eq!(message["errorMessage"], "Invalid request ID");
}

#[tokio::test]
async fn an_id_that_was_given_up_is_answered_no_more() {
    let rig = rig().await;
    let mut line = rig.line().await;
    let answer = rig.begin(event("id-1", "{}"));
    line.next().await;
    answer.abort();
    let _aborted = answer.await;
    assert_eq!(line.respond("id-1", "{}").await.error(), unknown());
}

#[tokio::test]
async fn who_has_an_invocation_gets_no_second_one() {
    let rig = rig().await;
    let (mut line, mut other) = (rig.line().await, rig.line().await);
    let first = rig.begin(event("id-1", "{}"));
    line.next().await;
    let said = other.next().await;
    assert_eq!(said.error(), state());
    let message = "State transition from Running to Ready failed for runtime. Error: State transition is not allowed";
    assert_eq!(said.json()["errorMessage"], message);
    line.respond("id-1", "1").await;
    first.await.expect("no panic").expect("an answer");
}

#[tokio::test]
async fn several_invocations_are_in_hand_where_the_function_takes_several() {
    let rig = with(|facts| facts.parallel = 2).await;
    let (mut one, mut two, mut three) = (rig.line().await, rig.line().await, rig.line().await);
    let calls = ["id-1", "id-2"].map(|id| rig.begin(event(id, "{}")));
    let (first, second) = (one.next().await, two.next().await);
    assert_eq!(three.next().await.error(), state());
    let id = |said: &super::rig::Said| {
        said.field("lambda-runtime-aws-request-id").expect("an id").to_owned()
    };
    assert_ne!(id(&first), id(&second));
    // In the other order, and each by the other line.
    for id in [id(&second), id(&first)] {
        assert_eq!(one.respond(&id, &format!("{id:?}")).await.status, 202);
    }
    for (call, id) in calls.into_iter().zip(["id-1", "id-2"]) {
        let answer = call.await.expect("no panic").expect("an answer");
        assert_eq!(answer.text(), format!("{id:?}"));
    }
}

#[tokio::test]
async fn a_runtime_that_asks_again_on_another_line_gets_the_invocation_there() {
    let rig = rig().await;
    let mut left = rig.line().await;
    left.put("GET", "/2018-06-01/runtime/invocation/next", &[], "").await;
    rig.ready().await.expect("ready");
    let mut line = rig.line().await;
    line.put("GET", "/2018-06-01/runtime/invocation/next", &[], "").await;
    assert_eq!(left.said().await.error(), state());
    let answer = rig.begin(event("id-1", "{}"));
    let said = line.said().await;
    assert_eq!(said.field("lambda-runtime-aws-request-id"), Some("id-1"));
    line.respond("id-1", "1").await;
    answer.await.expect("no panic").expect("an answer");
}

#[tokio::test]
async fn a_report_about_the_start_is_why_it_is_not_ready() {
    let rig = rig().await;
    let mut line = rig.line().await;
    let body = r#"{"errorMessage":"Unable to import module 'app'","errorType":"Runtime.ImportModuleError"}"#;
    let said = line.ask("POST", "/2018-06-01/runtime/init/error", &[], body).await;
    assert_eq!(said.status, 202);
    let fault = rig.ready().await.expect_err("it is not");
    assert_eq!(fault.kind, FaultKind::GuestError);
    assert_eq!(fault.reason, "Runtime.ImportModuleError: Unable to import module 'app'");
    assert_eq!(
        line.ask("POST", "/2018-06-01/runtime/init/error", &[], body).await.error(),
        state()
    );
    assert_eq!(line.next().await.error(), state());
    assert_eq!(rig.call(event("id-1", "{}")).await.expect_err("it is not"), fault);
}

#[tokio::test]
async fn a_runtime_that_serves_cannot_report_about_its_start() {
    let rig = rig().await;
    let mut line = rig.line().await;
    let answer = rig.begin(event("id-1", "{}"));
    line.next().await;
    assert_eq!(
        line.ask("POST", "/2018-06-01/runtime/init/error", &[], "{}").await.error(),
        state()
    );
    line.respond("id-1", "1").await;
    answer.await.expect("no panic").expect("an answer");
}

#[tokio::test]
async fn it_is_settled_when_the_runtime_came_back() {
    let rig = rig().await;
    let mut line = rig.line().await;
    let answer = rig.begin(event("id-1", "{}"));
    line.next().await;
    line.respond("id-1", "1").await;
    answer.await.expect("no panic").expect("an answer");
    let settled = rig.lambda.settled();
    let mut settled = std::pin::pin!(settled);
    assert!(pending(settled.as_mut()).await);
    line.put("GET", "/2018-06-01/runtime/invocation/next", &[], "").await;
    tokio::time::timeout(LONG, settled).await.expect("settled");
}

#[tokio::test]
async fn other_calls_and_garbage_are_refused_and_cost_nobody_else() {
    let rig = rig().await;
    let mut line = rig.line().await;
    for (method, path, status) in [
        ("GET", "/2018-06-01/ping", 200),
        ("GET", "/2018-06-01/runtime/restore/next", 200),
        ("POST", "/2018-06-01/runtime/invocation/next", 404),
        ("GET", "/2018-06-01/runtime/invocation/id/response", 404),
        ("GET", "/2018-06-01/runtime/invocation//", 404),
        ("GET", "/", 404),
        ("DELETE", "/2020-01-01/extension/register", 404),
    ] {
        assert_eq!(line.ask(method, path, &[], "").await.status, status, "{method} {path}");
    }
    let mut garbage = rig.line().await;
    garbage.send(b"\x16\x03\x01 what is this\r\n\r\n").await;
    if let Some(said) = garbage.read().await {
        assert_eq!(said.status, 400);
    }
    let answer = rig.begin(event("id-1", ""));
    assert_eq!(line.next().await.body, "{}", "nothing is an empty object");
    line.respond("id-1", "\u{0}garbage").await;
    assert_eq!(answer.await.expect("no panic").expect("an answer").text(), "\u{0}garbage");
}

#[tokio::test]
async fn lines_are_counted_and_come_free_again() {
    let rig = rig().await;
    let mut idle = Vec::new();
    for _ in 0..100 {
        idle.push(rig.line().await);
    }
    let mut line = rig.line().await;
    line.put("GET", "/2018-06-01/ping", &[], "").await;
    assert!(
        tokio::time::timeout(std::time::Duration::from_millis(200), line.read()).await.is_err()
    );
    drop(idle);
    assert_eq!(line.said().await.body, "pong");
}
