//! Guests that answer, rightly and wrongly.

use crate::guests::{guest, hello};
use crate::rig::{Rig, broken, finish, get, post, request};
use http_body_util::BodyExt as _;
use ports::executor::{BodyError, FaultKind};
use std::future::poll_fn;
use std::task::{Context, Poll, Waker};

#[tokio::test]
async fn hello_answers_and_its_use_is_measured() {
    let rig = Rig::new();
    let answer = rig.call(hello()).await;
    assert_eq!(answer.text(), "hello");
    assert_eq!(answer.head.expect("head").status, 200);
    assert!(answer.usage.cpu_us > 0);
    // Two pages of memory, and a small table that `wit-component` adds.
    let table_bytes = answer.usage.memory_peak_bytes.checked_sub(128 << 10).expect("two pages");
    assert!((8..1024).contains(&table_bytes), "{table_bytes}");
    assert_eq!(answer.usage.bytes_out, 5);
    assert_eq!(answer.usage.bytes_in, 0);
}

#[tokio::test]
async fn a_short_answer_is_there_after_one_poll() {
    let rig = Rig::new();
    let digest = rig.prepare(&hello()).await.expect("component");
    let mut running = rig.start(digest, get());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(matches!(running.as_mut().poll_head(&mut cx), Poll::Ready(Ok(_))));
    assert!(matches!(running.as_mut().poll_frame(&mut cx), Poll::Ready(Some(Ok(_)))));
    assert!(matches!(running.as_mut().poll_frame(&mut cx), Poll::Ready(None)));
    assert_eq!(running.as_mut().poll_done(&mut cx), Poll::Ready(Ok(())));
}

const ECHO: &str = r#"
    (local $in i32)
    (call $consume (local.get $request-in) (i32.const 0))
    (call $in-stream (i32.load (i32.const 4)) (i32.const 0))
    (local.set $in (i32.load (i32.const 4)))
    (call $head (local.get $out) (i32.const 200))
    (loop $again
        (call $read (local.get $in) (i64.const 4096) (i32.const 0))
        (if (i32.eqz (i32.load8_u (i32.const 0))) (then
            (call $write (i32.load (i32.const 4)) (i32.load (i32.const 8)))
            (br $again))))
    (call $done)"#;

#[tokio::test]
async fn echo_gives_back_a_long_body_and_counts_it() {
    let rig = Rig::new();
    let body: Vec<u8> = (0..300_000_u32).map(|n| (n % 251) as u8).collect();
    let answer = rig.call_with(guest(ECHO, ""), post(&body)).await;
    assert_eq!(answer.fault(), None);
    assert!(answer.body == body);
    assert_eq!(answer.usage.bytes_in, 300_000);
    assert_eq!(answer.usage.bytes_out, 300_000);
}

#[tokio::test]
async fn a_broken_request_body_ends_the_invocation() {
    let rig = Rig::new();
    for error in [BodyError::Slow, BodyError::TooLarge, BodyError::Cut] {
        let answer = rig.call_with(guest(ECHO, ""), broken(b"first", error)).await;
        assert_eq!(answer.kind(), Some(FaultKind::RequestBody(error)));
    }
}

#[tokio::test]
async fn no_answer_is_reported_and_exit_is_an_end() {
    let rig = Rig::new();
    assert_eq!(rig.call(guest("", "")).await.kind(), Some(FaultKind::NoResponse));
    let exits = guest("(call $exit (i32.const 1))", "");
    assert_eq!(rig.call(exits).await.kind(), Some(FaultKind::NoResponse));
    let after = guest("(call $hello (local.get $out)) (call $exit (i32.const 0))", "");
    assert_eq!(rig.call(after).await.text(), "hello");
}

#[tokio::test]
async fn answering_twice_is_a_trap_and_the_finished_answer_stands() {
    let rig = Rig::new();
    let twice = guest("(call $hello (local.get $out)) (call $hello (local.get $out))", "");
    let answer = rig.call(twice).await;
    assert_eq!(answer.body, b"hello");
    assert!(answer.head.is_ok() && answer.broke.is_none());
    assert_eq!(answer.done.expect_err("trapped").kind, FaultKind::Trapped);
}

