//! Contracts on every way into a function: forms with files, tables, triggers, and what the operator
//! lays over them.

use super::*;
use crate::tests::rig::answer;
use crate::{DataDefaults, QueueLimits};
use model::FunctionName;
use model::manifest::{LaidField, LaidSpec};
use model::wire::v1::Trigger;
use std::sync::Arc;
use std::time::Duration;

const CARD_FIELD: &str = r#"{"at":"body:/card","class":"pan","transform":"token"}"#;

/// A field of the operator's, laid over these functions.
fn laid(field: &str, functions: &[&str]) -> DataDefaults {
    let functions = functions.iter().map(|name| FunctionName::parse(name).expect("a name"));
    let field = serde_json::from_str(field).expect("a field");
    let fields = vec![LaidField { functions: functions.collect(), field }];
    DataDefaults { laid: LaidSpec { classes: Vec::new(), fields }, ..DataDefaults::default() }
}

async fn operated(data: DataDefaults, function: &str) -> Result<(Rig, String), Code> {
    let queue = QueueLimits { attempts: 1, ..QueueLimits::default() };
    let config = Config { data, queue, ..Config::default() };
    let outside = Scripted::answering(|_| Ok(http::Response::new(Vec::new())));
    let echo = |_: &_| vec![Step::Head(http::StatusCode::OK), Step::Echo, Step::End];
    let rig = rig_to(outside, config, &[], echo).await;
    rig.deploy_as("shop", function, true).await?;
    let token = rig.token("t", &["f"]).await;
    Ok((rig, token))
}

fn done(record: &Record) -> Vec<String> {
    let calls = record.calls.iter().filter(|call| call.operation == "data.protect");
    calls.map(|call| call.resource.clone()).collect()
}

#[tokio::test]
async fn forms_with_files_and_tables_go_through_the_contract() {
    let data = r#""files":["photo"],"in":[
        {"at":"form:card","class":"pan","transform":"token"},
        {"at":"csv:card","class":"pan","transform":"token"},
        {"at":"body:/card","class":"pan","transform":"token"}]"#;
    let (rig, token) = shop(data, Vec::new).await;
    let parts = |rest: &str, value: &str| {
        format!("--b\r\ncontent-disposition: form-data; {rest}\r\n\r\n{value}\r\n")
    };
    let form = ("content-type", "multipart/form-data; boundary=b");
    let photo = parts("name=photo; filename=\"a.bin\"", "\u{1}\u{2}");
    let body = format!("{}{photo}--b--\r\n", parts("name=\"card\"", CARD));
    let (_, said) = say(&rig, post("/f", &token, &[form], &body)).await.expect("answered");
    assert!(said.contains("name=\"card\"\r\n\r\ntok_pan_1_") && said.contains(&photo), "{said}");
    assert!(!said.contains(CARD) && said.contains("casemate-labels: pan.token"), "{said}");
    let length = said.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("one");
    let begin = said.find("--b\r\n").expect("the body");
    assert_eq!(length.parse(), Ok(said.len() - begin));

    let csv = ("content-type", "text/csv; charset=utf-8");
    let table = format!("id,card\r\n1,{CARD}\r\n2,\"{CARD}\"\r\n");
    let (_, said) = say(&rig, post("/f", &token, &[csv], &table)).await.expect("answered");
    assert!(said.contains("id,card\r\n1,tok_pan_1_") && !said.contains(CARD), "{said}");
    assert_eq!(done(&last(&rig)), ["pan at csv:card: token (2)"]);

    let other = parts("name=other; filename=x", CARD) + "--b--";
    for (kind, body, code) in [
        (form, other, Code::DataParts),
        (form, format!("{{\"card\":\"{CARD}\"}}"), Code::DataParts),
        (("content-type", "multipart/mixed; boundary=b"), body, Code::DataBodyKind),
        (csv, format!("id,number\n1,{CARD}\n"), Code::DataMissing),
        (csv, format!("id,CARD\n1,{CARD}\n"), Code::DataForm),
        (csv, format!("{{\"card\":\"{CARD}\"}}"), Code::DataBodyKind),
        (("content-type", "text/csv; charset=utf-16"), table, Code::DataBodyKind),
    ] {
        let problem = say(&rig, post("/f", &token, &[kind], &body)).await.expect_err(&body);
        assert_eq!(problem.code, code, "{body}: {problem}");
        assert!(!format!("{problem} {:?}", last(&rig)).contains("4111"), "{problem}");
    }
}

