//! The node's side of jails: a launcher that is started again when it ends, and handles of jails.

mod jail;
mod link;
mod window;

pub use jail::{Ended, Jail, Usage};

use super::plan::Plan;
use super::settings::Settings;
use super::wire;
use super::words::{Facts, Failure, Step};
use link::{Link, Ticket};
use parking_lot::Mutex;
use ports::child::{Companion, Companions};
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::runtime::Handle;

/// The hidden subcommand's name.
const NAME: &str = "jails";
/// How long a launcher may take to say that it is ready.
const START: Duration = Duration::from_secs(20);

/// Why there is no jail.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JailError {
    /// A step failed. Nothing is left of the jail.
    #[error("{0}")]
    Failed(Failure),
    /// The launcher could not be started, or ended; it says why.
    #[error("the launcher of jails ended: {0}")]
    Launcher(String),
}

/// What makes jails: a child of this process, started again when it ends.
///
/// Dropping it, and every jail of it, ends the child.
pub struct Launcher {
    companions: Arc<dyn Companions>,
    settings: String,
    runtime: Handle,
    link: Mutex<Arc<Link>>,
}

impl Launcher {
    /// Starts one. What it does for the node runs on `runtime`.
    ///
    /// # Errors
    /// What the kernel says. That the machine cannot have jails is said by [`Launcher::facts`].
    pub fn start(
        companions: Arc<dyn Companions>,
        settings: &Settings,
        runtime: Handle,
    ) -> io::Result<Self> {
        let settings = serde_json::to_string(settings).map_err(io::Error::other)?;
        let link = connect(&*companions, &settings, &runtime)?;
        Ok(Self { companions, settings, runtime, link: Mutex::new(link) })
    }

    /// What it found on this machine.
    ///
    /// # Errors
    /// [`JailError::Launcher`], if it could not start.
    pub async fn facts(&self) -> Result<Facts, JailError> {
        let link = self.link()?;
        match tokio::time::timeout(START, link.facts()).await {
            Ok(facts) => facts,
            Err(_) => Err(JailError::Launcher("it did not get ready in time".to_owned())),
        }
    }

    /// Makes a jail.
    ///
    /// # Errors
    /// [`JailError`].
    pub async fn jail(&self, plan: Plan) -> Result<Jail, JailError> {
        match self.make(&plan).await {
            // It was ending when it was asked. The next one is asked once.
            Err(JailError::Launcher(_)) => self.make(&plan).await,
            made => made,
        }
    }

    async fn make(&self, plan: &Plan) -> Result<Jail, JailError> {
        let link = self.link()?;
        let file = wire::file_of(plan).map_err(|error| JailError::Launcher(error.to_string()))?;
        // From here on, giving up ends what there is of it.
        let (ticket, made) = Ticket::new(link);
        ticket.ask_for_it(file);
        let (meters, fds) = ticket.hear(made).await?.map_err(JailError::Failed)?;
        let mut fds = fds.into_iter();
        let mut next = || fds.next().ok_or_else(|| malformed("a descriptor is missing"));
        let (pidfd, report) = (next()?, next()?);
        let streams = [next()?, next()?, next()?];
        let extra = if plan.extra { Some(next()?) } else { None };
        let files = jail::Meters::new(meters, fds);
        let report = {
            let _inside = self.runtime.enter();
            // SAFETY: an `OwnedFd` is the same open descriptor for as long as it lives.
            unsafe { AsyncFd::register_with_interest(report, Interest::READABLE) }.map_err(local)?
        };
        let Told { listeners, sockets, window } = listen(&report, &ticket).await?;
        if listeners.len() != plan.listeners.len() {
            return Err(malformed("it ended before its program began"));
        }
        let _inside = self.runtime.enter();
        let jail = Jail::new(ticket, pidfd, streams, files, listeners, sockets).map_err(local)?;
        jail.with(extra, window).map_err(local)
    }

    fn link(&self) -> Result<Arc<Link>, JailError> {
        let mut link = self.link.lock();
        if link.has_ended() {
            *link = connect(&*self.companions, &self.settings, &self.runtime).map_err(local)?;
        }
        Ok(Arc::clone(&link))
    }
}

fn connect(companions: &dyn Companions, settings: &str, runtime: &Handle) -> io::Result<Arc<Link>> {
    let _inside = runtime.enter();
    let (own, childs) = wire::pair()?;
    let child = companions.start(Companion {
        name: NAME,
        settings: settings.to_owned(),
        socket: childs,
    })?;
    Link::start(own, child, runtime)
}

fn local(error: impl std::fmt::Display) -> JailError {
    JailError::Launcher(error.to_string())
}

fn malformed(what: &str) -> JailError {
    JailError::Failed(Failure { step: Step::Unknown, errno: 0, what: what.to_owned() })
}

/// What a jail's child hands out.
#[derive(Default)]
struct Told {
    listeners: Vec<OwnedFd>,
    sockets: Vec<OwnedFd>,
    window: Option<OwnedFd>,
}

/// Hears what a jail's child says until its program begins: what it hands out, or a failure.
async fn listen(report: &AsyncFd<OwnedFd>, ticket: &Ticket) -> Result<Told, JailError> {
    let mut told = Told::default();
    loop {
        let heard = report.async_io(Interest::READABLE, |fd| wire::receive(fd.as_fd()));
        let (bytes, fds) = tokio::select! {
            heard = heard => heard.map_err(local)?,
            () = ticket.lost() => return Err(JailError::Launcher("it ended".to_owned())),
        };
        match bytes.as_slice() {
            [] => return Ok(told),
            [b'L'] => told.listeners.extend(fds),
            [b'S'] => told.sockets.extend(fds),
            [b'D'] => told.window = fds.into_iter().next(),
            [b'E', step, a, b, c, d, what @ ..] => {
                let errno = i32::from_le_bytes([*a, *b, *c, *d]);
                let what = String::from_utf8_lossy(what).into_owned();
                let step = Step::from_number(*step);
                return Err(JailError::Failed(Failure { step, errno, what }));
            }
            _ => return Err(malformed("a report that makes no sense")),
        }
    }
}
