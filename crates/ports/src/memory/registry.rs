//! The registry and its ledger, in memory.
//!
//! The rules are [`model::plan`]'s, as in every version; here is only what a database does
//! elsewhere: keep rows, and change all of them or none.
//!
//! Invariant: nothing is changed before the notary has answered, and nothing fails after it.

use crate::Future;
use crate::ledger::{self, Edge, Notary, Tile, partial_tiles};
use crate::registry::{By, Error, Referred, ScopeState};
use model::act::{Act, Committed, Leaf};
use model::plan::{Outcome, Plan, Sha256, plan};
use model::revision::{DeploymentRow, RevisionRow};
use model::{ApplicationName, FunctionRef, Scope};
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::future::ready;
use std::sync::Arc;

mod rows;

use rows::{Rows, Seen};

/// The memory version of [`crate::Registry`] and [`crate::Ledger`].
pub struct Registry {
    notary: Arc<dyn Notary>,
    sha256: Sha256,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    scopes: BTreeMap<Scope, Rows>,
    leaves: Vec<Vec<u8>>,
    tiles: BTreeMap<(u8, u64), Vec<u8>>,
    checkpoints: BTreeMap<u64, String>,
}

impl State {
    fn size(&self) -> u64 {
        u64::try_from(self.leaves.len()).unwrap_or(u64::MAX)
    }

    fn tile(&self, level: u8, index: u64) -> Option<Tile> {
        let hashes = self.tiles.get(&(level, index))?.clone();
        Some(Tile { level, index, hashes })
    }

    fn edge(&self) -> Edge {
        let size = self.size();
        let partial = partial_tiles(size);
        let tiles = partial.iter().filter_map(|(level, index, _)| self.tile(*level, *index));
        Edge { size, partial: tiles.collect() }
    }
}

impl Registry {
    /// An empty registry with an empty ledger.
    #[must_use]
    pub fn new(notary: Arc<dyn Notary>, sha256: Sha256) -> Self {
        Self { notary, sha256, state: Mutex::default() }
    }

    fn apply(&self, act: Act, by: &By) -> Result<Committed, Error> {
        let mut state = self.state.lock();
        let state = &mut *state;
        let empty = Rows::default();
        let ids: BTreeSet<_> = state.scopes.values().flat_map(Rows::token_ids).collect();
        let rows = state.scopes.get(&by.scope).unwrap_or(&empty);
        let seen = Seen { rows, ids, ledger_empty: state.leaves.is_empty() };
        let plan = match plan(&seen, &by.scope, act, self.sha256)? {
            Outcome::Changed(plan) => *plan,
            Outcome::Unchanged { deployment } => {
                let leaf = state.size().saturating_sub(1);
                return Ok(Committed { leaf, deployment, changes: Default::default() });
            }
        };
        let leaf = self.log(state, &plan, by)?;
        let deployment = plan.activation.as_ref().and_then(|activation| activation.deployment);
        let changes = plan.changes.clone();
        state.scopes.entry(by.scope.clone()).or_default().apply(plan, by);
        Ok(Committed { leaf, deployment, changes })
    }

    fn log(&self, state: &mut State, plan: &Plan, by: &By) -> Result<u64, Error> {
        let edge = state.edge();
        let seq = edge.size;
        let leaf = Leaf {
            v: 1,
            seq,
            time_us: by.at,
            scope: by.scope.clone(),
            actor: by.actor.clone(),
            act: plan.act.clone(),
        };
        let bytes = leaf.bytes();
        let appended = self.notary.append(&edge, &bytes).map_err(Error::Store)?;
        state.leaves.push(bytes);
        for tile in appended.tiles {
            state.tiles.insert((tile.level, tile.index), tile.hashes);
        }
        state.checkpoints.insert(state.size(), appended.checkpoint);
        Ok(seq)
    }
}

impl crate::Registry for Registry {
    fn commit(&self, act: Act, by: By) -> Future<'_, Result<Committed, Error>> {
        Box::pin(async move { self.apply(act, &by) })
    }

    fn load(&self) -> Future<'_, Result<Vec<ScopeState>, Error>> {
        let state = self.state.lock();
        let scopes = state.scopes.iter().filter(|(_, rows)| !rows.is_idle());
        Box::pin(ready(Ok(scopes.map(|(scope, rows)| rows.active(scope)).collect())))
    }

    fn revisions<'a>(
        &'a self,
        function: &'a FunctionRef,
    ) -> Future<'a, Result<Vec<RevisionRow>, Error>> {
        let state = self.state.lock();
        let rows = state.scopes.get(&function.scope);
        Box::pin(ready(Ok(rows.map(|rows| rows.revisions(&function.name)).unwrap_or_default())))
    }

    fn deployments<'a>(
        &'a self,
        scope: &'a Scope,
        application: &'a ApplicationName,
    ) -> Future<'a, Result<Vec<DeploymentRow>, Error>> {
        let state = self.state.lock();
        let rows = state.scopes.get(scope);
        Box::pin(ready(Ok(rows.map(|rows| rows.deployments(application)).unwrap_or_default())))
    }

    fn artifacts(&self) -> Future<'_, Result<Referred, Error>> {
        let mut referred = Referred::default();
        self.state.lock().scopes.values().for_each(|rows| rows.refer(&mut referred));
        Box::pin(ready(Ok(referred)))
    }

    /// Always refused: memory has no file to copy.
    fn backup(&self, _file: std::path::PathBuf) -> Future<'_, Result<(), Error>> {
        Box::pin(ready(Err(Error::Store("a registry in memory has no backup".to_owned()))))
    }
}

impl crate::Ledger for Registry {
    fn size(&self) -> Future<'_, Result<u64, ledger::Error>> {
        Box::pin(ready(Ok(self.state.lock().size())))
    }

    fn leaves(&self, from: u64, count: u64) -> Future<'_, Result<Vec<Vec<u8>>, ledger::Error>> {
        let at = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        let state = self.state.lock();
        let leaves = state.leaves.iter().skip(at(from)).take(at(count)).cloned().collect();
        Box::pin(ready(Ok(leaves)))
    }

    fn tile(&self, level: u8, index: u64) -> Future<'_, Result<Option<Tile>, ledger::Error>> {
        Box::pin(ready(Ok(self.state.lock().tile(level, index))))
    }

    fn tiles(&self) -> Future<'_, Result<Vec<Tile>, ledger::Error>> {
        let state = self.state.lock();
        let all = state.tiles.keys().filter_map(|(level, index)| state.tile(*level, *index));
        Box::pin(ready(Ok(all.collect())))
    }

    fn checkpoint(&self, size: u64) -> Future<'_, Result<Option<String>, ledger::Error>> {
        Box::pin(ready(Ok(self.state.lock().checkpoints.get(&size).cloned())))
    }

    fn checkpoints(&self) -> Future<'_, Result<Vec<(u64, String)>, ledger::Error>> {
        let state = self.state.lock();
        let all = state.checkpoints.iter().map(|(size, note)| (*size, note.clone()));
        Box::pin(ready(Ok(all.collect())))
    }
}
