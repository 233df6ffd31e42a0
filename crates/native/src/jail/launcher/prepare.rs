//! Everything that a jail's child needs, made ready before it is started: it allocates nothing.

use super::super::plan::Plan;
use super::super::sys;
use super::super::words::{Failure, Step};
use rustix::process::Resource;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{CStr, CString, OsStr};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

/// Who a jail's processes are, as they see it.
pub(super) const INSIDE: u32 = 1000;
/// Most bytes in `/dev/shm`.
const SHARED_BYTES_MAX: u64 = 16 << 20;
/// Devices that there are in a jail.
const DEVICES: [&str; 5] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];
const LINKS: [(&str, &str); 4] = [
    ("/dev/fd", "/proc/self/fd"),
    ("/dev/stdin", "/proc/self/fd/0"),
    ("/dev/stdout", "/proc/self/fd/1"),
    ("/dev/stderr", "/proc/self/fd/2"),
];
/// A directory in which nothing is, to be mounted over others.
pub(super) const EMPTY: &CStr = c"/dev/empty";
/// Where a file of a jail's own is at first that is mounted over one of a directory that it sees.
const ASIDE: &str = "/dev/own";
const DIRECTORIES: [&str; 7] =
    ["/proc", "/dev/shm", "/dev/empty", "/tmp", "/etc", "/var/task", "/opt"];
const FILES: [(&str, &str); 4] = [
    ("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n"),
    (
        "/etc/passwd",
        "root:x:0:0:root:/:/sbin/nologin\nfunction:x:1000:1000:function:/tmp:/bin/sh\n\
         nobody:x:65534:65534:nobody:/:/sbin/nologin\n",
    ),
    ("/etc/group", "root:x:0:\nfunction:x:1000:\nnogroup:x:65534:\n"),
    // There is nobody to ask.
    ("/etc/resolv.conf", ""),
];

/// A tmpfs, as the kernel is asked for it.
pub(super) struct Tmpfs {
    pub(super) size: CString,
    pub(super) inodes: CString,
    pub(super) mode: CString,
}

/// What the child does, in the kernel's words.
pub(super) struct Prepared {
    pub(super) root: Tmpfs,
    pub(super) scratch: Tmpfs,
    pub(super) shared: Tmpfs,
    pub(super) directories: Vec<CString>,
    pub(super) files: Vec<(CString, Vec<u8>)>,
    /// Where, and what it says.
    pub(super) links: Vec<(CString, CString)>,
    pub(super) mounts: Vec<(OwnedFd, CString)>,
    /// Files of the jail's own that are mounted over those of what it sees: which, and where.
    pub(super) over: Vec<(CString, CString)>,
    /// The directories at the top.
    pub(super) top: Vec<CString>,
    /// The files that are mounted at the top.
    pub(super) top_files: Vec<CString>,
    /// Whether something may be mounted at the top later.
    pub(super) open: bool,
    pub(super) listeners: Vec<SocketAddrV4>,
    pub(super) sockets: u32,
    pub(super) limits: [(Resource, u64); 6],
    /// Below `/tmp`.
    pub(super) window: Option<CString>,
    pub(super) directory: CString,
    pub(super) program: CString,
    pub(super) arguments: Strings,
    pub(super) environment: Strings,
}

/// Strings, and the list of them that a program is started with.
pub(super) struct Strings {
    _texts: Vec<CString>,
    pub(super) list: Vec<*const libc::c_char>,
}

impl Strings {
    fn new(texts: Vec<CString>) -> Self {
        // What a string points to stays where it is when the list of strings is moved.
        let list = texts.iter().map(|text| text.as_ptr());
        let list = list.chain([std::ptr::null()]).collect();
        Self { _texts: texts, list }
    }
}

impl Tmpfs {
    pub(super) fn new(bytes: u64, inodes: u64, mode: &str) -> Self {
        let text = |text: String| CString::new(text).unwrap_or_default();
        Self {
            size: text(bytes.max(4096).to_string()),
            inodes: text(inodes.max(8).to_string()),
            mode: text(mode.to_owned()),
        }
    }
}

/// The text of `/etc/hosts` with these names.
pub(super) fn hosts(names: &[(Ipv4Addr, String)]) -> String {
    let own = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n".to_owned();
    names.iter().fold(own, |text, (address, name)| format!("{text}{address} {name}\n"))
}

