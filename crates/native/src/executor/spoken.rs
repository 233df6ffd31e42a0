//! Which conversation is begun with a jail that was started, and what it reaches of it.

use super::Shared;
use super::recipe::Recipe;
use crate::contract::{Conversation, actionloop, lambda, once, server};
use crate::jail::Jail;
use crate::seat::Seat;
use model::manifest::{Contract, NativeSpec};
use parking_lot::Mutex;
use ports::Future;
use ports::executor::Unit;
use std::ffi::CStr;
use std::io;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::io::Join;
use tokio::net::unix::pipe;

/// What a function of Fn's calls its socket.
const SOCKET: &CStr = c"lsnr.sock";

/// What is known of a process that is spoken with.
pub(super) struct Spoken<'a> {
    pub(super) native: &'a NativeSpec,
    pub(super) recipe: &'a Recipe,
    /// Where the Runtime API is.
    pub(super) api: TcpListener,
    pub(super) seat: &'a Arc<Seat>,
    /// Which of the function's processes it is.
    pub(super) name: String,
}

type Begun = (Arc<Jail>, Box<dyn Conversation>);

impl Spoken<'_> {
    /// Begins the conversation of the function's contract.
    pub(super) fn begin(
        self,
        shared: &Arc<Shared>,
        unit: &Unit,
        mut jail: Jail,
    ) -> io::Result<Begun> {
        let missing = |what| io::Error::other(format!("a jail has no {what}"));
        let (runtime, clock) = (&shared.parts.runtime, Arc::clone(&shared.parts.clock));
        Ok(match self.native.contract {
            Contract::Lambda => {
                self.api.set_nonblocking(true)?;
                let _inside = runtime.enter();
                let listener = tokio::net::TcpListener::from_std(self.api)?;
                let facts = lambda::Facts::of(unit, self.recipe.extensions.clone());
                let lambda = lambda::Lambda::start(listener, facts, clock, runtime);
                (Arc::new(jail), Box::new(lambda))
            }
            Contract::Actionloop => {
                let input = jail.stdin.take().ok_or_else(|| missing("input"))?;
                let output = jail.extra.take().ok_or_else(|| missing("descriptor 3"))?;
                let raw = self.native.server.as_ref().is_some_and(|server| server.raw);
                let action = actionloop::Action::of(unit, raw);
                let line = actionloop::Actionloop::new(input, output, action, runtime);
                (Arc::new(jail), Box::new(line))
            }
            contract if contract.is_a_process_each() => {
                let input = jail.stdin.take().ok_or_else(|| missing("input"))?;
                let output = jail.stdout.take().ok_or_else(|| missing("output"))?;
                let jail = Arc::new(jail);
                let pipes = (input, output);
                let once = once::Once::new(contract, &unit.limits, Arc::clone(&jail), pipes);
                (jail, Box::new(once))
            }
            contract => {
                let way = Way::of(contract, &mut jail).ok_or_else(|| missing("streams"))?;
                let jail = Arc::new(jail);
                let with = server::With {
                    process: Arc::new(Beyond { jail: Arc::clone(&jail), way }),
                    seat: Arc::clone(self.seat),
                    instance: self.name,
                    runtime: runtime.clone(),
                    clock,
                    package: package(self.native, self.recipe),
                };
                let server = server::Server::new(unit, with);
                let server =
                    server.ok_or_else(|| io::Error::other("a contract without a conversation"))?;
                (jail, Box::new(server))
            }
        })
    }
}

/// Where the function's files lie, if its server is told them.
fn package(native: &NativeSpec, recipe: &Recipe) -> Option<PathBuf> {
    let package = recipe.assignment.binds.iter().find(|bind| bind.target == recipe.place)?;
    server::is_told_its_code(native).then(|| package.source.clone())
}

/// A jail's process, as an HTTP contract sees it.
struct Beyond {
    jail: Arc<Jail>,
    way: Way,
}

/// How a process is reached.
enum Way {
    /// On a port of its loopback.
    Port(server::Dial),
    /// By a socket that it made.
    Socket,
    /// By its standard streams, once.
    Streams(Mutex<Option<Streams>>),
}

type Streams = Join<pipe::Receiver, pipe::Sender>;

impl Way {
    /// None if the jail does not have what it takes.
    fn of(contract: Contract, jail: &mut Jail) -> Option<Self> {
        Some(match contract {
            Contract::Fn => Self::Socket,
            Contract::IronfunctionsHttp => {
                let streams = tokio::io::join(jail.stdout.take()?, jail.stdin.take()?);
                Self::Streams(Mutex::new(Some(streams)))
            }
            _ => Self::Port(server::Dial::default()),
        })
    }
}

impl server::Process for Beyond {
    fn connect(&self, port: u16) -> Future<'_, io::Result<Box<dyn server::Stream>>> {
        Box::pin(async move {
            Ok(match &self.way {
                Way::Port(dial) => {
                    let socket = async { self.jail.socket().await.map_err(io::Error::other) };
                    let stream = dial.connect(port, socket).await?;
                    let _cork = stream.set_nodelay(true);
                    Box::new(stream) as Box<dyn server::Stream>
                }
                Way::Socket => Box::new(self.jail.connect_below(SOCKET)?),
                Way::Streams(streams) => {
                    let used = || io::Error::other("its streams broke off");
                    Box::new(streams.lock().take().ok_or_else(used)?)
                }
            })
        })
    }

    fn terminate(&self) {
        // One that has ended needs no telling.
        let _ = self.jail.terminate();
    }

    fn ended(&self) -> Future<'_, String> {
        Box::pin(async { self.jail.ended().await.to_string() })
    }
}
