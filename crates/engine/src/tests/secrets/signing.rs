//! Secrets that sign requests, and secrets in bodies.

use super::*;
use crate::secrets::crypto::{hmac_sha256, sha256_hex};

fn with(url: &str, headers: &[(&str, &str)], body: &'static [u8]) -> Step {
    let headers: Vec<_> =
        headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Step::Read(HostCall::Http(call(url, &headers)), body)
}

fn allow(form: &str) -> String {
    format!(
        r#"{{"http":["* https://psp.example/*","* http://psp.example/*","* https://other.example/*"],"secret":{{"psp":{{"to":["https://psp.example","http://psp.example"],{form}}}}}}}"#
    )
}

fn sent_body(rig: &Rig) -> String {
    String::from_utf8_lossy(rig.outside.sent.lock()[0].body()).into_owned()
}

const AWS: &str = r#""sigv4":{"access_key":"AKIAEXAMPLE","region":"eu-central-1","service":"s3"}"#;

#[tokio::test(start_paused = true)]
async fn a_request_for_aws_is_signed_by_the_host() {
    let held = placeholder(&allow(AWS));
    let own = format!("AWS4-HMAC-SHA256 Credential={held}/x, SignedHeaders=host, Signature=00");
    let steps = vec![
        with("https://psp.example/b/k", &[], b"hello"),
        with(
            "https://psp.example/b/k",
            &[("authorization", &own), ("x-amz-security-token", &held)],
            b"hello",
        ),
        with("http://psp.example/b/k", &[], b"hello"),
        with("https://psp.example/b/k", &[("authorization", "Bearer mine")], b""),
        with("https://psp.example/b/k?X-Amz-Signature=mine", &[], b""),
        with("https://other.example/", &[("authorization", "AWS4-HMAC-SHA256 mine")], b""),
    ];
    let rig = using(VALUE, &allow(AWS), "", steps).await;
    let told = told(&rig).await;
    let authorizations = sent(&rig, "authorization");
    let scope = "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20270115/eu-central-1/s3/aws4_request, ";
    for signed in &authorizations[..3] {
        let signed = signed.as_deref().expect("signed");
        assert!(signed.starts_with(scope), "{signed}");
        assert!(
            signed.contains("SignedHeaders=host;x-amz-content-sha256;x-amz-date, "),
            "{signed}"
        );
        let (_, signature) = signed.split_once("Signature=").expect("a signature");
        assert!(!told.contains(signature), "a signature comes back: {told}");
        assert!(!written(&rig).contains(signature), "a signature is written down");
    }
    assert_eq!(authorizations[0], authorizations[1], "what the guest signed is dropped");
    assert_eq!(authorizations[3].as_deref(), Some("Bearer mine"));
    assert_eq!(authorizations[4], None);
    assert_eq!(authorizations[5].as_deref(), Some("AWS4-HMAC-SHA256 mine"));
    let digests = sent(&rig, "x-amz-content-sha256");
    assert_eq!(digests[0].as_deref(), Some("UNSIGNED-PAYLOAD"));
    assert_eq!(digests[2].as_deref(), Some(sha256_hex(b"hello").as_str()));
    assert_eq!(sent(&rig, "x-amz-security-token")[1], None);
    assert_eq!(sent_body(&rig), "hello");
    assert!(!told.contains(VALUE) && !written(&rig).contains(VALUE), "{told}");
}

