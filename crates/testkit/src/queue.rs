//! What every version of the queue must do.
//!
//! Invariant: the suite uses the port only, so a failure is the version's own.

mod events;
mod histories;
mod lots;
mod marks;
mod onward;
mod order;
mod ring;

pub use histories::{Op, histories, holds};
pub use ring::PlainRing;

use anyhow::{Result, ensure};
use bytes::Bytes;
use model::{FunctionName, FunctionRef, InvocationId, Scope, Timestamp};
use ports::Queue;
use ports::queue::{Error, ListQuery, Message, Purge, Quota, Settled, State, Want};

/// When tests begin, in microseconds UTC.
pub const EPOCH_US: i64 = 1_800_000_000_000_000;
/// A quota that no test reaches.
pub const WIDE: Quota = Quota { messages: 1 << 40, bytes: 1 << 50 };

/// A function of the default scope.
///
/// # Panics
/// If the text is no name.
#[must_use]
#[expect(clippy::panic, reason = "a test that cannot name its function cannot go on")]
pub fn function(name: &str) -> FunctionRef {
    let name = FunctionName::parse(name).unwrap_or_else(|error| panic!("{name}: {error}"));
    FunctionRef { scope: Scope::default(), name }
}

/// A time, in microseconds after the beginning.
#[must_use]
pub fn at(us: i64) -> Timestamp {
    Timestamp(EPOCH_US + us)
}

/// The id of the message with this number. Larger numbers were accepted later.
#[must_use]
pub fn id(number: u32) -> InvocationId {
    InvocationId::from_parts(EPOCH_US + i64::from(number), [7; 8])
}

/// A message that is due when it is accepted.
#[must_use]
pub fn message(number: u32, name: &str, payload: &'static [u8]) -> Message {
    let queued = at(i64::from(number));
    let payload = Bytes::from_static(payload);
    let (id, function) = (id(number), function(name));
    Message { id, function, payload, queued, due: queued, order: None, lot: None }
}

/// A wish for messages that are due at `now`, leased for a thousand microseconds.
#[must_use]
pub fn want(now: i64, most: usize) -> Want {
    Want { now: at(now), until: at(now + 1000), most, skip: Vec::new() }
}

/// Runs the suite on an empty queue.
///
/// # Errors
/// Says what the queue did that it must not.
pub async fn conforms(queue: &dyn Queue) -> Result<()> {
    leases(queue).await?;
    attempts(queue).await?;
    quotas(queue).await?;
    functions_take_turns(queue).await?;
    dead_letters(queue).await?;
    marks::conform(queue).await?;
    events::conform(queue).await?;
    onward::conform(queue).await?;
    order::conform(queue).await?;
    lots::conform(queue).await
}

async fn empty(queue: &dyn Queue) -> Result<()> {
    let left = queue.list(ListQuery { limit: 10, ..ListQuery::default() }).await?;
    ensure!(left.is_empty(), "not empty: {left:?}");
    let depth = queue.depth(&Scope::default()).await?;
    ensure!(depth.is_empty(), "counts what is not there: {depth:?}");
    Ok(())
}

