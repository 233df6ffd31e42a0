//! The table: acts, what must come of each, and what must hold afterwards.
//!
//! Invariant: after every act, whatever it was, [`Watch`] checks that nothing was half-done: a
//! refusal changes nothing, a change has one leaf, one checkpoint and whole tiles, and the changes
//! that were handed out lead a reader's copy to exactly what the registry holds.

use super::{Both, function, operator};
use anyhow::{Context, Result, bail, ensure};
use model::act::{Act, Changes, Committed, Leaf, LeafAct};
use model::key::Epoch;
use model::{Code, Grant, Problem};
use ports::ledger::partial_tiles;
use ports::registry::{By, Referred, ScopeState};

mod beside;
mod cases;
mod resealing;

/// What must come of an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    /// It is applied, and this deployment is active.
    Done(Option<u32>),
    /// Nothing changes, and no leaf is written.
    Same(Option<u32>),
    /// It is refused with this code.
    Refused(Code),
}

/// What must hold at the end of a case.
enum Then {
    /// The function is active with this revision.
    Active(&'static str, u32),
    /// The function is not active.
    Gone(&'static str),
    /// The function has so many revisions.
    Revisions(&'static str, usize),
    /// The grant is there.
    Granted(Grant),
    /// The grant is not there.
    NotGranted(Grant),
    /// The secret's version, and whether it has a value.
    Secret(&'static str, u32, bool),
    /// The epoch that the secret's value is sealed with.
    Sealed(&'static str, Epoch),
    /// The epoch that the token's key is sealed with.
    KeySealed(&'static str, Epoch),
    /// The last leaf is of this kind.
    Leaf(fn(&LeafAct) -> bool),
}

struct Case {
    name: &'static str,
    acts: Vec<(Act, Expect)>,
    then: Vec<Then>,
}

/// Runs every case on a registry of its own, made by `fresh`.
///
/// # Errors
/// Names the case and the act, and says what the version did that it must not.
pub async fn conforms<R: Both>(mut fresh: impl FnMut() -> R) -> Result<()> {
    for case in cases::all().into_iter().chain(beside::all()).chain(resealing::all()) {
        let registry = fresh();
        run(&registry, case.acts, case.then).await.context(case.name)?;
    }
    scopes_are_walls(&fresh()).await.context("scopes are walls")?;
    full_tiles(&fresh()).await.context("tiles fill up and the next level begins")
}

async fn run(registry: &dyn Both, acts: Vec<(Act, Expect)>, then: Vec<Then>) -> Result<()> {
    let mut watch = Watch::default();
    for (number, (act, expect)) in acts.into_iter().enumerate() {
        let text = format!("act {number}: {act:?}");
        let by = operator(i64::try_from(number).unwrap_or(0));
        watch.act(registry, act, by, expect).await.context(text)?;
    }
    for fact in then {
        holds(registry, fact).await?;
    }
    Ok(())
}

async fn holds(registry: &dyn Both, fact: Then) -> Result<()> {
    let state = registry.load().await?.into_iter().next().unwrap_or_default();
    match fact {
        Then::Active(name, revision) => {
            let active = state.functions.iter().find(|row| row.function == function(name));
            let found = active.map(|row| row.revision);
            ensure!(found == Some(revision), "`{name}` has revision {found:?}, not {revision}");
            let rows = registry.revisions(&function(name)).await?;
            let marked: Vec<u32> =
                rows.iter().filter(|row| row.active).map(|row| row.revision).collect();
            ensure!(marked == [revision], "`{name}`: {marked:?} are marked active");
        }
        Then::Gone(name) => {
            let there = state.functions.iter().any(|row| row.function == function(name));
            ensure!(!there, "`{name}` is still active");
        }
        Then::Revisions(name, count) => {
            let rows = registry.revisions(&function(name)).await?;
            ensure!(rows.len() == count, "`{name}` has {} revisions, not {count}", rows.len());
            let newest_first = rows.windows(2).all(|pair| match pair {
                [newer, older] => newer.revision > older.revision,
                _ => true,
            });
            ensure!(newest_first, "`{name}`: revisions are not listed newest first");
            let Referred { components, lists } = registry.artifacts().await?;
            let either = |digest| components.contains(digest) || lists.contains(digest);
            let all = rows.iter().all(|row| either(&row.artifact));
            ensure!(all, "`{name}`: a revision's component is not listed");
        }
        Then::Granted(grant) => ensure!(state.grants.contains(&grant), "`{grant}` is not there"),
        Then::NotGranted(grant) => ensure!(!state.grants.contains(&grant), "`{grant}` is there"),
        Then::Secret(name, version, is_set) => {
            let row = state.secrets.iter().find(|row| row.name.as_str() == name);
            let row = row.context("the secret is not there")?;
            ensure!((row.version, row.is_set()) == (version, is_set), "the secret is {row:?}");
        }
        Then::Sealed(name, epoch) => {
            let row = state.secrets.iter().find(|row| row.name.as_str() == name);
            let found = row.map(|row| row.epoch);
            ensure!(found == Some(epoch), "the secret is sealed with {found:?}");
        }
        Then::KeySealed(name, epoch) => {
            let row = state.tokens.iter().find(|row| row.name.as_str() == name);
            let found = row.and_then(|row| row.key.as_ref()).map(|key| key.epoch);
            ensure!(found == Some(epoch), "the key is sealed with {found:?}");
        }
        Then::Leaf(fits) => {
            let size = registry.size().await?;
            let leaves = registry.leaves(size.saturating_sub(1), 1).await?;
            let bytes = leaves.first().context("the ledger is empty")?;
            let leaf: Leaf = serde_json::from_slice(bytes)?;
            ensure!(fits(&leaf.act), "the last leaf is {:?}", leaf.act);
        }
    }
    Ok(())
}

/// Follows a registry from act to act.
#[derive(Default)]
struct Watch {
    size: u64,
    scopes: Vec<ScopeState>,
}

impl Watch {
    async fn act(&mut self, registry: &dyn Both, act: Act, by: By, expect: Expect) -> Result<()> {
        let scope = by.scope.clone();
        let result = registry.commit(act, by).await.map_err(Problem::from);
        let expected = match (&result, expect) {
            (Ok(committed), Expect::Done(deployment) | Expect::Same(deployment)) => {
                committed.deployment == deployment
            }
            (Err(problem), Expect::Refused(code)) => problem.code == code,
            _ => false,
        };
        ensure!(expected, "expected {expect:?}, found {result:?}");
        let size = registry.size().await?;
        match (result, expect) {
            (Ok(committed), Expect::Done(_)) => {
                ensure!(committed.leaf == self.size && size == self.size + 1, "not one new leaf");
                self.copy(&scope, &committed);
                leaf_is_whole(registry, size).await?;
            }
            (Ok(committed), _) => {
                ensure!(committed.changes == Changes::default(), "changes of no change");
                ensure!(committed.leaf + 1 == size && size == self.size, "not the last leaf");
            }
            (Err(_), _) => ensure!(size == self.size, "a refused act was written down"),
        }
        self.size = size;
        let held = registry.load().await?;
        ensure!(held == self.scopes, "a reader's copy is {:?}, and held is {held:?}", self.scopes);
        Ok(())
    }

    /// Applies handed-out changes, as a reader with a copy in memory does.
    fn copy(&mut self, scope: &model::Scope, committed: &Committed) {
        let at = self.scopes.iter().position(|state| state.scope == *scope);
        let empty = || ScopeState { scope: scope.clone(), ..ScopeState::default() };
        let mut state = at.map_or_else(empty, |at| self.scopes.remove(at));
        let changes = &committed.changes;
        let replaced = |name: &model::FunctionRef| {
            changes.functions_put.iter().any(|row| row.function == *name)
        };
        state.functions.retain(|row| {
            !replaced(&row.function) && !changes.functions_gone.contains(&row.function)
        });
        state.functions.extend(changes.functions_put.iter().cloned());
        state.functions.sort_by(|a, b| a.function.cmp(&b.function));
        state.grants.retain(|grant| !changes.grants_gone.contains(grant));
        state.grants.extend(changes.grants_put.iter().cloned());
        state.grants.sort();
        state.tokens.retain(|token| !changes.tokens_gone.contains(&token.name));
        state.tokens.extend(changes.tokens_put.iter().cloned());
        for row in &changes.tokens_resealed {
            state.tokens.retain(|held| held.name != row.name);
            state.tokens.push(row.clone());
        }
        state.tokens.sort_by(|a, b| a.name.cmp(&b.name));
        for row in &changes.secrets_put {
            state.secrets.retain(|held| held.name != row.name);
            state.secrets.push(row.clone());
        }
        state.secrets.sort_by(|a, b| a.name.cmp(&b.name));
        state.beside.retain(|row| {
            let put = changes.beside_put.iter().any(|put| put.function == row.function);
            !put && !changes.functions_gone.contains(&row.function)
        });
        state.beside.extend(changes.beside_put.iter().cloned());
        state.beside.sort_by(|a, b| a.function.cmp(&b.function));
        let idle = state.functions.is_empty()
            && state.grants.is_empty()
            && state.tokens.is_empty()
            && state.secrets.is_empty();
        if !idle {
            self.scopes.push(state);
            self.scopes.sort_by(|a, b| a.scope.cmp(&b.scope));
        }
    }
}

async fn leaf_is_whole(registry: &dyn Both, size: u64) -> Result<()> {
    let leaves = registry.leaves(size - 1, 10).await?;
    let [bytes] = leaves.as_slice() else { bail!("{} leaves at the end", leaves.len()) };
    let leaf: Leaf = serde_json::from_slice(bytes)?;
    ensure!(leaf.seq == size - 1 && leaf.v == 1, "the leaf says {} of {size}", leaf.seq);
    ensure!(&leaf.bytes() == bytes, "the leaf is not in canonical form");
    ensure!(registry.checkpoint(size).await?.is_some(), "no checkpoint over {size} leaves");
    for (level, index, width) in partial_tiles(size) {
        let tile = registry.tile(level, index).await?.context("a tile is missing")?;
        ensure!(tile.hashes.len() == width * 32, "tile {level}/{index} is not {width} wide");
    }
    Ok(())
}

async fn scopes_are_walls(registry: &dyn Both) -> Result<()> {
    let mut other = operator(1);
    other.scope.environment = super::name("staging");
    let mut watch = Watch::default();
    let shop = || super::deploy("shop", &[super::spec("alpha", "one", &["GET /x"])]);
    // The same names and routes, and the same application number, in both scopes.
    watch.act(registry, shop(), operator(0), Expect::Done(Some(1))).await?;
    watch.act(registry, shop(), other.clone(), Expect::Done(Some(1))).await?;
    let blog = super::deploy("blog", &[super::spec("beta", "one", &["GET /x"])]);
    let clash = Expect::Refused(Code::RouteClash);
    watch.act(registry, blog, other.clone(), clash).await?;
    let remove = Act::Remove { application: super::application("shop") };
    watch.act(registry, remove, other, Expect::Done(None)).await?;
    let left = registry.load().await?;
    ensure!(left.len() == 1, "the removal reached another scope: {left:?}");
    Ok(())
}

async fn full_tiles(registry: &dyn Both) -> Result<()> {
    for number in 0..258 {
        let backup = super::sha256(&[1]);
        registry.commit(Act::Restored { backup }, operator(number)).await?;
    }
    leaf_is_whole(registry, 258).await?;
    let tiles = registry.tiles().await?;
    let widths: Vec<(u8, u64, usize)> =
        tiles.iter().map(|tile| (tile.level, tile.index, tile.hashes.len() / 32)).collect();
    ensure!(widths == [(0, 0, 256), (0, 1, 2), (1, 0, 1)], "tiles are {widths:?}");
    let sizes: Vec<u64> = registry.checkpoints().await?.iter().map(|(size, _)| *size).collect();
    ensure!(sizes == (1..=258).collect::<Vec<u64>>(), "checkpoints over {sizes:?}");
    ensure!(registry.leaves(250, 100).await?.len() == 8, "leaves beyond the end");
    ensure!(registry.leaves(u64::MAX, u64::MAX).await?.is_empty(), "leaves beyond the range");
    ensure!(registry.tile(3, 0).await?.is_none(), "a tile that never was");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_memory_version_conforms() -> Result<()> {
        conforms(super::super::memory).await
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
        #[test]
        fn two_memory_versions_agree(history in super::super::histories(20)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
            let (left, right) = (super::super::memory(), super::super::memory());
            let done = runtime.block_on(super::super::same(&left, &right, &history));
            proptest::prop_assert!(done.is_ok(), "{done:?}");
        }
    }
}
