//! Prints how fast the queue is: messages of 1 KiB in, through and out, with 32 workers.
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
use ports::queue::{Message, Quota, Settled, Want};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Callers, or workers, at a time.
const TOGETHER: u64 = 32;
/// Messages of each measurement.
const MESSAGES: u64 = 50_000;
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

fn main() {
    let directory = std::env::args_os().nth(1).unwrap_or_else(|| std::env::temp_dir().into());
    let home = tempfile::tempdir_in(directory).unwrap();
    let ring = Arc::new(FileRing::from_root([7; 32]).unwrap());
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let queue = Arc::new(Queue::open(home.path(), ring).unwrap());
    runtime.block_on(async {
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
