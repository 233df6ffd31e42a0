//! Each contract: ready, a call, an event, an error, garbage, the end.

use super::rig::{ID, Raw, Seen, Talk, Whole, answer, get, post, spec, unit, within};
use crate::contract::Conversation as _;
use crate::contract::server::{arguments, environment, root};
use model::Limits;
use model::manifest::Contract;
use ports::executor::FaultKind;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

const EVERY: [Contract; 9] = [
    Contract::Http,
    Contract::CloudRun,
    Contract::FunctionsFramework,
    Contract::Knative,
    Contract::Openfaas,
    Contract::Alibaba,
    Contract::Azure,
    Contract::LambdaWeb,
    Contract::Kubeless,
];

/// A server that does what paths say, in the words of Azure where they are needed.
fn does(azure: bool) -> impl Fn(&Seen) -> Vec<u8> + Send + Sync {
    move |seen| {
        let all = format!("{}\n{}", seen.line, seen.body);
        if all.contains("garbage") {
            return b"this is no HTTP\r\n\r\n".to_vec();
        }
        if all.contains("fail") {
            return answer("500 Internal Server Error", &[], "it failed");
        }
        match azure && seen.line.starts_with("POST /order") {
            true => answer(
                "200 OK",
                &[],
                r#"{"Outputs":{"res":{"body":"hello"}},"ReturnValue":"hello"}"#,
            ),
            false => answer("200 OK", &[], "hello"),
        }
    }
}

