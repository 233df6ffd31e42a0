//! Salts of subjects whose values can be erased: fetched for a document, and deleted on request.
//!
//! Invariant: no salt is kept in memory for longer than its document takes, so what was erased is
//! found nowhere afterwards.

use crate::wiring::Engine;
use model::act::Act;
use model::api::{EraseRequest, Erased};
use model::{Code, Problem, Scope};
use protect::contract::{Salts, Wants};

impl Engine {
    /// Fetches what a document needs, and makes salts for subjects that have none.
    pub(crate) async fn salts(&self, scope: &Scope, wants: &Wants) -> Result<Salts, Problem> {
        let (mut salts, store) = (Salts::default(), &self.parts.salts);
        for (class, subjects) in &wants.subjects {
            let subjects: Vec<_> = subjects.iter().copied().collect();
            let found = store.of(scope, class, subjects.clone()).await?;
            for (subject, salt) in subjects.into_iter().zip(found) {
                salts.put_subject(class, subject, salt);
            }
        }
        for (class, ids) in &wants.salts {
            let ids: Vec<_> = ids.iter().copied().collect();
            let found = store.find(scope, class, ids.clone()).await?;
            for (id, fate) in ids.into_iter().zip(found) {
                salts.put_fate(class, id, fate);
            }
        }
        Ok(salts)
    }

    /// Takes all values of one subject in a class away, for good: those of tokens in stores, in
    /// copies of them, and wherever else they are.
    ///
    /// The entry stands in the ledger first: if this fails afterwards, it is to be asked for again.
    ///
    /// # Errors
    /// [`Code::DataSubject`]: nothing is kept for the subject. Or what the ledger or the store says.
    pub async fn erase_data(
        &self,
        scope: &Scope,
        actor: &str,
        request: EraseRequest,
    ) -> Result<Erased, Problem> {
        let EraseRequest { class, subject } = request;
        let unknown = || Problem::new(Code::DataSubject).detail(format!("in the class `{class}`"));
        let hash = self.class_keys(scope, &class)?.own().subject(&subject);
        let hash = hash.map_err(|_| unknown())?;
        let store = &self.parts.salts;
        if !store.has(scope, &class, hash).await? {
            // An erasure that was not finished is.
            store.erase(scope, &class, hash, self.parts.clock.wall()).await?;
            return Err(unknown());
        }
        let act = Act::DataErase { class: class.clone(), subject: hash.to_string() };
        let leaf = self.commit(scope, actor, act).await?.leaf;
        store.erase(scope, &class, hash, self.parts.clock.wall()).await?;
        Ok(Erased { leaf })
    }
}
