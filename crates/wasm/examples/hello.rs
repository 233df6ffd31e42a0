//! How long a hello takes in this process, without any network: microseconds of CPU time per
//! invocation, in WASI 0.2 and in WASI 0.3.
//!
//! `cargo run --profile quick -p casemate-wasm --example hello [COUNT]`
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement for developers"
)]

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

/// CPU time of this process: what else the machine does is not in it.
fn now_us() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
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
        let rig = rig::Rig::with(|config| config.wasi_03 = true);
        println!("{:?}", rig.executor.facts());
        let of_03 = rig.for_wasi(model::manifest::Wasi::V03);
        for _ in 0..3 {
            measure("WASI 0.2", &rig, guests::hello(), count).await;
            measure("WASI 0.3", &of_03, guests03::hello(), count).await;
        }
    });
}