/// Makes a plan ready.
pub(super) fn prepare(plan: &Plan) -> Result<Prepared, Failure> {
    let mut layout = Layout::default();
    layout.standard(plan)?;
    let over = layout.over(plan)?;
    let (mut mounts, mut top_files) = (Vec::new(), Vec::new());
    for device in DEVICES {
        mounts.push((tree(Path::new(device), 0)?, text(device)?));
    }
    for bind in &plan.binds {
        let target = clean(&bind.target)?;
        let is_directory = std::fs::metadata(&bind.source)
            .map_err(|error| failed(Step::Tree, &bind.source, &error))?
            .is_dir();
        if is_directory {
            layout.directory(&target);
        } else {
            layout.file(&target, Vec::new());
            if target.parent() == Some(Path::new("/")) {
                top_files.push(text(&target)?);
            }
        }
        let attributes = sys::READ_ONLY | sys::NO_SUID | sys::NO_DEVICES;
        mounts.push((tree(&bind.source, attributes)?, text(target)?));
    }
    let ceilings = &plan.ceilings;
    let bytes: u64 = layout.files.values().map(|bytes| (bytes.len() as u64).div_ceil(4096)).sum();
    Ok(Prepared {
        root: Tmpfs::new((bytes << 12) + (1 << 20), layout.entries() + 64, "0755"),
        scratch: Tmpfs::new(ceilings.scratch_bytes, ceilings.scratch_files.into(), "1777"),
        shared: Tmpfs::new(SHARED_BYTES_MAX.min(ceilings.memory_bytes), 1024, "1777"),
        top: layout.top()?,
        open: plan.places.iter().any(|place| place.parent() == Some(Path::new("/"))),
        directories: layout.directories.iter().map(text).collect::<Result<_, _>>()?,
        files: layout
            .files
            .into_iter()
            .map(|(path, bytes)| Ok((text(path)?, bytes)))
            .collect::<Result<_, Failure>>()?,
        links: layout
            .links
            .iter()
            .map(|(path, target)| Ok((text(path)?, text(target)?)))
            .collect::<Result<_, Failure>>()?,
        mounts,
        over,
        top_files,
        listeners: plan.listeners.clone(),
        sockets: plan.sockets,
        limits: limits(plan),
        window: plan.window.as_ref().map(|path| below_tmp(path)).transpose()?,
        directory: text(&plan.directory)?,
        program: text(&plan.program)?,
        arguments: arguments(plan)?,
        environment: environment(plan)?,
    })
}

fn limits(plan: &Plan) -> [(Resource, u64); 6] {
    [
        // 1 and not 0: with a limit of 0, the kernel hands a dump to a program in `core_pattern`.
        (Resource::Core, 1),
        (Resource::Nofile, plan.ceilings.descriptors.into()),
        // Counted per namespace of users, so per jail.
        (Resource::Nproc, plan.ceilings.processes.into()),
        (Resource::Rtprio, 0),
        (Resource::Nice, 0),
        (Resource::Msgqueue, 0),
    ]
}

fn arguments(plan: &Plan) -> Result<Strings, Failure> {
    let own = [plan.program.as_os_str()];
    let all = own.into_iter().chain(plan.arguments.iter().map(OsStr::new));
    Ok(Strings::new(all.map(text).collect::<Result<_, _>>()?))
}

fn environment(plan: &Plan) -> Result<Strings, Failure> {
    let all = plan.environment.iter().map(|(name, value)| text(format!("{name}={value}")));
    Ok(Strings::new(all.collect::<Result<_, _>>()?))
}

/// What lies where in a jail's own root.
#[derive(Default)]
struct Layout {
    /// Parents come before what is in them.
    directories: BTreeSet<PathBuf>,
    files: BTreeMap<PathBuf, Vec<u8>>,
    links: BTreeMap<PathBuf, PathBuf>,
}

