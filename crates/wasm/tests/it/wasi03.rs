//! Components of WASI 0.3: they run where they are allowed and asked for, within the same limits.

use crate::guests03::{guest, hello, only, wrap};
use crate::rig::{Rig, finish, get, post};
use crate::{guests, rig};
use model::Code;
use model::manifest::Wasi;
use ports::executor::{FaultKind, PrepareError};
use std::task::{Context, Poll, Waker};

#[tokio::test]
async fn hello_answers_from_a_fresh_instance_and_its_use_is_measured() {
    let rig = Rig::new_03();
    let digest = rig.prepare(&hello()).await.expect("component");
    for _ in 0..5 {
        let answer = finish(rig.start(digest, get())).await;
        assert_eq!(answer.text(), "hello");
        assert_eq!(answer.head.expect("head").status, 200);
        assert!(answer.usage.cpu_us > 0);
        assert!(answer.usage.memory_peak_bytes >= 128 << 10, "two pages");
        assert_eq!(answer.usage.bytes_out, 5);
    }
}

#[tokio::test]
async fn a_short_answer_needs_no_other_task() {
    let rig = Rig::new_03();
    let digest = rig.prepare(&hello()).await.expect("component");
    let mut running = rig.start(digest, get());
    let mut cx = Context::from_waker(Waker::noop());
    // Nobody wakes it: each step follows from the one before, in the same thread.
    assert!(matches!(running.as_mut().poll_head(&mut cx), Poll::Ready(Ok(_))));
    let mut frames = Vec::new();
    for _ in 0..10 {
        match running.as_mut().poll_frame(&mut cx) {
            Poll::Ready(Some(frame)) => frames.push(frame.expect("a frame")),
            Poll::Ready(None) => break,
            Poll::Pending => {}
        }
    }
    assert_eq!(frames.len(), 1);
    assert_eq!(running.as_mut().poll_done(&mut cx), Poll::Ready(Ok(())));
}

#[tokio::test]
async fn each_version_is_refused_where_it_is_not_asked_for_or_not_allowed() {
    let refused = async |rig: &Rig, component: &bytes::Bytes| match rig.prepare(component).await {
        Err(PrepareError::Refused(problem)) => {
            assert!(problem.hint.is_some() || !problem.code.remedy().is_empty());
            Some(problem.code)
        }
        other => panic!("not refused: {other:?}"),
    };
    let as_02 = Rig::new_03().for_wasi(Wasi::V02);
    assert_eq!(refused(&as_02, &hello()).await, Some(Code::WasiNotAsked));
    let as_03 = Rig::new_03();
    assert_eq!(refused(&as_03, &guests::hello()).await, Some(Code::WasiNotOfComponent));
    let plain = Rig::new();
    assert_eq!(refused(&plain, &hello()).await, Some(Code::WasiNotAllowed));
    let plain = plain.for_wasi(Wasi::V03);
    assert_eq!(refused(&plain, &hello()).await, Some(Code::WasiNotAllowed));
    assert_eq!(refused(&plain, &guests::hello()).await, Some(Code::WasiNotOfComponent));
    for rig in [as_02, as_03, plain] {
        let compiled = rig.dir.path().join("compiled");
        let files = std::fs::read_dir(compiled).expect("directory").flatten();
        let files = files.flat_map(|dir| std::fs::read_dir(dir.path()).expect("directory"));
        assert_eq!(files.count(), 0, "what is refused leaves nothing");
    }
}

#[tokio::test]
async fn imports_that_are_not_offered_are_all_named() {
    let rig = Rig::new_03();
    let greedy = wrap(
        r#"(module
        (import "wasi:filesystem/preopens@0.3.0" "count" (func (result i32)))
        (import "wasi:sockets/ip-name-lookup@0.3.0" "count" (func (result i32)))
        (import "[export]wasi:http/handler@0.3.0" "[task-return]handle"
            (func (param i32 i32 i32 i64 i32 i32 i32 i32)))
        (memory (export "memory") 1)
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
        (func (export "[async-lift]wasi:http/handler@0.3.0#handle")
            (param i32) (result i32) unreachable)
        (func (export "[callback][async-lift]wasi:http/handler@0.3.0#handle")
            (param i32 i32 i32) (result i32) unreachable))"#,
        "greedy",
    );
    let Err(PrepareError::Refused(problem)) = rig.prepare(&greedy).await else { panic!("taken") };
    assert_eq!(problem.code, Code::ImportNotOffered);
    let detail = problem.detail.expect("names");
    for name in ["wasi:filesystem/preopens@0.3.0", "wasi:sockets/ip-name-lookup@0.3.0"] {
        assert!(detail.contains(name), "{detail}");
    }
    assert!(!detail.contains("wasi:http"), "{detail}");
}

