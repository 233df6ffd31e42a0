//! Events: who may publish them, who is called with them, and each of them once.

use super::rig::{Rig, rig_with};
use crate::{Config, Events, HostLimits, QueueLimits, RequestBody};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use model::api::EventTriggerInfo;
use model::wire::v1::{Caller, Decision, Record, Trigger};
use model::{Budget, Code, Scope, Timestamp};
use parking_lot::Mutex;
use ports::host::{HostCall, HttpCall};
use ports::queue::Quota;
use std::sync::Arc;
use std::time::Duration;
use testkit::executor::Step;

const PATH: &str = "/.casemate/events/shop";

/// What functions saw: header fields, one a line.
type Seen = Arc<Mutex<Vec<String>>>;

async fn open(config: Config, policy: &str, functions: &str) -> (Rig, Seen) {
    let seen = Seen::default();
    let kept = Arc::clone(&seen);
    let policies = [("op.cedar".to_owned(), policy.to_owned())];
    let rig = rig_with(config, &policies, move |request| {
        let line = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            format!("{name}: {}", String::from_utf8_lossy(value.as_bytes()))
        };
        let lines: Vec<String> = request.headers().iter().map(line).collect();
        kept.lock().push(format!("{} {}\n{}", request.method(), request.uri(), lines.join("\n")));
        vec![Step::Head(http::StatusCode::OK), Step::Echo, Step::End]
    })
    .await;
    rig.deploy(functions).await.expect("deployed");
    (rig, seen)
}

