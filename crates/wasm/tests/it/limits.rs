//! Guests that want too much. Each is stopped, named, and leaves the node as it was.

use crate::guests::{guest, hello, looper};
use crate::rig::{Rig, finish, get};
use ports::executor::FaultKind;

#[tokio::test]
async fn a_looper_is_stopped_by_its_cpu_time() {
    let mut rig = Rig::new();
    rig.limits.cpu_ms = 30;
    let answer = rig.call(looper()).await;
    assert_eq!(answer.kind(), Some(FaultKind::Cpu));
    assert!(answer.usage.cpu_us >= 30_000);
    assert_eq!(rig.call(hello()).await.text(), "hello");
}

#[tokio::test]
async fn sleeping_costs_no_cpu_time() {
    let mut rig = Rig::new();
    rig.limits.cpu_ms = 20;
    let sleeps = guest(
        "(call $block (call $timer (i64.const 60000000))) (call $hello (local.get $out))",
        "",
    );
    assert_eq!(rig.call(sleeps).await.text(), "hello");
}

const GROWS: &str = "(loop $again
    (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))";

#[tokio::test]
async fn memory_is_refused_at_its_limit_and_an_abort_after_that_is_named_memory() {
    let mut rig = Rig::new();
    rig.limits.memory_bytes = 8 << 20;
    let aborts = rig.call(guest(&format!("{GROWS} unreachable"), "")).await;
    assert_eq!(aborts.kind(), Some(FaultKind::Memory));
    assert!(aborts.usage.memory_peak_bytes > 6 << 20);
    assert!(aborts.usage.memory_peak_bytes <= 8 << 20);
    let silent = rig.call(guest(GROWS, "")).await;
    assert_eq!(silent.kind(), Some(FaultKind::Memory));
    let copes = rig.call(guest(&format!("{GROWS} (call $hello (local.get $out))"), "")).await;
    assert_eq!(copes.text(), "hello");
}

#[tokio::test]
async fn tables_and_first_memories_count_too() {
    let mut rig = Rig::new();
    rig.limits.memory_bytes = 256 << 10;
    let table = guest(
        "(if (i32.eq (table.grow $t (ref.null func) (i32.const 40000)) (i32.const -1))
            (then unreachable))
        (call $hello (local.get $out))",
        "(table $t 0 funcref)",
    );
    assert_eq!(rig.call(table.clone()).await.kind(), Some(FaultKind::Memory));
    rig.limits.memory_bytes = 1 << 20;
    assert_eq!(rig.call(table).await.text(), "hello");
    rig.limits.memory_bytes = 64 << 10;
    assert_eq!(rig.call(hello()).await.kind(), Some(FaultKind::Memory));
}

#[tokio::test]
async fn recursion_and_traps_are_trapped_with_a_reason() {
    let rig = Rig::new();
    let deep = rig.call(guest("(call $deep)", "(func $deep (call $deep))")).await;
    assert_eq!(deep.kind(), Some(FaultKind::Trapped));
    assert!(deep.fault().expect("fault").reason.contains("call stack exhausted"));
    let traps = rig.call(guest("(call $inner)", "(func $inner unreachable)")).await;
    assert_eq!(traps.kind(), Some(FaultKind::Trapped));
    let reason = &traps.fault().expect("fault").reason;
    assert!(reason.contains("unreachable") && reason.contains("inner"), "{reason}");
    assert!(reason.len() <= 2048);
}

/// Adds `count` fields, or fields without end.
fn fields(count: &str, value_bytes: usize) -> bytes::Bytes {
    guest(
        &format!(
            "(local $n i32)
            (loop $again
                (call $field (i32.const 2048) (i32.const 3) (i32.const 4096)
                    (i32.const {value_bytes}))
                (local.set $n (i32.add (local.get $n) (i32.const 1)))
                (br_if $again {count}))
            (call $hello (local.get $out))"
        ),
        &format!(
            r#"(data (i32.const 2048) "x-a") (data (i32.const 4096) "{}")"#,
            "v".repeat(value_bytes)
        ),
    )
}

#[tokio::test]
async fn too_many_or_too_large_fields_are_a_bad_answer_and_endless_ones_a_host_limit() {
    let rig = Rig::new();
    let up_to = |n| format!("(i32.lt_u (local.get $n) (i32.const {n}))");
    assert_eq!(rig.call(fields(&up_to(100), 1)).await.text(), "hello");
    assert_eq!(rig.call(fields(&up_to(101), 1)).await.kind(), Some(FaultKind::BadResponse));
    assert_eq!(rig.call(fields(&up_to(33), 1024)).await.kind(), Some(FaultKind::BadResponse));
    assert_eq!(rig.call(fields("(i32.const 1)", 64)).await.kind(), Some(FaultKind::HostLimit));
}

