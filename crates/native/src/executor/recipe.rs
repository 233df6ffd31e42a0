//! How the process of a function is started: what its jail holds, and what runs in it.
//!
//! A jail is made in two steps that can lie apart in time. What does not depend on the function is its
//! first [`Plan`], and a pool keeps jails that were made of it; what does is its [`Assignment`], and
//! what a loader is told. Where there is no loader, both come at once.

use super::command::{self, Start};
use super::environment::{common, environment};
use super::{rooted, worker};
use crate::contract;
use crate::door::{self, Authority, Layout, Passing};
use crate::interpreter::{Interpreter, Kind, Needs};
use crate::jail::{Assignment, Bind, Ceilings, Plan};
use crate::loader;
use model::manifest::{Contract, NativeSpec};
use model::{Limits, Problem};
use ports::executor::Unit;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};

/// Where the Runtime API of AWS Lambda is in every jail.
pub(super) const RUNTIME_API: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 9001);
/// Where functions of Fn's make their sockets.
const SOCKETS_AT: &str = "/tmp/iofs";
/// Where layers are.
pub(super) const LAYERS: &str = "/opt";
/// Every place where some contract has its package; each jail has all of them.
const PLACES: [&str; 6] = [contract::TASK, LAYERS, "/workspace", "/code", "/home/app", "/kubeless"];
/// Files below `/tmp`.
const SCRATCH_FILES: u32 = 8192;
/// Descriptors of one process, as AWS Lambda has them.
const DESCRIPTORS: u32 = 1024;
/// Size of `/tmp`, if the manifest says nothing.
const SCRATCH_BYTES: u64 = 64 << 20;
/// Processes and threads, if the manifest says nothing.
const PROCESSES: u32 = 128;
/// Sockets that a jail has in stock.
const SOCKETS: u32 = 4;

/// A loader of ours: started without a function, it waits to be told of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loader {
    Python,
    Node,
}

impl Loader {
    /// That of an interpreter, if it has one.
    pub(super) fn of(interpreter: &Interpreter) -> Option<Self> {
        match interpreter.kind {
            Kind::Python => Some(Self::Python),
            Kind::Node => Some(Self::Node),
            _ => None,
        }
    }

    /// Its files; the first is the program.
    const fn files(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Python => loader::PYTHON,
            Self::Node => loader::NODE,
        }
    }
}

/// What every jail is made of, whatever runs in it.
pub(super) struct Ground<'a> {
    pub(super) needs: &'a Needs,
    pub(super) authority: &'a Authority,
    /// The machine's roots, in DER, if the process needs them beside the jail's own authority.
    pub(super) roots: &'a [Vec<u8>],
    /// Share of the processors, in thousandths of one.
    pub(super) share: u32,
}

