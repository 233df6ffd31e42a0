//! Ways to use up CPU, memory, handles and time.

use crate::answer;
use crate::ask::Ask;
use std::hint::black_box;
use std::sync::atomic::{AtomicU32, Ordering};
use wasip2::clocks::monotonic_clock::{now, subscribe_duration};
use wasip2::http::types::{Fields, ResponseOutparam};
use wasip2::random::random::get_random_bytes;

const MS: u64 = 1_000_000;

/// Loops for ever without calling the host.
pub fn spin(_: &Ask, _: ResponseOutparam) {
    let mut turns = 0_u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

/// Loops for ever, with a cheap call to the host in each turn.
pub fn spin_in_host(_: &Ask, _: ResponseOutparam) {
    loop {
        black_box(now());
    }
}

/// Burns `ms` (50) of time on the CPU, then answers.
pub fn cpu(ask: &Ask, out: ResponseOutparam) {
    let end = now() + ask.number("ms", 50) * MS;
    let mut turns = 0_u64;
    while now() < end {
        for _ in 0..10_000 {
            turns = black_box(turns.wrapping_mul(31).wrapping_add(7));
        }
    }
    answer::text(out, 200, &format!("burnt {turns}\n"));
}

/// Takes memory without end, and touches all of it.
pub fn alloc(_: &Ask, _: ResponseOutparam) {
    let mut all: Vec<Vec<u8>> = Vec::new();
    loop {
        all.push(black_box(vec![0x5a; 1 << 20]));
    }
}

/// Takes `bytes` (1 MiB) of memory and touches all of it, then answers.
pub fn alloc_bytes(ask: &Ask, out: ResponseOutparam) {
    let length = usize::try_from(ask.number("bytes", 1 << 20)).unwrap_or(usize::MAX);
    let mut bytes = Vec::new();
    if bytes.try_reserve_exact(length).is_err() {
        return answer::text(out, 507, "the memory was refused\n");
    }
    bytes.resize(length, 0x5a_u8);
    answer::text(out, 200, &format!("took {} bytes\n", black_box(&bytes).len()));
}

/// Calls itself without end, in small frames: the stack of the host's making ends first.
pub fn recurse(_: &Ask, out: ResponseOutparam) {
    answer::text(out, 200, &format!("came back from {}\n", deeper(0)));
}

/// Calls itself without end, in large frames: the stack in the guest's own memory ends first.
pub fn recurse_memory(_: &Ask, out: ResponseOutparam) {
    answer::text(out, 200, &format!("came back from {}\n", deeper_in_memory(0)));
}

#[expect(unconditional_recursion, reason = "that is the point")]
fn deeper(depth: u64) -> u64 {
    black_box(deeper(black_box(depth) + 1)) + 1
}

#[expect(unconditional_recursion, reason = "that is the point")]
fn deeper_in_memory(depth: u64) -> u64 {
    let frame = black_box([depth; 512]);
    deeper_in_memory(depth + 1).wrapping_add(frame[3])
}

/// Makes resources without end and keeps them all.
pub fn handles(_: &Ask, _: ResponseOutparam) {
    loop {
        std::mem::forget(Fields::new());
    }
}

/// Subscribes to clocks without end.
pub fn pollables(_: &Ask, _: ResponseOutparam) {
    loop {
        std::mem::forget(subscribe_duration(3600 * 1000 * MS));
    }
}

/// Asks for `bytes` (1 GiB) of randomness at once.
pub fn random_huge(ask: &Ask, out: ResponseOutparam) {
    let bytes = get_random_bytes(ask.number("bytes", 1 << 30));
    answer::text(out, 200, &format!("got {} random bytes\n", bytes.len()));
}

/// Counts the calls that this instance has answered: 1 in a fresh one.
pub fn state(_: &Ask, out: ResponseOutparam) {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let calls = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
    answer::text(out, 200, &calls.to_string());
}

/// Sleeps `ms` (100), then answers.
pub fn sleep(ask: &Ask, out: ResponseOutparam) {
    let ms = ask.number("ms", 100);
    pause(ms);
    answer::text(out, 200, &format!("slept {ms} ms\n"));
}

/// Waits for an hour.
pub fn hang(_: &Ask, out: ResponseOutparam) {
    pause(3600 * 1000);
    answer::text(out, 200, "an hour has passed\n");
}

/// Returns without an answer.
pub fn never(_: &Ask, out: ResponseOutparam) {
    drop(out);
}

/// Sleeps.
pub fn pause(ms: u64) {
    subscribe_duration(ms * MS).block();
}
