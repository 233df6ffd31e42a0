//! What the node and its launcher say to each other.

use serde::{Deserialize, Serialize};

/// What the node says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Down {
    /// Make a jail; a file with its [`super::Plan`] comes along.
    Make {
        /// Its number from now on.
        id: u64,
    },
    /// Give a jail what is in the file that comes along: an [`super::Assignment`].
    Assign {
        /// Which.
        id: u64,
    },
    /// Make unconnected sockets in a jail's network.
    Sockets {
        /// Which.
        id: u64,
        /// How many.
        count: u32,
    },
    /// End a jail.
    Kill {
        /// Which.
        id: u64,
    },
}

/// What the launcher says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Up {
    /// It is ready, on a machine that is like this.
    Hello(Facts),
    /// Of [`Down::Make`]. With it come, in this order: what it is waited for by, where its start is
    /// told of, standard input, output and error, its descriptor 3 if the plan says so, and then what
    /// `meters` says.
    Made {
        /// Which.
        id: u64,
        /// How it went.
        outcome: Result<Meters, Failure>,
    },
    /// Of [`Down::Assign`]; listeners come along.
    Assigned {
        /// Which.
        id: u64,
        /// How it went.
        outcome: Result<(), Failure>,
    },
    /// Of [`Down::Sockets`]; they come along.
    Sockets {
        /// Which.
        id: u64,
        /// How it went.
        outcome: Result<(), Failure>,
    },
    /// A jail is gone, with everything that was in it.
    Ended {
        /// Which.
        id: u64,
        /// How.
        end: End,
    },
}

/// Which files of a jail's control groups come along with it, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Meters {
    /// What freezes it, and whether that is of version 2.
    pub(super) freezer: Option<Version>,
    /// The processor time that it used.
    pub(super) cpu: Option<Version>,
    /// The most memory that it had.
    pub(super) peak: bool,
}

/// A version of control groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Version {
    /// One tree per controller.
    One,
    /// One tree for all.
    Two,
}

/// How a jail ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct End {
    /// The exit code of its program.
    pub(super) code: Option<i32>,
    /// Or the signal that ended it.
    pub(super) signal: Option<i32>,
    /// Whether its memory ran out.
    pub(super) out_of_memory: bool,
    /// Processor time that it used, in microseconds.
    pub(super) cpu_us: u64,
    /// The most memory that it had, in bytes.
    pub(super) memory_peak_bytes: u64,
}

/// What a launcher found on its machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Whether jails run under user ids of their own, because the node runs as root.
    pub own_uids: bool,
    /// What holds memory, if something does.
    pub memory: Option<Version>,
    /// What holds the number of processes.
    pub processes: Option<Version>,
    /// What holds processor time.
    pub cpu: Option<Version>,
    /// What freezes.
    pub freezer: Option<Version>,
    /// The version of Landlock's interface, 0 if the kernel has none.
    pub landlock: i32,
}

/// A step that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Which.
    pub step: Step,
    /// What the kernel said, as its number; 0 if it was not asked.
    pub errno: i32,
    /// Of what: a path, mostly.
    pub what: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.step.name())?;
        if !self.what.is_empty() {
            write!(f, " of {}", self.what)?;
        }
        if self.errno != 0 {
            write!(f, ": {}", std::io::Error::from_raw_os_error(self.errno))?;
        }
        Ok(())
    }
}

macro_rules! steps {
    ($($(#[doc = $doc:literal])? $name:ident = $text:literal;)*) => {
        /// What is done to make a jail, in the words of an error.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[repr(u8)]
        pub enum Step { $(#[doc = $text] $name,)* }

        impl Step {
            const ALL: &[(Self, &str)] = &[$((Self::$name, $text),)*];
        }
    };
}

steps! {
    Unknown = "a step without a name";
    Plan = "reading the plan";
    MemoryLimit = "the limit on memory and processes";
    ControlGroup = "the control group";
    Uids = "a free user id";
    Tree = "opening a directory";
    Pipe = "the pipes";
    Namespaces = "new namespaces";
    Mapping = "the map of user ids";
    Credentials = "the user id";
    OwnGroups = "a namespace of control groups";
    Hostname = "the host name";
    Root = "a root of its own";
    Proc = "mounting /proc";
    Pivot = "changing the root";
    Directory = "making a directory";
    File = "making a file";
    Link = "making a link";
    Mount = "mounting";
    Mask = "hiding a file of /proc";
    Seal = "making the root read-only";
    Loopback = "bringing the loopback interface up";
    Listener = "listening";
    Socket = "making a socket";
    Capabilities = "giving capabilities up";
    Death = "the death signal";
    Limits = "a resource limit";
    Streams = "the standard streams";
    Privileges = "no_new_privs";
    Landlock = "Landlock";
    Descriptors = "closing descriptors";
    Seccomp = "seccomp";
    Chdir = "changing to the directory";
    Exec = "starting the program";
    Gone = "finding the jail";
    Enter = "entering the jail";
    Hosts = "writing /etc/hosts";
    Ceilings = "changing what it may use";
    Window = "a directory that the platform sees";
}

impl Step {
    /// What an error calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(step, _)| *step == self).map_or("a step", |(_, name)| name)
    }

    /// The step of a number.
    pub(super) fn from_number(number: u8) -> Self {
        Self::ALL.get(usize::from(number)).map_or(Self::Unknown, |(step, _)| *step)
    }

    /// Its number.
    pub(super) const fn number(self) -> u8 {
        self as u8
    }
}
