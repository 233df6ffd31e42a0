//! Runs native functions: finds or starts a process for every invocation, and keeps those that wait.

mod command;
mod fleet;
mod instance;
mod pool;
mod recipe;
mod run;
mod start;

pub use start::Settings;

use crate::contract::Call;
use crate::interpreter::Table;
use crate::jail::Launcher;
use crate::package::Packages;
use crate::seat::Taken;
use bytes::Bytes;
use fleet::{Fleet, Key};
use instance::Instance;
use model::{Digest, FunctionRef};
use parking_lot::{Mutex, RwLock};
use pool::Pool;
use ports::executor::{Executor, Fault, FaultKind, PrepareError, Program, Run, Running, Unit};
use ports::host::{Ask, HostCall, HostReply};
use ports::{Clock, Future, Host};
use run::{Aboard, Boarding, Invocation, Meter};
use std::collections::{BTreeSet, HashMap};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// How long a process that waits stays awake: it may finish what it does beside its answers.
const AWAKE: Duration = Duration::from_millis(100);
/// How often somebody looks for processes that wait.
const ROUND: Duration = Duration::from_millis(50);
/// How long a process is kept that has nothing to do, if the manifest says nothing.
const IDLE: Duration = Duration::from_secs(300);

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
    /// How long each function's processes are kept, and how many at least.
    keeping: Mutex<HashMap<Key, Keeping>>,
}

#[derive(Clone, Copy)]
struct Keeping {
    idle: Duration,
    provisioned: usize,
}

impl NativeExecutor {
    /// An executor that has started nothing yet.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let pool = Pool::new(parts.settings.pool);
        let runtime = parts.runtime.clone();
        let (fleets, keeping) = Default::default();
        let shared = Arc::new(Shared { parts, fleets, pool, keeping });
        runtime.spawn(rounds(Arc::downgrade(&shared)));
        Self(shared)
    }

    /// Processes that are there, and how many of them wait without a function.
    #[must_use]
    pub fn processes(&self) -> (usize, usize) {
        let fleets = self.0.fleets.read();
        (fleets.values().map(|fleet| fleet.len()).sum(), self.0.pool.len())
    }
}

impl Executor for NativeExecutor {
    fn prepare(&self, program: Program, _listing: Bytes) -> Future<'_, Result<(), PrepareError>> {
        Box::pin(async move {
            let laid_out = self.0.parts.packages.lay_out(program.artifact).await;
            laid_out.map(drop).map_err(|error| PrepareError::Failed {
                artifact: program.artifact,
                reason: error.to_string(),
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
        for (key, fleet) in gone {
            self.0.keeping.lock().remove(&key);
            for instance in fleet.take_idle(Duration::MAX, 0) {
                self.0.parts.runtime.spawn(async move { instance.stop().await });
            }
        }
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
        let call = Call { request, manner, id, deadline_ms };
        let runtime = shared.parts.runtime.clone();
        let limits = unit.limits.clone();
        let boarding: Boarding = Box::pin(board(shared, unit, host));
        Box::pin(Invocation::begin(runtime, limits, boarding, call, meter))
    }
}

/// Finds a process for an invocation, or starts one.
async fn board(shared: Arc<Shared>, unit: Arc<Unit>, host: Arc<dyn Host>) -> Result<Aboard, Fault> {
    let revealed = reveal(&unit, &host).await?;
    let fleet = shared.fleet(&unit);
    let native = unit.around.native.as_ref();
    let fresh = native.is_some_and(|native| native.fresh);
    let aboard = |instance: Arc<Instance>, taken: Taken| Aboard {
        instance,
        taken: Some(taken),
        fleet: Arc::clone(&fleet),
        clock: Arc::clone(&shared.parts.clock),
        fresh,
        sound: false,
    };
    while let Some(instance) = fleet.board() {
        // What it was given to read may have changed, or may be it no longer may read it.
        if instance.revealed() == revealed.digest {
            let taken = instance.seat().take(host);
            let aboard = aboard(instance, taken);
            aboard.instance.ready().await?;
            return Ok(aboard);
        }
        fleet.leave(&instance);
        instance.alight(shared.parts.clock.monotonic(), false);
    }
    let (instance, taken) = start::start(&shared, &unit, revealed, host).await?;
    let aboard = aboard(Arc::new(instance), taken);
    if aboard.instance.is_shared() {
        fleet.put_last(&aboard.instance);
    }
    let longest = native.and_then(|native| native.start).map_or(start::LONGEST, |it| it.std());
    match tokio::time::timeout(longest, aboard.instance.ready()).await {
        Ok(ready) => ready?,
        Err(_) => {
            let reason = format!("it was not ready after {} ms", longest.as_millis());
            return Err(Fault { kind: FaultKind::NoResponse, reason });
        }
    }
    Ok(aboard)
}

/// The secrets that a function reads, as it may read them now.
struct Revealed {
    values: Vec<(String, model::Secret<Vec<u8>>)>,
    /// What they are, to see whether a process has the same.
    digest: Option<Digest>,
}

async fn reveal(unit: &Unit, host: &Arc<dyn Host>) -> Result<Revealed, Fault> {
    let mut values = Vec::new();
    for name in &unit.revealed {
        let ask = Ask::plain(HostCall::Reveal(name.clone()));
        match Arc::clone(host).call(ask).await.map(|answer| answer.reply.value) {
            Ok(HostReply::Secret(value)) => values.push((name.clone(), value)),
            // It is not there for a function that may not read it.
            Ok(_) | Err(_) => {}
        }
    }
    let digest = (!unit.revealed.is_empty()).then(|| start::digest_of(&values));
    Ok(Revealed { values, digest })
}

impl Shared {
    fn fleet(&self, unit: &Unit) -> Arc<Fleet> {
        let key = Key::of(unit);
        if let Some(fleet) = self.fleets.read().get(&key) {
            return Arc::clone(fleet);
        }
        let native = unit.around.native.as_ref();
        let keeping = Keeping {
            idle: native.and_then(|native| native.idle).map_or(IDLE, |idle| idle.std()),
            provisioned: native.and_then(|native| native.provisioned).unwrap_or(0) as usize,
        };
        self.keeping.lock().insert(key.clone(), keeping);
        Arc::clone(self.fleets.write().entry(key).or_default())
    }

    /// Freezes processes that wait, and ends those that waited too long.
    fn round(&self, now: Duration) -> Vec<Arc<Instance>> {
        let mut gone = Vec::new();
        let keeping = self.keeping.lock().clone();
        let fleets: Vec<_> = self
            .fleets
            .read()
            .iter()
            .map(|(key, fleet)| (key.clone(), Arc::clone(fleet)))
            .collect();
        for (key, fleet) in fleets {
            fleet.freeze_idle(now.saturating_sub(AWAKE));
            let Some(keep) = keeping.get(&key) else { continue };
            if let Some(then) = now.checked_sub(keep.idle) {
                gone.extend(fleet.take_idle(then, keep.provisioned));
            }
        }
        gone
    }
}

async fn rounds(shared: Weak<Shared>) {
    let mut ticker = tokio::time::interval(ROUND);
    ticker.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        ticker.tick().await;
        let Some(shared) = shared.upgrade() else { return };
        for instance in shared.round(shared.parts.clock.monotonic()) {
            shared.parts.runtime.spawn(async move { instance.stop().await });
        }
    }
}
