//! What detectors find in what nobody labelled: on the way in, and at every exit.

use super::*;
use crate::DataDefaults;
use model::manifest::Exit;
use model::wire::v1::Level;
use ports::host::Line;
use protect::transform::is_token;

const IBAN: &str = "DE89370400440532013000";

/// What the last record says was found.
fn found(rig: &Rig) -> Vec<String> {
    let calls = last(rig).calls.into_iter().filter(|call| call.operation == "data.found");
    calls.map(|call| call.resource).collect()
}

async fn operated(
    data: DataDefaults,
    script: impl Fn(&http::Request<()>) -> Vec<Step> + Send + Sync + 'static,
) -> (Rig, String) {
    let outside = Scripted::answering(|request| Ok(http::Response::new(request.body().to_vec())));
    let config = Config { data, ..Config::default() };
    let rig = rig_to(outside, config, &[], script).await;
    rig.deploy_as("shop", r#"{"name":"f","http":[{"route":"* /f"}]}"#, true).await.expect("good");
    let token = rig.token("t", &["f"]).await;
    (rig, token)
}

fn out(class: &str, exit: Exit) -> DataDefaults {
    let class = model::DataClass::parse(class).expect(class);
    DataDefaults { out: [(class, exit)].into_iter().collect(), ..DataDefaults::default() }
}

fn spoken(frames: &'static [&'static [u8]]) -> Vec<Step> {
    let mut steps = vec![Step::Head(http::StatusCode::OK)];
    steps.extend(frames.iter().flat_map(|frame| [Step::Frame(frame), Step::Yield]));
    steps.push(Step::End);
    steps
}

#[tokio::test]
async fn nothing_is_looked_for_where_nobody_wants_to_know() {
    let (rig, token) =
        operated(DataDefaults::default(), |_| spoken(&[b"card 4111 1111 1111 1111"])).await;
    let (_, said) = say(&rig, post("/f", &token, &[JSON], MAIL)).await.expect("answered");
    assert_eq!(said, "card 4111 1111 1111 1111");
    assert_eq!(last(&rig).calls, []);
}

#[tokio::test]
async fn what_is_observed_passes_and_is_counted() {
    let data = DataDefaults { observe: true, ..DataDefaults::default() };
    let (rig, token) = operated(data, |_| {
        vec![
            Step::Head(http::StatusCode::OK),
            Step::Echo,
            Step::Log(Line {
                level: Level::Info,
                bytes: b"iban DE89370400440532013000".to_vec(),
                cut: false,
            }),
            Step::Frame(b" card 4111 1111 "),
            Step::Yield,
            Step::Frame(b"1111 1111, a@b.example, c@d.example"),
            Step::End,
        ]
    })
    .await;
    let body = format!("{MAIL} {IBAN}");
    let (head, said) =
        say(&rig, post("/f?to=x@y.example", &token, &[], &body)).await.expect("answered");
    assert!(said.contains(MAIL) && said.ends_with("1111 1111, a@b.example, c@d.example"), "{said}");
    assert_eq!(head.get("casemate-masked"), None);
    let all = found(&rig);
    for part in [
        "email in intake: observed (2)",
        "iban in intake: observed (1)",
        "iban in log: observed (1)",
        "pan in reply: observed (1)",
        "email in reply: observed (3)",
    ] {
        assert!(all.iter().any(|it| it == part), "{part}: {all:?}");
    }
    assert!(rig.lines().iter().any(|line| line.text.contains(IBAN)));
    let labels = last(&rig).labels.to_string();
    assert_eq!(labels, "", "what is only observed is a guess");
}

#[tokio::test]
async fn what_is_masked_keeps_its_length_however_it_is_cut() {
    const WHOLE: &[&[u8]] = &[b"{\"card\":\"4111 1111 1111 1111\",\"n\":1}"];
    const CUT: &[&[u8]] = &[b"{\"card\":\"41", b"11 1111 ", b"1111 11", b"11\",\"n\":1}"];
    for frames in [WHOLE, CUT] {
        let (rig, token) = operated(out("pan", Exit::Mask), move |_| spoken(frames)).await;
        let (_, said) = say(&rig, post("/f", &token, &[], "")).await.expect("answered");
        assert_eq!(said, "{\"card\":\"*******************\",\"n\":1}");
        assert_eq!(found(&rig), ["pan in reply: masked (1)"]);
    }
}

