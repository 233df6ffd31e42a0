//! The child of one tenant: started, given sockets and code, watched, and ended.
//!
//! Invariant: a child that breaks the protocol, hangs up a lane or does not get ready in time is
//! killed; what ran in it ends with a fault, and the next invocation starts another.

use super::lane::Lane;
use super::{Home, Options, Shared};
use crate::GUESTS;
use crate::control::{self, Control, Down, Up};
use crate::pipe::Ended;
use model::TenantName;
use parking_lot::Mutex;
use ports::child::{Companion, Living};
use ports::executor::{Fault, FaultKind, Program};
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, ThreadId};
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// A child that ended before it was ready is not started again before this much later.
const PAUSE: Duration = Duration::from_millis(200);
/// How long a child that hung up may take to end, and say why.
const FAREWELL: Duration = Duration::from_secs(1);
/// Looks that an invocation which was given up may take to end.
const STUCK_LOOKS: u8 = 5;

/// One child.
pub(crate) struct Ward {
    pub(crate) tenant: TenantName,
    lanes: Mutex<HashMap<ThreadId, Arc<Lane>>>,
    errands: UnboundedSender<Errand>,
    /// A lane was used since the supervisor last looked.
    used: AtomicBool,
    /// The child has got ready.
    ready: AtomicBool,
    home: Home,
}

/// What the supervisor is told.
enum Errand {
    /// Give the child this end of a lane.
    Lane(OwnedFd),
    /// Kill the child, for this reason.
    Condemn(String),
    /// Code that was asked for.
    Code(Program, Result<File, Fault>),
}

impl Ward {
    /// Starts a child. Lanes can be used at once: what is sent waits for it.
    pub(crate) fn start(home: Home, tenant: TenantName) -> Arc<Self> {
        let (errands, list) = unbounded_channel();
        let ward = Arc::new(Self {
            tenant,
            lanes: Mutex::default(),
            errands,
            used: AtomicBool::new(true),
            ready: AtomicBool::new(false),
            home,
        });
        if let Some(shared) = ward.home.upgrade() {
            let runtime = shared.runtime.clone();
            runtime.spawn(supervise(Arc::clone(&ward), shared, list));
        }
        ward
    }

    /// The lane of the calling thread.
    pub(crate) fn lane(self: &Arc<Self>) -> Arc<Lane> {
        if !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
        }
        let mut lanes = self.lanes.lock();
        let thread = thread::current().id();
        if let Some(lane) = lanes.get(&thread)
            && !lane.has_ended()
        {
            return Arc::clone(lane);
        }
        let lane = Arc::new(Lane::new());
        lanes.insert(thread, Arc::clone(&lane));
        drop(lanes);
        if let Err(error) = self.connect(&lane) {
            lane.end(&error.to_string());
        }
        lane
    }

    fn connect(self: &Arc<Self>, lane: &Arc<Lane>) -> io::Result<()> {
        let (own, childs) = UnixStream::pair()?;
        let (ward, lane) = (Arc::clone(self), Arc::clone(lane));
        let ended = || io::Error::other("it ended");
        let childs = childs.into_std()?.into();
        self.errands.send(Errand::Lane(childs)).map_err(|_| ended())?;
        tokio::spawn(async move {
            let ended = lane.serve(own).await;
            ward.leave();
            if !matches!(ended, Ended::Closed) {
                let _ = ward.errands.send(Errand::Condemn(ended.to_string()));
            }
        });
        Ok(())
    }

    /// Something is wrong with the child: those who come from now on get another. One that never got
    /// ready stays in its place until it was waited for, so that starting goes not on and on.
    fn leave(self: &Arc<Self>) {
        if self.ready.load(Ordering::Relaxed) {
            self.retire();
        }
    }

    fn retire(self: &Arc<Self>) {
        if let Some(shared) = self.home.upgrade() {
            shared.retire(self);
        }
    }

    fn end(self: &Arc<Self>, reason: &str) {
        self.retire();
        let lanes = std::mem::take(&mut *self.lanes.lock());
        for lane in lanes.into_values() {
            lane.end(reason);
        }
    }
}

async fn supervise(ward: Arc<Ward>, shared: Arc<Shared>, list: UnboundedReceiver<Errand>) {
    let tenant = ward.tenant.clone();
    let started = control::pair().and_then(|(own, childs)| {
        let settings = shared.options.settings.clone();
        let child =
            shared.companions.start(Companion { name: GUESTS, settings, socket: childs })?;
        Ok((child, Control::new(own)?))
    });
    let reason = match started {
        Ok((child, control)) => {
            let ward = Arc::clone(&ward);
            let mut watch = Watch { ward, shared, control, child, rested: 0 };
            watch.run(list).await
        }
        Err(error) => format!("it could not be started: {error}"),
    };
    tracing::warn!(code = "E0430", %tenant, %reason, "the process of a tenant's functions ended");
    if !ward.ready.load(Ordering::Relaxed) {
        tokio::time::sleep(PAUSE).await;
    }
    ward.end(&reason);
}

