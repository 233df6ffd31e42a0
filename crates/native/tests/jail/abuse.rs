//! What a hostile program tries in a jail, and what comes of it.

mod calls;

use crate::Test;
use crate::modes::{BOTH, EVERYBODY, Mode, current};
use crate::rig::{Rig, ceilings, processes, python, readable};
use casemate_native::jail::{Bind, Ceilings, Plan};
use std::net::{Ipv4Addr, TcpListener};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use tokio::io::AsyncReadExt as _;

pub(crate) const TESTS: &[Test] = &[
    ("every_forbidden_system_call_fails", EVERYBODY, calls::forbidden),
    ("calls_of_other_architectures_fail_or_kill", EVERYBODY, calls::foreign),
    ("a_fork_bomb_stops_at_its_ceiling", EVERYBODY, forks),
    ("a_memory_hog_is_ended_and_that_is_known", BOTH, hogs),
    ("files_in_memory_count_as_memory", BOTH, hoards),
    ("a_full_tmp_says_so", EVERYBODY, fills),
    ("nothing_outside_tmp_can_be_written", EVERYBODY, writes),
    ("nothing_of_the_machine_can_be_read", EVERYBODY, reads),
    ("landlock_denies_what_no_rule_allows", EVERYBODY, landlock),
    ("proc_shows_the_jail_and_nothing_of_the_machine", EVERYBODY, proc),
    ("no_capability_is_left", EVERYBODY, capabilities),
    ("nobody_becomes_somebody_else", EVERYBODY, set_user_id),
    ("what_only_root_may_read_stays_so", &[Mode::Root], roots_files),
    ("each_jail_has_a_user_of_its_own_and_never_root", &[Mode::Root], users),
    ("no_descriptor_leaks_in", EVERYBODY, leaks),
    ("no_core_is_left", EVERYBODY, cores),
    ("sockets_of_the_machine_are_out_of_reach", EVERYBODY, sockets),
    ("jails_do_not_reach_each_other", EVERYBODY, neighbours),
    ("who_ignores_the_request_to_end_is_ended", EVERYBODY, ignores),
    ("twenty_one_processes_end_at_once", EVERYBODY, many),
    ("the_ceiling_on_processors_is_set", BOTH, quota),
];

fn with(script: &str, change: impl FnOnce(&mut Ceilings)) -> Plan {
    let mut ceilings = ceilings();
    change(&mut ceilings);
    Plan { ceilings, ..python(script) }
}

fn forks() {
    let rig = Rig::new();
    let script = "
import os, time
made = 0
try:
    while True:
        if os.fork() == 0: time.sleep(60)
        made += 1
except OSError as error: print(made, error.errno)
";
    let (ended, said, errors) = rig.run(with(script, |ceilings| ceilings.processes = 16));
    assert_eq!(ended.code, Some(0), "{errors}");
    assert_eq!(said, format!("15 {}\n", libc::EAGAIN));
}

fn hogs() {
    let rig = Rig::new();
    let script = "x = []\nwhile True: x.append(bytearray(1 << 20))";
    let (ended, ..) = rig.run(with(script, |ceilings| ceilings.memory_bytes = 64 << 20));
    assert_eq!((ended.signal, ended.out_of_memory), (Some(libc::SIGKILL), true));
    assert_eq!(rig.run(python("print(1)")).1, "1\n");
}

fn hoards() {
    let rig = Rig::new();
    let script = "f = open('/tmp/f', 'wb')\nfor _ in range(150): f.write(bytes(1 << 20))";
    let plan = with(script, |ceilings| {
        ceilings.memory_bytes = 64 << 20;
        ceilings.scratch_bytes = 256 << 20;
    });
    let (ended, ..) = rig.run(plan);
    assert_eq!((ended.signal, ended.out_of_memory), (Some(libc::SIGKILL), true));
}

