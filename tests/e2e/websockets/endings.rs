//! What ends a WebSocket.

use super::{Hall, client};
use crate::rig::PATIENCE;
use std::io::{Read, Write};
use std::time::Instant;
use tokio_tungstenite::tungstenite::Message;

#[test]
fn a_token_that_is_revoked_or_a_grant_that_is_gone_ends_it_with_the_next_message() {
    let hall = Hall::open();
    let mut client = hall.connect("/echo");
    client.send_text("before");
    assert_eq!(client.text(), "before");
    hall.node.ok(&["token", "revoke", "friend"]);
    client.send_text("after");
    assert_eq!(client.goodbye(), Some(1008));
    let messages = hall.triggers("websocket connect GET /echo");
    let messages =
        messages.iter().filter(|trigger| *trigger == "websocket message GET /echo").count();
    assert_eq!(messages, 1, "the second one ran");
    // A grant that comes and goes.
    let hall = Hall::open();
    let mut client = hall.connect("/echo");
    hall.node.ok(&["revoke", "token:friend", "invoke", "echo"]);
    client.send_text("after");
    assert_eq!(client.goodbye(), Some(1008));
}

#[test]
fn a_new_revision_answers_on_old_connections_and_a_removed_route_ends_them() {
    let hall = Hall::open();
    let mut client = hall.connect("/echo");
    client.send_text("one");
    assert_eq!(client.text(), "one");
    let manifest = |source: &str, websocket: bool| {
        format!(
            "manifest = 1\napplication = \"talk\"\n[[function]]\nname = \"echo\"\n\
             source = \"{source}\"\n[[function.http]]\nroute = \"GET /echo\"\n\
             websocket = {websocket}\n"
        )
    };
    let deploy = |source: &str, websocket: bool| {
        let component = crate::rig::example(source.trim_end_matches(".wasm"));
        let parts = [(source, component.as_path())];
        let output = hall.node.deploy_manifest(&manifest(source, websocket), &parts);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    deploy("hello.wasm", true);
    client.send_text("two");
    let answer = client.text();
    assert!(answer.to_lowercase().contains("hello"), "{answer}");
    deploy("echo.wasm", false);
    client.send_text("three");
    assert_eq!(client.goodbye(), Some(1008));
}

#[test]
fn a_function_that_fails_or_is_busy_ends_it_with_the_code_that_fits() {
    let hall = Hall::open();
    let mut client = hall.connect("/terse");
    client.send_text("short");
    assert_eq!(client.text(), "short");
    client.send_text("longer than ten bytes");
    assert_eq!(client.goodbye(), Some(1011));
    let mut client = hall.connect("/few");
    client.send_text("one");
    assert_eq!(client.text(), "one");
    client.send_text("one too many");
    assert_eq!(client.goodbye(), Some(1013));
}

#[test]
fn silence_is_asked_about_and_ends_it() {
    let hall = Hall::open();
    // Who answers pings stays for longer than the silence may last.
    let mut client = hall.connect("/small");
    let since = Instant::now();
    let mut pings = 0;
    while since.elapsed().as_secs() < 4 {
        assert!(matches!(client.read(), Message::Ping(_)));
        pings += 1;
    }
    assert!(pings >= 2, "{pings}");
    client.send_text("still here");
    assert_eq!(client.text(), "still here");
    // Who does not is gone.
    let mut deaf = client::deaf(&hall.wish("/small"), hall.node.gateway);
    let mut bytes = Vec::new();
    deaf.read_to_end(&mut bytes).expect("an end");
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let at = text.find("\r\n\r\n").expect("a head") + 4;
    let frames = bytes.get(at..).expect("frames");
    assert_eq!(frames.get(..2), Some(&[0x89, 0][..]), "a ping: {frames:?}");
    assert_eq!(frames.get(2), Some(&0x88), "a goodbye: {frames:?}");
    assert_eq!(frames.get(4..6), Some(&1001_u16.to_be_bytes()[..]));
    hall.triggers("websocket disconnect GET /small");
}

#[test]
fn its_life_has_an_end() {
    let hall = Hall::open();
    let mut client = hall.connect("/brief");
    assert_eq!(client.goodbye(), Some(1001));
}

#[test]
fn a_client_that_never_reads_is_dropped_and_costs_nobody_else_anything() {
    let hall = Hall::with("[gateway]\nbody_idle = \"1s\"\nworkers = 1\n", &[]);
    let deaf = client::deaf(&hall.wish("/m/big?bytes=30000000"), hall.node.gateway);
    let mut other = hall.connect("/echo");
    other.send_text("x");
    assert_eq!(other.text(), "x");
    hall.triggers("websocket disconnect GET /m/{way}");
    drop(deaf);
    // One that only asks is let go of as well.
    let mut pinging = client::deaf(&hall.wish("/echo"), hall.node.gateway);
    let pings = client::frame(0x89, &[b'x'; 125]).repeat(100);
    let deadline = Instant::now() + PATIENCE;
    while pinging.write_all(&pings).is_ok() {
        assert!(Instant::now() < deadline, "it is never let go of");
    }
    other.send_text("y");
    assert_eq!(other.text(), "y");
}

#[test]
fn a_client_that_breaks_off_is_noticed() {
    let hall = Hall::open();
    drop(hall.connect("/echo"));
    hall.triggers("websocket disconnect GET /echo");
}

#[test]
fn a_drain_says_goodbye_and_lets_a_message_end() {
    let mut hall = Hall::open();
    let mut idle: Vec<_> = (0..20).map(|_| hall.connect("/echo")).collect();
    let mut busy = hall.connect("/m/sleep?ms=1000");
    assert_eq!(busy.text(), "slept 1000 ms\n");
    busy.send_text("sleep");
    // It is with the function when the signal comes.
    let deadline = Instant::now() + PATIENCE;
    while hall.node.records(0).len() < 22 {
        assert!(Instant::now() < deadline, "the message never begins");
    }
    hall.node.signal("TERM");
    for client in &mut idle {
        assert_eq!(client.goodbye(), Some(1001));
    }
    assert_eq!(busy.text(), "slept 1000 ms\n");
    assert_eq!(busy.goodbye(), Some(1001));
    assert_eq!(hall.node.wait(), Some(0));
}
