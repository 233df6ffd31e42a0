//! The seccomp filters: what a process may ask of the kernel that only computes, and one that runs
//! guests.
//!
//! Allow-lists; anything else fails with EPERM. A call of a foreign architecture kills.
//!
//! Invariant: nothing in [`TABLE`] and [`GUESTS`] opens, connects, starts, signals or looks into
//! anything.

use super::Error;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter_all_threads,
};
use std::collections::BTreeMap;

/// When a system call is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Always,
    /// On standard input, output and error only.
    OnStandardStreams,
    /// If the bits `mask` of an argument have this value.
    Bits {
        argument: u8,
        mask: u64,
        value: u64,
    },
    /// Two of the former at once.
    Memory,
    /// If it names this very process.
    Self_,
    /// If memory does not become writable and executable at once.
    WriteOrExecute,
    /// On any descriptor but those that were inherited by mistake.
    OnOwn,
    /// Memory that is not executable, of such a descriptor or of none.
    MapOfOwn,
}

const ANONYMOUS: u64 = libc::MAP_ANONYMOUS as u64;
const EXECUTABLE: u64 = libc::PROT_EXEC as u64;
const WRITABLE: u64 = libc::PROT_WRITE as u64;
/// Namespaces: NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET.
const NAMESPACES: u64 = 0x7E02_0000;
const THREAD: u64 = libc::CLONE_THREAD as u64;

const TABLE: Table = &[
    // Reading the input and writing the output and a message. No other descriptor can be used,
    // so one that was inherited by mistake is worth nothing.
    (libc::SYS_read, When::OnStandardStreams),
    (libc::SYS_readv, When::OnStandardStreams),
    (libc::SYS_pread64, When::OnStandardStreams),
    (libc::SYS_write, When::OnStandardStreams),
    (libc::SYS_writev, When::OnStandardStreams),
    (libc::SYS_lseek, When::OnStandardStreams),
    (libc::SYS_fstat, When::OnStandardStreams),
    (libc::SYS_close, When::Always),
    // Memory: anonymous, never executable.
    (libc::SYS_brk, When::Always),
    (libc::SYS_mmap, When::Memory),
    (libc::SYS_mprotect, When::Bits { argument: 2, mask: EXECUTABLE, value: 0 }),
    (libc::SYS_mremap, When::Always),
    (libc::SYS_munmap, When::Always),
    (libc::SYS_madvise, When::Always),
    // Threads of this process: no process, no namespace. `clone3` hides its flags behind a
    // pointer; a filter of its own says that it does not exist, and the C library falls back.
    (libc::SYS_clone, When::Bits { argument: 0, mask: NAMESPACES | THREAD, value: THREAD }),
    (libc::SYS_clone3, When::Always),
    (libc::SYS_set_robust_list, When::Always),
    (libc::SYS_rseq, When::Always),
    (libc::SYS_futex, When::Always),
    (libc::SYS_sched_yield, When::Always),
    (libc::SYS_sched_getaffinity, When::Always),
    (libc::SYS_prctl, When::Bits { argument: 0, mask: u64::MAX, value: libc::PR_SET_NAME as u64 }),
    (libc::SYS_gettid, When::Always),
    (libc::SYS_getpid, When::Always),
    (libc::SYS_exit, When::Always),
    (libc::SYS_exit_group, When::Always),
    // Signals that a process handles itself, and the one that it aborts with.
    (libc::SYS_rt_sigaction, When::Always),
    (libc::SYS_rt_sigprocmask, When::Always),
    (libc::SYS_rt_sigreturn, When::Always),
    (libc::SYS_sigaltstack, When::Always),
    (libc::SYS_restart_syscall, When::Always),
    (libc::SYS_tgkill, When::Self_),
    // Time and randomness.
    (libc::SYS_clock_gettime, When::Always),
    (libc::SYS_clock_nanosleep, When::Always),
    (libc::SYS_nanosleep, When::Always),
    (libc::SYS_getrandom, When::Always),
];

