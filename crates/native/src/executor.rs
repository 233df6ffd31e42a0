//! Runs native functions: finds or starts a process for every invocation, and keeps those that wait.

mod board;
mod command;
mod environment;
mod fleet;
mod instance;
mod pool;
mod recipe;
mod rooted;
mod run;
mod spoken;
mod start;
mod starts;
mod worker;

pub use start::Settings;

use crate::contract::{Call, once};
use crate::interpreter::Table;
use crate::jail::Launcher;
use crate::package::Packages;
use board::Revealed;
use bytes::Bytes;
use fleet::{Fleet, Key};
use instance::Instance;
use model::{Digest, FunctionRef};
use parking_lot::RwLock;
use pool::Pool;
use ports::executor::{Executor, Fault, Manner, PrepareError, Program, Run, Running, Unit};
use ports::{Clock, Future};
use run::{Boarding, Invocation, Meter};
use starts::Starts;
use std::collections::{BTreeSet, HashMap};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// How long a process that waits stays awake: it may finish what it does beside its answers.
const AWAKE: Duration = Duration::from_millis(100);
/// How often somebody looks for processes that wait.
const ROUND: Duration = Duration::from_millis(50);

/// What the executor is made of.
pub struct Parts {
    /// Starts jails.
    pub launcher: Arc<Launcher>,
    /// Where functions' files lie.
    pub packages: Arc<Packages>,
    /// Looks what interprets them.
    pub interpreters: Look,
    /// What tells the time.
    pub clock: Arc<dyn Clock>,
    /// What the operator says.
    pub settings: Settings,
    /// Where its tasks run.
    pub runtime: tokio::runtime::Handle,
}

/// Looks which interpreters there are.
pub type Look = Box<dyn Fn() -> Future<'static, Arc<Table>> + Send + Sync>;

/// Runs native functions.
pub struct NativeExecutor(Arc<Shared>);

struct Shared {
    parts: Parts,
    fleets: RwLock<HashMap<Key, Arc<Fleet>>>,
    pool: Pool,
    starts: Starts,
}

impl NativeExecutor {
    /// An executor that has started nothing yet.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let pool = Pool::new(parts.settings.pool);
        let runtime = parts.runtime.clone();
        let shared =
            Arc::new(Shared { parts, fleets: RwLock::default(), pool, starts: Starts::new() });
        runtime.spawn(rounds(Arc::downgrade(&shared)));
        Self(shared)
    }
}

impl Executor for NativeExecutor {
    fn prepare(&self, program: Program, _listing: Bytes) -> Future<'_, Result<(), PrepareError>> {
        Box::pin(async move {
            let laid_out = self.0.parts.packages.lay_out(program.artifact).await;
            laid_out.map(drop).map_err(|error| match error.of_the_image() {
                Some(problem) => PrepareError::Refused(problem),
                None => {
                    PrepareError::Failed { artifact: program.artifact, reason: error.to_string() }
                }
            })
        })
    }

    fn ready(&self, program: Program) -> Future<'_, Result<bool, PrepareError>> {
        Box::pin(async move {
            // What is laid out is looked through once in each life of the node.
            Ok(self.0.parts.packages.lay_out(program.artifact).await.is_ok())
        })
    }

    fn keep_only(&self, packages: BTreeSet<Digest>) -> Future<'_, usize> {
        Box::pin(async move { self.0.parts.packages.keep_only(&packages) })
    }

    fn let_go(&self, live: &dyn Fn(&FunctionRef, u32) -> bool) {
        let gone: Vec<_> = self.0.fleets.write().extract_if(|key, _| !key.is(live)).collect();
        for (_, fleet) in gone {
            fleet.set_current(false);
            self.0.stop(fleet.take_idle(Duration::MAX, 0));
        }
    }

    fn expect(&self, units: &[Arc<Unit>]) {
        let natives = units.iter().filter_map(|unit| Some((unit, unit.around.native.as_ref()?)));
        let counts: HashMap<Key, usize> =
            natives.clone().map(|(unit, _)| (Key::of(unit), fleet::said(unit))).collect();
        for (key, fleet) in self.0.fleets.read().iter() {
            fleet.provision(counts.get(key).copied().unwrap_or(0));
        }
        for (unit, _) in natives.clone().filter(|(_, native)| native.provisioned.is_some()) {
            self.0.fleet(unit);
        }
        let names = natives.filter_map(|(_, native)| native.interpreter.clone());
        start::fill_for(&self.0, names.collect());
    }

    fn at_hand(&self, unit: &Unit) -> Option<usize> {
        let fleet = self.0.fleets.read().get(&Key::of(unit)).map(Arc::clone);
        Some(fleet.map_or(0, |fleet| fleet.len()))
    }

    fn run(&self, run: Run) -> Pin<Box<dyn Running>> {
        let Run { unit, request, manner, labels: _, files: _, host } = run;
        let shared = Arc::clone(&self.0);
        let clock = &shared.parts.clock;
        let wall_ms = i64::try_from(unit.limits.wall_ms).unwrap_or(i64::MAX);
        let deadline_ms = (clock.wall().0 / 1000).saturating_add(wall_ms);
        let id = request.headers().get("casemate-invocation");
        let id = id.and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
        let meter = Arc::new(Meter::default());
        let request = run::counted(request, &meter);
        let said = requested(&unit, &request, manner, &id);
        let call = Call { request, manner, id, deadline_ms };
        let runtime = shared.parts.runtime.clone();
        let processors = shared.parts.settings.share.div_ceil(1000).max(1);
        let limits = (unit.limits.clone(), processors);
        let boarding: Boarding = Box::pin(board::board(shared, unit, host, said));
        Box::pin(Invocation::begin(runtime, limits, boarding, call, meter))
    }
}

