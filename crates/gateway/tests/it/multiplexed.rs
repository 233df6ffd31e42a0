//! Many requests at once on one connection of HTTP/2.

use crate::raw::*;
use crate::relay::{Papers, Relay};
use crate::stage::{Theatre, port};
use casemate_gateway::{Aids, Config, Door};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// A gateway over TLS, and the way to it.
fn over_tls(config: Config) -> (Theatre, Relay) {
    let papers = Papers::make();
    let doors = vec![Door::tls(port(), Arc::new(papers.server()))];
    let theatre = Theatre::with_doors(config, doors, Aids::default());
    let relay = Relay::open(theatre.address(), papers.client(&["h2"]));
    (theatre, relay)
}

fn ask(raw: &mut Raw, stream: u32, path: &str, more: &[(&str, &str)]) {
    raw.send(frame(HEADERS, END_HEADERS | END_STREAM, stream, fields(path, more)));
}

#[test]
fn requests_do_not_wait_for_each_other() {
    let (theatre, relay) = over_tls(Config::default());
    let mut raw = Raw::connect(relay.address);
    raw.send([get(1, "/never"), get(3, "/later"), get(5, "/")].concat());
    assert_eq!(raw.answer(5).unwrap(), (200, b"hello".to_vec()));
    assert_eq!(raw.answer(3).unwrap(), (200, b"later".to_vec()));
    assert_eq!(theatre.stage.live.load(Ordering::SeqCst), 1);
    let seen = theatre.stage.seen.lock().unwrap().clone();
    assert!(seen.iter().all(|seen| seen.secure));
    let mut names: Vec<_> =
        seen[0].headers.iter().map(|(name, value)| (&**name, &**value)).collect();
    names.sort_unstable();
    assert!(names.contains(&("host", "a")), "{names:?}");
}

#[test]
fn a_reset_stops_the_guest_and_no_other() {
    let (theatre, relay) = over_tls(Config::default());
    let mut raw = Raw::connect(relay.address);
    raw.send([get(1, "/never"), get(3, "/mute"), get(5, "/never")].concat());
    for _ in 0..3 {
        theatre.wait_for("started");
    }
    raw.send([reset(1), reset(3)].concat());
    theatre.wait_for("stopped");
    theatre.wait_for("stopped");
    assert!(raw.is_well());
    assert_eq!(theatre.stage.live.load(Ordering::SeqCst), 1);
    // And the end of the connection stops what is left.
    drop(raw);
    theatre.wait_for("stopped");
}

#[test]
fn bodies_flow_both_ways_at_once_on_several_streams() {
    let (_theatre, relay) = over_tls(Config::default());
    let mut raw = Raw::connect(relay.address);
    let mut writer = Raw { socket: raw.socket.try_clone().unwrap() };
    // The windows that the server offers count from here on.
    raw.wait_for(SETTINGS);
    raw.send(frame(SETTINGS, ACK, 0, []));
    // As much as they hold: the test does not count what it may send.
    let piece: Vec<u8> = (0..16_000u32).map(|number| (number * 7 / 8) as u8).collect();
    for stream in [1, 3, 5] {
        writer.send(frame(HEADERS, END_HEADERS, stream, fields("/echo", &[])));
    }
    for round in 0..15 {
        for stream in [1, 3, 5] {
            let flags = if round == 14 { END_STREAM } else { 0 };
            writer.send(frame(DATA, flags, stream, &piece));
        }
    }
    let mut bodies = std::collections::HashMap::<u32, Vec<u8>>::new();
    let mut ended = 0;
    while ended < 3 {
        let data = raw.wait_for(DATA);
        let by = (data.payload.len() as u32).to_be_bytes();
        if data.flags & END_STREAM != 0 {
            ended += 1;
        } else if !data.payload.is_empty() {
            raw.send(frame(WINDOW_UPDATE, 0, data.stream, by));
        }
        if !data.payload.is_empty() {
            raw.send(frame(WINDOW_UPDATE, 0, 0, by));
        }
        bodies.entry(data.stream).or_default().extend(data.payload);
    }
    assert!(bodies.values().all(|body| *body == piece.repeat(15)));
}

#[test]
fn trailers_arrive_without_what_belongs_into_a_head() {
    let (_theatre, relay) = over_tls(Config::default());
    let mut raw = Raw::connect(relay.address);
    raw.send(
        [
            frame(HEADERS, END_HEADERS, 1, fields("/whole", &[])),
            frame(DATA, 0, 1, b"abc"),
            frame(
                HEADERS,
                END_HEADERS | END_STREAM,
                1,
                block(&[("x-sum", "1"), ("authorization", "x")]),
            ),
        ]
        .concat(),
    );
    assert_eq!(raw.answer(1).unwrap(), (200, b"3 bytes, 1 trailers: abc".to_vec()));
}

