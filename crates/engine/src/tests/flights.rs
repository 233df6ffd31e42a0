//! What happens to an invocation, and what its record says.

use super::rig::{Rig, answer, get, rig, rig_with, with_body};
use crate::Config;
use http_body_util::BodyExt;
use model::Code;
use model::manifest::Wasi;
use model::wire::v1::{Level, Outcome};
use ports::executor::{FaultKind, Form, Program};
use ports::host::Line;
use std::sync::atomic::Ordering;
use testkit::executor::Step;

const F: &str =
    r#"{"name":"f","timeout":"2s","request_body":"1KiB","http":[{"route":"* /f/{*rest}"}]}"#;

async fn open(script: impl Fn(&http::Request<()>) -> Vec<Step> + Send + Sync + 'static) -> Rig {
    let rig = rig(script).await;
    rig.deploy(F).await.expect("deployed");
    rig.grant("public", "invoke", "f").await;
    rig
}

#[tokio::test(start_paused = true)]
async fn an_answer_closes_its_record_once_and_carries_its_id() {
    let rig = open(|_| answer()).await;
    let response = rig.send(get("/f/x?q=secret", None)).await.expect("answered");
    let id = response.headers()["casemate-invocation"].to_str().expect("text").to_owned();
    response.into_body().collect().await.expect("a body");
    let records = rig.records();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].start.id.to_string(), id);
    assert_eq!(
        (records[0].outcome, records[0].status, records[0].usage.bytes_out),
        (Outcome::Ok, 200, 5)
    );
    assert!(!format!("{records:?}").contains("secret"), "paths and queries stay out of records");
    assert!(rig.journal.open().is_empty());
}

#[tokio::test(start_paused = true)]
async fn faults_have_their_codes_and_strangers_do_not_see_what_the_guest_said() {
    for (kind, code, outcome) in [
        (FaultKind::Trapped, Code::Trapped, Outcome::Trapped),
        (FaultKind::Cpu, Code::CpuLimit, Outcome::Cpu),
        (FaultKind::Memory, Code::MemoryLimit, Outcome::Memory),
        (FaultKind::NoResponse, Code::NoResponse, Outcome::GuestError),
        (FaultKind::GuestError, Code::GuestError, Outcome::GuestError),
        (FaultKind::NoInstance, Code::NoInstance, Outcome::Platform),
    ] {
        let rig = open(move |_| vec![Step::Fail(kind)]).await;
        let refusal = rig.send(get("/f/x", None)).await.err().expect("failed");
        assert_eq!(refusal.problem.code, code);
        let told =
            serde_json::to_string(&refusal.problem.public_body(refusal.invocation)).expect("json");
        assert!(!told.contains("sk_live_SECRET"), "{told}");
        let records = rig.records();
        assert_eq!((records[0].outcome, records[0].status), (outcome, code.status()), "{kind:?}");
        assert!(records[0].reason.as_ref().is_some_and(|reason| reason.contains("sk_live_SECRET")));
    }
}

#[tokio::test(start_paused = true)]
async fn the_wall_clock_ends_a_guest_that_never_answers() {
    let rig = open(|_| vec![Step::Hang]).await;
    assert_eq!(rig.call("/f/x", None).await, Err(Code::WallTimeout));
    assert_eq!(rig.records()[0].outcome, Outcome::Timeout);
    assert_eq!(rig.executor.alive.load(Ordering::Relaxed), 0, "the instance is gone");
}

#[tokio::test(start_paused = true)]
async fn a_stream_may_be_long_and_not_silent() {
    let rig = open(|_| {
        let mut steps = vec![Step::Head(http::StatusCode::OK)];
        for _ in 0..3 {
            steps.extend([Step::Frame(b"tick"), Step::Yield]);
        }
        steps.push(Step::Hang);
        steps
    })
    .await;
    let response = rig.send(get("/f/x", None)).await.expect("the head");
    let mut body = response.into_body();
    let mut ticks = 0;
    let broken = loop {
        match body.frame().await {
            Some(Ok(_)) => ticks += 1,
            other => break other,
        }
    };
    assert_eq!(ticks, 3);
    assert!(matches!(broken, Some(Err(_))), "the client must see that it broke off");
    assert_eq!(rig.records()[0].outcome, Outcome::Timeout);
}