impl Ground<'_> {
    /// The jail of a loader that knows no function yet, and whether it has time to rehearse.
    pub(super) fn empty(&self, interpreter: &Interpreter, loader: Loader, early: bool) -> Plan {
        let mut plan = self.plan(ceilings(&Limits::default(), None, self.share));
        let files = loader.files().iter();
        plan.files.extend(files.map(|(name, text)| {
            (Path::new(loader::DIRECTORY).join(name), text.as_bytes().to_vec())
        }));
        plan.arguments = vec![format!("{}/{}", loader::DIRECTORY, loader.files()[0].0)];
        plan.arguments.extend(early.then(|| loader::REHEARSE.to_owned()));
        plan.program.clone_from(&interpreter.path);
        plan.environment = door::environment(common(), BTreeMap::new());
        plan
    }

    /// The jail of a function that is known.
    pub(super) fn whole(&self, recipe: &Recipe, program: PathBuf, arguments: Vec<String>) -> Plan {
        let mut plan = self.plan(recipe.assignment.ceilings.unwrap_or(ceilings(
            &Limits::default(),
            None,
            self.share,
        )));
        plan.binds.extend(recipe.assignment.binds.iter().cloned());
        let bound = |place: &PathBuf| recipe.assignment.binds.iter().any(|it| it.target == *place);
        plan.places.retain(|place| !bound(place));
        if recipe.root.is_some() {
            // All that there is, the image has.
            plan.places.clear();
        }
        plan.hosts = recipe.assignment.hosts.clone().unwrap_or(plan.hosts);
        plan.listeners.extend(&recipe.assignment.listeners);
        plan.files.extend(recipe.files.iter().cloned());
        plan.environment.clone_from(&recipe.environment);
        plan.directory.clone_from(&recipe.place);
        plan.extra = recipe.wiring.extra;
        plan.window.clone_from(&recipe.wiring.window);
        plan.program = program;
        plan.arguments = arguments;
        plan
    }

    fn plan(&self, ceilings: Ceilings) -> Plan {
        let roots = self.roots.iter().map(Vec::as_slice);
        Plan {
            binds: self.needs.binds.clone(),
            links: self.needs.links.clone(),
            places: PLACES.map(PathBuf::from).to_vec(),
            files: door::files(self.authority, roots),
            hosts: door::names(std::iter::empty()),
            listeners: door::LISTENERS.into_iter().chain([RUNTIME_API]).collect(),
            sockets: SOCKETS,
            program: PathBuf::new(),
            arguments: Vec::new(),
            environment: Vec::new(),
            directory: PathBuf::from("/"),
            extra: false,
            window: None,
            ceilings,
        }
    }
}

/// What is known of a process before it is started.
#[derive(Debug, Clone, Copy)]
pub(super) struct Process<'a> {
    /// A name for it, unlike that of others of its function.
    pub(super) name: &'a str,
    /// Its share of the processors, in thousandths of one.
    pub(super) share: u32,
    /// Whether it is started before somebody calls.
    pub(super) ahead: bool,
}

/// What a process has of its contract beside streams that it logs to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wiring {
    /// Whether it is spoken to on its standard input.
    pub(super) input: bool,
    /// Whether its standard output is its answers.
    pub(super) output: bool,
    /// Whether its descriptor 3 is.
    pub(super) extra: bool,
    /// Where it makes a socket.
    pub(super) window: Option<PathBuf>,
}

impl Wiring {
    fn of(contract: Contract) -> Self {
        let output = contract.answers_on_output();
        let extra = contract == Contract::Actionloop;
        let window = (contract == Contract::Fn).then(|| PathBuf::from(SOCKETS_AT));
        Self { input: output || extra, output, extra, window }
    }
}

/// A secret that a function reads, under its name.
pub(super) type Revealed = (String, model::Secret<Vec<u8>>);

/// How a function's process is started.
pub(super) struct Recipe {
    /// What is mounted, named, listened on and limited for it.
    pub(super) assignment: Assignment,
    /// Its granted destinations.
    pub(super) layout: Layout,
    /// All of its environment.
    pub(super) environment: Vec<(String, String)>,
    /// Where its package is.
    pub(super) place: PathBuf,
    /// What runs.
    pub(super) start: Start,
    /// What has to register beside it before it is ready.
    pub(super) extensions: Vec<String>,
    /// Whether TLS may leave it that nobody looks into.
    pub(super) passing: Passing,
    /// What it has beside its log.
    pub(super) wiring: Wiring,
    /// What its jail sees in the place of the machine, if that is an image.
    pub(super) root: Option<Needs>,
    /// Files that its jail has for it beside its package.
    pub(super) files: Vec<(PathBuf, Vec<u8>)>,
}

/// Where a function's files lie on the machine.
pub(super) struct Files {
    pub(super) package: PathBuf,
    pub(super) layers: Option<PathBuf>,
}

