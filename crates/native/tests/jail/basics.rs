//! What a jail is for: programs run in it, are watched, and get what they were assigned.

use crate::Test;
use crate::modes::{BOTH, EVERYBODY, Mode};
use crate::rig::{PYTHON, Rig, ceilings, plan, python};
use casemate_native::jail::{Assignment, Bind, Ceilings, JailError, Step};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};

pub(crate) const TESTS: &[Test] = &[
    ("a_program_runs_and_its_exit_code_is_known", BOTH, runs),
    ("an_interpreter_runs", BOTH, interprets),
    ("listeners_of_its_network_are_the_nodes", BOTH, listens),
    ("the_node_connects_to_what_listens_in_it", BOTH, connects),
    ("a_started_jail_is_given_code_names_listeners_and_ceilings", BOTH, assigned),
    ("only_the_plans_places_can_be_assigned", BOTH, assigned_elsewhere),
    ("a_frozen_jail_does_nothing_until_it_is_thawed", BOTH, freezes),
    ("a_frozen_jail_can_be_ended", BOTH, killed_frozen),
    ("what_it_used_is_known", BOTH, measured),
    ("the_environment_is_the_plans_alone", BOTH, environment),
    ("standard_streams_are_pipes_that_can_be_opened_again", BOTH, streams),
    ("the_processors_can_be_counted", BOTH, processors),
    ("a_step_that_fails_is_named", BOTH, named),
    ("without_control_groups_jails_are_refused", EVERYBODY, refused),
    ("a_check_from_inside_finds_every_layer", EVERYBODY, checks),
    ("a_check_names_what_is_missing_and_the_flag", &[Mode::Bare], check_refuses),
];

fn runs() {
    let rig = Rig::new();
    let (ended, ..) = rig.run(plan("/bin/true", &[]));
    assert_eq!((ended.code, ended.signal), (Some(0), None));
    let (ended, ..) = rig.run(plan("/bin/false", &[]));
    assert_eq!((ended.code, ended.signal), (Some(1), None));
}

fn interprets() {
    let rig = Rig::new();
    assert!(PYTHON.starts_with("/usr/"));
    let (ended, said, errors) = rig.run(python("print(sum(range(10)))"));
    assert_eq!((ended.code, said.as_str(), errors.as_str()), (Some(0), "45\n", ""));
}

fn listens() {
    let rig = Rig::new();
    let mut plan = python(
        "import socket\n\
         for at in ('127.0.0.1', 9001), ('127.0.0.2', 80):\n\
         \x20print(socket.create_connection(at).recv(9).decode())",
    );
    plan.listeners = vec![
        SocketAddrV4::new(Ipv4Addr::LOCALHOST, 9001),
        SocketAddrV4::new(Ipv4Addr::new(127, 0, 0, 2), 80),
    ];
    let mut jail = rig.jail(plan).expect("a jail");
    let listeners: Vec<TcpListener> = std::mem::take(&mut jail.listeners);
    for (at, listener) in listeners.into_iter().enumerate() {
        rig.wait(async {
            let listener = tokio::net::TcpListener::from_std(listener).expect("not blocking");
            let (mut stream, _) = listener.accept().await.expect("a connection");
            stream.write_all(format!("at {at}").as_bytes()).await.expect("sent");
        });
    }
    assert_eq!(rig.rest(&mut jail).1, "at 0\nat 1\n");
}

fn connects() {
    let rig = Rig::new();
    let mut plan = python(
        "import socket\n\
         server = socket.create_server(('127.0.0.1', 8080))\n\
         print('ready', flush=True)\n\
         for n in range(30):\n\
         \x20server.accept()[0].send(b'%d' % n)",
    );
    plan.sockets = 3;
    let mut jail = rig.jail(plan).expect("a jail");
    let stdout = jail.stdout.as_mut().expect("output");
    rig.wait(async { stdout.read_exact(&mut [0; 6]).await.expect("ready") });
    for number in 0..30 {
        let said = rig.wait(async {
            let socket = jail.socket().await.expect("a socket");
            let socket = tokio::net::TcpSocket::from_std_stream(socket.into());
            let address = (Ipv4Addr::LOCALHOST, 8080).into();
            let mut stream = socket.connect(address).await.expect("a connection");
            let mut said = String::new();
            stream.read_to_string(&mut said).await.expect("read");
            said
        });
        assert_eq!(said, number.to_string());
    }
    assert_eq!(rig.rest(&mut jail).0.code, Some(0));
}

