//! One random history of asks, two versions: every answer must be the same.
//!
//! Version numbers are each version's own, so they are compared by what they mean: a swap names
//! the version that a key has, had before, or never had.

use super::{PLENTY, cell, delete, set, store, store_of};
use anyhow::{Result, ensure};
use bytes::Bytes;
use ports::KeyValue;
use ports::keyvalue::{Ask, Error, Reply, StoreRef};
use proptest::prelude::*;
use std::collections::HashMap;

/// One step of a history.
#[derive(Debug, Clone)]
pub enum Step {
    /// An ask, with a quota.
    Ask(usize, Ask, u64),
    /// A swap that expects this.
    Swap(usize, String, Expected, Vec<u8>),
    /// A store is removed.
    Remove(usize),
}

/// What a swap expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// That there is nothing.
    Nothing,
    /// The version that there is.
    This,
    /// The version that was there when the history last looked.
    Earlier,
}

/// The stores that histories are about.
fn stores() -> [StoreRef; 3] {
    [store("carts"), store("orders/default"), store_of("default", "test", "carts")]
}

/// Histories of up to `steps_max` small steps on few keys, so that they meet often.
pub fn histories(steps_max: usize) -> impl Strategy<Value = Vec<Step>> {
    proptest::collection::vec(step(), 1..steps_max)
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![8 => "[ab]/?[0-9é]{0,2}", 1 => "k{0,3}", 1 => "[a-z]{1,2}/[0-9]{3}"]
}

fn data() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => proptest::collection::vec(any::<u8>(), 0..12),
        2 => (-20..20_i64).prop_map(|number| number.to_string().into_bytes()),
        1 => proptest::collection::vec(any::<u8>(), 4_000..9_000),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let expected =
        proptest::sample::select(&[Expected::Nothing, Expected::This, Expected::Earlier]);
    let quota = prop_oneof![4 => Just(PLENTY), 1 => 0..400_u64];
    prop_oneof![
        20 => (0..3_usize, ask(), quota).prop_map(|(at, ask, quota)| Step::Ask(at, ask, quota)),
        5 => (0..3_usize, key(), expected, data())
            .prop_map(|(at, key, expected, value)| Step::Swap(at, key, expected, value)),
        1 => (0..3_usize).prop_map(Step::Remove),
    ]
}

fn ask() -> impl Strategy<Value = Ask> {
    let change = prop_oneof![
        3 => (key(), data()).prop_map(|(key, value)| set(&key, &value)),
        1 => key().prop_map(|key| delete(&key)),
    ];
    // Some are large, so that leaves are cut.
    let numbered = |(from, count): (u32, u32)| {
        (from..from + count).map(|number| set(&format!("b/{number:04}"), b"1")).collect()
    };
    let gone = |(from, count): (u32, u32)| {
        (from..from + count).map(|number| delete(&format!("b/{number:04}"))).collect()
    };
    let changes = prop_oneof![
        6 => proptest::collection::vec(change, 0..6),
        1 => (0..600_u32, 200..900_u32).prop_map(numbered),
        1 => (0..600_u32, 200..900_u32).prop_map(gone),
    ];
    let get = proptest::collection::vec(key(), 0..5).prop_map(|keys| Ask::Get { keys });
    let page = (key(), proptest::option::of(key()), 0..20_usize);
    let page = page.prop_map(|(mut prefix, after, limit)| {
        prefix.pop();
        Ask::List { prefix, after, limit }
    });
    prop_oneof![
        4 => changes.prop_map(|changes| Ask::Write { changes }),
        2 => (key(), -9..9_i64).prop_map(|(key, delta)| Ask::Add { key, delta }),
        3 => get,
        2 => page,
        1 => key().prop_map(|key| Ask::Exists { key }),
        1 => Just(Ask::Open),
    ]
}

/// Feeds `history` to two versions, which begin empty, and compares each answer.
///
/// # Errors
/// Says where they differ.
pub async fn same(left: &dyn KeyValue, right: &dyn KeyValue, history: &[Step]) -> Result<()> {
    let mut seen = [HashMap::new(), HashMap::new()];
    let stores = stores();
    for (number, step) in history.iter().enumerate() {
        let one = run(left, &stores, step, &mut seen[0]).await;
        let two = run(right, &stores, step, &mut seen[1]).await;
        ensure!(one == two, "step {number}, {step:?}: {one:?} and {two:?}");
    }
    for at in &stores {
        let (one, two) = (left.size(at).await?, right.size(at).await?);
        ensure!(one == two, "the size of {at:?}: {one:?} and {two:?}");
        let (one, two) = (left.stores(&at.scope).await?, right.stores(&at.scope).await?);
        ensure!(one == two, "the stores of {:?}: {one:?} and {two:?}", at.scope);
    }
    Ok(())
}

type Seen = HashMap<(usize, String), u64>;

/// Does a step. The answer comes without versions.
async fn run(
    kv: &dyn KeyValue,
    stores: &[StoreRef; 3],
    step: &Step,
    seen: &mut Seen,
) -> Result<Reply, Error> {
    let mut reply = match step {
        Step::Ask(at, ask, bytes_max) => kv.ask(&stores[*at], ask.clone(), *bytes_max).await,
        Step::Remove(at) => kv.remove(&stores[*at]).await.map(Reply::Found),
        Step::Swap(at, key, expected, value) => {
            let there = cell(kv, &stores[*at], key).await.ok().flatten();
            let there = there.map(|cell| cell.version);
            let slot = (*at, key.clone());
            let earlier = match there {
                Some(version) => seen.insert(slot, version),
                None => seen.get(&slot).copied(),
            };
            let version = match expected {
                Expected::Nothing => None,
                Expected::This => there,
                Expected::Earlier => earlier,
            };
            let (key, value) = (key.clone(), Bytes::from(value.clone()));
            kv.ask(&stores[*at], Ask::Swap { key, version, value }, PLENTY).await
        }
    };
    match &mut reply {
        Ok(Reply::Cells(cells)) => cells.iter_mut().flatten().for_each(|cell| cell.version = 0),
        Ok(Reply::Swapped(Ok(version))) => *version = 0,
        Ok(Reply::Swapped(Err(Some(cell)))) => cell.version = 0,
        _ => {}
    }
    reply
}
