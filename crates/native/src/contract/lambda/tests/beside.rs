//! Extensions beside a runtime.

use super::rig::{LONG, Line, Said, event, pending, rig, with};
use crate::contract::Conversation as _;
use ports::executor::FaultKind;
use serde_json::json;

const REGISTER: &str = "/2020-01-01/extension/register";

async fn register(line: &mut Line, name: &str, body: &str) -> Said {
    let name = format!("lambda-extension-name: {name}");
    line.ask("POST", REGISTER, &[&name, "lambda-extension-accept-feature: accountId"], body).await
}

async fn joined(line: &mut Line, name: &str) -> String {
    let said = register(line, name, r#"{"events":["INVOKE","SHUTDOWN"]}"#).await;
    assert_eq!(said.status, 200);
    format!(
        "lambda-extension-identifier: {}",
        said.field("lambda-extension-identifier").expect("an id")
    )
}

async fn put_next(line: &mut Line, id: &str) {
    line.put("GET", "/2020-01-01/extension/event/next", &[id], "").await;
}

#[tokio::test]
async fn an_extension_is_told_of_invocations_and_of_the_end() {
    let rig = with(|facts| facts.extensions = vec!["agent".to_owned()]).await;
    let (mut runtime, mut extension) = (rig.line().await, rig.line().await);
    let said = register(&mut extension, "agent", r#"{"events":["INVOKE","SHUTDOWN"]}"#).await;
    let expected = json!({
        "functionName": "shop", "functionVersion": "$LATEST", "handler": "app.handler",
        "accountId": "000000000000",
    });
    assert_eq!(said.json(), expected);
    let id = format!(
        "lambda-extension-identifier: {}",
        said.field("lambda-extension-identifier").expect("an id")
    );
    runtime.put("GET", "/2018-06-01/runtime/invocation/next", &[], "").await;
    let ready = rig.lambda.ready();
    let mut ready = std::pin::pin!(ready);
    assert!(pending(ready.as_mut()).await, "the extension is not");
    put_next(&mut extension, &id).await;
    tokio::time::timeout(LONG, ready).await.expect("ready").expect("ready");

    let answer = rig.begin(event("id-1", "{}"));
    let told = extension.said().await;
    assert_eq!(told.json()["eventType"], "INVOKE");
    assert_eq!(told.json()["requestId"], "id-1");
    assert!(told.field("lambda-extension-event-identifier").is_some());
    runtime.said().await;
    runtime.respond("id-1", "1").await;
    answer.await.expect("no panic").expect("an answer");
    runtime.put("GET", "/2018-06-01/runtime/invocation/next", &[], "").await;
    let settled = rig.lambda.settled();
    let mut settled = std::pin::pin!(settled);
    assert!(pending(settled.as_mut()).await, "the extension is busy");
    put_next(&mut extension, &id).await;
    tokio::time::timeout(LONG, settled).await.expect("settled");

    let lambda = std::sync::Arc::clone(&rig.lambda);
    let stopped = tokio::spawn(async move { lambda.stop().await });
    let told = extension.said().await.json();
    assert_eq!(
        (&told["eventType"], &told["shutdownReason"]),
        (&json!("SHUTDOWN"), &json!("spindown"))
    );
    put_next(&mut extension, &id).await;
    tokio::time::timeout(LONG, stopped).await.expect("stopped").expect("no panic");
}

#[tokio::test]
async fn what_extensions_may_not_is_said_in_awss_words() {
    let rig = rig().await;
    let mut line = rig.line().await;
    let error = |kind: &str| (403, kind.to_owned());
    let events = r#"{"events":["INVOKE"]}"#;
    let said = line.ask("POST", REGISTER, &[], events).await;
    assert_eq!(said.error(), error("Extension.InvalidExtensionName"));
    let said = register(&mut line, "a", r#"{"events":["SLEEP"]}"#).await;
    assert_eq!(said.error(), error("Extension.InvalidEventType"));
    let said = register(&mut line, "a", "{").await;
    assert_eq!(said.error(), error("InvalidRequestFormat"));
    let said = register(&mut line, "a", r#"{"configurationKeys":["a"]}"#).await;
    assert_eq!(said.error(), error("InvalidRequestFormat"));
    let id = joined(&mut line, "a").await;
    let said = register(&mut line, "a", events).await;
    assert_eq!(said.error(), error("Extension.InvalidExtensionState"));
    for number in 0..9 {
        assert_eq!(register(&mut line, &format!("b{number}"), events).await.status, 200);
    }
    let said = register(&mut line, "one-more", events).await;
    assert_eq!(said.error(), error("Extension.TooManyExtensions"));

    let next = "/2020-01-01/extension/event/next";
    for (field, kind) in [
        ("x: y", "Extension.MissingExtensionIdentifier"),
        ("lambda-extension-identifier: me", "Extension.InvalidExtensionIdentifier"),
        (
            "lambda-extension-identifier: 11111111-0000-4000-8000-000000000000",
            "Extension.UnknownExtensionIdentifier",
        ),
    ] {
        assert_eq!(line.ask("GET", next, &[field], "").await.error(), error(kind));
    }
    let said = line.ask("POST", "/2020-01-01/extension/init/error", &[&id], "{}").await;
    assert_eq!(said.error(), error("Extension.MissingHeader"));

    let mut runtime = rig.line().await;
    let answer = rig.begin(event("id-1", "{}"));
    runtime.next().await;
    let said = register(&mut line, "late", events).await;
    assert_eq!(said.error(), error("Extension.RegistrationClosed"));
    runtime.respond("id-1", "1").await;
    answer.await.expect("no panic").expect("an answer");
}

#[tokio::test]
async fn an_extension_that_ends_takes_the_invocation_with_it() {
    let rig = rig().await;
    let (mut runtime, mut line) = (rig.line().await, rig.line().await);
    let id = joined(&mut line, "agent").await;
    let answer = rig.begin(event("id-1", "{}"));
    runtime.next().await;
    let kind = "lambda-extension-function-error-type: Extension.Lost";
    let said = line.ask("POST", "/2020-01-01/extension/exit/error", &[&id, kind], "{}").await;
    assert_eq!(said.status, 202);
    let fault = answer.await.expect("no panic").expect_err("it ended");
    assert_eq!(fault.kind, FaultKind::GuestError);
    assert_eq!(fault.reason, "the extension `agent` ended: Extension.Lost");
}

#[tokio::test]
async fn telemetry_is_refused_as_aws_does_where_it_has_none() {
    let rig = rig().await;
    let mut line = rig.line().await;
    let id = joined(&mut line, "agent").await;
    for (path, kind) in [
        ("/2022-07-01/telemetry", "Telemetry.NotSupported"),
        ("/2020-08-15/logs", "Logs.NotSupported"),
    ] {
        let said = line.ask("PUT", path, &[&id], r#"{"types":["platform"]}"#).await;
        assert_eq!(said.error(), (202, kind.to_owned()));
    }
}