impl Recipe {
    /// That of a function. `process` is what is known of it; `revealed` are secrets that it reads, and
    /// `said` is what it is told of its only request.
    ///
    /// # Errors
    /// A destination cannot be had in a jail, or the package does not hold what is to be started.
    pub(super) fn of(
        unit: &Unit,
        native: &NativeSpec,
        files: &Files,
        process: Process<'_>,
        (revealed, said): (&[Revealed], &[(String, String)]),
    ) -> Result<Self, Problem> {
        let place = match &native.image_config {
            Some(config) => rooted::directory(config),
            None => PathBuf::from(contract::root(native.contract)),
        };
        let around = &unit.around;
        let destinations: Vec<(String, u16)> =
            around.destinations.iter().map(|it| (it.host().to_string(), it.port())).collect();
        let layout = door::layout(destinations.iter().map(|(host, port)| (host.as_str(), *port)))?;
        let mut hosts = door::names(&around.calls);
        hosts.extend(layout.hosts.iter().cloned());
        let root = native.image_config.as_ref().map(|_| rooted::needs(&files.package));
        let root = root.transpose()?;
        let mut binds = Vec::new();
        if root.is_none() {
            binds.push(Bind { source: files.package.clone(), target: place.clone() });
        }
        let layers = files.layers.iter().cloned();
        binds.extend(layers.map(|source| Bind { source, target: PathBuf::from(LAYERS) }));
        let extensions = command::extensions(native, files);
        let environment = environment(unit, native, process, revealed);
        let path = environment.iter().find(|(name, _)| name == "PATH");
        let path = path.map_or("", |(_, value)| value.as_str());
        let start = command::of(native, files, &place, path)?;
        let own = modules(unit, native, (revealed, &environment), (&files.package, &place))?;
        Ok(Self {
            assignment: Assignment {
                binds,
                hosts: Some(hosts),
                listeners: layout.listeners.iter().map(|(at, _, _)| *at).collect(),
                ceilings: Some(ceilings(&unit.limits, Some(native), process.share)),
            },
            layout,
            start: command::beside(start, &extensions),
            environment: with(environment, said),
            extensions,
            passing: if around.passes || !around.destinations.is_empty() {
                Passing::Permitted
            } else {
                Passing::Never
            },
            wiring: Wiring::of(native.contract),
            place,
            root,
            files: own,
        })
    }
}

/// The files of a Worker's jail that say what runs in it; none for anything else.
fn modules(
    unit: &Unit,
    native: &NativeSpec,
    (revealed, environment): (&[Revealed], &[(String, String)]),
    (package, place): (&Path, &Path),
) -> Result<Vec<(PathBuf, Vec<u8>)>, Problem> {
    let Some(spec) = &native.worker else { return Ok(Vec::new()) };
    let revealed = revealed.iter().map(|(name, _)| name.as_str());
    let environment = environment.iter().cloned().collect();
    worker::files(spec, unit, (revealed, &environment), package, place)
}

/// An environment with what is said of one request. What is there already stays, however it is written:
/// programs take some names in both cases.
fn with(
    mut environment: Vec<(String, String)>,
    said: &[(String, String)],
) -> Vec<(String, String)> {
    let own = environment.len();
    for (name, value) in said {
        let mut before = environment.iter().take(own);
        if !before.any(|(taken, _)| taken.eq_ignore_ascii_case(name)) {
            environment.push((name.clone(), value.clone()));
        }
    }
    environment
}

fn ceilings(limits: &Limits, native: Option<&NativeSpec>, share: u32) -> Ceilings {
    let scratch = native.and_then(|native| native.scratch).map_or(SCRATCH_BYTES, |it| it.bytes);
    Ceilings {
        memory_bytes: limits.memory_bytes,
        processes: native.and_then(|native| native.processes).unwrap_or(PROCESSES),
        cpu_milli: share,
        scratch_bytes: scratch.min(limits.memory_bytes),
        scratch_files: SCRATCH_FILES,
        descriptors: DESCRIPTORS,
    }
}
