//! Ordinary logs: nothing in them is sensitive, and much of it looks as if it were.

use crate::random::Random;
use std::fmt::Write as _;

/// When a line was written, in the ways that lines say it.
struct When {
    time: String,
    clock: String,
    epoch: u64,
    millis: u64,
}

/// Adds one line.
pub(crate) fn line(random: &mut Random, out: &mut String) {
    let (day, hour) = (random.within(1, 28), random.below(24));
    let (minute, second) = (random.below(60), random.below(60));
    let millis = random.below(1000);
    let when = When {
        time: format!("2026-11-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z"),
        clock: format!("{day:02}/Nov/2026:{hour:02}:{minute:02}:{second:02}"),
        epoch: 1_790_000_000 + random.below(9_999_999),
        millis,
    };
    let n = random.below(100_000);
    match random.below(12) {
        kind @ 0..6 => served(kind, &when, n, random, out),
        kind => worked(kind, &when, n, random, out),
    }
}

/// What servers write.
fn served(kind: u64, when: &When, n: u64, random: &mut Random, out: &mut String) {
    let When { time, clock, epoch, millis } = when;
    let _infallible = match kind {
        0 => writeln!(
            out,
            r#"{{"ts":{epoch}{millis:03},"level":"info","status":200,"bytes":{n},"path":"/api/v1/items/{}","request_id":"{}","duration_ms":{}.{}}}"#,
            random.below(1 << 40),
            random.uuid(),
            random.below(900),
            random.digits(6)
        ),
        1 => writeln!(
            out,
            "{time} INFO casemate::engine::invoke: done id={} in {}us queue={} heap={}",
            random.uuid(),
            random.below(99_999),
            random.below(64),
            random.below(1 << 34)
        ),
        2 => {
            let (name, length) = (random.pick(NEUTRAL), random.within(6, 19));
            let number = random.digits(usize::try_from(length).expect("small"));
            let quote = random.pick(&["", "\""]);
            let number = number.trim_start_matches('0');
            writeln!(out, r#"{{"ts":"{time}","{name}":{quote}{number}{quote},"ok":true}}"#)
        }
        3 => {
            let name =
                random.pick(&["order_id", "trace_id", "txn", "sequence", "invoice", "session"]);
            let length = random.within(9, 19);
            let number = random.digits(usize::try_from(length).expect("small"));
            writeln!(out, r#"{{"time":{epoch},"{name}":"{number}","items":{}}}"#, random.below(9))
        }
        4 => writeln!(
            out,
            "{time} DEBUG pushed {} sha256:{} ({} bytes) etag=\"{}\"",
            random.hex(12),
            random.hex(64),
            n,
            random.hex(32)
        ),
        _ => writeln!(
            out,
            "{} - - [{clock} +0000] \"GET /static/app.{}.js?v={epoch} HTTP/1.1\" 200 {n} \"-\" \"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.{}.{} Safari/537.36\"",
            random.pick(&["-", "localhost", "127.0.0.1"]),
            random.hex(8),
            random.below(9999),
            random.below(200)
        ),
    };
}

/// What programs write at work.
fn worked(kind: u64, when: &When, n: u64, random: &mut Random, out: &mut String) {
    let When { time, epoch, .. } = when;
    let _infallible = match kind {
        6 => writeln!(
            out,
            "{time} TRACE value=0.{} ratio={}.{} t={epoch}.{} ns={epoch}{}",
            random.digits(16),
            random.below(100),
            random.digits(15),
            random.digits(6),
            random.digits(9)
        ),
        7 => writeln!(
            out,
            "thread 'main' panicked at src/{}.rs:{}:{}: index out of bounds: std::vec::Vec<u8>::len java.lang.Object@{} at com.shop.Cart.total(Cart.java:{})",
            random.pick(&["main", "engine", "http"]),
            random.below(999),
            random.below(80),
            random.hex(8),
            random.below(999)
        ),
        8 => writeln!(
            out,
            "{time} WARN retry {} of 5 after {}ms, offset {} lag {} partition {} [{} {} {}]",
            random.below(5),
            n,
            random.below(1 << 50),
            random.below(9999),
            random.below(64),
            random.below(999),
            random.below(999),
            random.below(9999)
        ),
        9 => writeln!(out, "{time} INFO blob {} {}", random.alnum(22), random.alnum(86)),
        10 => writeln!(
            out,
            r#"{{"ts":{epoch},"build":"10.0.{}.{}","version":"{}.{}.{}","token_count":{n},"password_reset":false,"mac":"{}:{}:{}:00:1a:2b","card_count":{}}}"#,
            random.below(99_999),
            random.below(999),
            random.below(20),
            random.below(20),
            random.below(20),
            random.hex(2),
            random.hex(2),
            random.hex(2),
            random.below(20)
        ),
        _ => writeln!(
            out,
            "{time} INFO {} rows in {} batches, {}-{}-{} {}/{} checksum {} account {} tz +02:00",
            n,
            random.below(500),
            random.digits(3),
            random.digits(3),
            random.digits(4),
            n,
            random.below(999),
            random.below(1 << 32),
            random.digits(10)
        ),
    };
}

/// Names that say nothing.
const NEUTRAL: &[&str] =
    &["value", "n", "x", "data", "balance", "position", "code", "field", "item", "attr", "label"];
