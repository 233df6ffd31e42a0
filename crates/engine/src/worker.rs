//! What works the queue off: leases calls, tries them, and settles how that ended.
//!
//! A call that fails is tried again, each time after a longer wait: 1 to 2 s after the first
//! attempt, 4 to 8 s after the second, and so on up to 15 minutes; where in such a range is left to
//! chance, so that calls that failed together do not come back together.
//!
//! Where the end of a call is told is in `told.rs`, calls that are done in one are in `together.rs`.
//!
//! Invariant: a call is settled by the worker that has its last lease, and by nobody else; where
//! that is lost, the run is stopped.

mod together;
mod told;

use crate::invoke::Landed;
use crate::reply::Seen;
use crate::wiring::Engine;
use model::{Code, FunctionRef, Timestamp};
use ports::queue::{self, Claim, Leased, Message, Settled, Want};
use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use told::{Cause, Terms};

/// How long a lease holds that is not made longer.
const LEASE: Duration = Duration::from_secs(60);
/// How often a lease is made longer.
const RENEW: Duration = Duration::from_secs(20);
/// How long workers sleep if nobody wakes them.
const IDLE: Duration = Duration::from_secs(5);
/// How long they wait at least, and when the queue failed or there is no room for a call.
const BREATH: Duration = Duration::from_millis(10);
const PAUSE: Duration = Duration::from_secs(1);
/// How long they wait at most for a cap to begin anew.
const CAPPED_PAUSE: Duration = Duration::from_secs(60);
/// The longest wait after the first failure, what it is multiplied by, and the longest of all.
const FIRST_WAIT: Duration = Duration::from_secs(2);
const FACTOR: u32 = 4;
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);

impl Engine {
    /// Works the queue off with up to `width` calls at a time, until `stop` is ready; then finishes
    /// what is under way. If the future is dropped, that is stopped and tried again later.
    pub async fn work(self: Arc<Self>, width: usize, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        let mut under_way: JoinSet<FunctionRef> = JoinSet::new();
        let mut by_function: HashMap<FunctionRef, usize> = HashMap::new();
        loop {
            let room = width.saturating_sub(under_way.len());
            let mut wait = IDLE;
            if room > 0 && !self.draining() {
                let skip = crowded(&by_function, width);
                let batch = self.take(room, skip).await;
                wait = batch.1;
                for leased in batch.0 {
                    *by_function.entry(leased.function.clone()).or_default() += 1;
                    under_way.spawn(Arc::clone(&self).carry_all(leased));
                }
            }
            let room = width.saturating_sub(under_way.len());
            tokio::select! {
                () = &mut stop => break,
                ended = under_way.join_next(), if !under_way.is_empty() => {
                    leave(&mut by_function, ended);
                }
                () = self.backlog.woken(), if room > 0 => {}
                () = tokio::time::sleep(wait), if room > 0 => {}
            }
        }
        while under_way.join_next().await.is_some() {}
    }

    /// Leases what is due, and says how long to wait for more.
    async fn take(&self, most: usize, skip: Vec<FunctionRef>) -> (Vec<Leased>, Duration) {
        let now = self.parts.clock.wall();
        let want = Want { now, until: later(now, LEASE), most, skip };
        match self.parts.queue.lease(want).await {
            Ok(batch) => {
                let wait = batch.next.map_or(IDLE, |next| until(now, next));
                (batch.items, wait.clamp(BREATH, IDLE))
            }
            Err(error) => {
                tracing::warn!(%error, "the queue cannot be read");
                (Vec::new(), PAUSE)
            }
        }
    }

    /// One call from its lease to its end.
    async fn carry(self: Arc<Self>, leased: Leased) -> FunctionRef {
        let function = leased.function.clone();
        let Some(in_hand) = self.backlog.hold(leased.claim) else { return function };
        let terms = self.terms(&leased);
        let (landed, seen) = {
            let mut attempt = std::pin::pin!(self.attempt_or_give_up(&leased, &terms));
            loop {
                tokio::select! {
                    ended = &mut attempt => break ended,
                    () = tokio::time::sleep(RENEW) => {
                        let until = later(self.parts.clock.wall(), LEASE);
                        let held = self.parts.queue.extend(in_hand.claim(), until).await;
                        // A queue that fails says nothing about the lease.
                        if held == Ok(false) {
                            tracing::warn!(id = %leased.claim.id, "the lease of a queued call is lost; it is stopped here");
                            return function;
                        }
                    }
                }
            }
        };
        let cause = Cause::of(&landed);
        let settled = self.settled(&leased, &terms, landed);
        let then = self.then(&leased, &terms, &settled, cause, seen);
        if let Err(error) = self.put_away(in_hand.claim(), settled, then).await {
            tracing::error!(id = %leased.claim.id, %error, "a queued call could not be settled and will run again");
        }
        function
    }