fn fills() {
    let rig = Rig::new();
    let script = "
import os
def fill(path):
    written = 0
    try:
        with open(path, 'wb', buffering=0) as f:
            while True: written += f.write(bytes(1 << 16))
    except OSError as error: return written, error.errno
print(*fill('/tmp/f'), *fill('/dev/shm/f'))
os.remove('/tmp/f')
made = 0
try:
    while True:
        open(f'/tmp/{made}', 'w').close()
        made += 1
except OSError as error: print(made, error.errno)
";
    let (ended, said, errors) = rig.run(with(script, |ceilings| {
        ceilings.scratch_bytes = 8 << 20;
        ceilings.scratch_files = 100;
    }));
    assert_eq!(ended.code, Some(0), "{errors}");
    let full = libc::ENOSPC;
    // One of the files is the directory itself.
    assert_eq!(said, format!("{} {full} {} {full}\n99 {full}\n", 8 << 20, 16 << 20));
}

fn writes() {
    let said = Rig::new().python(
        "
import os, errno
def tried(what, *more):
    try: what(*more)
    except OSError as error: return errno.errorcode[error.errno]
    return 'done'
for path in '/x', '/usr/x', '/etc/x', '/etc/passwd', '/etc/hosts', '/var/task/x', '/opt/x', '/dev/x', '/proc/x':
    result = tried(open, path, 'w')
    if result not in ('EROFS', 'EACCES', 'ENOENT'): print(path, result)
for path in '/proc/sys/kernel/hostname', '/proc/sys/vm/overcommit_memory', '/proc/sysrq-trigger':
    try:
        with open(path, 'w') as f: f.write('1')
        if path != '/proc/sysrq-trigger': print(path, 'written')
    except OSError: pass
for what in (os.mkdir, os.rmdir, os.unlink):
    for path in '/x', '/tmp', '/etc', '/etc/hosts', '/var/task':
        if tried(what, path) == 'done': print(what, path)
if tried(os.chmod, '/etc/hosts', 0o777) == 'done': print('chmod')
if tried(os.rename, '/etc', '/tmp/etc') == 'done': print('rename')
open('/tmp/x', 'w').close()
",
    );
    assert_eq!(said, "");
}

fn reads() {
    let said = Rig::new().python(
        "
import os, errno
for path in ('/etc/shadow', '/etc/ssh', '/root', '/home', '/sys', '/run', '/dev/kvm', '/dev/sda', '/dev/mem',
             '/dev/tty', '/dev/console', '/dev/pts', '/proc/1/root/root', '/var/run', '/var/lib', '/boot', '/mnt'):
    try: os.stat(path); print(path)
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.EACCES): print(path, error)
print(sorted(os.listdir('/')), sorted(os.listdir('/etc')), open('/etc/resolv.conf').read())
",
    );
    let root = "['bin', 'dev', 'etc', 'lib', 'lib64', 'opt', 'proc', 'sbin', 'tmp', 'usr', 'var']";
    let etc = "['group', 'hosts', 'nsswitch.conf', 'passwd', 'resolv.conf']";
    assert_eq!(said, format!("{root} {etc} \n"));
}

fn landlock() {
    let script = "
try: open('/canary'); print('read')
except OSError as error: print(error.errno)
";
    let mut plan = python(script);
    plan.files = vec![("/canary".into(), b"seen".to_vec())];
    // With a place at the top, the top may be read.
    plan.places = vec!["/var/task".into()];
    assert_eq!(Rig::new().run(plan).1, format!("{}\n", libc::EACCES));
}

fn proc() {
    let said = Rig::new().python(
        "
import os
print(sorted(n for n in os.listdir('/proc') if n.isdigit()))
for name in 'kallsyms', 'kcore', 'keys', 'cmdline', 'modules', 'config.gz', 'timer_list', 'interrupts':
    try: found = open('/proc/' + name, 'rb').read(9)
    except OSError: continue
    if found: print(name, found)
for name in 'bus', 'irq', 'fs', 'acpi', 'driver':
    if os.path.exists('/proc/' + name) and os.listdir('/proc/' + name): print(name)
groups = open('/proc/self/cgroup').read()
if 'casemate' in groups or 'jail' in groups: print(groups)
print(open('/proc/sys/kernel/hostname').read().strip())
",
    );
    assert_eq!(said, "['1']\nfunction\n");
}

