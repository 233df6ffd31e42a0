//! Calls that are done in one, from their leases to their ends.

use super::told::{Cause, Terms};
use super::{LEASE, RENEW, later};
use crate::backlog::InHand;
use crate::batch::Batching;
use crate::invoke::Ended;
use crate::wiring::Engine;
use model::{FunctionRef, InvocationId};
use ports::queue::{self, Claim, End, Leased, Settled};
use std::collections::BTreeSet;
use std::sync::Arc;

impl Engine {
    /// What was leased together, from the leases to the ends.
    pub(super) async fn carry_all(self: Arc<Self>, mut first: Leased) -> FunctionRef {
        let function = first.function.clone();
        let rest = std::mem::take(&mut first.rest);
        match self.batching(&first) {
            Some(batching) => {
                let all = std::iter::once(first).chain(rest).collect();
                self.carry_batch(all, &batching).await;
                function
            }
            None => {
                // Its function wanted them together when they were put, and does so no more.
                self.give_back(&rest).await;
                self.carry(first).await
            }
        }
    }

    async fn carry_batch(self: &Arc<Self>, all: Vec<Leased>, batching: &Batching) {
        let Some(terms) = all.first().map(|first| self.terms(first)) else { return };
        let (mut leased, mut hands, mut behind) = (Vec::new(), Vec::new(), Vec::new());
        let mut elsewhere: BTreeSet<[u8; 16]> = BTreeSet::new();
        for one in all {
            if one.order.is_some_and(|key| elsewhere.contains(&key)) {
                behind.push(one);
            } else if let Some(in_hand) = self.backlog.hold(one.claim) {
                hands.push(in_hand);
                leased.push(one);
            } else {
                elsewhere.extend(one.order);
            }
        }
        self.give_back(&behind).await;
        let ended = tokio::select! {
            ended = self.attempt_all(&leased, &terms, batching) => ended,
            id = self.renewed_until_lost(&hands) => {
                tracing::warn!(%id, "the lease of a queued call is lost; all that is done with it is stopped here");
                return;
            }
        };
        let claims: Vec<Claim> = hands.iter().map(InHand::claim).collect();
        // Nothing of it runs any more, so whoever is given one of them from now on may run it.
        drop(hands);
        let ends = leased.iter().zip(claims).zip(ended).map(|((leased, claim), (landed, seen))| {
            let cause = Cause::of(&landed);
            let how = self.settled(leased, &terms, landed);
            let then = self.then(leased, &terms, &how, cause, seen);
            End { claim, how, then }
        });
        self.put_all_away(ends.collect()).await;
    }

    async fn attempt_all(
        self: &Arc<Self>,
        leased: &[Leased],
        terms: &Terms,
        batching: &Batching,
    ) -> Vec<Ended> {
        let over = leased.iter().map(|one| self.over(one, terms)).collect();
        self.attempt_together(leased, over, batching).await
    }

    /// Makes leases longer for as long as they can be. Which one could not.
    async fn renewed_until_lost(&self, hands: &[InHand<'_>]) -> InvocationId {
        loop {
            tokio::time::sleep(RENEW).await;
            for in_hand in hands {
                let (claim, until) = (in_hand.claim(), later(self.parts.clock.wall(), LEASE));
                // A queue that fails says nothing about the lease.
                if self.parts.queue.extend(claim, until).await == Ok(false) {
                    return claim.id;
                }
            }
        }
    }

    /// Settles calls and puts what comes of them, in one step.
    async fn put_all_away(&self, ends: Vec<End>) {
        let told = ends.iter().any(|end| !end.then.is_empty());
        match self.parts.queue.settle_all(ends.clone(), self.config.queue.quota).await {
            Ok(_) if told => self.backlog.wake(),
            Ok(_) => {}
            // What has room is put, and what has none is kept as a dead letter.
            Err(queue::Error::Quota { .. }) if told => {
                for End { claim, how, then } in ends {
                    if let Err(error) = self.put_away(claim, how, then).await {
                        unsettled(claim.id, &error);
                    }
                }
            }
            Err(error) => ends.iter().for_each(|end| unsettled(end.claim.id, &error)),
        }
    }

    /// Gives back what was not tried.
    async fn give_back(&self, leased: &[Leased]) {
        if leased.is_empty() {
            return;
        }
        let due = self.parts.clock.wall();
        let end = |one: &Leased| End {
            claim: one.claim,
            how: Settled::Release { due },
            then: Vec::new(),
        };
        self.put_all_away(leased.iter().map(end).collect()).await;
        self.backlog.wake();
    }
}

fn unsettled(id: InvocationId, error: &queue::Error) {
    tracing::error!(%id, %error, "a queued call could not be settled and will run again");
}
