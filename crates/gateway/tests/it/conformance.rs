//! RFC 9113 section by section, with frames made by hand. The cases follow those of h2spec.

use crate::raw::*;
use crate::stage::{Theatre, port};
use Verdict::{Connection, Fine, Status, Stream};
use casemate_gateway::{Aids, Config, Door, Http2};

fn theatre() -> Theatre {
    let http2 = Http2 { streams: 10, ..Http2::default() };
    let config = Config { http2, ..Config::default() };
    Theatre::with_doors(config, vec![Door::plain(port()).with_h2c()], Aids::default())
}

/// A case: its name, what is sent after preface and settings, and what must become of stream 1
/// (or of the stream that is said).
struct Case(&'static str, Vec<u8>, Verdict);

fn check(cases: Vec<Case>) {
    let theatre = theatre();
    for Case(name, bytes, expect) in cases {
        let mut raw = Raw::connect(theatre.address());
        let _ = raw.try_send(&bytes);
        let stream = u32::from(!matches!(expect, Fine));
        if expect == Fine {
            assert!(raw.is_well(), "{name}");
            continue;
        }
        let verdict = raw.verdict(stream);
        assert_eq!(verdict, expect, "{name}");
        if matches!(expect, Status(_) | Stream(_)) {
            // A fault of a stream is not one of its connection.
            assert!(raw.is_well(), "{name}");
            raw.send(get(101, "/"));
            assert_eq!(raw.verdict(101), Status(200), "{name}");
        }
    }
    theatre.stage.seen.lock().unwrap().clear();
}

fn open(path: &str, more: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, 1, fields(path, more))
}

fn whole(list: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | END_STREAM, 1, block(list))
}

fn setting(id: u16, value: u32) -> Vec<u8> {
    frame(SETTINGS, 0, 0, [&id.to_be_bytes()[..], &value.to_be_bytes()].concat())
}

fn update(stream: u32, by: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, by.to_be_bytes())
}