const STREAMS: &str = "(call $head (local.get $out) (i32.const 200))
    (loop $again (call $write (i32.const 4096) (i32.const 4096)) (br $again))";

#[tokio::test]
async fn an_endless_body_ends_at_its_limit() {
    let mut rig = Rig::new();
    rig.limits.response_body_bytes = 300_000;
    let answer = rig.call(guest(STREAMS, "")).await;
    assert!(answer.head.is_ok());
    assert_eq!(answer.kind(), Some(FaultKind::ResponseTooLarge));
    assert!(answer.body.len() <= 300_000);
}

#[tokio::test]
async fn a_body_that_announces_too_much_is_refused_at_once() {
    let mut rig = Rig::new();
    rig.limits.response_body_bytes = 1000;
    let announces = guest(
        "(call $field (i32.const 2048) (i32.const 14) (i32.const 2080) (i32.const 4))
        (call $head (local.get $out) (i32.const 200))
        (call $block (call $timer (i64.const 3600000000000)))",
        r#"(data (i32.const 2048) "content-length") (data (i32.const 2080) "1001")"#,
    );
    let answer = rig.call(announces).await;
    assert_eq!(answer.head.expect_err("no head").kind, FaultKind::ResponseTooLarge);
}

#[tokio::test]
async fn handles_calls_and_random_bytes_have_limits() {
    let rig = Rig::new();
    for greedy in [
        "(loop $again (drop (call $fields)) (br $again))",
        "(loop $again (drop (call $timer (i64.const 1))) (br $again))",
        "(drop (memory.grow (i32.const 64)))
        (call $field (i32.const 0) (i32.const 2000000) (i32.const 0) (i32.const 0))",
        "(call $random (i64.const 70000) (i32.const 0))",
    ] {
        let answer = rig.call(guest(greedy, "")).await;
        assert_eq!(answer.kind(), Some(FaultKind::HostLimit), "{greedy}: {:?}", answer.fault());
    }
}

#[tokio::test]
async fn output_becomes_lines_even_if_the_guest_traps() {
    let rig = Rig::new();
    let talks = guest(
        "(call $say (call $stdout) (i32.const 2048) (i32.const 8))
        (call $say (call $stderr) (i32.const 2052) (i32.const 4))
        (call $say (call $stdout) (i32.const 2056) (i32.const 4))
        unreachable",
        r#"(data (i32.const 2048) "one\ntwo\nend")"#,
    );
    assert_eq!(rig.call(talks).await.kind(), Some(FaultKind::Trapped));
    assert_eq!(rig.lines(), ["info: one", "info: two", "error: two", "info: end\0"]);
}

#[tokio::test]
async fn a_flood_of_output_is_cut_into_bounded_lines() {
    let rig = Rig::new();
    let floods = guest(
        "(local $n i32)
        (loop $again
            (call $say (call $stdout) (i32.const 4096) (i32.const 4096))
            (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br_if $again (i32.lt_u (local.get $n) (i32.const 1000))))
        (call $say (call $stdout) (i32.const 2048) (i32.const 5))
        (call $hello (local.get $out))",
        r#"(data (i32.const 2048) "\nend\n")"#,
    );
    assert_eq!(rig.call(floods).await.text(), "hello");
    let lines = rig.lines();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].ends_with("[cut]") && lines[0].len() < 9000);
    assert_eq!(lines[1], "info: end");
}

#[tokio::test]
async fn the_node_is_well_after_every_kind_of_trap() {
    let mut rig = Rig::with(|config| config.instances = 2);
    rig.limits.cpu_ms = 10;
    rig.limits.memory_bytes = 2 << 20;
    let good = rig.prepare(&hello()).await.expect("component");
    for handle in ["unreachable", GROWS, "(loop $again (br $again))", "(call $deep)", STREAMS] {
        let component = guest(handle, "(func $deep (call $deep))");
        for _ in 0..3 {
            assert!(rig.call(component.clone()).await.fault().is_some(), "{handle}");
            assert_eq!(finish(rig.start(good, get())).await.text(), "hello");
        }
    }
}