#[tokio::test]
async fn an_error_code_is_a_guest_error() {
    let rig = Rig::new();
    // Error code 36 is `loop-detected`.
    let errs = r#"(call $set (local.get $out) (i32.const 1) (i32.const 36) (i32.const 0)
        (i64.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))"#;
    let answer = rig.call(guest(errs, "")).await;
    assert_eq!(answer.kind(), Some(FaultKind::GuestError));
    assert!(answer.fault().expect("fault").reason.contains("LoopDetected"));
}

#[tokio::test]
async fn a_body_that_is_not_finished_is_an_error_before_anything_is_sent() {
    let rig = Rig::new();
    let start = "(call $head (local.get $out) (i32.const 200))
        (call $write (i32.const 1024) (i32.const 5))";
    let leaks = guest(start, "");
    let drops = guest(
        &format!(
            "{start} (call $drop-out (global.get $stream)) (call $drop-body (global.get $body))"
        ),
        "",
    );
    for component in [leaks, drops] {
        let answer = rig.call(component).await;
        assert_eq!(answer.head.expect_err("no head").kind, FaultKind::BadResponse);
    }
    let traps = rig.call(guest(&format!("{start} unreachable"), "")).await;
    assert_eq!(traps.head.expect_err("no head").kind, FaultKind::Trapped);
}

#[tokio::test]
async fn content_length_must_be_kept() {
    let rig = Rig::new();
    let with = |length: &str, rest: &str| {
        guest(
            &format!(
                "(call $field (i32.const 2048) (i32.const 14) (i32.const 2080) (i32.const 1))
                (call $head (local.get $out) (i32.const 200)) {rest}"
            ),
            &format!(
                r#"(data (i32.const 2048) "content-length") (data (i32.const 2080) "{length}")"#
            ),
        )
    };
    let write = "(call $write (i32.const 1024) (i32.const 5)) (call $done)";
    assert_eq!(rig.call(with("5", write)).await.text(), "hello");
    for length in ["3", "6"] {
        let answer = rig.call(with(length, write)).await;
        assert_eq!(answer.kind(), Some(FaultKind::BadResponse), "{length}");
    }
    let to_head = rig.call_with(with("9", "(call $drop-out (global.get $stream))"), {
        request("HEAD", http_body_util::Empty::new().map_err(|never| match never {}).boxed_unsync())
    });
    // The guest promised nine bytes and gave up: even for HEAD that is not finished.
    assert_eq!(to_head.await.kind(), Some(FaultKind::BadResponse));
}

