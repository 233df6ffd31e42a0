//! System calls that no crate of ours has a safe interface for.

use rustix::io::Errno;
use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};

/// Nothing may be written there.
pub(super) const READ_ONLY: u64 = 1;
/// Nobody becomes somebody else by running something from there.
pub(super) const NO_SUID: u64 = 2;
/// Devices there cannot be opened.
pub(super) const NO_DEVICES: u64 = 4;

/// Who goes on after a fork.
pub(super) enum Fork {
    /// The child.
    Child,
    /// The parent, with what waits for the child.
    Parent(OwnedFd),
}

#[repr(C)]
#[derive(Default)]
struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

/// What `mount_setattr` takes.
#[repr(C)]
#[derive(Default)]
struct MountAttr {
    set: u64,
    clear: u64,
    propagation: u64,
    userns: u64,
}

fn result(value: libc::c_long) -> Result<libc::c_long, Errno> {
    if value < 0 { Err(last()) } else { Ok(value) }
}

fn last() -> Errno {
    // SAFETY: the address is that of this thread's own number, and always valid.
    Errno::from_raw_os_error(unsafe { *libc::__errno_location() })
}

/// Starts a copy of this process in new namespaces, as `fork` does, and in a control group of
/// version 2 if one is named.
///
/// # Safety
/// This process has one thread.
pub(super) unsafe fn fork(namespaces: i32, group: Option<BorrowedFd<'_>>) -> Result<Fork, Errno> {
    /// `CLONE_INTO_CGROUP`
    const INTO_GROUP: u64 = 0x2_0000_0000;
    let mut pidfd: RawFd = -1;
    let mut arguments = CloneArgs {
        flags: (namespaces | libc::CLONE_PIDFD) as u64 | group.map_or(0, |_| INTO_GROUP),
        pidfd: (&raw mut pidfd) as u64,
        exit_signal: libc::SIGCHLD as u64,
        cgroup: group.map_or(0, |group| group.as_raw_fd() as u64),
        ..CloneArgs::default()
    };
    // SAFETY: the structure is as long as said and lives through the call; without a stack the child
    // goes on with a copy of this one. One thread, says the caller, so no lock stays taken in it.
    let pid = result(unsafe {
        libc::syscall(libc::SYS_clone3, &raw mut arguments, size_of::<CloneArgs>())
    })?;
    if pid == 0 {
        return Ok(Fork::Child);
    }
    // SAFETY: the kernel has put a new descriptor there, which nobody else knows.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
    Ok(Fork::Parent(pidfd))
}

/// Ends this process at once.
pub(super) fn exit(code: i32) -> ! {
    // SAFETY: it does not return, and runs nothing of ours.
    unsafe { libc::_exit(code) }
}

/// Changes what a mount allows, and with `RECURSIVE` all below it; nothing that is mounted elsewhere
/// shows there later.
pub(super) fn set_mount(
    mount: impl AsFd,
    set: u64,
    clear: u64,
    recursive: bool,
) -> Result<(), Errno> {
    let attributes =
        MountAttr { set, clear, propagation: libc::MS_PRIVATE, ..MountAttr::default() };
    let depth = if recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: the path is a string with its end, the structure is as long as said.
    result(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_fd().as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH | depth,
            &raw const attributes,
            size_of::<MountAttr>(),
        )
    })
    .map(|_| ())
}

/// A copy of a mount, or of a directory or file, that is mounted nowhere yet.
pub(super) fn copy_tree(path: &CStr, recursive: bool) -> Result<OwnedFd, Errno> {
    use rustix::mount::{OpenTreeFlags, open_tree};
    let mut flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    if recursive {
        flags |= OpenTreeFlags::AT_RECURSIVE;
    }
    open_tree(rustix::fs::CWD, path, flags)
}

/// Mounts what is mounted nowhere yet.
pub(super) fn attach(tree: BorrowedFd<'_>, path: &CStr) -> Result<(), Errno> {
    use rustix::mount::{MoveMountFlags, move_mount};
    move_mount(tree, c"", rustix::fs::CWD, path, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
}

/// Goes into namespaces of the process that `pidfd` is.
pub(super) fn enter(pidfd: BorrowedFd<'_>, namespaces: i32) -> Result<(), Errno> {
    // SAFETY: the call takes two numbers and touches no memory of ours.
    result(unsafe { libc::syscall(libc::SYS_setns, pidfd.as_raw_fd(), namespaces) }).map(|_| ())
}

/// Brings the loopback interface of this network up.
pub(super) fn loopback_up() -> Result<(), Errno> {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
    let kind = SocketType::DGRAM;
    let socket = socket_with(AddressFamily::INET, kind, SocketFlags::CLOEXEC, None)?;
    // SAFETY: all zeros is a valid value of this structure of numbers.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = *from as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: the request is the structure that this call takes, and lives through it.
    let outcome =
        unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS as _, &raw mut request) };
    result(outcome.into()).map(|_| ())
}

/// Gives every capability up, for good: the bounding set too, and what user id 0 would bring.
pub(super) fn drop_capabilities() -> Result<(), Errno> {
    use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities};
    for capability in 0..64 {
        // SAFETY: the call takes numbers only.
        let dropped = unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) };
        if dropped < 0 {
            // The first number that the kernel does not know is the end.
            match last() {
                Errno::INVAL if capability > 0 => break,
                error => return Err(error),
            }
        }
    }
    let none = CapabilitySet::empty();
    let sets = CapabilitySets { effective: none, permitted: none, inheritable: none };
    set_capabilities(None, sets)
}

