//! Workers that come, go, are late and die, in any order; and what must hold all the while.

use super::lots::lot;
use super::{EPOCH_US, WIDE, at, id, message};
use anyhow::{Result, ensure};
use model::{InvocationId, Scope, Timestamp};
use ports::Queue;
use ports::queue::{Claim, End, Leased, ListQuery, Message, Settled, State, Want};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Something that happens.
#[derive(Debug, Clone)]
pub enum Op {
    /// A message comes for one of three functions, perhaps with one of two keys and of one of two
    /// lots.
    Put(u8, Option<u8>, Option<u8>),
    /// A dead letter, if there is one, is tried again.
    Requeue(prop::sample::Index),
    /// A worker takes up to so many, for so long.
    Lease(usize, i64),
    /// A worker ends a lease that it was given at some time, whichever.
    Settle(prop::sample::Index, Settled),
    /// A worker ends some of them in one step.
    Together(Vec<(prop::sample::Index, Settled)>),
    /// A worker makes such a lease longer.
    Extend(prop::sample::Index, i64),
    /// Time passes.
    Pass(i64),
}

/// Histories of up to `most` ops.
pub fn histories(most: usize) -> impl Strategy<Value = Vec<Op>> {
    let settled = prop_oneof![
        4 => Just(Settled::Done),
        2 => (0i64..300).prop_map(|us| Settled::Retry { due: at(us), error: "no".to_owned() }),
        2 => (0i64..300).prop_map(|us| Settled::Release { due: at(us) }),
        1 => Just(Settled::Dead { error: "no".to_owned() }),
    ];
    let ends = prop::collection::vec((any::<prop::sample::Index>(), settled.clone()), 1..4);
    let lots = || prop::option::of(0u8..2);
    let op = prop_oneof![
        2 => (0u8..3, lots()).prop_map(|(function, lot)| Op::Put(function, None, lot)),
        2 => (0u8..3, 0u8..2, lots())
            .prop_map(|(function, key, lot)| Op::Put(function, Some(key), lot)),
        2 => ends.prop_map(Op::Together),
        1 => any::<prop::sample::Index>().prop_map(Op::Requeue),
        4 => (1usize..4, 1i64..60).prop_map(|(most, length)| Op::Lease(most, length)),
        4 => (any::<prop::sample::Index>(), settled).prop_map(|(which, how)| Op::Settle(which, how)),
        1 => (any::<prop::sample::Index>(), 1i64..60).prop_map(|(which, us)| Op::Extend(which, us)),
        2 => (1i64..50).prop_map(Op::Pass),
    ];
    prop::collection::vec(op, 1..most)
}

/// What is known of a message from outside.
#[derive(Debug, Default)]
struct Known {
    /// The last lease, and until when; `None` once it is settled.
    held: Option<(Claim, Timestamp)>,
    /// From when it may be given, and from when it has to be.
    due: i64,
    latest: i64,
    attempts: u32,
    /// Its function and its lot, as long as it has one.
    lot: Option<(u8, u8)>,
    over: Option<State>,
    /// Its function and its key, if it has one.
    line: Option<(u8, u8)>,
    /// When it was accepted, among all.
    turn: i64,
}

#[derive(Default)]
struct Model {
    now: i64,
    known: BTreeMap<InvocationId, Known>,
    /// Every lease that was ever given.
    claims: Vec<Claim>,
}

impl Model {
    async fn put(
        &mut self,
        queue: &dyn Queue,
        function: u8,
        key: Option<u8>,
        of: Option<u8>,
    ) -> Result<()> {
        self.now += 1;
        let number = u32::try_from(self.now)?;
        let name = ["f", "g", "h"][usize::from(function)];
        let order = key.map(|key| [key; 16]);
        let gathered = of.map(lot);
        let put = Message { order, lot: gathered, ..message(number, name, b"x") };
        queue.put(put, WIDE).await?;
        let line = key.map(|key| (function, key));
        let known = Known {
            due: self.now,
            latest: self.now + gathered.map_or(0, |lot| lot.window_us),
            line,
            lot: of.map(|of| (function, of)),
            turn: self.now,
            ..Known::default()
        };
        self.known.insert(id(number), known);
        Ok(())
    }

