//! A function, or a caller, that guesses at a value learns nothing from what the host does.

use super::*;

/// What stands for the address, as every invocation makes it.
async fn made() -> String {
    let (rig, token) = shop(IN, Vec::new).await;
    let body = format!(r#"{{"email":"{MAIL}"}}"#);
    let (_, said) = say(&rig, post("/f", &token, &[JSON], &body)).await.expect("answered");
    let body = said.split('\n').next_back().expect("a body");
    body.split('"').nth(3).expect("a token").to_owned()
}

fn operations(rig: &Rig) -> Vec<String> {
    last(rig).calls.into_iter().map(|call| call.operation).collect()
}

#[tokio::test]
async fn a_token_says_nothing_about_guesses_that_come_from_outside_or_go_back() {
    let token_of = made().await;
    let outside = Scripted::answering(|_| {
        Ok(http::Response::new(format!("a@b.example {MAIL} c@d.example").into_bytes()))
    });
    let rig = rig_to(outside, Config::default(), &[], |_| {
        vec![
            Step::Head(http::StatusCode::OK),
            Step::Echo,
            ask("https://other.example/list", br#""ada.lovelace@example.com""#),
            ask("https://other.example/list", b"again"),
            Step::End,
        ]
    })
    .await;
    rig.deploy_as("shop", &function(IN), true).await.expect("deployed");
    let token = rig.token("t", &["f"]).await;
    let body = format!(r#"{{"email":"{token_of}","note":"{MAIL}"}}"#);
    let (head, said) = say(&rig, post("/f", &token, &[JSON], &body)).await.expect("answered");
    assert_eq!(said.matches(MAIL).count(), 3, "in the reply, and in what came twice: {said}");
    assert!(!said.contains("***") && head.get("casemate-masked").is_none(), "{said}");
    let done = operations(&rig);
    assert_eq!(done.iter().filter(|it| *it == "data.seen").count(), 1, "{done:?}");
    assert!(!done.iter().any(|it| it == "data.masked"), "{done:?}");
}

#[tokio::test]
async fn a_called_function_covers_no_value_for_the_one_that_calls() {
    let rig = rig_to(Scripted::new(|_| Ok((200, Vec::new()))), Config::default(), &[], |request| {
        match request.uri().path() {
            "/f" => vec![
                Step::Head(http::StatusCode::OK),
                ask("http://g.fn.casemate.internal/g", CARD.as_bytes()),
                Step::End,
            ],
            _ => vec![Step::Head(http::StatusCode::OK), Step::Echo, Step::End],
        }
    })
    .await;
    let f = function(IN).replace(r#""allow":{"#, r#""allow":{"invoke":["g"],"#);
    rig.deploy_as("shop", &format!(r#"{f},{{"name":"g"}}"#), true).await.expect("deployed");
    let token = rig.token("t", &["f"]).await;
    let body = format!(r#"{{"card":{{"number":"{CARD}"}}}}"#);
    let (_, said) = say(&rig, post("/f", &token, &[JSON], &body)).await.expect("answered");
    assert!(!said.contains(CARD), "the caller's own reply is covered: {said}");
    for record in rig.records() {
        let masked = record.calls.iter().any(|call| call.operation == "data.masked");
        assert_eq!(masked, record.start.function.name.as_str() == "f", "{record:?}");
    }
}

#[tokio::test]
async fn the_first_refused_request_is_the_last_one() {
    let more = || {
        vec![
            ask("https://other.example/a", b"one"),
            ask("https://other.example/b", b"nothing of this goes 4111 1111 1111 1111"),
            ask("https://other.example/c", b"two"),
            ask("https://psp.example/v1", b"three"),
        ]
    };
    let (rig, token) = shop(IN, more).await;
    let body = format!(r#"{{"card":{{"number":"{CARD}"}}}}"#);
    say(&rig, post("/f", &token, &[JSON], &body)).await.expect("answered");
    let calls = last(&rig).calls;
    let http: Vec<_> = calls.iter().filter(|call| call.operation == "http").collect();
    let denied: Vec<bool> = http.iter().map(|call| call.decision == Decision::Denied).collect();
    assert_eq!(denied, [false, true, true, true], "{http:?}");
    assert_eq!(rig.outside.sent.lock().len(), 1, "nothing of a refused one is sent");
}

#[tokio::test]
async fn what_comes_back_of_a_reveal_is_whole_and_in_plain() {
    let token_of = made().await;
    for (coding, passes) in [(None, true), (Some("identity"), true), (Some("gzip"), false)] {
        let outside = Scripted::answering(move |_| {
            let mut response = http::Response::new(b"an answer".to_vec());
            if let Some(coding) = coding {
                let coding = http::HeaderValue::from_static(coding);
                response.headers_mut().insert("content-encoding", coding);
            }
            Ok(response)
        });
        let to: &'static [u8] = format!(r#"{{"to":"{token_of}"}}"#).leak().as_bytes();
        let rig = rig_to(outside, Config::default(), &[], move |_| {
            let mut asked = ask("https://psp.example/v1/mail", to);
            if let Step::Read(HostCall::Http(call), _) = &mut asked {
                call.headers.insert("range", http::HeaderValue::from_static("bytes=1-3"));
                call.headers.insert("accept-encoding", http::HeaderValue::from_static("gzip"));
            }
            vec![Step::Head(http::StatusCode::OK), asked, Step::End]
        })
        .await;
        rig.deploy_as("shop", &function(REVEAL), true).await.expect("deployed");
        let token = rig.token("t", &["f"]).await;
        let (_, said) = say(&rig, post("/f", &token, &[JSON], "")).await.expect("answered");
        assert_eq!(said.contains("an answer"), passes, "{coding:?}: {said}");
        let sent = rig.outside.sent.lock().pop().expect("one");
        assert_eq!(sent.headers().get("accept-encoding").expect("one"), "identity");
        assert!(sent.headers().get("range").is_none());
        assert!(sent.body().windows(MAIL.len()).any(|it| it == MAIL.as_bytes()));
    }
}

#[tokio::test]
async fn a_name_that_a_caller_sends_as_a_value_stays_in_the_record() {
    let more = || vec![ask("https://psp.example/v1/psp.example", b"{}")];
    let (rig, token) = shop(&format!("{IN},{REVEAL}"), more).await;
    let body = r#"{"email":"psp.example"}"#;
    say(&rig, post("/f", &token, &[JSON], body)).await.expect("answered");
    let call = last(&rig).calls.into_iter().find(|call| call.operation == "http");
    assert_eq!(call.expect("one").resource, "POST https://psp.example/v1/***********");
}
