//! What a running function may do with containers of blobs.
//!
//! Manifests, grants and policies count as for key-value stores. Asks that concern a container as a
//! whole, such as clearing it, are about the empty name, which only a grant of the whole covers.

use crate::FunctionPolicies;
use crate::calls::{Reach, StoreAsk, not_asked};
use crate::verdict::{CallPermit, Denial};
use model::store::{Access, StoreTarget};
use model::{Action, Claims, Code};

impl FunctionPolicies {
    /// Decides whether the function may use an object of a container, or the container at all.
    ///
    /// # Errors
    /// [`Denial`] with code E0537, or E0202 if a policy could not be evaluated.
    pub fn decide_blob(&self, ask: StoreAsk<'_>) -> Result<CallPermit, Denial> {
        let code = Code::BlobDenied;
        if !has(&self.asked, &ask) {
            let line = format!("blobs = {{ {} = \"{}\" }}", ask.store, ask.access.word());
            return Err(not_asked(code, "allow.blobs", Some(line)));
        }
        let granted = has(&self.granted, &ask);
        self.conclude(granted, self.consult_blob(&ask), code, || {
            let target = format!("{} {}", ask.access.word(), ask.store);
            StoreTarget::parse(&target)?;
            Some(Action::Blob { target })
        })
    }

    /// What the names of a container's objects begin with that this function may list for its
    /// caller, in order, no two of them overlapping; each with whether any rest may follow.
    #[must_use]
    pub fn listable_blobs(&self, container: &str, claims: &Claims) -> Vec<(String, bool)> {
        self.listable_of(|reach| &reach.containers, container, claims)
    }
}

fn has(reach: &Reach, ask: &StoreAsk<'_>) -> bool {
    let covers = |target: &StoreTarget| match ask.key {
        Some(name) => target.access.covers(ask.access) && target.covers_key(name, ask.claims),
        // Any part of it will do; whoever only looks needs no particular access to it.
        None => {
            let enough = ask.access == Access::Read || target.access.covers(ask.access);
            enough && target.keys(ask.claims).is_some()
        }
    };
    let fits = |target: &&StoreTarget| *target.store == *ask.store;
    reach.everything || reach.containers.iter().filter(fits).any(covers)
}
