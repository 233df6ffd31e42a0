//! Labels on what is written to stores and blobs, and who may read it.

use super::*;
use bytes::Bytes;
use ports::blobs;
use ports::host::HostCall;
use ports::keyvalue::{Ask, Change};

fn store(ask: Ask) -> HostCall {
    HostCall::KeyValue { store: "shared".to_owned(), ask }
}

fn container(ask: blobs::Ask) -> HostCall {
    HostCall::Blob { container: "shared".to_owned(), ask }
}

fn write() -> Step {
    let change = Change::Set { key: "k".to_owned(), value: Bytes::from_static(b"1") };
    Step::Tell(store(Ask::Write { changes: vec![change] }))
}

/// `f` has a contract and writes, `g` reads; `more` is what `g` says of data.
async fn two(more: &str) -> (Rig, String) {
    let rig = rig_to(Scripted::new(|_| Ok((200, Vec::new()))), Config::default(), &[], |request| {
        let get = || Step::Tell(store(Ask::Get { keys: vec!["k".to_owned()] }));
        let mut steps = vec![Step::Head(http::StatusCode::OK)];
        match request.uri().path() {
            "/f" => {
                steps.push(write());
                let name = "o".to_owned();
                steps.push(Step::Read(container(blobs::Ask::Put { name }), b"what it is"));
            }
            "/plain" => steps.push(write()),
            "/blob" => {
                let get = blobs::Ask::Get { name: "o".to_owned(), range: blobs::Range::ALL };
                steps.push(Step::Read(container(get), b""));
            }
            "/on" => steps.extend([get(), write()]),
            _ => steps.push(get()),
        }
        steps.push(Step::End);
        steps
    })
    .await;
    let allow = r#""allow":{"keyvalue":{"shared":"read-write"},"blobs":{"shared":"read-write"}}"#;
    let f = format!(r#"{{"name":"f","http":[{{"route":"* /f"}}],{allow},"data":{{{IN}}}}}"#);
    let routes = ["/g", "/plain", "/blob", "/on"].map(|it| format!(r#"{{"route":"* {it}"}}"#));
    let g = format!(r#"{{"name":"g","http":[{}],{allow}{more}}}"#, routes.join(","));
    rig.deploy_as("shop", &format!("{f},{g}"), true).await.expect("deployed");
    let token = rig.token("t", &["f", "g"]).await;
    (rig, token)
}

async fn labels_after(rig: &Rig, token: &str, path: &str, body: &str) -> String {
    say(rig, post(path, token, &[JSON], body)).await.expect("answered");
    last(rig).labels.to_string()
}

#[tokio::test]
async fn what_was_written_with_labels_is_read_with_them() {
    let (rig, token) = two("").await;
    labels_after(&rig, &token, "/plain", "").await;
    assert_eq!(labels_after(&rig, &token, "/g", "").await, "", "nothing is known of it");
    let body = format!(r#"{{"email":"{MAIL}"}}"#);
    assert_eq!(labels_after(&rig, &token, "/f", &body).await, "email.token");
    assert_eq!(labels_after(&rig, &token, "/g", "").await, "email.token");
    let read = last(&rig).calls.into_iter().find(|call| call.operation == "keyvalue.get");
    assert_eq!(read.expect("recorded").labels.to_string(), "email.token");
    assert_eq!(labels_after(&rig, &token, "/blob", "").await, "email.token");
    // What reads it and writes passes it on.
    labels_after(&rig, &token, "/on", "").await;
    assert_eq!(labels_after(&rig, &token, "/g", "").await, "email.token");
    labels_after(&rig, &token, "/plain", "").await;
    assert_eq!(labels_after(&rig, &token, "/g", "").await, "", "another value is there");
}

#[tokio::test]
async fn a_function_reads_what_it_is_cleared_for_and_nothing_else() {
    let body = format!(r#"{{"email":"{MAIL}"}}"#);
    for (clearance, may) in [
        (r#""email""#, true),
        (r#""email.token""#, true),
        (r#""email.clear","pan""#, false),
        ("", false),
    ] {
        let (rig, token) = two(&format!(r#","data":{{"clearance":[{clearance}]}}"#)).await;
        labels_after(&rig, &token, "/plain", "").await;
        assert_eq!(labels_after(&rig, &token, "/g", "").await, "", "nothing is known of it");
        labels_after(&rig, &token, "/f", &body).await;
        for path in ["/g", "/blob"] {
            let (_, said) = say(&rig, post(path, &token, &[JSON], "")).await.expect("answered");
            assert_eq!(!said.contains("Denied"), may, "{clearance} {path}: {said}");
            let record = last(&rig);
            assert_eq!(record.labels.to_string(), if may { "email.token" } else { "" });
            let denied = record.calls.iter().any(|call| call.decision == Decision::Denied);
            assert_eq!(denied, !may, "{clearance} {path}: {:?}", record.calls);
        }
        let told = rig.lines().iter().any(|line| line.text.contains("E0323"));
        assert_eq!(told, !may, "{clearance}");
    }
}

#[tokio::test]
async fn a_function_that_is_not_cleared_is_not_called_with_it() {
    let rig = rig_to(Scripted::new(|_| Ok((200, Vec::new()))), Config::default(), &[], |request| {
        let call = || ask("http://g.fn.casemate.internal/g", b"x");
        match request.uri().path() {
            "/f" => vec![Step::Head(http::StatusCode::OK), call(), Step::End],
            _ => vec![Step::Head(http::StatusCode::OK), Step::Frame(b"reached"), Step::End],
        }
    })
    .await;
    let f = function(IN).replace(r#""allow":{"#, r#""allow":{"invoke":["g"],"#);
    let both = format!(r#"{f},{{"name":"g","data":{{"clearance":["pan"]}}}}"#);
    rig.deploy_as("shop", &both, true).await.expect("deployed");
    let token = rig.token("t", &["f"]).await;
    let body = |field: &str| format!(r#"{{{field}}}"#);
    let pan = body(&format!(r#""card":{{"number":"{CARD}"}}"#));
    let (_, said) = say(&rig, post("/f", &token, &[JSON], &pan)).await.expect("answered");
    assert!(said.contains("reached"), "{said}");
    let mail = body(&format!(r#""email":"{MAIL}""#));
    let (_, said) = say(&rig, post("/f", &token, &[JSON], &mail)).await.expect("answered");
    assert!(!said.contains("reached"), "{said}");
}