#[tokio::test]
async fn forbidden_and_split_header_fields_do_not_pass() {
    let rig = Rig::new();
    let with = |name: &str, value: &str, length: usize| {
        guest(
            &format!(
                "(call $field (i32.const 2048) (i32.const {}) (i32.const 3072) (i32.const {length}))
                (call $hello (local.get $out))",
                name.len(),
            ),
            &format!(r#"(data (i32.const 2048) "{name}") (data (i32.const 3072) "{value}")"#),
        )
    };
    for name in ["connection", "transfer-encoding", "casemate-invocation", "Proxy-Status", "te"] {
        let answer = rig.call(with(name, "x", 1)).await;
        assert_eq!(answer.kind(), Some(FaultKind::BadResponse), "{name}");
        assert!(answer.fault().expect("fault").reason.contains(&name.to_lowercase()));
    }
    // The guest ignores that the field was refused; its answer goes without it.
    for (value, length) in [(r"a\r\nset-cookie: b", 16), (r"a\nb", 3), (r"a\00b", 3)] {
        let answer = rig.call(with("x-split", value, length)).await;
        assert_eq!(answer.text(), "hello");
        assert!(answer.head.expect("head").headers.is_empty());
    }
    let kept = rig.call(with("x-good", "yes", 3)).await;
    assert_eq!(kept.head.expect("head").headers["x-good"], "yes");
}

#[tokio::test]
async fn informational_status_is_refused() {
    let rig = Rig::new();
    let early = guest("(call $head (local.get $out) (i32.const 103)) (call $done)", "");
    assert_eq!(rig.call(early).await.kind(), Some(FaultKind::BadResponse));
}

#[tokio::test]
async fn outgoing_http_is_asked_of_the_host_and_denied() {
    let rig = Rig::new();
    let asks = guest(
        r#"(local $req i32) (local $future i32)
        (local.set $req (call $request (call $fields)))
        (drop (call $set-authority (local.get $req) (i32.const 1) (i32.const 2048) (i32.const 11)))
        (drop (call $set-path (local.get $req) (i32.const 1) (i32.const 2080) (i32.const 12)))
        (call $send (local.get $req) (i32.const 0) (i32.const 0) (i32.const 0))
        (if (i32.load8_u (i32.const 0)) (then unreachable))
        (local.set $future (i32.load (i32.const 8)))
        (call $block (call $subscribe (local.get $future)))
        (call $get (local.get $future) (i32.const 0))
        (if (i32.ne (i32.load8_u (i32.const 16)) (i32.const 1)) (then unreachable))
        ;; 15 is HTTP-request-denied
        (if (i32.ne (i32.load8_u (i32.const 24)) (i32.const 15)) (then unreachable))
        (call $hello (local.get $out))"#,
        r#"(data (i32.const 2048) "api.example") (data (i32.const 2080) "/v1/x?card=1")"#,
    );
    assert_eq!(rig.call(asks).await.text(), "hello");
    assert_eq!(rig.ears.requests(), ["GET https://api.example/v1/x?card=1"]);
}

#[tokio::test]
async fn a_guest_sees_no_variables_of_the_host() {
    let rig = Rig::new();
    let looks = guest(
        "(call $environment (i32.const 0))
        (if (i32.load (i32.const 4)) (then unreachable))
        (call $hello (local.get $out))",
        "",
    );
    assert_eq!(rig.call(looks).await.text(), "hello");
}

#[tokio::test]
async fn every_invocation_starts_from_the_same_state() {
    let rig = Rig::new();
    let counts = guest(
        r#"(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
        (i32.store8 (i32.const 4096) (i32.add (i32.load8_u (i32.const 4096)) (i32.const 1)))
        (i32.store8 (i32.const 4097) (i32.add (global.get $calls) (i32.const 48)))
        (i32.store8 (i32.const 120000) (i32.add (i32.load8_u (i32.const 120000)) (i32.const 1)))
        (if (i32.ne (i32.load8_u (i32.const 120000)) (i32.const 1)) (then unreachable))
        (call $head (local.get $out) (i32.const 200))
        (call $write (i32.const 4096) (i32.const 2))
        (call $done)"#,
        r#"(global $calls (mut i32) (i32.const 0)) (data (i32.const 4096) "0")"#,
    );
    for _ in 0..20 {
        assert_eq!(rig.call(counts.clone()).await.text(), "11");
    }
}

#[tokio::test]
async fn dropping_an_invocation_frees_its_instance_and_keeps_its_last_line() {
    let rig = Rig::with(|config| config.instances = 1);
    let sleeps = guest(
        "(call $say (call $stdout) (i32.const 1024) (i32.const 5))
        (call $head (local.get $out) (i32.const 200))
        (call $block (call $timer (i64.const 3600000000000)))
        (call $done)",
        "",
    );
    let asleep = rig.prepare(&sleeps).await.expect("component");
    let awake = rig.prepare(&hello()).await.expect("component");
    for _ in 0..3 {
        let mut running = rig.start(asleep, get());
        poll_fn(|cx| running.as_mut().poll_head(cx)).await.expect("head");
        let crowded = finish(rig.start(awake, get())).await;
        assert_eq!(crowded.kind(), Some(FaultKind::NoInstance));
        drop(running);
        assert_eq!(finish(rig.start(awake, get())).await.text(), "hello");
    }
    assert_eq!(rig.lines(), ["info: hello"; 3]);
}
