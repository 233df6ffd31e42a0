//! Values that can be erased: they come back as others do, until their subject's salt is deleted.

use super::*;
use model::api::{EraseRequest, RevealRequest};
use model::{DataClass, Scope};
use parking_lot::Mutex;
use std::sync::Arc;

const ERASABLE: &str = r#""in":[{"at":"body:/to","class":"email","transform":"token","erasable":true,"subject":"body:/who"}]"#;

fn email() -> DataClass {
    DataClass::parse("email").expect("a class")
}

async fn erase(rig: &Rig, subject: &str) -> Result<u64, Code> {
    let request = EraseRequest { class: email(), subject: subject.to_owned() };
    let erased = rig.engine.erase_data(&Scope::default(), "operator", request).await;
    erased.map(|erased| erased.leaf).map_err(|problem| problem.code)
}

async fn reveal(rig: &Rig, token: &str) -> Result<Vec<String>, Code> {
    let request = RevealRequest {
        class: email(),
        purpose: "complaint 12".to_owned(),
        tokens: vec![token.to_owned()],
    };
    let revealed = rig.engine.reveal_data(&Scope::default(), "operator", request).await;
    revealed.map(|revealed| revealed.values).map_err(|problem| problem.code)
}

fn body(who: &str, to: &str) -> String {
    serde_json::json!({ "to": to, "who": who }).to_string()
}

/// What the function sees in the place of the address.
async fn token(rig: &Rig, own: &str, who: &str, to: &str) -> String {
    let (_, said) = say(rig, post("/f", own, &[JSON], &body(who, to))).await.expect("answered");
    let last = said.split('\n').next_back().expect("a body");
    let seen: serde_json::Value = serde_json::from_str(last).expect(last);
    seen["to"].as_str().expect("a token").to_owned()
}

#[tokio::test]
async fn what_was_erased_comes_back_for_nobody_and_the_rest_does() {
    let (rig, own) = shop(ERASABLE, Vec::new).await;
    let (ann, ben) = (token(&rig, &own, "ann", MAIL).await, token(&rig, &own, "ben", MAIL).await);
    assert!(ann.starts_with("tok_email_1_") && ann != ben, "{ann} {ben}");
    assert_eq!(last(&rig).labels.to_string(), "email.token");
    assert_eq!(reveal(&rig, &ann).await, Ok(vec![MAIL.to_owned()]));
    let before = rig.engine.ledger_head().await.map(|head| head.size).unwrap_or_default();
    assert_eq!(erase(&rig, "ann").await, Ok(before));
    assert_eq!(reveal(&rig, &ann).await, Err(Code::DataErased));
    assert_eq!(reveal(&rig, &ben).await, Ok(vec![MAIL.to_owned()]));
    assert_eq!(erase(&rig, "ann").await, Err(Code::DataSubject), "nothing is left");
    assert_eq!(erase(&rig, "nobody").await, Err(Code::DataSubject));
    let anew = token(&rig, &own, "ann", MAIL).await;
    assert_ne!(anew, ann);
    assert_eq!(reveal(&rig, &anew).await, Ok(vec![MAIL.to_owned()]));
    assert_eq!(reveal(&rig, &ann).await, Err(Code::DataErased), "a new salt is not the old one");
    let sent = post("/f", &own, &[JSON], &body("ann", &ann));
    assert_eq!(say(&rig, sent).await.expect_err("erased").code, Code::DataErased);
    let sent = post("/f", &own, &[JSON], &body("ben", &anew));
    assert_eq!(say(&rig, sent).await.expect_err("another's").code, Code::DataTokenForeign);
}

#[tokio::test]
async fn the_ledger_says_that_and_not_who() {
    let (rig, own) = shop(ERASABLE, Vec::new).await;
    token(&rig, &own, "ann@example.com", MAIL).await;
    let leaf = erase(&rig, "ann@example.com").await.expect("erased");
    let entries = rig.engine.ledger_entries(leaf, 1).await.expect("entries");
    let text = format!("{entries:?}");
    assert!(text.contains("DataErase") && text.contains("email"), "{text}");
    assert!(!text.contains("ann@") && !text.contains(MAIL), "{text}");
    let records = format!("{:?}", rig.records());
    assert!(!records.contains("ann@example.com"), "{records}");
}

