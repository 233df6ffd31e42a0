//! What bad functions do, what their callers get, and what becomes of everybody else: nothing.

use super::place::{Place, Who, function, handler, server};

/// A place with functions that do what they are told.
fn open(who: Who) -> Place {
    let place = Place::open(who);
    place.write("app/bad.py", include_str!("bad.py"));
    place.write("app/bad_server.py", include_str!("bad_server.py"));
    let modules = [
        ("leaves.py", "import os\nos._exit(3)\n"),
        ("raises.py", "import no_such_module\n"),
        ("sleeps.py", "import time\ntime.sleep(100000)\n"),
        ("empty.py", ""),
        ("deaf.py", "import time\ntime.sleep(100000)\n"),
    ];
    for (name, text) in modules {
        place.write(&format!("app/{name}"), text);
    }
    let small = "memory = \"96MiB\"\ntimeout = \"30s\"";
    let tight = format!("{}processes = 32\nscratch = \"16MiB\"", handler("bad.handler"));
    let functions = [
        function("good", "", &handler("bad.handler")),
        function("bad", small, &tight),
        function("slow", "timeout = \"1s\"", &handler("bad.handler")),
        function("busy", "cpu = \"1s\"", &handler("bad.handler")),
        function("server", "timeout = \"3s\"", &server("bad_server.py")),
        function("leaves", "", &handler("leaves.handler")),
        function("raises", "", &handler("raises.handler")),
        function("nobody", "", &handler("nowhere.handler")),
        function("nothing", "", &handler("empty.handler")),
        function("sleeps", "", &format!("{}start = \"1s\"", handler("sleeps.handler"))),
        function("deaf", "", &format!("{}start = \"1s\"", server("deaf.py"))),
    ];
    place.deploy(&functions.concat());
    place
}

/// What the caller gets, and what the record says.
struct Expected {
    path: &'static str,
    status: u16,
    code: &'static str,
    outcome: &'static str,
    reason: &'static str,
}

