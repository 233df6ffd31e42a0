//! Requests in the clear, and what they are told.

use super::rig::{FakeHost, PATIENCE, Rig, say};
use model::problem;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The status and the problem's code of an answer.
fn told(answer: &str) -> (u16, String) {
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect(answer);
    let (_, body) = answer.split_once("\r\n\r\n").expect("a head");
    let code = serde_json::from_str(body).map_or(String::new(), |body: problem::Body| body.code);
    (status, code)
}

fn get(url: &str) -> String {
    format!("GET {url} HTTP/1.1\r\nhost: elsewhere.example\r\nconnection: close\r\n\r\n")
}

#[tokio::test]
async fn a_request_is_asked_for_as_its_url_says() {
    let rig = Rig::new();
    let request = "POST http://api.example:8080/a?b=c HTTP/1.1\r\nhost: other.example\r\nconnection: \
                   close, x-hop\r\nx-hop: 1\r\nproxy-authorization: Basic eDp5\r\nx-own: \
                   2\r\ncontent-length: 3\r\n\r\nabc";
    let answer = rig.say(request).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\nx-said: by the host\r\n"), "{answer}");
    let body = "POST http://api.example:8080/a?b=c 3\ncontent-length x-own\n";
    assert!(answer.ends_with(body), "{answer}");
    // axios asks for https in the clear, from its own machine's proxy.
    let answer = rig.say(&get("https://api.example/")).await;
    assert!(answer.contains("GET https://api.example/ 0\n"), "{answer}");
}

#[tokio::test]
async fn what_the_host_refuses_has_a_status_and_a_code() {
    let rig = Rig::new();
    for (host, status, code) in [
        ("denied.example", 403, "E0203"),
        ("private.example", 403, "E0203"),
        ("limit.example", 429, "E1001"),
        ("invalid.example", 400, "E0931"),
        ("down.example", 502, "E0934"),
        ("slow.example", 504, "E0935"),
        ("failed.example", 500, "E0611"),
    ] {
        let answer = rig.say(&get(&format!("http://{host}/a?secret=1"))).await;
        assert_eq!(told(&answer), (status, code.to_owned()), "{answer}");
        assert!(answer.contains("application/problem+json"), "{answer}");
        assert!(answer.contains(&format!("GET http://{host}/a")), "{answer}");
        assert!(!answer.contains("secret"), "{answer}");
    }
    assert_eq!(rig.asked().len(), 7);
}

