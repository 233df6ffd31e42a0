//! WebSockets: each event is a request with the credential of the first, looked at anew.

use super::rig::{Rig, answer, get, rig, rig_with};
use crate::{Config, Inbound, Message, Opening, Refusal, Socket, WebSockets};
use bytes::Bytes;
use model::Code;
use model::wire::v1::{SocketEvent, Trigger};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;
use testkit::executor::Step;

const CHAT: &str = r#"{"name":"chat","request_body":"1KiB","http":[
    {"route":"GET /chat/{room}","websocket":true},{"route":"GET /plain"}]}"#;

fn headers(_: &http::Request<()>) -> Vec<Step> {
    vec![Step::Head(http::StatusCode::OK), Step::Headers, Step::End]
}

impl Rig {
    async fn open(&self, path: &str, token: Option<&str>) -> Result<Opening, Refusal> {
        let inbound = Inbound::plain(get(path, token), IpAddr::V4(Ipv4Addr::LOCALHOST));
        self.engine.open(inbound, None).await
    }

    async fn opened(&self, path: &str, token: Option<&str>) -> (Box<Socket>, Option<Message>) {
        match self.open(path, token).await {
            Ok(Opening::Accepted { first, socket, .. }) => (socket, first),
            Ok(Opening::Answer(response)) => panic!("answered {}", response.status()),
            Err(refusal) => panic!("{refusal:?}"),
        }
    }
}

