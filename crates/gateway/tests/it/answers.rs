//! What clients get back.

use casemate_gateway::Config;

#[test]
fn a_connection_serves_one_request_after_the_other() {
    let theatre = super::open(Config::default());
    let mut client = theatre.connect();
    for number in 0..50 {
        let reply = client.get(&format!("/{number}"));
        assert_eq!((reply.status, reply.text().as_str()), (200, "hello"));
        assert_eq!(reply.header("connection"), None);
        assert!(reply.header("date").is_some() && reply.header("server").is_none());
    }
    let seen = theatre.targets();
    assert_eq!(seen, (0..50).map(|number| format!("/{number}")).collect::<Vec<_>>());
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let theatre = super::open(Config::default());
    let mut client = theatre.connect();
    let one = |number: usize| {
        let body = format!("body {number}");
        let length = body.len();
        format!("POST /whole HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n{body}")
    };
    let chunked = "POST /whole HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n\
                   3;x=y\r\nabc\r\n0\r\nx-sum: 1\r\ncontent-length: 7\r\n\r\n";
    let all: String = (0..200).map(|number| one(number) + chunked).collect();
    let mut writer = client.socket.try_clone().unwrap();
    let sender = std::thread::spawn(move || std::io::Write::write_all(&mut writer, all.as_bytes()));
    for number in 0..200 {
        let body = format!("body {number}");
        let expect = format!("{} bytes, 0 trailers: {body}", body.len());
        assert_eq!(client.reply().unwrap().text(), expect);
        assert_eq!(client.reply().unwrap().text(), "3 bytes, 1 trailers: abc");
    }
    sender.join().unwrap().unwrap();
}

#[test]
fn an_empty_line_between_requests_is_overlooked() {
    let theatre = super::open(Config::default());
    let mut client = theatre.connect();
    for _ in 0..3 {
        client.send("\r\nPOST /whole HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi");
        assert_eq!(client.reply().unwrap().text(), "2 bytes, 0 trailers: hi");
    }
}

#[test]
fn heads_that_come_byte_by_byte_are_put_together() {
    let theatre = super::open(Config::default());
    let mut client = theatre.connect();
    for byte in
        b"POST /whole HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
    {
        client.send([*byte]);
    }
    assert_eq!(client.reply().unwrap().text(), "2 bytes, 0 trailers: hi");
}

#[test]
fn refusals_are_problem_documents() {
    let theatre = super::open(Config::default());
    let mut client = theatre.connect();
    let reply = client.get("/refuse");
    let challenge = Some("Bearer realm=\"casemate\"");
    assert_eq!((reply.status, reply.header("www-authenticate")), (401, challenge));
    assert!(!reply.text().contains("secret"), "{}", reply.text());
    let reply = client.get("/method");
    assert_eq!((reply.code().as_str(), reply.header("allow")), ("E0705", Some("GET, HEAD")));
    let reply = client.get("/busy");
    assert_eq!((reply.status, reply.header("retry-after")), (429, Some("7")));
    // The connection goes on.
    assert_eq!(client.get("/").text(), "hello");
}

#[test]
fn head_has_the_head_only() {
    let theatre = super::open(Config::default());
    let mut client = theatre.connect();
    client.send("HEAD / HTTP/1.1\r\nhost: a\r\n\r\nHEAD /refuse HTTP/1.1\r\nhost: a\r\n\r\n");
    let reply = client.head().unwrap();
    assert_eq!((reply.status, reply.header("content-length")), (200, Some("5")));
    assert_eq!(client.head().unwrap().status, 401);
    assert_eq!(client.get("/").text(), "hello");
}

#[test]
fn options_of_everything_is_answered_here() {
    let theatre = super::open(Config::default());
    let mut client = theatre.connect();
    client.send("OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n");
    let reply = client.reply().unwrap();
    assert_eq!(reply.status, 204);
    assert!(reply.header("allow").unwrap().contains("OPTIONS"));
    assert_eq!(theatre.targets(), [""; 0]);
}

#[test]
fn old_clients_get_what_they_understand() {
    let theatre = super::open(Config::default());
    let mut client = theatre.connect();
    client.send("GET / HTTP/1.0\r\n\r\n");
    assert_eq!(client.reply().unwrap().text(), "hello");
    client.assert_closed();
    let mut client = theatre.connect();
    client.send("POST /echo HTTP/1.0\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nhi");
    let reply = client.head().unwrap();
    assert_eq!((reply.status, reply.header("transfer-encoding")), (200, None));
    assert_eq!(client.rest().unwrap(), b"hi");
    let mut client = theatre.connect();
    client.send("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    assert_eq!(client.reply().unwrap().header("connection"), Some("close"));
    client.assert_closed();
}

#[test]
fn a_client_that_asks_before_it_sends_is_told_to_go_on() {
    let theatre = super::open(Config::default());
    let mut client = theatre.connect();
    let head = "HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n";
    client.send(format!("POST /whole {head}"));
    assert_eq!(client.head().unwrap().status, 100);
    client.send("hi");
    assert_eq!(client.reply().unwrap().text(), "2 bytes, 0 trailers: hi");
    client.send(format!("POST /refuse {head}"));
    assert_eq!(client.reply().unwrap().status, 401);
}

#[test]
fn answers_that_cannot_be_sent_become_502() {
    let theatre = super::open(Config::default());
    let mut client = theatre.connect();
    for path in ["/lie", "/interim"] {
        let reply = client.get(path);
        assert_eq!((reply.status, reply.code().as_str()), (502, "E0406"));
    }
    let reply = client.get("/hop");
    assert_eq!((reply.header("transfer-encoding"), reply.text().as_str()), (None, "hello"));
}

#[test]
fn an_answer_that_breaks_off_looks_broken() {
    let theatre = super::open(Config::default());
    for version in ["1.1", "1.0"] {
        let mut client = theatre.connect();
        client.send(format!("GET /broken HTTP/{version}\r\nhost: a\r\n\r\n"));
        assert!(client.rest().is_err(), "HTTP/{version}");
    }
}
