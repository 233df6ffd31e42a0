//! The child's side: runs guests, and is the host that they see.

mod guest;
mod host;
mod lane;

use crate::control::{Control, Down, Up};
use lane::Lane;
use ports::Future;
use ports::executor::{Executor, Fault, FaultKind, Program, Programs};
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};

/// What a child needs to serve a node, made before it confines itself: a runtime makes a pair of
/// sockets for itself, and afterwards nothing can.
pub struct Server {
    runtime: Runtime,
    wants: mpsc::UnboundedReceiver<Want>,
    given: Arc<Given>,
}

impl Server {
    /// Makes the runtime.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn new() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (sender, wants) = mpsc::unbounded_channel();
        Ok(Self { runtime, wants, given: Arc::new(Given(sender)) })
    }

    /// The code that the node gives: what the child's executor loads its programs from.
    #[must_use]
    pub fn programs(&self) -> Arc<dyn Programs> {
        Arc::clone(&self.given) as _
    }

    /// Serves the node over `socket` until it hangs up. Each lane is served on a thread of its own.
    ///
    /// # Errors
    /// If the socket fails, or the node says what makes no sense.
    pub fn serve(self, socket: OwnedFd, executor: &Arc<dyn Executor>) -> io::Result<()> {
        self.runtime.block_on(control(socket, executor, self.wants, Seats::Threads))
    }
}

type Want = (Program, oneshot::Sender<Result<File, Fault>>);

struct Given(mpsc::UnboundedSender<Want>);

impl Programs for Given {
    fn code(&self, program: Program) -> Future<'_, Result<File, Fault>> {
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            let gone = || Fault {
                kind: FaultKind::Platform,
                reason: "nobody gives code any more".to_owned(),
            };
            self.0.send((program, answer)).map_err(|_| gone())?;
            answered.await.map_err(|_| gone())?
        })
    }
}

/// Where lanes are served.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Seats {
    /// Each on a thread of its own, so that they share no core that they need not.
    Threads,
    /// Here, as tasks.
    #[cfg(any(test, feature = "tasks"))]
    Tasks,
}

pub(crate) async fn control(
    socket: OwnedFd,
    executor: &Arc<dyn Executor>,
    mut wants: mpsc::UnboundedReceiver<Want>,
    seats: Seats,
) -> io::Result<()> {
    let control = Control::new(socket)?;
    control.send(&Up::Ready, None).await?;
    let mut waiting: HashMap<Program, Vec<oneshot::Sender<Result<File, Fault>>>> = HashMap::new();
    loop {
        tokio::select! {
            want = wants.recv() => {
                let Some((program, answer)) = want else { return Ok(()) };
                let queue = waiting.entry(program).or_default();
                queue.push(answer);
                // One answer serves one who waits, since a file has one position.
                control.send(&Up::Want(program), None).await?;
            }
            said = control.receive::<Down>() => {
                let Some((said, with)) = said? else { return Ok(()) };
                match (said, with) {
                    (Down::Lane, Some(socket)) => lane(socket.into(), Arc::clone(executor), seats)?,
                    (Down::Code { program, found }, with) => {
                        let missing = || Fault {
                            kind: FaultKind::Platform,
                            reason: "code without a file".to_owned(),
                        };
                        let code = found.and_then(|()| with.map(File::from).ok_or_else(missing));
                        let first = waiting.get_mut(&program).and_then(Vec::pop);
                        // Whoever stopped waiting needs none.
                        let _ = first.map(|answer| answer.send(code));
                    }
                    (Down::Lane, None) => return Err(io::Error::other("a lane without a socket")),
                }
            }
        }
    }
}

/// Serves a lane in its seat.
fn lane(socket: UnixStream, executor: Arc<dyn Executor>, seats: Seats) -> io::Result<()> {
    match seats {
        Seats::Threads => {
            thread::Builder::new()
                .name("guests".to_owned())
                .spawn(move || on_a_thread(socket, executor))?;
        }
        #[cfg(any(test, feature = "tasks"))]
        Seats::Tasks => {
            let stream = tokio::net::UnixStream::from_std(socket)?;
            tokio::spawn(Lane::serve(stream, executor));
        }
    }
    Ok(())
}

fn on_a_thread(socket: UnixStream, executor: Arc<dyn Executor>) {
    let served =
        tokio::runtime::Builder::new_current_thread().enable_all().build().and_then(|runtime| {
            runtime.block_on(async {
                let stream = tokio::net::UnixStream::from_std(socket)?;
                Lane::serve(stream, executor).await;
                Ok(())
            })
        });
    if let Err(error) = served {
        tracing::error!(%error, "a lane cannot be served");
    }
}
