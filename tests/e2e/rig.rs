//! A node in a child process, a command line, and a small HTTP client that can misbehave.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The binary under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_casemate");

/// Runs a node whose listeners take whatever ports are free.
const UP: &str =
    "up --listen 127.0.0.1:0 --admin 127.0.0.1:0 --api 127.0.0.1:0 --format json --home";

/// How long anything may take before a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The repository.
pub(crate) fn repository() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.ancestors().nth(2).expect("crates/cli is two levels down").to_owned()
}

/// A guest that `cargo xtask guests` built.
pub(crate) fn guest(name: &str) -> PathBuf {
    let path = repository().join("target/guests/out").join(format!("{name}.wasm"));
    assert!(path.exists(), "{} is missing: run `cargo xtask guests --foreign`", path.display());
    path
}

/// An example component, as it is committed.
pub(crate) fn example(name: &str) -> PathBuf {
    repository().join("examples/prebuilt").join(format!("{name}.wasm"))
}

/// The binary with a clean environment.
pub(crate) fn casemate() -> Command {
    let mut command = Command::new(BINARY);
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", "/nonexistent")
        .envs(std::env::var_os("CASEMATE_ISOLATION").map(|how| ("CASEMATE_ISOLATION", how)))
        .stdin(Stdio::null());
    command
}

/// A running node. Killed when dropped.
pub(crate) struct Node {
    child: Child,
    home: PathBuf,
    pub(crate) gateway: SocketAddr,
    pub(crate) admin: SocketAddr,
    /// The listener for clients of AWS Lambda.
    pub(crate) api: SocketAddr,
    /// The HTTPS listener, if there is one.
    pub(crate) tls: Option<SocketAddr>,
    /// Who runs it and its commands, if it is not whoever runs the tests.
    pub(crate) user: Option<u32>,
    _dir: Option<tempfile::TempDir>,
}

impl Node {
    /// A node on a new home.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// A node on a new home with more arguments.
    pub(crate) fn start_with(arguments: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let home = dir.path().join("home");
        let mut node = Self::start_on(&home, arguments);
        node._dir = Some(dir);
        node
    }

    /// A node on this home, which may be an old one.
    pub(crate) fn start_on(home: &Path, arguments: &[&str]) -> Self {
        Self::try_start_on(home, arguments)
            .unwrap_or_else(|said| panic!("the node did not start: {said}"))
    }

    /// A node on this home, or what it said when it did not start.
    pub(crate) fn try_start_on(home: &Path, arguments: &[&str]) -> Result<Self, String> {
        Self::try_start_as(casemate(), home, arguments)
    }

    /// A node on this home, by a command that runs the binary, or what it said when it did not
    /// start.
    pub(crate) fn try_start_as(
        mut command: Command,
        home: &Path,
        arguments: &[&str],
    ) -> Result<Self, String> {
        let log = tempfile::tempfile().expect("a file");
        let mut child = command
            .args(UP.split(' '))
            .arg(home)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(log.try_clone().expect("a descriptor"))
            .spawn()
            .expect("the binary starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("piped");
        BufReader::new(stdout).read_line(&mut line).expect("readable");
        let Ok(ready) = serde_json::from_str::<Value>(&line) else {
            let status = child.wait().expect("ends");
            let mut said = String::new();
            let mut log = log;
            std::io::Seek::rewind(&mut log).expect("rewinds");
            log.read_to_string(&mut said).expect("text");
            return Err(format!("{status}: {line}{said}"));
        };
        let address = |key: &str| {
            let url = ready[key].as_str().expect(key);
            url.strip_prefix("http://").expect("http").parse().expect("an address")
        };
        Ok(Self {
            gateway: address("gateway"),
            admin: address("admin"),
            api: address("api"),
            tls: ready["tls"].as_str().map(|url| {
                url.strip_prefix("https://").expect("https").parse().expect("an address")
            }),
            child,
            home: home.to_owned(),
            user: None,
            _dir: None,
        })
    }

    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Runs a command against this node.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let mut command = casemate();
        if let Some(user) = self.user {
            std::os::unix::process::CommandExt::uid(&mut command, user).current_dir("/");
        }
        command.arg("--home").arg(&self.home).args(arguments).output().expect("the binary runs")
    }