    async fn requeue(&mut self, queue: &dyn Queue, which: prop::sample::Index) -> Result<()> {
        let dead = self.known.iter().filter(|(_, it)| it.over == Some(State::Dead));
        let dead: Vec<InvocationId> = dead.map(|(id, _)| *id).collect();
        if dead.is_empty() {
            return Ok(());
        }
        let id = *which.get(&dead);
        self.now += 1;
        ensure!(
            queue.requeue(&Scope::default(), id, at(self.now)).await?,
            "{id} is no dead letter"
        );
        let Some(known) = self.known.get_mut(&id) else { anyhow::bail!("{id} never came") };
        (known.over, known.attempts, known.turn) = (None, 0, self.now);
        (known.due, known.latest) = (self.now, self.now);
        Ok(())
    }

    /// Whether another one of its key is before it.
    fn is_held_back(&self, known: &Known) -> bool {
        let before =
            |it: &Known| it.over.is_none() && it.line == known.line && it.turn < known.turn;
        known.line.is_some() && self.known.values().any(before)
    }

    async fn lease(&mut self, queue: &dyn Queue, most: usize, length: i64) -> Result<usize> {
        let until = at(self.now + length);
        let want = Want { now: at(self.now), until, most, skip: Vec::new() };
        let batch = queue.lease(want).await?;
        ensure!(batch.items.len() <= most, "gave more than was wanted");
        let taken = batch.items.len();
        for leased in &batch.items {
            self.goes_together(leased)?;
        }
        let all = batch.items.into_iter().flat_map(|mut first| {
            let rest = std::mem::take(&mut first.rest);
            std::iter::once(first).chain(rest)
        });
        for leased in all {
            let id = leased.claim.id;
            let Some(known) = self.known.get_mut(&id) else { anyhow::bail!("{id} never came") };
            ensure!(known.over.is_none(), "{id} was given after its end: {known:?}");
            ensure!(known.due <= self.now, "{id} was given before its time: {known:?}");
            if let Some((_, until)) = known.held {
                ensure!(until.0 <= EPOCH_US + self.now, "{id} has two workers: {known:?}");
            }
            if known.held.is_some() {
                // Whoever had it is gone.
                known.lot = None;
            }
            known.attempts += 1;
            ensure!(leased.attempt == known.attempts, "{leased:?} is attempt {}", known.attempts);
            known.held = Some((leased.claim, until));
            self.claims.push(leased.claim);
        }
        let ready = |it: &&Known| it.is_ready(self.now) && !self.is_held_back(it);
        let ready = self.known.values().filter(ready).count();
        ensure!(ready == 0 || taken == most, "{ready} wait, and {taken} of {most} were given");
        Ok(taken)
    }

    /// What is given with one message is of its lot, was never tried, and of a key each comes behind
    /// those before it.
    fn goes_together(&self, first: &Leased) -> Result<()> {
        let all: Vec<&Leased> = std::iter::once(first).chain(&first.rest).collect();
        let mut before: Vec<InvocationId> = Vec::new();
        for leased in &all {
            let id = leased.claim.id;
            let Some(known) = self.known.get(&id) else { anyhow::bail!("{id} never came") };
            let free = |other: &InvocationId, it: &Known| {
                it.over.is_some()
                    || it.line != known.line
                    || it.turn >= known.turn
                    || before.contains(other)
            };
            let all_before = self.known.iter().all(|(other, it)| free(other, it));
            ensure!(
                known.line.is_none() || all_before,
                "{id} was given before another one of its key"
            );
            if all.len() > 1 {
                let Some(own) = known.lot else { anyhow::bail!("{id} has no lot: {known:?}") };
                ensure!(all.len() <= usize::from(lot(own.1).most), "too many at once: {first:?}");
                ensure!(known.attempts == 0, "{id} failed and is not alone: {known:?}");
                let of = self.known.get(&first.claim.id).and_then(|known| known.lot);
                ensure!(of == Some(own), "{id} is of another lot: {known:?}");
            }
            before.push(id);
        }
        Ok(())
    }

    async fn settle(&mut self, queue: &dyn Queue, claim: Claim, how: &Settled) -> Result<()> {
        let settled = queue.settle(claim, how.clone()).await?;
        self.settled(claim, how, settled)
    }

