//! Sensitive data: protected on its way in, back where that is granted, and covered elsewhere.

mod batches;
mod erased;
mod exits;
mod guesses;
mod room;
mod stores;
mod told;
mod ways;

use super::rig::{Rig, rig, rig_to};
use crate::{Config, RequestBody};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use model::wire::v1::{Decision, Record};
use model::{Code, Problem};
use ports::host::{HostCall, HttpCall};
use testkit::executor::Step;
use testkit::outbound::Scripted;

const CARD: &str = "4111111111111111";
const IN: &str = r#""in":[
    {"at":"body:/card/number","class":"pan","transform":"card","keep_first":6,"keep_last":4},
    {"at":"body:/email","class":"email","transform":"token"},
    {"at":"form:card","class":"pan","transform":"token"},
    {"at":"query:mail","class":"email","transform":"token"},
    {"at":"header:x-mail","class":"email","transform":"token"}]"#;
const REVEAL: &str = r#""reveal":[{"class":"email","to":"https://psp.example/v1","purpose":"receipt","at":["body:/to","header:x-to"]}]"#;
const TARGET: &str = "email for https://psp.example/v1 as receipt";
const MAIL: &str = "ada.lovelace@example.com";

fn function(data: &str) -> String {
    format!(
        r#"{{"name":"f","http":[{{"route":"* /f"}}],"allow":{{"http":["* https://psp.example/*","* https://other.example/*"]}},"data":{{{data}}}}}"#
    )
}

/// A function that says what it sees, beside what `more` does.
async fn shop(data: &str, more: fn() -> Vec<Step>) -> (Rig, String) {
    let outside = Scripted::answering(|request| {
        let fields = request.headers().iter().filter(|(name, _)| *name == "x-to");
        let fields: String =
            fields.map(|(_, value)| format!("x-to {}", value.to_str().unwrap_or("?"))).collect();
        Ok(http::Response::new(format!("outside {fields}").into_bytes()))
    });
    let rig = rig_to(outside, Config::default(), &[], move |_| {
        let mut steps = vec![Step::Head(http::StatusCode::OK), Step::Headers, Step::Echo];
        steps.extend(more());
        steps.push(Step::End);
        steps
    })
    .await;
    rig.deploy_as("shop", &function(data), true).await.expect("deployed");
    let token = rig.token("t", &["f"]).await;
    (rig, token)
}

fn post(
    path: &str,
    token: &str,
    fields: &[(&str, &str)],
    body: &str,
) -> http::Request<RequestBody> {
    let mut request = http::Request::post(path)
        .header("host", "localhost")
        .header("authorization", format!("Bearer {token}"))
        .header("content-length", body.len());
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let body = Full::new(Bytes::from(body.to_owned())).map_err(|never| match never {});
    request.body(body.boxed_unsync()).expect(path)
}

async fn say(
    rig: &Rig,
    request: http::Request<RequestBody>,
) -> Result<(http::HeaderMap, String), Problem> {
    let response = rig.send(request).await.map_err(|refusal| refusal.problem)?;
    let head = response.headers().clone();
    let body = response.into_body().collect().await.expect("a whole body").to_bytes();
    Ok((head, String::from_utf8_lossy(&body).into_owned()))
}

