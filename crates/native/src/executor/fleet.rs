//! The processes of one function: those that serve, and those that wait to.
//!
//! Invariant: a process serves one revision of one function and nothing else, ever.

use super::instance::Instance;
use parking_lot::Mutex;
use ports::executor::Unit;
use std::sync::Arc;
use std::time::Duration;

/// Which revision of which function.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    function: Arc<model::FunctionRef>,
    revision: u32,
    artifact: model::Digest,
}

impl Key {
    pub(crate) fn of(unit: &Unit) -> Self {
        let artifact = unit.program.artifact;
        Self { function: Arc::clone(&unit.function), revision: unit.revision, artifact }
    }

    /// Whether this is what `live` says of it.
    pub(crate) fn is(&self, live: &dyn Fn(&model::FunctionRef, u32) -> bool) -> bool {
        live(&self.function, self.revision)
    }
}

/// The processes of one revision.
#[derive(Default)]
pub(crate) struct Fleet {
    /// The one that was used last stands last, so that the others grow old.
    all: Mutex<Vec<Arc<Instance>>>,
}

impl Fleet {
    /// A process with room, if there is one; the room is taken.
    pub(crate) fn board(&self) -> Option<Arc<Instance>> {
        let all = self.all.lock();
        all.iter().rev().find(|instance| instance.board()).map(Arc::clone)
    }

    /// A process that was started, or that has done an invocation, to the end of the line.
    pub(crate) fn put_last(&self, instance: &Arc<Instance>) {
        let mut all = self.all.lock();
        all.retain(|other| !Arc::ptr_eq(other, instance));
        all.push(Arc::clone(instance));
    }

    /// Takes a process out, which ends it with its last invocation.
    pub(crate) fn leave(&self, instance: &Arc<Instance>) {
        self.all.lock().retain(|other| !Arc::ptr_eq(other, instance));
    }

    /// Takes out all that have waited since before `then`, but for the `kept` last ones.
    pub(crate) fn take_idle(&self, then: Duration, kept: usize) -> Vec<Arc<Instance>> {
        let mut all = self.all.lock();
        let mut spare = all.len().saturating_sub(kept);
        all.extract_if(.., |instance| {
            let goes = spare > 0 && instance.retire_if_idle_since(then);
            spare -= usize::from(goes);
            goes
        })
        .collect()
    }

    /// Those that serve nobody and are not frozen yet, and have not served since `then`.
    pub(crate) fn freeze_idle(&self, then: Duration) {
        for instance in &*self.all.lock() {
            instance.freeze_if_idle_since(then);
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.all.lock().len()
    }
}