/// Fields, and the status and code of the answer: 0 where the stream is reset, and `end` where
/// the connection ends.
type Case<'a> = (Vec<(&'a str, &'a str)>, u16, &'a str);

#[test]
fn what_is_no_request_of_ours_is_a_problem_and_reaches_nobody() {
    let (theatre, relay) = over_tls(Config::default());
    let mut raw = Raw::connect(relay.address);
    let method = (":method", "GET");
    let scheme = (":scheme", "https");
    let path = (":path", "/evil");
    let authority = (":authority", "a");
    let base = [method, scheme, path, authority];
    let with = |more: &[(&'static str, &'static str)]| [&base[..], more].concat();
    let many: Vec<_> = std::iter::repeat_n(("x", "1"), 101).collect();
    let long = "X".repeat(33);
    let table: Vec<Case<'_>> = vec![
        (with(&[("host", "b")]), 400, "E0701"),
        (with(&[("host", "a"), ("host", "a")]), 400, "E0701"),
        (vec![method, scheme, path], 400, "E0701"),
        (vec![method, scheme, path, (":authority", "u@a")], 400, "E0701"),
        (vec![method, scheme, path, (":authority", "a:b:c")], 0, ""),
        (vec![method, scheme, path, ("host", "a b")], 400, "E0701"),
        (vec![method, (":scheme", "ftp"), path, authority], 400, "E0701"),
        (vec![method, scheme, (":path", "*"), authority], 400, "E0701"),
        (vec![method, scheme, (":path", "/a{b}"), authority], 400, "E0701"),
        (vec![method, scheme, (":path", "/a\\b"), authority], 400, "E0701"),
        (vec![method, scheme, (":path", "/a b"), authority], 0, ""),
        // hyper would cut a fragment off and serve the rest, so the wire ends what has one.
        (vec![method, scheme, (":path", "/a#b"), authority], 0, "end"),
        (vec![method, scheme, (":path", "/a?b#c"), authority], 0, "end"),
        (vec![method, scheme, (":path", "#"), authority], 0, "end"),
        (vec![method, scheme, (":path", "?a"), authority], 400, "E0701"),
        (vec![method, scheme, (":path", "/\u{e4}"), authority], 400, "E0701"),
        (vec![method, scheme, (":path", "/a?\u{e4}"), authority], 400, "E0701"),
        (vec![method, scheme, path, (":authority", "a#b")], 0, ""),
        (vec![method, scheme, path, (":authority", "a,b")], 400, "E0701"),
        (vec![method, scheme, (":path", "/a\r\nx: y"), authority], 0, ""),
        (vec![method, scheme, (":path", "http://b/"), authority], 0, ""),
        (vec![(":method", "CONNECT"), authority], 501, "E0712"),
        (vec![(":method", &long), scheme, path, authority], 501, "E0712"),
        (vec![(":method", "G ET"), scheme, path, authority], 0, "end"),
        (with(&[("x", " padded")]), 400, "E0701"),
        (with(&[("x", "padded\t")]), 400, "E0701"),
        (with(&[("content-length", "0"), ("content-length", "0")]), 400, "E0710"),
        (with(&[("content-length", "+0")]), 0, ""),
        (with(&[("content-length", "0, 0")]), 0, ""),
        (with(&many), 431, "E0702"),
        // Such a value is no fault of its stream only: h2 ends the connection.
        (with(&[("x", "a\r\nb: c")]), 0, "end"),
        (with(&[("x", "a\0b")]), 0, "end"),
        (with(&[("x y", "a")]), 0, "end"),
        (with(&[("x:", "a")]), 0, "end"),
    ];
    for (number, (list, status, code)) in table.into_iter().enumerate() {
        let stream = 1 + 2 * number as u32;
        raw.send(frame(HEADERS, END_HEADERS | END_STREAM, stream, block(&list)));
        match (status, code) {
            (0, "end") => {
                let verdict = raw.verdict(stream);
                assert_eq!(verdict, Verdict::Connection(PROTOCOL), "{list:?}");
                raw = Raw::connect(relay.address);
            }
            (0, _) => assert_eq!(raw.verdict(stream), Verdict::Stream(PROTOCOL), "{list:?}"),
            _ => assert_eq!(raw.problem(stream), (status, code.to_owned()), "{list:?}"),
        }
    }
    assert_eq!(theatre.targets(), [""; 0]);
}