#[tokio::test]
async fn metadata_services_are_refused_at_once_and_nobody_is_asked() {
    let rig = Rig::new();
    for host in ["169.254.169.254", "metadata.google.internal", "[::ffff:169.254.169.254]"] {
        let answer = rig.say(&get(&format!("http://{host}/latest/meta-data/"))).await;
        assert_eq!(told(&answer), (403, "E0933".into()), "{answer}");
        let tunnel = format!("CONNECT {host}:80 HTTP/1.1\r\nconnection: close\r\n\r\n");
        assert_eq!(told(&rig.say(&tunnel).await), (403, "E0933".into()), "{host}");
    }
    assert_eq!(rig.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_no_request_to_a_proxy_is_told_so() {
    let rig = Rig::new();
    for request in [
        "GET / HTTP/1.1\r\nhost: a.example\r\nconnection: close\r\n\r\n",
        "GET ftp://a.example/ HTTP/1.1\r\nhost: a.example\r\nconnection: close\r\n\r\n",
        "CONNECT a.example:0 HTTP/1.1\r\nhost: a.example\r\nconnection: close\r\n\r\n",
        "CONNECT u@a.example:443 HTTP/1.1\r\nhost: a.example\r\nconnection: close\r\n\r\n",
    ] {
        assert_eq!(told(&rig.say(request).await), (400, "E0931".into()), "{request}");
    }
    let upgrade = get("http://a.example/").replace("close", "upgrade, close\r\nupgrade: websocket");
    assert_eq!(told(&rig.say(&upgrade).await), (501, "E0937".into()));
    assert_eq!(rig.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn garbage_and_endless_heads_end_their_connection_only() {
    let rig = Rig::new();
    assert!(rig.say("\u{0}\u{1}\u{2}garbage\r\n\r\n").await.starts_with("HTTP/1.1 400"));
    let field = format!("x-long: {}\r\n", "x".repeat(1000));
    let long = format!("GET http://a.example/ HTTP/1.1\r\n{}\r\n", field.repeat(200));
    assert!(!rig.say(&long).await.contains(" 200 "));
    let many = format!("GET http://a.example/ HTTP/1.1\r\n{}\r\n", "x: 1\r\n".repeat(300));
    assert!(rig.say(&many).await.starts_with("HTTP/1.1 431"));
    assert_eq!(rig.asked(), Vec::<String>::new());
    assert!(rig.say(&get("http://a.example/")).await.contains(" 200 "));
}

#[tokio::test]
async fn a_reply_that_breaks_off_is_no_whole_reply() {
    let rig = Rig::new();
    let answer = rig.say(&get("http://cut.example/")).await;
    assert!(!answer.contains("content-length") && !answer.ends_with("0\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn without_an_invocation_nothing_is_asked_and_what_was_under_way_breaks_off() {
    let mut rig = Rig::new();
    let (proxy, ask) = (rig.proxy, get("http://never.example/"));
    let waiting = tokio::spawn(async move { say(proxy, &ask).await });
    let mut endless = TcpStream::connect(rig.proxy).await.expect("a connection");
    endless.write_all(get("http://endless.example/").as_bytes()).await.expect("sent");
    endless.read_exact(&mut [0; 100]).await.expect("it began");
    while rig.host.asked.lock().len() < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    rig.end();
    assert_eq!(told(&waiting.await.expect("told")), (503, "E0930".into()));
    let mut rest = Vec::new();
    let read = tokio::time::timeout(PATIENCE, endless.read_to_end(&mut rest)).await;
    let _ = read.expect("it ends");
    rig.asked();
    assert_eq!(told(&rig.say(&get("http://a.example/")).await), (503, "E0930".into()));
    assert_eq!(rig.asked(), Vec::<String>::new());
    rig.begin();
    assert!(rig.say(&get("http://a.example/")).await.contains(" 200 "));
}

#[tokio::test]
async fn who_gives_a_request_up_is_not_waited_for() {
    let rig = Rig::new();
    let mut stream = TcpStream::connect(rig.proxy).await.expect("a connection");
    stream.write_all(get("http://never.example/").as_bytes()).await.expect("sent");
    while rig.asked().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let before = std::sync::Arc::strong_count(&rig.host);
    drop(stream);
    // The ask holds the host, and is gone.
    while std::sync::Arc::strong_count(&rig.host) >= before {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn who_never_reads_holds_a_window_and_no_more() {
    let rig = Rig::new();
    let mut stream = TcpStream::connect(rig.proxy).await.expect("a connection");
    stream.write_all(get("http://endless.example/").as_bytes()).await.expect("sent");
    let taken = || rig.host.taken.load(Ordering::Relaxed);
    let mut before = None;
    // The kernel's own buffers take some megabytes.
    while before != Some(taken()) || taken() == 0 {
        before = Some(taken());
        assert!(taken() < 4000, "64 MiB were taken for nobody");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    drop(stream);
}

#[tokio::test]
async fn a_thousand_connections_are_some_that_are_served_and_others_that_are_closed() {
    let rig = Rig::with(FakeHost::default());
    let mut open = Vec::new();
    for _ in 0..400 {
        open.push(TcpStream::connect(rig.proxy).await.expect("a connection"));
    }
    let mut closed = 0;
    for stream in &mut open[256..] {
        let read = tokio::time::timeout(PATIENCE, stream.read(&mut [0; 1])).await;
        closed += usize::from(!matches!(read.expect("it is closed"), Ok(1)));
    }
    assert_eq!(closed, 144);
    let mut first = open.swap_remove(0);
    first.write_all(get("http://a.example/").as_bytes()).await.expect("sent");
    first.read_exact(&mut [0; 15]).await.expect("an answer");
    drop((open, first));
    // There is room again, as soon as they are seen to be gone.
    while !rig.say(&get("http://a.example/")).await.contains(" 200 ") {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