#[tokio::test]
async fn every_contract_is_ready_called_told_and_ended() {
    for contract in EVERY {
        let raw = Raw::start(does(contract == Contract::Azure)).await;
        let talk = Talk::new(raw.port, contract, "");
        talk.ready().await.expect("ready");

        let whole = talk.whole(get("http://a/b?c=d")).await.expect("an answer");
        assert_eq!((whole.status, whole.body.as_str()), (200, "hello"), "{contract:?}");
        assert_eq!(whole.failed, None, "{contract:?}");
        let event = || post("http://a/", "application/json", r#"{"a":1}"#);
        let whole = talk.whole_event(event()).await.expect("an answer");
        assert_eq!((whole.status, whole.body.as_str()), (200, "hello"), "{contract:?}");
        assert_eq!(whole.failed, None, "{contract:?}");
        assert!(raw.last().line.starts_with("POST /"), "{contract:?}");

        let whole = talk.whole(post("http://a/fail", "text/plain", "fail")).await;
        let whole = whole.expect("an answer");
        assert_eq!(whole.status, 500, "{contract:?}");
        let failed = whole.failed.expect("it failed");
        assert_eq!(failed.kind, FaultKind::GuestError, "{contract:?}");

        let bad = talk.whole(post("http://a/garbage", "text/plain", "garbage")).await;
        assert_eq!(bad.expect_err("garbage").kind, FaultKind::BadResponse, "{contract:?}");
        let whole = talk.whole(get("http://a/")).await.expect("an answer");
        assert_eq!(whole.body, "hello", "{contract:?}");

        within(talk.server.settled()).await;
        talk.process.end("exit code 0");
        within(talk.server.stop()).await;
        let asked = !matches!(contract, Contract::Azure | Contract::Kubeless);
        let terminated = talk.process.terminated.load(Ordering::SeqCst);
        assert_eq!(terminated, usize::from(asked), "{contract:?}");
    }
}

fn environment_of(contract: Contract, more: &str) -> BTreeMap<String, String> {
    let limits = Limits { wall_ms: 2500, memory_bytes: 256 << 20, ..Limits::default() };
    let unit = unit(spec(contract, more), limits);
    environment(&unit, "instance-1").expect("a server").into_iter().collect()
}

#[test]
fn every_contract_has_its_environment() {
    let has = |contract, more: &str, expected: &[(&str, &str)]| {
        let found = environment_of(contract, more);
        let found: Vec<(&str, &str)> =
            found.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(found, expected, "{contract:?}");
    };
    has(Contract::Http, r#","port":3000"#, &[("PORT", "3000")]);
    let k = [("K_CONFIGURATION", "order"), ("K_REVISION", "order-00007"), ("K_SERVICE", "order")];
    for contract in [Contract::CloudRun, Contract::Knative] {
        has(contract, "", &[&k[..], &[("PORT", "8080")]].concat());
    }
    has(
        Contract::FunctionsFramework,
        r#","handler":"app.py:hello","server":{"signature":"cloudevent"}"#,
        &[
            &[
                ("CLOUD_RUN_TIMEOUT_SECONDS", "3"),
                ("FUNCTION_SIGNATURE_TYPE", "cloudevent"),
                ("FUNCTION_SOURCE", "app.py"),
                ("FUNCTION_TARGET", "hello"),
            ],
            &k[..],
            &[("PORT", "8080")],
        ]
        .concat(),
    );
    let times =
        [("exec_timeout", "3s"), ("mode", "http"), ("read_timeout", "3s"), ("write_timeout", "3s")];
    has(Contract::Openfaas, "", &[&[("PORT", "8080")], &times[..]].concat());
    has(
        Contract::Kubeless,
        r#","handler":"mod.sub.fn","interpreter":"python3.11""#,
        &[
            ("FUNC_HANDLER", "fn"),
            ("FUNC_MEMORY_LIMIT", "268435456"),
            ("FUNC_PORT", "8080"),
            ("FUNC_RUNTIME", "python3.11"),
            ("FUNC_TIMEOUT", "3"),
            ("MOD_NAME", "mod.sub"),
        ],
    );
    let alibaba = environment_of(Contract::Alibaba, "");
    assert_eq!(alibaba["FC_CUSTOM_LISTEN_PORT"], "9000");
    assert_eq!(alibaba["FC_FUNCTION_MEMORY_SIZE"], "256");
    assert!(!alibaba.contains_key("FC_FUNCTION_HANDLER"));
    let azure = environment_of(Contract::Azure, "");
    assert_eq!(azure["FUNCTIONS_CUSTOMHANDLER_PORT"], "8080");
    assert_eq!(azure["FUNCTIONS_APP_ROOT_PATH"], "/workspace");
    assert_eq!(environment_of(Contract::LambdaWeb, "")["AWS_LAMBDA_HTTP_ENDPOINT"], "0.0.0.0:3000");
    let entry = |contract, interpreter: &str| {
        arguments(&spec(contract, &format!(r#","interpreter":"{interpreter}""#)))
    };
    let framework = Contract::FunctionsFramework;
    assert_eq!(entry(framework, "python3.11"), Some(&["-m", "functions_framework"][..]));
    assert!(entry(framework, "node20").is_some_and(|entry| entry[0].ends_with("/main.js")));
    assert_eq!(entry(Contract::LambdaWeb, "node"), Some(&["index.js"][..]));
    assert_eq!(entry(Contract::Http, "node"), None);
    assert_eq!(root(Contract::Alibaba), Some("/code"));
    assert_eq!(root(Contract::Lambda), None);
}

#[tokio::test]
async fn no_caller_speaks_in_a_platforms_name() {
    let forged: [(Contract, &[&str]); 6] = [
        (Contract::FunctionsFramework, &["function-execution-id"]),
        (Contract::Openfaas, &["x-call-id", "x-start-time"]),
        (
            Contract::Alibaba,
            &["x-fc-request-id", "x-fc-account-id", "x_fc_access_key_id", "x-fc-security-token"],
        ),
        (Contract::Azure, &["x-azure-functions-invocationid"]),
        (Contract::LambdaWeb, &["lambda-web-request-id", "lambda_web_endpoint_name", "x-real-ip"]),
        (Contract::Kubeless, &["event-id", "event_type", "event-namespace"]),
    ];
    for (contract, names) in forged {
        let raw = Raw::start(does(contract == Contract::Azure)).await;
        let talk = Talk::new(raw.port, contract, "");
        let mut request = post("http://a/x", "application/json", "{}");
        for name in names.iter().copied().chain(["ce-source", "x-google-status", "k-service"]) {
            let name: http::HeaderName = name.parse().expect("a name");
            request.headers_mut().insert(name, "forged".parse().expect("a value"));
        }
        talk.whole(request).await.expect("an answer");
        let seen = format!("{:?}", raw.last());
        assert!(!seen.contains("forged"), "{contract:?}: {seen}");
    }
}

#[tokio::test]
async fn functions_of_the_framework_say_that_they_crashed() {
    let crash = |seen: &Seen| match seen.line.contains("crash") {
        true => answer("200 OK", &["X-Google-Status: crash"], ""),
        false => answer("404 Not Found", &[], ""),
    };
    let raw = Raw::start(crash).await;
    let talk = Talk::new(raw.port, Contract::FunctionsFramework, r#","handler":"hello""#);
    let whole = talk.whole(get("http://a/crash")).await.expect("an answer");
    assert!(whole.failed.expect("failed").reason.contains("x-google-status: crash"));
    assert_eq!(raw.last().field("function-execution-id"), ID);
    // A caller was told something; an event was not taken.
    assert_eq!(talk.whole(get("http://a/")).await.expect("an answer").failed, None);
    let event = talk.whole_event(post("http://a/", "text/plain", "")).await.expect("an answer");
    assert!(event.failed.is_some());
}

#[tokio::test]
async fn openfaas_functions_do_not_see_the_gateways_path() {
    let raw = Raw::start(|_| answer("200 OK", &[], "")).await;
    let talk = Talk::new(raw.port, Contract::Openfaas, "");
    talk.whole(get("http://a/function/order/x?y=z")).await.expect("an answer");
    let seen = raw.last();
    assert_eq!(seen.line, "GET /x?y=z HTTP/1.1");
    assert_eq!(seen.field("x-call-id"), ID);
    assert_eq!(seen.field("x-start-time"), "1790000000000000000");
}

fn function_compute(seen: &Seen) -> Vec<u8> {
    match seen.line.split(' ').nth(1).unwrap_or_default() {
        "/initialize" if seen.field("x-fc-control-path") == "/initialize" => {
            answer("200 OK", &[], "")
        }
        "/invoke" if seen.body.contains("handled") => {
            answer("404 Not Found", &["x-fc-status: 404", "x-fc-log-result: x"], "its error")
        }
        "/invoke" if seen.field("content-type") == "application/octet-stream" => {
            answer("200 OK", &["x-fc-status: 200"], &seen.body)
        }
        "/web" if seen.field("x-fc-control-path") == "/http-invoke" => answer("200 OK", &[], "web"),
        "/pre-freeze" | "/pre-stop" => answer("200 OK", &[], ""),
        _ => answer("400 Bad Request", &[], "unexpected"),
    }
}

#[tokio::test]
async fn function_compute_is_told_of_its_life() {
    let raw = Raw::start(function_compute).await;
    let hooks = r#","server":{"hooks":["initialize","pre-freeze","pre-stop"]}"#;
    let talk = Talk::new(raw.port, Contract::Alibaba, hooks);
    talk.ready().await.expect("ready");
    assert_eq!(talk.whole(get("http://a/web")).await.expect("an answer").body, "web");
    let seen = raw.last();
    assert_eq!(seen.field("x-fc-request-id"), ID);
    assert_eq!(seen.field("x-fc-function-name"), "order");
    assert!(!seen.headers.contains_key("x-fc-access-key-id"));

    let event = |text| post("http://a/", "application/json", text);
    let whole = talk.whole_event(event("raw event")).await.expect("an answer");
    assert_eq!((whole.body.as_str(), whole.failed), ("raw event", None));
    assert!(!whole.headers.contains_key("x-fc-status"));
    let Whole { status, headers, body, failed } =
        talk.whole_event(event("handled")).await.expect("an answer");
    assert_eq!((status, body.as_str()), (404, "its error"));
    assert!(failed.expect("failed").reason.contains("x-fc-status: 404"));
    let left: Vec<&str> = headers.keys().map(http::HeaderName::as_str).collect();
    assert_eq!(left, ["content-length", "x-fc-error-type"]);
    assert_eq!(headers["x-fc-error-type"], "HandledInvocationError");

    within(talk.server.settled()).await;
    assert_eq!(raw.last().line, "GET /pre-freeze HTTP/1.1");
    talk.process.end("SIGTERM");
    within(talk.server.stop()).await;
    assert_eq!(raw.last().line, "GET /pre-stop HTTP/1.1");
    assert_eq!(talk.process.terminated.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_function_that_cannot_initialize_says_why() {
    let raw = Raw::start(|_| answer("404 Not Found", &[], "no database")).await;
    let talk = Talk::new(raw.port, Contract::Alibaba, r#","server":{"hooks":["initialize"]}"#);
    let fault = talk.ready().await.expect_err("it failed");
    assert_eq!(fault.kind, FaultKind::GuestError);
    assert!(fault.reason.contains("no database"), "{fault}");
}

#[tokio::test]
async fn azure_calls_in_json_and_its_answers_are_taken_apart() {
    let raw = Raw::start(|seen| {
        let value: Value = serde_json::from_str(&seen.body).unwrap_or_default();
        let queue = value["Data"].get("item").is_some();
        let reply = match queue {
            true => {
                json!({"Outputs": {"next": "m"}, "Logs": ["took\nit"], "ReturnValue": {"n": 1}})
            }
            false => json!({
                "Outputs": {"res": {"statusCode": 201, "body": value["Data"]["req"]["Body"],
                                    "headers": {"x-mine": "1"}}},
                "Logs": ["a line"],
            }),
        };
        answer("200 OK", &["content-type: application/json"], &reply.to_string())
    })
    .await;
    let talk = Talk::new(raw.port, Contract::Azure, r#","handler":"Order""#);
    let whole = talk.whole(post("https://shop/api/order?a=b", "text/plain", "two teas")).await;
    let whole = whole.expect("an answer");
    assert_eq!((whole.status, whole.body.as_str()), (201, "two teas"));
    assert_eq!(whole.headers["x-mine"], "1");
    assert_eq!(*talk.lines.0.lock(), ["info: a line"]);
    let seen = raw.last();
    assert_eq!(seen.line, "POST /Order HTTP/1.1");
    assert_eq!(seen.field("x-azure-functions-invocationid"), ID);
    let value: Value = serde_json::from_str(&seen.body).expect("JSON");
    assert_eq!(value["Data"]["req"]["Url"], "https://shop/api/order?a=b");
    assert_eq!(value["Data"]["req"]["Query"]["a"], "b");
    assert_eq!(value["Metadata"]["sys"]["MethodName"], "Order");

    let binding = r#","handler":"Order","server":{"binding":"item"}"#;
    let talk = Talk::new(raw.port, Contract::Azure, binding);
    let whole = talk.whole_event(post("http://a/", "text/plain", "a message")).await;
    let whole = whole.expect("an answer");
    assert_eq!((whole.status, whole.body.as_str()), (200, r#"{"n":1}"#));
    let value: Value = serde_json::from_str(&raw.last().body).expect("JSON");
    assert_eq!(value["Data"]["item"], "\"a message\"");
    let lines = ["info: took", "info: it", "platform: the output `next` leads nowhere here"];
    assert_eq!(*talk.lines.0.lock(), lines);
}

#[tokio::test]
async fn azure_forwards_requests_if_it_is_told_to_and_events_never() {
    let raw = Raw::start(|seen| match seen.body.starts_with("{\"Data\"") {
        true => answer("200 OK", &[], r#"{"ReturnValue":"event"}"#),
        false => answer("202 Accepted", &[], &seen.line),
    })
    .await;
    let talk = Talk::new(raw.port, Contract::Azure, r#","server":{"forward":true}"#);
    let mut request = post("http://a/api/order?x=y", "text/plain", "plain");
    request.headers_mut().insert("user-agent", "curl/8".parse().expect("a value"));
    let whole = talk.whole(request).await.expect("an answer");
    assert_eq!((whole.status, whole.body.as_str()), (202, "POST /api/order?x=y HTTP/1.1"));
    assert_eq!(raw.last().field("user-agent"), "curl/8 Azure-Functions-Host/4.0.0");
    let whole = talk.whole_event(post("http://a/", "text/plain", "x")).await.expect("an answer");
    assert_eq!(whole.body, "event");
}

#[tokio::test]
async fn an_answer_that_is_not_azures_json_is_a_bad_one() {
    for bad in ["<html>", r#"{"Outputs":{"res":{"statusCode":"x"}}}"#, "[1]"] {
        let raw = Raw::start(move |_| answer("200 OK", &[], bad)).await;
        let talk = Talk::new(raw.port, Contract::Azure, "");
        let fault = talk.whole(get("http://a/")).await.expect_err("bad");
        assert_eq!(fault.kind, FaultKind::BadResponse, "{bad}");
    }
    let limits = Limits { response_body_bytes: 10, ..Limits::default() };
    for size in [11, 3 << 20] {
        let raw = Raw::start(move |_| {
            let body = "x".repeat(size);
            answer("200 OK", &[], &json!({ "ReturnValue": body }).to_string())
        })
        .await;
        let talk = Talk::limited(raw.port, Contract::Azure, "", limits.clone());
        let fault = talk.whole(get("http://a/")).await.expect_err("too large");
        assert_eq!(fault.kind, FaultKind::ResponseTooLarge, "{size}");
    }
}

#[tokio::test]
async fn kubeless_functions_get_the_events_own_words() {
    let raw = Raw::start(|_| answer("200 OK", &[], "")).await;
    let talk = Talk::new(raw.port, Contract::Kubeless, r#","handler":"mod.fn""#);
    talk.ready().await.expect("ready");
    assert_eq!(raw.last().line, "GET /healthz HTTP/1.1");
    let mut event = post("http://a/", "application/json", "{}");
    for (name, value) in [("ce-id", "9"), ("ce-type", "made"), ("ce-source", "shop")] {
        event.headers_mut().insert(name, value.parse().expect("a value"));
    }
    talk.whole_event(event).await.expect("an answer");
    let seen = raw.last();
    let said =
        ["event-id", "event-type", "event-namespace", "event-time"].map(|name| seen.field(name));
    assert_eq!(said, ["9", "made", "shop", "2026-09-21T14:13:20.000Z"]);
    talk.whole(post("http://a/", "text/plain", "x")).await.expect("an answer");
    let seen = raw.last();
    let said = ["event-id", "event-type", "event-namespace"].map(|name| seen.field(name));
    assert_eq!(said, [ID, "text/plain", "http.casemate"]);
}

#[tokio::test]
async fn a_process_that_ignores_its_end_is_given_up_after_its_grace() {
    let talk = Talk::new(1, Contract::CloudRun, r#","server":{"grace":"50ms"}"#);
    within(talk.server.stop()).await;
    assert_eq!(talk.process.terminated.load(Ordering::SeqCst), 1);
    // Knative's grace is the time of an invocation: one that ends in time is waited for.
    let limits = Limits { wall_ms: 60_000, ..Limits::default() };
    let talk = Talk::limited(1, Contract::Knative, "", limits);
    let stop = talk.server.stop();
    let soon = tokio::time::timeout(Duration::from_millis(50), stop);
    assert!(soon.await.is_err(), "it still drains");
    talk.process.end("exit code 0");
    within(talk.server.stop()).await;
}
