//! Deployments, grants and tokens, and the ledger that they leave.

use super::rig::{answer, rig, rig_with};
use crate::Config;
use model::{Code, Scope};

const A: &str = r#"{"name":"a","http":[{"route":"GET /a","auth":"public"}]}"#;
const B: &str = r#"{"name":"b","http":[{"route":"GET /b"}]}"#;

#[tokio::test(start_paused = true)]
async fn what_a_manifest_asks_for_is_listed_and_not_given() {
    let rig = rig(|_| answer()).await;
    let deployed = rig.deploy(A).await.expect("deployed");
    let wanted: Vec<String> = deployed.wanted.iter().map(ToString::to_string).collect();
    assert_eq!(wanted, ["public invoke a"]);
    assert_eq!(rig.call("/a", None).await, Err(Code::CredentialRequired));
    let deployed = rig.deploy_as("shop", A, true).await.expect("deployed with grants");
    assert!(deployed.wanted.is_empty() && deployed.granted.len() == 1);
    assert_eq!(rig.call("/a", None).await, Ok((200, "hello".to_owned())));
}

#[tokio::test(start_paused = true)]
async fn development_grants_what_is_asked_for() {
    let rig = rig_with(Config { grant_all: true, ..Config::default() }, &[], |_| answer()).await;
    rig.deploy(A).await.expect("deployed");
    assert_eq!(rig.call("/a", None).await, Ok((200, "hello".to_owned())));
}

#[tokio::test(start_paused = true)]
async fn an_application_is_deployed_rolled_back_and_removed_as_a_whole() {
    let rig = rig(|_| answer()).await;
    let token = |rig: super::rig::Rig| async move { (rig.token("ci", &["a"]).await, rig) };
    rig.deploy(A).await.expect("first");
    let (token, rig) = token(rig).await;
    rig.deploy(&format!("{A},{B}")).await.expect("second");
    rig.grant("token:ci", "invoke", "b").await;
    assert_eq!(rig.call("/b", Some(&token)).await, Ok((200, "hello".to_owned())));
    let scope = Scope::default();
    let application = "shop".parse().expect("name");
    rig.engine.rollback(&scope, "operator", &application, None).await.expect("back to the first");
    assert_eq!(rig.call("/b", Some(&token)).await, Err(Code::NotFound));
    assert_eq!(rig.call("/a", Some(&token)).await, Ok((200, "hello".to_owned())));
    rig.engine.remove(&scope, "operator", &application).await.expect("removed");
    assert_eq!(rig.call("/a", Some(&token)).await, Err(Code::NotFound));
    assert!(rig.engine.functions(&scope).is_empty());
    assert!(rig.engine.verify_ledger().await.expect("sound") >= 6);
}

#[tokio::test(start_paused = true)]
async fn clashes_and_foreign_functions_change_nothing() {
    let rig = rig(|_| answer()).await;
    rig.deploy_as("one", A, false).await.expect("deployed");
    assert_eq!(
        rig.deploy_as("two", r#"{"name":"c","http":[{"route":"GET /a"}]}"#, false).await.err(),
        Some(Code::RouteClash)
    );
    assert_eq!(
        rig.deploy_as("two", r#"{"name":"a"}"#, false).await.err(),
        Some(Code::FunctionTaken)
    );
    let names: Vec<String> =
        rig.engine.functions(&Scope::default()).iter().map(|f| f.name.to_string()).collect();
    assert_eq!(names, ["a"]);
}

#[tokio::test(start_paused = true)]
async fn grants_that_go_with_a_deployment_are_made_in_its_act_or_nothing_is() {
    let rig = rig(|_| answer()).await;
    let scope = Scope::default();
    rig.deploy(A).await.expect("its component is there");
    let deploy = |who: &str| {
        let manifest = super::rig::manifest("other", B, audit::digest(super::rig::COMPONENT));
        let request = model::api::DeployRequest { manifest, grant: false };
        let more = vec![model::Grant::parse(who, "invoke", "b").expect("a grant")];
        rig.engine.deploy_granting(&scope, "operator", request, Some(0), more)
    };
    let refused = deploy("token:nobody").await.expect_err("no such token");
    assert_eq!(refused.code, Code::NoSuchToken);
    assert_eq!(rig.engine.functions(&scope).len(), 1, "nothing was deployed");
    let token = rig.token("ci", &[]).await;
    let before = rig.engine.verify_ledger().await.expect("sound");
    deploy("token:ci").await.expect("deployed");
    assert_eq!(rig.engine.verify_ledger().await.expect("sound"), before + 1, "one act");
    assert_eq!(rig.call("/b", Some(&token)).await, Ok((200, "hello".to_owned())));
}

#[tokio::test(start_paused = true)]
async fn a_component_that_was_not_uploaded_is_named() {
    let rig = rig(|_| answer()).await;
    let manifest = super::rig::manifest("shop", A, model::Digest([9; 32]));
    let request = model::api::DeployRequest { manifest, grant: false };
    let problem =
        rig.engine.deploy(&Scope::default(), "operator", request, None).await.expect_err("missing");
    assert_eq!(problem.code, Code::ArtifactMissing);
    assert!(rig.engine.functions(&Scope::default()).is_empty());
}