#[test]
fn section_3_4_the_preface() {
    let theatre = theatre();
    let mut raw = Raw::connect(theatre.address());
    let first = raw.next().unwrap();
    assert_eq!((first.kind, first.flags & ACK, first.stream), (SETTINGS, 0, 0));
    assert!(raw.is_well());
    for (name, bytes) in [
        ("no settings", get(1, "/")),
        ("an acknowledgement first", frame(SETTINGS, ACK, 0, [])),
        ("a ping first", frame(PING, 0, 0, [0; 8])),
    ] {
        let mut raw = Raw::silent(theatre.address());
        raw.send([PREFACE.to_vec(), bytes].concat());
        assert_eq!(raw.verdict(1), Connection(PROTOCOL), "{name}");
    }
    let mut raw = Raw::silent(theatre.address());
    raw.send(b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n");
    assert_eq!(raw.verdict(1), Connection(PROTOCOL));
}

#[test]
fn section_4_frames_and_their_sizes() {
    let large = vec![0; 16_385];
    check(vec![
        Case("an unknown frame is ignored", frame(0x16, 0, 0, [0; 8]), Fine),
        Case("unknown flags are ignored", frame(PING, 0xfe, 0, [0; 8]), Fine),
        Case(
            "the reserved bit is ignored",
            frame(HEADERS, END_HEADERS | END_STREAM, 1 | 1 << 31, fields("/", &[])),
            Status(200),
        ),
        Case(
            "the largest frame is taken",
            [open("/whole", &[]), frame(DATA, END_STREAM, 1, vec![0; 16_384])].concat(),
            Status(200),
        ),
        Case(
            "a larger one is not",
            [open("/whole", &[]), frame(DATA, END_STREAM, 1, &large)].concat(),
            Connection(FRAME_SIZE),
        ),
        Case(
            "nor with headers",
            frame(HEADERS, END_HEADERS | END_STREAM, 1, &large),
            Connection(FRAME_SIZE),
        ),
        Case(
            "a block that cannot be decoded",
            frame(HEADERS, END_HEADERS | END_STREAM, 1, [0x7f, 0xff, 0xff, 0xff, 0xff, 0xff]),
            Connection(COMPRESSION),
        ),
        Case(
            "an index beyond the table",
            frame(HEADERS, END_HEADERS | END_STREAM, 1, [0xff, 0x7f]),
            Connection(COMPRESSION),
        ),
        Case(
            "a table larger than was agreed",
            frame(HEADERS, END_HEADERS | END_STREAM, 1, [0x3f, 0xe2, 0xff, 0x7f]),
            Connection(COMPRESSION),
        ),
        Case(
            "another frame within a block",
            [frame(HEADERS, END_STREAM, 1, fields("/", &[])), frame(PING, 0, 0, [0; 8])].concat(),
            Connection(PROTOCOL),
        ),
        Case(
            "another stream's block within a block",
            [frame(HEADERS, END_STREAM, 1, fields("/", &[])), get(3, "/")].concat(),
            Connection(PROTOCOL),
        ),
    ]);
}

#[test]
fn section_5_1_states_and_numbers_of_streams() {
    check(vec![
        Case("DATA to an idle stream", frame(DATA, END_STREAM, 1, b"x"), Connection(PROTOCOL)),
        Case("a reset of an idle stream", reset(1), Connection(PROTOCOL)),
        Case("a window for an idle stream", update(1, 1), Connection(PROTOCOL)),
        Case(
            "a continuation of nothing",
            frame(CONTINUATION, END_HEADERS, 1, fields("/", &[])),
            Connection(PROTOCOL),
        ),
        // A fault of the stream, STREAM_CLOSED, would do; h2 ends the connection.
        Case(
            "DATA after the stream was closed by its client",
            [get(1, "/never"), frame(DATA, END_STREAM, 1, b"x")].concat(),
            Connection(PROTOCOL),
        ),
        Case(
            "headers after the stream was closed by its client",
            [get(1, "/never"), get(1, "/")].concat(),
            Connection(PROTOCOL),
        ),
        Case("an even number", get(2, "/"), Connection(PROTOCOL)),
        Case("a number that goes back", [get(5, "/"), get(3, "/")].concat(), Connection(PROTOCOL)),
        Case("stream 0 has no headers", get(0, "/"), Connection(PROTOCOL)),
        Case("stream 0 has no data", frame(DATA, 0, 0, b"x"), Connection(PROTOCOL)),
        Case("a priority for an idle stream is fine", frame(PRIORITY, 0, 7, [0, 0, 0, 0, 9]), Fine),
    ]);
    let theatre = theatre();
    let mut raw = Raw::connect(theatre.address());
    for number in 0..11 {
        raw.send(get(1 + 2 * number, "/never"));
    }
    assert_eq!(raw.verdict(21), Stream(REFUSED), "more streams than were allowed");
    assert!(raw.is_well());
}

#[test]
fn section_6_what_frames_may_not_be() {
    let padded = |length: u8| [&[length][..], b"x"].concat();
    check(vec![
        Case(
            "DATA with more padding than frame",
            [open("/whole", &[]), frame(DATA, PADDED | END_STREAM, 1, padded(9))].concat(),
            Connection(PROTOCOL),
        ),
        Case(
            "headers with more padding than frame",
            frame(HEADERS, PADDED | END_HEADERS | END_STREAM, 1, padded(9)),
            Connection(PROTOCOL),
        ),
        Case("a priority of stream 0", frame(PRIORITY, 0, 0, [0; 5]), Connection(PROTOCOL)),
        Case("a reset of stream 0", reset(0), Connection(PROTOCOL)),
        Case("settings of a stream", frame(SETTINGS, 0, 1, []), Connection(PROTOCOL)),
        Case("a ping of a stream", frame(PING, 0, 1, [0; 8]), Connection(PROTOCOL)),
        Case("a goodbye of a stream", frame(GOAWAY, 0, 1, [0; 8]), Connection(PROTOCOL)),
        Case(
            "a promise of a client",
            [
                open("/never", &[]),
                frame(
                    PUSH_PROMISE,
                    END_HEADERS,
                    1,
                    [&[0, 0, 0, 2][..], &fields("/", &[])].concat(),
                ),
            ]
            .concat(),
            Connection(PROTOCOL),
        ),
        Case("settings on an unknown subject", setting(0xff, 1), Fine),
        Case("a push setting that is no bit", setting(2, 2), Connection(PROTOCOL)),
        Case("frames that are too small", setting(5, 16_383), Connection(PROTOCOL)),
        Case("frames that are too large", setting(5, 16_777_216), Connection(PROTOCOL)),
        Case("a window of nothing for the connection", update(0, 0), Connection(PROTOCOL)),
        Case(
            "a window of the connection beyond the limit",
            [update(0, 0x7fff_ffff), update(0, 0x7fff_ffff)].concat(),
            Connection(FLOW_CONTROL),
        ),
        Case(
            "a window of a stream beyond the limit",
            [open("/never", &[]), update(1, 0x7fff_ffff), update(1, 0x7fff_ffff)].concat(),
            Stream(FLOW_CONTROL),
        ),
        Case("a goodbye of a client is no fault", frame(PING, ACK, 0, [0; 8]), Fine),
    ]);
}

/// RFC 9113 has FRAME_SIZE_ERROR for these; h2 says PROTOCOL_ERROR. The connection ends.
#[test]
fn section_6_frames_of_a_fixed_size() {
    check(vec![
        Case(
            "a reset of 3 bytes",
            [get(1, "/never"), frame(RST_STREAM, 0, 1, [0; 3])].concat(),
            Connection(PROTOCOL),
        ),
        Case(
            "a priority of 4 bytes",
            [get(1, "/never"), frame(PRIORITY, 0, 1, [0; 4])].concat(),
            Connection(PROTOCOL),
        ),
        Case("settings of 5 bytes", frame(SETTINGS, 0, 0, [0; 5]), Connection(PROTOCOL)),
        Case(
            "an acknowledgement with content",
            frame(SETTINGS, ACK, 0, [0; 6]),
            Connection(PROTOCOL),
        ),
        Case("a ping of 7 bytes", frame(PING, 0, 0, [0; 7]), Connection(PROTOCOL)),
        Case("a window of 3 bytes", frame(WINDOW_UPDATE, 0, 0, [0; 3]), Connection(PROTOCOL)),
        // FLOW_CONTROL_ERROR there.
        Case("an initial window beyond the limit", setting(4, 0x8000_0000), Connection(PROTOCOL)),
    ]);
}

#[test]
fn section_6_9_windows_hold_back_what_is_sent() {
    let theatre = theatre();
    let mut raw = Raw::silent(theatre.address());
    raw.send([PREFACE.to_vec(), setting(4, 1), get(1, "/")].concat());
    assert_eq!(raw.verdict(1), Status(200));
    assert_eq!(raw.wait_for(DATA).payload, b"h");
    // A window may become negative, and then has to be filled up first.
    raw.send([setting(4, 0), update(1, 3)].concat());
    assert_eq!(raw.wait_for(DATA).payload, b"el");
    raw.send(update(1, 100));
    let last = raw.wait_for(DATA);
    assert_eq!((&last.payload[..], last.flags), (&b"lo"[..], END_STREAM));
}

#[test]
fn section_6_7_pings_come_back_as_they_were() {
    let theatre = theatre();
    let mut raw = Raw::connect(theatre.address());
    raw.send(frame(PING, 0, 0, *b"01234567"));
    let pong = raw.wait_for(PING);
    assert_eq!((pong.flags, &pong.payload[..]), (ACK, &b"01234567"[..]));
}

#[test]
fn section_8_requests_that_are_none() {
    let method = (":method", "GET");
    let scheme = (":scheme", "https");
    let path = (":path", "/");
    let authority = (":authority", "a");
    let all = [method, scheme, path, authority];
    let with = |field| [&all[..], &[field]].concat();
    let malformed = Stream(PROTOCOL);
    check(vec![
        Case("a whole request", whole(&all), Status(200)),
        // A name in upper case is a fault of the connection to h2; the RFC asks for less.
        Case("a name in upper case", whole(&with(("X-A", "1"))), Connection(PROTOCOL)),
        Case("an unknown pseudo-header", whole(&with((":x", "1"))), Connection(PROTOCOL)),
        Case("a pseudo-header of answers", whole(&with((":status", "200"))), malformed),
        Case(
            "one after the fields",
            whole(&[method, scheme, authority, ("x", "1"), path]),
            malformed,
        ),
        Case("no method", whole(&[scheme, path, authority]), malformed),
        Case("no scheme", whole(&[method, path, authority]), malformed),
        Case("no path", whole(&[method, scheme, authority]), malformed),
        Case("an empty path", whole(&[method, scheme, (":path", ""), authority]), malformed),
        Case("two methods", whole(&with(method)), malformed),
        Case("two schemes", whole(&with(scheme)), malformed),
        Case("two paths", whole(&with(path)), malformed),
        Case("two authorities", whole(&with(authority)), malformed),
        Case("connection", whole(&with(("connection", "close"))), malformed),
        Case("keep-alive", whole(&with(("keep-alive", "1"))), malformed),
        Case("proxy-connection", whole(&with(("proxy-connection", "x"))), malformed),
        Case("upgrade", whole(&with(("upgrade", "h2c"))), malformed),
        Case("transfer-encoding", whole(&with(("transfer-encoding", "chunked"))), malformed),
        Case("te of more than trailers", whole(&with(("te", "gzip"))), malformed),
        Case("te of trailers", whole(&with(("te", "trailers"))), Status(200)),
        Case("a length without a body", whole(&with(("content-length", "1"))), malformed),
        Case(
            "a body longer than it says",
            [open("/whole", &[("content-length", "1")]), frame(DATA, END_STREAM, 1, b"xy")]
                .concat(),
            malformed,
        ),
        Case(
            "a body shorter than it says",
            [open("/whole", &[("content-length", "9")]), frame(DATA, END_STREAM, 1, b"xy")]
                .concat(),
            malformed,
        ),
        Case(
            "trailers that are not the end",
            [open("/whole", &[]), frame(HEADERS, END_HEADERS, 1, block(&[("x", "1")]))].concat(),
            malformed,
        ),
        // h2 overlooks and drops it; nothing of it reaches a function.
        Case(
            "a pseudo-header in trailers",
            [open("/whole", &[]), frame(HEADERS, END_HEADERS | END_STREAM, 1, block(&[path]))]
                .concat(),
            Status(200),
        ),
    ]);
}
