//! Our loader for Python, as a bare process.

use super::process::package;
use super::rig::{event, request};
use crate::contract::Conversation as _;
use ports::executor::FaultKind;
use serde_json::json;

const APP: &str = r#"
import decimal, json, logging, os, sys, time
import greeting

def handler(event, context):
    print("seen", event.get("name"))
    logging.warning("careful")
    return {
        "hello": greeting.word + event["name"],
        "id": context.aws_request_id,
        "left": context.get_remaining_time_in_millis() > 0,
        "function": [context.function_name, context.function_version, context.memory_limit_in_mb],
        "arn": context.invoked_function_arn,
        "identity": context.identity.cognito_identity_id,
        "client": context.client_context and context.client_context.client.app_title,
        "decimal": decimal.Decimal("2.5"),
        "stdin": sys.stdin.read(),
        "mine": os.environ.get("MINE"),
        "cwd": os.getcwd() == os.environ["LAMBDA_TASK_ROOT"],
        "inherited": os.environ.get("CARGO"),
        "told": sys.argv[1:],
    }

def fails(event, context):
    raise ValueError("no " + event["name"])

def web(event, context):
    return {"statusCode": 201, "headers": {"x-path": event["rawPath"]}, "body": event["body"]}

def strange(event, context):
    return object()

def leaves(event, context):
    sys.exit(7)

def waits(event, context):
    time.sleep(0.1)
    return os.getpid()
"#;

const FILES: &[(&str, &str)] = &[
    ("task/app.py", APP),
    ("opt/python/greeting.py", "word = 'hello '"),
    ("task/a/b.py", "def f(e, c): return 1"),
];