fn last(rig: &Rig) -> Record {
    rig.records().pop().expect("a record")
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn what_the_contract_names_is_protected_before_the_function_sees_it() {
    let (rig, token) = shop(IN, Vec::new).await;
    let body = format!(r#"{{"card":{{"number":"{CARD}"}}, "email" : "{MAIL}","x":1.50}}"#);
    let request = post(
        "/f?mail=a%40b.example&x=1",
        &token,
        &[JSON, ("x-mail", MAIL), ("digest", "x")],
        &body,
    );
    let (_, said) = say(&rig, request).await.expect("answered");
    assert!(!said.contains(CARD) && !said.contains(MAIL), "{said}");
    assert!(
        said.contains(r#"{"card":{"number":"411111"#)
            && said.contains(r#", "email" : "tok_email_1_"#),
        "{said}"
    );
    assert!(said.contains("x-mail: tok_email_1_") && said.contains(r#""x":1.50}"#), "{said}");
    assert!(
        said.contains("casemate-labels: email.token,pan.card") && !said.contains("digest:"),
        "{said}"
    );
    let length = said.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("one");
    assert_eq!(length.parse(), Ok(said.split('\n').next_back().expect("a body").len()));
    let record = last(&rig);
    assert_eq!(record.labels.to_string(), "email.token,pan.card");
    let done: Vec<_> = record.calls.iter().map(|call| call.resource.as_str()).collect();
    assert!(done.contains(&"pan at body:/card/number: card (1)"), "{done:?}");
    assert!(done.contains(&"email at query:mail: token (1)"), "{done:?}");

    let form = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
    let (_, said) = say(&rig, post("/f", &token, &[form], &format!("a=1&card={CARD}")))
        .await
        .expect("answered");
    assert!(said.contains("a=1&card=tok_pan_1_") && !said.contains(CARD), "{said}");
    let (_, said) = say(&rig, post("/f", &token, &[JSON], "")).await.expect("answered");
    assert!(!said.contains("casemate-labels"), "nothing was found: {said}");
}

#[tokio::test]
async fn what_cannot_be_protected_is_refused_and_never_passed_on() {
    let (rig, token) = shop(IN, Vec::new).await;
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    let form = ("content-type", "application/x-www-form-urlencoded");
    for (fields, body, code) in [
        (vec![JSON], r#"{"card":{"number":"4111"}}"#.to_owned(), Code::DataValue),
        (vec![JSON], r#"{"card":{"number":"4111111111111112"}}"#.to_owned(), Code::DataValue),
        (vec![JSON], r#"{"card":{"number":{}}}"#.to_owned(), Code::DataValue),
        (vec![JSON], format!(r#"{{"email":"a","email":"{MAIL}"}}"#), Code::DataForm),
        (vec![JSON], "{\"email\":".to_owned(), Code::DataForm),
        (vec![JSON], deep, Code::DataForm),
        (vec![JSON], "\u{feff}{}".to_owned(), Code::DataForm),
        (
            vec![JSON],
            r#"{"email":"tok_email_1_aaaaaaaaaaaaaaaaaaaaaaaaaaaa"}"#.to_owned(),
            Code::DataTokenForeign,
        ),
        (
            vec![JSON],
            r#"{"email":"tok_pan_1_aaaaaaaaaaaaaaaaaaaaaaaaaaaa"}"#.to_owned(),
            Code::DataTokenForeign,
        ),
        (
            vec![JSON],
            r#"{"email":"tok_email_9_aaaaaaaaaaaaaaaaaaaaaaaaaaaa"}"#.to_owned(),
            Code::DataTokenForeign,
        ),
        (vec![], format!("card={CARD}"), Code::DataForm),
        (vec![form], format!(" {{\"card\":{{\"number\":\"{CARD}\"}}}}"), Code::DataBodyKind),
        (vec![form], "[1]".to_owned(), Code::DataBodyKind),
        (vec![JSON, form], "{}".to_owned(), Code::DataBodyKind),
        (vec![form, JSON], format!("card={CARD}"), Code::DataBodyKind),
        (vec![form], "card=%zz".to_owned(), Code::DataForm),
        (vec![JSON], format!(r#"{{"Email":"{MAIL}"}}"#), Code::DataForm),
        (vec![JSON], format!(r#"{{"CARD":{{"number":"{CARD}"}}}}"#), Code::DataForm),
        (vec![JSON], format!(r#"{{"card":{{"n\u0055mber":"{CARD}"}}}}"#), Code::DataForm),
        (vec![form], format!("C%41rd={CARD}"), Code::DataForm),
        (vec![JSON, ("content-encoding", "gzip")], "x".to_owned(), Code::DataBodyKind),
        (
            vec![("content-type", "Multipart/Form-Data; boundary=a")],
            "--a".to_owned(),
            Code::DataParts,
        ),
        (vec![JSON], format!("\"{}\"", "x".repeat(4 << 20)), Code::DataBodyTooLarge),
        (vec![form], (0..1025).map(|it| format!("&card={it}")).collect(), Code::DataBodyTooLarge),
        (vec![JSON], format!(r#"{{"email":"{}"}}"#, "x".repeat(4097)), Code::DataValue),
    ] {
        let before = rig.records().len();
        let shown: String = body.chars().take(60).collect();
        let problem = say(&rig, post("/f", &token, &fields, &body)).await.expect_err(&shown);
        assert_eq!(problem.code, code, "{shown}");
        let record = last(&rig);
        assert_eq!(rig.records().len(), before + 1, "{shown}: the refusal is recorded");
        let told = format!("{problem} {record:?}");
        assert!(
            !told.contains("4111") && !told.contains(MAIL),
            "no message quotes a value: {told}"
        );
    }
    assert_eq!(rig.executor.alive.load(std::sync::atomic::Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_field_that_has_to_be_there_is_missed() {
    let (rig, token) = shop(&format!(r#""missing":"refuse",{IN}"#), Vec::new).await;
    let all = format!(r#"{{"card":{{"number":"{CARD}"}},"email":"{MAIL}"}}"#);
    let path = "/f?mail=a";
    let fields = [JSON, ("x-mail", MAIL)];
    say(&rig, post(path, &token, &fields, &all)).await.expect("all there");
    for (path, fields, body) in [
        ("/f", &fields[..], all.as_str()),
        (path, &fields[..1], all.as_str()),
        (path, &fields[..], r#"{"email":"a"}"#),
        (path, &fields[..], ""),
    ] {
        let problem = say(&rig, post(path, &token, fields, body)).await.expect_err(body);
        assert_eq!(problem.code, Code::DataMissing, "{path} {body}");
    }
}

#[tokio::test]
async fn a_token_of_our_own_stays_as_it_is() {
    let (rig, token) = shop(IN, Vec::new).await;
    let body = format!(r#"{{"email":"{MAIL}"}}"#);
    let (_, said) = say(&rig, post("/f", &token, &[JSON], &body)).await.expect("answered");
    let made = said.split('\n').next_back().expect("a body").to_owned();
    let (_, again) = say(&rig, post("/f", &token, &[JSON], &made)).await.expect("answered");
    assert!(again.ends_with(&made) && made.contains("tok_email_"), "{again}");
    assert_eq!(last(&rig).labels.to_string(), "email.token");
}

fn ask(url: &str, body: &'static [u8]) -> Step {
    let mut headers = http::HeaderMap::new();
    headers.insert("content-type", http::HeaderValue::from_static("application/json"));
    let call = HttpCall {
        method: http::Method::POST,
        uri: url.parse().expect(url),
        headers,
        connect: None,
        first_byte: None,
        between_bytes: None,
    };
    Step::Read(HostCall::Http(call), body)
}

#[tokio::test]
async fn an_exact_value_is_covered_in_a_reply_however_it_is_cut() {
    // The function got the number by a field that nothing names.
    let pieces = || {
        let parts: [&'static [u8]; 4] =
            [b"|41", b"11 1111 11", b"11 1111|", b"4111-1111-1111-1111|"];
        parts.into_iter().flat_map(|part| [Step::Frame(part), Step::Yield]).collect()
    };
    let (rig, token) = shop(IN, pieces).await;
    let body = format!(r#"{{"card":{{"number":"{CARD}"}},"note":"NDExMTExMTExMTExMTExMQ=="}}"#);
    let (_, said) = say(&rig, post("/f", &token, &[JSON], &body)).await.expect("answered");
    let stars = "*".repeat(19);
    assert!(said.ends_with(&format!("|{stars}|{stars}|")), "{said}");
    assert!(!said.contains("NDExMTExMTExMTExMTEx"), "base64 is another spelling: {said}");
    let found = last(&rig).calls.into_iter().find(|call| call.operation == "data.masked");
    assert_eq!(found.expect("recorded").resource, "pan");
}

#[tokio::test]
async fn an_altered_reply_says_so_with_its_record() {
    let (rig, token) = shop(IN, Vec::new).await;
    for (note, masked) in [("5555", false), (CARD, true)] {
        let body = format!(r#"{{"card":{{"number":"{CARD}"}},"note":"{note}"}}"#);
        let (head, said) = say(&rig, post("/f", &token, &[JSON], &body)).await.expect("answered");
        assert!(!said.contains(CARD), "{said}");
        let id = head.get("casemate-invocation");
        assert_eq!(head.get("casemate-masked"), id.filter(|_| masked), "{note}");
    }
}

#[tokio::test]
async fn what_holds_a_value_leaves_for_nowhere_else() {
    let leak = || {
        vec![ask(
            "https://other.example/drop",
            br#"{"a":"4111 1111-1111"}{"b":"4111-1111-1111-1111"}"#,
        )]
    };
    let (rig, token) = shop(IN, leak).await;
    let body = format!(r#"{{"card":{{"number":"{CARD}"}}}}"#);
    say(&rig, post("/f", &token, &[JSON], &body)).await.expect("answered");
    let denied: Vec<_> =
        last(&rig).calls.into_iter().filter(|call| call.decision == Decision::Denied).collect();
    assert_eq!(denied.len(), 1, "{denied:?}");
    assert!(rig.lines().iter().any(|line| line.text.contains("E0313")));
    say(&rig, post("/f", &token, &[JSON], "{}")).await.expect("answered");
    assert!(last(&rig).calls.iter().all(|call| call.decision == Decision::Allowed));
}

#[tokio::test]
async fn a_value_comes_back_only_where_it_is_granted() {
    // The token is the same every time: it is of a join class, and of these keys.
    let (first, token) = shop(IN, Vec::new).await;
    let body = format!(r#"{{"email":"{MAIL}"}}"#);
    let (_, said) = say(&first, post("/f", &token, &[JSON], &body)).await.expect("answered");
    let made = said
        .split('\n')
        .next_back()
        .expect("a body")
        .replace("email", "to")
        .replace("tok_to", "tok_email");
    let made: &'static str = Box::leak(made.into_boxed_str());
    let bodies = std::sync::Arc::new(parking_lot::Mutex::new(Vec::new()));
    let seen = std::sync::Arc::clone(&bodies);
    let outside = Scripted::answering(move |request| {
        seen.lock().push(request.headers().get("content-length").cloned());
        Ok(http::Response::new(MAIL.as_bytes().to_vec()))
    });
    let rig = rig_to(outside, Config::default(), &[], move |request| {
        let to = request.headers().get("x-place").and_then(|it| it.to_str().ok()).unwrap_or("x");
        vec![
            Step::Head(http::StatusCode::OK),
            ask(&format!("https://{to}"), made.as_bytes()),
            Step::End,
        ]
    })
    .await;
    rig.deploy(&function(REVEAL)).await.expect("deployed");
    rig.grant("function:f", "http", "* https://psp.example/*").await;
    let token = rig.token("t", &["f"]).await;
    let charge = |place: &str| post("/f", &token, &[JSON, ("x-place", place)], "");

    say(&rig, charge("psp.example/v1/mail")).await.expect("answered");
    assert!(bodies.lock().is_empty(), "nothing was granted");
    assert!(
        rig.lines().iter().any(|line| line.text.contains("E0312") && line.text.contains(TARGET))
    );
    rig.grant("function:f", "data-reveal", TARGET).await;
    let (_, said) = say(&rig, charge("psp.example/v1/mail")).await.expect("answered");
    let plain = format!(r#"{{"to":"{MAIL}"}}"#).len().to_string();
    assert_eq!(bodies.lock().pop().flatten().expect("sent"), plain.as_str(), "the value went out");
    assert!(!said.contains(MAIL), "what comes back of it is covered: {said}");
    let reveal = last(&rig).calls.into_iter().find(|call| call.operation == "data.reveal");
    let reveal = reveal.expect("recorded");
    assert_eq!(reveal.resource, "email for https://psp.example/v1/mail as receipt (1)");
    assert_eq!(reveal.labels.to_string(), "email.clear");
    // Beside the place, the token goes as it is.
    say(&rig, charge("psp.example/v2")).await.expect("answered");
    assert_eq!(bodies.lock().pop(), Some(None), "it went as the function made it");
}

/// `f` calls `g` with what it got, and both have the contract.
#[tokio::test]
async fn a_called_function_inherits_labels_and_values() {
    let rig = rig_to(Scripted::new(|_| Ok((200, Vec::new()))), Config::default(), &[], |request| {
        match request.uri().path() {
            "/f" => vec![
                Step::Head(http::StatusCode::OK),
                ask("http://g.fn.casemate.internal/g", b"4111-1111-1111-1111"),
                Step::End,
            ],
            _ => vec![Step::Head(http::StatusCode::OK), Step::Headers, Step::Echo, Step::End],
        }
    })
    .await;
    let f = function(IN).replace(r#""allow":{"#, r#""allow":{"invoke":["g"],"#);
    let both = format!(r#"{f},{{"name":"g"}}"#);
    rig.deploy_as("shop", &both, true).await.expect("deployed");
    let token = rig.token("t", &["f"]).await;
    let body = format!(r#"{{"card":{{"number":"{CARD}"}}}}"#);
    let (_, said) = say(&rig, post("/f", &token, &[JSON], &body)).await.expect("answered");
    assert!(said.contains("casemate-labels: pan.card"), "{said}");
    assert!(!said.contains("4111-1111-1111-1111"), "the called function's host knows it: {said}");
    let labels: Vec<String> = rig.records().iter().map(|it| it.labels.to_string()).collect();
    assert_eq!(labels, ["pan.card", "pan.card"]);
}

#[tokio::test]
async fn the_queue_holds_what_is_protected_and_the_contract_is_applied_once() {
    let (rig, token) = shop(IN, Vec::new).await;
    rig.grant("token:t", "invoke-async", "f").await;
    let body = format!(r#"{{"card":{{"number":"{CARD}"}},"email":"{MAIL}"}}"#);
    let fields = [JSON, ("prefer", "respond-async"), ("casemate-labels", "none")];
    let (_, said) = say(&rig, post("/f", &token, &fields, &body)).await.expect("accepted");
    assert!(said.contains("invocation"), "{said}");
    let now = ports::Clock::wall(&*rig.clock);
    let until = model::Timestamp(now.0 + 60_000_000);
    let want = ports::queue::Want { now, until, most: 1, skip: Vec::new() };
    let leased = ports::Queue::lease(&*rig.queue, want).await.expect("a queue").items.remove(0);
    let payload = String::from_utf8_lossy(&leased.payload).into_owned();
    let has = |text: &str| payload.contains(text);
    assert!(has("tok_email_1_") && has("411111") && !has(CARD) && !has(MAIL), "{payload}");
    assert_eq!(rig.engine.attempt(&leased, false).await.0, crate::invoke::Landed::Done);
    assert_eq!(last(&rig).labels.to_string(), "email.token,pan.card");
}
