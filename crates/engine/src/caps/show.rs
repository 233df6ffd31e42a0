//! Caps and what is used of them, for the operator.

use super::account::Account;
use super::limits::{Limit, Limits};
use super::tally::{self, OBSERVED, REFUSED};
use crate::wiring::Engine;
use model::api::{self, CapState};
use model::cap::Per;
use model::{Scope, Timestamp};
use std::collections::HashSet;
use std::sync::Arc;

/// Callers that are shown of one function: those that used most of a cap.
const CALLERS_SHOWN: usize = 20;

impl Engine {
    /// The caps that bound the functions of a scope, and what is used of them now; those that are
    /// used most first.
    #[must_use]
    pub fn caps(&self, scope: &Scope) -> api::Caps {
        let now = self.parts.clock.wall();
        let catalog = self.catalog.load();
        let functions = catalog.view(scope).into_iter().flat_map(|view| view.functions.values());
        // By address: applications and tenants come again with each of their functions.
        let mut seen = HashSet::new();
        let mut items = Vec::new();
        for bounds in functions.filter_map(|function| function.bounds(&self.caps)) {
            for (account, limits) in &bounds.shared {
                if seen.insert(Arc::as_ptr(account)) {
                    items.extend(states(account, limits, account.is_lifted(now), now));
                }
            }
            if let Some((callers, limits)) = &bounds.callers {
                let lifted = callers.rest.is_lifted(now);
                let all = callers.all();
                let mut all: Vec<Vec<CapState>> =
                    all.iter().map(|(_, it)| states(it, limits, lifted, now)).collect();
                all.sort_by_cached_key(|states| std::cmp::Reverse(states.iter().map(used).max()));
                items.extend(all.into_iter().take(CALLERS_SHOWN).flatten());
            }
        }
        items.sort_by_cached_key(|state| std::cmp::Reverse(used(state)));
        api::Caps { items }
    }
}

/// How much of a cap is used, in thousandths.
fn used(state: &CapState) -> u64 {
    let thousandths = u128::from(state.used) * 1000 / u128::from(state.most.max(1));
    u64::try_from(thousandths).unwrap_or(u64::MAX)
}

fn states(account: &Account, limits: &Limits, lifted: bool, now: Timestamp) -> Vec<CapState> {
    account.tally.turn(Per::Day, now);
    let state = |limit: &Limit| {
        let window = account.tally.turn(limit.per, now);
        CapState {
            of: account.whose,
            name: account.name.clone(),
            caller: account.caller.get().cloned(),
            per: limit.per,
            meter: limit.meter,
            mode: limit.mode,
            by: limit.by.word().to_owned(),
            most: limit.most,
            used: account.tally.used(limit.per, limit.meter as usize),
            refused: account.tally.used(Per::Day, REFUSED),
            observed: account.tally.used(Per::Day, OBSERVED),
            lifted: lifted && limit.per == Per::Day,
            until_us: tally::end(limit.per, window),
        }
    };
    limits.iter().map(state).collect()
}