fn capabilities() {
    let said = Rig::new().python(
        "
wanted = ('Uid', 'CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb', 'NoNewPrivs', 'Seccomp')
for line in open('/proc/self/status'):
    name, value = line.split(':')
    if name in wanted: print(name, *value.split())
print(*open('/proc/self/setgroups').read().split())
",
    );
    let none = "0000000000000000";
    let expect = format!(
        "Uid 1000 1000 1000 1000\nCapInh {none}\nCapPrm {none}\nCapEff {none}\nCapBnd {none}\n\
         CapAmb {none}\nNoNewPrivs 1\nSeccomp 2\ndeny\n"
    );
    assert_eq!(said, expect);
}

fn set_user_id() {
    let rig = Rig::new();
    let place = tempfile::tempdir().expect("a directory");
    readable(place.path());
    let program = place.path().join("id");
    std::fs::copy("/usr/bin/id", &program).expect("a copy");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o6755)).expect("set");
    let mut plan = python(
        "
import os, subprocess
print(subprocess.check_output(['/opt/id', '-u']).decode().strip())
for call in (os.setuid, os.setgid, os.seteuid):
    for number in 0, 1, 65534:
        try: call(number); print(call, number)
        except OSError: pass
",
    );
    plan.binds.push(Bind { source: place.path().into(), target: "/opt".into() });
    assert_eq!(rig.run(plan).1, "1000\n");
}

fn roots_files() {
    let rig = Rig::new();
    let place = tempfile::tempdir().expect("a directory");
    readable(place.path());
    let secret = place.path().join("secret");
    std::fs::write(&secret, "of root").expect("written");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).expect("set");
    let mut plan = python(
        "
try: print(open('/opt/secret').read())
except OSError as error: print(error.errno)
",
    );
    plan.binds.push(Bind { source: place.path().into(), target: "/opt".into() });
    assert_eq!(rig.run(plan).1, format!("{}\n", libc::EACCES));
}

/// Prints that it is there, and waits.
const WAITS: &str = "import sys\nprint('ready', flush=True)\nsys.stdin.read()";

fn users() {
    let rig = Rig::new();
    let marker = format!("# {}", rig.settings.tag);
    let jails: Vec<_> =
        (0..3).map(|_| rig.jail(python(&format!("{WAITS}{marker}"))).expect("a jail")).collect();
    let mut users: Vec<u32> = processes(&marker).into_iter().map(|(_, user)| user).collect();
    users.sort_unstable();
    users.dedup();
    assert_eq!(users.len(), jails.len());
    let range = rig.settings.uid_first..rig.settings.uid_first + rig.settings.uid_count;
    assert!(users.iter().all(|user| range.contains(user) && *user != 0), "{users:?}");
}

fn leaks() {
    let file = std::fs::File::open("/etc/passwd").expect("a file");
    // Without CLOEXEC: as a careless library would open it.
    let _leaked = rustix::io::dup(&file).expect("a descriptor that is inherited");
    let rig = Rig::new();
    let mut plan = python("import os\nprint(sorted(map(int, os.listdir('/proc/self/fd'))))");
    plan.listeners = vec![(Ipv4Addr::LOCALHOST, 9001)].into_iter().map(at).collect();
    plan.sockets = 4;
    // The fourth is the directory that is being listed.
    assert_eq!(rig.run(plan).1, "[0, 1, 2, 3]\n");
}

fn at((address, port): (Ipv4Addr, u16)) -> std::net::SocketAddrV4 {
    std::net::SocketAddrV4::new(address, port)
}

fn cores() {
    let said = Rig::new().python(
        "
import os, resource
if os.fork() == 0: os.abort()
print(os.WTERMSIG(os.wait()[1]), os.listdir('/tmp'), resource.getrlimit(resource.RLIMIT_CORE))
",
    );
    assert_eq!(said, "6 [] (1, 1)\n");
}