    /// Runs a command that must succeed; gives its standard output.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        String::from_utf8(output.stdout).expect("text")
    }

    /// Runs a command that must succeed, and reads its JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let mut all = vec!["--format", "json"];
        all.extend(arguments);
        let text = self.ok(&all);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Runs a command that must fail; gives its exit code and its standard error.
    pub(crate) fn fails(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.run(arguments);
        assert!(!output.status.success(), "{arguments:?} succeeded");
        (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// Deploys a component with its default route, and makes a token for it.
    pub(crate) fn deploy(&self, component: &Path, name: &str) -> String {
        self.ok(&["deploy", component.to_str().expect("text"), "--name", name]);
        self.ok(&["token", "create", &format!("t-{name}"), "--invoke", name]).trim().to_owned()
    }

    /// Sends a GET with a token.
    pub(crate) fn get(&self, path: &str, token: Option<&str>) -> Reply {
        request(self.gateway, "GET", path, token, b"")
    }

    /// The records, newest first, waiting until there are at least `count`.
    pub(crate) fn records(&self, count: usize) -> Vec<Value> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let page = self.json(&["records", "-n", "1000"]);
            let items =
                page["items"].as_array().or_else(|| page.as_array()).expect("a list").clone();
            if items.len() >= count {
                return items;
            }
            assert!(Instant::now() < deadline, "only {} of {count} records", items.len());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends the node as a power cut would.
    pub(crate) fn kill(mut self) -> Option<tempfile::TempDir> {
        self.child.kill().expect("killable");
        self.child.wait().expect("ends");
        self._dir.take()
    }

    /// Asks the node to stop, and gives its exit code.
    pub(crate) fn stop(&mut self) -> Option<i32> {
        self.signal("TERM");
        self.wait()
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args(["-s", name, &self.pid().to_string()])
            .status()
            .expect("kill runs");
        assert!(status.success(), "kill -s {name}");
    }

    pub(crate) fn wait(&mut self) -> Option<i32> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("waitable") {
                return status.code();
            }
            assert!(Instant::now() < deadline, "the node does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// An HTTP reply.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The code of a problem document.
    pub(crate) fn code(&self) -> String {
        let problem: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        problem["code"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

/// Sends one request on a connection of its own.
pub(crate) fn request(
    to: SocketAddr,
    method: &str,
    path: &str,
    token: Option<&str>,
    body: &[u8],
) -> Reply {
    let authorization =
        token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    let length = if body.is_empty() && method == "GET" {
        String::new()
    } else {
        format!("content-length: {}\r\n", body.len())
    };
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{authorization}{length}\r\n"
    );
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(body);
    raw(to, &bytes)
}

/// Sends bytes as they are and reads until the other side closes.
pub(crate) fn raw(to: SocketAddr, bytes: &[u8]) -> Reply {
    parse(&exchange(to, bytes))
}

pub(crate) fn connect(to: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect_timeout(&to, PATIENCE).expect("connects");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    stream.set_write_timeout(Some(PATIENCE)).expect("a time-out");
    stream
}

/// Reads a whole reply from its bytes; `status` 0 if there is none.
pub(crate) fn parse(answer: &[u8]) -> Reply {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let Some(end) = end else {
        return Reply {
            status: 0,
            head: String::from_utf8_lossy(answer).into_owned(),
            body: Vec::new(),
        };
    };
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let rest = &answer[end + 4..];
    let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    let body = if chunked { unchunk(rest) } else { rest.to_vec() };
    Reply { status, head, body }
}

fn unchunk(mut bytes: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = bytes.windows(2).position(|two| two == b"\r\n") {
        let size =
            usize::from_str_radix(String::from_utf8_lossy(&bytes[..end]).trim(), 16).unwrap_or(0);
        let from = end + 2;
        if size == 0 || bytes.len() < from + size {
            body.extend_from_slice(
                bytes.get(from..).unwrap_or_default().get(..size).unwrap_or_default(),
            );
            break;
        }
        body.extend_from_slice(&bytes[from..from + size]);
        bytes = bytes.get(from + size + 2..).unwrap_or_default();
    }
    body
}

impl Node {
    /// What the node has said on standard error so far.
    pub(crate) fn said(&self) -> String {
        let path = format!("/proc/{}/fd/2", self.pid());
        String::from_utf8_lossy(&std::fs::read(path).expect("the node's log")).into_owned()
    }

    /// The operator's token.
    pub(crate) fn operator(&self) -> String {
        let token = std::fs::read_to_string(self.home.join("operator.token")).expect("a token");
        token.trim().to_owned()
    }

    /// The record of the invocation that a reply names, once it has ended.
    pub(crate) fn ended(&self, reply: &Reply) -> Value {
        let id = reply.header("casemate-invocation");
        self.record_of(id.unwrap_or_else(|| panic!("no invocation: {reply:?}")), "running", false)
    }

    /// The record of an invocation, once its outcome is (or is not) this one.
    pub(crate) fn record_of(&self, id: &str, outcome: &str, is: bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let record = self.json(&["record", id]);
            if (record["outcome"] == outcome) == is {
                return record;
            }
            assert!(Instant::now() < deadline, "not {outcome}, {is}: {record}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The newest 1000 log lines of one invocation.
    pub(crate) fn lines_of(&self, id: &str) -> Vec<Value> {
        let all = ["--format", "json", "logs", "-n", "1000", "--invocation", id];
        let text = self.ok(&all);
        text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    /// Writes a manifest and the components that it names into a directory, and runs `deploy`.
    pub(crate) fn deploy_manifest(&self, manifest: &str, components: &[(&str, &Path)]) -> Output {
        let dir = tempfile::tempdir().expect("a directory");
        for (name, component) in components {
            std::fs::copy(component, dir.path().join(name)).expect(name);
        }
        std::fs::write(dir.path().join("casemate.toml"), manifest).expect("written");
        self.run(&["deploy", dir.path().to_str().expect("text")])
    }
}

/// Sends bytes as they are, and gives every byte until the other side closes or resets.
pub(crate) fn exchange(to: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = connect(to);
    // The other side may answer and close before it has read everything.
    let _all_or_part = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _end_or_reset = stream.read_to_end(&mut answer);
    answer
}
