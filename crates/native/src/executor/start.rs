//! Starting a process: from the pool if somebody waits there, or from nothing.

use super::Shared;
use super::board::Revealed;
use super::command::Start;
use super::instance::{self, Instance};
use super::recipe::{Files, Ground, Loader, Process, Recipe, Wiring};
use super::spoken::Spoken;
use super::starts::Turn;
use crate::contract;
use crate::door::{self, Authority, Passing};
use crate::interpreter::{self, Interpreter, Needs};
use crate::jail::{Jail, JailError, Plan, Step};
use crate::loader::Assigned;
use crate::logs::Stream;
use crate::package;
use crate::seat::{Seat, Taken};
use model::Problem;
use model::manifest::NativeSpec;
use model::wire::v1::Level;
use parking_lot::Mutex;
use ports::Host;
use ports::executor::{Fault, FaultKind, Unit};
use std::collections::BTreeSet;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;

/// Longest time to start, if the manifest says nothing.
pub(super) const LONGEST: Duration = Duration::from_secs(10);

/// How much longer a contract may take to say by itself why its process is not ready.
const IN_ITS_WORDS: Duration = Duration::from_millis(500);

/// How long a pool is left as it is after a member was taken out of it.
const BEFORE_FILLING: Duration = Duration::from_millis(50);

/// What the operator says of native functions.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How many jails of each interpreter wait for a function.
    pub pool: u32,
    /// How much of the processors a process may use, in thousandths of one.
    pub share: u32,
    /// The machine's certificates of authorities, in DER.
    pub roots: Vec<Vec<u8>>,
}

/// A jail that was started, with what belongs to it.
pub(super) struct Member {
    jail: Jail,
    authority: Arc<Authority>,
    /// CPU time that it took before it had a function, in microseconds.
    before_us: u64,
}

impl Member {
    pub(super) fn has_ended(&self) -> bool {
        self.jail.has_ended()
    }
}

/// A problem of a function's start, as a fault of the function.
fn at_fault(problem: &Problem) -> Fault {
    Fault { kind: FaultKind::Trapped, reason: problem.to_string() }
}

fn platform(error: impl std::fmt::Display) -> Fault {
    Fault { kind: FaultKind::Platform, reason: error.to_string() }
}

/// A jail could not be made: the machine's fault, unless the function's program cannot be started, or its
/// image has something else where a jail has its own.
fn no_jail(error: &JailError, of_image: bool) -> Fault {
    let kind = match error {
        JailError::Failed(failure) => match failure.step {
            Step::Exec | Step::Chdir => FaultKind::Trapped,
            Step::Directory | Step::File | Step::Link if of_image => FaultKind::Trapped,
            _ => FaultKind::Platform,
        },
        _ => FaultKind::Platform,
    };
    Fault { kind, reason: error.to_string() }
}

/// A package could not be laid out: the machine's fault, unless it is an image without room for a jail.
fn no_package(error: &package::Error) -> Fault {
    match error.of_the_image() {
        Some(problem) => at_fault(&problem),
        None => platform(error),
    }
}

/// Starts a process for a function, with room and its seat taken for one invocation: what the process
/// asks for while it starts is that invocation's. One that is started ahead has no host, and asks
/// nobody.
pub(super) async fn start(
    shared: &Arc<Shared>,
    unit: &Unit,
    (revealed, said): (&Revealed, &[(String, String)]),
    host: Option<Arc<dyn Host>>,
) -> Result<(Instance, Option<Taken>), Fault> {
    let native = unit.around.native.as_ref().ok_or_else(|| platform("it is no native function"))?;
    let files = files(shared, unit, native).await?;
    let number = fastrand::u64(..);
    let name = format!("{number:016x}");
    let share = shared.parts.settings.share;
    let process = Process { name: &name, share, ahead: host.is_none() };
    let recipe = Recipe::of(unit, native, &files, process, (&revealed.values, said));
    let recipe = recipe.map_err(|problem| at_fault(&problem))?;
    let interpreter = interpreter(shared, native).await?;
    let seat = Arc::new(Seat::default());
    let taken = host.map(|host| seat.take(host));
    let turn = shared.starts.turn(&shared.parts.runtime).await;
    let (member, listeners) = jail(shared, interpreter.as_ref(), &recipe).await?;
    let revealed = revealed.digest;
    let started = Started { member, listeners, recipe, seat, name, revealed, turn };
    let instance = assemble(shared, unit, native, started).map_err(platform)?;
    Ok((instance, taken))
}

/// Waits until a process that was started can take invocations.
pub(super) async fn ready(instance: &Instance, unit: &Unit) -> Result<(), Fault> {
    let native = unit.around.native.as_ref();
    let longest = native.and_then(|native| native.start).map_or(LONGEST, |it| it.std());
    let limit = longest.saturating_add(IN_ITS_WORDS);
    tokio::time::timeout(limit, instance.ready()).await.unwrap_or_else(|_| {
        let reason = format!("it was not ready after {} ms", longest.as_millis());
        Err(Fault { kind: FaultKind::NoResponse, reason })
    })
}