const fn expect(
    path: &'static str,
    (status, code): (u16, &'static str),
    (outcome, reason): (&'static str, &'static str),
) -> Expected {
    Expected { path, status, code, outcome, reason }
}

/// Another function, which must not notice anything: the same process counts on.
struct Good {
    count: u64,
}

impl Good {
    fn is_well(&mut self, place: &Place, after: &str) {
        let said = place.json("/good/fine");
        self.count += 1;
        assert_eq!(said["count"], self.count, "after {after}");
    }
}

fn holds(place: &Place, expected: &Expected) {
    let Expected { path, status, code, outcome, reason } = *expected;
    let reply = place.get(path);
    let record = place.node.ended(&reply);
    let got = (reply.status, reply.code(), record["outcome"].as_str().unwrap_or_default());
    assert_eq!(got, (status, code.to_owned(), outcome), "{path}: {record}");
    let why = record["reason"].as_str().unwrap_or_default();
    assert!(why.contains(reason), "{path}: {record}");
    assert!(!reply.text().contains(reason) || reason.is_empty(), "{path}: {}", reply.text());
}

fn each_has_its_end(who: Who) {
    let place = open(who);
    let mut good = Good { count: 0 };
    let table = [
        expect("/leaves/x", (502, "E0401"), ("trapped", "exit status 3")),
        expect("/raises/x", (502, "E0410"), ("guest_error", "No module named 'no_such_module'")),
        expect("/nobody/x", (502, "E0410"), ("guest_error", "Unable to import module 'nowhere'")),
        expect(
            "/nothing/x",
            (502, "E0410"),
            ("guest_error", "'handler' missing on module 'empty'"),
        ),
        expect("/sleeps/x", (502, "E0405"), ("guest_error", "not ready after 1000 ms")),
        expect("/deaf/x", (502, "E0405"), ("guest_error", "did not listen on port 8080")),
        expect("/bad/leaves", (502, "E0401"), ("trapped", "exit status 3")),
        expect("/bad/dies", (502, "E0401"), ("trapped", "signal")),
        expect("/bad/raises", (502, "E0410"), ("guest_error", "said by the function")),
        expect("/bad/hoards", (507, "E0404"), ("memory", "used up the function's memory")),
        expect("/slow/sleeps", (504, "E0403"), ("timeout", "")),
        expect("/busy/spins", (504, "E0402"), ("cpu", "1000 ms")),
        expect("/server/garbage", (502, "E0406"), ("guest_error", "")),
        expect("/server/closes", (502, "E0405"), ("guest_error", "")),
        expect("/server/status", (502, "E0406"), ("guest_error", "")),
        expect("/server/split", (502, "E0406"), ("guest_error", "")),
        expect("/server/lengths", (502, "E0406"), ("guest_error", "")),
        expect("/server/early", (502, "E0406"), ("guest_error", "")),
        expect("/server/endless", (502, "E0406"), ("guest_error", "")),
        expect("/server/leaves", (502, "E0401"), ("trapped", "exit status 4")),
        expect("/server/silent", (504, "E0403"), ("timeout", "")),
    ];
    good.is_well(&place, "the start");
    for expected in &table {
        holds(&place, expected);
        good.is_well(&place, expected.path);
    }
    // What was used is counted, also where nobody waited for the end.
    let spins = place.get("/slow/spins");
    let record = place.node.ended(&spins);
    assert_eq!((spins.code().as_str(), &record["outcome"]), ("E0403", &"timeout".into()));
    assert!(record["cpu_us"].as_u64() > Some(50_000), "{record}");
    // Those that could do better do.
    for path in ["/bad/fine", "/slow/fine", "/busy/fine"] {
        assert_eq!(place.json(path)["count"], 1, "{path}: its process is a new one");
    }
    assert_eq!(place.get("/server/fine").text(), "fine");
}

#[test]
fn each_bad_function_has_its_end_and_no_other_notices() {
    each_has_its_end(Who::Root);
}

#[test]
fn each_bad_function_of_an_ordinary_user_has_its_end_and_no_other_notices() {
    each_has_its_end(Who::User);
}

/// An answer that breaks off, and one too many.
#[test]
fn half_an_answer_looks_like_half_and_a_second_reaches_nobody() {
    let place = open(Who::Root);
    let half = place.get("/server/half");
    let record = place.node.ended(&half);
    assert!(half.text() == "about" && half.header("content-length") == Some("1000"), "{half:?}");
    assert_eq!(record["outcome"], "guest_error", "{record}");
    for _ in 0..3 {
        assert_eq!(place.get("/server/twice").text(), "first");
        assert_eq!(place.get("/server/fine").text(), "fine");
    }
}

fn grabs(who: Who) {
    let place = open(who);
    let mut good = Good { count: 0 };
    let forks = place.json("/bad/forks");
    let children = forks["children"].as_u64().expect("a number");
    assert!((8..32).contains(&children) && forks["error"] == "EAGAIN", "{forks}");
    good.is_well(&place, "forks");
    let fills = place.json("/bad/fills");
    assert_eq!(fills, serde_json::json!({"written": 16 << 20, "error": "ENOSPC"}));
    good.is_well(&place, "fills");
    // Its children are its own: it goes on with them, and they go with it.
    assert_eq!(place.json("/bad/fine")["count"], 3);
    let trace = place.trace();
    assert!(trace.jailed().len() as u64 > children);
    assert_eq!(place.get("/bad/leaves").status, 502);
    super::place::until("its children are gone", || trace.jailed().len() < 8);
}

#[test]
fn a_thousand_children_and_a_full_disk_are_its_own_affair() {
    grabs(Who::Root);
}

#[test]
fn a_thousand_children_and_a_full_disk_are_its_own_affair_for_an_ordinary_user() {
    grabs(Who::User);
}

#[test]
fn a_gigabyte_of_output_is_cut_and_fills_nothing() {
    let place = open(Who::Root);
    let mut good = Good { count: 0 };
    let reply = place.get("/bad/prints");
    good.is_well(&place, "prints");
    let record = place.node.ended(&reply);
    assert_eq!((reply.status, &record["outcome"]), (200, &"ok".into()), "{record}");
    let kept = bytes_below(place.node.home());
    assert!(kept < 256 << 20, "{kept} bytes are kept");
    let lines: usize = place.log(&reply).len();
    assert!(lines < 32 << 20, "{lines} bytes of lines");
    let resident = resident_bytes(place.node.pid());
    assert!(resident < 1 << 30, "the node has {resident} bytes in memory");
}

fn bytes_below(path: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(path).expect("a directory").flatten();
    entries
        .map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => bytes_below(&entry.path()),
            Ok(_) => entry.metadata().map_or(0, |it| it.len()),
            Err(_) => 0,
        })
        .sum()
}