#[tokio::test(start_paused = true)]
async fn a_stream_may_have_longer_silences_than_its_head() {
    let patient =
        r#"{"name":"f","timeout":"2s","stream_idle":"1m","http":[{"route":"* /f/{way}"}]}"#;
    let rig = rig(|request| {
        let head = Step::Head(http::StatusCode::OK);
        match request.uri().path() {
            "/f/late" => vec![Step::Hang],
            _ => vec![head, Step::Frame(b"tick"), Step::Hang],
        }
    })
    .await;
    rig.deploy(patient).await.expect("deployed");
    rig.grant("public", "invoke", "f").await;
    let took = |since: tokio::time::Instant| since.elapsed().as_secs();
    let since = tokio::time::Instant::now();
    assert_eq!(rig.call("/f/late", None).await, Err(Code::WallTimeout));
    assert_eq!(took(since), 2);
    let since = tokio::time::Instant::now();
    let response = rig.send(get("/f/stream", None)).await.expect("the head");
    assert!(response.into_body().collect().await.is_err(), "the client must see that it broke off");
    assert_eq!(took(since), 60);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_stops_the_guest_and_the_record_says_so() {
    let rig = open(|_| {
        vec![
            Step::Head(http::StatusCode::OK),
            Step::Frame(b"a"),
            Step::Yield,
            Step::Frame(b"b"),
            Step::Hang,
        ]
    })
    .await;
    let response = rig.send(get("/f/x", None)).await.expect("the head");
    drop(response);
    assert_eq!(rig.executor.alive.load(Ordering::Relaxed), 0);
    let record = &rig.records()[0];
    assert_eq!((record.outcome, record.status, record.code), (Outcome::Interrupted, 200, None));
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_head_is_whole_with_its_head() {
    let rig = open(|_| {
        vec![Step::Head(http::StatusCode::OK), Step::Frame(b"a"), Step::Yield, Step::Hang]
    })
    .await;
    let mut request = get("/f/x", None);
    *request.method_mut() = http::Method::HEAD;
    // A server drops the body that it may not send.
    drop(rig.send(request).await.expect("the head"));
    assert_eq!(rig.executor.alive.load(Ordering::Relaxed), 0);
    assert_eq!((rig.records()[0].outcome, rig.records()[0].status), (Outcome::Ok, 200));
}

#[tokio::test(start_paused = true)]
async fn the_record_has_the_status_that_the_caller_saw() {
    let head = || Step::Head(http::StatusCode::CREATED);
    let fail = || Step::Fail(FaultKind::Trapped);
    // The guest fails before anything was sent: the caller sees the failure, not the head.
    let rig = open(move |_| vec![head(), fail()]).await;
    assert_eq!(rig.call("/f/x", None).await, Err(Code::Trapped));
    assert_eq!((rig.records()[0].outcome, rig.records()[0].status), (Outcome::Trapped, 502));
    // It fails after that: the caller has seen the head.
    let rig = open(move |_| vec![head(), Step::Frame(b"a"), Step::Yield, fail()]).await;
    drop(rig.send(get("/f/x", None)).await.expect("the head").into_body().collect().await);
    assert_eq!((rig.records()[0].outcome, rig.records()[0].status), (Outcome::Trapped, 201));
    // The caller went before there was a head.
    let rig = open(|_| vec![Step::Hang]).await;
    let waiting = rig.send(get("/f/x", None));
    assert!(tokio::time::timeout(std::time::Duration::from_millis(1), waiting).await.is_err());
    let record = &rig.records()[0];
    assert_eq!((record.outcome, record.status, record.code), (Outcome::Interrupted, 0, None));
}

#[tokio::test(start_paused = true)]
async fn a_guest_may_work_on_after_its_answer_and_is_recorded_then() {
    let line = Line { level: Level::Info, bytes: b"after".to_vec(), cut: false };
    let rig = open(move |_| {
        let mut steps = answer();
        steps.extend([Step::Yield, Step::Yield, Step::Log(line.clone())]);
        steps
    })
    .await;
    assert_eq!(rig.call("/f/x", None).await, Ok((200, "hello".to_owned())));
    while rig.records().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(rig.records()[0].outcome, Outcome::Ok);
    assert_eq!(rig.lines()[0].text, "after");
}

#[tokio::test(start_paused = true)]
async fn bodies_above_the_limit_are_refused_early_or_cut_late() {
    let rig = open(|_| vec![Step::Head(http::StatusCode::OK), Step::Echo, Step::End]).await;
    let mut announced = with_body("POST", "/f/x", None, b"x");
    announced.headers_mut().insert("content-length", http::HeaderValue::from_static("1025"));
    let refused = rig.send(announced).await.err().expect("refused");
    assert_eq!(refused.problem.code, Code::BodyTooLarge);
    let record = rig.records().pop().expect("a record");
    assert_eq!((Some(record.start.id), record.status), (refused.invocation, 413));
    static LARGE: [u8; 1025] = [0; 1025];
    let sneaked = rig.send(with_body("POST", "/f/x", None, &LARGE)).await.err().expect("cut");
    assert_eq!(sneaked.problem.code, Code::BodyTooLarge);
    static FITS: [u8; 1024] = [0; 1024];
    let response = rig.send(with_body("POST", "/f/x", None, &FITS)).await.expect("fits");
    assert_eq!(response.into_body().collect().await.expect("echo").to_bytes().len(), 1024);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_lines_ends_at_the_limit_and_is_counted() {
    let line = Line { level: Level::Info, bytes: vec![b'x'; 1023], cut: false };
    let rig = open(move |_| {
        let mut steps = vec![Step::Log(line.clone()); 300];
        steps.extend(answer());
        steps
    })
    .await;
    rig.call("/f/x", None).await.expect("answered");
    let record = &rig.records()[0];
    assert_eq!((record.log_lines, record.log_dropped), (256, 44));
    assert!(rig.lines().last().is_some_and(|line| line.level == Level::Platform));
}

#[tokio::test(start_paused = true)]
async fn a_strict_function_answers_only_with_a_durable_record() {
    let rig = rig(|_| answer()).await;
    rig.deploy(r#"{"name":"f","record":"strict","http":[{"route":"GET /f"}]}"#)
        .await
        .expect("deployed");
    rig.grant("public", "invoke", "f").await;
    assert_eq!(rig.call("/f", None).await, Ok((200, "hello".to_owned())));
    rig.journal.fail(Some(ports::journal::Error::Failed("disk".to_owned())));
    assert_eq!(rig.call("/f", None).await, Err(Code::JournalRefuses));
    rig.journal.fail(None);
    rig.journal.refuse(Some(ports::journal::Error::Full));
    assert_eq!(rig.call("/f", None).await, Err(Code::JournalRefuses));
    assert_eq!(rig.executor.alive.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn a_full_journal_does_not_stop_ordinary_functions() {
    let rig = open(|_| answer()).await;
    rig.journal.refuse(Some(ports::journal::Error::Full));
    assert_eq!(rig.call("/f/x", None).await, Ok((200, "hello".to_owned())));
}

#[tokio::test(start_paused = true)]
async fn limits_of_node_function_and_drain_answer_at_once() {
    let config = Config { in_flight_max: 1, ..Config::default() };
    let rig =
        rig_with(config, &[], |_| vec![Step::Head(http::StatusCode::OK), Step::Yield, Step::Hang])
            .await;
    rig.deploy(F).await.expect("deployed");
    rig.grant("public", "invoke", "f").await;
    let first = rig.send(get("/f/x", None)).await.expect("under way");
    let refused = rig.send(get("/f/x", None)).await.err().expect("no room");
    assert_eq!((refused.problem.code, refused.retry_after_s), (Code::Overloaded, Some(1)));
    drop(first);
    drop(rig.send(get("/f/x", None)).await.expect("room again"));
    rig.engine.drain();
    assert_eq!(
        rig.send(get("/f/x", None)).await.err().expect("draining").problem.code,
        Code::Draining
    );
}

#[tokio::test(start_paused = true)]
async fn a_lost_compiled_form_is_made_again() {
    let rig = open(|_| answer()).await;
    rig.call("/f/x", None).await.expect("answered");
    let prepared = rig.executor.prepares.load(Ordering::Relaxed);
    let artifact = audit::digest(super::rig::COMPONENT);
    rig.executor.forget(artifact);
    let program = Program { artifact, form: Form::Component(Wasi::V02) };
    rig.engine.catalog.load().readiness(program).expect("known").doubt();
    rig.call("/f/x", None).await.expect("answered again");
    assert_eq!(rig.executor.prepares.load(Ordering::Relaxed), prepared + 1);
}

#[tokio::test(start_paused = true)]
async fn a_damaged_component_is_not_run_not_explained_to_callers_and_sent_again() {
    let rig = open(|_| answer()).await;
    let artifact = audit::digest(super::rig::COMPONENT);
    rig.executor.forget(artifact);
    let program = Program { artifact, form: Form::Component(Wasi::V02) };
    rig.engine.catalog.load().readiness(program).expect("known").doubt();
    rig.artifacts.swap(artifact, bytes::Bytes::from_static(b"another"));
    let refused = rig.send(get("/f/x", None)).await.err().expect("not run");
    assert_eq!((refused.problem.code, refused.problem.detail), (Code::StoreCorrupt, None));
    let record = rig.records().pop().expect("a record");
    assert_eq!((Some(record.start.id), record.outcome), (refused.invocation, Outcome::Platform));
    assert!(record.reason.is_some_and(|why| why.contains("E0112")));
    assert_eq!(rig.engine.has_artifact(artifact).await, Ok(false), "so it is uploaded again");
    rig.deploy(F).await.expect("uploaded and deployed again");
    assert_eq!(rig.call("/f/x", None).await, Ok((200, "hello".to_owned())));
}
