//! The node that a watched project runs on: one of its own in this process, or one that is named.

use crate::client::Client;
use crate::context::Context;
use crate::interrupt::{Interrupt, terminate_self};
use crate::local::{self, Options, Ready};
use anyhow::Context as _;
use model::{Code, Problem};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

/// Where a project's own node keeps what it keeps.
pub(super) const HOME: &str = ".casemate";
/// Where it listens if nothing is said and nobody else does.
const LISTEN: &str = "127.0.0.1:8080";

/// The node.
pub(super) struct Host {
    /// Its public listener.
    pub(super) gateway: String,
    /// Its home, if that is to be named to other commands.
    pub(super) home: PathBuf,
    /// Speaks to it.
    pub(super) client: Client,
    own: Option<Own>,
}

/// A node in this process. It hears Ctrl-C by itself.
struct Own {
    thread: JoinHandle<Result<local::End, Problem>>,
    interrupt: Interrupt,
}

impl Host {
    /// The node that `--home` names.
    ///
    /// # Errors
    /// E0606 if none runs there.
    pub(super) fn named(context: &Context, home: &Path) -> anyhow::Result<Self> {
        let client = context.client()?;
        let gateway = client.node()?.gateway;
        Ok(Self { gateway, home: home.to_owned(), client, own: None })
    }

    /// Starts a node on the project's own home; it grants what manifests ask for.
    ///
    /// # Errors
    /// Whatever kept it from starting.
    pub(super) fn start(
        context: &Context,
        project: &Path,
        listen: Option<String>,
        interrupt: &Interrupt,
    ) -> anyhow::Result<Self> {
        let home = project.join(HOME);
        let chosen = listen.is_some();
        let mut listen = listen.unwrap_or_else(|| LISTEN.to_owned());
        loop {
            match run(&home, &listen)? {
                Ok((ready, thread)) => {
                    let target = local::locate(Some(&home))?;
                    let client = Client::new(&target.url, target.token, context.scope())?;
                    let own = Some(Own { thread, interrupt: interrupt.clone() });
                    return Ok(Self { gateway: ready.gateway, home, client, own });
                }
                // Somebody else has the usual port: any other will do, unless it was asked for.
                Err(problem)
                    if problem.code == Code::AddressInUse && !chosen && listen == LISTEN =>
                {
                    "127.0.0.1:0".clone_into(&mut listen);
                }
                Err(problem) => return Err(problem.into()),
            }
        }
    }

    /// Whether the node is the project's own.
    pub(super) fn is_own(&self) -> bool {
        self.own.is_some()
    }

    /// Lets the node finish what it accepted.
    ///
    /// # Errors
    /// What went wrong when it ended.
    pub(super) fn end(self) -> anyhow::Result<()> {
        let Some(own) = self.own else { return Ok(()) };
        if !own.interrupt.came() {
            terminate_self();
        }
        match own.thread.join() {
            Ok(ended) => Ok(ended.map(|_| ())?),
            Err(_) => Err(Problem::new(Code::Internal).detail("the node's thread").into()),
        }
    }
}

type Started = Result<(Ready, JoinHandle<Result<local::End, Problem>>), Problem>;

fn run(home: &Path, listen: &str) -> anyhow::Result<Started> {
    let mut settings = local::resolve(&Options {
        home: Some(home.to_owned()),
        listen: Some(listen.to_owned()),
        // Other commands find it by the home.
        admin: Some("127.0.0.1:0".to_owned()),
        api: Some("off".to_owned()),
        // Named, so that no variable of another node's is taken.
        root_key_file: Some(home.join("root.key")),
        dev: true,
        ..Options::default()
    })?;
    settings.root_key_passphrase_file = None;
    "warn".clone_into(&mut settings.log);
    settings.drain = model::unit::Duration::seconds(2);
    let (sender, receiver) = mpsc::channel();
    let thread = thread::Builder::new()
        .name("node".to_owned())
        .spawn(move || {
            local::up(settings, move |ready| {
                let _somebody_waits = sender.send(ready.clone());
            })
        })
        .context("cannot start the node's thread")?;
    // The sender goes with the node if it does not become ready.
    match receiver.recv() {
        Ok(ready) => Ok(Ok((ready, thread))),
        Err(_) => match thread.join() {
            Ok(Err(problem)) => Ok(Err(problem)),
            Ok(Ok(_)) => Ok(Err(Problem::new(Code::Draining).detail("the project's own node"))),
            Err(_) => Ok(Err(Problem::new(Code::Internal).detail("the node's thread"))),
        },
    }
}
