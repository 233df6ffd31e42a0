//! What follows the schedules: one task with a heap of what is due next.
//!
//! When a time comes, it is marked as seen to, and its call is put into the queue, in one
//! transaction. So a node that ends around it neither loses the call nor makes it twice, and a clock
//! that goes back makes none twice.
//!
//! Invariant: at most [`AT_ONCE`] calls are made at a time, however many are due.

use super::{KIND, Schedule, number};
use crate::wiring::Engine;
use model::manifest::Missed;
use model::wire::v1::Caller;
use model::{Code, InvocationId, Problem, Timestamp};
use ports::queue::{Error, Mark, Marking, Tick, TriggerRef};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::{JoinError, JoinSet};

/// How late a time may be looked at and still not be missed.
const GRACE_US: i64 = 60_000_000;
/// Most times that were missed and are made up for, and most that are looked at late and were not.
const MISSED_MAX: usize = 100;
/// Schedules that are seen to at a time.
const AT_ONCE: usize = 256;
/// How often the clock is looked at, since it may jump.
const LOOK: Duration = Duration::from_secs(1);
/// How long a schedule waits when the queue has no room or fails.
const PAUSE_US: i64 = 5_000_000;

/// Wakes the task.
#[derive(Default)]
pub(crate) struct Timers {
    changed: Notify,
}

impl Timers {
    /// Schedules came, went, or were paused.
    pub(crate) fn changed(&self) {
        self.changed.notify_one();
    }
}

/// A schedule in the heap.
struct Due {
    at: Timestamp,
    /// Times up to this one were seen to.
    after: Timestamp,
    schedule: Arc<Schedule>,
}

impl Due {
    fn key(&self) -> (Timestamp, &TriggerRef) {
        (self.at, &self.schedule.trigger)
    }