async fn say(socket: &Socket, text: &'static str) -> Result<String, Code> {
    let answer = socket.receive(Message::Text(Bytes::from_static(text.as_bytes()))).await;
    match answer.map_err(|refusal| refusal.problem.code)? {
        Some(Message::Text(bytes) | Message::Binary(bytes)) => {
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        }
        None => Ok(String::new()),
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_holds_nothing_between_events() {
    let rig = rig(headers).await;
    rig.deploy(CHAT).await.expect("deployed");
    let token = rig.token("ci", &["chat"]).await;
    let (socket, _) = rig.opened("/chat/a", Some(&token)).await;
    assert_eq!(rig.engine.gauge.under_way(), 0);
    assert_eq!(rig.executor.alive.load(std::sync::atomic::Ordering::Relaxed), 0);
    say(&socket, "hello").await.expect("answered");
    assert_eq!(rig.engine.gauge.under_way(), 0);
    let events: Vec<_> = rig.records().into_iter().map(|record| record.start.trigger).collect();
    let route: Arc<str> = "GET /chat/{room}".into();
    let event = |event| Trigger::WebSocket { event, route: Arc::clone(&route) };
    assert_eq!(events, [event(SocketEvent::Connect), event(SocketEvent::Message)]);
}

#[tokio::test(start_paused = true)]
async fn the_function_hears_how_it_ended() {
    let last = Arc::new(parking_lot::Mutex::new(String::new()));
    let noted = Arc::clone(&last);
    let rig = rig(move |request| {
        *noted.lock() = format!("{} {:?}", request.method(), request.headers());
        headers(request)
    })
    .await;
    rig.deploy(CHAT).await.expect("deployed");
    let token = rig.token("ci", &["chat"]).await;
    let (socket, first) = rig.opened("/chat/a", Some(&token)).await;
    let Some(Message::Binary(first)) = first else { panic!("no first message") };
    let first = String::from_utf8_lossy(&first).into_owned();
    let id = first.lines().find(|line| line.starts_with("casemate-websocket-id: ")).expect("an id");
    let seen = say(&socket, "hello").await.expect("answered");
    for line in [id, "casemate-websocket: message", "content-length: 5"] {
        assert!(seen.contains(line), "{line}: {seen}");
    }
    assert!(!seen.contains("authorization"), "{seen}");
    socket.disconnect(4001).await.expect("heard");
    let last = last.lock().clone();
    for part in
        ["POST", "\"casemate-websocket\": \"disconnect\"", "\"casemate-websocket-code\": \"4001\""]
    {
        assert!(last.contains(part), "{part}: {last}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_credential_is_looked_at_anew_with_every_message() {
    let rig = rig(|_| answer()).await;
    rig.deploy(CHAT).await.expect("deployed");
    let token = rig.token("ci", &["chat"]).await;
    let (socket, _) = rig.opened("/chat/a", Some(&token)).await;
    assert_eq!(say(&socket, "x").await.as_deref(), Ok("hello"));
    // Tokens of this rig last for a minute.
    rig.clock.forward(Duration::from_secs(61));
    assert_eq!(say(&socket, "x").await, Err(Code::CredentialRequired));
    assert_eq!(
        socket.disconnect(1008).await.err().map(|it| it.problem.code),
        Some(Code::CredentialRequired)
    );
}

#[tokio::test(start_paused = true)]
async fn a_drain_and_a_message_that_is_too_large_are_told_apart() {
    let rig = rig(|_| answer()).await;
    rig.deploy(CHAT).await.expect("deployed");
    rig.grant("public", "invoke", "chat").await;
    let (socket, _) = rig.opened("/chat/a", None).await;
    let large = Message::Binary(Bytes::from(vec![0; 1025]));
    let refused = socket.receive(large).await.err().map(|it| it.problem.code);
    assert_eq!(refused, Some(Code::BodyTooLarge));
    rig.engine.drain();
    assert_eq!(say(&socket, "x").await, Err(Code::Draining));
}

#[tokio::test(start_paused = true)]
async fn a_status_that_says_no_becomes_a_refusal() {
    for (status, code) in [
        (401, Code::Denied),
        (403, Code::Denied),
        (429, Code::FunctionBusy),
        (503, Code::FunctionBusy),
        (302, Code::GuestError),
        (500, Code::GuestError),
    ] {
        let rig = rig(move |request| {
            let status = if request.method() == "POST" { status } else { 200 };
            let status = http::StatusCode::from_u16(status).expect("a status");
            vec![Step::Head(status), Step::Frame(b"words"), Step::End]
        })
        .await;
        rig.deploy(CHAT).await.expect("deployed");
        rig.grant("public", "invoke", "chat").await;
        let (socket, _) = rig.opened("/chat/a", None).await;
        assert_eq!(say(&socket, "x").await, Err(code), "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_the_function_is_its_answer_and_takes_no_room() {
    let config = Config {
        websockets: WebSockets { connections: 1, ..WebSockets::default() },
        ..Config::default()
    };
    let rig = rig_with(config, &[], |request| {
        let no = request.uri().path().ends_with("/no");
        let status = if no { http::StatusCode::IM_A_TEAPOT } else { http::StatusCode::OK };
        vec![Step::Head(status), Step::End]
    })
    .await;
    rig.deploy(CHAT).await.expect("deployed");
    rig.grant("public", "invoke", "chat").await;
    for _ in 0..3 {
        let Ok(Opening::Answer(response)) = rig.open("/chat/no", None).await else {
            panic!("not answered")
        };
        assert_eq!(response.status(), 418);
    }
    let (socket, first) = rig.opened("/chat/yes", None).await;
    assert_eq!(first, None);
    let full = rig.open("/chat/yes", None).await.err().expect("full");
    assert_eq!((full.problem.code, full.retry_after_s), (Code::WebSocketsFull, Some(10)));
    drop(socket);
    rig.opened("/chat/yes", None).await;
}

#[tokio::test(start_paused = true)]
async fn what_an_operator_forbids_for_websockets_is_forbidden_for_each_event() {
    let forbid = r#"forbid(principal, action == Casemate::Action::"invoke", resource) when { context.trigger == "websocket" && context.route == "GET /chat/{room}" };"#;
    let policies = [("no-chat".to_owned(), forbid.to_owned())];
    let rig = rig_with(Config::default(), &policies, |_| answer()).await;
    rig.deploy(CHAT).await.expect("deployed");
    let token = rig.token("ci", &["chat"]).await;
    let refused = rig.open("/chat/a", Some(&token)).await.err().map(|it| it.problem.code);
    assert_eq!(refused, Some(Code::NotFound));
    // An ordinary request learns what is spoken there.
    assert_eq!(rig.call("/chat/a", Some(&token)).await, Err(Code::WebSocketOnly));
    assert_eq!(rig.call("/chat/a", None).await, Err(Code::CredentialRequired));
    let plain = rig.open("/plain", Some(&token)).await.expect("answered");
    assert!(matches!(plain, Opening::Answer(_)));
}