/// Publishes an event, and has all that waits run.
async fn publish(rig: &Rig, id: &str, body: &str) {
    let token = rig.token(&format!("p{id}"), &[]).await;
    rig.grant(&format!("token:p{id}"), "publish", "shop").await;
    let fields = [
        ("ce-specversion", "1.0"),
        ("ce-id", id),
        ("ce-source", "/erp"),
        ("ce-type", "com.x.paid"),
        ("ce-subject", MAIL),
        JSON,
    ];
    let (_, said) =
        say(rig, post("/.casemate/events/shop", &token, &fields, body)).await.expect("published");
    assert!(said.contains("\"accepted\":1"), "{said}");
    work(rig).await;
}

async fn work(rig: &Rig) {
    let stop = tokio::time::sleep(Duration::from_millis(500));
    Arc::clone(&rig.engine).work(4, stop).await;
}

#[tokio::test(start_paused = true)]
async fn the_payload_and_the_attributes_of_an_event_go_through_the_contract() {
    let function = format!(
        r#"{{"name":"f","on":[{{"name":"paid"}}],"data":{{"in":[
            {CARD_FIELD},{{"at":"header:ce-subject","class":"email","transform":"token"}}]}}}}"#
    );
    let (rig, _) = operated(DataDefaults::default(), &function).await.expect("deployed");
    rig.grant("trigger:paid", "invoke", "f").await;
    publish(&rig, "1", &format!(r#"{{"card":"{CARD}"}}"#)).await;
    let record = last(&rig);
    assert!(matches!(record.start.trigger, Trigger::Event { .. }), "{record:?}");
    assert_eq!(
        done(&record),
        ["pan at body:/card: token (1)", "email at header:ce-subject: token (1)"]
    );
    assert_eq!(record.labels.to_string(), "email.token,pan.token");
    // What the contract cannot read does not reach the function, however often it is tried.
    let ran = rig.records().len();
    publish(&rig, "2", "no JSON").await;
    let record = last(&rig);
    assert_eq!((rig.records().len(), record.labels.to_string().as_str()), (ran + 1, ""));
    assert_ne!(record.outcome, model::wire::v1::Outcome::Ok, "{record:?}");
}

#[tokio::test(start_paused = true)]
async fn the_data_of_a_schedule_goes_through_the_contract() {
    let function = format!(
        r#"{{"name":"f","schedule":[{{"name":"tick","every":"10s","data":{{"card":"{CARD}"}}}}],
            "data":{{"in":[{CARD_FIELD}]}}}}"#
    );
    let (rig, _) = operated(DataDefaults::default(), &function).await.expect("deployed");
    rig.grant("trigger:tick", "invoke", "f").await;
    for _ in 0..2 {
        let stop = tokio::time::sleep(Duration::from_secs(4));
        Arc::clone(&rig.engine).follow_schedules(stop).await;
        rig.clock.forward(Duration::from_secs(10));
    }
    let stop = tokio::time::sleep(Duration::from_secs(4));
    Arc::clone(&rig.engine).follow_schedules(stop).await;
    work(&rig).await;
    let record = last(&rig);
    assert!(matches!(record.start.trigger, Trigger::Schedule { .. }), "{record:?}");
    assert_eq!(done(&record), ["pan at body:/card: token (1)"]);
}

#[tokio::test(start_paused = true)]
async fn a_field_of_a_trigger_is_about_its_requests_alone() {
    let field = |at: &str, trigger: &str| {
        format!(r#"{{"at":"body:/{at}","class":"pan","transform":"token","trigger":"{trigger}"}}"#)
    };
    let fields = [field("a", "http"), field("b", "event:paid"), field("c", "event")].join(",");
    let function = format!(
        r#"{{"name":"f","http":[{{"route":"* /f"}}],"on":[{{"name":"paid"}}],"data":{{"in":[
            {fields},{{"at":"body:/d","class":"pan","transform":"token"}}]}}}}"#
    );
    let (rig, token) = operated(DataDefaults::default(), &function).await.expect("deployed");
    rig.grant("trigger:paid", "invoke", "f").await;
    let body = r#"{"a":"1","b":"1","c":"1","d":"1"}"#;
    say(&rig, post("/f", &token, &[JSON], body)).await.expect("answered");
    assert_eq!(done(&last(&rig)), ["pan at body:/a: token (1)", "pan at body:/d: token (1)"]);
    // Who has it done later comes by no other way.
    rig.grant("token:t", "invoke-async", "f").await;
    let later = post("/f", &token, &[JSON, ("prefer", "respond-async")], body);
    say(&rig, later).await.expect("accepted");
    work(&rig).await;
    let record = last(&rig);
    assert!(matches!(record.start.trigger, Trigger::Queue { .. }), "{record:?}");
    assert_eq!(record.labels.to_string(), "pan.token");
    publish(&rig, "1", body).await;
    let expect =
        ["pan at body:/b: token (1)", "pan at body:/c: token (1)", "pan at body:/d: token (1)"];
    assert_eq!(done(&last(&rig)), expect);
}

