//! Everything that bounds one function: its accounts, each with its caps.

use super::account::Account;
use super::callers::Callers;
use super::limits::Limits;
use model::Timestamp;
use std::sync::Arc;

/// What bounds a function.
pub(crate) struct Bounds {
    /// Accounts that all callers share: the function's, its application's, its tenant's.
    pub(super) shared: Vec<(Arc<Account>, Limits)>,
    /// The accounts of callers, and the caps of each.
    pub(super) callers: Option<(Arc<Callers>, Limits)>,
}

impl Bounds {
    /// The accounts that one invocation counts in, with their caps, and whether those per day are
    /// lifted.
    pub(super) fn of<'a>(
        &'a self,
        caller: Option<&'a Account>,
        now: Timestamp,
    ) -> impl Iterator<Item = (&'a Account, &'a Limits, bool)> {
        let shared = self
            .shared
            .iter()
            .map(move |(account, limits)| (account.as_ref(), limits, account.is_lifted(now)));
        let own = self.callers.as_ref().zip(caller);
        let own = own.map(move |((callers, limits), account)| {
            (account, limits, callers.rest.is_lifted(now))
        });
        own.into_iter().chain(shared)
    }
}
