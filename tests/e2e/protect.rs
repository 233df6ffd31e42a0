//! `casemate protect`: files with sensitive fields, out and back, by the real binary.

use crate::rig::{Node, casemate};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

const ORDERS: &str = "id,card,name,email,note\r\n\
    1,4111111111111111,\"Smith, \"\"Jo\"\"\",jo.smith@example.com,\"two\nlines\"\n\
    2,5555 5555 5555 4444,Zoë,zoe.long@example.org,\n\
    3,,,,4111111111111111 stays: nobody named this column";

const CONTRACT: &str = r#"
[[field]]
at = "csv:card"
class = "pan"
transform = "card"
keep_first = 6
keep_last = 4

[[field]]
at = "csv:name"
class = "name"
transform = "token"

[[field]]
at = "csv:email"
class = "email"
transform = "email"
"#;

/// A directory with the root key of a home that a node made, and files.
struct Desk {
    dir: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let mut node = Node::start();
        let dir = tempfile::tempdir().expect("a directory");
        fs::create_dir(dir.path().join("home")).expect("a home");
        fs::copy(node.home().join("root.key"), dir.path().join("home/root.key")).expect("a key");
        assert_eq!(node.stop(), Some(0));
        let desk = Self { dir };
        desk.write("contract.toml", CONTRACT);
        desk.write("orders.csv", ORDERS);
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("written");
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("text")
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = casemate();
        command.current_dir(self.dir.path()).args(["--home", "home", "protect", "--contract"]);
        command.arg("contract.toml").args(arguments).output().expect("the binary runs")
    }

    fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {said}");
        said
    }

    /// What is said about what must fail.
    fn fails(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(!output.status.success(), "{arguments:?} succeeded");
        String::from_utf8(output.stderr).expect("text")
    }

    fn is_there(&self, name: &str) -> bool {
        Path::exists(&self.path(name))
    }
}

#[test]
fn a_table_is_protected_and_comes_back_byte_for_byte() {
    let desk = Desk::new();
    let said = desk.ok(&["orders.csv", "-o", "safe.csv"]);
    assert!(said.contains("csv:card: 3 values (pan, card)"), "{said}");
    let made = desk.read("safe.csv");
    for shown in ["4111111111111111,", "5555 5555 5555 4444", "Smith", "Zoë", "jo.smith"] {
        assert!(!made.contains(shown), "{shown} in {made}");
    }
    for kept in [
        "id,card,name,email,note\r\n1,411111",
        "1111,\"tok_name_1_",
        "@example.com,\"two\nlines\"\n2,5555 55",
        "3,,,,4111111111111111 stays",
    ] {
        assert!(made.contains(kept), "{kept} in {made}");
    }
    desk.ok(&["safe.csv", "--undo", "-o", "back.csv"]);
    assert_eq!(desk.read("back.csv"), ORDERS);
    let mode =
        std::os::unix::fs::MetadataExt::mode(&fs::metadata(desk.path("back.csv")).expect("there"));
    assert_eq!(mode & 0o777, 0o600, "what came back is its owner's alone");
}

/// Nobody can seal anew what left the house, so the keys for it do not change with a rotation.
#[test]
fn what_was_protected_before_a_rotation_is_equal_and_comes_back_after_it() {
    let desk = Desk::new();
    desk.ok(&["orders.csv", "-o", "safe.csv"]);
    let mut rotate = casemate();
    rotate.current_dir(desk.dir.path()).args(["--home", "home", "key", "rotate"]);
    let rotated = rotate.args(["--root-key-file", "home/root.key"]).output().expect("it runs");
    assert!(rotated.status.success(), "{}", String::from_utf8_lossy(&rotated.stderr));
    assert!(desk.read("home/root.key").contains("\nepoch 2 "));
    desk.ok(&["orders.csv", "-o", "again.csv"]);
    assert_eq!(desk.read("again.csv"), desk.read("safe.csv"));
    desk.ok(&["safe.csv", "--undo", "-o", "back.csv"]);
    assert_eq!(desk.read("back.csv"), ORDERS);
}

#[test]
fn another_tenant_environment_or_key_gets_nothing_back() {
    let desk = Desk::new();
    desk.ok(&["orders.csv", "-o", "safe.csv"]);
    let other = Node::start();
    let key = other.home().join("root.key");
    let key = key.to_str().expect("text");
    for arguments in [&["--tenant", "other"][..], &["--env", "staging"], &["--root-key-file", key]]
    {
        let mut all = vec!["safe.csv", "--undo", "-o", "back.csv"];
        all.extend(arguments);
        let said = desk.fails(&all);
        assert!(said.contains("error[E0305]") || said.contains("error[E0302]"), "{said}");
        assert!(!desk.is_there("back.csv") && !desk.is_there("back.csv.part"), "{arguments:?}");
    }
}