async fn files(shared: &Shared, unit: &Unit, native: &NativeSpec) -> Result<Files, Fault> {
    let packages = &shared.parts.packages;
    let package = packages.lay_out(unit.program.artifact).await;
    let package = package.map_err(|error| no_package(&error))?;
    let layers = match native.layers_digest {
        Some(layers) => Some(packages.lay_out(layers).await.map_err(platform)?),
        None => None,
    };
    Ok(Files { package, layers })
}

/// What interprets the function, if anything does.
async fn interpreter(shared: &Shared, native: &NativeSpec) -> Result<Option<Interpreter>, Fault> {
    let Some(name) = &native.interpreter else { return Ok(None) };
    let table = (shared.parts.interpreters)().await;
    table.find(name).cloned().map(Some).map_err(|problem| at_fault(&problem))
}

/// A jail with the function's process in it, and its listeners in the order of the recipe.
async fn jail(
    shared: &Arc<Shared>,
    interpreter: Option<&Interpreter>,
    recipe: &Recipe,
) -> Result<(Member, Vec<TcpListener>), Fault> {
    let (interpreter, loader) = match (&recipe.start, interpreter) {
        (Start::Handler(_) | Start::Interpreted(_), Some(interpreter))
            if recipe.wiring == Wiring::default() =>
        {
            match Loader::of(interpreter) {
                Some(loader) => (interpreter, loader),
                None => return directly(shared, Some(interpreter), recipe).await,
            }
        }
        (_, interpreter) => return directly(shared, interpreter, recipe).await,
    };
    // Extensions may be scripts.
    let alone = recipe.extensions.is_empty();
    let needs = if alone { interpreter.needs() } else { interpreter.needs().and_shell() };
    // Those that wait have no shell, and trust nobody but their own authority.
    let waiting = if alone && recipe.passing == Passing::Never {
        let (waiting, missing) = shared.pool.take(&interpreter.name);
        for _ in 0..missing {
            fill(shared, interpreter.clone(), loader);
        }
        waiting
    } else {
        None
    };
    let mut member = match waiting {
        Some(member) => Member { before_us: member.jail.usage().cpu_us, ..member },
        None => member(shared, (interpreter, &needs), loader, Told::AtOnce(recipe.passing)).await?,
    };
    let mut listeners = member.jail.assign(&recipe.assignment).await;
    // What makes jails ended, and takes those that waited along.
    if let Err(JailError::Launcher(_)) = listeners {
        member = self::member(shared, (interpreter, &needs), loader, Told::AtOnce(recipe.passing))
            .await?;
        listeners = member.jail.assign(&recipe.assignment).await;
    }
    let listeners = listeners.map_err(|error| no_jail(&error, false))?;
    tell(&mut member.jail, recipe).await.map_err(platform)?;
    Ok((member, listeners))
}

/// A jail whose program is the function's own.
async fn directly(
    shared: &Shared,
    interpreter: Option<&Interpreter>,
    recipe: &Recipe,
) -> Result<(Member, Vec<TcpListener>), Fault> {
    let (program, arguments) = match (&recipe.start, interpreter) {
        (Start::Program(program, arguments), _) => (program.clone(), arguments.clone()),
        (Start::Interpreted(arguments), Some(interpreter)) => {
            (interpreter.program().to_owned(), arguments.clone())
        }
        (Start::Interpreted(_) | Start::Handler(_), _) => {
            let reason = "its interpreter calls no handlers: write `command`".to_owned();
            return Err(Fault { kind: FaultKind::Trapped, reason });
        }
    };
    let needs = match &recipe.root {
        Some(image) => image.clone(),
        None => interpreter.map_or_else(interpreter::shell, Interpreter::needs),
    };
    let plan = |ground: Ground<'_>| ground.whole(recipe, program, arguments);
    let of_image = recipe.root.is_some();
    let mut member = make(shared, (&needs, of_image), recipe.passing, plan).await?;
    if !recipe.wiring.input {
        drop(member.jail.stdin.take());
    }
    let own = member.jail.listeners.len().saturating_sub(recipe.assignment.listeners.len());
    let listeners = member.jail.listeners.split_off(own);
    Ok((member, listeners))
}

/// Tells a loader of its function.
async fn tell(jail: &mut Jail, recipe: &Recipe) -> io::Result<()> {
    let Some(mut stdin) = jail.stdin.take() else {
        return Err(io::Error::other("the loader was told already"));
    };
    let (handler, run) = match &recipe.start {
        Start::Handler(handler) => (handler.as_str(), [].as_slice()),
        Start::Interpreted(words) => ("", words.as_slice()),
        Start::Program(..) => ("", [].as_slice()),
    };
    let assigned = Assigned::new(&recipe.environment, handler);
    let assigned = Assigned { run, directory: &recipe.place, ..assigned };
    stdin.write_all(&assigned.line()).await
}

/// When a loader hears of its function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// It is started for it, and TLS may leave it so.
    AtOnce(Passing),
    /// It waits in the pool.
    Later,
}

