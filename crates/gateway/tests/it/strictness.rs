//! What is refused, with which answer, and that nothing of it reaches the engine.

use crate::stage::Theatre;
use casemate_gateway::Config;

/// Sends bytes and demands exactly one answer with this status and code, then the end.
fn check(theatre: &Theatre, bytes: &[u8], status: u16, code: &str) {
    let mut client = theatre.connect();
    client.send(bytes);
    let reply = client.reply().unwrap();
    let text = bytes.escape_ascii();
    assert_eq!((reply.status, reply.code().as_str()), (status, code), "{text}");
    assert_eq!(reply.header("connection"), Some("close"), "{text}");
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    assert!(reply.header("date").is_some() && reply.header("server").is_none());
    client.assert_closed();
}

#[test]
fn smuggling_attempts_are_answered_and_never_invoked() {
    let theatre = super::open(Config::default());
    let evil = "GET /evil HTTP/1.1\r\nhost: a\r\n\r\n";
    let post =
        |lines: &str, body: &str| format!("POST /x HTTP/1.1\r\nhost: a\r\n{lines}\r\n{body}{evil}");
    let table = [
        (post("content-length: 5\r\ntransfer-encoding: chunked\r\n", "0\r\n\r\n"), 400, "E0710"),
        (post("transfer-encoding: chunked\r\ncontent-length: 5\r\n", "0\r\n\r\n"), 400, "E0710"),
        (post("transfer-encoding: chunked\r\ntransfer-encoding: x\r\n", "0\r\n\r\n"), 400, "E0710"),
        (post("transfer-encoding: x\r\ntransfer-encoding: chunked\r\n", "0\r\n\r\n"), 400, "E0710"),
        (post("content-length: 0\r\ncontent-length: 5\r\n", ""), 400, "E0710"),
        (post("content-length: 5, 5\r\n", "hello"), 400, "E0710"),
        (post("transfer-encoding: xchunked\r\n", "0\r\n\r\n"), 501, "E0712"),
        (post("transfer-encoding: gzip, chunked\r\n", "0\r\n\r\n"), 501, "E0712"),
        (post("transfer-encoding: chunked, identity\r\n", "0\r\n\r\n"), 501, "E0712"),
        (post("transfer-encoding: \x0bchunked\r\n", "0\r\n\r\n"), 400, "E0701"),
        (post("transfer-encoding : chunked\r\n", "0\r\n\r\n"), 400, "E0701"),
        (post(" transfer-encoding: chunked\r\n", "0\r\n\r\n"), 400, "E0701"),
        (post("x: 1\r\n transfer-encoding: chunked\r\n", "0\r\n\r\n"), 400, "E0701"),
        (post("x: y\ntransfer-encoding: chunked\r\n", "0\r\n\r\n"), 400, "E0701"),
        (post("content-length: +5\r\n", "hello"), 400, "E0701"),
        (post("content-length: 0x5\r\n", "hello"), 400, "E0701"),
        (post("x: a\0b\r\n", ""), 400, "E0701"),
        (post("host: b\r\n", ""), 400, "E0701"),
        (
            format!("POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{evil}"),
            400,
            "E0701",
        ),
        ("GET / HTTP/1.1\n host: a\n\n".into(), 400, "E0701"),
        ("GET / HTTP/1.1\r\n\r\n".into(), 400, "E0701"),
        (format!("GET http://b/ HTTP/1.1\r\nhost: a\r\n\r\n{evil}"), 400, "E0701"),
        (format!("GET /a b HTTP/1.1\r\nhost: a\r\n\r\n{evil}"), 400, "E0701"),
        (format!("GET /#a HTTP/1.1\r\nhost: a\r\n\r\n{evil}"), 400, "E0701"),
        ("CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n\r\n".into(), 501, "E0712"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into(), 505, "E0711"),
        ("GET / HTTP/3.0\r\nhost: a\r\n\r\n".into(), 505, "E0711"),
        (post(&"x: 1\r\n".repeat(100), ""), 431, "E0702"),
        (post(&format!("x: {}\r\n", "v".repeat(40_000)), ""), 431, "E0702"),
        ("\x16\x03\x01\0\u{1}".into(), 400, "E0701"),
    ];
    for (bytes, status, code) in table {
        check(&theatre, bytes.as_bytes(), status, code);
    }
    assert_eq!(theatre.targets(), [""; 0]);
}

