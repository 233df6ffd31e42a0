//! Caps through the real binary: refusals over HTTP, restarts and power cuts, lifting, observing,
//! proposals, and what is refused before anything starts.

use crate::rig::{Node, PATIENCE, Reply, casemate, example};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// What a day's cap counts begins anew at midnight of UTC, so no test runs over it.
fn not_over_midnight() {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock");
    let left = 86_400 - now.as_secs() % 86_400;
    if left < 2 * PATIENCE.as_secs() {
        std::thread::sleep(Duration::from_secs(left));
    }
}

/// A node's directory with a configuration and an application of one function, `hello`, whose
/// answers wait until their records are on disk.
struct Site {
    dir: tempfile::TempDir,
}

impl Site {
    fn new(configuration: &str) -> Self {
        not_over_midnight();
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::write(dir.path().join("casemate.conf"), configuration).expect("written");
        std::fs::copy(example("hello"), dir.path().join("hello.wasm")).expect("copied");
        let site = Self { dir };
        site.manifest("");
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes the manifest with these caps.
    fn manifest(&self, caps: &str) {
        let text = format!(
            "manifest = 1\napplication = \"shop\"\n\n[[function]]\nname = \"hello\"\nsource = \"hello.wasm\"\nrecord = \"strict\"\n\n\
             [[function.http]]\nroute = \"GET /hello/{{*rest}}\"\nauth = [\"public\", \"token\"]\n\n{caps}"
        );
        std::fs::write(self.path("casemate.toml"), text).expect("written");
    }

    fn start(&self) -> Node {
        let configuration = self.path("casemate.conf");
        Node::start_on(&self.path("home"), &["--config", text(&configuration)])
    }

    /// A node with the application, open to everybody.
    fn open(&self, caps: &str) -> Node {
        let node = self.start();
        self.manifest(caps);
        node.ok(&["deploy", text(&self.path("casemate.toml")), "--grant"]);
        node
    }

    fn check(&self) -> (bool, String) {
        let output = casemate().arg("check").arg(self.dir.path()).output().expect("runs");
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

/// Calls so often, and says how many were answered; the others get the code of a cap.
fn answered(node: &Node, calls: usize, token: Option<&str>) -> usize {
    let replies = (0..calls).map(|_| node.get("/hello/world", token));
    let admitted = |reply: &Reply| match reply.status {
        200 => true,
        429 => {
            assert_eq!(reply.code(), "E1010", "{reply:?}");
            let wait = reply.header("retry-after").and_then(|wait| wait.parse::<u64>().ok());
            assert!(wait.is_some_and(|wait| (1..=86_400).contains(&wait)), "{reply:?}");
            let said = reply.text();
            assert!(!said.contains("manifest") && !said.contains("invocations"), "{said}");
            false
        }
        _ => panic!("{reply:?}"),
    };
    replies.filter(admitted).count()
}

fn cap(node: &Node, of: &str) -> Value {
    let caps = node.json(&["budget"]);
    let items = caps["items"].as_array().expect("a list");
    items.iter().find(|cap| cap["of"] == of).unwrap_or_else(|| panic!("{caps}")).clone()
}

#[test]
fn a_cap_holds_over_a_restart_and_over_a_power_cut() {
    let site = Site::new("[[cap]]\nof = \"tenant\"\nper = \"day\"\ninvocations = 8\n");
    let mut node = site.open("[[function.cap]]\nper = \"day\"\ninvocations = 5\n");
    assert_eq!(answered(&node, 2, None), 2);
    assert_eq!(node.stop(), Some(0));
    let node = site.start();
    assert_eq!(cap(&node, "function")["used"], 2);
    assert_eq!(answered(&node, 1, None), 1);
    drop(node.kill());
    let node = site.start();
    assert_eq!(cap(&node, "function")["used"], 3, "from the records");
    assert_eq!(answered(&node, 6, None), 2);
    assert_eq!(cap(&node, "tenant")["used"], 5, "what was refused counts for nobody");
    assert_eq!(cap(&node, "function")["refused"], 4);
    let records = node.json(&["records", "--outcome", "budget"]);
    assert_eq!(records["items"].as_array().map(Vec::len), Some(1), "one for all: {records}");
    let reason = records["items"][0]["reason"].as_str().expect("a reason").to_owned();
    assert!(reason.contains("cap of 5 invocations per day of function hello"), "{reason}");
    // The operator sees why at once.
    let (_, said) = node.fails(&["invoke", "hello", "--path", "/hello/x"]);
    assert!(said.contains("E1010") && said.contains("cap of 5 invocations"), "{said}");
}

#[test]
fn the_operator_lifts_a_cap_and_the_ledger_says_so() {
    let site = Site::new("");
    let node = site.open("[[function.cap]]\nper = \"day\"\ninvocations = 1\n");
    assert_eq!(answered(&node, 3, None), 1);
    let (_, said) = node.fails(&["budget", "lift", "function", "helo"]);
    assert!(said.contains("E1013"), "{said}");
    let said = node.ok(&["budget", "lift", "function", "hello"]);
    assert!(said.starts_with("lifted the caps per day of function hello until "), "{said}");
    assert_eq!(answered(&node, 3, None), 3);
    assert_eq!(cap(&node, "function")["lifted"], true);
    let ledger = node.ok(&["ledger", "show"]);
    assert!(ledger.contains("lift the caps of function hello until "), "{ledger}");
    // Also after a power cut.
    drop(node.kill());
    let node = site.start();
    assert_eq!(answered(&node, 3, None), 3);
}

#[test]
fn strangers_share_a_cap_that_callers_have_each() {
    let site =
        Site::new("[[cap]]\nof = \"caller\"\nname = \"hello\"\nper = \"day\"\ninvocations = 2\n");
    let node = site.open("");
    let token = |name| node.ok(&["token", "create", name, "--invoke", "hello"]).trim().to_owned();
    let (one, other) = (token("one"), token("other"));
    assert_eq!(answered(&node, 5, None), 2);
    assert_eq!(answered(&node, 5, Some(&one)), 2);
    assert_eq!(answered(&node, 5, Some(&other)), 2);
    let shown = node.ok(&["budget"]);
    for caller in ["others of hello", "token:one of hello", "token:other of hello"] {
        assert!(shown.contains(caller), "{shown}");
    }
}

#[test]
fn observing_refuses_nothing_and_records_say_what_it_would_have() {
    let site = Site::new("");
    let caps = "[[function.cap]]\nper = \"day\"\nmode = \"observe\"\ninvocations = 1\n";
    let node = site.open(caps);
    assert_eq!(answered(&node, 3, None), 3);
    let cap = cap(&node, "function");
    assert_eq!((&cap["observed"], &cap["refused"]), (&Value::from(2), &Value::from(0)));
    let records = node.records(3);
    let noted = records.iter().filter(|record| {
        let reason = record["reason"].as_str().unwrap_or_default();
        record["outcome"] == "ok" && reason.contains("observed cap of 1 invocations per day")
    });
    assert_eq!(noted.count(), 2, "{records:?}");
}

#[test]
fn what_is_proposed_from_records_is_a_part_of_a_manifest_as_it_is() {
    let site = Site::new("");
    let node = site.open("");
    assert_eq!(answered(&node, 10, None), 10);
    node.records(10);
    let proposed = node.ok(&["budget", "propose", "--function", "hello", "--since", "7d"]);
    assert!(proposed.contains("[[function.cap]]\nper = \"day\"\ninvocations = 15\n"), "{proposed}");
    site.manifest(&proposed);
    let (fits, said) = site.check();
    assert!(fits, "{said}\n{proposed}");
    node.ok(&["deploy", text(&site.path("casemate.toml"))]);
    // A cap that is new counts from now on. What is measured may be more on a busier machine.
    let admitted = answered(&node, 20, None);
    assert!((1..=15).contains(&admitted), "{admitted}");
    let json = node.json(&["budget", "propose"]);
    assert_eq!(json["items"][0]["caps"][0]["per"], "day", "{json}");
    let observing = node.ok(&["budget", "propose", "--observe"]);
    assert!(observing.contains("mode = \"observe\""), "{observing}");
    let nothing = node.run(&["budget", "propose", "--function", "nobody"]);
    assert!(nothing.status.success() && nothing.stdout.is_empty());
}

#[test]
fn caps_that_mean_nothing_are_refused_before_anything_happens() {
    let site = Site::new("");
    for (cap, code, says) in [
        ("per = \"day\"", "E0104", "caps nothing"),
        ("invocations = 1", "E0104", "per"),
        ("per = \"week\"\ninvocations = 1", "E0104", "week"),
        ("per = \"day\"\ninvocations = 0", "E0104", "above zero"),
        ("per = \"day\"\ninvocations = -1", "E0104", "-1"),
        ("per = \"day\"\ninvocations = 9000000000000000000", "E0104", "more than any node"),
        ("per = \"day\"\ncpu = \"3 parsecs\"", "E0104", "parsecs"),
        ("per = \"day\"\nmemory_time = \"3GB\"", "E0104", "GiB-s"),
        ("per = \"day\"\nmoney = \"lots\"", "E0104", "2.50 EUR"),
        ("per = \"day\"\nof = \"tenant\"\ninvocations = 1", "E0104", "tenant"),
        ("per = \"day\"\ninvocation = 1", "E0103", "invocations"),
    ] {
        site.manifest(&format!("[[function.cap]]\n{cap}\n"));
        let (fits, said) = site.check();
        assert!(!fits && said.contains(code) && said.contains(says), "{cap}: {said}");
        assert!(said.contains("casemate.toml:"), "{cap} names a line: {said}");
    }
    for (cap, says) in [
        ("per = \"day\"", "caps nothing"),
        ("per = \"day\"\nunits = 0", "`units`"),
        ("per = \"day\"\nmoney = \"1 EUR\"", "`[price]`"),
        ("per = \"day\"\nof = \"somebody\"\ncpu = \"1h\"", "somebody"),
        ("per = \"day\"\ncpus = \"1h\"", "did you mean `cpu`?"),
    ] {
        let site = Site::new(&format!("[[cap]]\n{cap}\n"));
        let configuration = site.path("casemate.conf");
        let said = Node::try_start_on(&site.path("home"), &["--config", text(&configuration)]);
        let said = said.err().unwrap_or_else(|| panic!("{cap}: the node started"));
        assert!(said.contains("E0603") && said.contains(says), "{cap}: {said}");
    }
    let node = site.start();
    site.manifest("[[function.cap]]\nper = \"day\"\nmoney = \"1 EUR\"\n");
    let (_, said) = node.fails(&["deploy", text(&site.path("casemate.toml"))]);
    assert!(said.contains("E1012"), "{said}");
}
