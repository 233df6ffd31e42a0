//! Salts, in memory. They are counted and not drawn: this is for tests.

use crate::Future;
use model::data::Fate;
use model::{DataClass, Problem, Salt, SaltId, Scope, Secret, SubjectHash, Timestamp};
use parking_lot::Mutex;
use std::collections::{HashMap, HashSet};

/// The memory version of [`crate::Salts`].
#[derive(Debug, Default)]
pub struct Salts(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    kept: HashMap<(Scope, DataClass, SubjectHash), Salt>,
    erased: HashSet<(Scope, DataClass, SaltId)>,
    drawn: u64,
}

impl Inner {
    fn draw(&mut self) -> Salt {
        self.drawn += 1;
        let byte = |at: usize| self.drawn.to_be_bytes().get(at % 8).copied().unwrap_or_default();
        Salt {
            id: SaltId(std::array::from_fn(byte)),
            secret: Secret::new(std::array::from_fn(byte)),
        }
    }

    fn fate(&self, scope: &Scope, class: &DataClass, id: SaltId) -> Fate {
        let own = self
            .kept
            .iter()
            .find(|((its, of, _), salt)| its == scope && of == class && salt.id == id);
        match own {
            Some((_, salt)) => Fate::Kept(salt.clone()),
            None if self.erased.contains(&(scope.clone(), class.clone(), id)) => Fate::Erased,
            None => Fate::Unknown,
        }
    }
}

impl crate::Salts for Salts {
    fn of<'a>(
        &'a self,
        scope: &'a Scope,
        class: &'a DataClass,
        subjects: Vec<SubjectHash>,
    ) -> Future<'a, Result<Vec<Salt>, Problem>> {
        let mut inner = self.0.lock();
        let each = subjects.into_iter().map(|subject| {
            let place = (scope.clone(), class.clone(), subject);
            if let Some(salt) = inner.kept.get(&place) {
                return salt.clone();
            }
            let salt = inner.draw();
            inner.kept.insert(place, salt.clone());
            salt
        });
        let salts = each.collect();
        Box::pin(std::future::ready(Ok(salts)))
    }

    fn find<'a>(
        &'a self,
        scope: &'a Scope,
        class: &'a DataClass,
        ids: Vec<SaltId>,
    ) -> Future<'a, Result<Vec<Fate>, Problem>> {
        let inner = self.0.lock();
        let fates = ids.into_iter().map(|id| inner.fate(scope, class, id)).collect();
        Box::pin(std::future::ready(Ok(fates)))
    }

    fn has<'a>(
        &'a self,
        scope: &'a Scope,
        class: &'a DataClass,
        subject: SubjectHash,
    ) -> Future<'a, Result<bool, Problem>> {
        let place = (scope.clone(), class.clone(), subject);
        let has = self.0.lock().kept.contains_key(&place);
        Box::pin(std::future::ready(Ok(has)))
    }

    fn erase<'a>(
        &'a self,
        scope: &'a Scope,
        class: &'a DataClass,
        subject: SubjectHash,
        _at: Timestamp,
    ) -> Future<'a, Result<bool, Problem>> {
        let mut inner = self.0.lock();
        let salt = inner.kept.remove(&(scope.clone(), class.clone(), subject));
        if let Some(salt) = &salt {
            inner.erased.insert((scope.clone(), class.clone(), salt.id));
        }
        Box::pin(std::future::ready(Ok(salt.is_some())))
    }
}
