//! Lifts caps per day until the day ends: an act of the operator, with an entry in the ledger.

use super::account::Account;
use super::limits::Limits;
use super::tally;
use crate::wiring::Engine;
use model::act::Act;
use model::api::{LiftRequest, Lifted};
use model::cap::{CapMode, Per, Whose};
use model::{Code, Problem, Scope};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

impl Engine {
    /// Lifts the caps per day of a function, of its callers, of an application or of the tenant
    /// until the day ends. Rates hold on.
    ///
    /// # Errors
    /// Nothing of this name has such a cap, or the store failed.
    pub async fn lift_cap(
        &self,
        scope: &Scope,
        actor: &str,
        request: LiftRequest,
    ) -> Result<Lifted, Problem> {
        let LiftRequest { of, name } = request;
        let accounts = self.accounts_to_lift(scope, of, &name);
        if accounts.is_empty() {
            return Err(Problem::new(Code::NoSuchCap)
                .detail(format!("no {of} `{name}` with a cap per day"))
                .hint("casemate budget"));
        }
        let today = tally::number(Per::Day, self.parts.clock.wall());
        let until = tally::end(Per::Day, today);
        let act = Act::CapLift { of, name, until };
        let then = move |engine: Arc<Self>| async move {
            for account in accounts {
                account.lifted.store(today, Relaxed);
            }
            engine.keep_caps(false).await;
        };
        let leaf = self.commit_then(scope, actor, act, then).await?.leaf;
        Ok(Lifted { leaf, until_us: until })
    }

    fn accounts_to_lift(&self, scope: &Scope, of: Whose, name: &str) -> Vec<Arc<Account>> {
        let catalog = self.catalog.load();
        let functions = catalog.view(scope).into_iter().flat_map(|view| view.functions.values());
        let mut found: Vec<Arc<Account>> = Vec::new();
        for function in functions {
            let Some(bounds) = function.bounds(&self.caps) else { continue };
            let own = bounds.callers.as_ref().map(|(callers, limits)| (&callers.rest, limits));
            let shared = bounds.shared.iter().map(|(account, limits)| (account, limits));
            for (account, limits) in shared.chain(own) {
                let known = found.iter().any(|other| Arc::ptr_eq(other, account));
                if account.whose == of && account.name == name && refuses_by_day(limits) && !known {
                    found.push(Arc::clone(account));
                }
            }
        }
        found
    }
}

fn refuses_by_day(limits: &Limits) -> bool {
    limits.iter().any(|limit| limit.per == Per::Day && limit.mode == CapMode::Enforce)
}