impl Layout {
    fn standard(&mut self, plan: &Plan) -> Result<(), Failure> {
        // What it sees may have links where these are by default.
        let linked =
            |path: &&&str| plan.links.iter().any(|(link, _)| Path::new(path).starts_with(link));
        let directories = DIRECTORIES.iter().filter(|path| !linked(path));
        directories.for_each(|path| self.directory(Path::new(path)));
        for (path, bytes) in FILES {
            self.file(Path::new(path), bytes.into());
        }
        self.file(Path::new("/etc/hosts"), hosts(&plan.hosts).into());
        for device in DEVICES {
            self.file(Path::new(device), Vec::new());
        }
        for (path, target) in LINKS {
            self.links.insert(path.into(), target.into());
        }
        for place in &plan.places {
            self.directory(&clean(place)?);
        }
        for (path, bytes) in &plan.files {
            self.file(&clean(path)?, bytes.clone());
        }
        for (path, target) in &plan.links {
            let path = clean(path)?;
            self.parents(&path);
            self.links.insert(path, target.clone());
        }
        Ok(())
    }

    /// Puts files aside that lie in directories of the machine: they are mounted over what is there.
    fn over(&mut self, plan: &Plan) -> Result<Vec<(CString, CString)>, Failure> {
        let hidden = |path: &Path| {
            plan.binds.iter().any(|bind| path != bind.target && path.starts_with(&bind.target))
        };
        let files = std::mem::take(&mut self.files);
        let (aside, stay): (BTreeMap<_, _>, _) =
            files.into_iter().partition(|(path, _)| hidden(path));
        self.files = stay;
        let mut over = Vec::new();
        for (number, (path, bytes)) in aside.into_iter().enumerate() {
            let own = PathBuf::from(format!("{ASIDE}-{number}"));
            over.push((text(&own)?, text(path)?));
            self.file(&own, bytes);
        }
        Ok(over)
    }

    fn parents(&mut self, path: &Path) {
        let parents = path.ancestors().skip(1).filter(|parent| *parent != Path::new("/"));
        self.directories.extend(parents.map(Path::to_owned));
    }

    fn directory(&mut self, path: &Path) {
        self.parents(path);
        self.directories.insert(path.to_owned());
    }

    fn file(&mut self, path: &Path, bytes: Vec<u8>) {
        self.parents(path);
        self.files.insert(path.to_owned(), bytes);
    }

    fn entries(&self) -> u64 {
        (self.directories.len() + self.files.len() + self.links.len()) as u64
    }

    /// The directories at the top.
    fn top(&self) -> Result<Vec<CString>, Failure> {
        let top = self.directories.iter().filter(|path| path.components().count() == 2);
        top.filter(|path| *path != Path::new("/proc")).map(text).collect()
    }
}

/// A path in a jail, which must say plainly where it leads.
fn clean(path: &Path) -> Result<PathBuf, Failure> {
    let mut parts = path.components();
    let rooted = parts.next() == Some(Component::RootDir);
    let plain = parts.clone().all(|part| matches!(part, Component::Normal(_)));
    if rooted && plain && parts.next().is_some() {
        return Ok(path.components().collect());
    }
    Err(Failure { step: Step::Plan, errno: 0, what: path.display().to_string() })
}

/// A path in `/tmp` itself: what is above it is there, and is nobody's link.
fn below_tmp(path: &Path) -> Result<CString, Failure> {
    let path = clean(path)?;
    if path.parent() == Some(Path::new("/tmp")) {
        return text(path);
    }
    Err(Failure { step: Step::Plan, errno: 0, what: path.display().to_string() })
}

/// A copy of what is at a path, to be mounted by the child: it could not get there itself.
pub(super) fn tree(path: &Path, attributes: u64) -> Result<OwnedFd, Failure> {
    let failed = |error: rustix::io::Errno| failed(Step::Tree, path, &error.into());
    let tree = sys::copy_tree(&text(path)?, true).map_err(failed)?;
    sys::set_mount(&tree, attributes, 0, true).map_err(failed)?;
    Ok(tree)
}

pub(super) fn failed(step: Step, what: &Path, error: &std::io::Error) -> Failure {
    let errno = error.raw_os_error().unwrap_or(0);
    Failure { step, errno, what: what.display().to_string() }
}

/// A string for the kernel.
pub(super) fn text(text: impl AsRef<OsStr>) -> Result<CString, Failure> {
    let text = text.as_ref();
    CString::new(text.as_bytes()).map_err(|_| Failure {
        step: Step::Plan,
        errno: 0,
        what: text.to_string_lossy().escape_debug().to_string(),
    })
}