async fn leases(queue: &dyn Queue) -> Result<()> {
    empty(queue).await?;
    queue.put(message(1, "f", b"one"), WIDE).await?;
    let again = queue.put(message(1, "f", b"other"), WIDE).await;
    ensure!(again == Err(Error::Exists(id(1))), "takes one id twice: {again:?}");
    let early = queue.lease(want(0, 5)).await?;
    ensure!(early.items.is_empty() && early.next == Some(at(1)), "leased early: {early:?}");
    let found = queue.find(&Scope::default(), id(1)).await?;
    ensure!(
        found.is_some_and(|it| it.state == State::Waiting && it.attempts == 0 && it.bytes == 3)
    );
    ensure!(queue.payload(&Scope::default(), id(1)).await?.is_some_and(|it| it == b"one"[..]));
    let elsewhere = Scope { environment: "other".parse()?, ..Scope::default() };
    ensure!(queue.find(&elsewhere, id(1)).await?.is_none(), "is found in another environment");

    ensure!(queue.payload(&elsewhere, id(1)).await?.is_none(), "is read in another environment");

    let first = queue.lease(want(10, 5)).await?;
    ensure!(first.items.len() == 1 && first.items[0].payload == b"one"[..], "{first:?}");
    ensure!(first.items[0].attempt == 1 && first.items[0].queued == at(1));
    let none = queue.lease(want(1009, 5)).await?;
    ensure!(none.items.is_empty(), "leased what is leased");
    ensure!(none.next == Some(at(1010)), "the end of a lease is when to come again: {none:?}");
    ensure!(queue.extend(first.items[0].claim, at(2000)).await?, "a lease is not extended");
    ensure!(queue.lease(want(1999, 5)).await?.items.is_empty(), "an extended lease is taken");

    let second = queue.lease(want(2000, 5)).await?;
    ensure!(second.items.len() == 1 && second.items[0].attempt == 2, "not taken again: {second:?}");
    let (old, new) = (first.items[0].claim, second.items[0].claim);
    ensure!(!queue.extend(old, at(9000)).await?, "an old lease is extended");
    for how in [Settled::Done, Settled::Release { due: at(0) }] {
        ensure!(!queue.settle(old, how).await?, "an old lease settles");
    }
    ensure!(queue.settle(new, Settled::Done).await?, "the last lease does not settle");
    ensure!(!queue.settle(new, Settled::Done).await?, "a lease settles twice");
    ensure!(queue.find(&Scope::default(), id(1)).await?.is_none(), "what is done is still there");
    empty(queue).await
}

async fn attempts(queue: &dyn Queue) -> Result<()> {
    queue.put(message(1, "f", b"x"), WIDE).await?;
    let mut now = 10;
    for (attempt, how) in [
        (1, Settled::Retry { due: at(5000), error: "é".repeat(500) }),
        (2, Settled::Release { due: at(8000) }),
        (2, Settled::Done),
    ] {
        let leased = queue.lease(want(now, 1)).await?.items;
        ensure!(leased.len() == 1 && leased[0].attempt == attempt, "{attempt}: {leased:?}");
        ensure!(queue.settle(leased[0].claim, how.clone()).await?);
        if let Settled::Retry { due, .. } | Settled::Release { due } = how {
            let waits = queue.find(&Scope::default(), id(1)).await?;
            let error = waits.as_ref().and_then(|it| it.error.as_deref());
            ensure!(error.is_some_and(|text| text.starts_with('é') && text.len() <= 300));
            ensure!(waits.is_some_and(|it| it.state == State::Waiting && it.due == due));
            ensure!(queue.lease(want(due.0 - EPOCH_US - 1, 1)).await?.items.is_empty());
            now = due.0 - EPOCH_US;
        }
    }
    empty(queue).await
}

async fn quotas(queue: &dyn Queue) -> Result<()> {
    let quota = Quota { messages: 2, bytes: 5 };
    queue.put(message(1, "f", b"abc"), quota).await?;
    let large = queue.put(message(2, "f", b"def"), quota).await;
    ensure!(large == Err(Error::Quota { messages: 1, bytes: 3 }), "{large:?}");
    queue.put(message(3, "f", b"de"), quota).await?;
    let third = queue.put(message(4, "f", b""), quota).await;
    ensure!(matches!(third, Err(Error::Quota { messages: 2, .. })), "{third:?}");
    queue.put(message(5, "g", b"abc"), quota).await?;
    let depth = queue.depth(&Scope::default()).await?;
    let counts: Vec<_> = depth.iter().map(|it| (it.waiting, it.bytes, it.oldest)).collect();
    ensure!(counts == [(2, 5, Some(at(1))), (1, 3, Some(at(5)))], "{depth:?}");
    for leased in queue.lease(want(10, 9)).await?.items {
        let refused = queue.put(message(6, "f", b""), quota).await;
        if leased.function == function("f") && leased.claim.id == id(1) {
            ensure!(refused.is_err(), "what is leased does not count");
        }
        queue.settle(leased.claim, Settled::Done).await?;
        let _there_or_not = queue.put(message(6, "f", b""), quota).await;
    }
    for leased in queue.lease(want(20, 9)).await?.items {
        queue.settle(leased.claim, Settled::Done).await?;
    }
    empty(queue).await
}