    /// Its next time, if one comes.
    fn next(schedule: Arc<Schedule>, after: Timestamp) -> Option<Self> {
        let at = schedule.rhythm.next(after)?;
        Some(Self { at, after, schedule })
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

type Heap = BinaryHeap<Reverse<Due>>;

/// Whether a mark was changed, or is gone.
fn marked(ended: Result<Result<bool, Error>, JoinError>) -> Result<(), Problem> {
    let changed = ended.map_err(|error| Problem::new(Code::Internal).internal(error))?;
    Ok(changed.map(|_there| ())?)
}

impl Engine {
    /// Follows the schedules until `stop` is ready.
    pub async fn follow_schedules(self: Arc<Self>, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        loop {
            let followed = async {
                match self.all_due().await {
                    Ok(mut heap) => self.follow(&mut heap).await,
                    Err(problem) => {
                        tracing::warn!(%problem, internal = problem.internal, "schedules cannot be followed");
                        tokio::time::sleep(LOOK).await;
                    }
                }
            };
            tokio::select! {
                () = &mut stop => return,
                () = followed => {}
            }
        }
    }

    /// What is due next of every schedule; makes and removes their marks.
    async fn all_due(&self) -> Result<Heap, Problem> {
        let queue = &self.parts.queue;
        let marks = queue.marks().await?;
        let mut marks: HashMap<TriggerRef, Mark> =
            marks.into_iter().map(|mark| (mark.trigger.clone(), mark)).collect();
        let schedules: Vec<Arc<Schedule>> = {
            let catalog = self.catalog.load();
            let functions = catalog.views().flat_map(|(_, view)| view.functions.values());
            functions.flat_map(|function| function.schedules.iter().map(Arc::clone)).collect()
        };
        let now = self.parts.clock.wall();
        let mut heap = Heap::with_capacity(schedules.len());
        let mut changes = Vec::new();
        for schedule in schedules {
            let known = marks.remove(&schedule.trigger);
            let paused = known.as_ref().is_some_and(|mark| mark.paused);
            let same = known.filter(|mark| mark.rhythm == schedule.number);
            let after = same.map_or_else(
                || {
                    let begin = Marking::Begin { rhythm: schedule.number, until: now };
                    changes.push((schedule.trigger.clone(), begin));
                    now
                },
                |mark| mark.until,
            );
            if !paused {
                heap.extend(Due::next(schedule, after).map(Reverse));
            }
        }
        changes.extend(marks.into_keys().map(|gone| (gone, Marking::Forget)));
        self.mark_all(changes).await?;
        Ok(heap)
    }

    /// Changes marks, [`AT_ONCE`] of them at a time: the queue writes together what comes together.
    async fn mark_all(&self, changes: Vec<(TriggerRef, Marking)>) -> Result<(), Problem> {
        let mut under_way = JoinSet::new();
        for (trigger, how) in changes {
            if under_way.len() == AT_ONCE
                && let Some(ended) = under_way.join_next().await
            {
                marked(ended)?;
            }
            let queue = Arc::clone(&self.parts.queue);
            under_way.spawn(async move { queue.mark(trigger, how).await });
        }
        while let Some(ended) = under_way.join_next().await {
            marked(ended)?;
        }
        Ok(())
    }

    /// Sees to what is due, until the schedules change.
    async fn follow(self: &Arc<Self>, heap: &mut Heap) {
        loop {
            let now = self.parts.clock.wall();
            let mut under_way = JoinSet::new();
            while under_way.len() < AT_ONCE
                && heap.peek().is_some_and(|due| due.0.at <= now)
                && let Some(Reverse(due)) = heap.pop()
            {
                under_way.spawn(Arc::clone(self).see_to(due, now));
            }
            let wait = if under_way.is_empty() {
                let next = heap.peek().map_or(i64::MAX, |due| due.0.at.0.saturating_sub(now.0));
                Duration::from_micros(next.unsigned_abs()).min(LOOK)
            } else {
                Duration::ZERO
            };
            while let Some(ended) = under_way.join_next().await {
                match ended {
                    Ok(next) => heap.extend(next.map(Reverse)),
                    Err(error) => {
                        tracing::error!(%error, "a schedule was left");
                        self.timers.changed();
                    }
                }
            }
            tokio::select! {
                () = self.timers.changed.notified() => return,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Sees to the times of a schedule up to `now`. Gives when to come again.
    async fn see_to(self: Arc<Self>, due: Due, now: Timestamp) -> Option<Due> {
        let Due { schedule, mut after, .. } = due;
        let missed = schedule.spec.missed;
        // The last moment whose time is missed: what came later is not, so all of it runs.
        let edge = now.plus_us(-GRACE_US - 1);
        let most = if missed == Missed::All { MISSED_MAX } else { 1 };
        let mut times = schedule.rhythm.between(after, edge, most);
        times.extend(schedule.rhythm.between(after.max(edge), now, MISSED_MAX));
        let may = self.may_run(&schedule);
        for planned in times {
            let late = planned <= edge;
            let runs = may && !(late && missed == Missed::Skip);
            match self.tick(&schedule, planned, now, runs).await {
                Ok(true) => after = planned,
                // Somebody paused or replaced it, and says so.
                Ok(false) => return None,
                Err(problem) => {
                    let name = &schedule.trigger;
                    tracing::warn!(schedule = %name, %problem, internal = problem.internal, "a schedule has to wait");
                    return Some(Due { at: now.plus_us(PAUSE_US), after, schedule });
                }
            }
        }
        Due::next(schedule, after)
    }

    fn may_run(&self, schedule: &Schedule) -> bool {
        let catalog = self.catalog.load();
        let view = catalog.view(&schedule.function.scope);
        let function = view.and_then(|view| view.functions.get(&schedule.function.name));
        let Some(function) = function else { return false };
        match function.admits(&schedule.spec.name, KIND) {
            Ok(()) => true,
            Err(denial) => {
                tracing::debug!(schedule = %schedule.trigger, %denial, "a schedule may not run");
                false
            }
        }
    }

    async fn tick(
        &self,
        schedule: &Schedule,
        planned: Timestamp,
        now: Timestamp,
        runs: bool,
    ) -> Result<bool, Problem> {
        let chance = number(&[&schedule.trigger.to_string(), &planned.0.to_string()]);
        let message = if runs {
            // The same for the same time, whoever makes it.
            let id = InvocationId::from_parts(planned.0, chance.to_be_bytes());
            let caller = Caller::Trigger(schedule.spec.name.clone());
            let call = schedule.call(caller, planned, &planned.to_string());
            let jitter = schedule.spec.jitter.map_or(0, |jitter| jitter.ms.saturating_mul(1000));
            let later = chance.checked_rem(jitter).unwrap_or(0);
            let due = planned.plus_us(i64::try_from(later).unwrap_or(0));
            Some(schedule.message(id, &call, now, due)?)
        } else {
            None
        };
        let (trigger, rhythm) = (schedule.trigger.clone(), schedule.number);
        let tick = Tick { trigger, rhythm, planned, message };
        let ticked = self.parts.queue.tick(tick, self.config.queue.quota).await?;
        if ticked && runs {
            self.backlog.wake();
        }
        Ok(ticked)
    }
}
