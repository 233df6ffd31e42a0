//! Moving all that is stored to the newest epoch, while the node runs.
//!
//! That it was begun stands in the ledger and in the registry, and so does that it was finished: a
//! node that died between goes on with it at its next start. What was moved already is known by its
//! own epoch, so nothing is done twice.
//!
//! Invariant: one at a time.

use super::things::{Counted, Tally, Things};
use crate::clock::SystemClock;
use model::act::Act;
use model::api::KeyRewrap;
use model::key::Epoch;
use model::{Code, Problem};
use parking_lot::Mutex;
use ports::{Clock as _, KeyRing as _};
use std::sync::Arc;
use store_sqlite::Store;
use store_sqlite::epochs;
use tokio::task::JoinHandle;

/// Facts about the home that say that one was begun, by its entry in the ledger.
const BEGUN: &str = "rewrap-begun-";
/// Facts about the home that say that it was finished.
const FINISHED: &str = "rewrap-finished-";
/// Passes over everything, at most: one that is not the first finds what moved meanwhile.
const PASSES_MAX: u32 = 8;

/// The one rewrap of a node.
pub(crate) struct Rewrap {
    things: Arc<Things>,
    store: Store,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    shown: Option<KeyRewrap>,
    task: Option<JoinHandle<()>>,
}

impl State {
    fn shown(&mut self) -> Option<KeyRewrap> {
        let dead = self.task.as_ref().is_some_and(JoinHandle::is_finished);
        if let Some(shown) = self.shown.as_mut().filter(|shown| shown.running && dead) {
            // It panicked: whoever ends in good order says so before.
            (shown.running, shown.left) = (false, shown.left.max(1));
        }
        self.shown.clone()
    }

    /// The right to be the one that is under way.
    fn claim(&mut self, epoch: Epoch) -> Result<KeyRewrap, Problem> {
        if self.shown().is_some_and(|shown| shown.running) {
            return Err(Problem::new(Code::RewrapRunning));
        }
        let shown = KeyRewrap {
            epoch: epoch.0,
            running: true,
            began: SystemClock.wall(),
            ended: None,
            moved: 0,
            left: 0,
        };
        *self = Self { shown: Some(shown.clone()), task: None };
        Ok(shown)
    }

    fn end(&mut self, left: u64) {
        if let Some(shown) = &mut self.shown {
            shown.running = false;
            shown.ended = Some(SystemClock.wall());
            shown.left = shown.left.max(left);
        }
    }
}

impl Rewrap {
    pub(crate) fn new(things: Arc<Things>, store: Store) -> Self {
        Self { things, store, state: Mutex::default() }
    }

    /// The last one since the node started.
    pub(crate) fn shown(&self) -> Option<KeyRewrap> {
        self.state.lock().shown()
    }

    pub(super) fn is_running(&self) -> bool {
        self.shown().is_some_and(|shown| shown.running)
    }

    /// Begins one. Whoever calls has the turn.
    ///
    /// # Errors
    /// `E0337` if one is under way.
    pub(super) async fn begin(self: &Arc<Self>, actor: &str) -> Result<KeyRewrap, Problem> {
        let shown = self.state.lock().claim(self.things.ring.epoch())?;
        let epoch = Epoch(shown.epoch);
        match self.enter(actor, epoch).await {
            Ok(leaf) => {
                self.run(leaf);
                Ok(shown)
            }
            Err(problem) => {
                self.state.lock().shown = None;
                Err(problem)
            }
        }
    }

    async fn enter(&self, actor: &str, epoch: Epoch) -> Result<u64, Problem> {
        let leaf = self.things.engine.note(actor, Act::KeyRewrap { epoch }).await?;
        let fact = format!("{BEGUN}{leaf}");
        self.store.put_meta_if_absent(&fact, &epoch.0.to_string()).await?;
        Ok(leaf)
    }

    /// Goes on with one that was begun and not finished.
    pub(crate) async fn resume(self: Arc<Self>) {
        if let Err(problem) = self.go_on().await {
            let internal = problem.internal.as_deref();
            tracing::error!(%problem, internal, "moving what is stored to the newest epoch did not go on");
        }
    }

    async fn go_on(self: &Arc<Self>) -> Result<(), Problem> {
        let finished = self.store.facts(FINISHED).await?;
        let is_open = |leaf: &str| !finished.iter().any(|(done, _)| done == leaf);
        let begun = self.store.facts(BEGUN).await?;
        let open = begun.iter().filter(|(leaf, _)| is_open(leaf));
        let mut open: Vec<u64> = open.filter_map(|(leaf, _)| leaf.parse().ok()).collect();
        open.sort_unstable();
        let Some((last, before)) = open.split_last() else { return Ok(()) };
        for leaf in before {
            // The last does what they would have done.
            self.finished(*leaf, *last).await?;
        }
        tracing::info!("moving what is stored to the newest epoch goes on");
        self.state.lock().claim(self.things.ring.epoch())?;
        self.run(*last);
        Ok(())
    }

    /// The newest epoch that one was begun towards that is finished.
    pub(super) async fn reached(&self) -> Result<Option<Epoch>, Problem> {
        let finished = self.store.facts(FINISHED).await?;
        let is_finished = |leaf: &str| finished.iter().any(|(done, _)| done == leaf);
        let begun = self.store.facts(BEGUN).await?;
        let done = begun.iter().filter(|(leaf, _)| is_finished(leaf));
        Ok(done.filter_map(|(_, epoch)| epoch.parse().ok()).max().map(Epoch))
    }

