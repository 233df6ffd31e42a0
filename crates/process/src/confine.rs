//! What a child takes from itself, in order, before it does anything.
//!
//! Descriptors that were inherited by mistake cannot be closed from safe code; instead the
//! seccomp filter lets nothing but `close` touch a descriptor above 2.
//!
//! Invariant: either every layer that was ordered holds on return, or there is an error.

#[cfg(target_os = "linux")]
mod filesystem;
#[cfg(target_os = "linux")]
mod syscalls;

use crate::orders::{Orders, Strictness};
use ports::child::ChildLimits;
use rustix::process::{Resource, Rlimit, nice, setrlimit};

/// Why a child could not be confined.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The parent is gone.
    #[error("the parent of this child is gone")]
    Orphan,
    /// A limit could not be set.
    #[error("the limit on {what} could not be set: {reason}")]
    Limit {
        /// On what.
        what: &'static str,
        /// Why.
        reason: String,
    },
    /// A layer is missing, or was set up and does not hold.
    #[error("{layer} is not available: {reason}")]
    Layer {
        /// Which.
        layer: &'static str,
        /// Why.
        reason: String,
    },
}

/// The layers that hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Layers {
    /// Limits on memory, CPU time, output and descriptors.
    pub limits: bool,
    /// No program can give new privileges, nobody can look into the process, and it dies with
    /// its parent.
    pub privileges: bool,
    /// Landlock denies every file and, where the kernel can, every connection.
    pub landlock: bool,
    /// Only the system calls of plain computing are left.
    pub seccomp: bool,
}

/// Confines this process, for good.
///
/// Call it before any thread is started: Landlock covers only the calling thread and those it
/// starts later.
///
/// # Errors
/// [`Error`]; the process must then end without having done anything.
pub fn confine(orders: &Orders) -> Result<Layers, Error> {
    let mut layers = Layers::default();
    privileges(orders)?;
    layers.privileges = cfg!(target_os = "linux");
    limits(&orders.limits)?;
    layers.limits = true;
    #[cfg(target_os = "linux")]
    {
        layers.landlock = filesystem::deny_all()?;
        layers.seccomp = match syscalls::allow_computing() {
            Ok(()) => true,
            Err(_) if orders.strictness == Strictness::BestEffort => false,
            Err(error) => return Err(error),
        };
    }
    if !layers.seccomp && orders.strictness == Strictness::Required {
        return Err(Error::Layer { layer: "seccomp", reason: "this system has none".to_owned() });
    }
    Ok(layers)
}

#[cfg(target_os = "linux")]
fn privileges(orders: &Orders) -> Result<(), Error> {
    use rustix::process::{
        DumpableBehavior, Signal, getppid, set_dumpable_behavior, set_parent_process_death_signal,
    };
    let failed = |what| {
        move |error: rustix::io::Errno| Error::Layer { layer: what, reason: error.to_string() }
    };
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(failed("the death signal"))?;
    // The parent may have died before the signal was asked for.
    let parent = getppid().map(|pid| pid.as_raw_nonzero().get().unsigned_abs());
    if parent != Some(orders.parent) {
        return Err(Error::Orphan);
    }
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(failed("undumpability"))?;
    rustix::thread::set_no_new_privs(true).map_err(failed("no_new_privs"))
}

#[cfg(not(target_os = "linux"))]
fn privileges(_: &Orders) -> Result<(), Error> {
    Ok(())
}

fn limits(limits: &ChildLimits) -> Result<(), Error> {
    let table = [
        ("address space", Resource::As, limits.memory_bytes, limits.memory_bytes),
        // The soft limit's signal tells the parent what happened; a second later comes SIGKILL.
        ("CPU time", Resource::Cpu, limits.cpu_s, limits.cpu_s.saturating_add(1)),
        ("output", Resource::Fsize, limits.output_bytes, limits.output_bytes),
        ("descriptors", Resource::Nofile, 16, 16),
        // 1 and not 0: the kernel hands a dump to a program in `core_pattern` despite a limit
        // of 0, but not with 1.
        ("core dumps", Resource::Core, 1, 1),
    ];
    for (what, resource, current, maximum) in table {
        let limit = Rlimit { current: Some(current), maximum: Some(maximum) };
        setrlimit(resource, limit)
            .map_err(|error| Error::Limit { what, reason: error.to_string() })?;
    }
    // Requests come first. Not a protection, so no reason to give up.
    let _ = nice(10);
    Ok(())
}
