//! What the parent sees of them.

use casemate_process::ChildProcesses;
use ports::child::{ChildLimits, Children as _, Companion, Companions as _, Error, Job, Living};
use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::net::UnixStream;

type Test = fn();

/// Every test of this executable.
pub(crate) const TESTS: &[(&str, Test)] = &[
    ("a_job_reads_its_input_and_writes_its_output", copies),
    ("a_refusal_arrives_cut_and_without_control_characters", refuses),
    ("cpu_time_is_limited", spins),
    ("wall_time_is_limited", sleeps),
    ("memory_is_limited", grows),
    ("output_is_limited", floods),
    ("a_crash_is_told_from_a_refusal", panics),
    ("threads_and_hashing_work_under_the_filter", threads),
    ("a_child_without_orders_or_parent_does_nothing", unordered),
    ("dropping_the_future_kills_the_child", dropped),
    ("a_child_cannot_get_out", probes),
    ("a_process_that_runs_guests_cannot_get_out", guest_probes),
    ("a_companion_talks_until_its_socket_closes", companion),
    ("a_companion_says_why_it_cannot_begin", hopeless),
    ("a_companion_that_is_dropped_is_killed", forsaken),
    ("an_executable_that_is_not_there_is_an_io_error", missing),
];

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("runtime").block_on(future)
}

fn children() -> ChildProcesses {
    ChildProcesses::new(std::env::current_exe().expect("this executable"))
}

const LIMITS: ChildLimits =
    ChildLimits { memory_bytes: 1 << 30, cpu_s: 20, wall_ms: 60_000, output_bytes: 1 << 20 };

/// Runs a job; gives its verdict and its output.
fn job(name: &'static str, input: &[u8], limits: ChildLimits) -> (Result<(), Error>, Vec<u8>) {
    let mut given = tempfile::tempfile().expect("input");
    given.write_all(input).expect("write");
    given.rewind().expect("rewind");
    let mut output = tempfile::tempfile().expect("output");
    let childs = output.try_clone().expect("clone");
    let verdict = run(children().run(Job { name, input: given, output: childs, limits }));
    let mut bytes = Vec::new();
    output.rewind().expect("rewind");
    output.read_to_end(&mut bytes).expect("read");
    (verdict, bytes)
}

fn said(verdict: Result<(), Error>) -> String {
    verdict.expect_err("the job fails").to_string()
}

fn copies() {
    let input = vec![7; 300_000];
    let (verdict, output) = job("copy", &input, LIMITS);
    verdict.expect("done");
    assert!(output == input);
}

fn refuses() {
    let (verdict, _) = job("refuse", b"", LIMITS);
    assert!(matches!(verdict, Err(Error::Refused(_))));
    let said = said(verdict);
    assert!(said.starts_with("no  [31mgood x") && said.len() <= 4096, "{said}");
}

fn spins() {
    let (verdict, _) = job("spin", b"", ChildLimits { cpu_s: 1, ..LIMITS });
    assert_eq!(said(verdict), "the child passed its limit of CPU time");
}

fn sleeps() {
    let (verdict, _) = job("sleep", b"", ChildLimits { wall_ms: 300, ..LIMITS });
    assert_eq!(said(verdict), "the child passed its limit of wall time");
}

fn grows() {
    let (verdict, _) = job("grow", b"", ChildLimits { memory_bytes: 256 << 20, ..LIMITS });
    assert_eq!(said(verdict), "the child passed its limit of memory");
}

fn floods() {
    let (verdict, output) = job("flood", b"", ChildLimits { output_bytes: 100_000, ..LIMITS });
    assert_eq!(said(verdict), "the child passed its limit of output size");
    assert!(output.len() <= 100_000);
}

fn panics() {
    let (verdict, _) = job("panic", b"", LIMITS);
    let said = said(verdict);
    assert!(said.contains("101") && said.contains("a panic on purpose"), "{said}");
}

fn threads() {
    let (verdict, output) = job("threads", b"", LIMITS);
    verdict.expect("done");
    assert_eq!(output, b"eight");
}

fn unordered() {
    for name in ["unordered", "orphan"] {
        let (verdict, output) = job(name, b"", LIMITS);
        assert!(matches!(verdict, Err(Error::Io(_))), "{name}");
        assert_eq!(output, b"");
    }
}

fn dropped() {
    run(async {
        let input = File::open("/dev/null").expect("input");
        let (reader, writer) = std::io::pipe().expect("pipe");
        // The child holds the writing end as its output; the reader ends when it is dead.
        let output = File::from(std::os::fd::OwnedFd::from(writer));
        let children = children();
        let mut running = children.run(Job { name: "sleep", input, output, limits: LIMITS });
        let first = std::future::poll_fn(|cx| std::task::Poll::Ready(running.as_mut().poll(cx)));
        assert!(first.await.is_pending());
        drop(running);
        let ended = tokio::task::spawn_blocking(move || {
            let mut reader = reader;
            reader.read_to_end(&mut Vec::new())
        });
        assert_eq!(ended.await.expect("joined").expect("read"), 0);
    });
}

fn probes() {
    let scratch = tempfile::tempfile().expect("scratch");
    let report = run(children().probe(scratch)).expect("a report");
    assert!(report.tries.len() >= 10);
    for one in &report.tries {
        assert!(one.refused, "{}", one.what);
    }
    assert!(report.holds());
    assert!(report.layers.limits && report.layers.privileges);
}

fn guest_probes() {
    // One that is inherited by mistake, as from a shell: it must be worth nothing.
    let stray = tempfile::tempfile().expect("a file");
    rustix::io::fcntl_setfd(&stray, rustix::io::FdFlags::empty()).expect("inheritable");
    let report = run(children().probe_guests()).expect("a report");
    assert!(report.tries.len() >= 10);
    for one in &report.tries {
        assert!(one.refused, "{}", one.what);
    }
    assert!(report.holds());
    assert!(report.layers.limits && report.layers.privileges);
}

/// Starts a companion that is called `name`, and gives our end of its socket.
fn started(name: &'static str) -> (UnixStream, Box<dyn Living>) {
    let (own, childs) = UnixStream::pair().expect("sockets");
    let companion = Companion { name, settings: "hello".to_owned(), socket: childs.into() };
    (own, children().start(companion).expect("started"))
}

fn companion() {
    run(async {
        let (mut own, mut child) = started("echo");
        own.write_all(b", you").expect("sent");
        let mut said = [0; 10];
        own.read_exact(&mut said).expect("said");
        assert_eq!(&said, b"hello, you");
        drop(own);
        assert_eq!(child.ended().await, "exit status: 0");
    });
}

fn hopeless() {
    run(async {
        let (_own, mut child) = started("hopeless");
        let end = child.ended().await;
        assert!(end.ends_with("no room"), "{end}");
    });
}

fn forsaken() {
    run(async {
        let (mut own, child) = started("echo");
        let mut said = [0; 5];
        own.read_exact(&mut said).expect("said");
        drop(child);
        assert_eq!(own.read(&mut said).expect("the end"), 0);
    });
}

fn missing() {
    let children = ChildProcesses::new("/nonexistent/casemate".into());
    let scratch = tempfile::tempfile().expect("scratch");
    assert!(matches!(run(children.probe(scratch)), Err(Error::Io(_))));
}
