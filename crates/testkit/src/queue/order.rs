//! What every version of the queue must do with messages of one key.

use super::{WIDE, at, empty, id, message, want};
use anyhow::{Result, ensure};
use model::Scope;
use ports::Queue;
use ports::queue::{Batch, Message, Settled, State};

fn ordered(number: u32, name: &str, key: u8) -> Message {
    Message { order: Some([key; 16]), ..message(number, name, b"x") }
}

fn ids(batch: &Batch) -> Vec<model::InvocationId> {
    let mut ids: Vec<_> = batch.items.iter().map(|it| it.claim.id).collect();
    ids.sort();
    ids
}

pub(super) async fn conform(queue: &dyn Queue) -> Result<()> {
    let scope = Scope::default();
    for (number, name, key) in [(1, "f", 1), (2, "f", 1), (3, "f", 1), (4, "f", 2), (6, "g", 1)] {
        queue.put(ordered(number, name, key), WIDE).await?;
    }
    queue.put(message(5, "f", b"x"), WIDE).await?;
    let first = queue.lease(want(10, 9)).await?;
    ensure!(ids(&first) == [1, 4, 5, 6].map(id), "not one of each key: {first:?}");
    let held = queue.find(&scope, id(2)).await?;
    ensure!(held.is_some_and(|it| it.state == State::Waiting && it.due == at(2)), "its own time");
    for leased in &first.items {
        let retry = Settled::Retry { due: at(500), error: "no".to_owned() };
        let how = if leased.claim.id == id(1) { retry } else { Settled::Done };
        ensure!(queue.settle(leased.claim, how).await?);
    }
    // One that failed holds its key back, until it is tried again, ...
    let none = queue.lease(want(499, 9)).await?;
    ensure!(none.items.is_empty() && none.next == Some(at(500)), "it is overtaken: {none:?}");
    let again = queue.lease(want(500, 9)).await?;
    ensure!(ids(&again) == [id(1)], "{again:?}");
    // ... also when its lease runs out, ...
    let again = queue.lease(want(1500, 9)).await?;
    ensure!(ids(&again) == [id(1)] && again.items[0].attempt == 3, "{again:?}");
    // ... and lets go of it when it is dead.
    let dead = Settled::Dead { error: "no".to_owned() };
    ensure!(queue.settle(again.items[0].claim, dead).await?);
    let second = queue.lease(want(1600, 9)).await?;
    ensure!(ids(&second) == [id(2)], "a dead letter holds its key back: {second:?}");
    // What is tried again after its end was accepted last.
    ensure!(queue.requeue(&scope, id(1), at(0)).await?);
    ensure!(queue.lease(want(1600, 9)).await?.items.is_empty(), "two of one key");
    ensure!(queue.settle(second.items[0].claim, Settled::Done).await?);
    for number in [3, 1] {
        let next = queue.lease(want(1700, 9)).await?;
        ensure!(ids(&next) == [id(number)], "{number}: {next:?}");
        ensure!(queue.settle(next.items[0].claim, Settled::Done).await?);
    }
    later(queue).await?;
    empty(queue).await
}

/// A time that is to come counts from when it is a message's turn, and what comes of an end waits
/// behind what is there.
async fn later(queue: &dyn Queue) -> Result<()> {
    queue.put(ordered(1, "f", 1), WIDE).await?;
    queue.put(Message { due: at(900), ..ordered(2, "f", 1) }, WIDE).await?;
    let first = queue.lease(want(10, 9)).await?.items.remove(0).claim;
    let then = vec![ordered(3, "f", 1)];
    ensure!(queue.settle_with(first, Settled::Done, then, WIDE).await?);
    let none = queue.lease(want(899, 9)).await?;
    ensure!(none.items.is_empty() && none.next == Some(at(900)), "{none:?}");
    for number in [2, 3] {
        let next = queue.lease(want(900, 9)).await?;
        ensure!(ids(&next) == [id(number)], "{number}: {next:?}");
        ensure!(queue.settle(next.items[0].claim, Settled::Done).await?);
    }
    Ok(())
}
