//! The published libraries of other platforms, as ordinary processes.

use super::rig::{ID, Talk, Whole, get, post, spec, unit, within};
use crate::contract::Conversation as _;
use crate::contract::server::{Process, Stream, environment};
use model::Limits;
use model::manifest::Contract;
use parking_lot::Mutex;
use ports::Future;
use ports::executor::FaultKind;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::sync::watch;

/// A process that is one. It is killed when its task is dropped, with the test's runtime.
struct Real {
    pid: u32,
    ended: watch::Receiver<Option<String>>,
    printed: Arc<Mutex<String>>,
}

impl Process for Real {
    fn connect(&self, port: u16) -> Future<'_, io::Result<Box<dyn Stream>>> {
        let connect = TcpStream::connect(("127.0.0.1", port));
        Box::pin(async move { Ok(Box::new(connect.await?) as Box<dyn Stream>) })
    }

    fn terminate(&self) {
        let pid = self.pid.to_string();
        let _sent = Command::new("kill").args(["-TERM", &pid]).spawn();
    }

    fn ended(&self) -> Future<'_, String> {
        let mut ended = self.ended.clone();
        Box::pin(async move {
            let how = ended.wait_for(Option::is_some).await.map(|how| how.clone());
            how.ok().flatten().unwrap_or_default()
        })
    }
}

fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// Something that `cargo xtask test` installs.
fn tool(path: &str) -> PathBuf {
    let path = repository("target/tools/servers").join(path);
    assert!(path.exists(), "{} is missing: `cargo xtask test` makes it", path.display());
    path
}

fn python() -> PathBuf {
    tool("python/bin/python")
}