/// Waits for a line, imports what was put there, and says what it finds.
const WAITS: &str = "
import os, socket, sys
before = open('/etc/hosts').read()
assert os.listdir('/var/task') == [] and 'later' not in before
assert os.statvfs('/tmp').f_blocks * os.statvfs('/tmp').f_frsize == 64 << 20
print('ready', flush=True)
sys.stdin.readline()
print(open('/var/task/code').read(), open('/opt/code').read(), socket.gethostbyname('later.example'))
print(socket.create_connection(('127.0.0.1', 5432)).recv(9).decode())
room = os.statvfs('/tmp')
print(room.f_blocks * room.f_frsize, room.f_files)
try: open('/var/task/code', 'w')
except OSError as error: print(error.errno)
";

fn assigned() {
    let rig = Rig::new();
    let code = tempfile::tempdir().expect("a directory");
    crate::rig::readable(code.path());
    std::fs::write(code.path().join("code"), "the code").expect("written");
    let mut jail = rig.jail(python(WAITS)).expect("a jail");
    let mut lines = BufReader::new(jail.stdout.take().expect("output")).lines();
    let mut line = || rig.wait(lines.next_line()).expect("text").expect("a line");
    assert_eq!(line(), "ready");
    let ceilings = Ceilings { scratch_bytes: 1 << 20, scratch_files: 99, ..ceilings() };
    let assignment = Assignment {
        // Below a directory at the top, and at the top itself.
        binds: ["/var/task", "/opt"]
            .map(|target| Bind { source: code.path().into(), target: target.into() })
            .to_vec(),
        hosts: Some(vec![(Ipv4Addr::new(127, 0, 1, 7), "later.example".to_owned())]),
        listeners: vec![SocketAddrV4::new(Ipv4Addr::LOCALHOST, 5432)],
        ceilings: Some(ceilings),
    };
    let listeners = rig.wait(jail.assign(&assignment)).expect("assigned");
    let stdin = jail.stdin.as_mut().expect("input");
    rig.wait(stdin.write_all(b"go\n")).expect("told");
    let [listener] = listeners.try_into().expect("one listener");
    rig.wait(async {
        let listener = tokio::net::TcpListener::from_std(listener).expect("not blocking");
        listener.accept().await.expect("connected").0.write_all(b"hello").await.expect("sent");
    });
    assert_eq!(line(), "the code the code 127.0.1.7");
    assert_eq!(line(), "hello");
    assert_eq!(line(), format!("{} 99", 1 << 20));
    assert_eq!(line(), libc::EROFS.to_string());
    assert_eq!(rig.wait(jail.ended()).code, Some(0));
}

fn assigned_elsewhere() {
    let rig = Rig::new();
    let jail = rig.jail(python("import sys; sys.stdin.read()")).expect("a jail");
    for target in ["/etc", "/tmp", "/var/task/../../etc"] {
        let binds = vec![Bind { source: "/usr".into(), target: target.into() }];
        let assigned = rig.wait(jail.assign(&Assignment { binds, ..Assignment::default() }));
        let Err(JailError::Failed(failure)) = assigned else { panic!("it was assigned") };
        assert_eq!(failure.step, Step::Mount);
    }
}

const ECHO: &str = "
import sys
for line in sys.stdin: print(line.strip(), flush=True)
";

fn freezes() {
    let rig = Rig::new();
    let mut jail = rig.jail(python(ECHO)).expect("a jail");
    let mut stdin = jail.stdin.take().expect("input");
    let mut lines = BufReader::new(jail.stdout.take().expect("output")).lines();
    rig.wait(stdin.write_all(b"one\n")).expect("sent");
    assert_eq!(rig.wait(lines.next_line()).expect("text").as_deref(), Some("one"));
    jail.freeze().expect("frozen");
    rig.wait(stdin.write_all(b"two\n")).expect("sent");
    let early = rig.runtime.block_on(async {
        tokio::time::timeout(Duration::from_millis(300), lines.next_line()).await
    });
    assert!(early.is_err(), "a frozen program has answered");
    jail.thaw().expect("thawed");
    assert_eq!(rig.wait(lines.next_line()).expect("text").as_deref(), Some("two"));
}

fn killed_frozen() {
    let rig = Rig::new();
    let jail = rig.jail(python(ECHO)).expect("a jail");
    jail.freeze().expect("frozen");
    jail.kill();
    assert_eq!(rig.wait(jail.ended()).signal, Some(libc::SIGKILL));
}