#[test]
fn a_chunked_body_that_breaks_the_rules_is_answered_with_400() {
    let theatre = super::open(Config::default());
    for body in [
        "5\r\nhelloX",
        "FFFFFFFFFFFFFFFFF\r\n",
        "-1\r\n",
        "5 \r\nhello\r\n0\r\n\r\n",
        "5\nhello\r\n0\r\n\r\n",
        "5;\x01\r\nhello\r\n0\r\n\r\n",
        "0\r\nx : y\r\n\r\n",
        "2\r\nok\r\n0\r\n\n",
    ] {
        let head = "POST /whole HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
        check(&theatre, format!("{head}{body}").as_bytes(), 400, "E0701");
        // The same in two packets: the guest has begun to read by then.
        let mut client = theatre.connect();
        client.send(format!("{head}3\r\nabc\r\n"));
        theatre.wait_for("started");
        client.send(body);
        let reply = client.reply().unwrap();
        assert_eq!((reply.status, reply.code().as_str()), (400, "E0701"), "{body:?}");
        client.assert_closed();
    }
}

#[test]
fn a_violation_is_answered_after_the_answers_before_it() {
    let theatre = super::open(Config::default());
    let mut client = theatre.connect();
    let ok = "GET /later HTTP/1.1\r\nhost: a\r\n\r\n";
    client.send(format!("{ok}{ok}{ok}GET /bad HTTP/1.1\r\n\r\n{ok}"));
    for _ in 0..3 {
        assert_eq!(client.reply().unwrap().text(), "later");
    }
    assert_eq!(client.reply().unwrap().code(), "E0701");
    client.assert_closed();
    assert_eq!(theatre.targets(), ["/later"; 3]);
}

#[test]
fn what_was_refused_is_answered_although_more_is_sent() {
    let theatre = super::open(Config::default());
    let mut client = theatre.connect();
    client.send("GET / HTTP/9.9\r\n\r\n");
    client.send(vec![b'x'; 1 << 20]);
    assert_eq!(client.reply().unwrap().code(), "E0711");
}

#[test]
fn fields_that_could_forge_platform_context_do_not_arrive() {
    let theatre = super::open(Config::default());
    let mut client = theatre.connect();
    client.send(
        "POST http://a/p?q HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nCasemate-Caller: root\r\n\
         casemate_caller: root\r\nX-Forwarded-For: 1.1.1.1\r\nForwarded: for=x\r\nX-Real-IP: x\r\n\
         Proxy: x\r\nProxy-Authorization: x\r\nConnection: keep-alive, X-Listed\r\nX-Listed: 1\r\n\
         Keep-Alive: 1\r\nTE: trailers\r\nUpgrade: websocket\r\nCE-Id: 1\r\nX-Mine: 1\r\n\
         Authorization: Bearer x\r\n\r\n",
    );
    assert_eq!(client.reply().unwrap().status, 200);
    let seen = theatre.stage.seen.lock().unwrap()[0].clone();
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/p?q"));
    assert!(seen.peer.is_loopback());
    let mut names: Vec<_> = seen.headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let told = ["forwarded", "host", "x-forwarded-for", "x-forwarded-proto", "x-mine"];
    assert_eq!(names, [&["authorization", "content-length"][..], &told].concat());
    // What is said of the client is ours.
    let of = |name: &str| seen.headers.iter().find(|(n, _)| n == name).unwrap().1.clone();
    assert_eq!(of("x-forwarded-for"), "127.0.0.1");
    assert_eq!(of("x-forwarded-proto"), if seen.secure { "https" } else { "http" });
}

#[test]
fn the_fuzzers_corpus_does_not_panic_and_pieces_agree_with_the_whole() {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/head");
    let limits = casemate_gateway::head::Limits { headers_max: 100, bytes_max: 32 * 1024 };
    let mut count = 0;
    for entry in std::fs::read_dir(corpus).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let (found, _) = casemate_gateway::messages(&bytes, limits);
        let mut scanner = casemate_gateway::head::Scanner::new(limits);
        let pieces = (0..=bytes.len()).map(|end| scanner.scan(&bytes[..end]));
        let pieces = pieces.take_while(|found| *found == Ok(None)).count();
        let whole = casemate_gateway::head::scan(&bytes, limits);
        assert_eq!(whole == Ok(None), pieces == bytes.len() + 1, "{}", path.display());
        assert!(found.is_empty() || whole.is_ok(), "{}", path.display());
        count += 1;
    }
    assert!(count >= 20, "only {count} files");
}
