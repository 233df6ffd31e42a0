//! What a child takes from itself, in order, before it does anything.
//!
//! Descriptors that were inherited by mistake cannot be closed from safe code; instead the
//! seccomp filter lets nothing but `close` touch a descriptor above 2.
//!
//! Invariant: either every layer that was ordered holds on return, or there is an error.

#[cfg(target_os = "linux")]
mod filesystem;
#[cfg(target_os = "linux")]
mod namespaces;
#[cfg(target_os = "linux")]
mod syscalls;

use crate::orders::{Orders, Strictness};
use ports::child::ChildLimits;
use rustix::process::{Resource, Rlimit, nice, setrlimit};
#[cfg(target_os = "linux")]
use std::{fs::File, io, os::fd::AsRawFd as _};

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
    /// It has a network of its own, which is empty, and sees no other process's names.
    pub namespaces: bool,
    /// Landlock denies every file and, where the kernel can, every connection.
    pub landlock: bool,
    /// Only the system calls of plain computing are left.
    pub seccomp: bool,
}

impl Layers {
    /// Each by its name for people, and whether it holds.
    #[must_use]
    pub fn named(&self) -> [(&'static str, bool); 5] {
        [
            ("limits", self.limits),
            ("no privileges", self.privileges),
            ("namespaces", self.namespaces),
            ("Landlock", self.landlock),
            ("seccomp", self.seccomp),
        ]
    }
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
    #[cfg(target_os = "linux")]
    {
        layers.namespaces = namespaces::leave();
    }
    parent(orders.parent)?;
    privileges()?;
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

/// Confines this process, which is going to run guests, in two steps with `prepare` between them:
/// an engine needs to read which pages of its memory are dirty, and starts a thread.
///
/// Call it while there is one thread.
///
/// # Errors
/// [`Error`]; the process must then end without having done anything.
pub fn confine_guests<T>(
    strictness: Strictness,
    of: u32,
    prepare: impl FnOnce() -> T,
) -> Result<(T, Layers), Error> {
    let mut layers = Layers::default();
    #[cfg(target_os = "linux")]
    {
        layers.namespaces = namespaces::leave();
    }
    // After the namespaces: new credentials take the death signal away.
    parent(of)?;
    set(&[
        ("descriptors", Resource::Nofile, 4096, 4096),
        ("threads and processes", Resource::Nproc, 512, 512),
        ("files", Resource::Fsize, 4 << 30, 4 << 30),
        ("core dumps", Resource::Core, 1, 1),
    ])?;
    layers.limits = true;
    #[cfg(target_os = "linux")]
    let strays;
    #[cfg(target_os = "linux")]
    {
        strays = self::strays()?;
        rustix::thread::set_no_new_privs(true).map_err(failed("no_new_privs"))?;
        layers.landlock = filesystem::deny_all_but(std::path::Path::new("/proc/self/pagemap"))?;
    }
    let made = prepare();
    #[cfg(target_os = "linux")]
    {
        privileges()?;
        layers.privileges = true;
        layers.landlock &= filesystem::deny_all()?;
        layers.seccomp = match syscalls::allow_guests(&strays) {
            Ok(()) => true,
            Err(_) if strictness == Strictness::BestEffort => false,
            Err(error) => return Err(error),
        };
    }
    if !layers.seccomp && strictness == Strictness::Required {
        return Err(Error::Layer { layer: "seccomp", reason: "this system has none".to_owned() });
    }
    Ok((made, layers))
}

/// The descriptors that were inherited by mistake: all but the standard ones. They cannot be closed
/// from safe code, so the filter sees to it that nothing can be done with them.
#[cfg(target_os = "linux")]
fn strays() -> Result<Vec<u32>, Error> {
    let unknown = |error: io::Error| Error::Layer {
        layer: "a list of descriptors",
        reason: error.to_string(),
    };
    let directory = File::open("/proc/self/fd").map_err(unknown)?;
    let own = u32::try_from(directory.as_raw_fd()).unwrap_or_default();
    let entries = std::fs::read_dir("/proc/self/fd").map_err(unknown)?;
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let numbers = names.filter_map(|name| name.parse().ok()).filter(|number| *number > 2);
    // The directory is open twice: as a file, and as what is being listed, which is gone by now.
    let open: Vec<u32> = numbers.filter(|number| *number != own).collect();
    Ok(open.into_iter().filter(|number| is_open(*number)).collect())
}

#[cfg(target_os = "linux")]
fn is_open(number: u32) -> bool {
    std::fs::read_link(format!("/proc/self/fd/{number}")).is_ok()
}

#[cfg(target_os = "linux")]
fn failed(layer: &'static str) -> impl Fn(rustix::io::Errno) -> Error {
    move |error| Error::Layer { layer, reason: error.to_string() }
}

/// Dies with the parent, which must be the one that it was told of.
#[cfg(target_os = "linux")]
fn parent(of: u32) -> Result<(), Error> {
    use rustix::process::{Signal, getppid, set_parent_process_death_signal};
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(failed("the death signal"))?;
    // The parent may have died before the signal was asked for.
    let parent = getppid().map(|pid| pid.as_raw_nonzero().get().unsigned_abs());
    if parent == Some(of) { Ok(()) } else { Err(Error::Orphan) }
}

#[cfg(not(target_os = "linux"))]
fn parent(_: u32) -> Result<(), Error> {
    Ok(())
}

#[cfg(target_os = "linux")]
fn privileges() -> Result<(), Error> {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(failed("undumpability"))?;
    rustix::thread::set_no_new_privs(true).map_err(failed("no_new_privs"))
}

#[cfg(not(target_os = "linux"))]
fn privileges() -> Result<(), Error> {
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
    set(&table)?;
    // Requests come first. Not a protection, so no reason to give up.
    let _ = nice(10);
    Ok(())
}

/// Sets limits: on what, its soft value and its hard one.
fn set(table: &[(&'static str, Resource, u64, u64)]) -> Result<(), Error> {
    for &(what, resource, current, maximum) in table {
        let limit = Rlimit { current: Some(current), maximum: Some(maximum) };
        setrlimit(resource, limit)
            .map_err(|error| Error::Limit { what, reason: error.to_string() })?;
    }
    Ok(())
}
