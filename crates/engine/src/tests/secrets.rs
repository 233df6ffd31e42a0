//! Secrets: kept, put into requests, refused elsewhere, and covered in what comes back.

mod covering;
mod fetching;
mod revealing;
mod signing;
mod versions;

use super::rig::{Rig, get, rig, rig_to};
use crate::Config;
use crate::secrets::Uses;
use http::header::{HeaderName, HeaderValue};
use model::wire::v1::{Decision, Entry, Level};
use model::{Code, Scope, Secret, SecretName};
use ports::host::{HostCall, HttpCall, Line};
use testkit::executor::Step;
use testkit::outbound::Scripted;

const VALUE: &str = "sk_live_51H8xQ2eZvKYlo2C";
const ALLOW: &str = r#"{"http":["* https://psp.example/*","* https://other.example/*"],"secret":{"psp":{"to":"https://psp.example","bearer":true}}}"#;
const TARGET: &str = "psp for https://psp.example";

fn name(text: &str) -> SecretName {
    SecretName::parse(text).expect(text)
}

pub(super) async fn put(rig: &Rig, text: &str, value: &str, rotate: bool) -> Result<u32, Code> {
    let value = Secret::new(value.as_bytes().to_vec());
    let scope = Scope::default();
    let put = rig.engine.put_secret(&scope, "operator", &name(text), value, rotate).await;
    put.map(|written| written.secret.version).map_err(|problem| problem.code)
}

fn call(url: &str, headers: &[(&str, String)]) -> HttpCall {
    let mut fields = http::HeaderMap::new();
    for (name, value) in headers {
        let name = HeaderName::try_from(*name).expect("a name");
        fields.insert(name, HeaderValue::from_str(value).expect("a value"));
    }
    HttpCall {
        method: http::Method::POST,
        uri: url.parse().expect(url),
        headers: fields,
        connect: None,
        first_byte: None,
        between_bytes: None,
    }
}

fn read(url: &str, headers: &[(&str, String)]) -> Step {
    Step::Read(HostCall::Http(call(url, headers)), b"")
}

/// What the function `f` holds instead of the secret.
pub(super) fn placeholder(allow: &str) -> String {
    let spec = format!(r#"{{"name":"f","allow":{allow}}}"#);
    let function = model::FunctionRef { scope: Scope::default(), name: "f".parse().expect("f") };
    let row = model::FunctionRow {
        function,
        application: "shop".parse().expect("shop"),
        deployment: 1,
        revision: 1,
        digest: model::Digest([0; 32]),
        artifact: model::Digest([0; 32]),
        spec: serde_json::from_str(&spec).expect(&spec),
    };
    let uses = Uses::of(&row, &Default::default());
    uses.iter().next().expect("one").placeholder.clone()
}

/// An outside that sends back everything that it was told.
fn echo() -> std::sync::Arc<Scripted> {
    Scripted::answering(|request| {
        let heads = request.headers().iter();
        let heads =
            heads.map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap_or("?")));
        let text = format!("{}\n{}", request.uri(), heads.collect::<String>());
        let mut response = http::Response::new(text.into_bytes());
        if let Some(value) = request.headers().get("authorization") {
            response.headers_mut().insert("x-echo", value.clone());
        }
        Ok(response)
    })
}