fn measured() {
    let rig = Rig::new();
    let (ended, ..) = rig.run(python("x = bytearray(48 << 20); sum(range(3000000))"));
    assert_eq!(ended.code, Some(0));
    assert!(ended.usage.cpu_us > 1000, "{ended:?}");
    assert!(ended.usage.memory_peak_bytes > 48 << 20, "{ended:?}");
    assert!(!ended.out_of_memory);
    let jail = rig.jail(python(ECHO)).expect("a jail");
    rig.wait(async {
        while jail.usage().cpu_us == 0 || jail.usage().memory_peak_bytes == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
}

fn environment() {
    let rig = Rig::new();
    let mut plan = plan("/usr/bin/env", &[]);
    plan.environment = vec![("ONLY".to_owned(), "this one".to_owned())];
    assert_eq!(rig.run(plan).1, "ONLY=this one\n");
}

fn streams() {
    let rig = Rig::new();
    let said = rig.python(
        "import os\n\
         for fd in 0, 1, 2: assert os.readlink(f'/proc/self/fd/{fd}').startswith('pipe:')\n\
         open('/dev/stdout', 'w').write('again')",
    );
    assert_eq!(said, "again");
}

fn processors() {
    let rig = Rig::new();
    let said = rig.python(
        "import os\n\
         assert os.cpu_count() >= 1 and 'processor' in open('/proc/cpuinfo').read()\n\
         assert open('/proc/stat').read().startswith('cpu') and open('/proc/meminfo').read()\n\
         print('counted')",
    );
    assert_eq!(said, "counted\n");
}

fn named() {
    let rig = Rig::new();
    let check = |expect: Step, what: &str, change: &dyn Fn(&mut casemate_native::jail::Plan)| {
        let mut plan = plan("/bin/true", &[]);
        change(&mut plan);
        let Err(JailError::Failed(failure)) = rig.jail(plan) else { panic!("{expect:?}") };
        assert_eq!((failure.step, failure.what.as_str()), (expect, what), "{failure}");
    };
    check(Step::Exec, "/nowhere", &|plan| plan.program = "/nowhere".into());
    check(Step::Chdir, "/nowhere", &|plan| plan.directory = "/nowhere".into());
    // What a process has open, and not what lies in its jail.
    let root = "/proc/self/root/tmp";
    check(Step::Chdir, root, &|plan| plan.directory = root.into());
    check(Step::Tree, "/nowhere", &|plan| plan.binds[0].source = "/nowhere".into());
    check(Step::Plan, "/../etc", &|plan| plan.places.push("/../etc".into()));
    check(Step::Plan, "tmp", &|plan| plan.places.push("tmp".into()));
    let twice = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 9001);
    check(Step::Listener, "", &|plan| plan.listeners = vec![twice, twice]);
    // And the launcher makes the next one.
    assert_eq!(rig.run(plan("/bin/true", &[])).0.code, Some(0));
}

fn refused() {
    let bare = crate::modes::current() == Mode::Bare;
    let rig = Rig::bare();
    match rig.jail(plan("/bin/true", &[])) {
        Err(JailError::Failed(failure)) => {
            assert!(bare);
            assert_eq!(failure.step, Step::MemoryLimit);
        }
        Err(error) => panic!("{error}"),
        Ok(_) => assert!(!bare),
    }
}

fn checks() {
    let rig = Rig::new();
    let executable = std::env::current_exe().expect("this executable");
    let report = rig
        .wait(casemate_native::check(&rig.launcher, rig.settings.danger, &executable))
        .expect("every layer holds");
    assert_eq!(report.missing().collect::<Vec<_>>(), Vec::<&str>::new());
    let bare = crate::modes::current() == Mode::Bare;
    assert_eq!(report.layers.len(), if bare { 11 } else { 12 });
    assert_eq!(report.danger.flags().len(), usize::from(bare));
}

fn check_refuses() {
    let rig = Rig::bare();
    let executable = std::env::current_exe().expect("this executable");
    let checked = rig.wait(casemate_native::check(&rig.launcher, rig.settings.danger, &executable));
    let problem = checked.expect_err("no control groups");
    assert_eq!(problem.code.to_string(), "E1302");
    assert_eq!(problem.hint.as_deref(), Some("casemate up --danger-no-memory-limit"));
}