#[tokio::test]
async fn the_operators_contract_is_laid_over_functions_and_no_manifest_weakens_it() {
    let plain = r#"{"name":"f","http":[{"route":"* /f"}]}"#;
    let body = format!(r#"{{"card":"{CARD}"}}"#);
    let (rig, token) = operated(laid(CARD_FIELD, &[]), plain).await.expect("deployed");
    let (_, said) = say(&rig, post("/f", &token, &[JSON], &body)).await.expect("answered");
    assert!(said.contains("tok_pan_1_") && !said.contains(CARD), "{said}");
    say(&rig, post("/f", &token, &[JSON], "{}")).await.expect("it may be missing");
    let text = ("content-type", "text/plain");
    let problem = say(&rig, post("/f", &token, &[text], "no JSON")).await.expect_err("refused");
    assert_eq!(problem.code, Code::DataForm, "what a function could take for JSON is read as JSON");

    let (rig, token) = operated(laid(CARD_FIELD, &["other"]), plain).await.expect("deployed");
    let (_, said) = say(&rig, post("/f", &token, &[JSON], &body)).await.expect("answered");
    assert!(said.contains(CARD), "it is laid over another function: {said}");

    for function in [
        r#"{"name":"f","data":{"in":[{"at":"body:/card","class":"pan","transform":"mask"}]}}"#,
        r#"{"name":"f","http":[{"route":"GET /f","websocket":true}]}"#,
    ] {
        let refused = operated(laid(CARD_FIELD, &[]), function).await.map(drop);
        assert_eq!(refused, Err(Code::DataLaid), "{function}");
    }
}

/// The manifest opens another way into the body, in which the operator's field is not.
#[tokio::test]
async fn a_body_is_read_as_each_contract_wants_it_or_not_at_all() {
    let function = r#"{"name":"f","http":[{"route":"* /f"}],"data":{"in":[
        {"at":"form:note","class":"name","transform":"token"},
        {"at":"csv:note","class":"name","transform":"token"}]}}"#;
    let (rig, token) = operated(laid(CARD_FIELD, &["f"]), function).await.expect("deployed");
    for (kind, body) in [
        ("application/x-www-form-urlencoded", format!("note=a&card={CARD}")),
        ("text/csv", format!("note,card\na,{CARD}\n")),
        (
            "multipart/form-data; boundary=b",
            format!("--b\r\ncontent-disposition: form-data; name=card\r\n\r\n{CARD}\r\n--b--"),
        ),
        ("application/json", format!(r#"{{"card":"{CARD}"}}"#)),
    ] {
        let request = post("/f", &token, &[("content-type", kind)], &body);
        let problem = say(&rig, request).await.expect_err(kind);
        assert_eq!(problem.code, Code::DataBodyKind, "{kind}: {problem}");
    }
}

#[tokio::test]
async fn a_contract_that_means_nothing_is_not_deployed() {
    let rig = rig(|_| answer()).await;
    for (data, code) in [
        (r#""in":[{"at":"body:/a","class":"pet","transform":"token"}]"#, Code::DataClassUnknown),
        (r#""in":[{"at":"line","class":"pan","transform":"token"}]"#, Code::DataContract),
        (
            r#""in":[{"at":"body:/a","class":"pan","transform":"token","trigger":"event:paid"}]"#,
            Code::DataNoTrigger,
        ),
        (
            r#""reveal":[{"class":"pan","to":"https://x","purpose":"p","at":["csv:a"]}]"#,
            Code::DataContract,
        ),
        (
            r#""in":[{"at":"body:/a","class":"pan","transform":"card","keep_first":8,"keep_last":4}]"#,
            Code::DataTooFew,
        ),
        (
            r#""reveal":[{"class":"pan","to":"https://x","purpose":"p","at":["line"]}]"#,
            Code::DataContract,
        ),
        (r#""in":[]"#, Code::ManifestValue),
    ] {
        assert_eq!(rig.deploy(&function(data)).await.expect_err(data), code, "{data}");
    }
    let socket = function(IN).replace(r#""route":"* /f""#, r#""route":"GET /f","websocket":{}"#);
    assert_eq!(rig.deploy(&socket).await.expect_err("both"), Code::DataTrigger);
}