fn resident_bytes(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kibibytes << 10
}

fn spies(who: Who) {
    let place = open(who);
    let home = place.node.home().display().to_string();
    let token = format!("{home}/operator.token");
    let node = format!("/proc/{}/environ", place.node.pid());
    let files = [
        "/etc/shadow",
        "/etc/passwd",
        &token,
        &node,
        "/etc/gshadow",
        "/proc/1/root/etc/shadow",
        "/proc/kcore",
        "/proc/kallsyms",
        "/proc/keys",
        "/sys/kernel/notes",
        "/run/utmp",
        "/dev/mem",
    ];
    let found = place.json(&format!("/bad/reads?paths={}", files.join(",")));
    for path in files {
        let said = found[path].as_str().expect(path);
        let harmless = path == "/etc/passwd" && !said.starts_with('E');
        // Masked files are there and empty.
        let nothing = said.is_empty() || ["ENOENT", "EACCES", "EPERM", "ENOTDIR"].contains(&said);
        assert!(nothing || harmless, "{path}: {said}");
    }
    let processes = found["processes"].as_array().expect("a list");
    assert!(processes.len() <= 2 && processes[0] == 1, "only its own: {found}");
    for (path, said) in found["writes"].as_object().expect("a table") {
        assert!(["EROFS", "EACCES", "EPERM"].contains(&said.as_str().expect(path)), "{found}");
    }
    let status = &found["status"];
    assert!(status["CapEff"] == "0000000000000000" && status["CapBnd"] == "0000000000000000");
    assert!(status["NoNewPrivs"] == "1" && status["Seccomp"] == "2", "{status}");
    let variables = found["environment"].to_string();
    assert!(!variables.contains("CASEMATE"), "{variables}");
    for (name, said) in place.json("/bad/calls").as_object().expect("a table") {
        assert!(said == "EPERM" || said == "ENOSYS", "{name}: {said}");
    }
}

#[test]
fn nothing_of_the_machine_is_seen_and_no_forbidden_call_is_answered() {
    spies(Who::Root);
}

#[test]
fn nothing_of_the_machine_is_seen_under_an_ordinary_user_either() {
    spies(Who::User);
}

fn knocks(who: Who) {
    let place = open(who);
    // Another jail that listens where its server does.
    assert_eq!(place.get("/server/fine").text(), "fine");
    let (gateway, admin) = (place.node.gateway.to_string(), place.node.admin.to_string());
    let places = [
        gateway.as_str(),
        &admin,
        "127.0.0.1:8080",
        "169.254.169.254:80",
        "1.1.1.1:443",
        "10.0.0.1:22",
        "localhost:22",
        "metadata.google.internal:80",
        "example.com:443",
    ];
    let said = place.json(&format!("/bad/connects?places={}", places.join(",")));
    for (place, answer) in said.as_object().expect("a table") {
        let closed = ["ECONNREFUSED", "ENETUNREACH", "EHOSTUNREACH", "EACCES", "unknown"];
        assert!(closed.contains(&answer.as_str().expect("text")), "{place}: {said}");
    }
    assert_eq!(said.as_object().map(|all| all.len()), Some(places.len()), "{said}");
}

#[test]
fn nobody_is_reached_who_was_not_granted() {
    knocks(Who::Root);
}

#[test]
fn nobody_is_reached_under_an_ordinary_user_either() {
    knocks(Who::User);
}
