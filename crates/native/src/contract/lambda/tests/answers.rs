//! What a runtime answers, whole and in pieces, and what becomes of it.

use super::rig::{event, request, rig, with};
use crate::contract::Conversation as _;
use model::manifest::EventForm;
use ports::executor::FaultKind;
use serde_json::json;

#[tokio::test]
async fn an_event_goes_to_the_runtime_and_its_answer_comes_back() {
    let rig = rig().await;
    let mut line = rig.line().await;
    let answer = rig.begin(event("id-1", r#"{"a":1}"#));
    let next = line.next().await;
    assert_eq!((next.status, next.body.as_str()), (200, r#"{"a":1}"#));
    assert_eq!(next.field("lambda-runtime-aws-request-id"), Some("id-1"));
    assert_eq!(next.field("lambda-runtime-deadline-ms"), Some("4102444800000"));
    let arn = "arn:aws:lambda:us-east-1:000000000000:function:shop";
    assert_eq!(next.field("lambda-runtime-invoked-function-arn"), Some(arn));
    assert_eq!(next.field("content-type"), Some("application/json"));
    let said = line.respond("id-1", r#"{"b":2}"#).await;
    assert_eq!((said.status, said.json()), (202, json!({ "status": "OK" })));
    let answer = answer.await.expect("no panic").expect("an answer");
    assert_eq!((answer.head.status.as_u16(), answer.text()), (200, r#"{"b":2}"#));
    assert_eq!(answer.head.headers["content-type"], "application/json");
    assert!(answer.failed.is_none());
}

#[tokio::test]
async fn a_request_goes_as_an_event_and_its_reply_is_a_response() {
    let rig = rig().await;
    let mut line = rig.line().await;
    let answer = rig.begin(request("id-1", "http://shop.example/a?b=c", "hi"));
    let event = line.next().await.json();
    assert_eq!((&event["version"], &event["rawPath"]), (&json!("2.0"), &json!("/a")));
    line.respond("id-1", r#"{"statusCode":418,"body":"tea"}"#).await;
    let answer = answer.await.expect("no panic").expect("an answer");
    assert_eq!((answer.head.status.as_u16(), answer.text()), (418, "tea"));
}

#[tokio::test]
async fn the_form_of_events_is_the_functions() {
    let rig = with(|facts| facts.form = EventForm::Alb).await;
    let mut line = rig.line().await;
    let answer = rig.begin(request("id-1", "http://shop.example/a", ""));
    assert!(line.next().await.json()["requestContext"]["elb"].is_object());
    line.respond("id-1", r#""no reply of a load balancer's target""#).await;
    let fault = answer.await.expect("no panic").expect_err("malformed");
    assert_eq!(fault.kind, FaultKind::BadResponse);
}

#[tokio::test]
async fn an_error_is_told_in_the_functions_words() {
    let rig = rig().await;
    let mut line = rig.line().await;
    let body = r#"{"errorMessage":"no","errorType":"ValueError","stackTrace":[]}"#;
    let answer = rig.begin(event("id-1", "{}"));
    line.next().await;
    assert_eq!(line.fail("id-1", body).await.status, 202);
    let answer = answer.await.expect("no panic").expect("an answer");
    assert_eq!((answer.head.status.as_u16(), answer.text()), (200, body));
    assert_eq!(answer.head.headers["x-amz-function-error"], "Unhandled");
    let failed = answer.failed.expect("it failed");
    assert_eq!((failed.kind, failed.reason.as_str()), (FaultKind::GuestError, "ValueError: no"));

    let answer = rig.begin(request("id-2", "http://shop.example/", ""));
    line.next().await;
    line.fail("id-2", body).await;
    let fault = answer.await.expect("no panic").expect_err("it failed");
    assert_eq!((fault.kind, fault.reason.as_str()), (FaultKind::GuestError, "ValueError: no"));
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_refused_and_drained() {
    let rig = with(|facts| facts.response_bytes_max = 10).await;
    let mut line = rig.line().await;
    let answer = rig.begin(event("id-1", "{}"));
    line.next().await;
    let said = line.respond("id-1", &"x".repeat(300_000)).await;
    assert_eq!(said.error(), (413, "RequestEntityTooLarge".to_owned()));
    let answer = answer.await.expect("no panic").expect("an answer");
    assert_eq!(answer.json()["errorType"], "Function.ResponseSizeTooLarge");
    let message = "Response payload size exceeded maximum allowed payload size (10 bytes).";
    assert_eq!(answer.json()["errorMessage"], message);
    assert_eq!(answer.failed.expect("it failed").kind, FaultKind::ResponseTooLarge);
    // The line is still good.
    let answer = rig.begin(event("id-2", "{}"));
    line.next().await;
    line.respond("id-2", "1").await;
    assert_eq!(answer.await.expect("no panic").expect("an answer").text(), "1");
}

#[tokio::test]
async fn half_an_answer_is_none() {
    let rig = rig().await;
    for head in ["content-length: 100", "transfer-encoding: chunked"] {
        let mut line = rig.line().await;
        let answer = rig.begin(event("id-1", "{}"));
        line.next().await;
        let head = format!(
            "POST /2018-06-01/runtime/invocation/id-1/response HTTP/1.1\r\nhost: a\r\n{head}\r\n\r\n5\r\nabcde"
        );
        line.send(head.as_bytes()).await;
        drop(line);
        let answer = answer.await.expect("no panic");
        let failed = match answer {
            Ok(answer) => answer.failed.expect("it failed"),
            Err(fault) => fault,
        };
        assert_eq!(failed.kind, FaultKind::BadResponse, "{head}");
    }
}

const STREAM: &str = "POST /2018-06-01/runtime/invocation/id-1/response HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\nlambda-runtime-function-response-mode: streaming\r\ntrailer: lambda-runtime-function-error-type, lambda-runtime-function-error-body\r\n";

fn chunk(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

#[tokio::test]
async fn a_stream_is_passed_on_while_it_comes() {
    let rig = rig().await;
    let mut line = rig.line().await;
    let lambda = std::sync::Arc::clone(&rig.lambda);
    let answer =
        tokio::spawn(async move { lambda.call(request("id-1", "http://a.example/", "")).await });
    line.next().await;
    let head = format!(
        "{STREAM}content-type: application/vnd.awslambda.http-integration-response\r\n\r\n"
    );
    line.send(head.as_bytes()).await;
    line.send(&chunk(b"{\"statusCode\":203,\"headers\":{\"x-a\":\"b\"}}\0\0\0")).await;
    line.send(&chunk(b"\0\0\0\0\0one")).await;
    let answer = answer.await.expect("no panic").expect("a head");
    let (head, mut body) = answer.response.into_parts();
    assert_eq!((head.status.as_u16(), &head.headers["x-a"]), (203, &"b".parse().expect("a value")));
    use http_body_util::BodyExt as _;
    let frame = body.frame().await.expect("a frame").expect("good").into_data().expect("data");
    assert_eq!(frame.as_ref(), b"one", "it came before the stream's end");
    line.send(&chunk(b"two")).await;
    line.send(b"0\r\n\r\n").await;
    assert_eq!(line.said().await.status, 202);
    assert_eq!(body.collect().await.expect("the rest").to_bytes().as_ref(), b"two");
}

#[tokio::test]
async fn an_error_in_trailers_breaks_the_stream() {
    let rig = rig().await;
    let mut line = rig.line().await;
    let answer = rig.begin(request("id-1", "http://a.example/", ""));
    line.next().await;
    line.send(format!("{STREAM}\r\n").as_bytes()).await;
    line.send(&chunk(b"one")).await;
    // {"errorType":"Boom","errorMessage":"midway"}
    let body = "eyJlcnJvclR5cGUiOiJCb29tIiwiZXJyb3JNZXNzYWdlIjoibWlkd2F5In0=";
    let trailers = format!(
        "0\r\nlambda-runtime-function-error-type: Function.Boom\r\nlambda-runtime-function-error-body: {body}\r\n\r\n"
    );
    line.send(trailers.as_bytes()).await;
    let fault = answer.await.expect("no panic").expect_err("it broke");
    assert_eq!((fault.kind, fault.reason.as_str()), (FaultKind::GuestError, "Boom: midway"));
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_a_fault_and_no_end() {
    let rig = rig().await;
    for kind in ["text/plain", "application/vnd.awslambda.http-integration-response"] {
        let mut line = rig.line().await;
        let answer = rig.begin(request("id-1", "http://a.example/", ""));
        line.next().await;
        line.send(format!("{STREAM}content-type: {kind}\r\n\r\n").as_bytes()).await;
        line.send(&chunk(b"one")).await;
        drop(line);
        let fault = answer.await.expect("no panic").expect_err("it broke");
        assert_eq!(fault.kind, FaultKind::BadResponse, "{kind}");
    }
}

#[tokio::test]
async fn an_unknown_mode_of_answers_is_refused() {
    let rig = rig().await;
    let mut line = rig.line().await;
    let answer = rig.begin(event("id-1", "{}"));
    line.next().await;
    let path = "/2018-06-01/runtime/invocation/id-1/response";
    let mode = "lambda-runtime-function-response-mode: sideways";
    let said = line.ask("POST", path, &[mode], "{}").await;
    assert_eq!(said.error(), (400, "InvalidFunctionResponseMode".to_owned()));
    let answer = answer.await.expect("no panic").expect("an answer");
    assert_eq!(answer.json()["errorType"], "Runtime.InvalidResponseModeHeader");
}