#[tokio::test]
async fn an_altered_reply_says_so_if_its_head_waited() {
    let (rig, token) = operated(out("pan", Exit::Mask), |_| {
        vec![Step::Head(http::StatusCode::OK), Step::Frame(b"card=4111 1111 1111 1111"), Step::End]
    })
    .await;
    let (head, said) = say(&rig, post("/f", &token, &[], "")).await.expect("answered");
    assert_eq!(said, "card=*******************");
    assert_eq!(head.get("casemate-masked"), head.get("casemate-invocation"));
}

#[tokio::test]
async fn what_is_blocked_does_not_leave_and_neither_does_what_comes_after_it() {
    let whole = |_: &http::Request<()>| {
        vec![
            Step::Head(http::StatusCode::OK),
            Step::Frame(b"well: DE89370400440532013000 x"),
            Step::End,
        ]
    };
    let (rig, token) = operated(out("iban", Exit::Block), whole).await;
    let problem = say(&rig, post("/f", &token, &[], "")).await.expect_err("blocked");
    assert_eq!(problem.code, Code::DataInReply);
    let record = last(&rig);
    assert_eq!((record.code, record.status), (Some(315), 502));
    assert_eq!(found(&rig), ["iban in reply: blocked (1)"]);
    let told = format!("{problem:?} {record:?} {:?}", rig.lines());
    assert!(!told.contains(IBAN), "{told}");

    let (rig, token) = operated(out("iban", Exit::Block), |_| {
        spoken(&[b"first, ", b"then DE893704", b"00440532013000 and ", b"more"])
    })
    .await;
    let response =
        rig.send(post("/f", &token, &[], "")).await.map_err(|it| it.problem).expect("a head");
    let mut body = response.into_body();
    let mut seen = Vec::new();
    let broke = loop {
        match body.frame().await {
            None => break false,
            Some(Err(_)) => break true,
            Some(Ok(frame)) => seen.extend(frame.into_data().expect("bytes")),
        }
    };
    let seen = String::from_utf8(seen).expect("text");
    assert!(broke && seen.starts_with("first, "), "{seen}");
    assert!(!seen.contains("DE89") && !seen.contains("more"), "{seen}");
}

#[tokio::test]
async fn lines_are_covered_or_left_out() {
    for (exit, expect) in [
        (Exit::Mask, "to ***************, now"),
        (Exit::Block, "[a line was left out: it held data that may not leave]"),
    ] {
        let (rig, token) = operated(out("email", exit), |_| {
            let bytes = b"to ada@example.com, now".to_vec();
            let line = Line { level: Level::Info, bytes, cut: false };
            vec![Step::Log(line), Step::Head(http::StatusCode::OK), Step::End]
        })
        .await;
        say(&rig, post("/f", &token, &[], "")).await.expect("answered");
        let lines: Vec<String> = rig.lines().into_iter().map(|line| line.text).collect();
        assert!(lines.iter().any(|line| line == expect), "{lines:?}");
    }
}

/// A function with `data` that sends a body to `psp.example`, and an outside that says it back.
async fn sending(data: &str, url: &'static str, body: &'static [u8]) -> (Rig, Vec<String>) {
    let bodies = std::sync::Arc::new(parking_lot::Mutex::new(Vec::new()));
    let seen = std::sync::Arc::clone(&bodies);
    let outside = Scripted::answering(move |request| {
        seen.lock().push(String::from_utf8_lossy(request.body()).into_owned());
        Ok(http::Response::new(Vec::new()))
    });
    let rig = rig_to(outside, Config::default(), &[], move |_| {
        vec![Step::Head(http::StatusCode::OK), ask(url, body), Step::End]
    })
    .await;
    rig.deploy_as("shop", &function(data), true).await.expect("deployed");
    let token = rig.token("t", &["f"]).await;
    say(&rig, post("/f", &token, &[], "")).await.expect("answered");
    let bodies = bodies.lock().clone();
    (rig, bodies)
}

