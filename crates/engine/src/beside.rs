//! What is kept beside a function, in memory: its versions, each ready to be called, and what holds
//! for all of them.
//!
//! A version is a function of its own to all that runs and limits it, with the grants of the
//! function that it is of: whoever may call a function may call its versions.

use crate::assets::Shelf;
use crate::function::{Function, Standing};
use crate::readiness::Readiness;
use crate::secrets::Uses;
use crate::slots::Slots;
use crate::wiring::Engine;
use model::act::{Act, Rights};
use model::beside::{Beside, BesideRow, Later, WHOLE};
use model::{FunctionName, FunctionRef, FunctionRow, Problem, Scope, SecretName, SecretRow};
use policy::FunctionPolicies;
use ports::executor::Program;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The document of a function, and what it makes of it.
pub(crate) struct Kept {
    pub(crate) row: BesideRow,
    /// By their numbers.
    pub(crate) versions: BTreeMap<u32, Arc<Function>>,
    /// The room of all of them together, if a ceiling is said.
    slots: Option<Arc<Slots>>,
}

impl Kept {
    /// Without versions yet. Who runs keeps its room for as long as the ceiling stays.
    pub(crate) fn new(row: BesideRow, before: Option<&Self>) -> Self {
        let ceiling = row.beside.ceiling;
        let same = before.filter(|kept| kept.row.beside.ceiling == ceiling);
        let slots = match same {
            Some(kept) => kept.slots.clone(),
            None => ceiling.map(|most| Arc::new(Slots::reserved(most))),
        };
        Self { row, versions: BTreeMap::new(), slots }
    }

    /// Puts documents in the place of those that were there.
    pub(crate) fn put_all(all: &mut BTreeMap<FunctionName, Arc<Self>>, rows: Vec<BesideRow>) {
        for row in rows {
            let name = row.name().clone();
            let kept = Self::new(row, all.get(&name).map(Arc::as_ref));
            all.insert(name, Arc::new(kept));
        }
    }

    /// How what is active stands.
    pub(crate) fn head(&self) -> Standing {
        Standing { slots: self.slots.clone(), version: None, provisioned: None }
    }

    /// The same, with every version made anew.
    pub(crate) fn with_versions(
        &self,
        policies: &mut dyn FnMut(&FunctionRow) -> Result<FunctionPolicies, Problem>,
        ready: &mut dyn FnMut(Program) -> Arc<Readiness>,
        secrets: &BTreeMap<SecretName, Arc<SecretRow>>,
    ) -> Result<Self, Problem> {
        let mut versions = BTreeMap::new();
        for (number, version) in &self.row.beside.versions {
            let found = self.row.pinned.iter().find(|row| row.revision == version.revision);
            // Files are nothing that is called.
            let Some(row) = found.filter(|row| Shelf::of(row).is_none()) else { continue };
            let own = Arc::new(policies(row)?);
            let ready = ready(crate::function::program(row));
            let uses = Uses::of(row, secrets);
            let kept = self.row.beside.ready(*number);
            let standing = Standing {
                slots: self.slots.clone(),
                version: Some(*number),
                provisioned: (kept > 0).then_some(kept),
            };
            let function = Function::new(row.clone(), own, ready, None, uses, standing);
            versions.insert(*number, Arc::new(function));
        }
        Ok(Self { row: self.row.clone(), versions, slots: self.slots.clone() })
    }
}

impl Engine {
    /// What is kept beside a function; what is nothing, if nothing is.
    #[must_use]
    pub fn beside(&self, function: &FunctionRef) -> Beside {
        let catalog = self.catalog.load();
        let kept = catalog.view(&function.scope).and_then(|view| view.beside.get(&function.name));
        kept.map(|kept| kept.row.beside.clone()).unwrap_or_default()
    }

    /// Keeps another document beside a function, which says with its number which one it was made
    /// from, with the grants that come and go with that. Returns the ledger entry's number.
    ///
    /// # Errors
    /// Another one is there by now, or one of the new grants; or it names what is not there.
    pub async fn put_beside(
        &self,
        scope: &Scope,
        actor: &str,
        function: &FunctionName,
        what: String,
        beside: Beside,
        rights: Rights,
    ) -> Result<u64, Problem> {
        let (function, beside) = (function.clone(), Box::new(beside));
        let act = Act::Beside { function, what, beside, rights };
        Ok(self.commit(scope, actor, act).await?.leaf)
    }

    /// The revision that is a version of a function.
    #[must_use]
    pub fn version_row(&self, function: &FunctionRef, version: u32) -> Option<FunctionRow> {
        let catalog = self.catalog.load();
        let kept = catalog.view(&function.scope)?.beside.get(&function.name)?;
        Some(kept.versions.get(&version)?.row.clone())
    }

    /// Which version a call of a function's version or alias gets; `Some(None)` is what is active.
    /// Where an alias divides its calls, chance decides.
    #[must_use]
    pub fn version_of(&self, function: &FunctionRef, word: &str) -> Option<Option<u32>> {
        let catalog = self.catalog.load();
        let kept = catalog.view(&function.scope)?.beside.get(&function.name)?;
        kept.row.beside.version(word, fastrand::u32(..WHOLE))
    }

    /// How calls of a function's version that wait are tried, if that is said beside it.
    pub(crate) fn later(&self, function: &FunctionRef, version: Option<u32>) -> Option<Later> {
        let catalog = self.catalog.load();
        let kept = catalog.view(&function.scope)?.beside.get(&function.name)?;
        let word = version.map(|number| number.to_string()).unwrap_or_default();
        kept.row.beside.later.get(&word).copied()
    }

    /// How many processes of a version there are now. `None` if such functions have none.
    #[must_use]
    pub fn at_hand(&self, function: &FunctionRef, version: u32) -> Option<usize> {
        let catalog = self.catalog.load();
        let found = catalog.view(&function.scope)?.function(&function.name, Some(version))?;
        self.parts.executor.at_hand(&found.unit)
    }

    /// Most invocations that a function may be given at a time on this node.
    #[must_use]
    pub const fn concurrency_max(&self) -> u32 {
        self.config.ceiling.concurrency
    }
}