async fn member(
    shared: &Shared,
    (interpreter, needs): (&Interpreter, &Needs),
    loader: Loader,
    told: Told,
) -> Result<Member, Fault> {
    let passing = match told {
        Told::AtOnce(passing) => passing,
        Told::Later => Passing::Never,
    };
    let plan = |ground: Ground<'_>| ground.empty(interpreter, loader, told == Told::Later);
    make(shared, (needs, false), passing, plan).await
}

async fn make(
    shared: &Shared,
    (needs, of_image): (&Needs, bool),
    passing: Passing,
    plan: impl FnOnce(Ground<'_>) -> Plan,
) -> Result<Member, Fault> {
    let authority = Authority::new(Arc::clone(&shared.parts.clock)).map_err(platform)?;
    let settings = &shared.parts.settings;
    let plan = plan(Ground {
        needs,
        authority: &authority,
        roots: if passing == Passing::Never { &[] } else { &settings.roots },
        share: settings.share,
    });
    let jail = shared.parts.launcher.jail(plan).await;
    let jail = jail.map_err(|error| no_jail(&error, of_image))?;
    Ok(Member { jail, authority: Arc::new(authority), before_us: 0 })
}

/// Starts one more for the pool, when the invocation that took one has had its time: starting an
/// interpreter takes a processor for a while.
fn fill(shared: &Arc<Shared>, interpreter: Interpreter, loader: Loader) {
    let owner = Arc::clone(shared);
    shared.parts.runtime.spawn(async move {
        tokio::time::sleep(BEFORE_FILLING).await;
        let needs = interpreter.needs();
        match member(&owner, (&interpreter, &needs), loader, Told::Later).await {
            Ok(member) => owner.pool.put(&interpreter.name, member),
            Err(fault) => {
                tracing::warn!(%fault, interpreter = interpreter.name, "no jail for the pool");
                owner.pool.missed(&interpreter.name);
            }
        }
    });
}

/// Fills the pool with what functions are going to need that nobody has called yet.
pub(super) fn fill_for(shared: &Arc<Shared>, interpreters: BTreeSet<String>) {
    if interpreters.is_empty() {
        return;
    }
    let shared = Arc::clone(shared);
    let runtime = shared.parts.runtime.clone();
    runtime.spawn(async move {
        let table = (shared.parts.interpreters)().await;
        let found = interpreters.iter().filter_map(|name| table.find(name).ok().cloned());
        for interpreter in found {
            let Some(loader) = Loader::of(&interpreter) else { continue };
            for _ in 0..shared.pool.missing(&interpreter.name) {
                fill(&shared, interpreter.clone(), loader);
            }
        }
    });
}

struct Started {
    member: Member,
    listeners: Vec<TcpListener>,
    recipe: Recipe,
    seat: Arc<Seat>,
    name: String,
    revealed: Option<model::Digest>,
    turn: Option<Turn>,
}

/// Opens the jail's doors and begins the conversation.
fn assemble(
    shared: &Arc<Shared>,
    unit: &Unit,
    native: &NativeSpec,
    started: Started,
) -> io::Result<Instance> {
    let Started { member, listeners, recipe, seat, name, revealed, turn } = started;
    let Member { mut jail, authority, before_us } = member;
    let runtime = &shared.parts.runtime;
    let mut own = std::mem::take(&mut jail.listeners);
    let api = own.pop().ok_or_else(|| io::Error::other("a jail has no listener"))?;
    let mut doors = door::open(runtime, own, &seat, authority, recipe.passing)?;
    doors.extend(door::open_granted(runtime, listeners, &recipe.layout, &seat)?);
    let stdout = if recipe.wiring.output { None } else { jail.stdout.take() };
    let mark = contract::mark(native.contract);
    let streams = [(stdout, Level::Info), (jail.stderr.take(), Level::Error)];
    let streams = streams.into_iter().filter_map(|(pipe, level)| {
        Some(Arc::new(Stream::new(pipe?, level, Arc::clone(&seat)).without(mark)))
    });
    let streams: Vec<Arc<Stream>> = streams.collect();
    let tasks = streams.iter().map(|stream| {
        let stream = Arc::clone(stream);
        runtime.spawn(async move { stream.pump().await }).abort_handle()
    });
    let tasks = tasks.collect();
    let spoken = Spoken { native, recipe: &recipe, api, seat: &seat, name };
    let (jail, conversation) = spoken.begin(shared, unit, jail)?;
    Ok(Instance::new(instance::Parts {
        jail,
        conversation,
        seat,
        streams,
        tasks,
        _doors: doors,
        parallel: native.parallel.unwrap_or(1).max(1),
        revealed,
        before_us,
        turn: Mutex::new(turn),
    }))
}

/// What secrets a process was given, to compare with what it would be given now.
pub(super) fn digest_of(values: &[(String, model::Secret<Vec<u8>>)]) -> model::Digest {
    let mut bytes = Vec::new();
    for (name, value) in values {
        for part in [name.as_bytes(), value.expose().as_slice()] {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part);
        }
    }
    let mut digest = [0; 32];
    digest.copy_from_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes).as_ref());
    model::Digest(digest)
}