#[tokio::test]
async fn requests_are_covered_or_refused_or_go() {
    const CARD: &[u8] = br#"{"card":"4111 1111 1111 1111"}"#;
    let url = "https://psp.example/v1/a";
    let (rig, sent) = sending(r#""out":{"pan":"observe"}"#, url, CARD).await;
    assert_eq!(sent, [String::from_utf8_lossy(CARD)]);
    assert_eq!(found(&rig), ["pan in request: observed (1)"]);

    let (rig, sent) = sending(r#""out":{"pan":"mask"}"#, url, CARD).await;
    assert_eq!(sent, [r#"{"card":"*******************"}"#]);
    assert_eq!(found(&rig), ["pan in request: masked (1)"]);

    let (rig, sent) = sending(r#""out":{"pan":"block"}"#, url, CARD).await;
    assert!(sent.iter().all(|body| !body.contains("4111")), "{sent:?}");
    assert_eq!(found(&rig), ["pan in request: blocked (1)"]);
    assert!(rig.lines().iter().any(|line| line.text.contains("E0316")));

    // An address is not altered: it would be another one.
    let address = "https://psp.example/v1/a?card=4111111111111111";
    let (rig, sent) = sending(r#""out":{"pan":"mask"}"#, address, b"{}").await;
    assert_eq!(sent, Vec::<String>::new());
    assert!(rig.lines().iter().any(|line| line.text.contains("E0316")));
    assert!(!format!("{:?}", rig.lines()).contains("4111111111111111"));

    // Where the class may come back, it may go.
    let reveal = REVEAL.replace("email", "pan");
    let data = format!(r#""out":{{"pan":"block"}},{reveal}"#);
    let (_, sent) = sending(&data, url, CARD).await;
    assert_eq!(sent, [String::from_utf8_lossy(CARD)]);
}

#[tokio::test]
async fn what_no_field_names_becomes_a_token_or_is_covered_or_refused() {
    let data = r#""unnamed":{"email":"token","pan":"mask","iban":"refuse","ip":"observe"}"#;
    let (rig, token) = shop(data, Vec::new).await;
    let body =
        format!(r#"{{"note":"of {MAIL}","card": 4111111111111111,"from":"192.0.2.77","n":1.50}}"#);
    let path = format!("/f?mail={MAIL}");
    let (_, said) = say(&rig, post(&path, &token, &[JSON], &body)).await.expect("answered");
    assert!(!said.contains(MAIL) && !said.contains(CARD), "{said}");
    let seen = said.split('\n').next_back().expect("a body");
    let seen: serde_json::Value = serde_json::from_str(seen).expect("still JSON");
    let note = seen["note"].as_str().expect("text").strip_prefix("of ").expect("its beginning");
    assert!(is_token(note) && note.starts_with("tok_email_"), "{note}");
    assert_eq!(seen["card"], "****************", "a number becomes a text");
    assert_eq!((&seen["from"], &seen["n"]), (&"192.0.2.77".into(), &1.5.into()));
    let length = said.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("one");
    assert_eq!(length.parse(), Ok(said.split('\n').next_back().expect("a body").len()));
    assert!(said.contains("casemate-labels: email.token"), "{said}");
    let all = found(&rig);
    for part in
        ["email in intake: token (2)", "pan in intake: mask (1)", "ip in intake: observed (1)"]
    {
        assert!(all.iter().any(|it| it == part), "{part}: {all:?}");
    }
    assert_eq!(last(&rig).labels.to_string(), "email.token,ip.clear");

    for body in [format!(r#"{{"to":"{IBAN}"}}"#), format!("to {IBAN}, please")] {
        let problem = say(&rig, post("/f", &token, &[], &body)).await.expect_err(&body);
        assert_eq!(problem.code, Code::DataUnnamed);
        let told = format!("{problem} {:?}", last(&rig));
        assert!(told.contains("iban") && !told.contains(IBAN), "{told}");
    }
    for kind in ["image/png", "application/zip", "text/plain; charset=utf-16"] {
        let problem =
            say(&rig, post("/f", &token, &[("content-type", kind)], "x")).await.expect_err(kind);
        assert_eq!(problem.code, Code::DataBodyKind, "{kind}");
    }
    let coded = [("content-type", "text/plain"), ("content-encoding", "gzip")];
    let problem = say(&rig, post("/f", &token, &coded, "x")).await.expect_err("compressed");
    assert_eq!(problem.code, Code::DataBodyKind);
}

#[tokio::test]
async fn what_the_contract_made_is_no_finding() {
    let fields = r#""in":[{"at":"body:/email","class":"email","transform":"email"},
        {"at":"body:/to","class":"email","transform":"token"}],
        "unnamed":{"email":"refuse"},"out":{"email":"block"}"#;
    let (rig, token) = shop(fields, Vec::new).await;
    let body = format!(r#"{{"email":"{MAIL}","to":"{MAIL}"}}"#);
    let (_, said) = say(&rig, post("/f", &token, &[JSON], &body)).await.expect("answered");
    let made: serde_json::Value =
        serde_json::from_str(said.split('\n').next_back().expect("a body")).expect("JSON");
    assert!(made["email"].as_str().expect("text").ends_with("@example.com"), "{made}");
    assert_eq!(found(&rig), Vec::<String>::new());
    let other = format!(r#"{{"email":"{MAIL}","note":"b@c.example"}}"#);
    let problem = say(&rig, post("/f", &token, &[JSON], &other)).await.expect_err("unnamed");
    assert_eq!(problem.code, Code::DataUnnamed);
}

#[tokio::test]
async fn a_class_that_nothing_finds_and_a_route_that_is_not_read_are_not_deployed() {
    let rig = rig(|_| super::super::rig::answer()).await;
    for data in [r#""out":{"name":"mask"}"#, r#""unnamed":{"health":"observe"}"#] {
        assert_eq!(
            rig.deploy(&function(data)).await.expect_err(data),
            Code::DataContract,
            "{data}"
        );
    }
    let socket = |data: &str| {
        function(data).replace(r#""route":"* /f""#, r#""route":"GET /f","websocket":{}"#)
    };
    let refused = rig.deploy(&socket(r#""unnamed":{"pan":"mask"}"#)).await;
    assert_eq!(refused.expect_err("not read"), Code::DataTrigger);
    rig.deploy(&socket(r#""unnamed":{"pan":"observe"},"out":{"pan":"mask"}"#)).await.expect("good");
}

#[tokio::test]
async fn an_operator_has_values_back_for_a_purpose_and_not_too_many() {
    use model::api::RevealRequest;
    let (rig, token) = shop(IN, Vec::new).await;
    let (_, said) = say(&rig, post("/f", &token, &[JSON], &format!(r#"{{"email":"{MAIL}"}}"#)))
        .await
        .expect("answered");
    let made: serde_json::Value =
        serde_json::from_str(said.split('\n').next_back().expect("a body")).expect("JSON");
    let made = made["email"].as_str().expect("a token").to_owned();
    let ask = |class: &str, tokens: Vec<String>| RevealRequest {
        class: model::DataClass::parse(class).expect(class),
        purpose: "complaint 12".to_owned(),
        tokens,
    };
    let scope = model::Scope::default();
    let before = rig.engine.ledger_head().await.map(|head| head.size).unwrap_or_default();
    let back = rig
        .engine
        .reveal_data(&scope, "operator", ask("email", vec![made.clone()]))
        .await
        .expect("revealed");
    assert_eq!((back.values.as_slice(), back.leaf), ([MAIL.to_owned()].as_slice(), before));
    let other = model::Scope { tenant: "other".parse().expect("a name"), ..scope.clone() };
    for (scope, request) in [
        (&scope, ask("pan", vec![made.clone()])),
        (&scope, ask("email", vec![made.replace("_1_", "_2_")])),
        (&scope, ask("email", vec!["4111".to_owned()])),
        (&other, ask("email", vec![made.clone()])),
    ] {
        let problem =
            rig.engine.reveal_data(scope, "operator", request).await.expect_err("foreign");
        assert_eq!(problem.code, Code::DataTokenForeign);
    }
    let nothing = rig.engine.reveal_data(&scope, "operator", ask("email", Vec::new())).await;
    assert_eq!(nothing.expect_err("none").code, Code::DataRevealAsk);
    let many = ask("email", vec![made; 98]);
    let problem = rig.engine.reveal_data(&scope, "operator", many).await.expect_err("too many");
    assert_eq!(problem.code, Code::DataRevealRate);
}