/// What a process needs beside that runs guests: sockets that it was given, waiting for them, files
/// in memory, and compiled code. It can make no socket and open nothing.
const GUESTS: Table = &[
    (libc::SYS_read, When::OnOwn),
    (libc::SYS_readv, When::OnOwn),
    (libc::SYS_pread64, When::OnOwn),
    (libc::SYS_write, When::OnOwn),
    (libc::SYS_writev, When::OnOwn),
    (libc::SYS_pwrite64, When::OnOwn),
    (libc::SYS_lseek, When::OnOwn),
    (libc::SYS_fstat, When::OnOwn),
    (libc::SYS_sendmsg, When::OnOwn),
    (libc::SYS_recvmsg, When::OnOwn),
    (libc::SYS_sendto, When::OnOwn),
    (libc::SYS_recvfrom, When::OnOwn),
    (libc::SYS_shutdown, When::OnOwn),
    (libc::SYS_fcntl, When::OnOwn),
    (libc::SYS_ftruncate, When::OnOwn),
    (libc::SYS_epoll_create1, When::Always),
    (libc::SYS_epoll_ctl, When::Always),
    (libc::SYS_epoll_pwait, When::Always),
    (libc::SYS_eventfd2, When::Always),
    // The memory of instances that begin with the same bytes: files that lie nowhere.
    (libc::SYS_memfd_create, When::Always),
    (libc::SYS_mmap, When::MapOfOwn),
    (libc::SYS_mprotect, When::WriteOrExecute),
    (libc::SYS_membarrier, When::Always),
    // Which pages of its own memory were written to.
    (libc::SYS_ioctl, When::Bits { argument: 1, mask: 0xFFFF_FFFF, value: PAGEMAP_SCAN }),
];

/// `_IOWR('f', 16, struct pm_scan_arg)`, from `linux/fs.h`.
const PAGEMAP_SCAN: u64 = 0xC060_6610;

/// Lets only [`TABLE`] through, in all threads.
///
/// # Errors
/// If the kernel has no seccomp, or the filter is on and does not hold.
pub(super) fn allow_computing() -> Result<(), Error> {
    allow(&[TABLE], &[])
}

/// Lets only [`TABLE`] and [`GUESTS`] through, in all threads; nothing can be done with the
/// descriptors `strays`.
///
/// # Errors
/// As [`allow_computing`].
pub(super) fn allow_guests(strays: &[u32]) -> Result<(), Error> {
    allow(&[TABLE, GUESTS, OLD_WAITING], strays)
}

/// How processors wait that are older than this call's successor.
#[cfg(target_arch = "x86_64")]
const OLD_WAITING: Table = &[(libc::SYS_epoll_wait, When::Always)];
#[cfg(not(target_arch = "x86_64"))]
const OLD_WAITING: Table = &[];

fn allow(tables: &[Table], strays: &[u32]) -> Result<(), Error> {
    let failed = |reason: String| Error::Layer { layer: "seccomp", reason };
    let no_clone3 = program(
        BTreeMap::from([(libc::SYS_clone3, Vec::new())]),
        SeccompAction::Allow,
        SeccompAction::Errno(libc::ENOSYS.unsigned_abs()),
    );
    let computing = rules(tables, strays).and_then(|rules| {
        program(rules, SeccompAction::Errno(libc::EPERM.unsigned_abs()), SeccompAction::Allow)
    });
    // Of two verdicts the kernel takes the stricter. After the second filter, no third can come.
    for filter in [no_clone3, computing] {
        let filter = filter.map_err(|error| failed(error.to_string()))?;
        apply_filter_all_threads(&filter).map_err(|error| failed(error.to_string()))?;
    }
    match std::net::UdpSocket::bind(("127.0.0.1", 0)) {
        Err(error) if error.raw_os_error() == Some(libc::EPERM) => Ok(()),
        Err(error) => Err(failed(format!("it is on and a socket fails with {error}"))),
        Ok(_) => Err(failed("it is on and a socket can be made".to_owned())),
    }
}

/// System calls, and when they are allowed.
type Table = &'static [(libc::c_long, When)];

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

