//! Who gets a WebSocket, and what the others get.

use super::client::Wish;
use super::{Hall, client};
use crate::rig::{exchange, parse, raw};

#[test]
fn what_asks_for_no_websocket_or_wrongly_is_told_so() {
    let hall = Hall::open();
    let plain = hall.node.get("/echo", Some(&hall.token));
    assert_eq!((plain.status, plain.code().as_str()), (426, "E0713"));
    assert_eq!(plain.header("upgrade"), Some("websocket"));
    for (name, value) in [
        ("sec-websocket-version", "8"),
        ("sec-websocket-key", "short"),
        ("connection", "keep-alive"),
        ("content-length", "1"),
    ] {
        let mut bytes = hall.wish("/echo").with(name, value).bytes();
        bytes.extend(b"x");
        let reply = parse(&exchange(hall.node.gateway, &bytes));
        assert_eq!((reply.status, reply.code().as_str()), (400, "E0714"), "{name}");
        assert_eq!(reply.header("sec-websocket-version"), Some("13"), "{name}");
    }
    let refused = hall.wish("/m/status?code=418").refused(hall.node.gateway);
    assert_eq!((refused.status, refused.text().as_str()), (418, "as you wished\n"));
    assert_eq!(refused.header("connection"), Some("close"));
}

#[test]
fn strangers_learn_nothing_of_a_websocket() {
    let hall = Hall::open();
    let shape = |path: &str, change: Option<(&str, &str)>| {
        let mut wish = Wish::new(path);
        if let Some((name, value)) = change {
            wish = wish.with(name, value);
        }
        let reply = wish.refused(hall.node.gateway);
        (reply.status, reply.code(), reply.header("upgrade").map(str::to_owned))
    };
    let nothing = shape("/unknown", None);
    assert_eq!(nothing, (401, "E0801".to_owned(), None));
    for path in ["/echo", "/plain", "/m/request"] {
        assert_eq!(shape(path, None), nothing, "{path}");
        assert_eq!(shape(path, Some(("sec-websocket-version", "8"))), nothing, "{path}");
        assert_eq!(shape(path, Some(("origin", "https://evil.example"))), nothing, "{path}");
    }
    assert_eq!(hall.node.get("/echo", None).status, 401);
}

#[test]
fn pages_of_other_origins_are_refused_unless_the_route_admits_them() {
    let hall = Hall::open();
    let node = hall.node.gateway;
    for origin in ["https://evil.example", "null", "http://localhost:81", "https://localhost.evil"]
    {
        let reply = hall.wish("/echo").with("origin", origin).refused(node);
        assert_eq!((reply.status, reply.code().as_str()), (403, "E0715"), "{origin}");
    }
    hall.wish("/echo").with("origin", "http://localhost").open(node);
    hall.wish("/friends").with("origin", "https://friend.example").open(node);
    hall.wish("/friends").with("origin", "http://localhost").open(node);
    let reply = hall.wish("/friends").with("origin", "https://evil.example").refused(node);
    assert_eq!(reply.status, 403);
}

#[test]
fn a_route_without_websockets_answers_as_ever_and_then_no_more() {
    let hall = Hall::open();
    let next = b"GET /plain HTTP/1.1\r\nhost: localhost\r\n\r\n";
    for path in ["/plain", "/echo"] {
        let wish = hall.wish(path).with("sec-websocket-version", "8");
        let bytes = [wish.bytes().as_slice(), next].concat();
        let answer = exchange(hall.node.gateway, &bytes);
        let text = String::from_utf8_lossy(&answer).into_owned();
        // A proxy that takes the connection for upgraded lets anybody's requests through.
        assert_eq!(text.matches("HTTP/1.1").count(), 1, "{path}: {text}");
        let status = if path == "/plain" { 200 } else { 400 };
        assert_eq!(parse(&answer).status, status, "{text}");
    }
    // Only what wants a WebSocket loses its connection for it.
    let wish = hall.wish("/plain").with("upgrade", "h2c");
    let last = b"GET /plain HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let answer = exchange(hall.node.gateway, &[wish.bytes().as_slice(), last].concat());
    assert_eq!(String::from_utf8_lossy(&answer).matches("HTTP/1.1").count(), 2);
}

