//! A database that a function reaches by TCP: PostgreSQL's own server, and a published driver.

use super::stage::{Package, lines, outcome, tell, until};
use crate::rig::{Node, PATIENCE};
use serde_json::json;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Who owns the database, if the test is root: PostgreSQL's server is never root's.
const NOBODY: u32 = 65534;
const PASSWORD: &str = "a password of the test's";

/// A server on a port of its own, ended with the test.
struct Postgres {
    child: Child,
    port: u16,
    _dir: tempfile::TempDir,
}

impl Postgres {
    fn start() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let (data, password) = (dir.path().join("data"), dir.path().join("password"));
        std::fs::write(&password, PASSWORD).expect("written");
        if is_root() {
            for path in [dir.path(), &password] {
                chown(path, Some(NOBODY), Some(NOBODY)).expect("given away");
            }
        }
        let made = program("initdb", dir.path())
            .args(["-U", "reader", "-A", "scram-sha-256", "--no-sync", "-D"])
            .arg(&data)
            .arg(format!("--pwfile={}", password.display()))
            .output()
            .expect("initdb runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let port = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
        let port = port.expect("a port").port();
        let child = program("postgres", dir.path())
            .args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-D"])
            .arg(&data)
            .args(["-p", &port.to_string(), "-k"])
            .arg(dir.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("postgres starts");
        let server = Self { child, port, _dir: dir };
        until("PostgreSQL does not listen", || {
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        server
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // SIGINT: it ends its connections and all of its processes.
        let _ended =
            Command::new("kill").args(["-s", "INT", &self.child.id().to_string()]).status();
        let _reaped = self.child.wait();
    }
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").expect("proc").uid() == 0
}

/// A program of PostgreSQL's, to be run by whoever may run it.
fn program(name: &str, directory: &Path) -> Command {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> =
        versions.map(|version| version.path().join("bin").join(name)).collect();
    found.retain(|path| path.exists());
    let path = found.pop().expect("PostgreSQL is missing: `cargo xtask test` installs it");
    let mut command = Command::new(path);
    command.current_dir(directory).env_clear().env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

/// A name server for which all names are this machine.
fn names() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let address = socket.local_addr().expect("an address");
    std::thread::spawn(move || {
        let mut bytes = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut bytes) {
            let _sent = socket.send_to(&answer(&bytes[..length]), from);
        }
    });
    address
}

/// The answer to a question: 127.0.0.1 for an A, nothing for anything else.
fn answer(question: &[u8]) -> Vec<u8> {
    // The name begins after the header, and ends with a label of no length.
    let name = 12 + question[12..].iter().position(|byte| *byte == 0).expect("a name") + 1;
    let is_a = question[name..name + 2] == [0, 1];
    let mut said = question[..2].to_vec();
    said.extend([0x81, 0x80, 0, 1, 0, u8::from(is_a), 0, 0, 0, 0]);
    said.extend(&question[12..name + 4]);
    if is_a {
        said.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
    }
    said
}

#[test]
fn a_function_asks_postgresql_by_a_granted_destination_and_no_other() {
    let database = Postgres::start();
    let package = Package::of(&["query/app.py"]).bring_python("pg8000");
    let port = database.port;
    package.manifest(&format!(
        "timeout = \"{}s\"\nmemory = \"256MiB\"\n\
         [function.native]\ncontract = \"lambda\"\ninterpreter = \"python3.11\"\n\
         handler = \"app.handler\"\n\
         [function.environment]\nPORT_OF_DB = \"{port}\"\nPASSWORD = \"{PASSWORD}\"\n\
         [function.allow]\ntcp = [\"db.internal:{port}\", \"elsewhere.internal:5432\"]\n",
        PATIENCE.as_secs()
    ));
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("casemate.conf");
    let configuration =
        format!("[outbound]\nnetworks = [\"127.0.0.0/8\"]\nresolvers = [\"{}\"]\n", names());
    std::fs::write(&file, configuration).expect("written");
    let node = Node::start_with(&["--config", file.to_str().expect("text")]);
    package.deploy_without_grants(&node);

    // What the manifest asks for is not enough.
    let denied = tell(&node, r#"{"sql":"select 1"}"#, &[]);
    assert!(denied.body["errorMessage"].is_string(), "{}", denied.body);
    let grant = format!("casemate grant function:f tcp db.internal:{port}");
    said(&node, &denied.invocation, &grant);
    node.ok(&["grant", "function:f", "tcp", &format!("db.internal:{port}")]);

    let sql = r#"{"sql":"select 6 * 7, current_user::text"}"#;
    let first = tell(&node, sql, &[]);
    assert_eq!(first.body["rows"], json!([[42, "reader"]]), "{}\n{}", first.body, node.said());
    assert_eq!(outcome(&node, &first.invocation), "ok");
    let record = node.record_of(&first.invocation, "running", false);
    let call = &record["calls"][0];
    assert_eq!(
        (&call["operation"], &call["decision"]),
        (&"tcp".into(), &"allowed".into()),
        "{record}"
    );
    assert!(call.to_string().contains(&format!("db.internal:{port}")), "{call}");

    // The connection lives as long as the process, which is the same.
    let second = tell(&node, sql, &[]);
    assert_eq!(second.body, first.body, "{}", node.said());

    // The other destination stays closed.
    let denied = tell(&node, "{}", &[]);
    assert!(denied.body["errorMessage"].is_string(), "{}", denied.body);
    said(&node, &denied.invocation, "casemate grant function:f tcp elsewhere.internal:5432");
    assert_eq!(tell(&node, sql, &[]).body["rows"], json!([[42, "reader"]]));
}

/// A line of an invocation's log.
fn said(node: &Node, id: &str, text: &str) {
    until("it was not told what to do", || lines(node, id).iter().any(|line| line.contains(text)));
}