#[test]
fn fields_that_could_forge_platform_context_do_not_arrive() {
    let (theatre, relay) = over_tls(Config::default());
    let mut raw = Raw::connect(relay.address);
    let more = [
        ("casemate-caller", "root"),
        ("casemate_caller", "root"),
        ("x-forwarded-for", "1.1.1.1"),
        ("forwarded", "for=x"),
        ("x-real-ip", "x"),
        ("proxy", "x"),
        ("te", "trailers"),
        ("http2-settings", "x"),
        ("x-mine", "1"),
        ("cookie", "a=1"),
        ("cookie", "b=2"),
    ];
    ask(&mut raw, 1, "/p?q", &more);
    assert_eq!(raw.answer(1).unwrap().0, 200);
    let seen = theatre.stage.seen.lock().unwrap()[0].clone();
    assert_eq!(seen.target, "/p?q");
    let mut found: Vec<_> =
        seen.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    found.sort_unstable();
    assert_eq!(
        found,
        [
            "cookie: a=1; b=2",
            "forwarded: for=127.0.0.1;proto=https",
            "host: a",
            "x-forwarded-for: 127.0.0.1",
            "x-forwarded-proto: https",
            "x-mine: 1",
        ]
    );
}

#[test]
fn refusals_and_answers_that_cannot_be_sent_are_problems() {
    let (_theatre, relay) = over_tls(Config::default());
    let mut raw = Raw::connect(relay.address);
    for (stream, path, status, code) in [
        (1, "/refuse", 401, "E0801"),
        (3, "/busy", 429, "E0708"),
        (5, "/lie", 502, "E0406"),
        (7, "/interim", 502, "E0406"),
    ] {
        raw.send(get(stream, path));
        assert_eq!(raw.problem(stream), (status, code.to_owned()));
    }
    // An answer that breaks off is a stream that was reset.
    raw.send(get(9, "/broken"));
    assert!(raw.answer(9).is_err());
    assert!(raw.is_well());
}

#[test]
fn connections_beyond_the_nodes_room_are_told_so_over_tls() {
    let (theatre, relay) = over_tls(Config { connections_max: 1, ..Config::default() });
    let mut first = Raw::connect(relay.address);
    first.send(get(1, "/1"));
    assert_eq!(first.answer(1).unwrap().0, 200);
    let mut second = Raw::connect(relay.address);
    second.send(get(1, "/2"));
    assert_eq!(second.problem(1), (503, "E0707".to_owned()));
    assert!(!theatre.targets().contains(&"/2".to_owned()));
}

#[test]
fn a_drain_finishes_what_runs_and_says_goodbye() {
    let (mut theatre, relay) = over_tls(Config::default());
    let mut raw = Raw::connect(relay.address);
    raw.send(frame(HEADERS, END_HEADERS, 1, fields("/echo", &[])));
    theatre.wait_for("started");
    let handle = theatre.handle.take().unwrap();
    let drained = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(handle.drain(Duration::from_secs(20)))
    });
    let goodbye = raw.wait_for(GOAWAY);
    assert_eq!(goodbye.payload[4..8], [0; 4]);
    // The first goodbye names no stream; the second comes when the client has answered.
    let ping = raw.wait_for(PING);
    raw.send(frame(PING, ACK, 0, ping.payload));
    raw.send(frame(DATA, END_STREAM, 1, b"rest"));
    assert_eq!(raw.wait_for(DATA).payload, b"rest");
    while raw.next().is_ok() {}
    assert_eq!(drained.join().unwrap(), casemate_gateway::Drained { finished: 1, aborted: 0 });
}

#[test]
fn silent_connections_do_not_hold_up_a_drain() {
    let (mut theatre, relay) = over_tls(Config::default());
    let mut used = Raw::connect(relay.address);
    used.send(get(1, "/"));
    assert_eq!(used.answer(1).unwrap().0, 200);
    let _unused = Raw::connect(relay.address);
    let handle = theatre.handle.take().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let drained = runtime.block_on(handle.drain(Duration::from_secs(20)));
    assert_eq!(drained.aborted, 0);
    assert_eq!(used.verdict(3), Verdict::Connection(NO_ERROR));
}

#[test]
fn http_2_in_the_clear_is_spoken_only_where_it_is_allowed() {
    let doors = vec![Door::plain(port()).with_h2c()];
    let theatre = Theatre::with_doors(Config::default(), doors, Aids::default());
    let mut raw = Raw::connect(theatre.address());
    raw.send(get(1, "/"));
    assert_eq!(raw.answer(1).unwrap(), (200, b"hello".to_vec()));
    // And HTTP/1.1 beside it.
    assert_eq!(theatre.connect().get("/").text(), "hello");
    let mut client = theatre.connect();
    client.send("P");
    std::thread::sleep(Duration::from_millis(20));
    client.send("OST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n");
    assert_eq!(client.reply().unwrap().text(), "hello");
    let theatre = Theatre::open(Config::default());
    let mut client = theatre.connect();
    client.send(PREFACE);
    assert_eq!(client.reply().unwrap().code(), "E0711");
}
