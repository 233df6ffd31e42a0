//! The launcher at work: one loop over the node's socket and the jails' ends.

use super::super::plan::{Assignment, Ceilings, Plan};
use super::super::settings::Settings;
use super::super::wire;
use super::super::words::{Down, End, Facts, Failure, Step, Up};
use super::child::{self, Shared};
use super::groups::{Group, Groups};
use super::inside::Outside;
use super::make::{Made, Outer, make};
use super::uids::Uids;
use rustix::event::{Timespec, epoll};
use rustix::io::Errno;
use rustix::process::{Signal, WaitId, WaitIdOptions, WaitIdStatus, pidfd_send_signal, waitid};
use serde::Serialize;
use std::collections::HashMap;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::PathBuf;

/// What an event is of: the node, the first process, or a jail.
const NODE: u64 = u64::MAX;
const FIRST: u64 = u64::MAX - 1;
/// How long a control group that is in use still is left alone, in nanoseconds.
const PAUSE_NS: i64 = 10_000_000;
/// Most sockets of one jail's network that are made at once.
const SOCKETS_MAX: u32 = 32;

/// A jail that runs.
pub(super) struct Live {
    pub(super) pidfd: OwnedFd,
    pub(super) group: Group,
    /// The user id of the machine that is its alone.
    pub(super) uid: Option<u32>,
    /// Where something can be mounted.
    pub(super) places: Vec<PathBuf>,
    pub(super) ceilings: Ceilings,
}

/// The launcher's second process.
pub(super) struct Server {
    settings: Settings,
    groups: Groups,
    facts: Facts,
    socket: OwnedFd,
    lifeline: OwnedFd,
    shared: Shared,
    outside: Outside,
    events: OwnedFd,
    uids: Uids,
    jails: HashMap<u64, Live>,
    /// Control groups of jails that are gone, in which something is still ending.
    graves: Vec<Group>,
}

/// The node is gone.
struct Over;

impl Server {
    pub(super) fn new(
        settings: Settings,
        groups: Groups,
        facts: Facts,
        socket: OwnedFd,
        lifeline: OwnedFd,
    ) -> Result<Self, String> {
        let text = |error: Errno| error.to_string();
        let events = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(text)?;
        let server = Self {
            shared: Shared::new(facts.landlock, settings.danger.no_proc)?,
            outside: Outside::new().map_err(|error| error.to_string())?,
            uids: Uids::new(settings.uid_first, settings.uid_count),
            settings,
            groups,
            facts,
            socket,
            lifeline,
            events,
            jails: HashMap::new(),
            graves: Vec::new(),
        };
        server.watch(server.socket.as_fd(), NODE).map_err(text)?;
        server.watch(server.lifeline.as_fd(), FIRST).map_err(text)?;
        Ok(server)
    }

    fn watch(&self, fd: BorrowedFd<'_>, number: u64) -> Result<(), Errno> {
        let data = epoll::EventData::new_u64(number);
        epoll::add(&self.events, fd, data, epoll::EventFlags::IN)
    }

    /// Serves until the node is gone, then ends everything.
    pub(super) fn run(mut self) -> Result<(), String> {
        let _ = self.say(&Up::Hello(self.facts), &[]);
        while self.turn().is_ok() {}
        self.end();
        Ok(())
    }

    fn turn(&mut self) -> Result<(), Over> {
        let pause = Timespec { tv_sec: 0, tv_nsec: PAUSE_NS };
        let pause = (!self.graves.is_empty()).then_some(&pause);
        let mut space = [const { MaybeUninit::<epoll::Event>::uninit() }; 32];
        let events = match epoll::wait(&self.events, &mut space, pause) {
            Ok((events, _)) => events.iter().map(|event| event.data.u64()).collect::<Vec<_>>(),
            Err(Errno::INTR) => return Ok(()),
            Err(_) => return Err(Over),
        };
        self.graves.retain(|group| group.remove().is_err());
        for event in events {
            match event {
                NODE => self.listen()?,
                FIRST => return Err(Over),
                jail => self.bury(jail)?,
            }
        }
        Ok(())
    }

    fn say(&self, message: &impl Serialize, with: &[OwnedFd]) -> Result<(), Over> {
        let with: Vec<BorrowedFd<'_>> = with.iter().map(|fd| fd.as_fd()).collect();
        wire::say(self.socket.as_fd(), message, &with).map_err(|_| Over)
    }

    fn listen(&mut self) -> Result<(), Over> {
        let Ok(Some((said, fds))) = wire::hear::<Down>(self.socket.as_fd()) else {
            return Err(Over);
        };
        match said {
            Down::Make { id } => self.make(id, fds.first()),
            Down::Assign { id } => {
                let (outcome, fds) = split(self.assign(id, fds.first()));
                self.say(&Up::Assigned { id, outcome }, &fds)
            }
            Down::Sockets { id, count } => {
                let (outcome, fds) = split(self.sockets(id, count));
                self.say(&Up::Sockets { id, outcome }, &fds)
            }
            Down::Kill { id } => {
                if let Some(live) = self.jails.get(&id) {
                    kill(live);
                }
                Ok(())
            }
        }
    }