#[tokio::test]
async fn a_value_that_nobody_could_erase_is_refused() {
    let (rig, own) = shop(ERASABLE, Vec::new).await;
    for sent in [format!(r#"{{"to":"{MAIL}"}}"#), body("", MAIL), body(&"s".repeat(1025), MAIL)] {
        let problem = say(&rig, post("/f", &own, &[JSON], &sent)).await.expect_err("refused");
        assert_eq!(problem.code, Code::DataNoSubject, "{sent}");
        assert!(!format!("{problem:?}").contains(MAIL));
    }
    assert_eq!(erase(&rig, "ann").await, Err(Code::DataSubject), "nothing was kept for anybody");
}

/// A function that sends the token of the field `x-token` to where it may come back, and says what
/// it sees; and what arrives there.
async fn teller() -> (Rig, String, Arc<Mutex<Vec<Vec<u8>>>>) {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&sent);
    let outside = Scripted::answering(move |request| {
        seen.lock().push(request.body().to_vec());
        Ok(http::Response::new(b"thanks".to_vec()))
    });
    let rig = rig_to(outside, Config::default(), &[], |request| {
        let token = request.headers().get("x-token").and_then(|it| it.to_str().ok());
        let mut steps = vec![Step::Head(http::StatusCode::OK), Step::Echo];
        if let Some(token) = token {
            let body: &'static str = Box::leak(format!(r#"{{"to":"{token}"}}"#).into_boxed_str());
            steps.push(ask("https://psp.example/v1/mail", body.as_bytes()));
        }
        steps.push(Step::End);
        steps
    })
    .await;
    rig.deploy_as("shop", &function(&format!("{ERASABLE},{REVEAL}")), true).await.expect("good");
    let own = rig.token("t", &["f"]).await;
    (rig, own, sent)
}

#[tokio::test]
async fn a_request_to_where_it_may_go_has_the_value_until_it_is_erased() {
    let (rig, own, sent) = teller().await;
    let (ann, ben) = (token(&rig, &own, "ann", MAIL).await, token(&rig, &own, "ben", CARD).await);
    let tell = |token: &str| post("/f", &own, &[JSON, ("x-token", token)], "{}");
    say(&rig, tell(&ann)).await.expect("answered");
    let arrived = sent.lock().pop().expect("sent");
    assert_eq!(String::from_utf8_lossy(&arrived), format!(r#"{{"to":"{MAIL}"}}"#));
    let reveal = last(&rig).calls.into_iter().find(|call| call.operation == "data.reveal");
    let resource = reveal.expect("recorded").resource;
    assert_eq!(resource, "email for https://psp.example/v1/mail as receipt (1)");
    erase(&rig, "ann").await.expect("erased");
    say(&rig, tell(&ann)).await.expect("answered");
    assert!(sent.lock().is_empty(), "nothing of the request was sent");
    assert!(rig.lines().iter().any(|line| line.text.contains("E0324")), "the log says why");
    say(&rig, tell(&ben)).await.expect("answered");
    assert_eq!(sent.lock().pop().expect("sent"), format!(r#"{{"to":"{CARD}"}}"#).into_bytes());
}

#[tokio::test]
async fn the_operator_lays_over_that_it_can_be_erased() {
    let laid = |unnamed: &str| {
        let field = r#"{"at":"body:/to","class":"email","transform":"token","erasable":true,"subject":"body:/who"}"#;
        let field = serde_json::from_str(field).expect("a field");
        let laid = model::manifest::LaidField { functions: Vec::new(), field };
        let laid = model::manifest::LaidSpec { classes: Vec::new(), fields: vec![laid] };
        let data = crate::DataDefaults { laid, ..crate::DataDefaults::default() };
        (data, function(unnamed))
    };
    for (said, expect) in [
        (r#""unnamed":{"email":"mask"}"#, None),
        (r#""unnamed":{"email":"token"}"#, Some(Code::DataContract)),
        // The manifest says that the same place is another thing.
        (r#""in":[{"at":"body:/to","class":"email","transform":"token"}]"#, Some(Code::DataLaid)),
    ] {
        let (data, function) = laid(said);
        let outside = Scripted::answering(|_| Ok(http::Response::new(Vec::new())));
        let config = Config { data, ..Config::default() };
        let rig =
            rig_to(outside, config, &[], |_| vec![Step::Head(http::StatusCode::OK), Step::End]);
        let deployed = rig.await.deploy_as("shop", &function, true).await;
        assert_eq!(deployed.err(), expect, "{said}");
    }
}
