//! How long a hello takes in this process, without any network: microseconds per invocation.
//!
//! `cargo run --profile quick -p casemate-wasm --example hello [COUNT]`
#![expect(clippy::expect_used, clippy::print_stdout, reason = "a measurement for developers")]

#[path = "../tests/it/guests.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod guests;
#[path = "../tests/it/rig.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod rig;

use rustix::time::{ClockId, clock_gettime};

fn now_us() -> f64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
}

fn main() {
    let count = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(20_000_u32);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("runtime").block_on(async {
        let rig = rig::Rig::new();
        println!("{:?}", rig.executor.facts());
        let digest = rig.prepare(&guests::hello()).await.expect("component");
        let mut cpu_us = 0;
        let began_us = now_us();
        for _ in 0..count {
            cpu_us += rig::finish(rig.start(digest, rig::get())).await.usage.cpu_us;
        }
        let each_us = (now_us() - began_us) / f64::from(count);
        let guest_us = cpu_us as f64 / f64::from(count);
        println!("{each_us:.1} us per invocation, {guest_us:.1} us of them counted as the guest's");
    });
}