/// Sets the user id and the group id, all of them. Where the process belongs to other groups still,
/// it was started so by a user who cannot leave them.
pub(super) fn become_user(id: u32) -> Result<(), Errno> {
    // SAFETY: the calls take numbers only. The bare system calls, since the library's own would tell
    // other threads of it, and this is a copy that has none.
    result(unsafe { libc::syscall(libc::SYS_setresgid, id, id, id) })?;
    // SAFETY: as above.
    result(unsafe { libc::syscall(libc::SYS_setresuid, id, id, id) }).map(|_| ())
}

/// Leaves every group but its own.
pub(super) fn leave_groups() -> Result<(), Errno> {
    // SAFETY: none are read from the address, since there are none.
    result(unsafe { libc::syscall(libc::SYS_setgroups, 0, std::ptr::null::<u32>()) }).map(|_| ())
}

/// Lets every signal do what it does where nobody cares for it, and blocks none.
pub(super) fn reset_signals() {
    for signal in 1..=64 {
        // SAFETY: no handler is installed, the default is put back; where that cannot be, as for
        // SIGKILL, nothing happens.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    let none: u64 = 0;
    // SAFETY: the set is eight bytes long, as said.
    unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            libc::SIG_SETMASK,
            &raw const none,
            std::ptr::null_mut::<u64>(),
            8,
        )
    };
}

/// Has every descriptor from `first` on close when a program starts.
pub(super) fn close_at_exec(first: libc::c_int) -> Result<(), Errno> {
    // SAFETY: the call takes numbers only, and closes nothing yet.
    result(unsafe {
        libc::syscall(libc::SYS_close_range, first, u32::MAX, libc::CLOSE_RANGE_CLOEXEC)
    })
    .map(|_| ())
}

/// Makes a descriptor, which is another, number 3 too, and lets a program that starts keep that.
pub(super) fn make_third(fd: BorrowedFd<'_>) -> Result<(), Errno> {
    // SAFETY: whoever calls it is a child that starts a program next, and has no more use for what
    // number 3 was: nothing that owns it is used or dropped before.
    result(unsafe { libc::dup2(fd.as_raw_fd(), 3) }.into()).map(|_| ())
}

/// Puts a filter on all system calls from now on.
pub(super) fn filter(program: &[libc::sock_filter]) -> Result<(), Errno> {
    let length = u16::try_from(program.len()).map_err(|_| Errno::INVAL)?;
    let program = libc::sock_fprog { len: length, filter: program.as_ptr().cast_mut() };
    // SAFETY: the kernel reads as many instructions as said, and writes none.
    result(unsafe {
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const program)
    })
    .map(|_| ())
}

/// Becomes another program. It returns only if that failed.
///
/// # Safety
/// Both lists end with a null, and what they point to are strings that live.
pub(super) unsafe fn exec(
    program: &CStr,
    arguments: &[*const libc::c_char],
    environment: &[*const libc::c_char],
) -> Errno {
    // SAFETY: as the caller says.
    unsafe { libc::execve(program.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
    last()
}

#[repr(C)]
struct LandlockRules {
    files: u64,
    network: u64,
    scopes: u64,
}

#[repr(C, packed)]
struct LandlockRule {
    access: u64,
    place: i32,
}

/// The version of Landlock's interface; 0 if the kernel has none.
pub(super) fn landlock_version() -> i32 {
    // SAFETY: with this flag the call reads nothing.
    let version =
        unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0, 1) };
    i32::try_from(version).unwrap_or(0).max(0)
}

/// A set of rules that denies these kinds of access to files, and leaves these scopes.
pub(super) fn landlock_rules(files: u64, scopes: u64) -> Result<OwnedFd, Errno> {
    let rules = LandlockRules { files, network: 0, scopes };
    // An old kernel takes a shorter structure only.
    let size = if scopes == 0 { 8 } else { size_of::<LandlockRules>() };
    // SAFETY: the structure is at least as long as said.
    let fd = result(unsafe {
        libc::syscall(libc::SYS_landlock_create_ruleset, &raw const rules, size, 0)
    })?;
    // SAFETY: the kernel has made a new descriptor.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

/// Allows these kinds of access below a place.
pub(super) fn landlock_allow(rules: &OwnedFd, place: &OwnedFd, access: u64) -> Result<(), Errno> {
    let rule = LandlockRule { access, place: place.as_raw_fd() };
    // SAFETY: the structure is the one for a rule of this kind, 1.
    result(unsafe {
        libc::syscall(libc::SYS_landlock_add_rule, rules.as_raw_fd(), 1, &raw const rule, 0)
    })
    .map(|_| ())
}

/// Puts the rules on this process.
pub(super) fn landlock_restrict(rules: &OwnedFd) -> Result<(), Errno> {
    // SAFETY: the call takes numbers only.
    result(unsafe { libc::syscall(libc::SYS_landlock_restrict_self, rules.as_raw_fd(), 0) })
        .map(|_| ())
}
