//! Ways to use up CPU, memory and time.

use crate::ask::Ask;
use crate::lines::SECRET;
use crate::{Answer, answer};
use std::hint::black_box;
use std::sync::atomic::{AtomicU32, Ordering};
use wasip3::clocks::monotonic_clock::{now, wait_for};
use wasip3::wit_bindgen;

const MS: u64 = 1_000_000;

/// Loops for ever without calling the host.
pub async fn spin(_: Ask) -> Answer {
    let mut turns = 0_u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

/// Loops for ever, with a cheap call to the host in each turn.
pub async fn spin_in_host(_: Ask) -> Answer {
    loop {
        black_box(now());
    }
}

/// Loops for ever, and goes back to the host's event loop in each turn.
pub async fn spin_yielding(_: Ask) -> Answer {
    loop {
        wit_bindgen::yield_async().await;
    }
}

/// Takes memory without end, and touches all of it.
pub async fn alloc(_: Ask) -> Answer {
    let mut all: Vec<Vec<u8>> = Vec::new();
    loop {
        all.push(black_box(vec![0x5a; 1 << 20]));
    }
}

/// Counts the calls that this instance has answered: 1 in a fresh one.
pub async fn state(_: Ask) -> Answer {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let calls = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
    answer::text(200, &calls.to_string())
}

/// Sleeps `ms` (100), then answers.
pub async fn sleep(ask: Ask) -> Answer {
    let ms = ask.number("ms", 100);
    pause(ms).await;
    answer::text(200, &format!("slept {ms} ms\n"))
}

/// Waits for an hour.
pub async fn hang(_: Ask) -> Answer {
    pause(3600 * 1000).await;
    answer::text(200, "an hour has passed\n")
}

/// Waits for what nobody will ever do.
pub async fn never(_: Ask) -> Answer {
    let (_writer, reader) = wasip3::wit_future::new::<Result<(), _>>(|| Ok(()));
    let _: Result<(), wasip3::http::types::ErrorCode> = reader.await;
    answer::text(200, "somebody did\n")
}

/// Crashes with a secret in its message.
pub async fn trap(_: Ask) -> Answer {
    panic!("could not reach the payment service with {SECRET}");
}

/// Sleeps.
pub async fn pause(ms: u64) {
    wait_for(ms * MS).await;
}
