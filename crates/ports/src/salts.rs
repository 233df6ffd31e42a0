//! Where a node keeps the salts of subjects whose values can be erased.

use crate::Future;
use model::data::Fate;
use model::{DataClass, Problem, Salt, SaltId, Scope, SubjectHash, Timestamp};

/// Salts, one for each subject in a class of an environment.
///
/// What is deleted is gone: nothing that this gives out later, and nothing that is left where it
/// was kept, says what it was.
pub trait Salts: Send + Sync {
    /// The salt of each of these subjects, in order. Where there is none, one is drawn, and is on
    /// disk before it is given out.
    ///
    /// # Errors
    /// It cannot be read or written.
    fn of<'a>(
        &'a self,
        scope: &'a Scope,
        class: &'a DataClass,
        subjects: Vec<SubjectHash>,
    ) -> Future<'a, Result<Vec<Salt>, Problem>>;

    /// What became of each of these salts of the class, in order.
    ///
    /// # Errors
    /// It cannot be read.
    fn find<'a>(
        &'a self,
        scope: &'a Scope,
        class: &'a DataClass,
        ids: Vec<SaltId>,
    ) -> Future<'a, Result<Vec<Fate>, Problem>>;

    /// Whether a subject has a salt.
    ///
    /// # Errors
    /// It cannot be read.
    fn has<'a>(
        &'a self,
        scope: &'a Scope,
        class: &'a DataClass,
        subject: SubjectHash,
    ) -> Future<'a, Result<bool, Problem>>;

    /// Deletes the salt of a subject, and remembers that it did. Whether there was one.
    ///
    /// # Errors
    /// It cannot be deleted, or what held it cannot be overwritten: ask again then, also if there is
    /// none any more.
    fn erase<'a>(
        &'a self,
        scope: &'a Scope,
        class: &'a DataClass,
        subject: SubjectHash,
        at: Timestamp,
    ) -> Future<'a, Result<bool, Problem>>;
}
