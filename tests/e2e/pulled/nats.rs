//! Streams of a real NATS server with JetStream.

use super::nats_server::Server;
use super::{Pulling, number, secret};
use crate::rig::PATIENCE;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const PASSWORD: &str = "a-password-of-the-test's";
/// A key of a user, and its public part.
const SEED: &str = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";
const PUBLIC: &str = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";

/// What the guide says that the user needs, and no more.
fn permissions() -> String {
    let own = ["INFO", "DURABLE.CREATE", "MSG.NEXT"];
    let own = own.map(|verb| format!("\"$JS.API.CONSUMER.{verb}.ORDERS.casemate\""));
    format!(
        "permissions: {{ publish: [{}, \"$JS.ACK.ORDERS.casemate.>\"], subscribe: [\"_INBOX.>\"] }}",
        own.join(", ")
    )
}

/// A server whose users are the test and the node.
fn server() -> Server {
    let own = format!("{{ user: casemate, password: {PASSWORD:?}, {} }}", permissions());
    Server::new(own)
}

fn section(server: &Server, more: &str) -> String {
    format!(
        "[[source]]\nname = \"in\"\n[source.nats]\nurl = \"nats://localhost:{}\"\nstream = \"ORDERS\"\nuser = \"casemate\"\nsecret = \"broker\"\nnetworks = [\"127.0.0.0/8\", \"::1\"]\n{more}\n",
        server.port
    )
}

fn pulled(server: &Server, more: &str) -> Pulling {
    let section = section(server, more);
    let pulling = Pulling::start(|_| section, "");
    secret(&pulling, PASSWORD);
    pulling.grant();
    pulling
}

/// Makes the stream.
fn stream(server: &Server) {
    let stream = json!({
        "name": "ORDERS",
        "subjects": ["orders.>"],
        "storage": "file",
        // Shorter than the window of events: the server forgets ids before the node does.
        "duplicate_window": 100_000_000,
    });
    server.api("STREAM.CREATE.ORDERS", &stream);
}

fn consumer(server: &Server) -> Value {
    server.api("CONSUMER.INFO.ORDERS.casemate", &json!({}))
}

fn until_settled(server: &Server) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let stands = consumer(server);
        if stands["num_ack_pending"] == 0 && stands["num_pending"] == 0 {
            return;
        }
        assert!(Instant::now() < deadline, "not all is acknowledged: {stands}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn messages_that_are_there_and_that_come_call_the_function_and_are_acknowledged() {
    let server = server().started();
    stream(&server);
    server.add("orders.eu", "", "{\"city\":\"K\u{f6}ln\"}".as_bytes());
    let pulling = pulled(&server, "");
    // {"city":"Köln"}
    assert_eq!(pulling.ran(1)[0]["bytes_in"], 16);
    for _ in 0..40 {
        server.add("orders.us", "", b"{}");
    }
    pulling.ran(41);
    until_settled(&server);
    let stands = pulling.until("it says no lag", |it| it["lag"] == 0);
    assert_eq!((number(&stands, "taken"), number(&stands, "repeated")), (41, 0));
    let place = format!("nats://localhost:{} stream ORDERS, consumer casemate", server.port);
    assert_eq!((stands["place"].as_str(), &stands["state"]), (Some(&*place), &"running".into()));
    let said = pulling.doctor();
    assert!(said.contains("source in") && said.contains("running"), "{said}");
    assert!(!pulling.node.said().contains(PASSWORD), "the password is in the log");
}

