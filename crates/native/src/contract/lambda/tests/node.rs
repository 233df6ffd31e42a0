//! Our loader for Node, as a bare process.

use super::process::package;
use super::rig::{event, request};
use crate::contract::Conversation as _;
use ports::executor::FaultKind;
use serde_json::json;

const APP: &str = r#"
const word = require("greeting");
exports.handler = async (event, context) => {
  console.log("seen", event.name);
  return {
    hello: word + event.name,
    id: context.awsRequestId,
    left: context.getRemainingTimeInMillis() > 0,
    function: [context.functionName, context.functionVersion, context.memoryLimitInMB],
    arn: context.invokedFunctionArn,
    mine: process.env.MINE,
    inherited: process.env.CARGO ?? null,
    told: process.argv.slice(2),
    cwd: process.cwd() === process.env.LAMBDA_TASK_ROOT,
  };
};
exports.fails = async (event) => { throw new RangeError("no " + event.name); };
exports.calls = (event, context, callback) => { setTimeout(() => callback(null, "called"), 5); };
let late = "early";
exports.waits = (event, context, callback) => {
  context.callbackWaitsForEmptyEventLoop = event.wait;
  setTimeout(() => { late = "late"; }, 50);
  callback(null, { get value() { return late; } });
};
exports.nothing = () => {};
exports.legacy = (event, context) => context.succeed("legacy");
exports.streams = awslambda.streamifyResponse(async (event, stream) => {
  stream = awslambda.HttpResponseStream.from(stream, { statusCode: 202, headers: { "x-a": "b" }, cookies: ["c=d"] });
  stream.write("one ");
  await new Promise((resolve) => setTimeout(resolve, 20));
  stream.write("two");
  if (event.rawPath === "/breaks") throw new Error("midway");
  stream.end();
});
exports.raw = awslambda.streamifyResponse(async (event, stream) => { stream.setContentType("text/plain"); stream.end("raw"); });
exports.early = awslambda.streamifyResponse(async () => { throw new Error("early"); });
exports.throws = async () => { setTimeout(() => { throw new TypeError("loose"); }, 5); await new Promise(() => setTimeout(() => {}, 1e6)); };
exports.deep = { er: async () => "deep" };
exports.slow = async () => { await new Promise((resolve) => setTimeout(resolve, 50)); return process.pid; };
exports.text = "no function";
"#;

const FILES: &[(&str, &str)] = &[
    ("task/app.js", APP),
    ("opt/nodejs/node_modules/greeting/index.js", "module.exports = 'hello ';"),
    ("task/dir/index.mjs", "export const handler = async (event) => ({ esm: event });"),
    ("task/broken.js", "function ("),
    ("task/needs.js", "require('not-there')"),
];

