//! Clients of HTTP/2 that want the node to work for nothing.

use crate::raw::*;
use crate::relay::{Papers, Relay};
use crate::stage::{Theatre, port};
use casemate_gateway::{Aids, Config, Door, Http2};
use std::sync::Arc;
use std::sync::atomic::Ordering;

fn theatre(config: Config) -> Theatre {
    Theatre::with_doors(config, vec![Door::plain(port()).with_h2c()], Aids::default())
}

fn tight() -> Config {
    let http2 = Http2 { resets: 50, control_frames: 50, ..Http2::default() };
    Config { http2, ..Config::default() }
}

/// Sends something again and again, one packet each, until the server has had enough; says with
/// which error, and how often it was sent.
fn flood(raw: &mut Raw, most: u32, mut next: impl FnMut(u32) -> Vec<u8>) -> (Verdict, u32) {
    for number in 0..most {
        if raw.try_send(next(number)).is_err() {
            return (raw.verdict(u32::MAX), number);
        }
        // The server is not to be outrun: what it does is to be seen, not what it has queued.
        if number % 16 == 15 {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    }
    (raw.verdict(u32::MAX), most)
}

fn ends_calmly(what: &str, next: impl FnMut(u32) -> Vec<u8>) {
    let theatre = theatre(tight());
    let mut raw = Raw::connect(theatre.address());
    let (verdict, sent) = flood(&mut raw, 5_000, next);
    // The goodbye may be lost where the client goes on sending into a closed connection.
    assert!(matches!(verdict, Verdict::Connection(CALM) | Verdict::Closed), "{what}: {verdict:?}");
    assert!(sent < 5_000 || verdict == Verdict::Connection(CALM), "{what}: {sent}");
    // Others are served.
    let mut raw = Raw::connect(theatre.address());
    raw.send(get(1, "/after"));
    assert_eq!(raw.verdict(1), Verdict::Status(200), "{what}");
    while theatre.stage.live.load(Ordering::SeqCst) > 0 {
        std::thread::yield_now();
    }
}

/// CVE-2023-44487.
#[test]
fn rapid_resets_end_the_connection_and_stop_their_guests() {
    ends_calmly("resets", |number| {
        let stream = 1 + 2 * number;
        [get(stream, "/never"), reset(stream)].concat()
    });
}

/// The same, slowly enough that every stream runs when it is reset.
#[test]
fn resets_of_streams_that_run_end_the_connection() {
    let theatre = theatre(tight());
    let mut raw = Raw::connect(theatre.address());
    let mut count = 0;
    while count < 500 {
        if raw.try_send(get(1 + 2 * count, "/never")).is_err() {
            break;
        }
        let started = theatre.events.recv_timeout(std::time::Duration::from_secs(1));
        if started.is_err() || raw.try_send(reset(1 + 2 * count)).is_err() {
            break;
        }
        // Unless the connection has ended, which stops the guest too.
        theatre.wait_for("stopped");
        count += 1;
    }
    assert!((50..200).contains(&count), "{count}");
    let verdict = raw.verdict(u32::MAX);
    assert!(matches!(verdict, Verdict::Connection(CALM) | Verdict::Closed), "{verdict:?}");
}

#[test]
fn resets_that_the_server_has_to_make_end_the_connection() {
    let http2 = Http2 { error_resets: 30, ..Http2::default() };
    let theatre = theatre(Config { http2, ..Config::default() });
    let mut raw = Raw::connect(theatre.address());
    let bad = block(&[(":method", "GET"), (":scheme", "https"), ("connection", "close")]);
    let (verdict, sent) = flood(&mut raw, 5_000, |number| {
        frame(HEADERS, END_HEADERS | END_STREAM, 1 + 2 * number, &bad)
    });
    assert!(matches!(verdict, Verdict::Connection(CALM) | Verdict::Closed), "{verdict:?}");
    assert!(sent < 5_000 || verdict == Verdict::Connection(CALM));
    assert_eq!(theatre.targets(), [""; 0]);
}

/// CVE-2024-27316.
#[test]
fn endless_continuations_end_the_connection() {
    let begin = |number| match number {
        0 => frame(HEADERS, END_STREAM, 1, fields("/", &[])),
        _ => frame(CONTINUATION, 0, 1, block(&[("x", "y")])),
    };
    ends_calmly("continuations", begin);
    let empty = |number| match number {
        0 => frame(HEADERS, END_STREAM, 1, fields("/", &[])),
        _ => frame(CONTINUATION, 0, 1, []),
    };
    ends_calmly("empty continuations", empty);
}

#[test]
fn headers_that_grow_when_they_are_decoded_end_their_stream_or_the_connection() {
    let theatre = theatre(Config::default());
    let mut raw = Raw::connect(theatre.address());
    // One field of 4,000 bytes goes into the table; each byte after it is that field again.
    let mut bomb = fields("/", &[]);
    let value = "v".repeat(3_900);
    let mut entry = block(&[("x", &value)]);
    entry[0] = 0x40;
    bomb.extend(entry);
    bomb.extend([0xbe; 8_000]);
    raw.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, &bomb));
    assert_eq!(raw.verdict(1), Verdict::Connection(CALM));
    // A little too much costs the request only.
    let mut raw = Raw::connect(theatre.address());
    let large = "v".repeat(12_000);
    let list = [("a", &*large), ("b", &large), ("c", &large)];
    let whole = fields("/", &list);
    let (first, rest) = whole.split_at(16_000);
    let (second, third) = rest.split_at(16_000);
    raw.send(
        [
            frame(HEADERS, END_STREAM, 1, first),
            frame(CONTINUATION, 0, 1, second),
            frame(CONTINUATION, END_HEADERS, 1, third),
        ]
        .concat(),
    );
    assert_eq!(raw.verdict(1), Verdict::Status(431));
    assert!(raw.is_well());
    assert_eq!(theatre.targets(), [""; 0]);
}

