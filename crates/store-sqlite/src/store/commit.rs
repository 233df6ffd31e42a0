//! One act, one transaction: decide, write the rows, extend the ledger.
//!
//! Invariant: on any error the transaction is rolled back and nothing was changed.

use super::view::Seen;
use super::{apply, ledger, sha256};
use crate::Error;
use model::act::{Act, Changes, Committed, Leaf};
use model::plan::{Outcome, plan};
use ports::ledger::Notary;
use ports::registry::By;
use rusqlite::{Connection, TransactionBehavior};

pub(super) fn commit(
    connection: &mut Connection,
    notary: &dyn Notary,
    act: Act,
    by: &By,
) -> Result<Committed, Error> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let outcome = plan(&Seen::new(&transaction, &by.scope), &by.scope, act, sha256)?;
    let size = ledger::size(&transaction)?;
    let plan = match outcome {
        Outcome::Changed(plan) => *plan,
        Outcome::Unchanged { deployment } => {
            let leaf = size.saturating_sub(1);
            return Ok(Committed { leaf, deployment, changes: Changes::default() });
        }
    };
    apply::apply(&transaction, &plan, by)?;
    let leaf = Leaf {
        v: 1,
        seq: size,
        time_us: by.at,
        scope: by.scope.clone(),
        actor: by.actor.clone(),
        act: plan.act,
    };
    ledger::append(&transaction, notary, &leaf)?;
    transaction.commit()?;
    let deployment = plan.activation.and_then(|activation| activation.deployment);
    Ok(Committed { leaf: size, deployment, changes: plan.changes })
}