/// A public function that asks for `allow` and does this, with the secret set and all granted.
async fn using(value: &str, allow: &str, policy: &str, steps: Vec<Step>) -> Rig {
    let policies = [("op.cedar".to_owned(), policy.to_owned())];
    let rig = rig_to(echo(), Config::default(), &policies, move |_| {
        let head = Step::Head(http::StatusCode::OK);
        [vec![head], steps.clone(), vec![Step::End]].concat()
    })
    .await;
    assert_eq!(put(&rig, "psp", value, false).await, Ok(1));
    let spec =
        format!(r#"{{"name":"f","allow":{allow},"http":[{{"route":"GET /f","auth":"public"}}]}}"#);
    rig.deploy_as("shop", &spec, true).await.expect("deployed");
    rig
}

async fn told(rig: &Rig) -> String {
    rig.call("/f", None).await.expect("answered").1
}

fn sent(rig: &Rig, field: &str) -> Vec<Option<String>> {
    let text = |value: &HeaderValue| value.to_str().expect("text").to_owned();
    rig.outside.sent.lock().iter().map(|it| it.headers().get(field).map(text)).collect()
}

fn decisions(rig: &Rig) -> Vec<(String, String, Decision)> {
    let calls = rig.records().pop().expect("a record").calls;
    calls.into_iter().map(|it| (it.operation, it.resource, it.decision)).collect()
}

/// Everything that was written anywhere, as text.
fn written(rig: &Rig) -> String {
    let mut text = format!("{:?}", rig.journal.entries());
    for entry in rig.journal.entries() {
        if let Entry::Act(bytes) = entry {
            text.push_str(&String::from_utf8_lossy(&bytes));
        }
    }
    text
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_set_rotated_and_removed_and_never_shown() {
    let rig = rig(|_| super::rig::answer()).await;
    assert_eq!(put(&rig, "psp", VALUE, true).await, Err(Code::NoSuchSecret));
    assert_eq!(put(&rig, "psp", "", false).await, Err(Code::SecretValue));
    let long = "x".repeat(model::vault::VALUE_BYTES_MAX + 1);
    assert_eq!(put(&rig, "psp", &long, false).await, Err(Code::SecretValue));
    assert_eq!(put(&rig, "psp", VALUE, false).await, Ok(1));
    assert_eq!(put(&rig, "psp", VALUE, false).await, Err(Code::SecretTaken));
    assert_eq!(put(&rig, "psp", "hunter2", true).await, Ok(2));
    let scope = Scope::default();
    let listed = rig.engine.secrets(&scope);
    assert_eq!((listed.len(), listed[0].version, listed[0].weak), (1, 2, true));
    rig.engine.remove_secret(&scope, "operator", &name("psp")).await.expect("removed");
    assert!(rig.engine.secrets(&scope).is_empty());
    assert_eq!(put(&rig, "psp", VALUE, false).await, Ok(3));
    let written = written(&rig);
    for act in [r#""secret-set""#, r#""secret-rotate""#, r#""secret-remove""#] {
        assert!(written.contains(act), "{written}");
    }
    assert!(!written.contains(VALUE) && !written.contains("hunter2"));
}

#[tokio::test(start_paused = true)]
async fn a_deployment_whose_secret_is_not_there_is_refused_with_the_command() {
    let rig = rig(|_| super::rig::answer()).await;
    let spec = format!(r#"{{"name":"f","allow":{ALLOW}}}"#);
    assert_eq!(rig.deploy(&spec).await.err(), Some(Code::SecretMissing));
    let manifest = super::rig::manifest("shop", &spec, audit::digest(super::rig::COMPONENT));
    let request = model::api::DeployRequest { manifest, grant: false };
    let refused = rig.engine.deploy(&Scope::default(), "operator", request, None).await;
    assert_eq!(refused.expect_err("missing").hint.as_deref(), Some("casemate secret set psp"));
    assert_eq!(put(&rig, "psp", VALUE, false).await, Ok(1));
    rig.deploy(&spec).await.expect("deployed");
    assert_eq!(rig.engine.secrets(&Scope::default())[0].used_by.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_host_puts_the_secret_in_by_itself_or_for_its_placeholder() {
    let held = placeholder(ALLOW);
    let steps = vec![
        read("https://psp.example/v1/pay", &[]),
        read("https://psp.example/v1/pay", &[("authorization", held.clone())]),
        read("https://psp.example/v1/pay", &[("authorization", format!("Bearer {held}"))]),
        read("https://psp.example/v1/pay", &[("authorization", "Basic x".to_owned())]),
        read("https://other.example/", &[]),
    ];
    let rig = using(VALUE, ALLOW, "", steps).await;
    let told = told(&rig).await;
    let bearer = Some(format!("Bearer {VALUE}"));
    let own = Some("Basic x".to_owned());
    assert_eq!(
        sent(&rig, "authorization"),
        [bearer.clone(), bearer.clone(), bearer, own, None],
        "{told}"
    );
    assert!(!told.contains(VALUE) && !written(&rig).contains(VALUE), "{told}");
    use Decision::Allowed;
    let decisions = decisions(&rig);
    let secret = ("secret.use".to_owned(), "psp".to_owned(), Allowed);
    let http = ("http".to_owned(), "POST https://psp.example/v1/pay".to_owned(), Allowed);
    assert_eq!(decisions[..2], [secret, http]);
}

#[tokio::test(start_paused = true)]
async fn a_function_reads_the_placeholder_in_its_configuration() {
    let rig = rig(|_| super::rig::answer()).await;
    put(&rig, "psp", VALUE, false).await.expect("set");
    let config = |key: &str| format!(r#"{{"name":"f","allow":{ALLOW},"config":{{"{key}":"1"}}}}"#);
    assert_eq!(rig.deploy(&config("psp")).await.err(), Some(Code::ManifestValue));
    rig.deploy(&config("own")).await.expect("deployed");
    let catalog = rig.engine.catalog.load();
    let view = catalog.view(&Scope::default()).expect("a view");
    let config = &view.functions[&"f".parse().expect("f")].unit.config;
    assert_eq!(config.get("psp"), Some(&placeholder(ALLOW)));
    assert_eq!(config.get("own").map(String::as_str), Some("1"));
}

#[tokio::test(start_paused = true)]
async fn each_form_is_put_where_it_belongs() {
    let url = "https://psp.example/v1?a=1";
    for (form, path, field, value) in [
        (r#""header":"x-key","value":"k={secret};""#, "/v1?a=1", "x-key", format!("k={VALUE};")),
        (r#""query":"api_key""#, "/v1?a=1&api_key=sk_live_51H8xQ2eZvKYlo2C", "", String::new()),
        (
            r#""basic":"shop""#,
            "/v1?a=1",
            "authorization",
            "Basic c2hvcDpza19saXZlXzUxSDh4UTJlWnZLWWxvMkM=".to_owned(),
        ),
    ] {
        let allow = format!(
            r#"{{"http":["* https://psp.example/*"],"secret":{{"psp":{{"to":"https://psp.example",{form}}}}}}}"#
        );
        let rig = using(VALUE, &allow, "", vec![read(url, &[])]).await;
        let told = told(&rig).await;
        assert!(!told.contains("ZXlzUxSDh4") && !told.contains(VALUE), "{told}");
        let sent = rig.outside.sent.lock();
        assert_eq!(sent[0].uri().path_and_query().map(ToString::to_string).as_deref(), Some(path));
        if !field.is_empty() {
            assert_eq!(sent[0].headers()[field], value);
        }
        // What stands in a record has no query.
        assert!(!written(&rig).contains(VALUE));
    }
    let allow = r#"{"http":["* https://psp.example/*"],"secret":{"psp":{"to":"https://psp.example","query":"k"}}}"#;
    let held = placeholder(allow);
    let url = format!("https://psp.example/v1?k={held}&b=2");
    let rig = using("a value/with + signs in it", allow, "", vec![read(&url, &[])]).await;
    told(&rig).await;
    let query = rig.outside.sent.lock()[0].uri().query().map(ToOwned::to_owned);
    assert_eq!(query.as_deref(), Some("b=2&k=a%20value%2Fwith%20%2B%20signs%20in%20it"));
}

#[tokio::test(start_paused = true)]
async fn a_placeholder_anywhere_else_is_refused_and_recorded() {
    let held = placeholder(ALLOW);
    let psp = "https://psp.example/v1";
    let body: &'static [u8] = Box::leak(format!("key={held}").into_bytes().into_boxed_slice());
    for step in [
        read("https://other.example/", &[("authorization", format!("Bearer {held}"))]),
        read("https://other.example/", &[("x-debug", held.clone())]),
        read(&format!("https://other.example/?k={held}"), &[]),
        read(psp, &[("x-debug", held.clone())]),
        read(psp, &[("authorization", format!("Bearer {held} and more"))]),
        read(&format!("{psp}?k={held}"), &[]),
        read(&format!("{psp}/{held}"), &[]),
        Step::Read(HostCall::Http(call(psp, &[])), body),
        Step::Read(HostCall::Http(call("https://other.example/", &[])), body),
    ] {
        let what = format!("{step:?}");
        let in_body =
            what.contains("POST") && matches!(&step, Step::Read(_, body) if !body.is_empty());
        let rig = using(VALUE, ALLOW, "", vec![step]).await;
        let told = told(&rig).await;
        assert!(
            told.contains("Denied") || in_body && told.contains("RequestBody"),
            "{what} {told}"
        );
        assert_eq!(rig.outside.sent.lock().len(), 0, "{what}");
        let denied = ("secret.use".to_owned(), "psp".to_owned(), Decision::Denied);
        assert!(decisions(&rig).contains(&denied), "{what}");
        let line = rig.lines().iter().any(|it| it.text.starts_with("E0209"));
        assert!(line, "{what}: {:?}", rig.lines());
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_grant_for_the_secret_the_request_is_not_sent() {
    let rig = using(VALUE, ALLOW, "", vec![read("https://psp.example/v1", &[])]).await;
    let grant = model::Grant::parse("function:f", "secret", TARGET).expect("a grant");
    rig.engine.revoke(&Scope::default(), "operator", grant).await.expect("revoked");
    assert_eq!(told(&rig).await, "Denied");
    assert_eq!(rig.outside.sent.lock().len(), 0);
    let line = rig.lines()[0].text.clone();
    let hint = r#"casemate grant function:f secret "psp for https://psp.example/""#;
    assert!(line.starts_with("E0208") && line.contains(hint), "{line}");
    let denied: Vec<_> = decisions(&rig).into_iter().map(|(_, _, it)| it).collect();
    assert_eq!(denied, [Decision::Denied, Decision::Denied]);
    rig.grant("function:f", "secret", "psp for https://psp.example/").await;
    assert!(told(&rig).await.contains("Http"));
}

#[tokio::test(start_paused = true)]
async fn an_operators_policy_beats_the_grant_of_a_secret() {
    let forbid = r#"forbid(principal, action == Casemate::Action::"secret", resource == Casemate::Secret::"default/main/psp") when { context.host == "https://psp.example:443" && context.path like "/admin*" };"#;
    let steps = vec![read("https://psp.example/v1", &[]), read("https://psp.example/admin", &[])];
    let rig = using(VALUE, ALLOW, forbid, steps).await;
    assert!(told(&rig).await.ends_with("Denied"));
    assert_eq!(rig.outside.sent.lock().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_path_beside_the_one_that_is_named_gets_no_secret() {
    let allow = r#"{"http":["* https://psp.example/*"],"secret":{"psp":{"to":"https://psp.example/v1","bearer":true}}}"#;
    let urls = ["/v1", "/v1/x", "/v1beta", "/V1", "/v2"];
    let steps = urls.iter().map(|path| read(&format!("https://psp.example{path}"), &[])).collect();
    let rig = using(VALUE, allow, "", steps).await;
    told(&rig).await;
    let has: Vec<bool> = sent(&rig, "authorization").iter().map(Option::is_some).collect();
    assert_eq!(has, [true, true, false, false, false]);
}

#[tokio::test(start_paused = true)]
async fn a_redirect_takes_no_secret_along() {
    let outside = Scripted::answering(|request| {
        let mut response = http::Response::new(Vec::new());
        if request.uri().host() == Some("psp.example") {
            *response.status_mut() = http::StatusCode::TEMPORARY_REDIRECT;
            let there = HeaderValue::from_static("https://other.example/");
            response.headers_mut().insert("location", there);
        }
        Ok(response)
    });
    // The guest follows, once with nothing and once with what it sent before.
    let held = placeholder(ALLOW);
    let rig = rig_to(outside, Config::default(), &[], move |_| {
        vec![
            Step::Head(http::StatusCode::OK),
            read("https://psp.example/", &[]),
            read("https://other.example/", &[]),
            read("https://other.example/", &[("authorization", held.clone())]),
            Step::End,
        ]
    })
    .await;
    put(&rig, "psp", VALUE, false).await.expect("set");
    let spec =
        format!(r#"{{"name":"f","allow":{ALLOW},"http":[{{"route":"GET /f","auth":"public"}}]}}"#);
    rig.deploy_as("shop", &spec, true).await.expect("deployed");
    let told = told(&rig).await;
    assert!(told.contains("status: 307") && told.ends_with("Denied"), "{told}");
    let hosts: Vec<_> =
        rig.outside.sent.lock().iter().map(|it| it.uri().host().map(ToOwned::to_owned)).collect();
    assert_eq!(hosts, [Some("psp.example".to_owned()), Some("other.example".to_owned())]);
    assert_eq!(sent(&rig, "authorization")[1], None);
}

#[tokio::test(start_paused = true)]
async fn a_rotation_holds_from_the_next_call_on_and_a_removal_ends_the_use() {
    let rig = using(VALUE, ALLOW, "", vec![read("https://psp.example/", &[])]).await;
    told(&rig).await;
    put(&rig, "psp", "rk_live_another_value_2", true).await.expect("rotated");
    told(&rig).await;
    let expect = [VALUE, "rk_live_another_value_2"].map(|value| Some(format!("Bearer {value}")));
    assert_eq!(sent(&rig, "authorization"), expect);
    let scope = Scope::default();
    rig.engine.remove_secret(&scope, "operator", &name("psp")).await.expect("removed");
    assert_eq!(told(&rig).await, "Denied");
    let line = rig.lines().pop().expect("a line").text;
    assert!(line.contains("E0520") && line.contains("casemate secret set psp"), "{line}");
    assert_eq!(rig.outside.sent.lock().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_value_that_no_field_can_hold_is_not_sent() {
    let rig = using(
        "line one of a value\nline two of a value",
        ALLOW,
        "",
        vec![read("https://psp.example/", &[])],
    )
    .await;
    assert!(told(&rig).await.contains("Upstream(Request)"));
    assert_eq!(rig.outside.sent.lock().len(), 0);
    assert!(rig.lines()[0].text.contains("E0910"), "{:?}", rig.lines());
    assert!(!written(&rig).contains("line two"));
}
