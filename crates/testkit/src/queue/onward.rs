//! What every version of the queue must do with messages that come of the end of another one.

use super::{WIDE, at, empty, function, id, message, want};
use anyhow::{Result, ensure};
use model::Scope;
use ports::Queue;
use ports::queue::{Error, Quota, Settled, State};

pub(super) async fn conform(queue: &dyn Queue) -> Result<()> {
    let scope = Scope::default();
    queue.put(message(1, "f", b"one"), WIDE).await?;
    let first = queue.lease(want(10, 1)).await?.items.remove(0).claim;
    // Nothing comes of a lease that is not the last one.
    let last = queue.lease(want(1010, 1)).await?.items.remove(0).claim;
    let two = || vec![message(2, "g", b"two"), message(3, "h", b"three")];
    ensure!(!queue.settle_with(first, Settled::Done, two(), WIDE).await?, "an old lease settles");
    ensure!(queue.find(&scope, id(2)).await?.is_none(), "an old lease puts messages");
    // All of it or nothing: the second has no room.
    let narrow = Quota { messages: 1, bytes: 4 };
    let full = queue.settle_with(last, Settled::Done, two(), narrow).await;
    ensure!(full == Err(Error::Quota { messages: 0, bytes: 0 }), "{full:?}");
    for number in [2, 3] {
        ensure!(queue.find(&scope, id(number)).await?.is_none(), "half of it was put");
    }
    let held = queue.find(&scope, id(1)).await?;
    ensure!(held.is_some_and(|it| it.state == State::Leased), "it was settled all the same");
    ensure!(queue.extend(last, at(9000)).await?, "its lease is over");
    ensure!(queue.settle_with(last, Settled::Done, two(), WIDE).await?, "it does not settle");
    ensure!(queue.find(&scope, id(1)).await?.is_none(), "what is done is still there");
    ensure!(!queue.settle_with(last, Settled::Done, vec![message(4, "g", b"")], WIDE).await?);
    ensure!(queue.find(&scope, id(4)).await?.is_none(), "it settles twice");
    let depth = queue.depth(&scope).await?;
    let counts: Vec<_> = depth.iter().map(|it| (it.waiting, it.bytes)).collect();
    ensure!(counts == [(1, 3), (1, 5)], "{depth:?}");
    // The room of what is done is free for what comes of it, and a dead letter keeps its own.
    let leased = queue.lease(want(20, 9)).await?.items;
    let own = Quota { messages: 1, bytes: 5 };
    for one in leased {
        let same = one.function.name.as_str() == "g";
        let name = if same { "g" } else { "h" };
        let then = vec![message(10, name, b"x")];
        let how = if same { Settled::Done } else { Settled::Dead { error: "no".to_owned() } };
        let settled = queue.settle_with(one.claim, how, then, own).await;
        ensure!(settled.is_ok() == same, "{name}: {settled:?}");
        if !same {
            let dead = Settled::Dead { error: "no".to_owned() };
            ensure!(queue.settle_with(one.claim, dead, Vec::new(), own).await?);
        } else {
            let next = queue.lease(want(20, 9)).await?.items;
            ensure!(next.len() == 1 && next[0].function == function("g"), "{next:?}");
            ensure!(queue.settle(next[0].claim, Settled::Done).await?);
        }
    }
    ensure!(queue.purge(&scope, ports::queue::Purge::All).await? == 1);
    empty(queue).await
}