/// One function with one trigger, and a token that may publish.
async fn shop(more: &str) -> (Rig, Seen, String) {
    let events = Events { window: Duration::from_secs(30), ..Events::default() };
    let function = format!(r#"{{"name":"f","on":[{{"name":"paid"{more}}}]}}"#);
    let (rig, seen) = open(Config { events, ..Config::default() }, "", &function).await;
    rig.grant("trigger:paid", "invoke", "f").await;
    let token = rig.token("ci", &[]).await;
    rig.grant("token:ci", "publish", "shop").await;
    (rig, seen, token)
}

fn post(
    path: &str,
    token: Option<&str>,
    fields: &[(&str, &str)],
    body: &str,
) -> http::Request<RequestBody> {
    let mut request = http::Request::post(path).header("host", "localhost");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let body = Full::new(Bytes::from(body.to_owned())).map_err(|never| match never {});
    request.body(body.boxed_unsync()).expect(path)
}

fn event(id: &str) -> Vec<(&'static str, String)> {
    vec![
        ("ce-specversion", "1.0".to_owned()),
        ("ce-id", id.to_owned()),
        ("ce-source", "/erp".to_owned()),
        ("ce-type", "com.x.paid".to_owned()),
        ("content-type", "application/json".to_owned()),
    ]
}

impl Rig {
    /// Publishes an event in the binary mode: the status with the body, or the refusal's code.
    async fn publish(&self, token: Option<&str>, id: &str, body: &str) -> Result<String, Code> {
        let fields = event(id);
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.published(post(PATH, token, &fields, body)).await
    }

    async fn published(&self, request: http::Request<RequestBody>) -> Result<String, Code> {
        let response = self.send(request).await.map_err(|refusal| refusal.problem.code)?;
        assert_eq!(response.status(), 202);
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        Ok(String::from_utf8_lossy(&body).into_owned())
    }

    /// Works the queue off for a while.
    async fn worked(&self) -> Vec<Record> {
        let stop = tokio::time::sleep(Duration::from_millis(500));
        Arc::clone(&self.engine).work(4, stop).await;
        self.records()
    }
}

const NEW: &str = r#"{"accepted":1,"duplicates":0}"#;
const OLD: &str = r#"{"accepted":0,"duplicates":1}"#;

#[tokio::test(start_paused = true)]
async fn an_event_calls_the_functions_that_want_it_as_their_triggers() {
    let (rig, seen, token) = shop(r#","type":"com.x.paid""#).await;
    assert_eq!(rig.publish(Some(&token), "1", r#"{"n":1}"#).await.as_deref(), Ok(NEW));
    let records = rig.worked().await;
    let [record] = records.as_slice() else { panic!("{records:?}") };
    assert_eq!(record.start.caller, Caller::Trigger("paid".parse().expect("a name")));
    let publisher = Caller::Token("ci".parse().expect("a name"));
    let name = "paid".parse().expect("a name");
    assert_eq!(record.start.trigger, Trigger::Event { name, publisher, attempt: 1 });
    assert_eq!((record.usage.bytes_in, record.start.depth), (7, 0));
    let seen = seen.lock().clone();
    let [seen] = seen.as_slice() else { panic!("{seen:?}") };
    assert!(seen.starts_with("POST /\n"), "{seen}");
    for line in [
        "ce-id: 1",
        "ce-source: /erp",
        "ce-type: com.x.paid",
        "ce-specversion: 1.0",
        "casemate-caller: trigger:paid",
        "content-length: 7",
    ] {
        assert!(seen.lines().any(|own| own == line), "{line}: {seen}");
    }
    assert!(!seen.contains("authorization"), "{seen}");
    // Another type is accepted, and wanted by nobody.
    let mut other = event("2");
    other[3].1 = "com.x.sent".to_owned();
    let other: Vec<_> = other.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(rig.published(post(PATH, Some(&token), &other, "")).await.as_deref(), Ok(NEW));
    assert_eq!(rig.worked().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_event_is_taken_once_within_the_window() {
    let (rig, _, token) = shop("").await;
    assert_eq!(rig.publish(Some(&token), "1", "{}").await.as_deref(), Ok(NEW));
    assert_eq!(rig.publish(Some(&token), "1", "{}").await.as_deref(), Ok(OLD));
    assert_eq!(rig.publish(Some(&token), "2", "{}").await.as_deref(), Ok(NEW));
    assert_eq!(rig.worked().await.len(), 2);
    // Somebody else's event of this id is another one: nobody can suppress a stranger's.
    let other = rig.token("other", &[]).await;
    rig.grant("token:other", "publish", "shop").await;
    assert_eq!(rig.publish(Some(&other), "1", "{}").await.as_deref(), Ok(NEW));
    rig.clock.forward(Duration::from_secs(30));
    assert_eq!(rig.publish(Some(&token), "1", "{}").await.as_deref(), Ok(NEW));
    assert_eq!(rig.worked().await.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn only_who_was_granted_it_publishes_and_is_told_what_is_missing() {
    let (rig, _, token) = shop("").await;
    assert_eq!(rig.publish(None, "1", "").await, Err(Code::CredentialRequired));
    assert_eq!(rig.publish(Some("cmt_bad"), "1", "").await, Err(Code::CredentialRequired));
    let other = rig.token("other", &["f"]).await;
    for path in [PATH, "/.casemate/events/nowhere"] {
        let fields = event("1");
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let refusal = rig.send(post(path, Some(&other), &fields, "")).await.err().expect("refused");
        assert_eq!(refusal.problem.code, Code::PublishDenied);
        let application = path.rsplit('/').next().expect("a name");
        let hint = format!("casemate grant token:other publish {application}");
        assert_eq!(refusal.problem.hint, Some(hint), "whether it is there or not");
    }
    for path in ["/.casemate", "/.casemate/other", "/.casemate/events/", "/.casemate/events/Shop"] {
        let refused = rig.published(post(path, Some(&token), &[], "")).await;
        assert_eq!(refused, Err(Code::NotFound), "{path}");
        let refused = rig.published(post(path, None, &[], "")).await;
        assert_eq!(refused, Err(Code::CredentialRequired), "{path}");
    }
    let grant = model::Grant::parse("token:ci", "publish", "nowhere").expect("a grant");
    let scope = Scope::default();
    let refused = rig.engine.grant(&scope, "operator", grant).await.map(drop);
    assert_eq!(refused.map_err(|it| it.code), Err(Code::NoSuchFunction), "nobody inherits it");
    // The grant goes with the application.
    rig.engine.remove(&scope, "operator", &"shop".parse().expect("a name")).await.expect("removed");
    let left = rig.engine.grants(&scope);
    assert!(left.iter().all(|grant| grant.action.word() != "publish"), "{left:?}");
}

#[tokio::test(start_paused = true)]
async fn a_trigger_without_its_grant_is_passed_over() {
    let functions = r#"{"name":"f","on":[{"name":"paid"}]},{"name":"g","on":[{"name":"also"}]}"#;
    let (rig, _) = open(Config::default(), "", functions).await;
    rig.grant("trigger:also", "invoke", "g").await;
    let token = rig.token("ci", &[]).await;
    rig.grant("token:ci", "publish", "shop").await;
    assert_eq!(rig.publish(Some(&token), "1", "").await.as_deref(), Ok(NEW));
    let records = rig.worked().await;
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].start.function.name.as_str(), "g");
    let wrong = model::Grant::parse("trigger:also", "invoke", "f").expect("a grant");
    let refused = rig.engine.grant(&Scope::default(), "operator", wrong).await.map(drop);
    assert_eq!(refused.map_err(|it| it.code), Err(Code::NoSuchTrigger));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_event_is_refused_and_a_batch_as_a_whole() {
    let (rig, _, token) = shop("").await;
    let said = async |fields: &[(&str, &str)], body: &str| {
        rig.published(post(PATH, Some(&token), fields, body)).await
    };
    let one = r#"{"specversion":"1.0","id":"1","source":"/a","type":"x"}"#;
    let batch = [("content-type", "application/cloudevents-batch+json")];
    let structured = [("content-type", "application/cloudevents+json")];
    assert_eq!(said(&[], "").await, Err(Code::BadEvent));
    assert_eq!(said(&structured, "{}").await, Err(Code::BadEvent));
    let avro = [("content-type", "application/cloudevents+avro")];
    assert_eq!(said(&avro, "").await, Err(Code::EventFormat));
    let bad = one.replace("\"1\"", "\"\"");
    assert_eq!(said(&batch, &format!("[{one},{bad}]")).await, Err(Code::BadEvent));
    assert!(rig.worked().await.is_empty(), "nothing of it was accepted");
    let large = "x".repeat((1 << 20) + 1);
    let fields = event("9");
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(said(&fields, &large).await, Err(Code::EventTooLarge));
    let two = one.replace("\"1\"", "\"2\"");
    let both = format!("[{one},{two},{one}]");
    assert_eq!(said(&batch, &both).await.as_deref(), Ok(r#"{"accepted":2,"duplicates":1}"#));
    assert_eq!(said(&structured, one).await.as_deref(), Ok(OLD));
    assert_eq!(rig.worked().await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn where_one_function_has_no_room_nothing_is_accepted() {
    let queue = QueueLimits { quota: Quota { messages: 1, bytes: 1 << 20 }, ..Default::default() };
    let functions = r#"{"name":"f","on":[{"name":"a"},{"name":"b","type":"y"}]},{"name":"g","on":[{"name":"c"}]}"#;
    let (rig, _) = open(Config { queue, ..Config::default() }, "", functions).await;
    for (trigger, function) in [("a", "f"), ("b", "f"), ("c", "g")] {
        rig.grant(&format!("trigger:{trigger}"), "invoke", function).await;
    }
    let token = rig.token("ci", &[]).await;
    rig.grant("token:ci", "publish", "shop").await;
    let mut fields = event("1");
    fields[3].1 = "y".to_owned();
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let refused = rig.published(post(PATH, Some(&token), &fields, "")).await;
    assert_eq!(refused, Err(Code::QueueFull));
    assert!(rig.worked().await.is_empty());
    assert_eq!(rig.publish(Some(&token), "1", "").await.as_deref(), Ok(NEW), "it was not marked");
    assert_eq!(rig.worked().await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_webhooks_origin_is_welcome_if_the_operator_named_it() {
    let events = Events { origins: vec!["emitter.example".to_owned()], ..Events::default() };
    let (rig, _) =
        open(Config { events, ..Config::default() }, "", r#"{"name":"f","on":[{"name":"a"}]}"#)
            .await;
    let ask = async |origin: Option<&str>| {
        let mut request = http::Request::options(PATH).header("host", "localhost");
        if let Some(origin) = origin {
            request = request.header("webhook-request-origin", origin);
        }
        let body = Full::new(Bytes::new()).map_err(|never| match never {}).boxed_unsync();
        rig.send(request.body(body).expect("a request")).await.map_err(|it| it.problem.code)
    };
    let welcome = ask(Some("Emitter.example")).await.expect("welcome");
    assert_eq!(welcome.headers()["webhook-allowed-origin"], "Emitter.example");
    assert_eq!(welcome.headers()["webhook-allowed-rate"], "*");
    assert_eq!(ask(Some("other.example")).await.err(), Some(Code::EventOrigin));
    assert_eq!(ask(None).await.err(), Some(Code::MethodNotAllowed));
}

fn publishing(path: &str, id: &str) -> HostCall {
    let mut headers = http::HeaderMap::new();
    for (name, value) in event(id) {
        headers.insert(name, value.parse().expect("a value"));
    }
    HostCall::Http(HttpCall {
        method: http::Method::POST,
        uri: format!("http://events.casemate.internal{path}").parse().expect(path),
        headers,
        connect: None,
        first_byte: None,
        between_bytes: None,
    })
}

/// A public function that publishes when it is called, and whenever it gets an event.
async fn chain(depth: u16, allow: &str) -> Rig {
    let budget = Budget { depth, ..Budget::default() };
    let host = HostLimits { budget, ..HostLimits::default() };
    let rig = rig_with(Config { host, ..Config::default() }, &[], |request| {
        let seen = request.headers().get("ce-id").and_then(|id| id.to_str().ok());
        let next = seen.and_then(|id| id.parse::<u32>().ok()).unwrap_or(0) + 1;
        let call = publishing("/shop", &next.to_string());
        vec![Step::Head(http::StatusCode::OK), Step::Read(call, b"{}"), Step::End]
    })
    .await;
    let spec = format!(
        r#"{{"name":"f","on":[{{"name":"again"}}],"allow":{allow},"http":[{{"route":"GET /f","auth":"public"}}]}}"#
    );
    rig.deploy(&spec).await.expect("deployed");
    rig.grant("public", "invoke", "f").await;
    rig.grant("trigger:again", "invoke", "f").await;
    rig
}

#[tokio::test(start_paused = true)]
async fn a_function_publishes_if_manifest_and_grant_allow_it() {
    let asks = r#"{"publish":["shop"]}"#;
    for (allow, granted, hint) in [
        ("{}", true, "publish = [\"shop\"]"),
        (asks, false, "casemate grant function:f publish shop"),
        (asks, true, ""),
    ] {
        let rig = chain(1, allow).await;
        if granted {
            rig.grant("function:f", "publish", "shop").await;
        }
        let (_, told) = rig.call("/f", None).await.expect("answered");
        let call = &rig.records()[0].calls[0];
        assert_eq!((call.operation.as_str(), call.resource.as_str()), ("publish", "shop"));
        if hint.is_empty() {
            assert!(told.contains("status: 202") && told.contains(NEW), "{told}");
            assert_eq!((call.decision, call.bytes), (Decision::Allowed, 2));
        } else {
            assert_eq!((told.as_str(), call.decision), ("Denied", Decision::Denied));
            let line = rig.lines()[0].text.clone();
            assert!(line.starts_with("E1440") && line.contains(hint), "{line}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn events_that_publish_events_come_to_an_end_and_are_one_tree() {
    let rig = chain(3, r#"{"publish":["shop"]}"#).await;
    rig.grant("function:f", "publish", "shop").await;
    rig.call("/f", None).await.expect("answered");
    let records = rig.worked().await;
    assert_eq!(records.len(), 4, "{records:?}");
    let root = records[0].start.id;
    for (depth, record) in records.iter().enumerate() {
        assert_eq!((usize::from(record.start.depth), record.start.root), (depth, root));
        let parent = depth.checked_sub(1).map(|above| records[above].start.id);
        assert_eq!(record.start.parent, parent);
    }
    assert_eq!(records[3].calls[0].decision, Decision::Limited, "no deeper than the limit");
}

#[tokio::test(start_paused = true)]
async fn what_calls_functions_with_events_is_listed_with_what_came_and_what_is_missing() {
    let more = r#","type":"com.x.paid"},{"name":"other","filter":[{"not":{"exact":{"n":"1"}}}]"#;
    let (rig, _, token) = shop(more).await;
    let scope = Scope::default();
    let listed = async || {
        let found = rig.engine.event_triggers(&scope, Timestamp(0)).await.expect("a list");
        let row =
            |it: EventTriggerInfo| (it.name.to_string(), it.state, it.came, it.wants, it.grant);
        found.items.into_iter().map(row).collect::<Vec<_>>()
    };
    let missing = "casemate grant trigger:other invoke f".to_owned();
    let other = |came| {
        let wants = r#"not (n is "1")"#.to_owned();
        ("other".to_owned(), "not granted".to_owned(), came, wants, Some(missing.clone()))
    };
    let paid = |came| {
        let wants = r#"type is "com.x.paid""#.to_owned();
        ("paid".to_owned(), "granted".to_owned(), came, wants, None)
    };
    assert_eq!(listed().await, [other(0), paid(0)]);
    for id in ["1", "2", "2"] {
        rig.publish(Some(&token), id, "{}").await.expect("published");
    }
    rig.worked().await;
    assert_eq!(listed().await, [other(0), paid(2)], "one came twice, and one is not granted");
    let found = rig.engine.event_triggers(&scope, Timestamp(0)).await.expect("a list");
    let [_, paid] = found.items.as_slice() else { panic!("{found:?}") };
    let newest = rig.records().into_iter().max_by_key(|it| it.end_us).expect("one");
    assert_eq!(paid.outcome.as_deref(), Some("ok"));
    assert!(paid.last.is_some() && paid.invocation.is_some(), "{paid:?}");
    assert_eq!(paid.last.as_deref(), Some(newest.start.start_us.to_string().as_str()));
    let later = rig.engine.event_triggers(&scope, Timestamp(i64::MAX)).await.expect("a list");
    assert!(later.items.iter().all(|it| it.came == 0 && it.last.is_none()), "{later:?}");
}