/// Starts a program in a directory of `tests/servers` as its contract says. `$PORT` in an argument is
/// the port.
fn start(
    contract: Contract,
    more: &str,
    program: PathBuf,
    arguments: &[&str],
    directory: &str,
) -> Talk<Real> {
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a port")
        .port();
    let more = format!(r#","start":"60s","port":{port}{more}"#);
    let unit = unit(spec(contract, &more), Limits { wall_ms: 60_000, ..Limits::default() });
    let mut command = Command::new(program);
    command
        .args(arguments.iter().map(|argument| argument.replace("$PORT", &port.to_string())))
        .current_dir(repository("tests/servers").join(directory))
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("NODE_PATH", tool("node/node_modules"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .envs(environment(&unit, "instance-1").expect("a server"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let mut child = command.spawn().expect("the program starts");
    let (says, ended) = watch::channel(None);
    let pid = child.id().expect("an id");
    let printed = Arc::new(Mutex::new(String::new()));
    let (mut output, lines) = (child.stdout.take().expect("a pipe"), Arc::clone(&printed));
    tokio::spawn(async move {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = output.read(&mut buffer).await {
            lines.lock().push_str(&String::from_utf8_lossy(&buffer[..read]));
        }
        let how = child.wait().await.map_or_else(|error| error.to_string(), |how| how.to_string());
        says.send_replace(Some(how));
    });
    Talk::of(&unit, Arc::new(Real { pid, ended, printed }))
}

/// Waits for a line that the process prints.
async fn prints(talk: &Talk<Real>, text: &str) {
    within(async {
        while !talk.process.printed.lock().contains(text) {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// Ends it by SIGTERM, for which nothing else may be needed.
async fn stops(talk: &Talk<Real>) {
    within(talk.server.settled()).await;
    within(talk.server.stop()).await;
    assert!(talk.process.ended.borrow().is_some(), "it still runs");
}

fn is_failed(whole: &Whole, status: u16) {
    assert_eq!(whole.status, status, "{whole:?}");
    let failed = whole.failed.as_ref().expect("it failed");
    assert_eq!(failed.kind, FaultKind::GuestError);
}

/// An event of Cloud Storage, in binary mode.
fn stored(subject: &str) -> http::Request<ports::executor::RequestBody> {
    let mut event = post("http://a/", "application/json", r#"{"name":"cat.png","bucket":"b"}"#);
    for (name, value) in [
        ("ce-specversion", "1.0"),
        ("ce-id", "1"),
        ("ce-source", "//storage.googleapis.com/projects/_/buckets/b"),
        ("ce-type", "google.cloud.storage.object.v1.finalized"),
        ("ce-subject", subject),
    ] {
        event.headers_mut().insert(name, value.parse().expect("a value"));
    }
    event
}

const STRUCTURED: &str = r#"{"specversion":"1.0","id":"2","source":"s","type":"structured","subject":"x","datacontenttype":"application/json","data":{"name":"dog.png"}}"#;

async fn is_a_framework(http: Talk<Real>, events: Talk<Real>) {
    http.ready().await.expect("ready");
    let whole = http.whole(get("http://a/x?name=you")).await.expect("an answer");
    assert!(whole.body.starts_with("Hello you: "), "{whole:?}");
    assert!(whole.headers["x-id"] == ID && whole.failed.is_none());
    let whole = http.whole(post("http://a/", "application/json", "{\"a\":1}")).await;
    assert_eq!(whole.expect("an answer").body, "Hello world: {\"a\":1}");
    is_failed(&http.whole(get("http://a/fail")).await.expect("an answer"), 500);
    stops(&http).await;

    events.ready().await.expect("ready");
    let whole = events.whole_event(stored("objects/cat.png")).await.expect("an answer");
    assert!(whole.status < 300 && whole.failed.is_none(), "{whole:?}");
    prints(&events, "google.cloud.storage.object.v1.finalized cat.png").await;
    let structured = post("http://a/", "application/cloudevents+json", STRUCTURED);
    let whole = events.whole_event(structured).await.expect("an answer");
    assert!(whole.status < 300 && whole.failed.is_none(), "{whole:?}");
    prints(&events, "structured dog.png").await;
    is_failed(&events.whole_event(stored("fail")).await.expect("an answer"), 500);
    let none = post("http://a/", "application/json", "{}");
    let whole = events.whole_event(none).await.expect("an answer");
    assert!(whole.failed.is_some(), "{whole:?}");
    stops(&events).await;
}

#[tokio::test]
async fn functions_framework_for_python() {
    let start = |more| {
        let arguments = ["-m", "functions_framework"];
        start(Contract::FunctionsFramework, more, python(), &arguments, "python")
    };
    let http = start(r#","handler":"main.py:hello""#);
    let events = start(r#","handler":"main.py:stored","server":{"signature":"cloudevent"}"#);
    is_a_framework(http, events).await;
}

#[tokio::test]
async fn functions_framework_for_node() {
    let main = tool("node/node_modules/@google-cloud/functions-framework/build/src/main.js");
    let main = main.to_str().expect("text").to_owned();
    let start = |more| start(Contract::FunctionsFramework, more, "node".into(), &[&main], "node");
    let http = start(r#","handler":"functions.js:hello""#);
    let events = start(r#","handler":"functions.js:stored","server":{"signature":"cloudevent"}"#);
    is_a_framework(http, events).await;
}

#[tokio::test]
async fn flask_behind_a_plain_port() {
    let start = || start(Contract::Http, r#","parallel":4"#, python(), &["web.py"], "python");
    let talk = start();
    talk.ready().await.expect("ready");
    for number in 0..5 {
        let body = format!("body {number}");
        let whole = talk.whole(post("http://shop.example/hello", "text/plain", &body)).await;
        assert_eq!(whole.expect("an answer").body, format!("POST shop.example {body}"));
    }
    let stream = talk.whole(get("http://a/stream")).await.expect("an answer");
    assert_eq!(stream.body, "0\n1\n2\n");
    let all = futures_util::future::join_all((0..8).map(|_| talk.whole(get("http://a/stream"))));
    assert!(all.await.iter().all(|whole| whole.as_ref().is_ok_and(|whole| whole.status == 200)));
    let event = talk.whole_event(post("http://a/", "application/json", "[1]")).await;
    assert_eq!(event.expect("an answer").body, "{\"took\":[1]}\n");
    let missing = talk.whole(get("http://a/nowhere")).await.expect("an answer");
    assert_eq!((missing.status, missing.failed), (404, None));
    is_failed(&talk.whole(get("http://a/fail")).await.expect("an answer"), 500);
    let fault = talk.whole(get("http://a/die")).await.expect_err("it dies");
    assert_eq!(fault.kind, FaultKind::Trapped);
    assert!(fault.reason.contains('3'), "{fault}");

    let talk = start();
    talk.ready().await.expect("ready");
    stops(&talk).await;
}

#[tokio::test]
async fn express_behind_the_ports_of_four_platforms() {
    let four = [Contract::CloudRun, Contract::Knative, Contract::Openfaas, Contract::LambdaWeb];
    for contract in four {
        let talk = start(contract, "", "node".into(), &["web.js"], "node");
        talk.ready().await.expect("ready");
        let path = match contract {
            Contract::Openfaas => "http://a/function/order/hello?x=y",
            _ => "http://a/hello?x=y",
        };
        let mut request = post(path, "text/plain", "body");
        request.headers_mut().insert("x-call-id", "forged".parse().expect("a value"));
        request.headers_mut().insert("lambda-web-request-id", "forged".parse().expect("a value"));
        let whole = talk.whole(request).await.expect("an answer");
        assert_eq!(whole.body, "POST /hello?x=y body", "{contract:?}");
        let seen = whole.headers["x-seen"].to_str().expect("text");
        let said = match contract {
            Contract::Openfaas => format!(r#""x-call-id":"{ID}""#),
            Contract::LambdaWeb => format!(r#""lambda-web-request-id":"{ID}""#),
            _ => r#""host":"a""#.to_owned(),
        };
        assert!(seen.contains(&said), "{contract:?}: {seen}");
        let whole = talk.whole_event(post("http://a/x", "text/plain", "ok")).await;
        assert_eq!(whole.expect("an answer").body, r#"{"took":"ok"}"#, "{contract:?}");
        is_failed(&talk.whole(get("http://a/fail")).await.expect("an answer"), 500);
        stops(&talk).await;
        let how = talk.process.ended.borrow().clone().expect("it ended");
        assert_eq!(how, "exit status: 0", "{contract:?}");
    }
}

#[tokio::test]
async fn phps_own_web_server() {
    let arguments = ["-S", "127.0.0.1:$PORT", "index.php"];
    let talk = start(Contract::Http, "", "php".into(), &arguments, "php");
    talk.ready().await.expect("ready");
    for _ in 0..3 {
        let whole = talk.whole(post("http://a/x?y=z", "text/plain", "body")).await;
        let whole = whole.expect("an answer");
        assert_eq!((whole.body.as_str(), whole.status), ("POST /x?y=z body", 200));
        assert_eq!(whole.headers["x-mine"], "1");
    }
    is_failed(&talk.whole(get("http://a/fail")).await.expect("an answer"), 500);
    stops(&talk).await;
}

#[tokio::test]
async fn function_computes_custom_runtime() {
    let hooks = r#","server":{"hooks":["initialize","pre-stop"]}"#;
    let talk = start(Contract::Alibaba, hooks, python(), &["compute.py"], "python");
    talk.ready().await.expect("ready");
    let event = |text| post("http://a/", "application/json", text);
    let whole = talk.whole_event(event("an event")).await.expect("an answer");
    assert_eq!((whole.body.as_str(), whole.failed), ("1 order an event", None));
    let whole = talk.whole_event(event("fail")).await.expect("an answer");
    is_failed(&whole, 404);
    assert_eq!(whole.headers["x-fc-error-type"], "HandledInvocationError");
    stops(&talk).await;
    prints(&talk, "pre-stop").await;
}

#[tokio::test]
async fn azures_custom_handler_in_both_modes() {
    let start = |more| start(Contract::Azure, more, python(), &["handler.py"], "python");
    let talk = start(r#","handler":"Order""#);
    talk.ready().await.expect("ready");
    let whole = talk.whole(post("http://a/api/order?name=you", "text/plain", "tea")).await;
    let whole = whole.expect("an answer");
    assert!(whole.status == 202 && whole.headers["x-mine"] == "1");
    let value: serde_json::Value = serde_json::from_str(&whole.body).expect("JSON");
    assert_eq!(value, serde_json::json!({"name": "you", "body": "tea"}));
    is_failed(&talk.whole(post("http://a/", "text/plain", "fail")).await.expect("an answer"), 500);
    assert_eq!(*talk.lines.0.lock(), ["info: a line"]);
    // It is not asked to end: who stops it kills it.
    within(talk.server.stop()).await;
    assert_eq!(*talk.process.ended.borrow(), None);

    let talk = start(r#","handler":"Order","server":{"forward":true,"binding":"item"}"#);
    talk.ready().await.expect("ready");
    let whole = talk.whole(post("http://a/api/order?x=y", "text/plain", "tea")).await;
    let whole = whole.expect("an answer");
    assert_eq!((whole.status, whole.body.as_str()), (201, "forwarded /api/order?x=y tea"));
    let whole = talk.whole_event(post("http://a/", "text/plain", "a message")).await;
    assert_eq!(whole.expect("an answer").body, "a message");
}
