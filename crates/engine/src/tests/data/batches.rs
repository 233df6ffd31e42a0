//! Sensitive data in messages that a function is called with at once.

use super::*;
use model::Scope;
use model::wire::v1::Trigger;
use ports::queue::{ListQuery, State};
use std::sync::Arc;
use std::time::Duration;

/// Publishes an event with this payload.
async fn publish(rig: &Rig, token: &str, id: &str, body: &str) {
    let fields = [
        JSON,
        ("ce-specversion", "1.0"),
        ("ce-id", id),
        ("ce-source", "/erp"),
        ("ce-type", "paid"),
    ];
    let path = "/.casemate/events/shop";
    say(rig, post(path, token, &fields, body)).await.expect("accepted");
}

async fn batching() -> (Rig, String) {
    let (rig, token) = shop(IN, Vec::new).await;
    let on = r#""on":[{"name":"paid","batch":10}],"data""#;
    let f = function(IN).replace(r#""data""#, on);
    rig.deploy_as("shop", &f, true).await.expect("deployed");
    rig.grant("token:t", "publish", "shop").await;
    (rig, token)
}

async fn work(rig: &Rig) {
    let stop = tokio::time::sleep(Duration::from_millis(500));
    Arc::clone(&rig.engine).work(4, stop).await;
}

#[tokio::test(start_paused = true)]
async fn each_message_goes_through_the_contract_and_one_that_does_not_fit_is_left_out() {
    let (rig, token) = batching().await;
    publish(&rig, &token, "1", &format!(r#"{{"card":{{"number":"{CARD}"}}}}"#)).await;
    publish(&rig, &token, "2", "{").await;
    publish(&rig, &token, "3", &format!(r#"{{"email":"{MAIL}"}}"#)).await;
    let other = r#"{"card":{"number":"5555555555554444"}}"#;
    publish(&rig, &token, "4", other).await;
    work(&rig).await;
    let bodies = rig.executor.bodies.lock().clone();
    let [body] = bodies.as_slice() else { panic!("{bodies:?}") };
    let body = String::from_utf8(body.clone()).expect("text");
    assert!(body.contains("\"411111") && body.contains("tok_email_1_"), "{body}");
    for value in [CARD, MAIL, "5555555555554444"] {
        assert!(!body.contains(value), "{body}");
    }
    let left = ports::Queue::list(&*rig.queue, ListQuery { limit: 9, ..ListQuery::default() });
    let left = left.await.expect("a queue");
    let [left] = left.as_slice() else { panic!("{left:?}") };
    assert_eq!(left.state, State::Dead, "what does not fit now never will");
    assert!(left.error.as_deref().is_some_and(|why| why.starts_with("E03")), "{left:?}");
    let record = rig.engine.record(&Scope::default(), left.id).await.expect("a record");
    assert_eq!(record.outcome, "interrupted");

    let records = rig.records();
    let whole = records.iter().find(|it| matches!(it.start.trigger, Trigger::Batch { .. }));
    let whole = whole.expect("a record of the call");
    assert_eq!(whole.labels.to_string(), "email.token,pan.card");
    let done: Vec<_> = whole.calls.iter().map(|call| call.resource.as_str()).collect();
    assert!(done.contains(&"pan at body:/card/number: card (2)"), "{done:?}");
    assert!(done.contains(&"email at body:/email: token (1)"), "{done:?}");
    let own = records.iter().filter(|it| matches!(it.start.trigger, Trigger::Batched { .. }));
    let labels: Vec<String> = own.map(|it| it.labels.to_string()).collect();
    assert_eq!(labels, ["pan.card", "email.token", "pan.card"], "each what is its own");
}

#[tokio::test(start_paused = true)]
async fn a_call_holds_no_more_values_than_are_looked_for() {
    let (rig, token) = batching().await;
    // Each has 40 KiB of them, and 64 KiB are looked for.
    let long = "a".repeat(4000);
    let contract = r#"{"at":"body:/all/*","class":"email","transform":"token"},"#;
    let on = r#""on":[{"name":"paid","batch":10}],"data""#;
    let f = function(&IN.replacen('{', &format!("{contract}{{"), 1));
    let f = f.replace(r#""data""#, on);
    rig.deploy_as("shop", &f, true).await.expect("deployed");
    for message in 0..3 {
        let all: Vec<String> = (0..10).map(|at| format!("\"{message}{at}{long}\"")).collect();
        publish(&rig, &token, &message.to_string(), &format!("{{\"all\":[{}]}}", all.join(",")))
            .await;
    }
    work(&rig).await;
    assert_eq!(rig.executor.bodies.lock().len(), 3, "as many calls as it takes");
    let left = ports::Queue::list(&*rig.queue, ListQuery { limit: 9, ..ListQuery::default() });
    assert!(left.await.expect("a queue").is_empty());
}