    async fn attempt_or_give_up(
        self: &Arc<Self>,
        leased: &Leased,
        terms: &Terms,
    ) -> (Landed, Option<Seen>) {
        if let Some(landed) = self.over(leased, terms) {
            return (landed, None);
        }
        self.attempt(leased, terms.tells()).await
    }

    /// What is known to come of a call without trying it.
    fn over(&self, leased: &Leased, terms: &Terms) -> Option<Landed> {
        let age_us = self.parts.clock.wall().0.saturating_sub(leased.queued.0);
        if terms.age_us.is_some_and(|most| age_us > most) {
            return Some(Landed::TooOld);
        }
        // Whatever it was, it ended the node, or its worker, each time.
        let gives_up = leased.attempt > terms.attempts;
        gives_up.then(|| Landed::Failed("no attempt came to an end".to_owned()))
    }

    fn settled(&self, leased: &Leased, terms: &Terms, landed: Landed) -> Settled {
        let now = self.parts.clock.wall();
        let (id, function) = (leased.claim.id, &leased.function);
        let error = match landed {
            Landed::Done => return Settled::Done,
            Landed::NoRoom => return Settled::Release { due: later(now, PAUSE) },
            Landed::NotYet => return Settled::Release { due: now },
            // No longer than a while, since an operator may lift it.
            Landed::Capped(wait) => {
                return Settled::Release { due: later(now, wait.min(CAPPED_PAUSE)) };
            }
            Landed::Failed(error) if leased.attempt < terms.attempts => {
                let wait = wait_after(leased.attempt);
                tracing::debug!(%id, %function, error, attempt = leased.attempt, ?wait, "a queued call failed and is tried again");
                return Settled::Retry { due: later(now, wait), error };
            }
            Landed::TooOld => "it is older than its function takes".to_owned(),
            Landed::Failed(error) | Landed::Hopeless(error) => error,
        };
        let code = Code::GaveUp;
        tracing::error!(%id, %function, error, attempts = leased.attempt, "{code}: {}", code.title());
        Settled::Dead { error }
    }

    /// Settles a call and puts what comes of it, in one step.
    async fn put_away(
        &self,
        claim: Claim,
        how: Settled,
        then: Vec<Message>,
    ) -> Result<(), queue::Error> {
        let queue = &self.parts.queue;
        let (told, quota) = (!then.is_empty(), self.config.queue.quota);
        match queue.settle_with(claim, how.clone(), then, quota).await {
            Ok(_) if told => self.backlog.wake(),
            // It is kept, so that what nobody could be told can still be seen, and tried again.
            Err(queue::Error::Quota { .. }) if told => {
                let code = Code::ToldFull;
                let before = if let Settled::Dead { error } = how { error } else { String::new() };
                tracing::error!(id = %claim.id, "{code}: {}", code.title());
                let error = format!("{code}: {}. {before}", code.title());
                let error = error.trim_end().to_owned();
                queue.settle(claim, Settled::Dead { error }).await?;
            }
            Ok(_) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// Functions that hold half of the room or more: the others come first.
fn crowded(by_function: &HashMap<FunctionRef, usize>, width: usize) -> Vec<FunctionRef> {
    let most = (width / 2).max(1);
    let crowded = by_function.iter().filter(|(_, count)| **count >= most);
    crowded.map(|(function, _)| function.clone()).collect()
}

fn leave(
    by_function: &mut HashMap<FunctionRef, usize>,
    ended: Option<Result<FunctionRef, tokio::task::JoinError>>,
) {
    match ended {
        Some(Ok(function)) => {
            if let Some(count) = by_function.get_mut(&function) {
                *count -= 1;
                if *count == 0 {
                    by_function.remove(&function);
                }
            }
        }
        Some(Err(error)) => tracing::error!(%error, "a worker of the queue ended badly"),
        None => {}
    }
}

/// A chance time in the upper half of what is waited after this attempt.
fn wait_after(attempt: u32) -> Duration {
    let factor = FACTOR.saturating_pow(attempt.saturating_sub(1));
    let longest = FIRST_WAIT.saturating_mul(factor).min(LONGEST_WAIT);
    longest.mul_f64(0.5 + fastrand::f64() / 2.0)
}

fn later(now: Timestamp, by: Duration) -> Timestamp {
    now.plus_us(i64::try_from(by.as_micros()).unwrap_or(i64::MAX))
}

fn until(now: Timestamp, then: Timestamp) -> Duration {
    Duration::from_micros(u64::try_from(then.0.saturating_sub(now.0)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_are_bounded() {
        for (attempt, least, most) in [(1, 1, 2), (2, 4, 8), (3, 16, 32), (9, 450, 900)] {
            for _ in 0..50 {
                let wait = wait_after(attempt);
                let (least, most) = (Duration::from_secs(least), Duration::from_secs(most));
                assert!((least..=most).contains(&wait), "{attempt}: {wait:?}");
            }
        }
        assert!(wait_after(u32::MAX) <= LONGEST_WAIT);
    }
}
