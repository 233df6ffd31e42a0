//! What every version of the queue must do with events that are published.

use super::{EPOCH_US, WIDE, at, empty, message, want};
use anyhow::{Result, ensure};
use model::Scope;
use ports::Queue;
use ports::queue::{Error, Post, Publication, Quota, Settled};

fn publication(now: i64, posts: Vec<Post>) -> Publication {
    Publication { scope: Scope::default(), posts, now: at(now), until: at(now + 1000) }
}

fn post(mark: u8, numbers: &[u32]) -> Post {
    let messages = numbers.iter().map(|&number| message(number, "e", b"one")).collect();
    Post { mark: [mark; 16], messages }
}

async fn waiting(queue: &dyn Queue) -> Result<Vec<i64>> {
    let query = ports::queue::ListQuery { limit: 99, ..Default::default() };
    Ok(queue.list(query).await?.iter().map(|it| it.queued.0 - EPOCH_US).collect())
}

pub(super) async fn conform(queue: &dyn Queue) -> Result<()> {
    let both = publication(10, vec![post(1, &[1, 2]), post(2, &[])]);
    ensure!(queue.publish(both.clone(), WIDE).await? == [true, true], "new events are not new");
    ensure!(waiting(queue).await? == [1, 2]);
    let again = publication(20, vec![post(2, &[8]), post(1, &[9]), post(3, &[3])]);
    ensure!(queue.publish(again, WIDE).await? == [false, false, true], "an event is taken twice");
    ensure!(waiting(queue).await? == [1, 2, 3], "a call is made twice");
    let twice = publication(30, vec![post(4, &[4]), post(4, &[5])]);
    ensure!(queue.publish(twice, WIDE).await? == [true, false], "twice in one publication");
    ensure!(waiting(queue).await? == [1, 2, 3, 4]);

    // All of it or nothing: the second has no room.
    let quota = Quota { messages: 5, bytes: 100 };
    let large = publication(40, vec![post(5, &[5]), post(6, &[6])]);
    let full = queue.publish(large.clone(), quota).await;
    ensure!(matches!(full, Err(Error::Quota { messages: 5, .. })), "{full:?}");
    ensure!(waiting(queue).await? == [1, 2, 3, 4], "half of it was put");
    ensure!(queue.publish(large, WIDE).await? == [true, true], "what was refused is marked");

    let elsewhere = Scope { environment: "other".parse()?, ..Scope::default() };
    let other = Publication { scope: elsewhere, ..publication(50, vec![post(1, &[])]) };
    ensure!(queue.publish(other, WIDE).await? == [true], "environments share events");
    ensure!(queue.publish(publication(1009, vec![post(1, &[])]), WIDE).await? == [false]);
    let later = publication(1010, vec![post(1, &[7])]);
    ensure!(queue.publish(later.clone(), WIDE).await? == [true], "it is remembered for ever");
    ensure!(queue.publish(later, WIDE).await? == [false], "it is not remembered again");
    for leased in queue.lease(want(2000, 99)).await?.items {
        ensure!(queue.settle(leased.claim, Settled::Done).await?);
    }
    empty(queue).await
}
