//! What every version of the queue must do with the marks of schedules.

use super::{WIDE, at, empty, id, message, want};
use anyhow::{Result, ensure};
use model::Scope;
use ports::Queue;
use ports::queue::{Error, Mark, Marking, Quota, Settled, Tick, TriggerRef};

async fn mark(queue: &dyn Queue, trigger: &TriggerRef) -> Result<Option<Mark>> {
    Ok(queue.marks().await?.into_iter().find(|mark| mark.trigger == *trigger))
}

pub(super) async fn conform(queue: &dyn Queue) -> Result<()> {
    let scope = Scope::default();
    let trigger = TriggerRef { scope: scope.clone(), name: "nightly".parse()? };
    let elsewhere = Scope { environment: "other".parse()?, ..scope };
    let other = TriggerRef { scope: elsewhere, name: trigger.name.clone() };
    let tick = |rhythm, planned, message| Tick {
        trigger: trigger.clone(),
        rhythm,
        planned: at(planned),
        message,
    };
    ensure!(!queue.tick(tick(1, 5, None), WIDE).await?, "ticks without a mark");
    for how in [Marking::Pause, Marking::Resume { until: at(0) }, Marking::Forget] {
        ensure!(!queue.mark(trigger.clone(), how.clone()).await?, "{how:?} of nothing");
    }
    let begin = |rhythm, until| Marking::Begin { rhythm, until: at(until) };
    ensure!(queue.mark(trigger.clone(), begin(u64::MAX, 10)).await?);
    ensure!(queue.mark(other.clone(), begin(7, 0)).await?);
    ensure!(queue.mark(trigger.clone(), begin(u64::MAX, 99)).await?);
    let found = mark(queue, &trigger).await?;
    ensure!(found.is_some_and(|it| it.until == at(10) && it.last.is_none() && !it.paused));

    ensure!(!queue.tick(tick(u64::MAX, 10, None), WIDE).await?, "a time that was seen to");
    ensure!(!queue.tick(tick(1, 11, None), WIDE).await?, "a time of another rhythm");
    let put = |number, planned| tick(u64::MAX, planned, Some(message(number, "t", b"one")));
    ensure!(queue.tick(put(1, 20), WIDE).await?, "does not tick");
    ensure!(!queue.tick(put(2, 20), WIDE).await?, "ticks twice");
    ensure!(!queue.tick(put(2, 19), WIDE).await?, "ticks backwards");
    let none = Quota { messages: 1, bytes: 100 };
    let full = queue.tick(put(3, 30), none).await;
    ensure!(full == Err(Error::Quota { messages: 1, bytes: 3 }), "{full:?}");
    let found = mark(queue, &trigger).await?;
    ensure!(found.is_some_and(|it| it.until == at(20) && it.last == Some((at(20), id(1)))));
    // Its message is there, from whenever: it is seen to and not put again.
    ensure!(queue.tick(put(1, 30), WIDE).await?, "does not see to what is there");
    ensure!(queue.tick(tick(u64::MAX, 40, None), WIDE).await?, "does not let a time pass");
    let found = mark(queue, &trigger).await?;
    ensure!(found.is_some_and(|it| it.until == at(40) && it.last == Some((at(30), id(1)))));
    let leased = queue.lease(want(100, 9)).await?.items;
    ensure!(leased.len() == 1 && leased[0].claim.id == id(1), "{leased:?}");
    ensure!(queue.settle(leased[0].claim, Settled::Done).await?);

    ensure!(queue.mark(trigger.clone(), Marking::Pause).await?);
    ensure!(!queue.tick(put(4, 50), WIDE).await?, "ticks while it is paused");
    ensure!(queue.mark(trigger.clone(), Marking::Resume { until: at(60) }).await?);
    ensure!(!queue.tick(put(4, 60), WIDE).await?, "catches up on its pause");
    ensure!(queue.mark(trigger.clone(), Marking::Pause).await?);
    ensure!(queue.mark(trigger.clone(), begin(2, 70)).await?);
    let found = mark(queue, &trigger).await?;
    ensure!(found.is_some_and(|it| it.paused && it.rhythm == 2 && it.until == at(70)));

    ensure!(queue.mark(trigger.clone(), Marking::Forget).await?);
    ensure!(mark(queue, &trigger).await?.is_none() && mark(queue, &other).await?.is_some());
    ensure!(queue.mark(other, Marking::Forget).await?);
    empty(queue).await
}