#[test]
fn what_does_not_fit_is_a_dead_letter_and_the_rest_goes_on() {
    let server = server().started();
    stream(&server);
    let large = vec![b'x'; 3 << 20];
    server.add("orders.a", "", &large);
    server.add("orders.a", "", b"{\"n\":\"\xff\"}");
    server.add("orders.a", "", b"{\"n\":");
    server.add("orders.a", "\r\nNats-Msg-Id: a\u{1}b", b"{}");
    server.add("orders.a", "\r\nCustomer: 8", b"{\"n\":1}");
    let pulling = pulled(&server, "key = \"Customer\"");
    assert_eq!(pulling.ran(1)[0]["bytes_in"], 7);
    let dead = pulling.dead(4);
    for why in [
        "E1445: a message of a source is too large: 3145728 bytes",
        "E1446",
        "it is no JSON",
        "its `Nats-Msg-Id` is no id of an event",
    ] {
        assert!(dead.iter().any(|it| it.contains(why)), "{why}: {dead:?}");
    }
    until_settled(&server);
    assert_eq!((dead.len(), number(&pulling.stands(), "refused")), (4, 4));
}

#[test]
fn words_of_the_servers_in_a_message_stop_nothing() {
    let server = server().started();
    stream(&server);
    for words in [" 404 No Messages", " 408 Request Timeout", " 409 Consumer Deleted", " 503"] {
        server.add("orders.a", words, b"1");
    }
    let pulling = pulled(&server, "");
    pulling.ran(4);
    until_settled(&server);
    assert_eq!(number(&pulling.stands(), "repeated"), 0);
}

#[test]
fn a_broker_that_is_down_refuses_goes_away_and_comes_back_loses_nothing() {
    let mut server = server();
    let section = section(&server, "");
    let pulling = Pulling::start(|_| section, "");
    pulling.grant();
    let said = |code: &'static str| {
        move |it: &Value| it["error"].as_str().is_some_and(|error| error.contains(code))
    };
    pulling.until("the secret is missing", said("E0520"));
    secret(&pulling, "another-one-that-is-wrong");
    pulling.until("nobody listens", said("E1448"));
    server.start();
    pulling.until("it refuses", said("E1449"));
    let error = pulling.until("it does not say why", said("Authorization Violation"));
    assert!(!error.to_string().contains("another-one"), "{error}");
    secret(&pulling, PASSWORD);
    pulling.until("there is a stream", said("stream not found"));
    stream(&server);
    pulling.until("it does not run", |it| it["state"] == "running");
    server.add("orders.a", "", b"1");
    pulling.ran(1);
    server.stop();
    pulling.until("it is not down", |it| it["state"] == "down");
    server.start();
    server.add("orders.a", "", b"2");
    pulling.ran(2);
    until_settled(&server);
    assert_eq!(pulling.ran(2).len(), 2, "each once");
}

#[test]
fn a_node_that_is_killed_and_a_broker_that_says_everything_again_call_nobody_twice() {
    let server = server().started();
    stream(&server);
    let mut pulling = pulled(&server, "ack_wait = \"5s\"");
    let mut count = 0;
    for _ in 0..3 {
        for _ in 0..60 {
            server.add("orders.a", "", count.to_string().as_bytes());
            count += 1;
        }
        pulling.until("nothing is taken", |it| number(it, "taken") > 0);
        pulling = pulling.kill_and_start();
    }
    assert_eq!(pulling.ran(count).len(), count, "each once");
    until_settled(&server);
    // The consumer is gone, and a new one begins with the first message.
    server.api("CONSUMER.DELETE.ORDERS.casemate", &json!({}));
    let all = count as u64;
    pulling.until("it does not come again", |it| number(it, "repeated") >= all);
    assert_eq!(pulling.ran(count).len(), count, "each once");
    until_settled(&server);
}

