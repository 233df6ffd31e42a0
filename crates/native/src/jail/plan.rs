//! What a jail is made of, as plain data that travels to the launcher.

use serde::{Deserialize, Serialize};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::PathBuf;

/// A file or a directory of the machine that a jail sees, read-only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bind {
    /// On the machine: absolute.
    pub source: PathBuf,
    /// In the jail: absolute.
    pub target: PathBuf,
}

/// What a jail may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ceilings {
    /// Memory of all its processes, its files in memory included, in bytes.
    pub memory_bytes: u64,
    /// Processes and threads.
    pub processes: u32,
    /// Share of one processor, in thousandths; 2000 are two processors.
    pub cpu_milli: u32,
    /// Bytes below `/tmp`.
    pub scratch_bytes: u64,
    /// Files below `/tmp`.
    pub scratch_files: u32,
    /// Descriptors of one process.
    pub descriptors: u32,
}

/// Everything about a jail that is known before it starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// What it sees of the machine, in this order.
    pub binds: Vec<Bind>,
    /// Symbolic links in its root: where, and what they say.
    pub links: Vec<(PathBuf, PathBuf)>,
    /// Empty directories, where an [`Assignment`] can mount something.
    pub places: Vec<PathBuf>,
    /// Small files of its own, world-readable: where, and their bytes.
    pub files: Vec<(PathBuf, Vec<u8>)>,
    /// Names beside `localhost` in its `/etc/hosts`.
    pub hosts: Vec<(Ipv4Addr, String)>,
    /// Where its own network is listened on, by the platform.
    pub listeners: Vec<SocketAddrV4>,
    /// How many unconnected TCP sockets of its network the platform gets at its start.
    pub sockets: u32,
    /// The program: an absolute path in the jail.
    pub program: PathBuf,
    /// Its arguments, without the program's own name.
    pub arguments: Vec<String>,
    /// All of its environment.
    pub environment: Vec<(String, String)>,
    /// Where it starts.
    pub directory: PathBuf,
    /// Whether the program has a pipe as its descriptor 3, beside its three streams, that it writes to.
    pub extra: bool,
    /// A directory below `/tmp` that the program can write to, and that the platform gets a descriptor
    /// of: for sockets that it makes.
    pub window: Option<PathBuf>,
    /// What it may use.
    pub ceilings: Ceilings,
}

/// What a jail is given that was started before it was known for whom.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// What is mounted at its [`Plan::places`], read-only.
    pub binds: Vec<Bind>,
    /// All names in its `/etc/hosts` beside `localhost`, if they change.
    pub hosts: Option<Vec<(Ipv4Addr, String)>>,
    /// Where else it is listened on.
    pub listeners: Vec<SocketAddrV4>,
    /// What it may use from now on; the size of `/tmp` changes with it.
    pub ceilings: Option<Ceilings>,
}