#[test]
fn lines_of_json_and_of_text_go_through_a_pipe() {
    let desk = Desk::new();
    let lines = "{\"pan\": 4111111111111111, \"t\":\"a\\u00e9\",\"who\":[{\"n\":\"Jo \\\"x\\\"\"}]}\n\n{\"pan\":null}\r\n{ }";
    desk.write(
        "contract.toml",
        "[[field]]\nat = \"body:/pan\"\nclass = \"pan\"\ntransform = \"card\"\n\
         [[field]]\nat = \"body:/who/*/n\"\nclass = \"name\"\ntransform = \"token\"\n",
    );
    let made = piped(&desk, &["--as", "jsonl"], lines);
    assert!(made.contains("\"t\":\"a\\u00e9\"") && !made.contains("Jo "), "{made}");
    assert_eq!(piped(&desk, &["--as", "jsonl", "--undo", "-"], &made), lines);
    desk.write(
        "contract.toml",
        "[[field]]\nat = \"line\"\nclass = \"secret\"\ntransform = \"token\"\n",
    );
    let text = "first\r\n\n  second \nthird";
    let made = piped(&desk, &["--as", "text"], text);
    assert!(made.starts_with("tok_secret_1_") && !made.contains("second"), "{made}");
    assert_eq!(piped(&desk, &["--as", "text", "--undo"], &made), text);
    assert_eq!(desk.run(&["-"]).status.code(), Some(64), "the form of a stream must be said");
}

fn piped(desk: &Desk, arguments: &[&str], input: &str) -> String {
    let mut child = casemate()
        .current_dir(desk.dir.path())
        .args(["--home", "home", "protect", "--quiet", "--contract", "contract.toml"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("ends");
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn what_does_not_fit_is_named_by_line_and_leaves_no_file() {
    let desk = Desk::new();
    let bad = "id,card,name,email\n1,4111111111111111,a,\n2,4111111111111112,b,\n";
    desk.write("bad.csv", bad);
    let said = desk.fails(&["bad.csv", "-o", "safe.csv"]);
    assert!(
        said.contains("error[E0302]") && said.contains("`bad.csv`: line 3: `csv:card`"),
        "{said}"
    );
    assert!(!said.contains("4111"), "{said}");
    assert!(!desk.is_there("safe.csv") && !desk.is_there("safe.csv.part"));
    desk.ok(&["orders.csv", "-o", "safe.csv"]);
    assert!(desk.fails(&["orders.csv", "-o", "safe.csv"]).contains("exists already"));
    let said = desk.fails(&["safe.csv", "-o", "twice.csv"]);
    assert!(said.contains("error[E0302]") || said.contains("error[E0304]"), "{said}");
}

#[test]
fn a_contract_that_cannot_be_used_is_named_by_line_or_field() {
    let desk = Desk::new();
    let fails = |contract: &str, arguments: &[&str]| {
        desk.write("contract.toml", contract);
        let mut all = vec!["orders.csv", "-o", "safe.csv"];
        all.extend(arguments);
        desk.fails(&all)
    };
    let said = fails("[[field]]\nat = \"csv:card\"\nclas = \"pan\"\n", &[]);
    assert!(said.contains("error[E0301]") && said.contains("`contract.toml`: line 3"), "{said}");
    let said = fails(&CONTRACT.replace("\"pan\"", "\"dog\""), &[]);
    assert!(said.contains("error[E0309]") && said.contains("classes = [\"dog\"]"), "{said}");
    let said = fails(&CONTRACT.replace("keep_first = 6", "keep_first = 8"), &[]);
    assert!(said.contains("error[E0303]") && said.contains("transform = \"token\""), "{said}");
    let said = fails(&CONTRACT.replace("\"token\"", "\"hash\""), &["--undo"]);
    assert!(said.contains("error[E0308]") && said.contains("--undo --partial"), "{said}");
    let said = fails(CONTRACT, &["--root-key-file", "missing.key"]);
    assert!(said.contains("error[E11") && said.contains("missing.key"), "{said}");
}

/// 64 MiB of rows go through, both ways, in a fraction of that.
#[test]
fn a_large_table_takes_little_memory() {
    let desk = Desk::new();
    let mut table = String::from("id,card,name,email,note\n");
    let note = "x".repeat(2000);
    while table.len() < 64 << 20 {
        let row = format!("{},4111111111111111,Jo,jo.smith@example.com,{note}\n", table.len());
        table.push_str(&row);
    }
    desk.write("large.csv", &table);
    for arguments in
        [&["large.csv", "-o", "safe.csv"][..], &["safe.csv", "--undo", "-o", "back.csv"]]
    {
        let mut command = casemate();
        command.current_dir(desk.dir.path()).args(["--home", "home", "protect", "--quiet"]);
        let mut child = command
            .args(["--contract", "contract.toml"])
            .args(arguments)
            .spawn()
            .expect("the binary starts");
        let mut peak = 0;
        let status = loop {
            peak = peak.max(own_kib(child.id()));
            if let Some(status) = child.try_wait().expect("a child") {
                break status;
            }
            std::thread::sleep(std::time::Duration::from_millis(2));
        };
        assert!(status.success(), "{arguments:?}");
        assert!((1..24 << 10).contains(&peak), "{peak} KiB of its own");
    }
    assert!(desk.read("back.csv") == table, "another table came back");
}

/// Memory of a process that is no page of a file, in KiB; 0 if it is gone.
fn own_kib(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}
