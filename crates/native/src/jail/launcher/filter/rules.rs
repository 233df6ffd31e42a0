//! The reviewed list of system calls, and what the conditions in it mean.

/// What is done with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// It is made.
    Allow,
    /// It is said not to exist, so that a library falls back.
    Missing,
    /// It depends on an argument.
    If(Test),
}

/// A test of one argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Test {
    /// Which, from 0.
    pub(super) argument: u32,
    /// The bits that are looked at.
    pub(super) mask: u32,
    /// What they are compared with.
    pub(super) values: &'static [u32],
    /// Whether one of those values allows the call or denies it.
    pub(super) allow: bool,
}

const ALL: u32 = u32::MAX;
/// Namespaces: NEWTIME is among the bits of a signal, and `clone` does not take it.
const NAMESPACES: u32 = 0x7E02_0000;
/// The kind of a file.
const KIND: u32 = libc::S_IFMT;
const TIOCSTI: u32 = 0x5412;
const TIOCLINUX: u32 = 0x541C;

const fn allowed(argument: u32, mask: u32, values: &'static [u32]) -> Act {
    Act::If(Test { argument, mask, values, allow: true })
}

const fn denied(argument: u32, values: &'static [u32]) -> Act {
    Act::If(Test { argument, mask: ALL, values, allow: false })
}

const CONDITIONS: &[(&str, Act)] = &[
    // UNIX, INET, INET6, NETLINK.
    ("families", allowed(0, ALL, &[1, 2, 10, 16])),
    ("unix", allowed(0, ALL, &[1])),
    ("no-namespaces", allowed(0, NAMESPACES, &[0])),
    // Its flags are behind a pointer, where no filter looks.
    ("missing", Act::Missing),
    ("plain", allowed(0, ALL, &[0, ALL])),
    // Nobody types for another.
    ("no-terminal-input", denied(1, &[TIOCSTI, TIOCLINUX])),
    // SET_SECCOMP, SET_MM, SET_PTRACER.
    ("no-filters", denied(0, &[22, 35, 0x5961_6D61])),
    ("fifo-1", allowed(1, KIND, &[libc::S_IFIFO])),
    ("fifo-2", allowed(2, KIND, &[libc::S_IFIFO])),
];

/// Reads a list: a name and a number per line, and a condition if there is one. An error names the
/// line.
pub(super) fn read(list: &str) -> Result<Vec<(u32, Act)>, String> {
    let mut calls = Vec::new();
    for (_, number, act) in rows(list)? {
        if calls.last().is_some_and(|(last, _)| *last >= number) {
            return Err(format!("{number} is out of order"));
        }
        calls.push((number, act));
    }
    Ok(calls)
}

/// The rows of a list.
pub(super) fn rows(list: &str) -> Result<Vec<(&str, u32, Act)>, String> {
    let lines = list.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| row(line).ok_or_else(|| line.to_owned())).collect()
}

fn row(line: &str) -> Option<(&str, u32, Act)> {
    let mut words = line.split(' ');
    let (name, number) = (words.next()?, words.next()?.parse().ok()?);
    let act = match words.next() {
        None => Act::Allow,
        Some(condition) => CONDITIONS.iter().find(|(name, _)| *name == condition)?.1,
    };
    words.next().is_none().then_some((name, number, act))
}