    fn make(&mut self, id: u64, plan: Option<&OwnedFd>) -> Result<(), Over> {
        match self.made(id, plan) {
            Ok(Made { live, meters, fds }) => {
                let watched = self.watch(live.pidfd.as_fd(), id);
                self.jails.insert(id, live);
                watched.map_err(|_| Over)?;
                self.say(&Up::Made { id, outcome: Ok(meters) }, &fds)
            }
            Err(failure) => self.say(&Up::Made { id, outcome: Err(failure) }, &[]),
        }
    }

    fn made(&mut self, id: u64, plan: Option<&OwnedFd>) -> Result<Made, Failure> {
        let plan: Plan = read(plan)?;
        self.suffices()?;
        let outer = self.outer()?;
        let made = make(&plan, id, outer, &self.groups, &self.shared);
        if made.is_err() && outer.own {
            self.uids.give_back(outer.user);
        }
        made
    }

    /// Whether the machine has every layer that nobody said could be missing.
    fn suffices(&self) -> Result<(), Failure> {
        let missing = |step| Err(Failure { step, errno: 0, what: String::new() });
        let (facts, danger) = (&self.facts, self.settings.danger);
        let limited = facts.memory.is_some() && facts.processes.is_some();
        if !limited && !danger.no_memory_limit {
            return missing(Step::MemoryLimit);
        }
        if facts.landlock == 0 && !danger.no_landlock {
            return missing(Step::Landlock);
        }
        Ok(())
    }

    /// Who the next jail is on the machine.
    fn outer(&mut self) -> Result<Outer, Failure> {
        if !self.facts.own_uids {
            let user = rustix::process::getuid().as_raw();
            let group = rustix::process::getgid().as_raw();
            return Ok(Outer { user, group, own: false });
        }
        let id = self.uids.take();
        let id = id.ok_or(Failure { step: Step::Uids, errno: 0, what: String::new() })?;
        Ok(Outer { user: id, group: id, own: true })
    }

    fn assign(&mut self, id: u64, file: Option<&OwnedFd>) -> Result<Vec<OwnedFd>, Failure> {
        let assignment: Assignment = read(file)?;
        let live = self.jails.get_mut(&id).ok_or_else(gone)?;
        self.outside.assign(live, &assignment)
    }

    fn sockets(&self, id: u64, count: u32) -> Result<Vec<OwnedFd>, Failure> {
        let live = self.jails.get(&id).ok_or_else(gone)?;
        self.outside.in_network(live.pidfd.as_fd(), Step::Socket, || {
            (0..count.min(SOCKETS_MAX)).map(|_| child::socket()).collect()
        })
    }

    /// A jail has ended: everything of it goes.
    fn bury(&mut self, id: u64) -> Result<(), Over> {
        let Some(live) = self.jails.remove(&id) else { return Ok(()) };
        let _ = epoll::delete(&self.events, &live.pidfd);
        let end = self.take_leave(live);
        self.say(&Up::Ended { id, end }, &[])
    }

    fn take_leave(&mut self, live: Live) -> End {
        let status = waitid(WaitId::PidFd(live.pidfd.as_fd()), WaitIdOptions::EXITED);
        let status: Option<WaitIdStatus> = status.ok().flatten();
        let used = live.group.used();
        if let Some(uid) = live.uid {
            self.uids.give_back(uid);
        }
        if live.group.remove().is_err() {
            self.graves.push(live.group);
        }
        End {
            code: status.as_ref().and_then(WaitIdStatus::exit_status),
            signal: status.as_ref().and_then(WaitIdStatus::terminating_signal),
            out_of_memory: used.out_of_memory,
            cpu_us: used.cpu_us,
            memory_peak_bytes: used.memory_peak_bytes,
        }
    }

    fn end(&mut self) {
        self.jails.values().for_each(kill);
        for (_, live) in std::mem::take(&mut self.jails) {
            self.take_leave(live);
        }
        self.groups.remove();
    }
}

/// Ends a jail, frozen or not. The kernel ends everything in it.
fn kill(live: &Live) {
    let _ = pidfd_send_signal(&live.pidfd, Signal::KILL);
    live.group.thaw();
}

fn gone() -> Failure {
    Failure { step: Step::Gone, errno: 0, what: String::new() }
}

fn read<T: serde::de::DeserializeOwned>(file: Option<&OwnedFd>) -> Result<T, Failure> {
    let failure = |what: String| Failure { step: Step::Plan, errno: 0, what };
    let file = file.ok_or_else(|| failure("nothing".to_owned()))?;
    wire::in_file(file).map_err(|error| failure(error.to_string()))
}

/// What is said, and what goes with it.
fn split(outcome: Result<Vec<OwnedFd>, Failure>) -> (Result<(), Failure>, Vec<OwnedFd>) {
    match outcome {
        Ok(fds) => (Ok(()), fds),
        Err(failure) => (Err(failure), Vec::new()),
    }
}