#[tokio::test]
async fn both_engines_find_their_code_after_a_restart_and_a_node_that_forbids_03_runs_none() {
    let rig = Rig::new_03();
    let of_03 = rig.prepare(&hello()).await.expect("component");
    let rig = rig.for_wasi(Wasi::V02);
    let of_02 = rig.prepare(&guests::hello()).await.expect("component");
    let next = rig.for_wasi(Wasi::V03).restarted();
    assert!(next.ready(of_03).await);
    assert_eq!(finish(next.start(of_03, get())).await.text(), "hello");
    let next = next.for_wasi(Wasi::V02);
    assert!(next.ready(of_02).await, "the other engine's files were left alone");
    assert_eq!(finish(next.start(of_02, get())).await.text(), "hello");
    let without = next.restarted().for_wasi(Wasi::V03);
    assert!(!without.ready(of_03).await);
    let answer = finish(without.start(of_03, get())).await;
    assert_eq!(answer.kind(), Some(FaultKind::Platform));
}

#[tokio::test]
async fn loops_are_stopped_by_their_cpu_time_wherever_they_turn() {
    let mut rig = Rig::new_03();
    rig.limits.cpu_ms = 30;
    let spins = only("(loop $again (br $again))");
    // 1 is to be called again after everybody else: round and round by the host's event loop.
    let yields = guest("(i32.const 1)", "(i32.const 1)", "");
    let after = guest("(call $answer) (loop $again (br $again)) (i32.const 0)", "unreachable", "");
    for component in [spins, yields, after] {
        let answer = rig.call(component).await;
        assert_eq!(answer.kind(), Some(FaultKind::Cpu));
        assert!(answer.usage.cpu_us >= 30_000);
    }
    assert_eq!(rig.call(hello()).await.text(), "hello");
}

#[tokio::test]
async fn memory_has_its_limit() {
    let mut rig = Rig::new_03();
    rig.limits.memory_bytes = 8 << 20;
    let grows = only(
        "(loop $again
            (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable",
    );
    let answer = rig.call(grows).await;
    assert_eq!(answer.kind(), Some(FaultKind::Memory));
    assert!(answer.usage.memory_peak_bytes <= 8 << 20);
}

#[tokio::test]
async fn floods_of_tasks_streams_futures_and_resources_end_at_a_limit() {
    let rig = Rig::new_03();
    for flood in [
        "(loop $again (drop (call $wait-for (i64.const 3600000000000))) (br $again))",
        "(loop $again (drop (call $stream-new)) (br $again))",
        "(loop $again (drop (call $future-new)) (br $again))",
        "(loop $again (drop (call $set-new)) (br $again))",
        "(loop $again (drop (call $fields)) (br $again))",
        // Replies that are made and never given, each with a future of the host's.
        "(loop $again
            (call $response (call $fields) (i32.const 0) (i32.const 0)
                (call $reading (call $future-new)) (i32.const 16))
            (br $again))",
    ] {
        let answer = rig.call(only(flood)).await;
        assert_eq!(answer.kind(), Some(FaultKind::HostLimit), "{flood}: {:?}", answer.fault());
        assert_eq!(rig.call(hello()).await.text(), "hello");
    }
}

#[tokio::test]
async fn answers_that_are_none_have_their_kinds() {
    let rig = Rig::new_03();
    let none = rig.call(only("")).await;
    assert_eq!(none.kind(), Some(FaultKind::NoResponse));
    let twice = guest("(call $answer) (call $answer) (call $next)", "(call $next)", "");
    assert_eq!(rig.call(twice).await.kind(), Some(FaultKind::Trapped));
    let traps = rig.call(only("unreachable")).await;
    assert_eq!(traps.head.expect_err("no head").kind, FaultKind::Trapped);
    // 36 is `loop-detected`.
    let errs = only(
        "(call $return (i32.const 1) (i32.const 36) (i32.const 0) (i64.const 0) (i32.const 0)
            (i32.const 0) (i32.const 0) (i32.const 0))",
    );
    let answer = rig.call(errs).await;
    assert_eq!(answer.kind(), Some(FaultKind::GuestError));
    assert!(answer.fault().expect("fault").reason.contains("LoopDetected"));
}

#[tokio::test]
async fn a_trap_after_a_part_of_the_body_is_an_error_and_no_end() {
    let rig = Rig::new_03();
    let traps = guest(
        "(call $answer) (call $next)",
        "(if (i32.eq (global.get $step) (i32.const 1)) (then unreachable)) (call $next)",
        "",
    );
    let answer = rig.call(traps).await;
    assert_eq!(answer.kind(), Some(FaultKind::Trapped));
    assert!(answer.head.is_err() || answer.broke.is_some(), "never a whole answer");
}

