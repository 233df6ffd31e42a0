//! Connections of native functions: both keys, the record, the purse, and what comes between
//! invocations.
//!
//! Nobody asks for one across the seam, so these tests run on this side of it whatever is said.

mod stage;

use crate::{Config, HostLimits};
use http_body_util::BodyExt;
use model::wire::v1::Decision;
use model::{Budget, Grant, Scope};
use ports::host::{ConnectionId, HostCall, HostError, HostReply, Through};
use ports::outbound::Failure;
use stage::{ASKED, Going, Open, Stage, ask, connecting, open, pieces};

#[tokio::test(start_paused = true)]
async fn a_connection_takes_both_keys() {
    for (allow, granted) in [("{}", false), ("{}", true), (ASKED, false), (ASKED, true)] {
        let mut stage = Stage::new(Config::default(), "", allow).await;
        if granted {
            stage.rig.grant("function:f", "tcp", "db.internal:5432").await;
        }
        let going = stage.begin("/f").await;
        let opened = open(&going, "DB.internal:5432").await;
        let goes = allow == ASKED && granted;
        assert_eq!(stage.rig.outside.connected.lock().len(), usize::from(goes));
        assert_eq!(opened.as_ref().err(), (!goes).then_some(&HostError::Denied));
        drop(opened);
        let record = stage.end(going).await;
        let call = &record.calls[0];
        assert_eq!((&*call.operation, &*call.resource), ("tcp", "db.internal:5432"));
        assert_eq!(call.decision, if goes { Decision::Allowed } else { Decision::Denied });
        if !goes {
            let hint = match allow {
                "{}" => "write `tcp = [\"db.internal:5432\"]`",
                _ => "casemate grant function:f tcp db.internal:5432",
            };
            let line = &stage.lines()[0];
            assert!(line.starts_with("E0920") && line.contains(hint), "{line}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_operators_forbid_beats_both_keys() {
    let forbid = r#"forbid(principal, action == Casemate::Action::"tcp", resource == Casemate::Host::"tcp://db.internal:5432");"#;
    let mut stage = Stage::new(Config::default(), forbid, ASKED).await;
    stage.rig.grant("function:f", "tcp", "db.internal:5432").await;
    let going = stage.begin("/f").await;
    assert_eq!(open(&going, "db.internal:5432").await.err(), Some(HostError::Denied));
    assert!(stage.lines()[0].contains("op.cedar#1"), "{:?}", stage.lines());
}

#[tokio::test(start_paused = true)]
async fn bytes_of_both_directions_are_in_the_record() {
    let mut stage = Stage::granted(Config::default()).await;
    let going = stage.begin("/f").await;
    let mut opened = open(&going, "db.internal:5432").await.expect("open");
    opened.echoes("hello").await;
    opened.echoes("you").await;
    let Open { sent, mut received, .. } = opened;
    drop(sent);
    assert!(received.frame().await.is_none(), "the end goes through");
    drop(received);
    let record = stage.end(going).await;
    assert_eq!((record.calls.len(), record.calls[0].bytes), (1, 16));
    assert_eq!(record.calls[0].decision, Decision::Allowed);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_paid_for_does_not_go_out() {
    let budget = Budget { egress_bytes: 8, ..Budget::default() };
    let host = HostLimits { budget, ..HostLimits::default() };
    let mut stage = Stage::granted(Config { host, ..Config::default() }).await;
    let going = stage.begin("/f").await;
    let mut opened = open(&going, "db.internal:5432").await.expect("open");
    opened.echoes("hello").await;
    opened.sent.send(Ok("more")).expect("it is read");
    let limit = HostError::Limit("bytes sent out".into());
    assert_eq!(opened.next().await, Some(Err(limit)));
    assert_eq!(opened.next().await, None);
    drop(opened);
    let record = stage.end(going).await;
    assert_eq!((record.calls[0].decision, record.calls[0].bytes), (Decision::Limited, 10));
    let line = &stage.lines()[0];
    assert!(line.contains("E1001: tcp db.internal:5432 broke off"), "{line}");
}

#[tokio::test(start_paused = true)]
async fn each_connection_is_an_ask_of_the_host() {
    let budget = Budget { host_calls: 1, ..Budget::default() };
    let host = HostLimits { budget, ..HostLimits::default() };
    let mut stage = Stage::granted(Config { host, ..Config::default() }).await;
    let going = stage.begin("/f").await;
    let one = open(&going, "db.internal:5432").await.expect("open");
    let error = open(&going, "db.internal:5432").await.err();
    assert_eq!(error, Some(HostError::Limit("host calls".into())));
    let kept = ask(&going, HostCall::Keep(one.id), None).await.err();
    assert_eq!(kept, Some(HostError::Limit("host calls".into())));
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_said_and_recorded() {
    let allow = r#"{"tcp":["refused:1","g.fn.casemate.internal:80","db.internal:5432"]}"#;
    let mut stage = Stage::new(Config::default(), "", allow).await;
    for to in ["refused:1", "g.fn.casemate.internal:80", "db.internal:5432"] {
        stage.rig.grant("function:f", "tcp", to).await;
    }
    let going = stage.begin("/f").await;
    let failed = async |to| open(&going, to).await.err().expect(to);
    assert_eq!(failed("refused:1").await, HostError::Upstream(Failure::Refused));
    assert_eq!(failed("g.fn.casemate.internal:80").await, HostError::Upstream(Failure::Name));
    assert!(matches!(failed("127.1:80").await, HostError::Invalid(_)));
    assert!(matches!(failed("db:0").await, HostError::Invalid(_)));
    assert_eq!(stage.rig.outside.connected.lock().len(), 1, "no name of the platform's went out");
    // What the guest sends breaks off.
    let mut opened = open(&going, "db.internal:5432").await.expect("open");
    opened.echoes("a").await;
    let broke = HostError::Upstream(Failure::RequestBody);
    opened.sent.send(Err(broke.clone())).expect("it is read");
    assert_eq!(opened.next().await, Some(Err(broke)));
    drop(opened);
    let record = stage.end(going).await;
    let failed = record.calls.iter().filter(|call| call.decision == Decision::Failed).count();
    assert_eq!((record.calls.len(), failed), (3, 3), "{:?}", record.calls);
}

#[tokio::test(start_paused = true)]
async fn only_where_nothing_has_to_be_seen_it_is_passed_unseen() {
    const WHOLE: &str = "* https://api.example.com/*";
    const LESS: &str = "GET https://api.example.com/*";
    let whole = format!(r#"{{"http":["{WHOLE}"]}}"#);
    let with_secret = format!(
        r#"{{"http":["{WHOLE}"],"secret":{{"psp":{{"to":"https://api.example.com","header":"authorization"}}}}}}"#
    );
    for (allow, grant, goes) in
        [(&whole, WHOLE, true), (&whole, LESS, false), (&with_secret, WHOLE, false)]
    {
        let mut stage = Stage::new(Config::default(), "", allow).await;
        stage.rig.grant("function:f", "http", grant).await;
        let going = stage.begin("/f").await;
        let (sent, body) = pieces();
        sent.send(Ok("client hello")).expect("it is held");
        let call = connecting("api.example.com:443", Through::Opaque);
        let answer = ask(&going, call, Some(body)).await;
        if !goes {
            assert_eq!(answer.err(), Some(HostError::NotOpaque));
            let record = stage.end(going).await;
            assert!(record.calls.is_empty() && stage.lines().is_empty(), "nothing was done");
            continue;
        }
        let mut received = answer.expect("open").body.expect("a body");
        let frame = received.frame().await.expect("more").expect("no error");
        assert_eq!(frame.into_data().expect("bytes"), "client hello");
        drop(received);
        let record = stage.end(going).await;
        let call = &record.calls[0];
        assert_eq!((&*call.operation, &*call.resource), ("opaque", "api.example.com:443"));
        assert_eq!(call.bytes, 24);
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_stands_still_until_an_invocation_answers_for_it() {
    let mut stage = Stage::granted(Config::default()).await;
    let first = stage.begin("/f").await;
    let mut opened = open(&first, "db.internal:5432").await.expect("open");
    opened.echoes("one").await;
    assert_eq!(stage.end(first).await.calls[0].bytes, 6);

    opened.sent.send(Ok("two")).expect("it is held");
    opened.stands_still().await;
    let second = stage.begin("/f").await;
    opened.stands_still().await;
    let kept = ask(&second, HostCall::Keep(opened.id), None).await.expect("kept");
    assert!(matches!(kept.reply.value, HostReply::Kept));
    assert_eq!(opened.next().await, Some(Ok("two".into())), "nothing of it was lost");
    opened.echoes("and more").await;
    let record = stage.end(second).await;
    let call = &record.calls[0];
    assert_eq!((&*call.operation, &*call.resource), ("tcp", "db.internal:5432"));
    assert_eq!((call.decision, call.bytes), (Decision::Allowed, 22));
    assert_eq!(stage.rig.outside.connected.lock().len(), 1, "nothing new was dialled");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_allowed_any_more_is_closed() {
    let mut stage = Stage::granted(Config::default()).await;
    let first = stage.begin("/f").await;
    let mut opened = open(&first, "silent:1").await.expect("open");
    stage.end(first).await;
    let grant = Grant::parse("function:f", "tcp", "silent:1").expect("a grant");
    stage.rig.engine.revoke(&Scope::default(), "operator", grant).await.expect("revoked");
    let second = stage.begin("/f").await;
    let waiting = tokio::spawn(async move { (opened.next().await, opened) });
    tokio::task::yield_now().await;
    let id = ConnectionId(0);
    assert_eq!(ask(&second, HostCall::Keep(id), None).await.err(), Some(HostError::Denied));
    let (ended, mut opened) = waiting.await.expect("no panic");
    assert_eq!(ended, Some(Err(HostError::Denied)), "whoever reads it is told");
    assert_eq!(opened.next().await, None);
    assert_eq!(stage.end(second).await.calls[0].decision, Decision::Denied);
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_kept_by_its_own_function_only_and_while_it_is_there() {
    let mut stage = Stage::granted(Config::default()).await;
    stage.rig.grant("function:g", "tcp", "db.internal:5432").await;
    let first = stage.begin("/f").await;
    let opened = open(&first, "db.internal:5432").await.expect("open");
    let other = stage.begin("/g").await;
    let keep = async |going: &Going| ask(going, HostCall::Keep(opened.id), None).await.err();
    let none = Some(HostError::Invalid("no such connection".to_owned()));
    assert_eq!(keep(&other).await, none);
    assert_eq!(keep(&first).await, None);
    let id = opened.id;
    drop(opened);
    assert_eq!(ask(&first, HostCall::Keep(id), None).await.err(), none, "it is gone");
}

#[tokio::test(start_paused = true)]
async fn no_placeholder_goes_out_over_a_connection() {
    let allow = r#"{"tcp":["db.internal:5432"],
        "secret":{"psp":{"to":"https://psp.example","header":"authorization"}}}"#;
    let mut stage = Stage::new(Config::default(), "", allow).await;
    stage.rig.grant("function:f", "tcp", "db.internal:5432").await;
    let going = stage.begin("/f").await;
    let mut opened = open(&going, "db.internal:5432").await.expect("open");
    let held: &'static str = super::secrets::placeholder(allow).leak();
    let (one, two) = held.split_at(held.len() / 2);
    opened.echoes(one).await;
    opened.sent.send(Ok(two)).expect("it is read");
    assert_eq!(opened.next().await, Some(Err(HostError::Denied)), "across frames, too");
    assert!(stage.lines()[0].starts_with("E0209"), "{:?}", stage.lines());
}
