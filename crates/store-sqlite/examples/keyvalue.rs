//! Prints how fast key-value stores are: reads and durable writes, at 64 at a time.
//!
//! `cargo run -p casemate-store-sqlite --example keyvalue --profile quick`, with the directory to
//! write to as its argument, if it is not to be the one for temporary files.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a measuring tool for people"
)]

use bytes::Bytes;
use casemate_store_sqlite::{Error, Stores, kv};
use keys::FileRing;
use model::{Scope, StoreName, TenantName};
use ports::KeyValue;
use ports::keyvalue::{Ask, Change, StoreRef};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Asks at a time.
const TOGETHER: u64 = 64;
/// How long each measurement takes.
const TIME: Duration = Duration::from_secs(5);
/// Keys of the store.
const KEYS: u64 = 100_000;
/// Bytes of a value.
const VALUE: usize = 256;
const QUOTA: u64 = 1 << 40;

struct Nowhere;

impl kv::Anchors for Nowhere {
    fn load(&self, _: &TenantName) -> Result<Option<u64>, Error> {
        Ok(None)
    }
    fn raise(&self, _: &TenantName, _: u64) -> Result<(), Error> {
        Ok(())
    }
}

fn open(home: &std::path::Path) -> Arc<Stores> {
    let ring = Arc::new(FileRing::from_root([7; 32]).unwrap());
    Arc::new(Stores::open(home, ring, Arc::new(Nowhere)).unwrap())
}

fn at() -> StoreRef {
    StoreRef { scope: Scope::default(), name: StoreName::parse("carts").unwrap() }
}

fn key(number: u64) -> String {
    format!("customer/{:08}", number % KEYS)
}

fn set(number: u64) -> Change {
    Change::Set { key: key(number), value: Bytes::from(vec![number as u8; VALUE]) }
}

fn main() {
    let directory = std::env::args_os().nth(1).unwrap_or_else(|| std::env::temp_dir().into());
    let home = tempfile::tempdir_in(directory).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let stores = open(home.path());
    runtime.block_on(async {
        for from in (0..KEYS).step_by(500) {
            let changes = (from..from + 500).map(set).collect();
            stores.ask(&at(), Ask::Write { changes }, QUOTA).await.unwrap();
        }
    });
    drop(stores);

    let stores = open(home.path());
    let start = Instant::now();
    runtime.block_on(stores.ask(&at(), Ask::Get { keys: vec![key(77)] }, QUOTA)).unwrap();
    println!("first read after a start: {} us", start.elapsed().as_micros());
    let get = |number| Ask::Get { keys: vec![key(number)] };
    // Once over all of them, so that what is checked the first time is not measured.
    runtime.block_on(async {
        for from in (0..KEYS).step_by(500) {
            let keys = (from..from + 500).map(key).collect();
            stores.ask(&at(), Ask::Get { keys }, QUOTA).await.unwrap();
        }
    });
    println!("reads: {} /s", measure(&runtime, &stores, get));
    let write = |number| Ask::Write { changes: vec![set(number)] };
    println!("durable writes: {} /s", measure(&runtime, &stores, write));
    let add = |_| Ask::Add { key: "sum".to_owned(), delta: 1 };
    println!("durable additions to one number: {} /s", measure(&runtime, &stores, add));
    let found = runtime.block_on(stores.verify(&at().scope.tenant)).unwrap();
    assert!(found.is_empty(), "{found:?}");
}

/// Asks a second, with 64 tasks that each ask one after the other.
fn measure(
    runtime: &tokio::runtime::Runtime,
    stores: &Arc<Stores>,
    ask: impl Fn(u64) -> Ask + Copy + Send + 'static,
) -> u64 {
    let start = Instant::now();
    let done: u64 = runtime.block_on(async {
        let tasks: Vec<_> = (0..TOGETHER)
            .map(|task| {
                let stores = Arc::clone(stores);
                tokio::spawn(async move {
                    // Jumps about, so that neighbours are not asked for together.
                    let mut number = task * 7_919;
                    let mut done = 0;
                    while start.elapsed() < TIME {
                        stores.ask(&at(), ask(number), QUOTA).await.unwrap();
                        number += 104_729;
                        done += 1;
                    }
                    done
                })
            })
            .collect();
        let mut done = 0;
        for task in tasks {
            done += task.await.unwrap();
        }
        done
    });
    done * 1_000 / u64::try_from(start.elapsed().as_millis()).unwrap()
}
