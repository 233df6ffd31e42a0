//! What operators see of a call in the queue, and what they do not.

use super::*;
use model::act::LeafAct;

const PLAIN: &str = r#"{"name":"f","http":[{"route":"* /f/{*rest}"}]}"#;
const CONTRACT: &str = r#"{"name":"f","http":[{"route":"* /f/{*rest}"}],"on":[{"name":"all"}],
    "data":{"in":[{"at":"body:/email","class":"email","transform":"token"},
                  {"at":"query:mail","class":"email","transform":"token"}]}}"#;
const MAIL: &str = "ada.lovelace@example.com";

async fn peeking(function: &str) -> (Rig, String) {
    let rig = rig(|_| answer()).await;
    rig.deploy(function).await.expect("deployed");
    let token = rig.token("ci", &["f"]).await;
    rig.grant("token:ci", "invoke-async", "f").await;
    (rig, token)
}

async fn put(rig: &Rig, token: &str, path: &str, body: &'static str) -> InvocationId {
    let mut request = later(with_body("POST", path, Some(token), body.as_bytes()));
    let json = HeaderValue::from_static("application/json");
    request.headers_mut().insert("content-type", json);
    request.headers_mut().insert("cookie", HeaderValue::from_static("session=SECRET"));
    let response = rig.send(request).await.expect("accepted");
    response.headers()["casemate-invocation"].to_str().expect("text").parse().expect("an id")
}

#[tokio::test(start_paused = true)]
async fn what_waits_can_be_seen_and_the_ledger_says_who_looked() {
    let (rig, token) = peeking(PLAIN).await;
    let id = put(&rig, &token, "/f/x?q=1", r#"{"n":1}"#).await;
    let peeked = rig.engine.peek(&Scope::default(), "operator", id).await.expect("seen");
    assert_eq!(
        (peeked.body.as_deref(), peeked.bytes, peeked.masked),
        (Some(r#"{"n":1}"#), 7, None)
    );
    assert_eq!((peeked.method.as_str(), peeked.target.as_str()), ("POST", "/f/x?q=1"));
    assert_eq!((peeked.caller.as_str(), peeked.function.as_str()), ("token:ci", "f"));
    assert_eq!(peeked.headers["content-type"], "application/json");
    assert_eq!(peeked.headers["cookie"], "(covered)", "somebody's credential");
    let entries = rig.engine.ledger_entries(peeked.leaf, 1).await.expect("a ledger");
    let LeafAct::QueuePeek { function, invocation } = &entries.items[0].leaf.act else {
        panic!("{entries:?}")
    };
    assert_eq!((function.as_str(), *invocation), ("f", id));
    // It is still there, and nobody else's environment has it.
    let elsewhere = Scope { environment: "other".parse().expect("a name"), ..Scope::default() };
    let missing = rig.engine.peek(&elsewhere, "operator", id).await.expect_err("not there");
    assert_eq!(missing.code, Code::NoSuchMessage);
    assert_eq!(rig.state(id).await, Some((State::Waiting, 0)));
}

#[tokio::test(start_paused = true)]
async fn nothing_of_a_call_with_sensitive_data_is_shown() {
    let (rig, token) = peeking(CONTRACT).await;
    let path = "/f/x?mail=ada.lovelace%40example.com";
    let body = r#"{"email":"ada.lovelace@example.com","name":"Ada"}"#;
    let id = put(&rig, &token, path, body).await;
    let peeked = rig.engine.peek(&Scope::default(), "operator", id).await.expect("seen");
    let text = serde_json::to_string(&peeked).expect("JSON");
    assert!(!text.contains("Ada") && !text.contains("tok_") && !text.contains("/f/x"), "{text}");
    assert_eq!(peeked.masked.as_deref(), Some("it is known to contain email.token"));
    // An event lies there as it came: its contract is applied when the call runs.
    rig.grant("token:ci", "publish", "shop").await;
    rig.grant("trigger:all", "invoke", "f").await;
    let mut request = with_body("POST", "/.casemate/events/shop", Some(&token), body.as_bytes());
    for (name, value) in
        [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", MAIL), ("ce-type", "t")]
    {
        request.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    assert_eq!(rig.send(request).await.expect("accepted").status(), 202);
    let query = ListQuery { limit: 9, ..ListQuery::default() };
    let all = rig.queue.list(query).await.expect("a queue");
    let event = all.iter().find(|it| it.id != id).expect("a call");
    let peeked = rig.engine.peek(&Scope::default(), "operator", event.id).await.expect("seen");
    let text = serde_json::to_string(&peeked).expect("JSON");
    assert!(["ada.", "lovelace", "Ada"].iter().all(|part| !text.contains(part)), "{text}");
    assert!(peeked.masked.is_some_and(|why| why.contains("contract")));
}