#[test]
fn what_its_sender_calls_the_same_is_done_once_and_a_new_stream_has_other_messages() {
    let server = server().started();
    stream(&server);
    let pulling = pulled(&server, "");
    server.add("orders.a", "\r\nNats-Msg-Id: o-7", b"1");
    pulling.ran(1);
    let deadline = Instant::now() + PATIENCE;
    // Until the server has forgotten the id.
    while server.add("orders.a", "\r\nNats-Msg-Id: o-7", b"1")["duplicate"] == true {
        assert!(Instant::now() < deadline, "it does not forget");
    }
    server.add("orders.a", "", b"2");
    pulling.ran(2);
    let stands = pulling.until("it is repeated", |it| number(it, "repeated") == 1);
    assert_eq!(number(&stands, "taken"), 3);
    until_settled(&server);
    // Its numbers begin anew.
    server.api("STREAM.DELETE.ORDERS", &json!({}));
    stream(&server);
    for _ in 0..3 {
        server.add("orders.a", "", b"3");
    }
    assert_eq!(pulling.ran(5).len(), 5);
    until_settled(&server);
}

#[test]
fn a_key_signs_in_over_tls_and_an_unknown_authority_is_not_trusted() {
    let dir = tempfile::tempdir().expect("a directory");
    let (ca, certificate, key) = crate::aws::certificates(dir.path());
    let own = format!("{{ nkey: {PUBLIC}, {} }}", permissions());
    let mut server = Server::new(own);
    server.config =
        format!("allow_non_tls: true\ntls {{ cert_file: {certificate:?}, key_file: {key:?} }}\n");
    let server = server.started();
    stream(&server);
    server.add("orders.a", "", b"1");
    let section = section(&server, "").replace("nats://", "tls://").replace("user = ", "# ");
    let untrusted = Pulling::start(|_| section.clone(), "");
    secret(&untrusted, SEED);
    untrusted.grant();
    let stands = untrusted.until("it is trusted", |it| it["state"] == "down");
    let error = stands["error"].as_str().expect("why");
    assert!(error.contains("E1448") && error.contains("TLS"), "{error}");
    drop(untrusted);
    let pulling = Pulling::start(|_| format!("{section}[outbound]\nauthorities = [{ca:?}]\n"), "");
    secret(&pulling, SEED);
    pulling.grant();
    pulling.ran(1);
    until_settled(&server);
    assert!(!pulling.node.said().contains(&SEED[..20]), "the seed is in the log");
}

#[test]
fn what_there_is_no_room_for_is_held_and_given_back_when_nobody_wants_it() {
    let server = server().started();
    stream(&server);
    for _ in 0..3 {
        server.add("orders.a", "", b"1");
    }
    // All of it or nothing, and there is room for two.
    let section = section(&server, "ack_wait = \"5s\"");
    let pulling = Pulling::start(|_| format!("[queue]\nmessages = 2\n{section}"), "");
    secret(&pulling, PASSWORD);
    pulling.grant();
    pulling.until("it is not full", |it| it["state"] == "full");
    std::thread::sleep(Duration::from_secs(7));
    let stands = consumer(&server);
    let counts = |of: &Value| (of["num_ack_pending"].as_u64(), of["num_redelivered"].as_u64());
    assert_eq!(counts(&stands), (Some(3), Some(0)), "{stands}");
    // Nobody is called any more, and another one gets them.
    pulling.node.ok(&["revoke", "trigger:in", "invoke", "f"]);
    pulling.until("it is granted", |it| it["state"] == "not granted");
    assert_eq!(server.pull("ORDERS", "casemate", 3), [b"1", b"1", b"1"]);
}

#[test]
fn a_consumer_that_is_another_kind_is_refused() {
    let server = server().started();
    stream(&server);
    let config = json!({ "durable_name": "casemate", "ack_policy": "none" });
    let asked = json!({ "stream_name": "ORDERS", "config": config });
    server.api("CONSUMER.DURABLE.CREATE.ORDERS.casemate", &asked);
    server.add("orders.a", "", b"1");
    let pulling = pulled(&server, "");
    let stands = pulling.until("it is pulled", |it| it["state"] == "down");
    let error = stands["error"].as_str().expect("why");
    assert!(error.contains("E1449") && error.contains("acknowledged one by one"), "{error}");
    assert_eq!(consumer(&server)["num_pending"], 1, "nothing is lost");
}