#[tokio::test(start_paused = true)]
async fn credentials_of_aws_come_from_the_value_and_are_covered_one_by_one() {
    let form = r#""sigv4":{"region":"eu-central-1","service":"sqs"}"#;
    let token = "FwoGZXIvYXdzEBYaDH3xample0Token";
    let value = format!(
        r#"{{"AccessKeyId":"ASIAEXAMPLE","SecretAccessKey":"{VALUE}","SessionToken":"{token}"}}"#
    );
    let rig =
        using(&value, &allow(form), "", vec![with("https://psp.example/", &[], b"a=b")]).await;
    let told = told(&rig).await;
    assert_eq!(sent(&rig, "x-amz-security-token"), [Some(token.to_owned())]);
    let authorization = sent(&rig, "authorization")[0].clone().expect("signed");
    assert!(authorization.contains("Credential=ASIAEXAMPLE/20270115/eu-central-1/sqs/"));
    assert!(authorization.contains("SignedHeaders=host;x-amz-date;x-amz-security-token"));
    assert!(!told.contains(token) && told.contains("***"), "{told}");
    let rig = using("{}", &allow(form), "", vec![with("https://psp.example/", &[], b"")]).await;
    assert!(super::told(&rig).await.contains("Upstream(Request)"));
    assert!(rig.lines()[0].text.contains("E1415"), "{:?}", rig.lines());
    assert_eq!(rig.outside.sent.lock().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_signed_again_is_not_sent() {
    let streaming = [("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")];
    let rig =
        using(VALUE, &allow(AWS), "", vec![with("https://psp.example/", &streaming, b"5;x")]).await;
    assert!(told(&rig).await.contains("Upstream(Request)"));
    assert!(rig.lines()[0].text.contains("E1418"), "{:?}", rig.lines());
    let large: &'static [u8] = vec![b'x'; (4 << 20) + 1].leak();
    let steps = vec![
        with("http://psp.example/", &[], large),
        with("https://psp.example/", &[], large),
        with("http://psp.example/", &[], &large[1..]),
    ];
    let rig = using(VALUE, &allow(AWS), "", steps).await;
    assert!(told(&rig).await.contains("Limit"));
    assert!(rig.lines()[0].text.contains("E1416"), "{:?}", rig.lines());
    let sent: Vec<usize> = rig.outside.sent.lock().iter().map(|it| it.body().len()).collect();
    assert_eq!(sent, [(4 << 20) + 1, 4 << 20], "what goes out unsigned may be of any size");
    drop(rig.outside.sent.lock().drain(..));
    assert_eq!(rig.engine.gathered.held(), 0, "room is given back");
}

#[tokio::test(start_paused = true)]
async fn a_body_is_signed_with_a_template() {
    let form = r#""hmac":{"sign":"{method}.{timestamp}.{body}","header":"x-signature","value":"t={timestamp},v1={signature}","timestamp_header":"x-time"}"#;
    let steps = vec![
        with("https://psp.example/", &[], b"{\"a\":1}"),
        with("https://psp.example/", &[("x-signature", "mine")], b""),
        with("https://other.example/", &[], b""),
    ];
    let rig = using(VALUE, &allow(form), "", steps).await;
    let told = told(&rig).await;
    let signature = hex::encode(hmac_sha256(VALUE.as_bytes(), b"POST.1800000000.{\"a\":1}"));
    let expect = format!("t=1800000000,v1={signature}");
    assert_eq!(sent(&rig, "x-signature"), [Some(expect), Some("mine".to_owned()), None]);
    assert_eq!(sent(&rig, "x-time"), [Some("1800000000".to_owned()), None, None]);
    assert_eq!(sent_body(&rig), "{\"a\":1}");
    assert!(!told.contains(&signature), "{told}");
    assert!(told.contains(&format!("v1={}", "*".repeat(64))), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_secret_goes_into_a_body() {
    let form = r#""body":{"json":"/auth/key"}"#;
    let held = placeholder(&allow(form));
    let body: &'static [u8] = format!(r#"{{"auth":{{"key":"{held}"}}}}"#).into_bytes().leak();
    let length = body.len().to_string();
    let fields = [("content-type", "application/json"), ("content-length", length.as_str())];
    let steps = vec![
        with("https://psp.example/", &fields, body),
        with("https://psp.example/", &fields[..1], b"{}"),
    ];
    let rig = using(VALUE, &allow(form), "", steps).await;
    let told = told(&rig).await;
    assert_eq!(sent_body(&rig), format!(r#"{{"auth":{{"key":"{VALUE}"}}}}"#), "{told}");
    let expect = rig.outside.sent.lock()[0].body().len().to_string();
    assert_eq!(sent(&rig, "content-length"), [Some(expect), None]);
    assert!(!written(&rig).contains(VALUE));
    let uses = decisions(&rig).iter().filter(|(operation, ..)| operation == "secret.use").count();
    assert_eq!(uses, 1, "where no placeholder stands, nothing is used");
}

#[tokio::test(start_paused = true)]
async fn a_placeholder_in_another_part_of_the_body_is_refused() {
    let form = r#""body":{"json":"/auth/key"}"#;
    let held = placeholder(&allow(form));
    let json = [("content-type", "application/json")];
    let body = |text: String| -> &'static [u8] { text.into_bytes().leak() };
    for (url, fields, text, code) in [
        ("https://psp.example/", &json[..], format!(r#"{{"other":"{held}"}}"#), "E1417"),
        ("https://psp.example/", &json, format!(r#"{{"auth":{{"key":"{held} "}}}}"#), "E1417"),
        ("https://psp.example/", &[], format!(r#"{{"auth":{{"key":"{held}"}}}}"#), "E0209"),
        ("https://other.example/", &json, format!(r#"{{"auth":{{"key":"{held}"}}}}"#), "E0209"),
    ] {
        let rig = using(VALUE, &allow(form), "", vec![with(url, fields, body(text.clone()))]).await;
        told(&rig).await;
        assert_eq!(rig.outside.sent.lock().len(), 0, "{url} {text}");
        let lines = rig.lines();
        assert!(lines.iter().any(|line| line.text.contains(code)), "{text}: {lines:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_destination_needs_its_grant() {
    let form = r#""bearer":true"#;
    let url = "http://psp.example/";
    let rig = using(VALUE, &allow(form), "", vec![with(url, &[], b"")]).await;
    told(&rig).await;
    assert_eq!(sent(&rig, "authorization"), [Some(format!("Bearer {VALUE}"))]);
    let grant = model::Grant::parse("function:f", "secret", "psp for http://psp.example");
    let scope = Scope::default();
    rig.engine.revoke(&scope, "operator", grant.expect("a grant")).await.expect("revoked");
    assert_eq!(told(&rig).await, "Denied");
}
