//! The clients that AWS publishes, unmodified.

use super::process::{Package, package, tools};
use super::rig::{event, request};
use crate::contract::Conversation as _;
use serde_json::json;

const APP: &str = r#"
import sys

def handler(event, context):
    print("seen", event["name"])
    return {"hello": event["name"], "id": context.aws_request_id, "ours": "lambda.py" in sys.argv[0]}

def fails(event, context):
    raise ValueError("no")
"#;

/// A package that brings `awslambdaric`, and the interpreter that it was built for.
fn python() -> (Package, String) {
    let venv = tools("awslambdaric");
    let library = std::fs::read_dir(venv.join("lib")).ok().and_then(|mut entries| entries.next());
    let version = library.expect("run `cargo xtask test`").expect("an entry");
    let package = package(&[("task/app.py", APP)]);
    let package = package.bring(&version.path().join("site-packages"), "task");
    (package, venv.join("bin/python3").to_str().expect("a path").to_owned())
}

#[tokio::test]
async fn a_package_with_awslambdaric_is_run_by_it() {
    let (package, interpreter) = python();
    let running = package.load(&interpreter, "app.handler").await;
    running.rig.ready().await.expect("ready");
    for id in ["id-1", "id-2"] {
        let answer = running.rig.call(event(id, r#"{"name":"you"}"#)).await.expect("an answer");
        assert_eq!(answer.json(), json!({ "hello": "you", "id": id, "ours": false }));
        running.rig.lambda.settled().await;
    }
    let fault =
        running.rig.call(request("id-3", "http://a.example/", "")).await.expect_err("a fault");
    assert_eq!(fault.reason, "KeyError: 'name'");
    assert!(running.printed().await.contains("seen you"));
}

#[tokio::test]
async fn awslambdaric_reports_what_it_cannot_load() {
    let (package, interpreter) = python();
    let mut running = package.load(&interpreter, "nothing.handler").await;
    let fault = running.rig.ready().await.expect_err("it cannot start");
    let expected =
        "Runtime.ImportModuleError: Unable to import module 'nothing': No module named 'nothing'";
    assert_eq!(fault.reason, expected);
    assert_eq!(running.child.wait().await.expect("it ends").code(), Some(1));
}

#[tokio::test]
async fn awslambdaric_reports_errors() {
    let (package, interpreter) = python();
    let running = package.load(&interpreter, "app.fails").await;
    let answer = running.rig.call(event("id-1", "{}")).await.expect("an answer");
    let body = answer.json();
    assert_eq!((&body["errorType"], &body["errorMessage"]), (&json!("ValueError"), &json!("no")));
    assert_eq!(answer.failed.expect("it failed").reason, "ValueError: no");
}

const NODE: &str = r#"
exports.handler = async (event, context) =>
  ({ hello: event.name, id: context.awsRequestId, ours: process.argv[1].includes("lambda.mjs") });
exports.fails = async () => { throw new RangeError("no"); };
exports.streams = awslambda.streamifyResponse(async (event, stream) => {
  stream = awslambda.HttpResponseStream.from(stream, { statusCode: 202, headers: { "x-a": "b" } });
  stream.write("one ");
  stream.end("two");
});
"#;

/// A package that brings `aws-lambda-ric`. Node follows links, so it has it as files.
fn node() -> Package {
    let package = package(&[("task/app.js", NODE)]);
    let from = tools("aws-lambda-ric/node_modules/aws-lambda-ric");
    for place in ["bin", "dist", ""] {
        let to = package.path().join("task/node_modules/aws-lambda-ric").join(place);
        std::fs::create_dir_all(&to).expect("a directory");
        let entries = std::fs::read_dir(from.join(place)).expect("run `cargo xtask test`");
        for entry in
            entries.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_file())
        {
            std::fs::copy(&entry, to.join(entry.file_name().expect("a name"))).expect("a copy");
        }
    }
    package
}

#[tokio::test]
async fn a_package_with_aws_lambda_ric_is_run_by_it() {
    let running = node().load("node", "app.handler").await;
    running.rig.ready().await.expect("ready");
    for id in ["id-1", "id-2"] {
        let answer = running.rig.call(event(id, r#"{"name":"you"}"#)).await.expect("an answer");
        assert_eq!(answer.json(), json!({ "hello": "you", "id": id, "ours": false }));
        running.rig.lambda.settled().await;
    }
    let running = node().load("node", "app.fails").await;
    let fault =
        running.rig.call(request("id-1", "http://a.example/", "")).await.expect_err("a fault");
    assert_eq!(fault.reason, "RangeError: no");
    let mut running = node().load("node", "app.missing").await;
    let fault = running.rig.ready().await.expect_err("it cannot start");
    assert!(fault.reason.starts_with("Runtime.HandlerNotFound: "), "{}", fault.reason);
    assert!(!running.child.wait().await.expect("it ends").success());
}

#[tokio::test]
async fn aws_lambda_ric_streams() {
    let running = node().load("node", "app.streams").await;
    let answer =
        running.rig.call(request("id-1", "http://a.example/", "")).await.expect("an answer");
    assert_eq!((answer.head.status.as_u16(), answer.text()), (202, "one two"));
    assert_eq!(answer.head.headers["x-a"], "b");
}