#[test]
fn a_frame_may_follow_the_request_at_once_and_a_request_may_not() {
    let hall = Hall::open();
    let frame = client::frame(0x81, b"early");
    let mut client = hall.wish("/echo").open_with(hall.node.gateway, &frame);
    assert_eq!(client.text(), "early");
    // What is behind an accepted request is never HTTP.
    let request = format!(
        "GET /plain HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\r\n",
        hall.token
    );
    let mut client = hall.wish("/echo").open_with(hall.node.gateway, request.as_bytes());
    let rest = client.read_raw();
    assert_eq!(
        rest.get(..4).map(|four| (four[0], u16::from_be_bytes([four[2], four[3]]))),
        Some((0x88, 1002)),
        "{}",
        String::from_utf8_lossy(&rest)
    );
    let calls = hall.node.records(0);
    let plain = |record: &serde_json::Value| {
        record["trigger"].as_str().is_some_and(|trigger| trigger.ends_with("/plain"))
    };
    assert!(!calls.iter().any(plain), "{calls:?}");
}

#[test]
fn requests_before_the_handshake_are_answered_first() {
    let hall = Hall::open();
    let before = format!(
        "GET /plain HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\r\n",
        hall.token
    );
    let bytes =
        [before.as_bytes(), &hall.wish("/echo").bytes(), &client::frame(0x88, b"")].concat();
    let text = exchange(hall.node.gateway, &bytes);
    let text = String::from_utf8_lossy(&text).into_owned();
    let first = text.find("HTTP/1.1 200").expect("an answer");
    let second = text.find("HTTP/1.1 101").expect("an upgrade");
    assert!(first < second, "{text}");
}

#[test]
fn addresses_and_functions_have_so_many_and_no_more() {
    let limits = "[websockets]\nconnections_per_address = 3\nconnections_per_function = 2\n";
    let hall = Hall::with(limits, &[]);
    let node = hall.node.gateway;
    let (mut first, _second) = (hall.connect("/echo"), hall.connect("/echo"));
    let full = hall.wish("/echo").refused(node);
    assert_eq!((full.status, full.code().as_str()), (503, "E0716"));
    assert!(full.header("retry-after").is_some());
    let _third = hall.connect("/m/request");
    let crowded = hall.wish("/m/request").refused(node);
    assert_eq!((crowded.status, crowded.code().as_str()), (429, "E0717"));
    // Ordinary requests do not count.
    assert_eq!(hall.node.get("/plain", Some(&hall.token)).status, 200);
    first.leave(1000);
    assert_eq!(first.goodbye(), Some(1000));
    hall.triggers("websocket disconnect GET /echo");
    let deadline = std::time::Instant::now() + crate::rig::PATIENCE;
    while raw(node, &hall.wish("/m/status?code=404").bytes()).status != 404 {
        assert!(std::time::Instant::now() < deadline, "the room does not come back");
    }
}

#[test]
fn a_manifest_that_cannot_be_is_refused_with_its_key() {
    let hall = Hall::open();
    let manifest = |line: &str| {
        format!(
            "manifest = 1\napplication = \"x\"\n[[function]]\nname = \"x\"\nsource = \"x.wasm\"\n\
             [[function.http]]\n{line}\n"
        )
    };
    for (line, word) in [
        ("route = \"POST /x\"\nwebsocket = true", "http.websocket"),
        ("route = \"GET /x\"\nwebsocket = { idle = \"0s\" }", "http.websocket.idle"),
        ("route = \"GET /x\"\nwebsocket = { message = \"2MiB\" }", "http.websocket.message"),
    ] {
        let component = crate::rig::example("echo");
        let output = hall.node.deploy_manifest(&manifest(line), &[("x.wasm", &component)]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(word), "{said}");
    }
}
