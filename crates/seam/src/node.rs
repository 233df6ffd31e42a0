//! The node's side: children by tenant, and an executor that runs everything in them.

mod asks;
mod desk;
mod lane;
mod running;
mod ward;

use bytes::Bytes;
use lane::Lane;
use model::{Digest, TenantName};
use parking_lot::Mutex;
use ports::Future;
use ports::child::Companions;
use ports::executor::{Executor, PrepareError, Program, Programs, Run, Running as Guest};
use running::Running;
use std::collections::{BTreeSet, HashMap};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::runtime::Handle;
use ward::Ward;

/// How children are started and kept.
#[derive(Debug, Clone)]
pub struct Options {
    /// What each child is told; its program knows how to read it.
    pub settings: String,
    /// A child that ran nothing for so long is ended.
    pub idle: Duration,
    /// How long a child may take until it is ready.
    pub start: Duration,
    /// How often a child is looked at.
    pub look: Duration,
}

impl Options {
    /// Five minutes without work, half a minute to start, a look every second.
    #[must_use]
    pub fn new(settings: String) -> Self {
        Self {
            settings,
            idle: Duration::from_secs(300),
            start: Duration::from_secs(30),
            look: Duration::from_secs(1),
        }
    }
}

/// Runs the functions of each tenant in a process of their own.
///
/// Components are checked, compiled and kept by the executor that it was made with, which runs
/// nothing itself.
pub struct Tenants<L> {
    library: Arc<L>,
    shared: Arc<Shared>,
}

/// What the children's supervisors know, too.
pub(crate) struct Shared {
    programs: Arc<dyn Programs>,
    companions: Arc<dyn Companions>,
    options: Options,
    runtime: Handle,
    wards: Mutex<HashMap<TenantName, Arc<Ward>>>,
}

impl<L: Executor + Programs + 'static> Tenants<L> {
    /// Children are started and watched on `runtime`, whose threads live as long as the node.
    #[must_use]
    pub fn new(
        library: Arc<L>,
        companions: Arc<dyn Companions>,
        options: Options,
        runtime: Handle,
    ) -> Self {
        let programs = Arc::clone(&library) as Arc<dyn Programs>;
        let wards = Mutex::default();
        Self { library, shared: Arc::new(Shared { programs, companions, options, runtime, wards }) }
    }

    /// How many children live.
    #[must_use]
    pub fn children(&self) -> usize {
        self.shared.wards.lock().len()
    }
}

impl Shared {
    /// The lane of the calling thread to the child of a tenant, which is started if there is none.
    fn lane(self: &Arc<Self>, tenant: &TenantName) -> Arc<Lane> {
        let mut wards = self.wards.lock();
        if let Some(ward) = wards.get(tenant) {
            return ward.lane();
        }
        let ward = Ward::start(Arc::downgrade(self), tenant.clone());
        wards.insert(tenant.clone(), Arc::clone(&ward));
        drop(wards);
        ward.lane()
    }

    /// Forgets a child. Those who come later get a new one.
    fn retire(&self, ward: &Arc<Ward>) {
        let mut wards = self.wards.lock();
        if wards.get(&ward.tenant).is_some_and(|current| Arc::ptr_eq(current, ward)) {
            wards.remove(&ward.tenant);
        }
    }
}

/// The children, for those who must not keep them alive.
pub(crate) type Home = Weak<Shared>;

impl<L: Executor + Programs + 'static> Executor for Tenants<L> {
    fn prepare(&self, program: Program, component: Bytes) -> Future<'_, Result<(), PrepareError>> {
        self.library.prepare(program, component)
    }

    fn ready(&self, program: Program) -> Future<'_, Result<bool, PrepareError>> {
        self.library.ready(program)
    }

    fn keep_only(&self, components: BTreeSet<Digest>) -> Future<'_, usize> {
        self.library.keep_only(components)
    }

    fn run(&self, run: Run) -> Pin<Box<dyn Guest>> {
        let lane = self.shared.lane(&run.unit.function.scope.tenant);
        Box::pin(Running::begin(lane, run))
    }
}
