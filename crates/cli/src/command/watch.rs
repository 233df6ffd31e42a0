//! `casemate watch`: builds, deploys, tails the log, and does it again with every change.

mod files;
mod host;
mod tell;

use super::build::Limit;
use super::deploy;
use crate::build::Builder;
use crate::clock::Stopwatch;
use crate::context::Context;
use crate::manifest::{self, Bare, Outline};
use clap::Args;
use files::Files;
use host::Host;
use model::api::Deployed;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;
use tell::Teller;

const EXAMPLES: &str = "\
Examples:
  casemate watch                      the project here, on a node of its own
  casemate watch shop --listen 127.0.0.1:9000
  casemate watch --home ./data        on a node that runs already
  casemate watch --format json        one JSON document per line: what happens, for an editor

Without --home the project gets a node of its own, in this process: it keeps everything in
.casemate beside the manifest, listens on this machine only, and grants what the manifest asks
for. With --home the grants are the operator's, as after `casemate deploy`.

What is not watched: what .gitignore names, every `source` that has a build command, and target,
dist, node_modules, .venv, __pycache__, .git and .casemate.";

/// How long nothing may happen to a file before it is built.
const QUIET: Duration = Duration::from_millis(100);
/// How often a build may change a watched file before that file is let out of sight.
const OWN_CHANGES_MAX: u32 = 3;

/// Build, run and follow a project while you change it
///
/// Builds what the manifest says, deploys it, prints where it answers, and shows what it logs.
/// When a file changes it builds and deploys again; while a build or the manifest is broken, the
/// last good version goes on answering. Ctrl-C ends it.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Watch {
    /// A directory with a casemate.toml
    #[arg(value_name = "DIR", default_value = ".")]
    path: PathBuf,
    /// Where the project's own node listens [default: 127.0.0.1:8080, or a free port]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    #[command(flatten)]
    limit: Limit,
    #[command(flatten)]
    variables: deploy::Variables,
}

/// What the loop waits for.
enum Event {
    /// Something happened to some file.
    Touched,
    /// Ctrl-C.
    Interrupted,
}

impl Watch {
    /// Watches until Ctrl-C.
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<()> {
        // Absolute, so that it names the same project whatever happens.
        let project = manifest::project(&self.path)?;
        let builder = self.limit.builder(context)?;
        let interrupt = builder.interrupt.clone();
        let (sender, events) = channel();
        let touched = sender.clone();
        let files = Files::watch(&project, move || tell_event(&touched, Event::Touched))?;
        interrupt.then(move || tell_event(&sender, Event::Interrupted))?;
        let host = match &context.global.home {
            Some(home) => Host::named(context, home)?,
            None => Host::start(context, &project, self.listen, &interrupt)?,
        };
        let teller = Teller::new(context.voice, &project, &host);
        let bare = Bare { variables: self.variables.variables, ..Bare::default() };
        let own = BTreeMap::new();
        let mut watching = Watching { project, files, events, builder, host, teller, bare, own };
        let ended = watching.follow_logs().and_then(|()| watching.go_on());
        let stopped = watching.host.end();
        ended.and(stopped)
    }
}

/// Nobody waits any more when the command ends.
fn tell_event(to: &Sender<Event>, event: Event) {
    let _nobody_waits = to.send(event);
}

/// A project that is watched.
struct Watching {
    project: PathBuf,
    files: Files,
    events: Receiver<Event>,
    builder: Builder,
    host: Host,
    teller: Teller,
    bare: Bare,
    /// How many builds in a row each file changed in.
    own: BTreeMap<PathBuf, u32>,
}

/// How a round went.
struct Round {
    deployed: Deployed,
    unchanged: bool,
    build_ms: Option<u64>,
    deploy: String,
}

impl Watching {
    fn go_on(&mut self) -> anyhow::Result<()> {
        self.teller.begin()?;
        loop {
            match self.round() {
                _ if self.builder.interrupt.came() => return self.teller.end(),
                Ok(round) => self.teller.deployed(&round, &self.project, &self.host)?,
                Err(error) if error.is::<crate::voice::Closed>() => return Err(error),
                Err(error) => self.teller.failed(&error)?,
            }
            // The first build shows what it does; later ones only if they fail.
            self.builder.live = !self.teller.has_deployed();
            let changed = self.next_change()?;
            if changed.is_empty() {
                return self.teller.end();
            }
            self.teller.changed(&changed)?;
        }
    }

    /// Builds and deploys once.
    fn round(&mut self) -> anyhow::Result<Round> {
        let outline = manifest::outline(&self.project)?;
        self.files.follow(&outline);
        let build_ms = self.build(&outline)?;
        let plan = manifest::read(&self.project, &self.bare)?;
        let watch = Stopwatch::start();
        let client = &self.host.client;
        let before = deploy::functions_of(client, &plan.manifest.application)?;
        let deployed = deploy::deploy(client, plan, false, &self.builder.voice)?;
        let unchanged = deploy::is_same(&before, &deployed.functions);
        self.teller.know(&outline);
        Ok(Round { deployed, unchanged, build_ms, deploy: watch.words() })
    }

    fn build(&self, outline: &Outline) -> anyhow::Result<Option<u64>> {
        let functions: Vec<_> = outline.manifest.functions.iter().collect();
        let built = self.builder.build(outline, &functions)?;
        Ok((!built.is_empty()).then(|| built.iter().map(|built| built.took_ms).sum()))
    }

    /// Waits until files have changed and nothing happens to them any more; none if the command
    /// is to end. What changed during the last build counts.
    fn next_change(&mut self) -> anyhow::Result<Vec<PathBuf>> {
        let during = self.files.changed()?;
        let during = self.but_not_own(during)?;
        if !during.is_empty() {
            return Ok(during);
        }
        loop {
            match self.events.recv() {
                Ok(Event::Touched) => {}
                Ok(Event::Interrupted) | Err(_) => return Ok(Vec::new()),
            }
            loop {
                match self.events.recv_timeout(QUIET) {
                    Ok(Event::Touched) => {}
                    Ok(Event::Interrupted) | Err(RecvTimeoutError::Disconnected) => {
                        return Ok(Vec::new());
                    }
                    Err(RecvTimeoutError::Timeout) => break,
                }
            }
            let changed = self.files.changed()?;
            if !changed.is_empty() {
                return Ok(changed);
            }
        }
    }

    /// What changed during a build, without what changes in every build: that is the build's own
    /// doing, and would make it go round for ever.
    fn but_not_own(&mut self, during: Vec<PathBuf>) -> anyhow::Result<Vec<PathBuf>> {
        self.own.retain(|path, _| during.contains(path));
        let mut others = Vec::new();
        for path in during {
            let count = self.own.entry(path.clone()).or_default();
            *count += 1;
            if *count < OWN_CHANGES_MAX {
                others.push(path);
            } else {
                self.files.mute(&path);
                self.teller.muted(&path)?;
            }
        }
        Ok(others)
    }

    fn follow_logs(&self) -> anyhow::Result<()> {
        self.teller.follow(&self.host.client)
    }
}

/// Paths as people read them: the first few.
fn listed(paths: &[PathBuf]) -> String {
    const SHOWN: usize = 3;
    let names: Vec<String> =
        paths.iter().take(SHOWN).map(|path| Path::new(path).display().to_string()).collect();
    let more = paths.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", names.join(", "))
}
