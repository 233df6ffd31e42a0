//! Where the end of a call is told: to whom, once, and with what.

use super::*;
use model::wire::queued::Call;
use model::wire::v1::Caller;
use ports::queue::Status;
use serde_json::Value;

const ROUTE: &str = r#""http":[{"route":"* /f/{*rest}"}]"#;

/// An engine with `f`, whose calls end as `script` says, and more functions; and a token for `f`.
async fn telling(config: Config, later: &str, more: &str, script: Script) -> (Rig, String) {
    let rig = rig_with(config, &[], move |request| match request.uri().path() {
        "/f/x" => script(),
        _ => vec![Step::Head(http::StatusCode::OK), Step::Echo, Step::End],
    })
    .await;
    let functions = format!(r#"{{"name":"f",{ROUTE},"async":{later}}}{more}"#);
    rig.deploy(&functions).await.expect("deployed");
    let token = rig.token("ci", &["f"]).await;
    rig.grant("token:ci", "invoke-async", "f").await;
    (rig, token)
}

/// How a call ends.
type Script = fn() -> Vec<Step>;

/// A function whose calls wait for a minute, so that they can be looked at.
const SLOW_G: &str = r#",{"name":"g","async":{"delay":"1m"}}"#;

fn done() -> Vec<Step> {
    vec![Step::Head(http::StatusCode::CREATED), Step::Frame(b"hello"), Step::End]
}

impl Rig {
    async fn in_queue(&self) -> Vec<Status> {
        self.queue.list(ListQuery { limit: 99, ..ListQuery::default() }).await.expect("a queue")
    }

    /// The call of the one message that is there, and its body as JSON.
    async fn only(&self) -> (Status, Call, Value) {
        let mut all = self.in_queue().await;
        assert_eq!(all.len(), 1, "{all:?}");
        let status = all.remove(0);
        let payload = self.queue.payload(&Scope::default(), status.id).await.expect("a queue");
        let payload = payload.expect("it is there");
        let (call, at) = Call::decode(&payload).expect("a call");
        let body = serde_json::from_slice(&payload[at..]).expect("JSON");
        (status, call, body)
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_done_calls_a_function_with_what_came_of_it() {
    let later = r#"{"on_success":{"invoke":"g"}}"#;
    let (rig, token) = telling(Config::default(), later, SLOW_G, done).await;
    rig.grant("function:f", "invoke", "g").await;
    let id = rig.leave(&token).await;
    rig.work().await;
    assert_eq!((rig.outcome(id).await.as_str(), rig.state(id).await), ("ok", None));
    let (status, call, event) = rig.only().await;
    assert_eq!(status.function.name.as_str(), "g");
    assert_eq!(
        (call.caller.to_string(), call.method),
        ("function:f".to_owned(), "POST".to_owned())
    );
    assert_eq!(
        (event["type"].as_str(), event["source"].as_str(), event["subject"].as_str()),
        (
            Some("dev.casemate.invocation.succeeded"),
            Some("/tenants/default/environments/main/functions/f"),
            Some(id.to_string().as_str())
        )
    );
    let reply = serde_json::json!({ "status": 201, "bytes": 5, "body": "hello" });
    assert_eq!(
        event["data"],
        serde_json::json!({
            "invocation": id, "function": "f", "cause": "done", "attempts": 1, "reply": reply,
        })
    );
    rig.work().await;
    assert_eq!(rig.records().len(), 1, "its own delay holds");
    rig.clock.forward(Duration::from_secs(61));
    rig.work().await;
    let records = rig.records();
    let [_, told] = records.as_slice() else { panic!("{records:?}") };
    assert_eq!(told.outcome, Outcome::Ok);
    assert_eq!((told.start.parent, told.start.root, told.start.depth), (Some(id), id, 1));
    let publisher = Caller::Function("f".parse().expect("a name"));
    assert_eq!(told.start.caller, publisher);
    let name = "on-success".parse().expect("a name");
    assert_eq!(told.start.trigger, Trigger::Event { name, publisher, attempt: 1 });
    assert!(rig.in_queue().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_given_up_is_published_and_kept() {
    let later = r#"{"retries":1,"on_failure":{"publish":"shop"}}"#;
    let more = r#",{"name":"h","async":{"delay":"1h"},
        "on":[{"name":"lost","type":"dev.casemate.invocation.failed"}]}"#;
    let script = || vec![Step::Head(http::StatusCode::BAD_GATEWAY), Step::Frame(b"no"), Step::End];
    let (rig, token) = telling(Config::default(), later, more, script).await;
    rig.grant("function:f", "publish", "shop").await;
    rig.grant("trigger:lost", "invoke", "h").await;
    let id = rig.leave(&token).await;
    rig.work().await;
    assert_eq!(rig.in_queue().await.len(), 1, "it is not over");
    rig.clock.forward(Duration::from_secs(10));
    rig.work().await;
    assert_eq!(rig.state(id).await, Some((State::Dead, 2)), "the manifest's retries count");
    assert_eq!(rig.engine.purge(&Scope::default(), Purge::One(id)).await, Ok(1));
    let (_, call, data) = rig.only().await;
    assert_eq!(call.caller.to_string(), "trigger:lost");
    let field = |name: &str| {
        let own = call.headers.iter().find(|(own, _)| own == name);
        own.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
    };
    assert_eq!(field("ce-type").as_deref(), Some("dev.casemate.invocation.failed"));
    assert_eq!(field("ce-subject"), Some(id.to_string()));
    assert_eq!((data["cause"].as_str(), data["attempts"].as_u64()), (Some("attempts"), Some(2)));
    assert_eq!(data["error"], "the function answered 502");
    assert_eq!(data["reply"], serde_json::json!({ "status": 502, "bytes": 2, "body": "no" }));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_too_old_or_denied_says_so_and_nothing_of_the_request_is_told() {
    let later = r#"{"max_age":"1m","on_failure":{"invoke":"g"}}"#;
    let more = r#",{"name":"g","async":{"delay":"1h"}}"#;
    let (rig, token) = telling(Config::default(), later, more, done).await;
    rig.grant("function:f", "invoke", "g").await;
    let id = rig.leave(&token).await;
    rig.clock.forward(Duration::from_secs(61));
    rig.work().await;
    assert_eq!(rig.records().len(), 0, "it does not run");
    assert_eq!(rig.engine.purge(&Scope::default(), Purge::One(id)).await, Ok(1));
    let (_, call, event) = rig.only().await;
    assert_eq!(
        (event["data"]["cause"].as_str(), &event["data"]["reply"]),
        (Some("age"), &Value::Null)
    );
    assert_eq!(event["data"]["attempts"], 0, "it was never tried");
    assert!(!format!("{call:?}{event}").contains("/f/x"), "{event}");
    // One that may not any more.
    let (rig, token) = telling(Config::default(), later, more, done).await;
    rig.grant("function:f", "invoke", "g").await;
    let id = rig.leave(&token).await;
    let grant = Grant::parse("token:ci", "invoke", "f").expect("a grant");
    rig.engine.revoke(&Scope::default(), "operator", grant).await.expect("revoked");
    rig.work().await;
    assert_eq!(rig.engine.purge(&Scope::default(), Purge::One(id)).await, Ok(1));
    assert_eq!(rig.only().await.2["data"]["cause"], "refused");
}

#[tokio::test(start_paused = true)]
async fn nobody_is_told_without_a_grant_of_the_function_s_own() {
    for told in [r#"{"invoke":"g"}"#, r#"{"publish":"shop"}"#, r#"{"invoke":"nowhere"}"#] {
        let later = format!(r#"{{"on_success":{told}}}"#);
        let more = r#",{"name":"g","on":[{"name":"all"}]}"#;
        let (rig, token) = telling(Config::default(), &later, more, done).await;
        rig.grant("trigger:all", "invoke", "g").await;
        // Its caller's grants are not its own.
        rig.grant("token:ci", "invoke", "g").await;
        rig.grant("token:ci", "publish", "shop").await;
        let id = rig.leave(&token).await;
        rig.work().await;
        assert_eq!((rig.state(id).await, rig.records().len()), (None, 1), "{told}");
        assert!(rig.in_queue().await.is_empty(), "{told}");
    }
    // What was granted when it was told, and is not any more, does not run.
    let later = r#"{"on_success":{"invoke":"g"}}"#;
    let (rig, token) = telling(Config::default(), later, SLOW_G, done).await;
    rig.grant("function:f", "invoke", "g").await;
    rig.leave(&token).await;
    rig.work().await;
    let grant = Grant::parse("function:f", "invoke", "g").expect("a grant");
    rig.engine.revoke(&Scope::default(), "operator", grant).await.expect("revoked");
    rig.clock.forward(Duration::from_secs(61));
    rig.work().await;
    assert_eq!(rig.only().await.0.state, State::Dead);
    assert_eq!(rig.records().last().map(|it| it.outcome), Some(Outcome::Denied));
}

#[tokio::test(start_paused = true)]
async fn a_policy_of_the_operator_forbids_what_is_told() {
    let forbid = r#"forbid(principal is Casemate::Function, action, resource)
        when { context has trigger && context.trigger == "destination" };"#;
    let policies = [("op.cedar".to_owned(), forbid.to_owned())];
    let rig = rig_with(Config::default(), &policies, |_| done()).await;
    let f = format!(r#"{{"name":"f",{ROUTE},"async":{{"on_success":{{"invoke":"g"}}}}}}"#);
    rig.deploy(&format!("{f}{SLOW_G}")).await.expect("deployed");
    let token = rig.token("ci", &["f"]).await;
    rig.grant("token:ci", "invoke-async", "f").await;
    rig.grant("function:f", "invoke", "g").await;
    rig.leave(&token).await;
    rig.work().await;
    assert_eq!(rig.records().len(), 1);
    assert!(rig.in_queue().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn ends_that_are_told_in_a_circle_come_to_an_end() {
    let later = r#"{"on_success":{"invoke":"f"},"on_failure":{"invoke":"f"}}"#;
    let (rig, token) = telling(Config::default(), later, "", done).await;
    rig.grant("function:f", "invoke", "f").await;
    rig.leave(&token).await;
    for _ in 0..40 {
        rig.work().await;
    }
    let depths: Vec<u16> = rig.records().iter().map(|it| it.start.depth).collect();
    assert_eq!(depths, (0..=16).collect::<Vec<_>>());
    assert!(rig.in_queue().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_finds_no_room_leaves_its_call_as_a_dead_letter() {
    let quota = Quota { messages: 1, bytes: 1 << 20 };
    let queue = QueueLimits { quota, ..QueueLimits::default() };
    let config = Config { queue, ..Config::default() };
    let later = r#"{"on_success":{"invoke":"g"}}"#;
    let (rig, token) = telling(config, later, SLOW_G, done).await;
    rig.grant("function:f", "invoke", "g").await;
    rig.engine.submit(&testkit::queue::function("g"), get("/", None)).await.expect("it is full");
    let id = rig.leave(&token).await;
    rig.work().await;
    assert_eq!(rig.state(id).await, Some((State::Dead, 1)));
    let all = rig.in_queue().await;
    let dead = all.iter().find(|it| it.id == id).and_then(|it| it.error.as_deref());
    assert!(dead.is_some_and(|why| why.starts_with("E1424: ")), "{dead:?}");
    // With room again it can be told.
    rig.clock.forward(Duration::from_secs(61));
    rig.work().await;
    rig.engine.requeue(&Scope::default(), id).await.expect("a dead letter");
    rig.work().await;
    assert_eq!(rig.only().await.0.function.name.as_str(), "g");
}

#[tokio::test(start_paused = true)]
async fn a_long_reply_is_told_by_its_length_and_bytes_in_base64() {
    static LONG: [u8; 70_000] = [b'a'; 70_000];
    let long = || vec![Step::Head(http::StatusCode::OK), Step::Frame(&LONG), Step::End];
    let bytes = || vec![Step::Head(http::StatusCode::OK), Step::Frame(b"\xff\x00"), Step::End];
    let scripts: [(Script, Value); 2] = [
        (long, serde_json::json!({ "status": 200, "bytes": 70_000 })),
        (bytes, serde_json::json!({ "status": 200, "bytes": 2, "body_base64": "/wA=" })),
    ];
    for (script, expect) in scripts {
        let later = r#"{"on_success":{"invoke":"g"}}"#;
        let (rig, token) = telling(Config::default(), later, SLOW_G, script).await;
        rig.grant("function:f", "invoke", "g").await;
        rig.leave(&token).await;
        rig.work().await;
        assert_eq!(rig.only().await.2["data"]["reply"], expect);
    }
}
