//! What functions ask of the host: two keys, the record, the purse.

use super::rig::{Rig, beyond_the_seam, rig_with};
use crate::{Config, HostLimits};
use model::Budget;
use model::wire::v1::{CALLS_MAX, Decision};
use ports::blobs;
use ports::host::{HostCall, HttpCall};
use ports::keyvalue::{Ask, Change};
use testkit::executor::Step;

const URL: &str = "https://api.example.com/v1/pay?card=1";

fn get(url: &str) -> HostCall {
    HostCall::Http(HttpCall {
        method: http::Method::GET,
        uri: url.parse().expect(url),
        headers: http::HeaderMap::new(),
        connect: None,
        first_byte: None,
        between_bytes: None,
    })
}

fn of_store(store: &str, ask: Ask) -> HostCall {
    HostCall::KeyValue { store: store.to_owned(), ask }
}

fn set(key: &str, value: &'static [u8]) -> Ask {
    let value = bytes::Bytes::from_static(value);
    Ask::Write { changes: vec![Change::Set { key: key.to_owned(), value }] }
}

fn read(key: &str) -> Ask {
    Ask::Get { keys: vec![key.to_owned()] }
}

fn list() -> Ask {
    Ask::List { prefix: String::new(), after: None, limit: 10 }
}

/// A public function that asks for `allow`, makes these calls and answers with what it was told.
async fn asking(config: Config, policy: &str, allow: &str, calls: Vec<HostCall>) -> Rig {
    let policies = [("op.cedar".to_owned(), policy.to_owned())];
    let rig = rig_with(config, &policies, move |_| {
        let mut steps = vec![Step::Head(http::StatusCode::OK)];
        steps.extend(calls.iter().cloned().map(Step::Tell));
        steps.push(Step::End);
        steps
    })
    .await;
    let spec =
        format!(r#"{{"name":"f","allow":{allow},"http":[{{"route":"GET /f","auth":"public"}}]}}"#);
    rig.deploy(&spec).await.expect("deployed");
    rig.grant("public", "invoke", "f").await;
    rig
}

async fn told(rig: &Rig) -> String {
    rig.call("/f", None).await.expect("answered").1
}

const ASKED: &str = r#"{"http":["GET https://api.example.com/v1/*"]}"#;

#[tokio::test(start_paused = true)]
async fn a_request_goes_out_only_if_manifest_and_grant_allow_it() {
    let target = "GET https://api.example.com/v1/*";
    for (allow, granted, goes) in
        [("{}", false, false), ("{}", true, false), (ASKED, false, false), (ASKED, true, true)]
    {
        let rig = asking(Config::default(), "", allow, vec![get(URL)]).await;
        if granted {
            rig.grant("function:f", "http", target).await;
        }
        let told = told(&rig).await;
        assert_eq!(rig.outside.sent.lock().len(), usize::from(goes), "{allow} {granted}");
        let call = &rig.records()[0].calls[0];
        assert_eq!(call.resource, "GET https://api.example.com/v1/pay");
        if goes {
            assert_eq!(call.decision, Decision::Allowed);
            // Beyond the seam, a window of an answer comes before the guest reads it.
            assert!(call.bytes == 0 || beyond_the_seam());
            continue;
        }
        assert_eq!((told.as_str(), call.decision), ("Denied", Decision::Denied));
        let line = rig.lines()[0].text.clone();
        let hint =
            if allow == "{}" { "[function.allow]" } else { "casemate grant function:f http" };
        assert!(line.starts_with("E0203") && line.contains(hint), "{line}");
        assert!(!line.contains("card=1"), "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_operators_policy_beats_both_keys() {
    let forbid = r#"forbid(principal, action == Casemate::Action::"http", resource == Casemate::Host::"https://api.example.com:443") when { context.path like "/v1/pay*" };"#;
    let rig = asking(
        Config::default(),
        forbid,
        ASKED,
        vec![get(URL), get("https://api.example.com/v1/x")],
    )
    .await;
    rig.grant("function:f", "http", "GET https://api.example.com/v1/*").await;
    assert!(told(&rig).await.starts_with("Denied"));
    assert_eq!(rig.outside.sent.lock().len(), 1);
    assert!(rig.lines()[0].text.contains("op.cedar#1"), "{}", rig.lines()[0].text);
    // A permit stands in the place of a grant, and not of the manifest.
    let permit = r#"permit(principal, action == Casemate::Action::"http", resource);"#;
    let rig =
        asking(Config::default(), permit, ASKED, vec![get(URL), get("https://other.example/")])
            .await;
    assert!(told(&rig).await.ends_with("Denied"));
    assert_eq!(rig.outside.sent.lock().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_the_platform_said_to_the_function_stays_inside() {
    let HostCall::Http(mut call) = get(URL) else { unreachable!("a request") };
    for (name, value) in
        [("casemate-caller", "operator"), ("x-own", "1"), ("casemate-claims", "{}")]
    {
        call.headers.insert(name, http::HeaderValue::from_static(value));
    }
    let mut lies = call.clone();
    lies.headers.insert("host", http::HeaderValue::from_static("inside.example"));
    let calls = vec![HostCall::Http(call), HostCall::Http(lies)];
    let rig = asking(Config::default(), "", ASKED, calls).await;
    rig.grant("function:f", "http", "GET https://api.example.com/v1/*").await;
    assert!(told(&rig).await.contains("Upstream(Request)"));
    let sent = rig.outside.sent.lock();
    let mut names: Vec<&str> = sent[0].headers().keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!((sent.len(), names), (1, vec!["host", "x-own"]));
}

#[tokio::test(start_paused = true)]
async fn a_store_is_used_only_as_manifest_and_grant_allow() {
    let calls = vec![
        of_store("carts", set("a", b"1")),
        of_store("carts", read("a")),
        of_store("default", set("a", b"2")),
        of_store("default", read("a")),
        of_store("other", read("a")),
        of_store("../x", read("a")),
    ];
    let allow = r#"{"keyvalue":{"carts":"read","default":"read-write"}}"#;
    let rig = asking(Config::default(), "", allow, calls).await;
    rig.grant("function:f", "keyvalue", "read-write carts").await;
    rig.grant("function:f", "keyvalue", "read-write default").await;
    let told = told(&rig).await;
    let decisions: Vec<Decision> = rig.records()[0].calls.iter().map(|it| it.decision).collect();
    use Decision::{Allowed, Denied};
    assert_eq!(decisions, [Denied, Allowed, Allowed, Allowed, Denied, Denied], "{told}");
    assert!(told.contains("Cells([None])") && told.contains(r#"value: b"2""#), "{told}");
    let lines: Vec<String> = rig.lines().into_iter().map(|line| line.text).collect();
    assert!(lines.iter().all(|line| line.starts_with("E0207")), "{lines:?}");
}

fn of_container(container: &str, ask: blobs::Ask) -> HostCall {
    HostCall::Blob { container: container.to_owned(), ask }
}

fn put(name: &str) -> blobs::Ask {
    blobs::Ask::Put { name: name.to_owned() }
}

fn info(name: &str) -> blobs::Ask {
    blobs::Ask::Info { name: name.to_owned() }
}

#[tokio::test(start_paused = true)]
async fn a_container_is_used_only_as_manifest_grant_and_operator_allow() {
    let copy = |leaves| blobs::Ask::Copy {
        name: "a".to_owned(),
        to: "photos".to_owned(),
        to_name: "b".to_owned(),
        leaves,
    };
    let calls = vec![
        of_container("photos", put("a")),
        of_container("photos", info("a")),
        of_container("default", put("a")),
        of_container("default", info("a")),
        of_container("default", put("secret/a")),
        of_container("default", copy(false)),
        of_container("default", blobs::Ask::Clear),
        of_container("other", info("a")),
        of_container("../x", info("a")),
    ];
    let allow = r#"{"blobs":{"photos":"read","default":"read-write"}}"#;
    let policy = r#"forbid(principal, action == Casemate::Action::"blob", resource)
        when { context has name && context.name like "secret/*" };"#;
    let rig = asking(Config::default(), policy, allow, calls).await;
    rig.grant("function:f", "blob", "read-write photos").await;
    rig.grant("function:f", "blob", "read-write default").await;
    let told = told(&rig).await;
    let decisions: Vec<Decision> = rig.records()[0].calls.iter().map(|it| it.decision).collect();
    use Decision::{Allowed, Denied};
    let expect = [Denied, Allowed, Allowed, Allowed, Denied, Denied, Allowed, Denied, Denied];
    assert_eq!(decisions, expect, "{told}");
    let lines: Vec<String> = rig.lines().into_iter().map(|line| line.text).collect();
    assert!(lines.iter().all(|line| line.starts_with("E0537")), "{lines:?}");
    assert!(lines[0].contains("blobs = { photos = \"write\" }"), "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn part_of_a_container_is_neither_all_of_it_nor_another_part() {
    let list = || blobs::Ask::List { after: None, limit: 10 };
    let calls = vec![
        of_container("photos", blobs::Ask::Create),
        of_container("photos", put("a/1")),
        of_container("photos", put("b/1")),
        of_container("photos", blobs::Ask::Clear),
        of_container("photos", blobs::Ask::Remove),
        of_container("photos", blobs::Ask::Delete { names: vec!["a/1".into(), "b/1".into()] }),
        of_container("photos", list()),
    ];
    let allow = r#"{"blobs":{"photos":"read-write"}}"#;
    let rig = asking(Config::default(), "", allow, calls).await;
    for target in ["write photos/a/*", "read photos/a/1", "read photos/a/2"] {
        rig.grant("function:f", "blob", target).await;
    }
    let told = told(&rig).await;
    let decisions: Vec<Decision> = rig.records()[0].calls.iter().map(|it| it.decision).collect();
    use Decision::{Allowed, Denied};
    assert_eq!(decisions, [Allowed, Allowed, Denied, Denied, Denied, Denied, Allowed], "{told}");
    assert!(told.contains(r#"names: ["a/1"], more: false"#), "{told}");
}

#[tokio::test(start_paused = true)]
async fn keys_of_a_caller_are_for_that_caller() {
    // Nobody showed a token of an issuer here, so `{sub}` stands for nothing.
    let calls = vec![of_store("carts", read("ann/1")), of_store("carts", list())];
    let allow = r#"{"keyvalue":{"carts/{sub}/*":"read-write"}}"#;
    let rig = asking(Config::default(), "", allow, calls).await;
    rig.grant("function:f", "keyvalue", "read-write carts").await;
    assert_eq!(told(&rig).await, "DeniedDenied");
}

#[tokio::test(start_paused = true)]
async fn a_listing_shows_what_may_be_read() {
    let keys = ["a/1", "b/1", "b/2", "c"];
    let mut calls: Vec<HostCall> =
        keys.iter().map(|key| of_store("carts", set(key, b"x"))).collect();
    calls.push(of_store("carts", list()));
    let allow = r#"{"keyvalue":{"carts":"read-write"}}"#;
    let rig = asking(Config::default(), "", allow, calls).await;
    for target in ["write carts", "read carts/b/*", "read carts/c", "read carts/d"] {
        rig.grant("function:f", "keyvalue", target).await;
    }
    let told = told(&rig).await;
    assert!(told.ends_with(r#"Keys { keys: ["b/1", "b/2", "c"], more: false })"#), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_tree_of_calls_cannot_spend_more_than_its_purse() {
    let budget = Budget { host_calls: 2, ..Budget::default() };
    let host = HostLimits { budget, ..HostLimits::default() };
    let rig = asking(Config { host, ..Config::default() }, "", ASKED, vec![get(URL); 4]).await;
    rig.grant("function:f", "http", "GET https://api.example.com/v1/*").await;
    assert!(told(&rig).await.ends_with(r#"Limit("host calls")Limit("host calls")"#));
    assert_eq!(rig.outside.sent.lock().len(), 2);
    let decisions: Vec<Decision> = rig.records()[0].calls.iter().map(|it| it.decision).collect();
    use Decision::{Allowed, Limited};
    assert_eq!(decisions, [Allowed, Allowed, Limited, Limited]);
    // The next request has a purse of its own.
    told(&rig).await;
    assert_eq!(rig.outside.sent.lock().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_asks_hides_no_other() {
    let mut calls = vec![get("https://other.example/"); CALLS_MAX + 50];
    calls.push(get(URL));
    let rig = asking(Config::default(), "", ASKED, calls).await;
    rig.grant("function:f", "http", "GET https://api.example.com/v1/*").await;
    told(&rig).await;
    let record = &rig.records()[0];
    let paid = record.calls.iter().any(|call| call.resource.ends_with("/v1/pay"));
    assert!(paid && record.calls.len() < CALLS_MAX, "{}", record.calls.len());
    let asked = record.calls.len() as u32 + record.calls_omitted;
    assert_eq!(asked as usize, CALLS_MAX + 51);
    assert!(rig.lines().len() < 100, "{}", rig.lines().len());
}
