//! The access log.

use crate::client::Client;
use crate::relay::{Papers, Relay};
use crate::stage::{Theatre, port};
use casemate_gateway::{AccessLog, Aids, Config, Destination, Door, Proxies};
use model::Timestamp;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;

fn log_into(path: &Path) -> Arc<AccessLog> {
    let destination = Destination::File(path.to_owned());
    let clock = Box::new(|| Timestamp(1_700_000_000_000_000));
    Arc::new(AccessLog::open(destination, clock).unwrap())
}

/// What is written when a gateway and its log are gone.
fn lines_of(theatre: Theatre, log: Arc<AccessLog>, path: &Path) -> Vec<Value> {
    drop((theatre, log));
    read(path)
}

fn read(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn aids(log: &Arc<AccessLog>) -> Aids {
    Aids { log: Some(Arc::clone(log)), ..Aids::default() }
}

#[test]
fn a_line_says_what_was_asked_and_what_became_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("access.log");
    let log = log_into(&path);
    let papers = Papers::make();
    let doors = vec![Door::tls(port(), Arc::new(papers.server()))];
    let theatre = Theatre::with_doors(Config::default(), doors, aids(&log));
    let relay = Relay::open(theatre.address(), papers.client(&["http/1.1"]));
    let mut client = Client::connect(relay.address);
    client.send(
        "POST /whole?token=secret HTTP/1.1\r\nhost: a:1\r\nuser-agent: x\u{9b}2J\"y\r\n\
         authorization: Bearer secret\r\ncookie: secret\r\ncontent-length: 2\r\n\r\nhi",
    );
    assert_eq!(client.reply().unwrap().status, 200);
    drop(client);
    let text = {
        let lines = lines_of(theatre, log, &path);
        assert_eq!(lines.len(), 1);
        let line = &lines[0];
        assert_eq!(line["time"], "2023-11-14T22:13:20.000Z");
        assert_eq!((&line["peer"], &line["method"]), (&"127.0.0.1".into(), &"POST".into()));
        assert_eq!((&line["host"], &line["path"]), (&"a:1".into(), &"/whole".into()));
        assert_eq!((&line["http"], &line["tls"]), (&"HTTP/1.1".into(), &"1.3".into()));
        assert_eq!(
            (&line["status"], &line["received"], &line["sent"]),
            (&200.into(), &2.into(), &23.into())
        );
        assert_eq!(line["agent"], "x\u{9b}2J\"y");
        assert!(line["took_us"].is_u64() && line["cut"].is_null());
        std::fs::read_to_string(&path).unwrap()
    };
    assert!(text.is_ascii() && !text.contains("secret"), "{text}");
}

#[test]
fn every_kind_of_end_has_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("access.log");
    let log = log_into(&path);
    let theatre = Theatre::with_doors(Config::default(), vec![Door::plain(port())], aids(&log));
    let mut client = theatre.connect();
    client.send("HEAD / HTTP/1.1\r\nhost: a\r\n\r\n");
    assert_eq!(client.head().unwrap().status, 200);
    assert_eq!(client.get("/refuse").status, 401);
    client.send("GET / HTTP/1.1\r\n\r\n");
    assert_eq!(client.reply().unwrap().status, 400);
    let mut client = theatre.connect();
    client.send("GET /broken HTTP/1.1\r\nhost: a\r\n\r\n");
    assert!(client.rest().is_err());
    let mut client = theatre.connect();
    client.send("GET /never HTTP/1.1\r\nhost: a\r\n\r\n");
    theatre.wait_for("started");
    while theatre.stage.live.load(std::sync::atomic::Ordering::SeqCst) == 0 {
        std::thread::yield_now();
    }
    drop(client);
    theatre.wait_for("stopped");
    let mut found: Vec<_> = lines_of(theatre, log, &path)
        .iter()
        .map(|line| {
            let path = line["path"].as_str().unwrap_or("-").to_owned();
            (path, line["status"].as_u64().unwrap(), line["cut"] == true)
        })
        .collect();
    found.sort();
    let expect = [
        ("-", 400, false),
        ("/", 200, false),
        ("/broken", 200, true),
        ("/never", 0, true),
        ("/refuse", 401, false),
    ];
    assert_eq!(found, expect.map(|(path, status, cut)| (path.to_owned(), status, cut)));
}

#[test]
fn behind_a_proxy_the_client_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("access.log");
    let log = log_into(&path);
    let trusted = vec!["127.0.0.0/8".parse().unwrap()];
    let config = Config { proxies: Proxies { trusted, ..Proxies::default() }, ..Config::default() };
    let theatre = Theatre::with_doors(config, vec![Door::plain(port())], aids(&log));
    let mut client = theatre.connect();
    client.send("GET / HTTP/1.1\r\nhost: a\r\nx-forwarded-for: 192.0.2.1\r\n\r\n");
    assert_eq!(client.reply().unwrap().status, 200);
    drop(client);
    assert_eq!(lines_of(theatre, log, &path)[0]["peer"], "192.0.2.1");
}

#[test]
fn a_file_that_was_moved_away_is_opened_anew() {
    let dir = tempfile::tempdir().unwrap();
    let (path, moved) = (dir.path().join("access.log"), dir.path().join("access.log.1"));
    let log = log_into(&path);
    let theatre = Theatre::with_doors(Config::default(), vec![Door::plain(port())], aids(&log));
    let mut client = theatre.connect();
    assert_eq!(client.get("/1").status, 200);
    while read(&path).is_empty() {
        std::thread::yield_now();
    }
    std::fs::rename(&path, &moved).unwrap();
    log.reopen();
    assert_eq!(client.get("/2").status, 200);
    drop(client);
    assert_eq!(lines_of(theatre, log, &path)[0]["path"], "/2");
    assert_eq!(read(&moved)[0]["path"], "/1");
}

#[test]
fn a_log_that_cannot_be_written_drops_its_lines_and_harms_nobody() {
    let log = log_into(Path::new("/dev/full"));
    let theatre = Theatre::with_doors(Config::default(), vec![Door::plain(port())], aids(&log));
    let mut client = theatre.connect();
    for _ in 0..20 {
        assert_eq!(client.get("/").status, 200);
    }
    while log.dropped() < 20 {
        std::thread::yield_now();
    }
    assert!(
        AccessLog::open(Destination::File("/nowhere/at/all".into()), Box::new(|| Timestamp(0)))
            .is_err()
    );
}
