//! Messages that a function is called with at once: what it gets, what is believed of its reply, and
//! what becomes of each.

mod leases;

use super::*;
use model::wire::v1::{Caller, Record};
use parking_lot::Mutex;
use serde_json::Value;

const FUNCTION: &str = r#"{"name":"f","http":[{"route":"* /f/{*rest}"}],
    "async":{"batch":10,"ordered_by":"x-order"},
    "on":[{"name":"paid","batch":10,"ordered_by":"partitionkey"}]}"#;

/// What the function does from now on.
type Script = Arc<Mutex<Vec<Step>>>;

/// An engine with a function that takes batches, a token that may leave calls and publish, and what
/// the function does: at first it reads what it gets, and answers with it.
async fn shop() -> (Rig, String, Script) {
    let script = Script::default();
    *script.lock() = vec![Step::Head(http::StatusCode::OK), Step::Echo, Step::End];
    let kept = Arc::clone(&script);
    let rig = rig(move |_| kept.lock().clone()).await;
    rig.deploy(FUNCTION).await.expect("deployed");
    let token = rig.token("ci", &["f"]).await;
    rig.grant("token:ci", "invoke-async", "f").await;
    rig.grant("token:ci", "publish", "shop").await;
    rig.grant("trigger:paid", "invoke", "f").await;
    (rig, token, script)
}

/// An answer in JSON.
fn says(reply: &str) -> Vec<Step> {
    let reply: &'static str = reply.to_owned().leak();
    vec![Step::Json(http::StatusCode::OK), Step::Frame(reply.as_bytes()), Step::End]
}

fn failures(ids: &[InvocationId]) -> String {
    let items: Vec<Value> =
        ids.iter().map(|id| serde_json::json!({ "itemIdentifier": id })).collect();
    serde_json::json!({ "batchItemFailures": items }).to_string()
}

impl Rig {
    /// Publishes events with these ids and keys in one request, and gives their messages.
    async fn publish_all(&self, token: &str, events: &[(&str, &str)]) -> Vec<InvocationId> {
        let event = |(id, key): &(&str, &str)| {
            format!(
                r#"{{"specversion":"1.0","id":"{id}","source":"/s","type":"t","partitionkey":"{key}"}}"#
            )
        };
        let all: Vec<String> = events.iter().map(event).collect();
        let body: &'static str = format!("[{}]", all.join(",")).leak();
        let path = "/.casemate/events/shop";
        let mut request = with_body("POST", path, Some(token), body.as_bytes());
        let kind = HeaderValue::from_static("application/cloudevents-batch+json");
        request.headers_mut().insert("content-type", kind);
        let before = self.messages().await;
        assert_eq!(self.send(request).await.expect("accepted").status(), 202);
        let all = self.queue.list(ListQuery { limit: 99, ..ListQuery::default() }).await;
        let mut new = Vec::new();
        for status in all.expect("a queue").iter().filter(|it| !before.contains(&it.id)) {
            let payload = self.queue.payload(&Scope::default(), status.id).await.expect("a queue");
            let payload = payload.expect("it is there");
            let at = |id: &str| {
                let own =
                    format!("ce-id{}{id}", char::from(u8::try_from(id.len()).expect("short")));
                payload.windows(own.len()).any(|bytes| bytes == own.as_bytes())
            };
            new.push((events.iter().position(|(id, _)| at(id)).expect("an event"), status.id));
        }
        new.sort();
        new.into_iter().map(|(_, id)| id).collect()
    }

    async fn messages(&self) -> Vec<InvocationId> {
        let all = self.queue.list(ListQuery { limit: 99, ..ListQuery::default() }).await;
        all.expect("a queue").iter().map(|it| it.id).collect()
    }

    /// What the function read, call by call.
    fn bodies(&self) -> Vec<Value> {
        let bodies = self.executor.bodies.lock();
        bodies.iter().map(|body| serde_json::from_slice(body).expect("JSON")).collect()
    }

    /// The messages of each call with several.
    fn batches(&self) -> Vec<Vec<InvocationId>> {
        let of = |record: Record| match record.start.trigger {
            Trigger::Batch { messages, .. } => Some(messages),
            _ => None,
        };
        self.records().into_iter().filter_map(of).collect()
    }