#[test]
fn frames_that_say_nothing_end_the_connection() {
    ends_calmly("pings", |_| frame(PING, 0, 0, [0; 8]));
    ends_calmly("settings", |_| frame(SETTINGS, 0, 0, []));
    ends_calmly("priorities", |_| frame(PRIORITY, 0, 1, [0, 0, 0, 0, 1]));
    ends_calmly("unknown frames", |_| frame(0x42, 0, 0, []));
    ends_calmly("windows", |_| frame(WINDOW_UPDATE, 0, 0, 1u32.to_be_bytes()));
    ends_calmly("empty data", |number| match number {
        0 => frame(HEADERS, END_HEADERS, 1, fields("/never", &[])),
        _ => frame(DATA, 0, 1, []),
    });
}

#[test]
fn data_in_tiny_pieces_ends_the_connection() {
    ends_calmly("tiny data", |number| match number {
        0 => frame(HEADERS, END_HEADERS, 1, fields("/mute", &[])),
        _ => frame(DATA, 0, 1, b"x").repeat(16),
    });
    ends_calmly("nothing but padding", |number| match number {
        0 => frame(HEADERS, END_HEADERS, 1, fields("/mute", &[])),
        _ => frame(DATA, PADDED, 1, [0]).repeat(16),
    });
}

#[test]
fn a_window_that_is_never_opened_stops_the_guest() {
    let theatre = theatre(Config { body_idle_ms: 200, ..Config::default() });
    let mut raw = Raw::silent(theatre.address());
    let no_window = [&4u16.to_be_bytes()[..], &0u32.to_be_bytes()].concat();
    raw.send([PREFACE.to_vec(), frame(SETTINGS, 0, 0, no_window), get(1, "/endless")].concat());
    theatre.wait_for("stopped");
    assert_eq!(raw.verdict(1), Verdict::Status(200));
    assert_eq!(raw.verdict(1), Verdict::Stream(8));
    assert!(raw.is_well());
    assert!(theatre.stage.given.load(Ordering::SeqCst) < 1 << 20);
}

#[test]
fn a_client_that_reads_nothing_stops_its_guests() {
    let theatre = theatre(Config { body_idle_ms: 300, ..Config::default() });
    let mut raw = Raw::silent(theatre.address());
    let window = [&4u16.to_be_bytes()[..], &0x7fff_ffffu32.to_be_bytes()].concat();
    raw.send(
        [
            PREFACE.to_vec(),
            frame(SETTINGS, 0, 0, window),
            frame(WINDOW_UPDATE, 0, 0, 0x7000_0000u32.to_be_bytes()),
            get(1, "/endless"),
            get(3, "/endless"),
        ]
        .concat(),
    );
    theatre.wait_for("stopped");
    theatre.wait_for("stopped");
    assert!(theatre.stage.given.load(Ordering::SeqCst) < 32 << 20);
}

