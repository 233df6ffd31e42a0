//! Prints how fast the queue is: messages of 1 KiB in, through and out, with 32 workers; and how
//! much memory a backlog of a million of them takes.
//!
//! `cargo run -p casemate-store-sqlite --example queue --profile quick`, with the directory to
//! write to as its argument, if it is not to be the one for temporary files.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a measuring tool for people"
)]

use bytes::Bytes;
use casemate_store_sqlite::Queue;
use keys::FileRing;
use model::{FunctionName, FunctionRef, InvocationId, Scope, Timestamp};
use ports::Queue as _;
use ports::queue::{ListQuery, Message, Quota, Settled, Want};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Callers, or workers, at a time.
const TOGETHER: u64 = 32;
/// Messages of each measurement.
const MESSAGES: u64 = 50_000;
/// Messages that wait while memory is measured.
const BACKLOG: u64 = 1_000_000;
/// Bytes of a payload.
const PAYLOAD: usize = 1024;
/// Messages that a worker takes at a time, as the engine's do under load.
const AT_A_TIME: usize = 8;

fn message(number: u64) -> Message {
    let queued = Timestamp(1_800_000_000_000_000 + i64::try_from(number).unwrap());
    let name = FunctionName::parse("orders").unwrap();
    Message {
        id: InvocationId::from_parts(queued.0, number.to_ne_bytes()),
        function: FunctionRef { scope: Scope::default(), name },
        payload: Bytes::from(vec![number as u8; PAYLOAD]),
        queued,
        due: queued,
        order: None,
        lot: None,
    }
}

async fn put(queue: &Queue, number: u64) {
    let quota = Quota { messages: u64::MAX, bytes: u64::MAX };
    queue.put(message(number), quota).await.unwrap();
}

/// Takes what is there and settles it, one after the other. Says how much it was.
async fn take(queue: &Queue) -> u64 {
    let now = Timestamp(2_000_000_000_000_000);
    let until = now.plus_us(60_000_000);
    let want = Want { now, until, most: AT_A_TIME, skip: Vec::new() };
    let items = queue.lease(want).await.unwrap().items;
    for leased in &items {
        assert!(queue.settle(leased.claim, Settled::Done).await.unwrap());
    }
    items.len() as u64
}

#[derive(Clone, Copy)]
enum What {
    In,
    Out,
    Both,
}

async fn measure(queue: &Arc<Queue>, from: u64, what: What) -> u64 {
    let (next, out) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let start = Instant::now();
    let workers: Vec<_> = (0..TOGETHER)
        .map(|_| {
            let (queue, next, out) = (Arc::clone(queue), Arc::clone(&next), Arc::clone(&out));
            tokio::spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let more = number < MESSAGES;
                    if more && !matches!(what, What::Out) {
                        put(&queue, from + number).await;
                    }
                    if !matches!(what, What::In) && out.load(Ordering::Relaxed) < MESSAGES {
                        out.fetch_add(take(&queue).await, Ordering::Relaxed);
                    } else if !more {
                        break;
                    }
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
    let seconds = start.elapsed().as_secs_f64();
    (MESSAGES as f64 / seconds) as u64
}

/// Memory of this process that is in use, in MiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

/// Puts a backlog behind one key and behind none, looks at all that operators look at, and works
/// some of it off. Says how much memory more is in use then.
async fn backlog(queue: &Arc<Queue>, from: u64) -> u64 {
    let before = resident();
    let putters: Vec<_> = (0..TOGETHER)
        .map(|putter| {
            let queue = Arc::clone(queue);
            tokio::spawn(async move {
                for number in (putter..BACKLOG).step_by(TOGETHER as usize) {
                    let order = (number % 2 == 0).then_some([1; 16]);
                    let message = Message { order, ..message(from + number) };
                    let quota = Quota { messages: u64::MAX, bytes: u64::MAX };
                    queue.put(message, quota).await.unwrap();
                }
            })
        })
        .collect();
    for putter in putters {
        putter.await.unwrap();
    }
    let depth = queue.depth(&Scope::default()).await.unwrap();
    assert_eq!(depth.iter().map(|it| it.waiting).sum::<u64>(), BACKLOG);
    let page = ListQuery { limit: 1000, ..ListQuery::default() };
    assert_eq!(queue.list(page).await.unwrap().len(), 1000);
    for _ in 0..1000 {
        assert!(take(queue).await > 0);
    }
    resident().saturating_sub(before)
}

fn main() {
    let directory = std::env::args_os().nth(1).unwrap_or_else(|| std::env::temp_dir().into());
    let home = tempfile::tempdir_in(directory).unwrap();
    let ring = Arc::new(FileRing::from_root([7; 32]).unwrap());
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    // In a home of its own, so that what is measured after it meets no backlog.
    let other = tempfile::tempdir_in(home.path()).unwrap();
    let backlogged = Arc::new(Queue::open(other.path(), Arc::clone(&ring) as _).unwrap());
    let queue = Arc::new(Queue::open(home.path(), ring).unwrap());
    runtime.block_on(async {
        println!("memory for a backlog of {BACKLOG}: {} MiB", backlog(&backlogged, 0).await);
        println!("in: {} /s", measure(&queue, 0, What::In).await);
        println!("out: {} /s", measure(&queue, 0, What::Out).await);
        println!("in and out together: {} /s", measure(&queue, MESSAGES, What::Both).await);
        // One caller alone waits for one sync.
        let start = Instant::now();
        for number in 0..200 {
            put(&queue, 10 * MESSAGES + number).await;
        }
        println!("one caller alone, each: {} us", (start.elapsed() / 200).as_micros());
    });
}