#[tokio::test]
async fn our_python_loader_runs_a_handler_with_its_context_and_layers() {
    let running = package(FILES).variable("MINE", "yes").load("python3", "app.handler").await;
    running.rig.ready().await.expect("ready");
    let mut call = event("id-1", r#"{"name":"you"}"#);
    // {"client":{"app_title":"shop"}}
    let context = "eyJjbGllbnQiOnsiYXBwX3RpdGxlIjoic2hvcCJ9fQ==".parse().expect("a value");
    call.request.headers_mut().insert("x-amz-client-context", context);
    let answer = running.rig.call(call).await.expect("an answer");
    let expected = json!({
        "hello": "hello you", "id": "id-1", "left": true,
        "function": ["shop", "$LATEST", "128"],
        "arn": "arn:aws:lambda:us-east-1:000000000000:function:shop",
        "identity": null, "client": "shop", "decimal": 2.5, "stdin": "", "mine": "yes",
        "cwd": true, "inherited": null, "told": [],
    });
    assert_eq!(answer.json(), expected);
    running.rig.lambda.settled().await;
    let answer = running.rig.call(event("id-2", r#"{"name":"me"}"#)).await.expect("an answer");
    assert_eq!(answer.json()["client"], json!(null));
    let printed = running.printed().await;
    assert!(printed.contains("seen you\n"), "{printed}");
    assert!(printed.contains("\tid-1\tcareful\n"), "{printed}");
}

#[tokio::test]
async fn a_python_handlers_error_is_told_as_aws_words_it() {
    let running = package(FILES).load("python3", "app.fails").await;
    let answer = running.rig.call(event("id-1", r#"{"name":"you"}"#)).await.expect("an answer");
    assert_eq!(answer.head.headers["x-amz-function-error"], "Unhandled");
    let body = answer.json();
    assert_eq!(
        (&body["errorType"], &body["errorMessage"]),
        (&json!("ValueError"), &json!("no you"))
    );
    assert_eq!(body["requestId"], "id-1");
    let trace = body["stackTrace"].as_array().expect("a list");
    assert!(
        trace.len() == 1 && trace[0].as_str().is_some_and(|frame| frame.contains("app.py")),
        "{trace:?}"
    );
    let fault =
        running.rig.call(request("id-2", "http://a.example/", "")).await.expect_err("a fault");
    assert_eq!((fault.kind, fault.reason.as_str()), (FaultKind::GuestError, "KeyError: 'name'"));
    let answer = running.rig.call(event("id-3", "no JSON")).await.expect("an answer");
    assert_eq!(answer.json()["errorType"], "Runtime.UnmarshalError");
}

#[tokio::test]
async fn what_python_cannot_load_or_send_has_awss_names() {
    for (handler, kind, message) in [
        (
            "nothing.handler",
            "Runtime.ImportModuleError",
            "Unable to import module 'nothing': No module named 'nothing'",
        ),
        ("app.nothing", "Runtime.HandlerNotFound", "Handler 'nothing' missing on module 'app'"),
        (
            "app",
            "Runtime.MalformedHandlerName",
            "Bad handler 'app': not enough values to unpack (expected 2, got 1)",
        ),
        (
            "broken.handler",
            "Runtime.UserCodeSyntaxError",
            "Syntax error in module 'broken': '(' was never closed (broken.py, line 1)",
        ),
        (
            "sys.exit",
            "Runtime.BuiltInModuleConflict",
            "Cannot use built-in module sys as a handler module",
        ),
        ("raises.handler", "ZeroDivisionError", "division by zero"),
    ] {
        let files = [FILES, &[("task/broken.py", "def f("), ("task/raises.py", "1/0")]].concat();
        let mut running = package(&files).load("python3", handler).await;
        let fault = running.rig.ready().await.expect_err("it cannot start");
        assert_eq!(fault.reason, format!("{kind}: {message}"));
        assert_eq!(running.child.wait().await.expect("it ends").code(), Some(1));
    }
    let running = package(FILES).load("python3", "app.strange").await;
    let answer = running.rig.call(event("id-1", "{}")).await.expect("an answer");
    assert_eq!(answer.json()["errorType"], "Runtime.MarshalError");
}

#[tokio::test]
async fn a_python_function_answers_requests() {
    let running = package(FILES).load("python3", "app.web").await;
    let answer =
        running.rig.call(request("id-1", "http://a.example/x/y", "hi")).await.expect("an answer");
    assert_eq!((answer.head.status.as_u16(), answer.text()), (201, "hi"));
    assert_eq!(answer.head.headers["x-path"], "/x/y");
    let other = package(FILES).load("python3", "a/b.f").await;
    assert_eq!(other.rig.call(event("id-1", "{}")).await.expect("an answer").text(), "1");
}

#[tokio::test]
async fn a_python_process_that_leaves_is_seen_to_leave() {
    let mut running = package(FILES).load("python3", "app.leaves").await;
    let call = running.rig.begin(event("id-1", "{}"));
    assert_eq!(running.child.wait().await.expect("it ends").code(), Some(7));
    assert!(!call.is_finished(), "whoever sees the end gives the invocation up");
    call.abort();
}

#[tokio::test]
async fn a_python_process_takes_several_invocations_at_a_time() {
    let running = package(FILES).parallel(3).load("python3", "app.waits").await;
    let calls = ["id-1", "id-2", "id-3"].map(|id| running.rig.begin(event(id, "{}")));
    let mut seen = std::collections::BTreeSet::new();
    for call in calls {
        seen.insert(call.await.expect("no panic").expect("an answer").text().to_owned());
    }
    assert_eq!(seen.len(), 1, "one process");
}

#[tokio::test]
async fn a_python_package_brings_extensions() {
    let extension = r#"#!/bin/sh
exec python3 - <<'E'
import http.client, os, urllib.request
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2020-01-01/extension/"
ask = lambda path, data=None, **headers: urllib.request.urlopen(urllib.request.Request(api + path, data, headers))
name = {"Lambda-Extension-Name": "agent"}
me = {"Lambda-Extension-Identifier": ask("register", b'{"events":["INVOKE"]}', **name).headers["Lambda-Extension-Identifier"]}
while True:
    print("told", ask("event/next", **me).read().decode(), flush=True)
E
"#;
    let files = [FILES, &[("opt/extensions/agent", extension)]].concat();
    let package = package(&files);
    let program = package.path().join("opt/extensions/agent");
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o755)).expect("it may run");
    let running = package.expecting(&["agent"]).load("python3", "app.web").await;
    running.rig.ready().await.expect("ready");
    running.rig.call(event("id-1", r#"{"rawPath":"","body":""}"#)).await.expect("an answer");
    running.rig.lambda.settled().await;
    let printed = running.printed().await;
    let told = printed.lines().find_map(|line| line.strip_prefix("told "));
    let told: serde_json::Value = serde_json::from_str(told.expect(&printed)).expect("JSON");
    assert_eq!(
        (&told["eventType"], &told["deadlineMs"]),
        (&"INVOKE".into(), &4102444800000_u64.into())
    );
}
