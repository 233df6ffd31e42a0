//! Keys of classes that are handed to another home, or were by one.

use crate::wiring::Engine;
use model::act::{Act, Changes};
use model::{Problem, Scope};
use std::sync::Arc;

impl Engine {
    /// Writes into the ledger that keys of a tenant's environment go to another home, or came from
    /// one. Gives the entry's number.
    ///
    /// # Errors
    /// The registry failed.
    pub async fn note_keys(&self, scope: &Scope, actor: &str, act: Act) -> Result<u64, Problem> {
        Ok(self.commit(scope, actor, act).await?.leaf)
    }

    /// Has the functions of a tenant's environment ask for the keys of classes anew. Invocations
    /// that run go on with those that they have.
    ///
    /// # Errors
    /// The policies cannot be made.
    pub async fn renew_keys(&self, scope: &Scope) -> Result<(), Problem> {
        let _one_at_a_time = self.acts.lock().await;
        let catalog = self.catalog.load_full();
        let Some(view) = catalog.view(scope) else { return Ok(()) };
        let functions_put = view.functions.values().map(|function| function.row.clone()).collect();
        let changes = Changes { functions_put, ..Changes::default() };
        let renewed = catalog.with(scope, changes, &self.parts.policies)?;
        self.catalog.store(Arc::new(renewed));
        Ok(())
    }
}
