//! A node that a measurement runs: a home below `target/bench`, ports that the system chooses.
//!
//! Invariant: the node ends with its value, also when a measurement fails.

use super::Bench;
use super::http::{Client, Reply, Request};
use super::machine::Cores;
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How long a start may take.
const START: Duration = Duration::from_secs(120);
/// How long a drain may take.
const STOP: Duration = Duration::from_secs(45);
/// Where the functions of a measurement live.
const SCOPE: &str = "/v1/tenants/default/environments/main";

/// A directory for one measurement.
pub(super) struct Home(PathBuf);

/// A running node.
pub(super) struct Node {
    child: Child,
    /// The public listener, `HOST:PORT`.
    pub(super) gateway: String,
    /// The HTTPS listener, `HOST:PORT`; empty if there is none.
    pub(super) tls: String,
    admin: String,
    operator: String,
    /// From the start of the process to its ready line.
    pub(super) ready_after: Duration,
}

/// What a measurement wants to know of a function.
pub(super) struct Function<'a> {
    pub(super) name: &'a str,
    /// The component's digest, as [`Node::upload`] gives it.
    pub(super) digest: &'a str,
    pub(super) route: &'a str,
    /// `token` or `public`.
    pub(super) auth: &'a str,
    /// CPU time, such as `1s`.
    pub(super) cpu: &'a str,
}

impl Home {
    /// A new, empty one.
    pub(super) fn new(bench: &Bench, name: &str) -> Result<Self> {
        let path = bench.root.join(format!("target/bench/{name}-{}", std::process::id()));
        if path.exists() {
            std::fs::remove_dir_all(&path)?;
        }
        std::fs::create_dir_all(&path)
            .with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }

    /// Where it is; files of a measurement may lie there, too.
    pub(super) fn directory(&self) -> &Path {
        &self.0
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // What stays lies below `target`.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Node {
    /// Starts a node on `home` with the lines of `config`, and waits until it is ready.
    pub(super) fn start(bench: &Bench, home: &Home, config: &str) -> Result<Self> {
        Self::start_program(bench, &bench.casemate, home, config)
    }

    /// The same with another binary.
    pub(super) fn start_program(
        bench: &Bench,
        program: &Path,
        home: &Home,
        config: &str,
    ) -> Result<Self> {
        let directory = home.directory().join("home");
        let config_file = home.directory().join("casemate.conf");
        std::fs::write(&config_file, config)?;
        let log = File::create(home.directory().join("node.log"))?;
        let mut command = Cores::command(bench.cores.servers.as_deref(), program);
        command.args(["up", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
        command
            .args(["--format", "json", "--home"])
            .arg(&directory)
            .arg("--config")
            .arg(config_file);
        command.env("CASEMATE_LOG", "warn").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let begin = Instant::now();
        let mut child = command.spawn().context("casemate cannot be started")?;
        match ready_line(&mut child) {
            Ok(line) => Self::ready(child, &line, &directory, begin.elapsed()),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                let log =
                    std::fs::read_to_string(home.directory().join("node.log")).unwrap_or_default();
                Err(error.context(format!("the node did not become ready: {}", log.trim_end())))
            }
        }
    }

    fn ready(child: Child, line: &str, home: &Path, ready_after: Duration) -> Result<Self> {
        let said: Value =
            serde_json::from_str(line).with_context(|| format!("no ready line: {line}"))?;
        let address = |key: &str| {
            let url = said.get(key).and_then(Value::as_str).unwrap_or_default();
            let address = url.split_once("://").map_or(url, |(_, address)| address);
            address.trim_end_matches('/').to_owned()
        };
        let operator =
            std::fs::read_to_string(home.join("operator.token")).context("no operator token")?;
        Ok(Self {
            child,
            gateway: address("gateway"),
            tls: address("tls"),
            admin: address("admin"),
            operator: operator.trim().to_owned(),
            ready_after,
        })
    }

    /// The process.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// An operation of the admin API, below the scope.
    fn admin(&self, method: &str, path: &str, body: &[u8]) -> Result<Reply> {
        let path = format!("{SCOPE}{path}");
        let request = Request { method, path: &path, token: Some(&self.operator), body };
        let reply = Client::connect(&self.admin)?.send(&request)?;
        let text = String::from_utf8_lossy(&reply.body);
        ensure!((200..300).contains(&reply.status), "{method} {path}: {} {text}", reply.status);
        Ok(reply)
    }

    /// Hands a component in; gives back its digest.
    pub(super) fn upload(&self, component: &[u8]) -> Result<String> {
        let hex: String =
            Sha256::digest(component).iter().map(|byte| format!("{byte:02x}")).collect();
        let digest = format!("sha256:{hex}");
        self.admin("PUT", &format!("/artifacts/{digest}"), component)?;
        Ok(digest)
    }

    /// Deploys an application, with every grant that it asks for.
    pub(super) fn deploy(&self, application: &str, functions: &[Function<'_>]) -> Result<()> {
        self.deploy_with(application, functions, &json!({}))
    }

    /// The same, with more keys on each route.
    pub(super) fn deploy_with(
        &self,
        application: &str,
        functions: &[Function<'_>],
        route: &Value,
    ) -> Result<()> {
        let functions: Vec<Value> = functions.iter().map(|it| it.spec(route)).collect();
        self.deploy_specs(application, &functions)
    }

    /// The same, with functions as a manifest has them.
    pub(super) fn deploy_specs(&self, application: &str, functions: &[Value]) -> Result<()> {
        let manifest = json!({ "manifest": 1, "application": application, "function": functions });
        let body = json!({ "manifest": manifest, "grant": true }).to_string();
        self.admin("PUT", &format!("/applications/{application}"), body.as_bytes())?;
        Ok(())
    }

    /// How many calls wait in the queue or run, dead ones among them: none, or at least one.
    pub(super) fn waiting(&self) -> Result<usize> {
        let reply = self.admin("GET", "/queue?limit=1", b"")?;
        let page: Value = serde_json::from_slice(&reply.body)?;
        Ok(page.get("items").and_then(Value::as_array).context("the queue has no list")?.len())
    }

    /// Lets somebody call a function.
    pub(super) fn grant(&self, who: &str, function: &str) -> Result<()> {
        let grant = json!({ "who": who, "action": "invoke", "function": function });
        self.admin("POST", "/grants", grant.to_string().as_bytes()).map(drop)
    }

    /// A token that may invoke these functions.
    pub(super) fn token(&self, name: &str, invoke: &[&str]) -> Result<String> {
        let body = json!({ "name": name, "invoke": invoke }).to_string();
        let reply = self.admin("POST", "/tokens", body.as_bytes())?;
        let created: Value = serde_json::from_slice(&reply.body)?;
        let token = created.get("token").and_then(Value::as_str);
        Ok(token.context("the answer holds no token")?.to_owned())
    }

    /// Drains the node and waits for its end.
    pub(super) fn stop(mut self) -> Result<()> {
        signal(self.child.id(), "TERM")?;
        let begin = Instant::now();
        while begin.elapsed() < STOP {
            if let Some(status) = self.child.try_wait()? {
                ensure!(status.success(), "the node ended with {status}");
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        bail!("the node did not end within {} s", STOP.as_secs())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Function<'_> {
    fn spec(&self, more: &Value) -> Value {
        let mut route = more.clone();
        if let Some(keys) = route.as_object_mut() {
            keys.insert("route".to_owned(), self.route.into());
            keys.insert("auth".to_owned(), self.auth.into());
        }
        json!({
            "name": self.name, "digest": self.digest, "cpu": self.cpu, "http": [route],
        })
    }
}

/// Sends a signal to a process. The shell has `kill` built in on every machine.
fn signal(pid: u32, name: &str) -> Result<()> {
    crate::program::run(Command::new("sh").args(["-c", &format!("kill -{name} {pid}")]))
}

/// The first line of the node's output; the rest is read and dropped, so that it never blocks.
fn ready_line(child: &mut Child) -> Result<String> {
    let output = child.stdout.take().context("the node has no output")?;
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            // Only the first line has a reader.
            let _ = sender.send(line);
        }
    });
    receiver.recv_timeout(START).context("it said nothing")
}