/// A supervisor at work.
struct Watch {
    ward: Arc<Ward>,
    shared: Arc<Shared>,
    control: Control,
    child: Box<dyn Living>,
    /// Looks in a row at which nothing ran.
    rested: u64,
}

impl Watch {
    /// Serves the child until it ends or has to, and says why.
    async fn run(&mut self, mut list: UnboundedReceiver<Errand>) -> String {
        let mut look = tokio::time::interval(self.shared.options.look);
        let Options { idle, look: every, .. } = self.shared.options;
        let idle_looks =
            u64::try_from(idle.as_millis() / every.as_millis().max(1)).unwrap_or(u64::MAX);
        let start = tokio::time::sleep(self.shared.options.start);
        tokio::pin!(start);
        loop {
            tokio::select! {
                reason = self.child.ended() => return reason,
                errand = list.recv() => {
                    // The ward itself holds a sender, so there is always a next one.
                    let Some(errand) = errand else { return "nobody needs it".to_owned() };
                    match self.run_errand(errand).await {
                        Ok(None) => {}
                        Ok(Some(reason)) => return reason,
                        Err(_) => return self.hung_up().await,
                    }
                }
                said = self.control.receive::<Up>() => match said {
                    Ok(Some((Up::Ready, _))) => self.ward.ready.store(true, Ordering::Relaxed),
                    Ok(Some((Up::Want(program), _))) => self.fetch(program),
                    Ok(None) | Err(_) => return self.hung_up().await,
                },
                _ = look.tick() => {
                    if self.is_stuck() {
                        return "it goes on with what nobody waits for".to_owned();
                    }
                    if self.has_rested(idle_looks) {
                        return "it had nothing to do".to_owned();
                    }
                }
                () = &mut start, if !self.ward.ready.load(Ordering::Relaxed) => return "it did not get ready in time".to_owned(),
            }
        }
    }

    /// Does an errand; gives the reason if the child has to end for it.
    async fn run_errand(&mut self, errand: Errand) -> io::Result<Option<String>> {
        match errand {
            Errand::Condemn(reason) => return Ok(Some(reason)),
            Errand::Lane(socket) => self.control.send(&Down::Lane, Some(socket.as_fd())).await?,
            Errand::Code(program, Ok(file)) => {
                let found = Down::Code { program, found: Ok(()) };
                self.control.send(&found, Some(file.as_fd())).await?;
            }
            Errand::Code(program, Err(fault)) => {
                self.control.send(&Down::Code { program, found: Err(fault) }, None).await?;
            }
        }
        Ok(None)
    }

    /// It closed its socket: most likely it is ending, and can say how.
    async fn hung_up(&mut self) -> String {
        self.ward.leave();
        let ended = tokio::time::timeout(FAREWELL, self.child.ended()).await;
        ended.unwrap_or_else(|_| "it hung up".to_owned())
    }

    /// Has code read and checked, beside everything else.
    fn fetch(&self, program: Program) {
        let (programs, errands) = (Arc::clone(&self.shared.programs), self.ward.errands.clone());
        tokio::spawn(async move {
            let mut code = programs.code(program).await;
            if let Err(fault) = &mut code {
                fault.kind = FaultKind::Platform;
                fault.reason.truncate(fault.reason.floor_char_boundary(1024));
            }
            let _ = errands.send(Errand::Code(program, code));
        });
    }

    /// An invocation that was given up does not end: its guest computes past every limit, or the
    /// child is not what it was.
    fn is_stuck(&self) -> bool {
        self.ward.lanes.lock().values().any(|lane| lane.grow_old() > STUCK_LOOKS)
    }

    /// Counts looks at which nothing ran, and says whether there were enough to end the child.
    ///
    /// The first time it only sees to it that nobody else comes: one who has its lane already may
    /// still be about to use it.
    fn has_rested(&mut self, looks: u64) -> bool {
        let lanes = self.ward.lanes.lock();
        let busy = lanes.values().any(|lane| !lane.is_idle());
        drop(lanes);
        if busy || self.ward.used.swap(false, Ordering::Relaxed) {
            self.rested = 0;
            return false;
        }
        self.rested += 1;
        if self.rested == looks {
            self.shared.retire(&self.ward);
        }
        self.rested > looks
    }
}
