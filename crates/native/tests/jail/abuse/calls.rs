//! System calls that no function needs.

use crate::rig::{Rig, python};
use libc::c_long;

/// Makes each call of its arguments, which are a name, a number and what it is given, and prints what
/// did not fail with EPERM.
const TRIES: &str = "
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
for line in sys.argv[1:]:
    name, number, expect, *given = line.split()
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(int(number)), *[ctypes.c_ulong(int(one)) for one in given])
    if result != -1 or ctypes.get_errno() != int(expect): print(name, result, ctypes.get_errno())
print('tried', len(sys.argv) - 1)
";

const USERS: u64 = 0x1000_0000;

/// Calls that fail with EPERM, whatever they are given.
fn table() -> Vec<(&'static str, c_long, Vec<u64>)> {
    let no = Vec::new;
    vec![
        ("unshare", libc::SYS_unshare, vec![USERS]),
        ("unshare-time", libc::SYS_unshare, vec![0x80]),
        ("clone", libc::SYS_clone, vec![USERS | 17, 0, 0, 0, 0]),
        ("clone-mounts", libc::SYS_clone, vec![0x2_0011, 0, 0, 0, 0]),
        ("setns", libc::SYS_setns, vec![0, 0]),
        ("mount", libc::SYS_mount, no()),
        ("umount2", libc::SYS_umount2, no()),
        ("fsopen", libc::SYS_fsopen, no()),
        ("fsconfig", libc::SYS_fsconfig, no()),
        ("fsmount", libc::SYS_fsmount, no()),
        ("open_tree", libc::SYS_open_tree, no()),
        ("move_mount", libc::SYS_move_mount, no()),
        ("mount_setattr", libc::SYS_mount_setattr, no()),
        ("pivot_root", libc::SYS_pivot_root, no()),
        ("chroot", libc::SYS_chroot, no()),
        ("ptrace", libc::SYS_ptrace, vec![0]),
        ("process_vm_readv", libc::SYS_process_vm_readv, vec![1]),
        ("process_vm_writev", libc::SYS_process_vm_writev, vec![1]),
        ("process_madvise", libc::SYS_process_madvise, no()),
        ("keyctl", libc::SYS_keyctl, vec![0, 0xFFFF_FFFD, 0]),
        ("add_key", libc::SYS_add_key, no()),
        ("request_key", libc::SYS_request_key, no()),
        ("bpf", libc::SYS_bpf, no()),
        ("io_uring_setup", libc::SYS_io_uring_setup, vec![1, 0]),
        ("io_uring_enter", libc::SYS_io_uring_enter, no()),
        ("userfaultfd", libc::SYS_userfaultfd, no()),
        ("perf_event_open", libc::SYS_perf_event_open, no()),
        ("init_module", libc::SYS_init_module, no()),
        ("finit_module", libc::SYS_finit_module, no()),
        ("delete_module", libc::SYS_delete_module, no()),
        ("kexec_load", libc::SYS_kexec_load, no()),
        ("reboot", libc::SYS_reboot, no()),
        ("swapon", libc::SYS_swapon, no()),
        ("settimeofday", libc::SYS_settimeofday, no()),
        ("clock_settime", libc::SYS_clock_settime, no()),
        ("sethostname", libc::SYS_sethostname, no()),
        ("pidfd_getfd", libc::SYS_pidfd_getfd, no()),
        ("mknod-device", libc::SYS_mknodat, vec![0, 0, 0o020_600, 0]),
        ("personality", libc::SYS_personality, vec![0x004_0000]),
        ("name_to_handle_at", libc::SYS_name_to_handle_at, no()),
        ("open_by_handle_at", libc::SYS_open_by_handle_at, no()),
        ("fanotify_init", libc::SYS_fanotify_init, no()),
        ("quotactl", libc::SYS_quotactl, no()),
        ("acct", libc::SYS_acct, no()),
        ("syslog", libc::SYS_syslog, no()),
        ("seccomp", libc::SYS_seccomp, vec![1, 0, 0]),
        ("prctl-set-mm", libc::SYS_prctl, vec![35, 0, 0]),
        ("prctl-set-seccomp", libc::SYS_prctl, vec![22, 2, 0]),
        ("ioctl-tiocsti", libc::SYS_ioctl, vec![0, 0x5412, 0]),
        ("ioctl-tiocsti-wide", libc::SYS_ioctl, vec![0, 0x1_0000_5412, 0]),
        ("socket-packet", libc::SYS_socket, vec![17, 3, 0]),
        ("socket-alg", libc::SYS_socket, vec![38, 5, 0]),
        ("socket-vsock", libc::SYS_socket, vec![40, 1, 0]),
        ("socket-xdp", libc::SYS_socket, vec![44, 3, 0]),
        ("socket-raw", libc::SYS_socket, vec![2, 3, 1]),
        ("no-such-call", 9999, no()),
    ]
}

pub(super) fn forbidden() {
    let rig = Rig::new();
    let tries = table().into_iter().map(|(name, number, given)| (name, number, libc::EPERM, given));
    // Said not to exist, so that the C library takes the older call.
    let clone3 = ("clone3", libc::SYS_clone3, libc::ENOSYS, vec![0, 88]);
    let lines: Vec<String> = tries
        .chain([clone3])
        .map(|(name, number, expect, given)| {
            let given: Vec<String> = given.iter().map(u64::to_string).collect();
            format!("{name} {number} {expect} {}", given.join(" "))
        })
        .collect();
    let mut plan = python(TRIES);
    let count = lines.len();
    plan.arguments.extend(lines);
    let (ended, said, errors) = rig.run(plan);
    assert_eq!((ended.code, said), (Some(0), format!("tried {count}\n")), "{errors}");
}

#[cfg(target_arch = "x86_64")]
pub(super) fn foreign() {
    let rig = Rig::new();
    // getpid, as x32 numbers it.
    let mut plan = python(TRIES);
    plan.arguments.push(format!("x32 {} {}", 0x4000_0000 + libc::SYS_getpid, libc::EPERM));
    assert_eq!(rig.run(plan).1, "tried 1\n");
    // And by the door of 32-bit programs: mov eax, 20; int 0x80; ret.
    let script = "
import ctypes, mmap
page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
page.write(bytes.fromhex('b814000000cd80c3'))
print(ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))())
";
    let (ended, said, _) = rig.run(python(script));
    assert_eq!((ended.signal, said.as_str()), (Some(libc::SIGSYS), ""));
}

#[cfg(not(target_arch = "x86_64"))]
pub(super) fn foreign() {}