    /// The records of a message: outcome, code, and which attempt it was.
    fn ends_of(&self, id: InvocationId) -> Vec<(Outcome, Option<u16>, u32)> {
        let of = |record: Record| match record.start.trigger {
            Trigger::Batched { attempt, .. } if record.start.id == id => {
                Some((record.outcome, record.code, attempt))
            }
            _ => None,
        };
        self.records().into_iter().filter_map(of).collect()
    }

    /// Lets some time pass, and lets workers work after each piece of it.
    async fn work_through(&self, rounds: usize) {
        for _ in 0..rounds {
            self.work().await;
            self.clock.forward(Duration::from_secs(60));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn events_of_a_trigger_come_together_and_each_has_a_record() {
    let (rig, token, _) = shop().await;
    let ids = rig.publish_all(&token, &[("1", "a"), ("2", "b"), ("3", "a")]).await;
    rig.work().await;
    let bodies = rig.bodies();
    let [Value::Array(events)] = bodies.as_slice() else { panic!("{bodies:?}") };
    let mut said: Vec<_> = events.iter().map(|it| (&it["id"], &it["casematemessage"])).collect();
    said.sort_by_key(|(id, _)| id.to_string());
    let expect: Vec<(Value, Value)> = ["1", "2", "3"]
        .iter()
        .zip(&ids)
        .map(|(id, message)| ((*id).into(), message.to_string().into()))
        .collect();
    assert!(said.into_iter().eq(expect.iter().map(|(id, message)| (id, message))), "{events:?}");
    assert!(rig.messages().await.is_empty());
    let batches = rig.batches();
    let [batch] = batches.as_slice() else { panic!("{batches:?}") };
    assert_eq!(batch.len(), 3);
    let records = rig.records();
    let whole = records.iter().find(|it| matches!(it.start.trigger, Trigger::Batch { .. }));
    let whole = whole.expect("a record of the call");
    let caller = Caller::Trigger("paid".parse().expect("a name"));
    assert_eq!((whole.outcome, &whole.start.caller), (Outcome::Ok, &caller));
    assert!(whole.usage.bytes_in > 0);
    for id in ids {
        let own = records.iter().find(|it| it.start.id == id).expect("a record of the message");
        let publisher = Some(Caller::Token("ci".parse().expect("a name")));
        let name = Some("paid".parse().expect("a name"));
        let trigger = Trigger::Batched { name, publisher, batch: whole.start.id, attempt: 1 };
        assert_eq!((own.outcome, own.status, &own.start.trigger), (Outcome::Ok, 200, &trigger));
        assert_eq!(own.usage, model::Usage::default(), "what it took is counted once");
    }
}

#[tokio::test(start_paused = true)]
async fn calls_of_one_caller_to_one_path_come_together_and_no_others() {
    let (rig, token, _) = shop().await;
    let other = rig.token("other", &["f"]).await;
    rig.grant("token:other", "invoke-async", "f").await;
    for (path, token, body) in [
        ("/f/x", &token, &b"{\"n\":1}"[..]),
        ("/f/x", &other, b"{\"n\":2}"),
        ("/f/y", &token, b"{\"n\":3}"),
        ("/f/x", &token, b"\xff"),
    ] {
        let mut request = later(with_body("POST", path, Some(token), body));
        let kind = HeaderValue::from_static("application/json");
        request.headers_mut().insert("content-type", kind);
        rig.clock.forward(Duration::from_micros(1));
        rig.send(request).await.expect("accepted");
    }
    rig.work().await;
    let mut found: Vec<Vec<Value>> = rig
        .bodies()
        .iter()
        .map(|all| all.as_array().expect("a list").iter().map(|it| it["data"].clone()).collect())
        .collect();
    found.sort_by_key(|all| format!("{all:?}"));
    let (one, two, three) =
        (serde_json::json!({"n":1}), serde_json::json!({"n":2}), serde_json::json!({"n":3}));
    let mut expect = vec![vec![one, Value::Null], vec![two], vec![three]];
    expect.sort_by_key(|all| format!("{all:?}"));
    assert_eq!(found, expect);
    let whole = rig.records().into_iter().filter(|it| it.start.trigger.method() == Some("POST"));
    let callers: Vec<_> = whole.map(|it| it.start.caller.to_string()).collect();
    assert!(
        callers.contains(&"token:ci".to_owned()) && callers.contains(&"token:other".to_owned())
    );
}

#[tokio::test(start_paused = true)]
async fn only_what_failed_is_tried_again_alone_until_it_is_a_dead_letter() {
    let (rig, token, script) = shop().await;
    let ids = rig.publish_all(&token, &[("1", "a"), ("2", "b"), ("3", "c")]).await;
    *script.lock() = says(&failures(&ids[1..2]));
    rig.work().await;
    assert_eq!((rig.state(ids[0]).await, rig.state(ids[2]).await), (None, None));
    assert_eq!(rig.state(ids[1]).await, Some((State::Waiting, 1)));
    assert_eq!(rig.outcome(ids[1]).await, "queued");
    rig.work_through(3).await;
    assert_eq!(rig.state(ids[1]).await, Some((State::Dead, 3)));
    let batches = rig.batches();
    assert_eq!(batches[1..], [vec![ids[1]], vec![ids[1]]], "{batches:?}");
    let failed = |attempt| (Outcome::GuestError, Some(1428), attempt);
    assert_eq!(rig.ends_of(ids[1]), [failed(1), failed(2), failed(3)]);
    assert_eq!(rig.ends_of(ids[0]), [(Outcome::Ok, None, 1)]);
    let dead = rig.queue.find(&Scope::default(), ids[1]).await.expect("a queue").expect("it is");
    assert!(dead.error.is_some_and(|why| why.starts_with("E1428")));
    // It is one again, when it is tried again, and done when it is not said to have failed.
    *script.lock() = says("{\"batchItemFailures\":[]}");
    rig.engine.requeue(&Scope::default(), ids[1]).await.expect("a dead letter");
    rig.work().await;
    assert_eq!(rig.state(ids[1]).await, None);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_certain_to_be_done_is_a_failure_of_all() {
    let other = InvocationId::from_parts(1, [1; 8]);
    let unread = failures(&[other]);
    let long = format!("{{\"more\":\"{}\"}}", "x".repeat(70_000));
    let busy = vec![Step::Head(http::StatusCode::SERVICE_UNAVAILABLE), Step::End];
    for (steps, error, fate) in [
        (says(&unread), "E1427", (Outcome::GuestError, Some(1427), 1)),
        (says("[]"), "E1427", (Outcome::GuestError, Some(1427), 1)),
        (says(&long), "E1427", (Outcome::GuestError, Some(1427), 1)),
        (busy, "the function answered 503", (Outcome::Ok, None, 1)),
        (vec![Step::Fail(FaultKind::Trapped)], "E04", (Outcome::Trapped, Some(401), 1)),
    ] {
        let (rig, token, script) = shop().await;
        *script.lock() = steps;
        let ids = rig.publish_all(&token, &[("1", "a"), ("2", "b")]).await;
        rig.work().await;
        for id in &ids {
            let found = rig.queue.find(&Scope::default(), *id).await.expect("a queue");
            let found = found.expect("it waits");
            assert_eq!((found.state, found.attempts), (State::Waiting, 1), "{error}");
            assert!(found.error.is_some_and(|why| why.starts_with(error)), "{error}");
            let ends = rig.ends_of(*id);
            assert_eq!(ends.len(), 1, "{ends:?}");
            assert_eq!(ends[0], fate, "{error}");
        }
        // Each alone from now on; what is no JSON says by its status that it was done.
        *script.lock() = vec![Step::Head(http::StatusCode::OK), Step::Frame(b"fine"), Step::End];
        rig.clock.forward(Duration::from_secs(60));
        rig.work().await;
        assert!(rig.messages().await.is_empty(), "{error}");
        assert_eq!(rig.batches().len(), 3, "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_behind_a_failure_of_its_key_is_not_taken_for_done() {
    let (rig, token, script) = shop().await;
    let ids = rig.publish_all(&token, &[("1", "a"), ("2", "a"), ("3", "b")]).await;
    *script.lock() = says(&failures(&ids[..1]));
    rig.work().await;
    assert_eq!(rig.state(ids[0]).await, Some((State::Waiting, 1)));
    assert_eq!(rig.state(ids[1]).await, Some((State::Waiting, 0)), "its attempt does not count");
    assert_eq!(rig.state(ids[2]).await, None);
    assert_eq!(rig.ends_of(ids[1]), [(Outcome::Interrupted, Some(1429), 1)]);
    *script.lock() = says("null");
    rig.clock.forward(Duration::from_secs(3));
    rig.work().await;
    assert!(rig.messages().await.is_empty());
    assert_eq!(rig.batches()[1..], [vec![ids[0]], vec![ids[1]]]);
}

#[tokio::test(start_paused = true)]
async fn a_window_waits_for_others_and_a_full_batch_does_not_wait() {
    let (rig, token, _) = shop().await;
    let windowed =
        FUNCTION.replace(r#""paid","batch":10"#, r#""paid","batch":3,"batch_window":"30s""#);
    rig.deploy(&windowed).await.expect("deployed");
    let first = rig.publish_all(&token, &[("1", "a")]).await;
    rig.work().await;
    assert_eq!(rig.state(first[0]).await, Some((State::Waiting, 0)));
    rig.clock.forward(Duration::from_secs(10));
    rig.publish_all(&token, &[("2", "b"), ("3", "c"), ("4", "d")]).await;
    rig.work().await;
    assert_eq!(rig.batches().iter().map(Vec::len).collect::<Vec<_>>(), [3]);
    assert_eq!(rig.state(first[0]).await, None, "the oldest goes first");
    rig.clock.forward(Duration::from_secs(31));
    rig.work().await;
    assert_eq!(rig.batches().iter().map(Vec::len).collect::<Vec<_>>(), [3, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_deployment_changes_how_those_that_wait_are_done() {
    for (now, sizes) in [
        (FUNCTION.replace(r#""paid","batch":10"#, r#""paid""#), vec![]),
        (FUNCTION.replace(r#""paid","batch":10"#, r#""paid","batch":2"#), vec![2, 1]),
    ] {
        let (rig, token, script) = shop().await;
        rig.publish_all(&token, &[("1", "a"), ("2", "b"), ("3", "c")]).await;
        *script.lock() = answer();
        rig.deploy(&now).await.expect("deployed");
        rig.work().await;
        assert!(rig.messages().await.is_empty());
        assert_eq!(rig.batches().iter().map(Vec::len).collect::<Vec<_>>(), sizes);
        let alone = |it: &Record| matches!(it.start.trigger, Trigger::Event { attempt: 1, .. });
        let alone = rig.records().iter().filter(|it| alone(it)).count();
        assert_eq!(alone, if sizes.is_empty() { 3 } else { 0 });
    }
}

#[tokio::test(start_paused = true)]
async fn each_message_is_decided_about_when_it_runs() {
    let (rig, token, _) = shop().await;
    let ids = rig.publish_all(&token, &[("1", "a"), ("2", "b")]).await;
    let grant = Grant::parse("trigger:paid", "invoke", "f").expect("a grant");
    rig.engine.revoke(&Scope::default(), "operator", grant).await.expect("revoked");
    rig.work().await;
    assert!(rig.batches().is_empty() && rig.bodies().is_empty(), "nothing ran");
    for id in ids {
        assert_eq!(rig.state(id).await, Some((State::Dead, 1)));
        assert_eq!(rig.outcome(id).await, "denied");
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_one_invocation_for_caps_and_waits_as_one() {
    let (rig, token, _) = shop().await;
    let capped =
        FUNCTION.replace(r#""name":"f""#, r#""name":"f","cap":[{"per":"day","invocations":1}]"#);
    rig.deploy(&capped).await.expect("deployed");
    rig.publish_all(&token, &[("1", "a"), ("2", "b")]).await;
    rig.work().await;
    assert!(rig.messages().await.is_empty());
    let left = rig.publish_all(&token, &[("3", "a"), ("4", "b")]).await;
    rig.work().await;
    assert_eq!(rig.batches().len(), 1);
    for id in left {
        assert_eq!(rig.state(id).await, Some((State::Waiting, 0)), "no attempt counts");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_too_old_is_left_out_of_the_call() {
    let (rig, token, _) = shop().await;
    let aged = FUNCTION.replace(r#""async":{"#, r#""async":{"max_age":"30s","#);
    rig.deploy(&aged).await.expect("deployed");
    let old = rig.publish_all(&token, &[("1", "a")]).await;
    rig.clock.forward(Duration::from_secs(31));
    let new = rig.publish_all(&token, &[("2", "a")]).await;
    rig.work().await;
    assert_eq!(rig.state(old[0]).await, Some((State::Dead, 1)));
    assert_eq!(rig.batches(), [new]);
}