#[test]
fn a_client_that_does_not_answer_a_ping_is_gone() {
    let http2 = Http2 { ping_ms: 100, ..Http2::default() };
    let config = Config { head_timeout_ms: 300, http2, ..Config::default() };
    let theatre = theatre(config);
    let mut raw = Raw::connect(theatre.address());
    raw.send(get(1, "/never"));
    raw.wait_for(PING);
    theatre.wait_for("stopped");
}

#[test]
fn bodies_that_nobody_reads_use_up_no_window() {
    let theatre = theatre(Config::default());
    let mut raw = Raw::connect(theatre.address());
    // More than the connection's window in all.
    for number in 0..40 {
        let stream = 1 + 2 * number;
        raw.send(frame(HEADERS, END_HEADERS, stream, fields("/refuse", &[])));
        for _ in 0..4 {
            raw.send(frame(DATA, 0, stream, vec![b'x'; 15_000]));
        }
        assert_eq!(raw.verdict(stream), Verdict::Status(401), "stream {stream}");
    }
    assert!(raw.is_well());
}

#[test]
fn a_body_that_stalls_ends_its_request_and_not_the_connection() {
    let theatre = theatre(Config { body_idle_ms: 200, ..Config::default() });
    let mut raw = Raw::connect(theatre.address());
    raw.send(frame(HEADERS, END_HEADERS, 1, fields("/whole", &[("content-length", "9")])));
    raw.send(frame(DATA, 0, 1, b"half"));
    assert_eq!(raw.verdict(1), Verdict::Status(408));
    assert!(raw.is_well());
}

#[test]
fn what_is_begun_and_not_ended_is_cut_off_in_time() {
    let config = Config { head_timeout_ms: 200, ..Config::default() };
    let theatre = theatre(config);
    let settings = frame(SETTINGS, 0, 0, []);
    let begin = [PREFACE.to_vec(), settings].concat();
    for (name, bytes) in [
        ("a block", [&begin[..], &frame(HEADERS, END_STREAM, 1, fields("/", &[]))].concat()),
        ("a frame's head", [&begin[..], &[0, 0]].concat()),
        ("a frame", [&begin[..], &get(1, "/")[..20]].concat()),
        // A stream that is answered does not keep the block alive.
        ("a block beside a stream", [&begin[..], &get(1, "/never"), &get(3, "/")[..15]].concat()),
    ] {
        let mut raw = Raw::silent(theatre.address());
        raw.send(&bytes);
        assert_eq!(raw.verdict(3), Verdict::Connection(CALM), "{name}");
    }
    for bytes in [&PREFACE[..5], &begin] {
        let mut raw = Raw::silent(theatre.address());
        raw.send(bytes);
        let verdict = raw.verdict(1);
        assert!(
            matches!(verdict, Verdict::Closed | Verdict::Connection(NO_ERROR | CALM)),
            "{verdict:?}"
        );
    }
}

#[test]
fn silent_connections_are_told_to_go_away() {
    let theatre = theatre(Config { idle_ms: 200, ..Config::default() });
    let mut raw = Raw::connect(theatre.address());
    raw.send(get(1, "/"));
    assert_eq!(raw.verdict(1), Verdict::Status(200));
    assert_eq!(raw.verdict(3), Verdict::Connection(NO_ERROR));
}

#[test]
fn the_same_over_tls() {
    let papers = Papers::make();
    let doors = vec![Door::tls(port(), Arc::new(papers.server()))];
    let theatre = Theatre::with_doors(tight(), doors, Aids::default());
    let relay = Relay::open(theatre.address(), papers.client(&["h2"]));
    let mut raw = Raw::connect(relay.address);
    let (verdict, _) = flood(&mut raw, 200, |number| {
        let stream = 1 + 2 * number;
        [get(stream, "/never"), reset(stream)].concat()
    });
    assert!(matches!(verdict, Verdict::Connection(CALM) | Verdict::Closed), "{verdict:?}");
    let mut raw = Raw::connect(relay.address);
    raw.send(get(1, "/"));
    assert_eq!(raw.verdict(1), Verdict::Status(200));
    assert!(theatre.stage.seen.lock().unwrap().iter().all(|seen| seen.secure));
}