async fn functions_take_turns(queue: &dyn Queue) -> Result<()> {
    for number in 0..20 {
        queue.put(message(number, "busy", b"x"), WIDE).await?;
    }
    queue.put(message(30, "rare", b"x"), WIDE).await?;
    let leased = queue.lease(want(100, 4)).await?.items;
    ensure!(leased.len() == 4, "gave {}", leased.len());
    ensure!(leased.iter().any(|it| it.function == function("rare")), "one keeps the other waiting");
    let own: Vec<_> = leased.iter().filter(|it| it.function == function("busy")).collect();
    ensure!(own.iter().map(|it| it.claim.id).eq([0, 1, 2].map(id)), "not in order: {own:?}");
    let skip = Want { skip: vec![function("busy")], ..want(100, 4) };
    ensure!(queue.lease(skip).await?.items.is_empty(), "gave what was not wanted");
    for leased in leased.iter().chain(&queue.lease(want(100, 99)).await?.items) {
        ensure!(queue.settle(leased.claim, Settled::Done).await?);
    }
    empty(queue).await
}

async fn dead_letters(queue: &dyn Queue) -> Result<()> {
    let scope = Scope::default();
    for (number, name) in [(1, "f"), (2, "f"), (3, "g"), (4, "f")] {
        queue.put(message(number, name, b"x"), WIDE).await?;
    }
    for leased in queue.lease(want(10, 9)).await?.items {
        if leased.claim.id != id(4) {
            queue.settle(leased.claim, Settled::Dead { error: "why".to_owned() }).await?;
        }
    }
    ensure!(queue.lease(want(900, 9)).await?.items.is_empty(), "gave a dead letter");
    let query = ListQuery { dead: true, limit: 2, ..ListQuery::default() };
    let page = queue.list(query.clone()).await?;
    ensure!(page.iter().map(|it| it.id).eq([1, 2].map(id)), "{page:?}");
    ensure!(page[0].error.as_deref() == Some("why") && page[0].state == State::Dead);
    let rest = queue.list(ListQuery { after: Some(id(2)), ..query }).await?;
    ensure!(rest.iter().map(|it| it.id).eq([id(3)]), "{rest:?}");
    let depth = queue.depth(&scope).await?;
    ensure!(depth.iter().map(|it| (it.waiting, it.dead)).eq([(1, 2), (0, 1)]), "{depth:?}");

    ensure!(!queue.requeue(&scope, id(4), at(0)).await?, "requeued what is not dead");
    ensure!(queue.requeue(&scope, id(1), at(0)).await?, "did not requeue");
    let again = queue.lease(want(900, 9)).await?.items;
    ensure!(again.len() == 1 && again[0].attempt == 1, "attempts are not counted anew: {again:?}");
    ensure!(queue.settle(again[0].claim, Settled::Dead { error: String::new() }).await?);
    ensure!(queue.purge(&scope, Purge::One(id(4))).await? == 0, "purged what is not dead");
    ensure!(queue.purge(&scope, Purge::One(id(2))).await? == 1);
    ensure!(queue.purge(&scope, Purge::Function(function("f").name)).await? == 1);
    ensure!(queue.purge(&scope, Purge::All).await? == 1);
    for leased in queue.lease(want(5000, 9)).await?.items {
        queue.settle(leased.claim, Settled::Done).await?;
    }
    empty(queue).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[tokio::test]
    async fn the_memory_version_conforms() -> Result<()> {
        conforms(&ports::memory::Queue::default()).await
    }

    proptest! {
        #[test]
        fn the_memory_version_loses_nothing_and_gives_nothing_twice(history in histories(60)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
            let queue = ports::memory::Queue::default();
            let done = runtime.block_on(holds(&queue, &history));
            prop_assert!(done.is_ok(), "{done:?}");
        }
    }
}
