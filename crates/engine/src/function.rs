//! A deployed function as the engine holds it in memory.

use crate::assets::Shelf;
use crate::crossing::Crossing;
use crate::readiness::Readiness;
use crate::slots::Slots;
use model::manifest::{Durability, HttpTrigger};
use model::{FunctionRef, FunctionRow};
use policy::FunctionPolicies;
use ports::executor::{Program, Unit};
use std::sync::Arc;
use std::time::Duration;

/// One active function.
pub(crate) struct Function {
    /// The registry's row.
    pub(crate) row: FunctionRow,
    /// What the executor runs.
    pub(crate) unit: Arc<Unit>,
    /// Its grants and the operator's policies.
    pub(crate) policies: Arc<FunctionPolicies>,
    /// Its room.
    pub(crate) slots: Slots,
    /// Whether its component can be run.
    pub(crate) readiness: Arc<Readiness>,
    /// Its files, if it is a directory of them; then there is no component to run.
    pub(crate) shelf: Option<Arc<Shelf>>,
}

/// One route, and the function that answers it.
pub(crate) struct Endpoint {
    /// Who answers.
    pub(crate) function: Arc<Function>,
    /// What the manifest says about the route.
    pub(crate) http: HttpTrigger,
    /// What it says to pages of other origins.
    pub(crate) crossing: Option<Arc<Crossing>>,
}

impl Endpoint {
    /// A route of a function.
    pub(crate) fn new(function: &Arc<Function>, http: &HttpTrigger) -> Self {
        let crossing = Crossing::of(http).map(Arc::new);
        Self { function: Arc::clone(function), http: http.clone(), crossing }
    }
}

/// What the executor runs of a row.
pub(crate) fn program(row: &FunctionRow) -> Program {
    Program { artifact: row.artifact, wasi: row.spec.wasi }
}

impl Function {
    pub(crate) fn new(
        row: FunctionRow,
        policies: Arc<FunctionPolicies>,
        readiness: Arc<Readiness>,
        shelf: Option<Arc<Shelf>>,
    ) -> Self {
        let limits = row.spec.limits();
        let slots = Slots::new(limits.concurrency, Duration::from_millis(limits.queue_wait_ms));
        let unit = Arc::new(Unit {
            function: Arc::new(row.function.clone()),
            revision: row.revision,
            program: program(&row),
            limits,
        });
        Self { row, unit, policies, slots, readiness, shelf }
    }

    /// Its full name.
    pub(crate) fn reference(&self) -> &Arc<FunctionRef> {
        &self.unit.function
    }

    /// Whether an answer waits for its record.
    pub(crate) fn strict(&self) -> bool {
        self.row.spec.record == Durability::Strict
    }
}
