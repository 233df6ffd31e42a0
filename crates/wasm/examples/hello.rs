//! How long a hello takes in this process, without any network: microseconds per invocation, in
//! WASI 0.2 and in WASI 0.3, and what the second engine costs while nobody uses it.
//!
//! `cargo run --profile quick -p casemate-wasm --example hello [COUNT]`
#![expect(clippy::expect_used, clippy::print_stdout, reason = "a measurement for developers")]

#[path = "../tests/it/guests.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod guests;
#[path = "../tests/it/guests03.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod guests03;
#[path = "../tests/it/rig.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod rig;

use bytes::Bytes;
use rustix::time::{ClockId, clock_gettime};

fn now_us() -> f64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
}

/// Resident memory of this process, in KiB.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

async fn measure(name: &str, rig: &rig::Rig, component: Bytes, count: u32) {
    let digest = rig.prepare(&component).await.expect("component");
    // Fills caches and the pool's slots.
    for _ in 0..count / 10 {
        rig::finish(rig.start(digest, rig::get())).await;
    }
    let mut cpu_us = 0;
    let began_us = now_us();
    for _ in 0..count {
        cpu_us += rig::finish(rig.start(digest, rig::get())).await.usage.cpu_us;
    }
    let each_us = (now_us() - began_us) / f64::from(count);
    let guest_us = cpu_us as f64 / f64::from(count);
    println!("{name}: {each_us:.1} us per invocation, {guest_us:.1} us counted as the guest's");
}

fn main() {
    let count = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(20_000_u32);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("runtime").block_on(async {
        let before_kib = resident_kib();
        let one = rig::Rig::with(|config| config.instances = 1000);
        let one_kib = resident_kib() - before_kib;
        let before_kib = resident_kib();
        let two = rig::Rig::with(|config| {
            config.instances = 1000;
            config.wasi_03 = true;
        });
        let two_kib = resident_kib() - before_kib;
        println!("resident: {one_kib} KiB with one engine, {two_kib} KiB with two");
        drop(one);
        println!("{:?}", two.executor.facts());
        let of_03 = two.for_wasi(model::manifest::Wasi::V03);
        for _ in 0..3 {
            measure("WASI 0.2", &two, guests::hello(), count).await;
            measure("WASI 0.3", &of_03, guests03::hello(), count).await;
        }
    });
}