    /// Leaves it where it is. The next start goes on.
    pub(crate) fn stop(&self) {
        if let Some(task) = self.state.lock().task.take() {
            task.abort();
        }
    }

    /// Does it. Whoever calls has claimed it.
    fn run(self: &Arc<Self>, leaf: u64) {
        let own = Arc::clone(self);
        let task = tokio::spawn(async move { own.work(leaf).await });
        self.state.lock().task = Some(task);
    }

    async fn work(&self, leaf: u64) {
        let ended = match self.passes().await {
            Ok((epoch, tally, left)) => self.end(leaf, epoch, tally, left).await,
            Err(problem) => Err(problem),
        };
        if let Err(problem) = &ended {
            let internal = problem.internal.as_deref();
            tracing::error!(%problem, internal, "moving what is stored to the newest epoch stopped; it goes on at the next start");
        }
        // Whatever stopped it, something may be left.
        self.state.lock().end(u64::from(ended.is_err()));
    }

    /// Goes over everything until nothing is older, or nothing moves any more.
    async fn passes(&self) -> Result<(Epoch, Tally, u64), Problem> {
        let mut all = Tally::default();
        for _ in 0..PASSES_MAX {
            let before = all.moved;
            let heard = |tally: Tally| self.hear(before + tally.moved);
            let tally = self.things.pass(&heard).await?;
            all = Tally { moved: before + tally.moved, damaged: tally.damaged };
            if tally.moved == 0 {
                break;
            }
        }
        let epoch = self.things.ring.epoch();
        let left = self.things.count().await?.count;
        let left = left.iter().filter(|((of, kind), _)| *of < epoch && is_moved(kind));
        Ok((epoch, all, left.map(|(_, count)| count).sum::<u64>().max(all.damaged)))
    }

    fn hear(&self, moved: u64) {
        if let Some(shown) = &mut self.state.lock().shown {
            shown.moved = moved;
        }
    }

    async fn end(&self, leaf: u64, epoch: Epoch, tally: Tally, left: u64) -> Result<(), Problem> {
        let act = Act::KeyRewrapped { epoch, moved: tally.moved, left };
        let end = self.things.engine.note("casemate", act).await?;
        self.finished(leaf, end).await?;
        if let Some(shown) = &mut self.state.lock().shown {
            (shown.epoch, shown.moved, shown.left) = (epoch.0, tally.moved, left);
        }
        tracing::info!(
            epoch = epoch.0,
            moved = tally.moved,
            left,
            "what is stored is sealed with the newest epoch"
        );
        Ok(())
    }

    async fn finished(&self, leaf: u64, end: u64) -> Result<(), Problem> {
        let fact = format!("{FINISHED}{leaf}");
        self.store.put_meta_if_absent(&fact, &end.to_string()).await?;
        Ok(())
    }
}

/// Whether things of a kind are moved at all; the others go with time.
fn is_moved(kind: &str) -> bool {
    kind != epochs::UPLOADS
}

/// Refuses to take an epoch out that something is left of.
pub(super) fn expect_none(epoch: Epoch, counted: &Counted) -> Result<(), Problem> {
    let of = counted.count.iter().filter(|((of, _), count)| *of == epoch && **count > 0);
    let left = of.map(|((_, kind), count)| format!("{count} {kind}"));
    let unknown = counted.uncounted.iter().map(|what| format!("{what} (they cannot be read)"));
    let left: Vec<String> = left.chain(unknown).collect();
    if left.is_empty() {
        return Ok(());
    }
    Err(Problem::new(Code::EpochInUse).detail(format!("epoch {}: {}", epoch.0, left.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_at_a_time_and_one_that_died_is_over() {
        let mut state = State::default();
        assert_eq!(state.claim(Epoch(2)).map(|shown| shown.epoch), Ok(2));
        for task in [None, Some(tokio::spawn(std::future::pending()))] {
            state.task = task;
            assert_eq!(state.claim(Epoch(2)).map_err(|it| it.code), Err(Code::RewrapRunning));
        }
        state.end(0);
        let over = state.shown().expect("one");
        assert!(!over.running && over.left == 0 && over.ended.is_some(), "{over:?}");
        assert!(state.claim(Epoch(3)).is_ok(), "the next may begin");
        let task = tokio::spawn(async { panic!("a test's") });
        while !task.is_finished() {
            tokio::task::yield_now().await;
        }
        state.task = Some(task);
        let dead = state.shown().expect("one");
        assert!(!dead.running && dead.left == 1, "{dead:?}");
        assert!(state.claim(Epoch(3)).is_ok());
    }

    #[test]
    fn an_epoch_is_refused_with_all_that_is_left_of_it() {
        let mut counted = Counted::default();
        counted.count.insert((Epoch(2), epochs::SECRETS), 3);
        counted.count.insert((Epoch(2), epochs::CALLS), 0);
        assert!(expect_none(Epoch(3), &counted).is_ok());
        let refused = expect_none(Epoch(2), &counted).expect_err("three secrets");
        assert_eq!(refused.code, Code::EpochInUse);
        assert_eq!(refused.detail.as_deref(), Some("epoch 2: 3 secrets"));
        counted.uncounted.push("certificates".to_owned());
        assert!(expect_none(Epoch(3), &counted).is_err(), "nobody knows what cannot be counted");
    }
}
