//! The API's description, its committed form and the router say the same.

use crate::rig::Rig;
use casemate_control::openapi::{document, table};
use model::Code;
use std::path::Path;

/// A path with every parameter replaced by something well-formed.
fn filled(path: &str) -> String {
    let digest = format!("sha256:{}", "0".repeat(64));
    [
        ("{tenant}", "default"),
        ("{environment}", "main"),
        ("{digest}", &digest),
        ("{application}", "shop"),
        ("{function}", "hello"),
        ("{name}", "ci"),
        ("{id}", "0190163d-8694-739b-aea5-966c26f8ad90"),
        ("{path}", "a/b"),
    ]
    .iter()
    .fold(path.to_owned(), |path, (name, value)| path.replace(name, value))
}

#[test]
fn the_committed_description_is_what_the_table_says() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/openapi.json");
    let text = serde_json::to_string_pretty(&document()).expect("plain data") + "\n";
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, &text).expect("docs can be written");
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        committed == text,
        "docs/reference/openapi.json is not what the code says; run `cargo xtask docs`"
    );
}

#[tokio::test]
async fn every_described_operation_is_routed() {
    let rig = Rig::new().await;
    for (method, path) in table() {
        let path = filled(&path);
        assert!(!path.contains('{'), "{path} has a parameter that this test does not know");
        let answer = rig.operator(method, &path).await;
        assert_ne!(answer.code(), Code::VersionSkew.text(), "{method} {path}");
        // An answer to HEAD has no body; its media type tells that it was no problem.
        let problem = method == "head" && answer.media_type == model::problem::Body::MEDIA_TYPE;
        assert!(!problem, "{method} {path}");
        assert_ne!(answer.status, Code::AdminCredential.status(), "{method} {path}");
    }
}

#[tokio::test]
async fn every_described_operation_takes_the_operators_token() {
    let rig = Rig::new().await;
    for (method, path) in table() {
        let answer = rig.stranger(method, &filled(&path)).await;
        assert_eq!(answer.status, Code::AdminCredential.status(), "{method} {path}");
    }
}

#[tokio::test]
async fn an_operation_that_is_not_described_is_unknown_and_says_both_versions() {
    let rig = Rig::new().await;
    for (method, path) in [("get", "/v1/secrets"), ("patch", "/v1/node"), ("get", "/")] {
        let answer = rig.operator(method, path).await;
        assert_eq!(answer.code(), Code::VersionSkew.text(), "{method} {path}");
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(text.contains(casemate_control::VERSION), "{text}");
    }
}

#[tokio::test]
async fn health_and_the_description_itself_are_open() {
    let rig = Rig::new().await;
    for path in ["/healthz", "/readyz", "/v1/openapi.json"] {
        assert_eq!(rig.stranger("get", path).await.status, 200, "{path}");
    }
}