fn program(
    rules: Rules,
    mismatch: SeccompAction,
    matched: SeccompAction,
) -> Result<BpfProgram, seccompiler::BackendError> {
    let architecture = TargetArch::try_from(std::env::consts::ARCH)?;
    SeccompFilter::new(rules, mismatch, matched, architecture)?.try_into()
}

/// The rules of all tables; a later one stands for an earlier one of the same call.
fn rules(tables: &[Table], strays: &[u32]) -> Result<Rules, seccompiler::BackendError> {
    let bits = |argument, mask, value| {
        let operator = SeccompCmpOp::MaskedEq(mask);
        SeccompCondition::new(argument, SeccompCmpArgLen::Qword, operator, value)
    };
    let own = |argument| {
        let others = strays.iter().map(move |stray| {
            let number = u64::from(*stray);
            SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, number)
        });
        others.collect::<Result<Vec<_>, _>>()
    };
    let mut rules = Rules::new();
    for (number, when) in tables.iter().copied().flatten() {
        let conditions = match *when {
            When::Always => Vec::new(),
            When::OnStandardStreams => {
                let last = SeccompCmpOp::Le;
                vec![SeccompCondition::new(0, SeccompCmpArgLen::Dword, last, 2)?]
            }
            When::Bits { argument, mask, value } => vec![bits(argument, mask, value)?],
            When::Memory => vec![bits(2, EXECUTABLE, 0)?, bits(3, ANONYMOUS, ANONYMOUS)?],
            When::Self_ => {
                let me = u64::from(std::process::id());
                vec![SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, me)?]
            }
            When::OnOwn => own(0)?,
            When::MapOfOwn => [vec![bits(2, EXECUTABLE, 0)?], own(4)?].concat(),
            When::WriteOrExecute => {
                let only = |mask| SeccompRule::new(vec![bits(2, mask, 0)?]);
                rules.insert(*number, vec![only(EXECUTABLE)?, only(WRITABLE)?]);
                continue;
            }
        };
        let rule =
            if conditions.is_empty() { Vec::new() } else { vec![SeccompRule::new(conditions)?] };
        rules.insert(*number, rule);
    }
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_dangerous_is_in_the_table() {
        let dangerous = [
            libc::SYS_openat,
            libc::SYS_openat2,
            libc::SYS_socket,
            libc::SYS_connect,
            libc::SYS_execve,
            libc::SYS_execveat,
            libc::SYS_ptrace,
            libc::SYS_process_vm_readv,
            libc::SYS_pidfd_open,
            libc::SYS_pidfd_getfd,
            libc::SYS_kill,
            libc::SYS_unshare,
            libc::SYS_setns,
            libc::SYS_mount,
            libc::SYS_bpf,
            libc::SYS_keyctl,
            libc::SYS_io_uring_setup,
            libc::SYS_userfaultfd,
            libc::SYS_perf_event_open,
            libc::SYS_dup,
            libc::SYS_dup3,
            libc::SYS_seccomp,
            libc::SYS_prlimit64,
            libc::SYS_setpriority,
        ];
        for number in dangerous {
            assert!(TABLE.iter().chain(GUESTS).all(|(allowed, _)| *allowed != number), "{number}");
        }
        let guests_only = [
            libc::SYS_sendmsg,
            libc::SYS_recvmsg,
            libc::SYS_memfd_create,
            libc::SYS_ioctl,
            libc::SYS_fcntl,
        ];
        for number in guests_only {
            assert!(TABLE.iter().all(|(allowed, _)| *allowed != number), "{number}");
        }
    }

    #[test]
    fn every_call_is_named_once_and_the_filter_compiles() {
        assert_eq!(rules(&[TABLE], &[]).expect("rules").len(), TABLE.len());
        assert_eq!(rules(&[GUESTS], &[3]).expect("rules").len(), GUESTS.len());
        for tables in [&[TABLE] as &[_], &[TABLE, GUESTS, OLD_WAITING]] {
            let rules = rules(tables, &[3, 10, 255]).expect("rules");
            let action = SeccompAction::Errno(1);
            let program = program(rules, action, SeccompAction::Allow).expect("program");
            assert!(program.len() < 4096, "the kernel's limit");
        }
    }
}