/// What a process is told of its request before it is started, if its contract tells it so.
fn requested(
    unit: &Unit,
    request: &http::Request<ports::executor::RequestBody>,
    manner: Manner,
    id: &str,
) -> Vec<(String, String)> {
    let native = unit.around.native.as_ref();
    let contract = native.map(|native| native.contract).filter(|it| it.is_a_process_each());
    let Some(contract) = contract else { return Vec::new() };
    once::variables(contract, request, manner, id)
}

/// Starts a process before somebody asks for it.
async fn provide(shared: &Arc<Shared>, unit: &Arc<Unit>) -> Result<Arc<Instance>, Fault> {
    let nothing = Revealed::default();
    let (instance, _nobody) = start::start(shared, unit, (&nothing, &[]), None).await?;
    start::ready(&instance, unit).await?;
    instance.account();
    instance.alight(shared.parts.clock.monotonic(), true);
    Ok(Arc::new(instance))
}

impl Shared {
    fn fleet(&self, unit: &Arc<Unit>) -> Arc<Fleet> {
        let key = Key::of(unit);
        let found = self.fleets.read().get(&key).map(Arc::clone);
        if let Some(fleet) = found.filter(|fleet| fleet.is_current()) {
            return fleet;
        }
        let mut fleets = self.fleets.write();
        for (_, other) in fleets.iter().filter(|(other, _)| other.is_beside(&key)) {
            other.set_current(false);
        }
        let fleet = fleets.entry(key).or_insert_with(|| Arc::new(Fleet::new(Arc::clone(unit))));
        fleet.set_current(true);
        Arc::clone(fleet)
    }

    /// Freezes processes that wait, ends those that waited too long, and starts those that are lacking.
    fn round(self: &Arc<Self>, now: Duration) {
        let fleets: Vec<_> = self.fleets.read().values().map(Arc::clone).collect();
        for fleet in fleets {
            fleet.freeze_idle(now.saturating_sub(AWAKE));
            if let Some(then) = now.checked_sub(fleet.idle()) {
                self.stop(fleet.take_idle(then, fleet.provisioned()));
            }
            for _ in 0..fleet.lacking(now) {
                let (shared, fleet) = (Arc::clone(self), Arc::clone(&fleet));
                self.parts.runtime.spawn(async move {
                    let came = provide(&shared, fleet.unit()).await;
                    if let Err(fault) = &came {
                        let function = &fleet.unit().function;
                        tracing::warn!(%fault, %function, "a process could not be started ahead");
                    }
                    fleet.came(came.ok().as_ref(), shared.parts.clock.monotonic());
                });
            }
        }
    }

    fn stop(&self, instances: Vec<Arc<Instance>>) {
        for instance in instances {
            self.parts.runtime.spawn(async move { instance.stop().await });
        }
    }
}

async fn rounds(shared: Weak<Shared>) {
    let mut ticker = tokio::time::interval(ROUND);
    ticker.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        ticker.tick().await;
        let Some(shared) = shared.upgrade() else { return };
        shared.round(shared.parts.clock.monotonic());
    }
}
