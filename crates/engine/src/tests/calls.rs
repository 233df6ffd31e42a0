//! Functions that call each other: granted edges, one tree, one purse.

use super::rig::{Rig, answer, rig_with};
use crate::{Config, HostLimits};
use model::Budget;
use model::wire::v1::{Caller, Decision, Outcome, Record, Trigger};
use ports::host::{HostCall, HttpCall};
use std::time::Duration;
use testkit::executor::Step;

fn call(url: &str) -> Step {
    let mut headers = http::HeaderMap::new();
    headers.insert("casemate-caller", http::HeaderValue::from_static("operator"));
    Step::Tell(HostCall::Http(HttpCall {
        method: http::Method::GET,
        uri: url.parse().expect(url),
        headers,
        connect: None,
        first_byte: None,
        between_bytes: None,
    }))
}

/// `front` calls `back`, `back` calls `front` if it is asked for `/loop`, and answers otherwise.
async fn shop(budget: Budget, allow: &str) -> Rig {
    let host = HostLimits { budget, ..HostLimits::default() };
    let rig = rig_with(Config { host, ..Config::default() }, &[], |request| {
        let head = Step::Head(http::StatusCode::OK);
        match request.uri().path() {
            "/front" => vec![head, call("http://back.fn.casemate.internal/x?q=1"), Step::End],
            "/twice" => {
                let again = || call("http://back.fn.casemate.internal/x");
                vec![head, again(), again(), Step::End]
            }
            "/loop" => vec![head, call("http://front.fn.casemate.internal/loop"), Step::End],
            "/headers" => vec![head, Step::Headers, Step::End],
            "/tls" => vec![head, call("https://back.fn.casemate.internal/x"), Step::End],
            "/nobody" => vec![head, call("http://host.fn.casemate.internal/"), Step::End],
            _ => answer(),
        }
    })
    .await;
    let front = r#""http":[{"route":"GET /{*rest}","auth":"public"}]"#;
    rig.deploy(&format!(
        r#"{{"name":"front","allow":{allow},{front}}},{{"name":"back","allow":{allow}}}"#
    ))
    .await
    .expect("deployed");
    rig.grant("public", "invoke", "front").await;
    rig
}

const BOTH: &str = r#"{"invoke":["front","back"]}"#;

async fn told(rig: &Rig, path: &str) -> String {
    let said = rig.call(path, None).await.expect("answered").1;
    // Those that were called close their records when the news of their end has come.
    tokio::time::sleep(Duration::from_millis(1)).await;
    said
}

fn of<'a>(records: &'a [Record], name: &str) -> Vec<&'a Record> {
    records.iter().filter(|record| record.start.function.name.as_str() == name).collect()
}

#[tokio::test(start_paused = true)]
async fn an_edge_between_functions_needs_manifest_and_grant() {
    for (allow, granted, goes) in
        [("{}", false, false), ("{}", true, false), (BOTH, false, false), (BOTH, true, true)]
    {
        let rig = shop(Budget::default(), allow).await;
        if granted {
            rig.grant("function:front", "invoke", "back").await;
        }
        let told = told(&rig, "/front").await;
        let records = rig.records();
        let ran = of(&records, "back").iter().any(|record| record.outcome == Outcome::Ok);
        assert_eq!(ran, goes, "{allow} {granted} {told}");
        if !goes {
            assert_eq!(told, "Denied");
            let line = rig.lines().last().expect("a line").text.clone();
            let hint = match allow {
                "{}" => "invoke = [\"back\"]",
                _ => "casemate grant function:front invoke back",
            };
            assert!(line.contains(hint), "{line}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_may_be_called_by_all_is_not_called_by_functions() {
    let rig = shop(Budget::default(), BOTH).await;
    rig.grant("public", "invoke", "back").await;
    assert_eq!(told(&rig, "/front").await, "Denied");
}

#[tokio::test(start_paused = true)]
async fn a_call_hangs_below_its_caller_in_the_records() {
    let rig = shop(Budget::default(), BOTH).await;
    rig.grant("function:front", "invoke", "back").await;
    assert!(told(&rig, "/front").await.contains("status: 200"));
    let records = rig.records();
    let (front, back) = (of(&records, "front")[0], of(&records, "back")[0]);
    assert_eq!((front.start.root, front.start.parent), (front.start.id, None));
    assert_eq!((back.start.root, back.start.parent), (front.start.id, Some(front.start.id)));
    assert_eq!(back.start.depth, 1);
    assert_eq!(back.start.caller.to_string(), "function:front");
    assert_eq!(back.start.trigger, Trigger::Call { method: "GET".into() });
    let asked = &front.calls[0];
    assert_eq!((asked.operation.as_str(), asked.decision), ("call", Decision::Allowed));
    assert_eq!(asked.resource, "GET back.fn.casemate.internal/x");
    assert!(rig.outside.sent.lock().is_empty());
}

#[tokio::test(start_paused = true)]
async fn calls_in_a_circle_end_at_the_depth() {
    let budget = Budget { depth: 3, ..Budget::default() };
    let rig = shop(budget, BOTH).await;
    rig.grant("function:front", "invoke", "front").await;
    told(&rig, "/loop").await;
    let depths: Vec<u16> = rig.records().iter().map(|record| record.start.depth).collect();
    assert_eq!(depths.len(), 4, "{depths:?}");
    assert_eq!(depths.iter().max(), Some(&3));
}

#[tokio::test(start_paused = true)]
async fn a_tree_has_so_many_descendants_and_no_more() {
    let rig = shop(Budget { descendants: 1, ..Budget::default() }, BOTH).await;
    rig.grant("function:front", "invoke", "back").await;
    assert!(told(&rig, "/twice").await.ends_with(r#"Limit("descendants")"#));
    assert_eq!(of(&rig.records(), "back").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_tree_without_cpu_time_starts_nobody() {
    // The first invocation takes all that there is, and nothing is left while it runs.
    let rig = shop(Budget { cpu_us: 1000, ..Budget::default() }, BOTH).await;
    rig.grant("function:front", "invoke", "back").await;
    assert_eq!(told(&rig, "/front").await, r#"Limit("CPU time")"#);
    assert_eq!(of(&rig.records(), "back")[0].outcome, Outcome::Budget);
}

#[tokio::test(start_paused = true)]
async fn who_calls_cannot_be_forged() {
    let rig = shop(Budget::default(), BOTH).await;
    rig.grant("function:front", "invoke", "back").await;
    told(&rig, "/front").await;
    // The request said that the operator asks.
    let caller = of(&rig.records(), "back")[0].start.caller.clone();
    assert!(matches!(caller, Caller::Function(name) if name.as_str() == "front"));
    for path in ["/tls", "/nobody"] {
        assert!(!told(&rig, path).await.contains("status"), "{path}");
    }
    assert!(rig.outside.sent.lock().is_empty());
}