fn sockets() {
    let rig = Rig::new();
    let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a listener");
    let port = tcp.local_addr().expect("an address").port();
    let name = format!("jail-tests-{port}");
    let address = SocketAddr::from_abstract_name(&name).expect("a name");
    let _abstract = UnixListener::bind_addr(&address).expect("a listener");
    let script = format!(
        "
import errno, os, socket
def tried(family, address):
    try:
        s = socket.socket(family)
        s.settimeout(5)
        s.connect(address)
        return 'connected'
    except OSError as error: return errno.errorcode.get(error.errno, str(error))
print(tried(socket.AF_INET, ('127.0.0.1', {port})), tried(socket.AF_UNIX, '\\0{name}'))
print(tried(socket.AF_INET, ('169.254.169.254', 80)), tried(socket.AF_INET, ('1.1.1.1', 443)))
print(tried(socket.AF_INET6, ('fd00:ec2::254', 80)))
try: socket.getaddrinfo('example.com', 80); print('found')
except OSError: print('no names')
print([name for _, name in socket.if_nameindex()])
"
    );
    assert_eq!(
        rig.python(&script),
        "ECONNREFUSED ECONNREFUSED\nENETUNREACH ENETUNREACH\nENETUNREACH\nno names\n['lo']\n"
    );
}

fn neighbours() {
    let rig = Rig::new();
    let script = "
import socket, sys
tcp = socket.create_server(('127.0.0.1', 8080))
name = socket.socket(socket.AF_UNIX); name.bind('\\0name'); name.listen()
open('/dev/shm/x', 'w').close()
print('ready', flush=True)
sys.stdin.read()
";
    let mut one = rig.jail(python(script)).expect("a jail");
    let stdout = one.stdout.as_mut().expect("output");
    rig.wait(async { stdout.read_exact(&mut [0; 6]).await.expect("ready") });
    let said = rig.python(
        "
import os, socket, signal
for family, address in (socket.AF_INET, ('127.0.0.1', 8080)), (socket.AF_UNIX, '\\0name'):
    try: socket.socket(family).connect(address); print(address)
    except ConnectionRefusedError: pass
print(os.listdir('/dev/shm'), os.listdir('/tmp'))
for pid in range(2, 300):
    try: os.kill(pid, signal.SIGKILL); print(pid)
    except ProcessLookupError: pass
",
    );
    assert_eq!(said, "[] []\n");
}

fn ignores() {
    let rig = Rig::new();
    let marker = format!("# {}", rig.settings.tag);
    let script = format!(
        "import os, signal\nsignal.signal(signal.SIGTERM, lambda *_: os.write(1, b'heard\\n'))\n\
         print('ready', flush=True)\nwhile True: signal.pause() {marker}"
    );
    let mut jail = rig.jail(python(&script)).expect("a jail");
    let mut stdout = jail.stdout.take().expect("output");
    rig.wait(async { stdout.read_exact(&mut [0; 6]).await.expect("ready") });
    jail.terminate().expect("asked");
    rig.wait(async { stdout.read_exact(&mut [0; 6]).await.expect("heard") });
    jail.kill();
    assert_eq!(rig.wait(jail.ended()).signal, Some(libc::SIGKILL));
    assert_eq!(processes(&marker), []);
}

fn many() {
    let rig = Rig::new();
    let marker = format!("# {}", rig.settings.tag);
    let script = format!(
        "import os, signal\nfor _ in range(20):\n\
         \x20if os.fork() == 0:\n\
         \x20 os.setsid()\n\
         \x20 while True: signal.pause()\n\
         print('ready', flush=True)\nsignal.pause() {marker}"
    );
    let mut jail = rig.jail(python(&script)).expect("a jail");
    let stdout = jail.stdout.as_mut().expect("output");
    rig.wait(async { stdout.read_exact(&mut [0; 6]).await.expect("ready") });
    assert_eq!(processes(&marker).len(), 21);
    jail.kill();
    rig.wait(jail.ended());
    assert_eq!(processes(&marker), []);
    // And when nobody says so, but drops it.
    let jail = rig.jail(python(&script)).expect("a jail");
    drop(jail);
    rig.until("no process is left", || processes(&marker).is_empty());
}

fn quota() {
    let rig = Rig::new();
    let _jail = rig.jail(with(WAITS, |ceilings| ceilings.cpu_milli = 200)).expect("a jail");
    let quotas: Vec<String> = rig
        .groups()
        .iter()
        .filter_map(|group| std::fs::read_to_string(group.join("jail-0/cpu.cfs_quota_us")).ok())
        .collect();
    assert_eq!(quotas, ["20000\n"], "{:?}", current());
}
