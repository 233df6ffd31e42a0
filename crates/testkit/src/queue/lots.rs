//! What every version of the queue must do with messages that are given out together.

use super::{WIDE, at, empty, id, message, want};
use anyhow::{Result, ensure};
use model::{InvocationId, Scope};
use ports::Queue;
use ports::queue::{Batch, Claim, End, Error, Leased, Lot, Message, Quota, Settled, State};

/// A lot of up to three messages of nine bytes that wait for a hundred microseconds.
pub(super) const fn lot(key: u8) -> Lot {
    Lot { key: [key; 16], most: 3, bytes: 9, window_us: 100 }
}

fn of(number: u32, name: &str, key: u8) -> Message {
    Message { lot: Some(lot(key)), ..message(number, name, b"x") }
}

fn ordered(number: u32, order: u8) -> Message {
    Message { order: Some([order; 16]), ..of(number, "f", 1) }
}

/// The messages of each lease.
fn groups(batch: &Batch) -> Vec<Vec<InvocationId>> {
    let of = |first: &Leased| all(first).map(|it| it.claim.id).collect();
    batch.items.iter().map(of).collect()
}

fn all(first: &Leased) -> impl Iterator<Item = &Leased> {
    std::iter::once(first).chain(&first.rest)
}

fn end(claim: Claim, how: Settled) -> End {
    End { claim, how, then: Vec::new() }
}

async fn done(queue: &dyn Queue, batch: &Batch) -> Result<()> {
    let ends = batch.items.iter().flat_map(all).map(|it| end(it.claim, Settled::Done));
    let ended = queue.settle_all(ends.collect(), WIDE).await?;
    ensure!(ended.iter().all(|ended| *ended), "a lease that was given does not settle: {batch:?}");
    Ok(())
}

pub(super) async fn conform(queue: &dyn Queue) -> Result<()> {
    windows(queue).await?;
    bounds(queue).await?;
    failures(queue).await?;
    keys(queue).await?;
    late(queue).await?;
    together(queue).await?;
    empty(queue).await
}

/// They wait for one another for the window, or until there are enough.
async fn windows(queue: &dyn Queue) -> Result<()> {
    for (number, name, key) in [(1, "f", 1), (2, "f", 1), (3, "f", 2), (4, "g", 1)] {
        queue.put(of(number, name, key), WIDE).await?;
    }
    let early = queue.lease(want(100, 9)).await?;
    ensure!(early.items.is_empty() && early.next == Some(at(101)), "before its window: {early:?}");
    let first = queue.lease(want(101, 9)).await?;
    ensure!(groups(&first) == [[1, 2].map(id)], "not what waits of the lot: {first:?}");
    ensure!(first.items[0].rest[0].attempt == 1 && first.items[0].rest[0].rest.is_empty());
    let others = queue.lease(want(104, 9)).await?;
    let mut alone = groups(&others);
    alone.sort();
    ensure!(alone == [vec![id(3)], vec![id(4)]], "lots and functions are mixed: {others:?}");
    done(queue, &first).await?;
    done(queue, &others).await?;
    // As many as it takes do not wait, and what is left waits for others again.
    for number in 200..204 {
        queue.put(of(number, "f", 1), WIDE).await?;
    }
    let full = queue.lease(want(204, 9)).await?;
    ensure!(groups(&full) == [[200, 201, 202].map(id)], "{full:?}");
    ensure!(queue.lease(want(300, 9)).await?.items.is_empty(), "the rest does not wait");
    let rest = queue.lease(want(303, 9)).await?;
    ensure!(groups(&rest) == [[id(203)]], "{rest:?}");
    done(queue, &full).await?;
    done(queue, &rest).await
}

/// What does not fit goes with the next; what is not due is not taken along; a lot is one item.
async fn bounds(queue: &dyn Queue) -> Result<()> {
    let long = |number| Message { lot: Some(lot(1)), ..message(number, "f", b"12345") };
    queue.put(long(1), WIDE).await?;
    queue.put(long(2), WIDE).await?;
    queue.put(Message { due: at(900), ..of(3, "f", 1) }, WIDE).await?;
    let first = queue.lease(want(300, 1)).await?;
    ensure!(groups(&first) == [[id(1)]], "more bytes than the lot takes: {first:?}");
    let second = queue.lease(want(300, 1)).await?;
    ensure!(groups(&second) == [[id(2)]], "one that is not due is taken along: {second:?}");
    done(queue, &first).await?;
    done(queue, &second).await?;
    let third = queue.lease(want(1000, 1)).await?;
    ensure!(groups(&third) == [[id(3)]], "{third:?}");
    done(queue, &third).await
}

/// What failed goes alone, and so does what a worker had that is gone; what was given back does not.
async fn failures(queue: &dyn Queue) -> Result<()> {
    for number in 1..4 {
        queue.put(of(number, "f", 1), WIDE).await?;
    }
    let first = queue.lease(want(10, 9)).await?;
    ensure!(groups(&first) == [[1, 2, 3].map(id)], "{first:?}");
    let claims: Vec<Claim> = first.items.iter().flat_map(all).map(|it| it.claim).collect();
    let retry = Settled::Retry { due: at(20), error: "no".to_owned() };
    let release = || Settled::Release { due: at(20) };
    let ends = vec![end(claims[0], release()), end(claims[1], retry), end(claims[2], release())];
    ensure!(queue.settle_all(ends, WIDE).await? == [true; 3]);
    let again = queue.lease(want(20, 9)).await?;
    let mut found = groups(&again);
    found.sort();
    ensure!(found == [vec![id(1), id(3)], vec![id(2)]], "{again:?}");
    let attempts = again.items.iter().flat_map(all).map(|it| (it.claim.id, it.attempt));
    ensure!(attempts.filter(|(_, attempt)| *attempt == 2).eq([(id(2), 2)]), "{again:?}");
    // Their leases run out.
    let alone = queue.lease(want(1500, 9)).await?;
    ensure!(alone.items.len() == 3 && alone.items.iter().all(|it| it.rest.is_empty()), "{alone:?}");
    done(queue, &alone).await
}