#[tokio::test]
async fn our_node_loader_runs_a_handler_with_its_context_and_layers() {
    let running = package(FILES).variable("MINE", "yes").load("node", "app.handler").await;
    running.rig.ready().await.expect("ready");
    let answer = running.rig.call(event("id-1", r#"{"name":"you"}"#)).await.expect("an answer");
    let expected = json!({
        "hello": "hello you", "id": "id-1", "left": true,
        "function": ["shop", "$LATEST", "128"],
        "arn": "arn:aws:lambda:us-east-1:000000000000:function:shop",
        "mine": "yes", "inherited": null, "cwd": true, "told": [],
    });
    assert_eq!(answer.json(), expected);
    running.rig.lambda.settled().await;
    running.rig.call(event("id-2", r#"{"name":"me"}"#)).await.expect("an answer");
    let printed = running.printed().await;
    assert!(printed.contains("\tid-1\tINFO\tseen you\n"), "{printed}");
}

#[tokio::test]
async fn node_handlers_come_in_every_style() {
    for (handler, body, expected) in [
        ("dir/index.handler", r#"{"a":1}"#, json!({ "esm": { "a": 1 } })),
        ("app.calls", "{}", json!("called")),
        ("app.waits", r#"{"wait":true}"#, json!({ "value": "late" })),
        ("app.waits", r#"{"wait":false}"#, json!({ "value": "early" })),
        ("app.nothing", "{}", json!(null)),
        ("app.legacy", "{}", json!("legacy")),
        ("app.deep.er", "{}", json!("deep")),
    ] {
        let running = package(FILES).load("node", handler).await;
        for id in ["id-1", "id-2"] {
            let answer = running.rig.call(event(id, body)).await.expect("an answer");
            if id == "id-1" {
                assert_eq!(answer.json(), expected, "{handler} {body}");
            }
        }
    }
}

#[tokio::test]
async fn a_node_handlers_error_is_told_as_aws_words_it() {
    let running = package(FILES).load("node", "app.fails").await;
    let answer = running.rig.call(event("id-1", r#"{"name":"you"}"#)).await.expect("an answer");
    let body = answer.json();
    assert_eq!(
        (&body["errorType"], &body["errorMessage"]),
        (&json!("RangeError"), &json!("no you"))
    );
    assert_eq!(body["trace"][0], "RangeError: no you");
    let running = package(FILES).load("node", "app.throws").await;
    let fault =
        running.rig.call(request("id-1", "http://a.example/", "")).await.expect_err("a fault");
    assert_eq!(fault.reason, "TypeError: loose");
}

#[tokio::test]
async fn what_node_cannot_load_has_awss_names() {
    for (handler, kind) in [
        ("nothing.handler", "Runtime.ImportModuleError: Error: Cannot find module"),
        ("needs.handler", "Runtime.ImportModuleError: Error: Cannot find module 'not-there'"),
        ("app.missing", "Runtime.HandlerNotFound: app.missing is undefined or not exported"),
        ("app.text", "Runtime.HandlerNotFound: app.text is not a function"),
        ("app", "Runtime.MalformedHandlerName: Bad handler"),
        ("../app.handler", "Runtime.MalformedHandlerName: Bad handler"),
        ("broken.handler", "Runtime.UserCodeSyntaxError: SyntaxError: "),
    ] {
        let mut running = package(FILES).load("node", handler).await;
        let fault = running.rig.ready().await.expect_err("it cannot start");
        assert!(fault.reason.starts_with(kind), "{handler}: {}", fault.reason);
        assert_eq!(running.child.wait().await.expect("it ends").code(), Some(1));
    }
}

#[tokio::test]
async fn a_node_function_streams() {
    let running = package(FILES).load("node", "app.streams").await;
    let answer =
        running.rig.call(request("id-1", "http://a.example/", "")).await.expect("an answer");
    assert_eq!((answer.head.status.as_u16(), answer.text()), (202, "one two"));
    assert_eq!(answer.head.headers["x-a"], "b");
    assert_eq!(answer.head.headers["set-cookie"], "c=d");
    let fault = running
        .rig
        .call(request("id-2", "http://a.example/breaks", ""))
        .await
        .expect_err("a fault");
    assert_eq!((fault.kind, fault.reason.as_str()), (FaultKind::GuestError, "Error: midway"));
    let answer =
        running.rig.call(request("id-3", "http://a.example/", "")).await.expect("an answer");
    assert_eq!(answer.text(), "one two", "it goes on after that");
    let raw = package(FILES).load("node", "app.raw").await;
    let answer = raw.rig.call(request("id-1", "http://a.example/", "")).await.expect("an answer");
    assert_eq!(
        (&answer.head.headers["content-type"], answer.text()),
        (&"text/plain".parse().expect("a value"), "raw")
    );
    let early = package(FILES).load("node", "app.early").await;
    let answer = early.rig.call(event("id-1", "{}")).await.expect("an answer");
    assert_eq!(answer.json()["errorMessage"], "early");
}

#[tokio::test]
async fn a_node_process_takes_several_invocations_at_a_time() {
    let running = package(FILES).parallel(3).load("node", "app.slow").await;
    let calls = ["id-1", "id-2", "id-3"].map(|id| running.rig.begin(event(id, "{}")));
    let mut seen = std::collections::BTreeSet::new();
    for call in calls {
        seen.insert(call.await.expect("no panic").expect("an answer").text().to_owned());
    }
    assert_eq!(seen.len(), 1, "one process");
}