#[tokio::test]
async fn an_endless_body_ends_at_its_limit_and_waits_for_its_reader() {
    let mut rig = Rig::new_03();
    rig.limits.response_body_bytes = 300_000;
    let writes = "(loop $again
        (br_if $again (i32.ne (i32.const -1)
            (call $stream-write (global.get $body) (i32.const 8192) (i32.const 4096)))))
        (call $wait (global.get $body))";
    let streams = guest(&format!("(call $answer) {writes}"), writes, "");
    let answer = rig.call(streams.clone()).await;
    assert_eq!(answer.kind(), Some(FaultKind::ResponseTooLarge));
    assert!(answer.body.len() <= 300_000);
    // Nobody reads: the guest stops after what the host keeps for it.
    let digest = rig.prepare(&streams).await.expect("component");
    let mut running = rig.start(digest, get());
    std::future::poll_fn(|cx| running.as_mut().poll_head(cx)).await.expect("head");
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..100 {
        assert!(running.as_mut().poll_head(&mut cx).is_pending());
    }
    assert!(running.usage().cpu_us < 1_000_000, "it waits and does not compute");
}

#[tokio::test]
async fn a_request_body_goes_through_without_a_copy_in_the_guest() {
    let rig = Rig::new_03();
    let pipes = guest(
        "(call $consume (local.get $request-in) (call $reading (call $handled-new)) (i32.const 32))
        (call $give (i32.load (i32.const 32)) (i32.load (i32.const 36)))
        (i32.const 0)",
        "(i32.const 0)",
        "",
    );
    let body: Vec<u8> = (0..300_000_u32).map(|n| (n % 251) as u8).collect();
    let answer = rig.call_with(pipes.clone(), post(&body)).await;
    assert_eq!(answer.fault(), None);
    assert!(answer.body == body);
    assert_eq!((answer.usage.bytes_in, answer.usage.bytes_out), (300_000, 300_000));
    let broken = rig::broken(b"first", ports::executor::BodyError::Cut);
    let answer = rig.call_with(pipes, broken).await;
    assert_eq!(answer.kind(), Some(FaultKind::RequestBody(ports::executor::BodyError::Cut)));
}

#[tokio::test]
async fn outgoing_http_is_asked_of_the_host_and_denied() {
    let rig = Rig::new_03();
    let asks = guest(
        "(call $request (call $fields) (i32.const 0) (i32.const 0)
            (call $reading (call $future-new)) (i32.const 0) (i32.const 0) (i32.const 32))
        (drop (call $set-authority (i32.load (i32.const 32)) (i32.const 1) (i32.const 2048)
            (i32.const 11)))
        (drop (call $set-path (i32.load (i32.const 32)) (i32.const 1) (i32.const 2080)
            (i32.const 12)))
        ;; 2 is `returned`: the refusal is there at once.
        (if (i32.ne (i32.const 2) (call $send (i32.load (i32.const 32)) (i32.const 64)))
            (then unreachable))
        (if (i32.ne (i32.load8_u (i32.const 64)) (i32.const 1)) (then unreachable))
        ;; 15 is HTTP-request-denied
        (if (i32.ne (i32.load8_u (i32.const 72)) (i32.const 15)) (then unreachable))
        (call $answer) (call $next)",
        "(call $next)",
        r#"(data (i32.const 2048) "api.example") (data (i32.const 2080) "/v1/x?card=1")"#,
    );
    assert_eq!(rig.call(asks).await.text(), "hello");
    assert_eq!(rig.ears.requests(), ["GET https://api.example/v1/x?card=1"]);
}

#[tokio::test]
async fn instances_of_03_take_no_place_of_02_and_a_drop_frees_them() {
    let rig = Rig::with(|config| {
        config.wasi_03 = true;
        config.instances = 1;
    });
    let of_02 = rig.prepare(&guests::hello()).await.expect("component");
    let rig = rig.for_wasi(Wasi::V03);
    let asleep = rig.prepare(&guest("(call $hour)", "unreachable", "")).await.expect("component");
    let awake = rig.prepare(&hello()).await.expect("component");
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..3 {
        let mut running = rig.start(asleep, get());
        assert!(running.as_mut().poll_head(&mut cx).is_pending());
        let crowded = finish(rig.start(awake, get())).await;
        assert_eq!(crowded.kind(), Some(FaultKind::NoInstance));
        let other = rig.for_wasi(Wasi::V02);
        assert_eq!(finish(other.start(of_02, get())).await.text(), "hello");
        drop(running);
        assert_eq!(finish(rig.start(awake, get())).await.text(), "hello");
    }
}