    async fn together(&mut self, queue: &dyn Queue, ends: Vec<(Claim, Settled)>) -> Result<()> {
        let end = |(claim, how): &(Claim, Settled)| {
            let (claim, how) = (*claim, how.clone());
            End { claim, how, then: Vec::new() }
        };
        let settled = queue.settle_all(ends.iter().map(end).collect(), WIDE).await?;
        ensure!(settled.len() == ends.len(), "{} of {} are said", settled.len(), ends.len());
        for ((claim, how), settled) in ends.iter().zip(settled) {
            self.settled(*claim, how, settled)?;
        }
        Ok(())
    }

    fn settled(&mut self, claim: Claim, how: &Settled, settled: bool) -> Result<()> {
        let Some(known) = self.known.get_mut(&claim.id) else { anyhow::bail!("never came") };
        let last = known.held.is_some_and(|(held, _)| held == claim);
        ensure!(settled == last, "{claim:?} settled {settled}: {known:?}");
        if !last {
            return Ok(());
        }
        known.held = None;
        match how {
            Settled::Done => known.over = Some(State::Waiting),
            Settled::Dead { .. } => (known.over, known.lot) = (Some(State::Dead), None),
            Settled::Retry { due, .. } => {
                (known.due, known.latest) = (due.0 - EPOCH_US, due.0 - EPOCH_US);
                known.lot = None;
            }
            Settled::Release { due } => {
                (known.due, known.latest) = (due.0 - EPOCH_US, due.0 - EPOCH_US);
                known.attempts -= 1;
            }
        }
        Ok(())
    }

    async fn extend(&mut self, queue: &dyn Queue, claim: Claim, length: i64) -> Result<()> {
        let until = at(self.now + length);
        let extended = queue.extend(claim, until).await?;
        let Some(known) = self.known.get_mut(&claim.id) else { anyhow::bail!("never came") };
        let last = known.held.is_some_and(|(held, _)| held == claim);
        ensure!(extended == last, "{claim:?} extended {extended}: {known:?}");
        if last {
            known.held = Some((claim, until));
        }
        Ok(())
    }
}

impl Known {
    /// Whether it has to be given at this time.
    fn is_ready(&self, now: i64) -> bool {
        let free = self.held.is_none_or(|(_, until)| until.0 <= EPOCH_US + now);
        self.over.is_none() && self.latest <= now && free
    }
}

/// Runs a history on an empty queue: nothing has two workers at a time, nothing comes early, after its
/// end or before another one of its key, and in the end everything that came was done or is a dead letter.
///
/// # Errors
/// What did not hold.
pub async fn holds(queue: &dyn Queue, history: &[Op]) -> Result<()> {
    let mut model = Model::default();
    for op in history {
        match op {
            Op::Put(function, key, lot) => model.put(queue, *function, *key, *lot).await?,
            Op::Requeue(which) => model.requeue(queue, *which).await?,
            Op::Lease(most, length) => {
                model.lease(queue, *most, *length).await?;
            }
            Op::Pass(us) => model.now += us,
            Op::Settle(..) | Op::Extend(..) | Op::Together(_) if model.claims.is_empty() => {}
            Op::Settle(which, how) => {
                let claim = *which.get(&model.claims);
                model.settle(queue, claim, how).await?;
            }
            Op::Together(ends) => {
                let claims = model.claims.clone();
                let ends = ends.iter().map(|(which, how)| (*which.get(&claims), how.clone()));
                model.together(queue, ends.collect()).await?;
            }
            Op::Extend(which, length) => {
                let claim = *which.get(&model.claims);
                model.extend(queue, claim, *length).await?;
            }
        }
    }
    model.now += 1_000_000;
    let mut before = model.claims.len();
    while model.lease(queue, 3, 10).await? > 0 {
        for claim in model.claims.split_off(before) {
            model.settle(queue, claim, &Settled::Done).await?;
            model.claims.push(claim);
        }
        before = model.claims.len();
    }
    let left = queue.list(ListQuery { limit: usize::from(u16::MAX), ..ListQuery::default() });
    let left: Vec<_> = left.await?.into_iter().map(|it| (it.id, it.state)).collect();
    let dead = model.known.iter().filter(|(_, it)| it.over == Some(State::Dead));
    ensure!(left.iter().copied().eq(dead.map(|(id, _)| (*id, State::Dead))), "left: {left:?}");
    ensure!(model.known.values().all(|known| known.over.is_some()), "something was lost");
    let counted: u64 = queue.depth(&Scope::default()).await?.iter().map(|it| it.dead).sum();
    ensure!(counted == left.len() as u64, "{counted} counted, {} there", left.len());
    Ok(())
}