/// One of a key goes with those before it, or not at all.
async fn keys(queue: &dyn Queue) -> Result<()> {
    let scope = Scope::default();
    for (number, order) in [(1, 1), (2, 1), (3, 2)] {
        queue.put(ordered(number, order), WIDE).await?;
    }
    let first = queue.lease(want(10, 9)).await?;
    ensure!(groups(&first) == [[1, 2, 3].map(id)], "not those of a key: {first:?}");
    let claims: Vec<Claim> = first.items.iter().flat_map(all).map(|it| it.claim).collect();
    queue.put(ordered(4, 1), WIDE).await?;
    // The first one fails, and so holds back the second, which was given with it, and the fourth.
    let retry = Settled::Retry { due: at(500), error: "no".to_owned() };
    let back = Settled::Release { due: at(10) };
    let ends = vec![end(claims[0], retry), end(claims[1], back), end(claims[2], Settled::Done)];
    ensure!(queue.settle_all(ends, WIDE).await? == [true; 3]);
    let held = queue.find(&scope, id(2)).await?;
    ensure!(held.is_some_and(|it| it.state == State::Waiting && it.attempts == 0));
    let none = queue.lease(want(499, 9)).await?;
    ensure!(none.items.is_empty() && none.next == Some(at(500)), "it is overtaken: {none:?}");
    let alone = queue.lease(want(500, 9)).await?;
    ensure!(groups(&alone) == [[id(1)]], "one that failed takes others along: {alone:?}");
    done(queue, &alone).await?;
    let rest = queue.lease(want(600, 9)).await?;
    ensure!(groups(&rest) == [[2, 4].map(id)], "{rest:?}");
    done(queue, &rest).await
}

/// A worker that is late with two of a key: nobody gets the second while the first is to be done.
async fn late(queue: &dyn Queue) -> Result<()> {
    for number in [1, 2, 3] {
        queue.put(ordered(number, 1), WIDE).await?;
    }
    let old = queue.lease(want(10, 9)).await?;
    ensure!(groups(&old) == [[1, 2, 3].map(id)], "{old:?}");
    let claims: Vec<Claim> = old.items.iter().flat_map(all).map(|it| it.claim).collect();
    ensure!(queue.extend(claims[1], at(3000)).await?, "one behind another is not extended");
    // The first one's lease ran out, and somebody else has it, alone.
    let new = queue.lease(want(1500, 9)).await?;
    ensure!(groups(&new) == [[id(1)]] && new.items[0].attempt == 2, "{new:?}");
    let ends = claims[..1].iter().map(|claim| end(*claim, Settled::Done)).collect();
    ensure!(queue.settle_all(ends, WIDE).await? == [false], "an old lease settles");
    // With the first one's end the second comes when its own lease is over.
    done(queue, &new).await?;
    ensure!(queue.lease(want(2999, 9)).await?.items.is_empty(), "it has two workers");
    let next = queue.lease(want(3000, 9)).await?;
    ensure!(groups(&next) == [[id(2)]] && next.items[0].attempt == 2, "{next:?}");
    ensure!(!queue.settle(claims[1], Settled::Done).await?, "an old lease settles");
    done(queue, &next).await?;
    let last = queue.lease(want(3100, 9)).await?;
    ensure!(groups(&last) == [[id(3)]], "{last:?}");
    done(queue, &last).await
}

/// All ends and what comes of them, or nothing; what is no last lease is left out.
async fn together(queue: &dyn Queue) -> Result<()> {
    let scope = Scope::default();
    for number in 1..4 {
        queue.put(of(number, "f", 1), WIDE).await?;
    }
    let leased = queue.lease(want(10, 9)).await?;
    let claims: Vec<Claim> = leased.items.iter().flat_map(all).map(|it| it.claim).collect();
    let old = Claim { fence: claims[1].fence + 7, ..claims[1] };
    let told = |number| vec![message(number, "g", b"four")];
    let ends = |first: Claim, second: Claim| {
        vec![
            End { claim: first, how: Settled::Done, then: told(20) },
            End { claim: second, how: Settled::Done, then: told(21) },
        ]
    };
    let narrow = Quota { messages: 1, bytes: 100 };
    let full = queue.settle_all(ends(claims[0], claims[1]), narrow).await;
    ensure!(full == Err(Error::Quota { messages: 1, bytes: 4 }), "{full:?}");
    ensure!(queue.find(&scope, id(20)).await?.is_none(), "half of it was put");
    ensure!(queue.extend(claims[0], at(9000)).await?, "half of it was settled");
    let ended = queue.settle_all(ends(claims[0], old), WIDE).await?;
    ensure!(ended == [true, false], "{ended:?}");
    ensure!(queue.find(&scope, id(21)).await?.is_none(), "something comes of an old lease");
    ensure!(queue.find(&scope, id(20)).await?.is_some(), "what comes of an end is lost");
    let rest = vec![end(claims[1], Settled::Done), end(claims[2], Settled::Done)];
    ensure!(queue.settle_all(rest, WIDE).await? == [true, true]);
    ensure!(queue.settle_all(Vec::new(), WIDE).await?.is_empty());
    let left = queue.lease(want(30, 9)).await?;
    ensure!(groups(&left) == [[id(20)]], "{left:?}");
    done(queue, &left).await
}
