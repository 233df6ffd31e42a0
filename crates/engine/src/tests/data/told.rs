//! What is known of sensitive data in a call, where its end is told.

use super::*;
use model::Scope;
use model::wire::queued::Call;
use ports::queue::ListQuery;
use std::sync::Arc;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn labels_of_request_and_reply_go_with_what_is_told_and_no_value_does() {
    let (rig, token) = shop(IN, Vec::new).await;
    let later = r#""async":{"on_success":{"invoke":"g"}},"data""#;
    let f = function(IN).replace(r#""data""#, later);
    let g = r#"{"name":"g","async":{"delay":"1m"},"data":{"clearance":["email.token"]}}"#;
    rig.deploy_as("shop", &format!("{f},{g}"), true).await.expect("deployed");
    rig.grant("token:t", "invoke-async", "f").await;
    let body = format!(r#"{{"card":{{"number":"{CARD}"}},"email":"{MAIL}"}}"#);
    let fields = [JSON, ("prefer", "respond-async")];
    say(&rig, post("/f", &token, &fields, &body)).await.expect("accepted");
    let stop = tokio::time::sleep(Duration::from_millis(500));
    Arc::clone(&rig.engine).work(4, stop).await;
    let query = || ListQuery { limit: 9, ..ListQuery::default() };
    let waiting = ports::Queue::list(&*rig.queue, query()).await.expect("a queue");
    let [told] = waiting.as_slice() else { panic!("{waiting:?}") };
    let payload = ports::Queue::payload(&*rig.queue, &Scope::default(), told.id).await;
    let payload = payload.expect("a queue").expect("it is there");
    let (call, at) = Call::decode(&payload).expect("a call");
    let event: serde_json::Value = serde_json::from_slice(&payload[at..]).expect("JSON");
    let labels = "email.token,pan.card";
    assert_eq!(event["dataclassification"], labels);
    let field = call.headers.iter().find(|(name, _)| name == "ce-dataclassification");
    assert_eq!(field.map(|(_, value)| value.as_slice()), Some(labels.as_bytes()));
    let text = event.to_string();
    assert!(
        text.contains("tok_email_1_") && !text.contains(MAIL) && !text.contains(CARD),
        "{text}"
    );
    // A function that is not cleared for it is not called with it.
    rig.clock.forward(Duration::from_secs(61));
    let stop = tokio::time::sleep(Duration::from_millis(500));
    Arc::clone(&rig.engine).work(4, stop).await;
    let left = ports::Queue::list(&*rig.queue, query()).await.expect("a queue");
    let error = left.first().and_then(|it| it.error.as_deref());
    assert!(error.is_some_and(|why| why.starts_with("E0323")), "{left:?}");
}
